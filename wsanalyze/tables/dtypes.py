"""What the schema means in pandas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.extensions import ExtensionDtype

from wsanalyze.tables.arrays import arrow_schema, is_ordered
from wsanalyze.tables.declaration import Column, Kind, Table

# What numpy and pandas keep in place of a missing time.
NOT_A_TIME = -(1 << 63)
_NULLABLE = (Kind.NULLABLE_INT, Kind.PORT, Kind.UNSIGNED)


def pandas_dtype(column: Column) -> ExtensionDtype | str:
    """Return the dtype of a column in a DataFrame; lists are objects."""
    if column.kind is Kind.CATEGORY:
        return pd.CategoricalDtype(list(column.categories), ordered=is_ordered(column))
    if column.kind is Kind.STRING:
        return pd.StringDtype()
    return "object" if column.kind is Kind.LIST else column.kind.value


def empty(table: Table) -> pd.DataFrame:
    """Return the table without rows, with all its dtypes."""
    return frame(table, [])


def frame(table: Table, batches: Iterable[pa.RecordBatch]) -> pd.DataFrame:
    """Return rows as a DataFrame of exactly the dtypes and the order of `table`."""
    rows = pa.Table.from_batches(list(batches), arrow_schema(table))
    return pd.DataFrame(
        {each.name: series(each, rows.column(each.name)) for each in table.columns}, copy=False
    )


def series(column: Column, cells: pa.ChunkedArray) -> pd.Series[Any]:
    """Return the cells as a Series of the column's dtype, that can be written to."""
    kind = column.kind
    dtype: Any = pandas_dtype(column)
    if kind is Kind.STRING:
        return pd.Series(pd.array(_one(cells), dtype=dtype))
    if kind is Kind.LIST:
        return pd.Series(cells.to_pylist(), dtype="object")
    if kind is Kind.CATEGORY:
        codes = _values(pa.chunked_array([each.indices for each in cells.chunks], pa.int8()), -1)
        return pd.Series(pd.Categorical.from_codes(codes, dtype=dtype), copy=False)
    if kind is Kind.TIME:
        moments = _values(cells.cast(pa.int64()), NOT_A_TIME).view("datetime64[ns]")
        return pd.Series(pd.DatetimeIndex(moments).tz_localize("UTC"), copy=False)
    if kind is Kind.FLOAT:
        return pd.Series(_values(cells, np.nan), copy=False)
    if kind is Kind.BOOLEAN:
        missing = _missing(cells)
        return pd.Series(pd.arrays.BooleanArray(_values(cells, False), missing), copy=False)
    if kind in _NULLABLE:
        return pd.Series(pd.arrays.IntegerArray(_values(cells, 0), _missing(cells)), copy=False)
    numbers: pd.Series[Any] = pd.Series(_values(cells, 0), dtype=dtype, copy=False)
    return numbers


def _one(cells: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(cells.chunks) if cells.num_chunks else pa.array([], cells.type)


def _values(cells: pa.ChunkedArray, missing: Any) -> Any:
    """Return the cells as a numpy array of its own, `missing` in place of nulls."""
    chunks = [each.fill_null(missing) if each.null_count else each for each in cells.chunks]
    none = pa.array([], cells.type)
    return np.concatenate([each.to_numpy(zero_copy_only=False) for each in (none, *chunks)])


def _missing(cells: pa.ChunkedArray) -> Any:
    return np.array(_one(cells).is_null().to_numpy(zero_copy_only=False))
