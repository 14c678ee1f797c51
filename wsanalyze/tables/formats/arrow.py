"""Arrow IPC: a file where it can be sought in, a stream where it cannot (standard output)."""

from __future__ import annotations

from typing import BinaryIO

import pandas as pd
import pyarrow as pa

from wsanalyze.tables.declaration import Table
from wsanalyze.tables.formats.cells import slices


def write(table: Table, rows: pd.DataFrame, sink: BinaryIO, *, stream: bool = False) -> None:
    """Write the table to an open binary file, in the file format or as a `stream`."""
    parts = slices(table, rows)
    first = next(parts)
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(sink, first.schema) as writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part)
