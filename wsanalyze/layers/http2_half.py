"""What one side of an HTTP/2 connection sends: its frames, and the field blocks in them."""

from __future__ import annotations

from typing import NamedTuple

from wsanalyze.http2.bodies import fragment
from wsanalyze.http2.fields import FieldDecoder, Fields
from wsanalyze.http2.frames import (
    CONTINUATION,
    END_HEADERS,
    PREFACE,
    FrameHeader,
    FrameReader,
    Place,
)
from wsanalyze.layers.recorder import Recorder
from wsanalyze.observation import Multiplex


class Block(NamedTuple):
    """A field block that is over: its first frame, its fields (None: unknown), its place."""

    opening: FrameHeader
    fields: Fields | None
    place: Place


class Half:
    """Where one side stands.

    `opening` is the frame that began the field block that is being read. `preface`: bytes of the
    client's preface that are still to come; `untouched`: nothing came yet.
    """

    __slots__ = (
        "_block",
        "_fields",
        "_place",
        "_recorder",
        "_shared",
        "opening",
        "preface",
        "reader",
        "untouched",
    )

    def __init__(self, recorder: Recorder, shared: Multiplex) -> None:
        limit = recorder.limits.head
        self.reader = FrameReader(limit)
        self.opening: FrameHeader | None = None
        self.preface = b""
        self.untouched = shared.whole
        self._recorder = recorder
        self._shared = shared
        self._fields = FieldDecoder(limit)
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
            self._shared.malformed += 1
            return 0
        self.preface = self.preface[size:]
        return size

    def begins_with_preface(self, data: bytes) -> bool:
        """Say whether these are the first bytes, and those of a client."""
        return self.untouched and data.startswith(PREFACE[:6])

    def part(self, header: FrameHeader, body: bytes | None, place: Place) -> Block | None:
        """Take a part of a field block; return the block where it is over (RFC 9113 §4.3)."""
        if header.kind == CONTINUATION and self.opening is None:
            # Its beginning is not there: whatever it adds to the table is unknown.
            self._fields.lose()
            return None
        if header.kind != CONTINUATION:
            self.opening, self._block, self._place = header, bytearray(), place
        self._append(None if body is None else fragment(header, body), body)
        if not header.flags & END_HEADERS:
            return None
        block = self._block
        return self._over(None if block is None else self._decoded(bytes(block)))

    def _append(self, part: bytes | None, body: bytes | None) -> None:
        if part is None:
            self._shared.malformed += body is not None
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
            self._shared.malformed += 1
        return found

    def _over(self, fields: Fields | None) -> Block | None:
        opening, self.opening, self._block = self.opening, None, None
        if fields is None:
            self._fields.lose()
        return None if opening is None else Block(opening, fields, self._place)

    def lose(self) -> Block | None:
        """Forget the table; return the block that was begun, if one was."""
        return self._over(None)
