"""What the schema means in pandas and in Arrow."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pandas.api.extensions import ExtensionDtype

from wsanalyze.tables.declaration import Column, Kind, Table
from wsanalyze.tables.schema import SEVERITIES

# What numpy and pandas keep in place of a missing time.
NOT_A_TIME = -(1 << 63)

_ARROW: dict[Kind, pa.DataType] = {
    Kind.INT: pa.int64(),
    Kind.NULLABLE_INT: pa.int64(),
    Kind.PORT: pa.uint16(),
    Kind.BYTE: pa.uint8(),
    Kind.UNSIGNED: pa.uint64(),
    Kind.FLOAT: pa.float64(),
    Kind.BOOL: pa.bool_(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.STRING: pa.large_string(),
    Kind.TIME: pa.timestamp("ns", "UTC"),
    Kind.LIST: pa.list_(pa.string()),
}


def pandas_dtype(column: Column) -> ExtensionDtype | str:
    """Return the dtype of a column in a DataFrame; lists are objects."""
    if column.kind is Kind.CATEGORY:
        return _category_dtype(column)
    if column.kind is Kind.STRING:
        return pd.StringDtype()
    return "object" if column.kind is Kind.LIST else column.kind.value


def _category_dtype(column: Column) -> pd.CategoricalDtype[Any]:
    # Severities can be compared: `findings.severity >= "warning"`.
    return pd.CategoricalDtype(list(column.categories), ordered=column.categories == SEVERITIES)


def arrow_schema(table: Table) -> pa.Schema:
    """Return the Arrow schema of a table."""
    return pa.schema([(column.name, _arrow_type(column)) for column in table.columns])


def _arrow_type(column: Column) -> pa.DataType:
    if column.kind is Kind.CATEGORY:
        return pa.dictionary(pa.int8(), pa.string(), ordered=column.categories == SEVERITIES)
    return _ARROW[column.kind]


def empty(table: Table) -> pd.DataFrame:
    """Return the table without rows, with all its dtypes."""
    return frame(table, {column.name: [] for column in table.columns})


def frame(table: Table, columns: dict[str, Any]) -> pd.DataFrame:
    """Return a DataFrame of exactly the dtypes and the order of `table`.

    `columns` gives each column's cells: an array that has its dtype already, or anything that
    converts to it (time: integer ns or None).
    """
    return pd.DataFrame(
        {column.name: series(column, columns[column.name]) for column in table.columns},
        copy=False,
    )


def series(column: Column, cells: Any) -> pd.Series[Any]:
    """Return the cells as a Series of the column's dtype; text without lone surrogates."""
    if column.kind is Kind.TIME:
        return times(cells)
    dtype = pandas_dtype(column)
    if isinstance(cells, list) and column.kind in (Kind.STRING, Kind.LIST):
        cells = [encodable(cell) for cell in cells]
    if isinstance(cells, list) and column.kind is Kind.CATEGORY:
        # What a stranger sent may be none of the few: `missing` says so.
        cells = [cell if cell in column.categories else None for cell in cells]
    return pd.Series(cells, dtype=dtype, copy=False)


def times(cells: Any) -> pd.Series[Any]:
    """Return integer nanoseconds (None: NaT) as UTC times of nanosecond resolution."""
    if isinstance(cells, list):
        cells = [NOT_A_TIME if cell is None else cell for cell in cells]
    moments = np.asarray(cells, dtype=np.int64).view("datetime64[ns]")
    return pd.Series(pd.DatetimeIndex(moments).tz_localize("UTC"))


def coded(column: Column, codes: npt.ArrayLike) -> pd.Categorical[Any]:
    """Return small integers as the cells of a category column; -1 is NA."""
    cells = np.asarray(codes, dtype=np.int8)
    return pd.Categorical.from_codes(cells, dtype=_category_dtype(column))


def encodable(cell: Any) -> Any:
    """Return text (or a list of texts) that UTF-8 can hold: a lone surrogate becomes `\\udc80`.

    Text from the wire has none; a file name that is not UTF-8 has.
    """
    if isinstance(cell, list):
        return [encodable(item) for item in cell]
    if isinstance(cell, str) and not cell.isascii():
        return cell.encode("utf-8", "backslashreplace").decode("utf-8")
    return cell
