"""What one side of an HTTP/2 connection sends: its frames, and the field blocks in them."""

from __future__ import annotations

from typing import NamedTuple

from wsanalyze.http2.bodies import HAS_PRIORITY, fragment
from wsanalyze.http2.fields import FieldDecoder, Fields
from wsanalyze.http2.frames import (
    CONTINUATION,
    END_HEADERS,
    HEADERS,
    PADDED,
    PREFACE,
    FrameHeader,
    FrameReader,
    Place,
)
from wsanalyze.layers.recorder import Recorder
from wsanalyze.multiplexing import Multiplex
from wsanalyze.websocket.stream_fields import Wrong


class Block(NamedTuple):
    """A field block that is over: its first frame, its fields (None: unknown), its place."""

    opening: FrameHeader
    fields: Fields | None
    place: Place


def is_alone(header: FrameHeader) -> bool:
    """Say whether a frame is HEADERS with a whole field block, and nothing else."""
    flags = header.flags & (END_HEADERS | PADDED | HAS_PRIORITY)
    return header.kind == HEADERS and flags == END_HEADERS


class Half:
    """Where one side stands.

    `opening` is the frame that began the field block that is being read. `preface`: bytes of the
    client's preface that are still to come; `untouched`: nothing came yet. `wrong` is what is
    malformed about the last frame, for whoever asks next; `repeats`: its fields are those of an
    earlier one, the same list.
    """

    __slots__ = (
        "_block",
        "_fields",
        "_interrupted",
        "_overflowed",
        "_place",
        "_recorder",
        "_shared",
        "opening",
        "preface",
        "reader",
        "repeats",
        "untouched",
        "wrong",
    )

    def __init__(self, recorder: Recorder, shared: Multiplex) -> None:
        limit = recorder.limits.head
        self.reader = FrameReader(limit)
        self.opening: FrameHeader | None = None
        self.preface = b""
        self.untouched = True
        self.wrong: Wrong | None = None
        self.repeats = False
        self._interrupted = False
        self._recorder = recorder
        self._shared = shared
        self._fields = FieldDecoder(limit, recorder.limits.field_table)
        self._overflowed = False
        self._block: bytearray | None = None
        self._place: Place = (0, 0, 0)
        if not shared.whole:
            self._fields.lose()

    @property
    def held(self) -> int:
        """Bytes that are held."""
        block = len(self._block) if self._block is not None else 0
        return self.reader.held + block + self._fields.held

    def pass_preface(self, data: bytes) -> int:
        """Step over the client's preface (RFC 9113 §3.4); return where frames begin."""
        size = min(len(self.preface), len(data))
        if data[:size] != self.preface[:size]:
            self.preface = b""
            self.wrong = Wrong("the client's preface is another", "RFC 9113 §3.4", "preface")
            return 0
        self.preface = self.preface[size:]
        return size

    def begins_with_preface(self, data: bytes) -> bool:
        """Say whether these are the first bytes, and those of a client.

        Where the beginning of the connection may be missing, it takes more of them to say so.
        """
        known = PREFACE[:6] if self._shared.whole else PREFACE
        return self.untouched and data.startswith(known)

    def begin(self) -> None:
        """Know the table from its beginning on: nothing was sent before."""
        self._fields.begin()

    def part(self, header: FrameHeader, body: bytes | None, place: Place) -> Block | None:
        """Take a part of a field block; return the block where it is over (RFC 9113 §4.3)."""
        if header.kind == CONTINUATION and self.opening is None:
            # Its beginning is not there: whatever it adds to the table is unknown.
            self._fields.lose()
            if not self._interrupted:
                self.wrong = Wrong("CONTINUATION behind no HEADERS", "RFC 9113 §6.10", "")
            return None
        self._interrupted = False
        if body is not None and is_alone(header) and len(body) <= self._recorder.limits.head:
            fields = self._fields.seen(body)
            self.repeats = fields is not None
            if fields is None:
                fields = self._decoded(body)
            if fields is None:
                self._fields.lose()
            return Block(header, fields, place)
        self.repeats = False
        if header.kind != CONTINUATION:
            self.opening, self._block, self._place = header, bytearray(), place
        self._append(None if body is None else fragment(header, body), body)
        if not header.flags & END_HEADERS:
            return None
        block = self._block
        return self._over(None if block is None else self._decoded(bytes(block)))

    def _append(self, part: bytes | None, body: bytes | None) -> None:
        if part is None:
            if body is not None:
                what = "padding, or a priority, that is longer than its frame"
                self.wrong = Wrong(what, "RFC 9113 §6.2", "HEADERS")
            self._block = None
        elif self._block is not None and len(self._block) + len(part) > self._recorder.limits.head:
            self._recorder.reach("head")
            self._block = None
        elif self._block is not None:
            self._block += part

    def _decoded(self, block: bytes) -> Fields | None:
        found = self._fields.decode(block)
        if self._fields.problem == "bomb":
            self._recorder.reach("head")
        elif found is None:
            what = "a field block that cannot be decompressed"
            self.wrong = Wrong(what, "RFC 9113 §4.3; RFC 7541", "HEADERS")
        if self._fields.overflowed and not self._overflowed:
            self._overflowed = True
            self._recorder.reach("field_table")
        return found

    def allow(self, size: int) -> None:
        """Let its table be so large: the other end says so (RFC 9113 §6.5.2)."""
        self._fields.allow(size)

    def _over(self, fields: Fields | None) -> Block | None:
        opening, self.opening, self._block = self.opening, None, None
        if fields is None:
            self._fields.lose()
        return None if opening is None else Block(opening, fields, self._place)

    def interrupt(self) -> Block | None:
        """Take note that something came between the parts of a field block."""
        self.wrong = Wrong("another frame within a field block", "RFC 9113 §6.10", "")
        self._interrupted = True
        return self._over(None)

    def lose(self) -> Block | None:
        """Forget the table; return the block that was begun, if one was."""
        return self._over(None)
