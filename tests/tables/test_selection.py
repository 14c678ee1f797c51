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
    assert selection.table("connections")["connection"].tolist() == [1, 3]
    assert selection.table("frames")["connection"].tolist() == [1, 3]
    assert selection.table("frames").index.tolist() == [0, 1]
    assert len(selection.table("summary")) == 1
    assert selection.table("frames").dtypes.equals(Tables(RECORD).frames.dtypes)
