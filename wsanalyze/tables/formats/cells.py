"""Columns of a table as the text formats write them, some rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from wsanalyze.tables.arrays import presence
from wsanalyze.tables.declaration import Column, Kind
from wsanalyze.tables.fixed_width import iso_times, text_array

# Rows converted at once: enough that the work per slice does not count, few enough that a slice of
# most tables stays in the processor's caches.
SLICE = 1 << 15

TEXT = pa.large_string()


def slices(batches: Iterable[pa.RecordBatch], size: int = SLICE) -> Iterator[pa.RecordBatch]:
    """Yield the same rows in batches of at most `size`."""
    for batch in batches:
        for start in range(0, batch.num_rows, size):
            yield batch.slice(start, size)


def time_texts(times: pa.Array) -> pa.Array:
    """Return times as ISO 8601 with nine decimals and `Z`; null stays null."""
    present = presence(times)
    memory = np.frombuffer(times.buffers()[1] or b"", dtype=np.int64)
    numbers = np.where(present, memory[times.offset : times.offset + len(times)], 0)
    return text_array(iso_times(numbers), None if present.all() else present)


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
