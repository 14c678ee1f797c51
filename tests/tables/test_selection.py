"""Which connections were asked for, and their rows of every table."""

from __future__ import annotations

import pytest

from tables.recordings import connection, frame, recording
from wsanalyze.tables.build import Tables
from wsanalyze.tables.selection import Selection, chosen

RECORD = recording(
    [connection(serial) for serial in range(4)],
    [frame(connection=serial, ordinal=serial) for serial in range(4)],
)


@pytest.mark.parametrize(
    ("numbers", "where", "expected"),
    [
        ((), None, None),
        ((1, 9), None, {1}),
        ((), "client_port > 50001", {2, 3}),
        ((0, 3), "client_port > 50001", {3}),
        ((), "status == 1", set()),
    ],
)
def test_chosen(numbers: tuple[int, ...], where: str | None, expected: set[int] | None) -> None:
    assert chosen(RECORD, numbers, where) == expected


def test_rows_keep_their_numbers() -> None:
    selection = Selection(Tables(RECORD), {3, 1})

    def rows(name: str) -> list[dict[str, object]]:
        return [row for batch in selection.batches(name) for row in batch.to_pylist()]

    assert [row["connection"] for row in rows("connections")] == [1, 3]
    whole = [row for batch in Tables(RECORD).batches("frames") for row in batch.to_pylist()]
    assert rows("frames") == [whole[1], whole[3]]
    assert len(rows("summary")) == 1
