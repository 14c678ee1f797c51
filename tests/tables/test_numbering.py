"""Numbers of rows against plain counting."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tables.recordings import connection, recording
from wsanalyze.tables.numbering import Carry, connection_numbers, message_numbers, order, places

PLACES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, 9)), max_size=30)
NUMBERS = np.array([2, 0, 1, 3])

# Connection, sender, opcode, whether it belongs to a message.
FRAMES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 1), st.sampled_from((0, 1, 2, 8)), st.booleans()),
    max_size=30,
)


@given(PLACES)
def test_order(rows: list[tuple[int, int, int]]) -> None:
    names = ("connection", "ordinal", "offset")
    columns = {
        name: np.array([row[index] for row in rows], dtype=np.int64)
        for index, name in enumerate(names)
    }
    found = order(columns, NUMBERS)
    expected = sorted(range(len(rows)), key=lambda row: (NUMBERS[rows[row][0]], *rows[row][1:]))
    assert found.rows.tolist() == expected
    assert found.connection.tolist() == [NUMBERS[rows[row][0]] for row in expected]


@given(st.lists(st.integers(0, 3)), st.lists(st.integers(0, 20)))
def test_places_go_on_from_block_to_block(owners: list[int], cuts: list[int]) -> None:
    owners.sort()
    seen: Counter[int] = Counter()
    expected = []
    for owner in owners:
        expected.append(seen[owner])
        seen[owner] += 1
    carry = Carry()
    found: list[int] = []
    for start, stop in blocks(cuts, len(owners)):
        found += places(np.array(owners[start:stop], dtype=np.int64), carry).tolist()
        carry.connection = owners[stop - 1]
    assert found == expected


def test_connection_numbers_by_serial() -> None:
    record = recording([connection(serial, requested_ordinal=9 - serial) for serial in range(3)])
    assert connection_numbers(record).tolist() == [2, 1, 0]


@given(FRAMES, st.lists(st.integers(0, 30)))
def test_frames_name_their_messages(
    rows: list[tuple[int, int, int, bool]], cuts: list[int]
) -> None:
    rows.sort(key=lambda row: row[0])
    begun: Counter[int] = Counter()
    latest: dict[tuple[int, int], int] = {}
    expected = []
    cells = []
    for owner, sender, opcode, wanted in rows:
        # As sessions have it: what begins a message belongs to it, a continuation of nothing not.
        belongs = opcode in (1, 2) or (opcode == 0 and wanted and (owner, sender) in latest)
        if opcode in (1, 2):
            latest[owner, sender] = begun[owner]
            begun[owner] += 1
        expected.append(latest[owner, sender] if belongs else -1)
        cells.append((owner, sender, opcode, 0 if belongs else -1))
    carry = Carry()
    found: list[int] = []
    for start, stop in blocks(cuts, len(rows)):
        owner, sender, head, message = np.array(cells[start:stop], dtype=np.int64).T
        columns = {"sender": sender, "head": head, "message": message}
        found += message_numbers(owner, columns, carry).tolist()
    assert found == expected


def blocks(cuts: list[int], count: int) -> list[tuple[int, int]]:
    """Return from where to where blocks go that are cut at those places."""
    borders = sorted({0, count, *(cut for cut in cuts if cut < count)})
    return [*pairwise(borders)]
