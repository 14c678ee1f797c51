"""Numbers of rows against plain sorting."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tables.recordings import connection, frame, message, messages, recording
from wsanalyze.tables.numbering import connection_numbers, message_numbers, order

PLACES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, 9)), max_size=30)
NUMBERS = np.array([2, 0, 1, 3])


@given(PLACES)
def test_order(places: list[tuple[int, int, int]]) -> None:
    names = ("connection", "ordinal", "offset")
    columns = {
        name: np.array([place[index] for place in places], dtype=np.int64)
        for index, name in enumerate(names)
    }
    found = order(columns, NUMBERS)
    expected = sorted(
        range(len(places)), key=lambda row: (NUMBERS[places[row][0]], *places[row][1:], row)
    )
    assert found.rows.tolist() == expected
    counts = [0] * 4
    for connection_number, number in zip(found.connection, found.number, strict=True):
        assert number == counts[connection_number]
        counts[connection_number] += 1


def test_connection_numbers_by_serial() -> None:
    record = recording([connection(serial, requested_ordinal=9 - serial) for serial in range(3)])
    assert connection_numbers(record).tolist() == [2, 1, 0]


@given(st.permutations(range(6)), st.lists(st.integers(0, 1), min_size=6, max_size=6))
def test_message_numbers_do_not_depend_on_keeping_messages(
    ordinals: list[int], owners: list[int]
) -> None:
    rows = [{"connection": owners[each], "ordinal": ordinals[each]} for each in range(6)]
    frames = [frame(message=serial, **row) for serial, row in enumerate(rows)]
    texts = messages([message(**row) for row in rows])
    record = recording([connection(0), connection(1)], frames, texts)
    numbers = connection_numbers(record)
    assert record.frames is not None
    place = order(record.frames.arrays(), numbers)
    kept = message_numbers(record, numbers, place).tolist()
    record.messages = None
    assert message_numbers(record, numbers, place).tolist() == kept
