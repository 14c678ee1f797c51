"""Every table and column that wsanalyze makes, declared once.

The dtypes of the DataFrames, the Arrow schema, the names that `--where` knows and
`docs/tables.md` are all derived from this. It is plain data: nothing heavy is imported here.
"""

from __future__ import annotations

from wsanalyze.tables.schema.connections import CONNECTIONS, HEADERS, OUTCOMES
from wsanalyze.tables.schema.findings import FINDINGS
from wsanalyze.tables.schema.frames import FRAME_TYPES, FRAMES, MESSAGES
from wsanalyze.tables.schema.shared import SENDERS
from wsanalyze.tables.schema.summary import SUMMARY
from wsanalyze.tables.schema.transport import SEGMENTS, TLS

__all__ = [
    "CONNECTIONS",
    "FINDINGS",
    "FRAMES",
    "FRAME_TYPES",
    "HEADERS",
    "MESSAGES",
    "OUTCOMES",
    "SEGMENTS",
    "SENDERS",
    "SUMMARY",
    "TABLES",
    "TLS",
]

TABLES = {
    table.name: table
    for table in (CONNECTIONS, FRAMES, MESSAGES, HEADERS, FINDINGS, SEGMENTS, TLS, SUMMARY)
}
