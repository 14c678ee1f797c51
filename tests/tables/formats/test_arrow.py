"""Arrow IPC, as a file and as a stream."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tables.formats.samples import HOSTILE, full, headers, written
from wsanalyze.tables.arrays import arrow_schema
from wsanalyze.tables.schema import TABLES


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("stream", [False, True])
def test_schema_and_rows(table: str, stream: bool) -> None:
    rows = full().table(table)
    data = written("arrow", table, rows, stream=stream)
    opened = pa.ipc.open_stream(data) if stream else pa.ipc.open_file(data)
    read = opened.read_all()
    assert read.schema.equals(arrow_schema(TABLES[table]))
    assert read.num_rows == len(rows)


def test_text_from_the_wire_is_exact() -> None:
    read = pa.ipc.open_file(written("arrow", "headers", headers())).read_all()
    assert read["value"].to_pylist() == HOSTILE
