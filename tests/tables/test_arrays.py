"""Arrays made of memory are those that Arrow makes of the same cells."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.tables.arrays import TYPES, literal, of_list, of_texts, plain, presence, times
from wsanalyze.tables.declaration import Column, Kind
from wsanalyze.tables.schema import CONNECTIONS, FRAMES

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
CELLS = {
    Kind.INT: st.integers(-(2**63), 2**63 - 1),
    Kind.NULLABLE_INT: st.integers(-(2**63), 2**63 - 1),
    Kind.PORT: st.integers(0, 2**16 - 1),
    Kind.BYTE: st.integers(0, 255),
    Kind.UNSIGNED: st.integers(0, 2**64 - 1),
    Kind.FLOAT: st.floats(allow_nan=False),
    Kind.BOOL: st.booleans(),
    Kind.BOOLEAN: st.booleans(),
    Kind.STRING: TEXTS,
    Kind.TIME: st.integers(-(2**63) + 1, 2**63 - 1),
    Kind.LIST: st.lists(TEXTS),
}


def column(kind: Kind) -> Column:
    """Return some column of that kind."""
    return next(each for each in (*CONNECTIONS.columns, *FRAMES.columns) if each.kind is kind)


@pytest.mark.parametrize("kind", [each for each in Kind if each is not Kind.CATEGORY])
def test_every_kind_has_cells_here(kind: Kind) -> None:
    assert kind in CELLS


@pytest.mark.parametrize("kind", CELLS)
@given(data=st.data())
def test_plain_cells(kind: Kind, data: st.DataObject) -> None:
    cells: list[Any] = data.draw(st.lists(st.none() | CELLS[kind]))
    found = of_list(column(kind), cells)
    found.validate(full=True)
    assert found.equals(pa.array(cells, TYPES[kind]))
    assert presence(found).tolist() == [cell is not None for cell in cells]


@pytest.mark.parametrize("kind", [Kind.PORT, Kind.BYTE, Kind.INT])
def test_a_number_that_does_not_fit_is_an_error_never_another_number(kind: Kind) -> None:
    with pytest.raises(OverflowError):
        of_list(column(kind), [1, 2**64])


@given(st.lists(st.tuples(st.integers(-(2**15), 2**15 - 1), st.booleans())))
def test_numbers_of_numpy(cells: list[tuple[int, bool]]) -> None:
    values = np.array([value for value, _ in cells], dtype=np.int16)
    missing = np.array([is_missing for _, is_missing in cells], dtype=np.bool_)
    for found, expected in (
        (plain(values), pa.array(values)),
        (plain(values, missing), pa.array(values, mask=missing)),
        (plain(missing), pa.array(missing)),
        (plain(values > 0, missing), pa.array(values > 0, mask=missing)),
        (times(values), pa.array(values.astype(np.int64), TYPES[Kind.TIME])),
    ):
        found.validate(full=True)
        assert found.equals(expected)


def test_every_other_number_of_an_array() -> None:
    assert plain(np.arange(6)[::2]).to_pylist() == [0, 2, 4]


@given(st.lists(st.none() | TEXTS), st.integers(0, 9))
def test_presence_in_a_slice(cells: list[str | None], start: int) -> None:
    found = presence(of_texts(cells).slice(start))
    assert found.tolist() == [cell is not None for cell in cells[start:]]


def test_nothing_is_not_a_number() -> None:
    found = of_list(column(Kind.FLOAT), [math.nan, None, math.inf])
    assert presence(found).tolist() == [True, False, True]


def test_literal() -> None:
    assert literal("né").equals(pa.scalar("né", pa.large_string()))
