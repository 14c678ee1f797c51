# cython: language_level=3, wraparound=False, initializedcheck=False
"""Messages of a live session as JSON or for a person, a line each, written from their columns.

As `live_rows.row` has them and `ascii_json` writes them, or as `live_log.line` does, in a fraction
of the time: nothing but the preview has characters that would be escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from json.encoder import encode_basestring_ascii

from wsanalyze.monitoring.rows import MessageRows
from wsanalyze.tables.rows import iso
from wsanalyze.views.escape import visible
from wsanalyze.views.quantities import size

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.views.lettering import (
        decimal,
        hexadecimal,
        letters,
        nine_digits,
        plain,
        plain_json,
    )

SENDERS = (b"client", b"server")
TYPES = (b"", b"text", b"binary")
FLAGS = (b"false", b"true")
VALID = (b"null", b"false", b"true")
TEXT = 1
DIGEST = 32
SECOND = 1_000_000_000
# What a line takes at most beside its preview, and each byte of that: `\ufffd`. A line of the log
# takes less with it: 80 cells of a letter and three marks, four bytes each.
LINE = 2048
EACH = 6
# What a CI service would obey, and how it is written instead (see `ascii_json`).
WORKFLOW, ESCAPED = "##[", "#\\u0023["

# Of the log: cells that a message may take, as of `live_log`; bytes that are told without a unit
# that is larger; what stands before the number of a connection with so many digits.
SHOWN = 80
FEW = 1000
ARROWS = ("  ↑ ".encode(), "  ↓ ".encode())
NUMBERS = (b"     #", b"    #", b"   #", b"  #")


@cython.final
@cython.cclass
class MessageLines:
    """Writes lines; the second of the last one is remembered."""

    def __init__(self) -> None:
        self.second = 0
        self.moment = b"1970-01-01T00:00:00"
        self.room = bytearray(32 * LINE)

    def text(self, rows: MessageRows, places: Sequence[int]) -> str:
        """Return the lines of messages."""
        return "".join(self.pieces(rows, places))

    def pieces(self, rows: MessageRows, places: Sequence[int]) -> list[str]:
        """Return the lines of messages, some together: no text is as long as all of them."""
        i: cython.Py_ssize_t
        at: cython.Py_ssize_t = 0
        lines: list[str] = []
        for i in places:
            if len(self.room) - at < LINE + EACH * rows.shown:
                lines.append(self.room[:at].decode("ascii"))
                at = 0
                self.make_room(LINE + EACH * rows.shown)
            at = self.line(rows, i, at)
        lines.append(self.room[:at].decode("ascii"))
        return lines

    def make_room(self, needed: int) -> None:
        """Have room for `needed` bytes at least."""
        if len(self.room) < needed:
            self.room = bytearray(needed)

    def line(
        self, rows: MessageRows, i: cython.Py_ssize_t, at: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        """Put the line of one message at `at`; return where it ends."""
        room: bytearray = self.room
        digest: cython.Py_ssize_t = rows.digest[i]
        at = letters(room, at, b'{"event": "message", "connection": ')
        at = decimal(room, at, rows.owners[i])
        at = letters(room, at, b', "message": ')
        at = decimal(room, at, rows.numbers[i])
        at = letters(room, at, b', "sender": "')
        at = letters(room, at, SENDERS[rows.sender[i]])
        at = letters(room, at, b'", "type": "')
        at = letters(room, at, TYPES[rows.opcode[i]])
        at = letters(room, at, b'", "time": "')
        at = self.iso(rows.time[i], at)
        at = letters(room, at, b'", "time_end": "')
        at = self.iso(rows.time_end[i], at)
        at = letters(room, at, b'", "packet": ')
        at = decimal(room, at, rows.packet[i])
        at = letters(room, at, b', "packet_end": ')
        at = decimal(room, at, rows.packet_end[i])
        at = letters(room, at, b', "frames": ')
        at = decimal(room, at, rows.frames[i])
        at = letters(room, at, b', "compressed": ')
        at = letters(room, at, FLAGS[rows.compressed[i] != 0])
        at = letters(room, at, b', "wire_length": ')
        at = decimal(room, at, rows.wire_length[i])
        at = letters(room, at, b', "length": ')
        if rows.length[i] >= 0:
            at = decimal(room, at, rows.length[i])
        else:
            at = letters(room, at, b"null")
        at = letters(room, at, b', "complete": ')
        at = letters(room, at, FLAGS[rows.complete[i] != 0])
        at = letters(room, at, b', "utf8_valid": ')
        at = letters(room, at, VALID[rows.utf8_valid[i] + 1])
        if digest < 0:
            at = letters(room, at, b', "sha256": null, "preview": ')
        else:
            at = letters(room, at, b', "sha256": "')
            at = hexadecimal(room, at, rows.digests, digest * DIGEST, (digest + 1) * DIGEST)
            at = letters(room, at, b'", "preview": ')
        at = self.preview(rows, i, at)
        at = letters(room, at, b', "confidence": ')
        if rows.confidence[i]:
            at = decimal(room, at, rows.confidence[i])
        else:
            at = letters(room, at, b"null")
        return letters(room, at, b"}\n")

    def preview(
        self, rows: MessageRows, i: cython.Py_ssize_t, at: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        """Put the preview of a message, in the short way where it is plain text."""
        start: cython.Py_ssize_t = rows.payload_start[i]
        kept: cython.Py_ssize_t = rows.payload_stop[i] - start
        stop: cython.Py_ssize_t = start + min(kept, rows.shown)
        begin: cython.Py_ssize_t = at
        if kept > 0 and rows.opcode[i] == TEXT:
            at = plain_json(self.room, at, rows.payloads, start, stop)
        if at > begin:
            return at
        return letters(self.room, at, as_json(rows.preview(i)))

    def iso(self, time: cython.longlong, at: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Put a time in ISO 8601, in UTC with nanoseconds."""
        second: cython.longlong = time // SECOND
        rest: cython.longlong = time - second * SECOND
        if second != self.second:
            self.second = second
            self.moment = iso(second * SECOND).partition(".")[0].encode()
        at = letters(self.room, at, self.moment)
        at = letters(self.room, at, b".")
        at = nine_digits(self.room, at, rest)
        return letters(self.room, at, b"Z")


