"""Tables with what strangers send: every exporter has to get through them unharmed."""

from __future__ import annotations

import io
from importlib import import_module
from typing import Any

import pandas as pd
import pyarrow as pa

from tables.recordings import (
    REQUEST,
    T0,
    connection,
    frame,
    handshake,
    message,
    messages,
    recording,
)
from wsanalyze.tables.arrays import arrow_schema
from wsanalyze.tables.build import Tables
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.tables.schema import TABLES

ANSI = "\x1b[31mred\x1b]0;title\x07"
BIDI = "abc\u202etxt.exe\u2066"
NUL = "a\x00b"
FORMULA = '=cmd|" /C calc"!A0'
LINES = 'one, "two"\r\nthree'
HOSTILE = [
    ANSI,
    BIDI,
    NUL,
    FORMULA,
    LINES,
    "+1",
    "-1",
    "@x",
    "\tx",
    "\x85\xa0\xff",
    "",
    "-",
    "(empty)",
    "\\",
    "😀\ufffd\uffff",
]


def connections(**facts: Any) -> pd.DataFrame:
    """Return the connections table of one connection, with some facts changed."""
    return Tables(recording([connection(**facts)])).connections


def headers() -> pd.DataFrame:
    """Return a headers table whose values are the hostile ones."""
    rows = {
        "connection": range(len(HOSTILE)),
        "sender": ["client"] * len(HOSTILE),
        "position": [0] * len(HOSTILE),
        "name": ["X"] * len(HOSTILE),
        "value": HOSTILE,
    }
    dtypes = Tables(recording()).headers.dtypes
    return pd.DataFrame(rows).astype(dtypes.to_dict())


def frames(count: int = 3) -> pd.DataFrame:
    """Return a frames table: masked ones of the client, a length that no int64 holds at the end."""
    rows = [
        frame(
            ordinal=place,
            sender=0,
            second=0x80,
            masking_key=place,
            header_length=6,
            time=T0 + place,
        )
        for place in range(count - 1)
    ]
    rows.append(
        frame(ordinal=count, length=2**64 - 5, header_length=10, head=0x88, close_code=1001)
    )
    return Tables(recording([connection()], rows)).frames


def full() -> Tables:
    """Return tables that all have rows but findings."""
    middle = connection(1, handshake=None, outcome="unseen", http_version=None, responded=None)
    odd = handshake(REQUEST.replace(b"chat?x=1", b"\x1b[2J\xff"))
    return Tables(
        recording(
            [connection(0, handshake=odd), middle],
            [frame(message=0)],
            messages([message(payload_stop=7, length=7)], HOSTILE[0][:7].encode()),
            [{"flags": 0x12, "time": T0}],
            captures=[CaptureSummary("a\udc80.pcap", first_time=T0)],
        )
    )


def batches(table: str, rows: pd.DataFrame) -> list[pa.RecordBatch]:
    """Return a DataFrame of that table as the formats take it."""
    schema = arrow_schema(TABLES[table])
    return pa.Table.from_pandas(rows, schema=schema, preserve_index=False).to_batches()


def written(format_name: str, table: str, rows: pd.DataFrame, **options: bool) -> bytes:
    """Return the bytes that a format makes of a table."""
    sink = io.BytesIO()
    import_module(f"wsanalyze.tables.formats.{format_name}").write(
        TABLES[table], batches(table, rows), sink, **options
    )
    return sink.getvalue()
