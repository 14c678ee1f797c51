"""Cells become exactly the dtypes of the schema."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.tables.arrays import coded, encodable, of_list
from wsanalyze.tables.declaration import Column
from wsanalyze.tables.dtypes import series as of_arrow
from wsanalyze.tables.schema import CONNECTIONS, FINDINGS, FRAMES


def series(column: Column, cells: list[Any]) -> pd.Series[Any]:
    """Return plain cells as a column of a DataFrame."""
    return of_arrow(column, pa.chunked_array([of_list(column, cells)]))


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain", "plain"),
        ("né😀", "né😀"),
        ("a\udc80b\ud800", "a\\udc80b\\ud800"),
        (None, None),
        (["a\udc80", "b"], ["a\\udc80", "b"]),
    ],
)
def test_encodable(text: object, safe: object) -> None:
    assert encodable(text) == safe


@given(st.lists(st.none() | st.integers(-(2**63) + 1, 2**63 - 1)))
def test_times_are_exact(cells: list[int | None]) -> None:
    found = series(FRAMES.column("time"), cells)
    assert str(found.dtype) == "datetime64[ns, UTC]"
    assert [None if each is pd.NaT else each.value for each in found] == cells


def test_what_is_no_category_is_na() -> None:
    found = series(CONNECTIONS.column("version"), ["13", "99", None, "hixie-76"])
    assert found.isna().tolist() == [False, True, True, False]


def test_codes() -> None:
    assert coded(FRAMES.column("sender"), [0, 1, -1]).to_pylist() == ["client", "server", None]


def test_severities_can_be_compared() -> None:
    found = series(FINDINGS.column("severity"), ["info", "warning", "error"])
    assert (found >= "warning").tolist() == [False, True, True]
