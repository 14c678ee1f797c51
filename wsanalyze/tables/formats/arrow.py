"""Arrow IPC: a file where it can be sought in, a stream where it cannot (standard output)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

import pyarrow as pa

from wsanalyze.tables.arrays import arrow_schema
from wsanalyze.tables.declaration import Table
from wsanalyze.tables.formats.ahead import ahead


def write(
    table: Table, rows: Iterable[pa.RecordBatch], sink: BinaryIO, *, stream: bool = False
) -> None:
    """Write the table to an open binary file, in the file format or as a `stream`."""
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(sink, arrow_schema(table)) as writer:
        for batch in ahead(rows):
            writer.write_batch(batch)
