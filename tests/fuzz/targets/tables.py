"""A capture from bytes to tables and files: dtypes as declared, every row written."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Hashable

from support.invariants import check as check_invariants

import wsanalyze
from fuzz.captures import changed_capture
from fuzz.target import Target, magnitude
from fuzz.targets.pipeline import USUAL, seeds
from wsanalyze.errors import CaptureError
from wsanalyze.tables.schema import TABLES

# A message's text may be as long as its preview; csv's own limit is lower than a head may be.
csv.field_size_limit(1 << 24)


def check(data: bytes) -> Hashable:
    """Build every table, and write it as CSV and as JSON lines."""
    try:
        analysis = wsanalyze.analyze(io.BytesIO(data), limits=USUAL, segments=True)
    except CaptureError:
        return None
    check_invariants(analysis.recording)
    sketch = []
    for name, declared in TABLES.items():
        table = analysis.table(name)
        assert list(table.columns) == [column.name for column in declared.columns]
        assert len(lines(analysis, name, "csv")) == len(table) + 1
        rows = lines(analysis, name, "jsonl")
        assert len(rows) == len(table)
        sketch.append(magnitude(len(table)))
    assert len(analysis.connections) == len(list(analysis))
    return tuple(sketch)


def lines(analysis: wsanalyze.Analysis, name: str, format_name: str) -> list[object]:
    """Return the rows of a table that was written, read again."""
    sink = io.BytesIO()
    analysis.export(sink, format=format_name, table=name)
    text = sink.getvalue().decode()
    if format_name == "csv":
        return list(csv.reader(io.StringIO(text, newline="")))
    return [json.loads(line) for line in text.split("\n") if line]


TARGET = Target(
    "tables",
    "Any capture ends in tables of the declared columns, of which every row can be written.",
    seeds,
    changed_capture,
    check,
)
