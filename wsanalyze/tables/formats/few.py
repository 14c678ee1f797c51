"""Cells of few rows as text, without Arrow's functions: importing those takes longer than that.

Tests hold what comes out against what Arrow's functions make of the same rows.
"""

from __future__ import annotations

import pyarrow as pa

from wsanalyze.tables.declaration import Column, Kind, Table
from wsanalyze.tables.formats.cells import time_texts

# Rows from which on Arrow's functions are faster, import and all.
FEW = 500


def are_few(table: Table, batch: pa.RecordBatch) -> bool:
    """Say whether rows are few, and have no floats, which Arrow writes in its own way."""
    return batch.num_rows <= FEW and all(each.kind is not Kind.FLOAT for each in table.columns)


def few_texts(column: Column, cells: pa.Array) -> list[str | None]:
    """Return the cells of any column but lists and floats as text, NA as None."""
    if column.kind is Kind.TIME:
        cells = time_texts(cells)
    values = cells.to_pylist()
    if column.kind in (Kind.BOOL, Kind.BOOLEAN):
        return [None if value is None else "true" if value else "false" for value in values]
    return [None if value is None else str(value) for value in values]
