"""Columns of a table as the text formats write them, a slice of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from wsanalyze.tables.declaration import Column, Kind, Table
from wsanalyze.tables.dtypes import arrow_schema
from wsanalyze.tables.fixed_width import iso_times, text_array

# Rows converted at once: enough that the work per slice does not count, few enough that a slice of
# any table stays within some 100 MB.
SLICE = 100_000

TEXT = pa.large_string()


def slices(table: Table, rows: pd.DataFrame, size: int = SLICE) -> Iterator[pa.Table]:
    """Yield the rows as Arrow tables of at most `size` rows; one without rows if there are none."""
    schema = arrow_schema(table)
    for start in range(0, max(len(rows), 1), size):
        part = rows.iloc[start : start + size]
        yield pa.Table.from_pandas(part, schema=schema, preserve_index=False).combine_chunks()


def array_of(part: pa.Table, column: Column) -> pa.Array:
    """Return a column of a slice as one array."""
    chunks = part.column(column.name)
    return chunks.chunk(0) if chunks.num_chunks else pa.array([], chunks.type)


def time_texts(times: pa.Array) -> pa.Array:
    """Return times as ISO 8601 with nine decimals and `Z`; null stays null."""
    present = times.is_valid().to_numpy(zero_copy_only=False)
    numbers = times.cast(pa.int64()).fill_null(0).to_numpy()
    return text_array(iso_times(np.asarray(numbers)), None if present.all() else present)


def texts(column: Column, cells: pa.Array) -> pa.Array:
    """Return the cells of any column but a list as text; null stays null."""
    if column.kind is Kind.TIME:
        return time_texts(cells)
    if column.kind is Kind.CATEGORY:
        cells = cells.dictionary_decode()
    return cells.cast(TEXT)


def plain(column: Column, cells: pa.Array) -> list[Any]:
    """Return the cells as plain Python values, times as ISO text, NA as None."""
    if column.kind is Kind.TIME:
        cells = time_texts(cells)
    values: list[Any] = cells.to_pylist()
    return values


def write_joined(lines: pa.Array, sink: Any) -> None:
    """Write the texts of an array without nulls one behind the other."""
    _, offsets, data = lines.buffers()
    if data is None or not len(lines):
        return
    ends = np.frombuffer(offsets, dtype=np.int64)
    start, stop = ends[lines.offset], ends[lines.offset + len(lines)]
    sink.write(memoryview(data)[start:stop])
