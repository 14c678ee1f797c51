"""Blocks put together of runs are all rows, sorted, however they were divided."""

from __future__ import annotations

from contextlib import closing
from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.tables.runs import HeldRun, Run, blocks, numbered
from wsanalyze.tables.shelf import Spool, StoredRun

NUMBERS = np.array([2, 0, 3, 1])
# Runs of rows: connection, ordinal, offset.
RUNS = st.lists(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 30), st.integers(0, 5)), min_size=1, max_size=12
    ),
    max_size=6,
)


def columns(rows: list[tuple[int, int, int]], first: int = 0) -> dict[str, Any]:
    """Return rows as full columns; `place` numbers them."""
    connection, ordinal, offset = np.array(rows, dtype=np.int64).T
    place = np.arange(first, first + len(rows), dtype=np.int32)
    return {"connection": connection, "ordinal": ordinal, "offset": offset, "place": place}


@pytest.mark.parametrize("stored", [False, True])
@given(RUNS, st.integers(1, 20))
def test_every_row_in_order(
    stored: bool, rows: list[list[tuple[int, int, int]]], size: int
) -> None:
    with closing(Spool()) as spool:
        runs: list[Run] = []
        for each in rows:
            held = HeldRun.of(columns(each), "connection")
            runs.append(StoredRun(held.columns, "connection", spool) if stored else held)
        found = []
        for owner, block in blocks(runs, numbered(runs, NUMBERS), size):
            assert NUMBERS[block["connection"]].tolist() == owner.tolist()
            found += zip(owner.tolist(), block["ordinal"], block["offset"], strict=True)
    expected = [(NUMBERS[connection], *rest) for each in rows for connection, *rest in each]
    assert found == sorted(expected)


def test_blocks_are_of_whole_connections_and_of_about_the_size() -> None:
    rows = [(connection, place, 0) for place in range(10) for connection in range(4)]
    runs: list[Run] = [
        HeldRun.of(columns(rows[at : at + 8]), "connection") for at in (0, 8, 16, 24, 32)
    ]
    owners = [set(owner.tolist()) for owner, _ in blocks(runs, numbered(runs, NUMBERS), 20)]
    assert owners == [{0, 1}, {2, 3}]


def test_a_long_connection_comes_in_parts() -> None:
    rows = [(0, place, 0) for place in range(100)]
    # Every tenth row was complete late, in the last run.
    late = [row for row in rows if row[1] % 10 == 0]
    soon = [row for row in rows if row[1] % 10]
    runs: list[Run] = [
        HeldRun.of(columns(part), "connection") for part in (soon[:45], soon[45:], late)
    ]
    parts = [block["ordinal"].tolist() for _, block in blocks(runs, numbered(runs, NUMBERS), 10)]
    assert [*chain(*parts)] == list(range(100))
    assert max(map(len, parts)) <= 20


def test_no_rows() -> None:
    assert list(blocks([], numbered([], NUMBERS))) == []


def test_a_run_without_digests_joins_one_that_has_some() -> None:
    """Messages of which none is whole, beside others that are."""
    found = []
    for serial, digests in ((-1, bytearray()), (0, bytearray(range(32)))):
        filled = columns([(0, len(found), 0)]) | {
            "digest": np.array([serial]),
            "payload_start": np.array([0]),
            "payload_stop": np.array([0]),
            "digests": digests,
            "payloads": bytearray(),
        }
        found.append(HeldRun.of(filled, "connection"))
    assert [run.columns["digest"].shape for run in found] == [(1, 32), (1, 32)]
    assert [run.columns["hashed"].tolist() for run in found] == [[False], [True]]
    rows = [block for _, block in blocks(found, numbered(found, NUMBERS))]
    assert sum(len(block["digest"]) for block in rows) == 2
