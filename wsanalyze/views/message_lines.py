# cython: language_level=3, wraparound=False, initializedcheck=False
"""Messages of a live session as JSON, an object on each line, written from their columns.

As `live_rows.row` has them and `ascii_json` writes them, in a fraction of the time: nothing but the
preview has characters that JSON would escape.
"""

from __future__ import annotations

from collections.abc import Sequence
from json.encoder import encode_basestring_ascii

from wsanalyze.monitoring.rows import MessageRows
from wsanalyze.tables.rows import iso

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

SENDERS = ("client", "server")
TYPES = ("", "text", "binary")
FLAGS = ("false", "true")
VALID = ("null", "false", "true")
SECOND = 1_000_000_000
# What a CI service would obey, and how it is written instead (see `ascii_json`).
WORKFLOW, ESCAPED = "##[", "#\\u0023["


@cython.final
@cython.cclass
class MessageLines:
    """Writes lines; the second of the last one is remembered."""

    def __init__(self) -> None:
        self.second = 0
        self.moment = "1970-01-01T00:00:00"

    def text(self, rows: MessageRows, places: Sequence[int]) -> str:
        """Return the lines of messages."""
        i: cython.Py_ssize_t
        lines: list[str] = []
        for i in places:
            lines.append(self.line(rows, i))  # noqa: PERF401 - compiled, this makes no closure
        return "".join(lines)

    def line(self, rows: MessageRows, i: cython.Py_ssize_t) -> str:
        """Return the line of one message."""
        digest = rows.sha256(i)
        sha256 = "null" if digest is None else f'"{digest}"'
        length = "null" if rows.length[i] < 0 else str(rows.length[i])
        confidence = str(rows.confidence[i]) if rows.confidence[i] else "null"
        return (
            f'{{"event": "message", "connection": {rows.owners[i]}, "message": {rows.numbers[i]}, '
            f'"sender": "{SENDERS[rows.sender[i]]}", "type": "{TYPES[rows.opcode[i]]}", '
            f'"time": "{self.iso(rows.time[i])}", "time_end": "{self.iso(rows.time_end[i])}", '
            f'"packet": {rows.packet[i]}, "packet_end": {rows.packet_end[i]}, '
            f'"frames": {rows.frames[i]}, "compressed": {FLAGS[rows.compressed[i] != 0]}, '
            f'"wire_length": {rows.wire_length[i]}, "length": {length}, '
            f'"complete": {FLAGS[rows.complete[i] != 0]}, '
            f'"utf8_valid": {VALID[rows.utf8_valid[i] + 1]}, "sha256": {sha256}, '
            f'"preview": {as_json(rows.preview(i))}, "confidence": {confidence}}}\n'
        )

    def iso(self, time: cython.longlong) -> str:
        """Return a time in ISO 8601, in UTC with nanoseconds."""
        second: cython.longlong = time // SECOND
        rest: cython.longlong = time - second * SECOND
        if second != self.second:
            self.second = second
            self.moment = iso(second * SECOND).partition(".")[0]
        return f"{self.moment}.{rest:09d}Z"


def as_json(text: str | None) -> str:
    """Return a text as JSON that is ASCII."""
    if text is None:
        return "null"
    encoded: str = encode_basestring_ascii(text)
    return encoded.replace(WORKFLOW, ESCAPED) if WORKFLOW in encoded else encoded