@cython.final
@cython.cclass
class MessageLog:
    """Writes lines for a person; the second of the last one is remembered."""

    def __init__(self) -> None:
        self.second = 0
        self.moment = b"00:00:00."
        self.room = bytearray(32 * LINE)

    def text(self, rows: MessageRows, places: Sequence[int]) -> str:
        """Return the lines of messages."""
        i: cython.Py_ssize_t
        at: cython.Py_ssize_t = 0
        lines: list[str] = []
        for i in places:
            if len(self.room) - at < LINE:
                lines.append(self.room[:at].decode())
                at = 0
            at = self.line(rows, i, at)
        lines.append(self.room[:at].decode())
        return "".join(lines)

    def line(
        self, rows: MessageRows, i: cython.Py_ssize_t, at: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        """Put the line of one message at `at`; return where it ends."""
        room: bytearray = self.room
        number: cython.longlong = rows.owners[i]
        length: cython.longlong = rows.length[i]
        second: cython.longlong = rows.time_end[i] // SECOND
        if second != self.second:
            self.second = second
            # 1970-01-01T00:00:00.000000000Z
            self.moment = iso(second * SECOND)[11:20].encode()
        at = letters(room, at, self.moment)
        # Of nine digits three stay.
        at = nine_digits(room, at, rows.time_end[i] - second * SECOND) - 6
        digits: cython.int = (number > 9) + (number > 99) + (number > 999)
        at = letters(room, at, NUMBERS[digits])
        at = decimal(room, at, number)
        at = letters(room, at, ARROWS[rows.sender[i]])
        at = letters(room, at, TYPES[rows.opcode[i]])
        at = letters(room, at, b" ")
        if length < 0:
            length = rows.wire_length[i]
        if 0 <= length < FEW:
            at = decimal(room, at, length)
            at = letters(room, at, b" B")
        else:
            at = letters(room, at, size(length).encode())
        if not rows.complete[i]:
            at = letters(room, at, b" (incomplete)")
        at = self.preview(rows, i, at)
        return letters(room, at, b"\n")

    def preview(
        self, rows: MessageRows, i: cython.Py_ssize_t, at: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        """Put the preview of a message, in the short way where it is plain text."""
        start: cython.Py_ssize_t = rows.payload_start[i]
        kept: cython.Py_ssize_t = rows.payload_stop[i] - start
        shown: cython.Py_ssize_t = min(kept, rows.shown)
        begin: cython.Py_ssize_t = at + 1
        if 0 < shown <= SHOWN and rows.opcode[i] == TEXT:
            at = letters(self.room, at, b" ")
            at = plain(self.room, at, rows.payloads, start, start + shown)
            if at > begin:
                return at
            at -= 1
        text = rows.preview(i)
        if not text:
            return at
        return letters(self.room, at, b" " + visible(text, SHOWN).encode())


def as_json(text: str | None) -> bytes:
    """Return a text as JSON that is ASCII."""
    if text is None:
        return b"null"
    encoded: str = encode_basestring_ascii(text)
    return (encoded.replace(WORKFLOW, ESCAPED) if WORKFLOW in encoded else encoded).encode()
