"""Parquet: every column with its own type, categories, times in ns and UTC, real lists.

`pandas.read_parquet` gives back the DataFrame with the same dtypes (of a table without rows all but
the names of its categories, which Parquet keeps with the rows).
"""

from __future__ import annotations

from typing import BinaryIO

import pandas as pd
import pyarrow.parquet as pq

from wsanalyze.tables.declaration import Table
from wsanalyze.tables.formats.cells import slices

# Rows of a row group: readers skip by row group, and each costs some 10 KB of metadata.
ROW_GROUP = 1_000_000


def write(table: Table, rows: pd.DataFrame, sink: BinaryIO) -> None:
    """Write the table to an open binary file, compressed with zstd."""
    parts = slices(table, rows, ROW_GROUP)
    first = next(parts)
    with pq.ParquetWriter(sink, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part)
