"""Hex digits and ISO times made without a loop are those made with one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.tables.fixed_width import hexadecimal, iso_times, text_array
from wsanalyze.tables.rows import iso


@given(st.lists(st.binary(min_size=4, max_size=4)))
def test_hexadecimal(cells: list[bytes]) -> None:
    matrix = np.frombuffer(b"".join(cells), dtype=np.uint8).reshape(-1, 4)
    assert text_array(hexadecimal(matrix)).to_pylist() == [cell.hex() for cell in cells]


@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1)))
def test_iso_times(times: list[int]) -> None:
    texts = text_array(iso_times(np.array(times, dtype=np.int64))).to_pylist()
    assert texts == [iso(time) for time in times]


def test_iso_times_of_neighbours() -> None:
    times = [0, 1, 999_999_999, 1_000_000_000, 5, -1]
    assert text_array(iso_times(np.array(times))).to_pylist() == [
        "1970-01-01T00:00:00.000000000Z",
        "1970-01-01T00:00:00.000000001Z",
        "1970-01-01T00:00:00.999999999Z",
        "1970-01-01T00:00:01.000000000Z",
        "1970-01-01T00:00:00.000000005Z",
        "1969-12-31T23:59:59.999999999Z",
    ]


@given(st.lists(st.booleans()))
def test_absent_cells_are_null(present: list[bool]) -> None:
    matrix = np.full((len(present), 2), ord("x"), dtype=np.uint8)
    texts = text_array(matrix, np.array(present, dtype=bool)).to_pylist()
    assert texts == ["xx" if there else None for there in present]
