"""The frames of HTTP/2 in one direction's bytes, whatever pieces they come in (RFC 9113 §4).

Payload of DATA is handed on as it comes, other frames when they are whole. Nothing here raises for
what was sent.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
from typing import NamedTuple

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER_LENGTH = 9

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY = range(8)
WINDOW_UPDATE, CONTINUATION = 8, 9

# Flags (§6): the same bit means END_STREAM or ACK.
END_STREAM = ACK = 0x01
END_HEADERS = 0x04
PADDED = 0x08

# Length and type, flags, stream (§4.1).
_HEADER = struct.Struct(">IBI")

# Time, packet and ordinal, as a layer's calls have them.
Place = tuple[int, int, int]


class FrameHeader(NamedTuple):
    """The nine bytes in front of a frame: length of what follows, type, flags, stream."""

    length: int
    kind: int
    flags: int
    stream: int


class Data(NamedTuple):
    """Payload of a DATA frame without its padding: `data[start:stop]` of what was fed.

    `first` and `last`: whether it is the beginning and the end of its frame, of which the end may
    have no payload. `missing`: bytes that the capture does not have, in the place of the others.
    `vague`: how many are missing is not known, or how many of them are padding.
    """

    header: FrameHeader
    start: int
    stop: int
    first: bool
    last: bool
    missing: int = 0
    vague: bool = False


class Whole(NamedTuple):
    """Any other frame; `body` is None where it is over the limit, or not whole in the capture."""

    header: FrameHeader
    body: bytes | None
    place: Place


def header_at(data: bytes, at: int) -> FrameHeader:
    """Return the header whose nine bytes are at `at` (RFC 9113 §4.1)."""
    word, flags, stream = _HEADER.unpack_from(data, at)
    return FrameHeader(word >> 8, word & 0xFF, flags, stream & 0x7FFFFFFF)


class FrameReader:
    """Reads frames; `limit` is how long one that is no DATA may be to be kept.

    `lost` says that where the next frame begins is not known any more; `find` goes on.
    `malformed` counts paddings longer than their frame, `oversized` frames over the limit.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.lost = False
        self.malformed = self.oversized = 0
        self._partial = bytearray()
        self._header: FrameHeader | None = None
        self._place: Place = (0, 0, 0)
        self._remaining = 0
        self._padding = 0
        self._first = self._pad_due = False
        self._body: bytearray | None = None

    @property
    def held(self) -> int:
        """Bytes that are held of an unfinished frame."""
        return len(self._partial) + (len(self._body) if self._body is not None else 0)

    @property
    def between(self) -> bool:
        """Whether the next byte is the first of a frame."""
        return self._header is None and not self._partial

    def feed(self, data: bytes, at: int, place: Place) -> Iterator[Data | Whole]:
        """Yield what the bytes from `at` on complete."""
        stop = len(data)
        while at < stop:
            if self.between and stop - at >= HEADER_LENGTH:
                header = header_at(data, at)
                behind = at + HEADER_LENGTH + header.length
                if behind <= stop and not (header.kind == DATA and header.flags & PADDED):
                    yield self._whole(header, data, at + HEADER_LENGTH, behind, place)
                    at = behind
                    continue
            if self._header is None:
                if not self._partial:
                    self._place = place
                size = min(HEADER_LENGTH - len(self._partial), stop - at)
                self._partial += data[at : at + size]
                at += size
                if len(self._partial) < HEADER_LENGTH:
                    return
                self._begin()
                if self._remaining:
                    continue
            else:
                at = yield from self._payload(data, at, stop)
            if self._remaining == 0 and self._header is not None:
                yield from self._end(at)

    def _whole(
        self, header: FrameHeader, data: bytes, start: int, stop: int, place: Place
    ) -> Data | Whole:
        """Return a frame that is whole in what was fed, as nearly all are."""
        if header.kind == DATA:
            return Data(header, start, stop, first=True, last=True)
        self.oversized += header.length > self.limit
        return Whole(header, data[start:stop] if header.length <= self.limit else None, place)

    def _begin(self) -> None:
        header = header_at(bytes(self._partial), 0)
        self._partial = bytearray()
        self._header = header
        self._remaining = header.length
        self._first = True
        self._padding = 0
        self._pad_due = header.kind == DATA and bool(header.flags & PADDED)
        self._body = None
        if header.kind == DATA:
            return
        if header.length > self.limit:
            self.oversized += 1
        else:
            self._body = bytearray()

    def _payload(self, data: bytes, at: int, stop: int) -> Generator[Data, None, int]:
        """Take payload from `at` on; return where that stopped."""
        size = min(self._remaining, stop - at)
        header = self._header
        if header is None or header.kind != DATA:
            if self._body is not None:
                self._body += data[at : at + size]
            self._remaining -= size
            return at + size
        if self._pad_due:
            self._pad_length(data[at])
            at += 1
            size -= 1
        content = min(size, self._remaining - self._padding)
        self._remaining -= size
        if content > 0 and self._remaining > 0:
            yield Data(header, at, at + content, self._first, last=False)
            self._first = False
        elif content > 0:
            yield self._last(header, at, at + content)
        return at + size

    def _pad_length(self, length: int) -> None:
        self._pad_due = False
        self._remaining -= 1
        self._padding = min(length, self._remaining)
        if length > self._remaining:
            self.malformed += 1

    def _last(self, header: FrameHeader, start: int, stop: int) -> Data:
        self._header = None
        return Data(header, start, stop, self._first, last=True)

    def _end(self, at: int) -> Iterator[Data | Whole]:
        """Yield the frame that is complete, but for DATA whose last payload was handed on."""
        header, body = self._header, self._body
        if header is None:
            return
        if header.kind == DATA:
            yield self._last(header, at, at)
            return
        self._header = self._body = None
        yield Whole(header, None if body is None else bytes(body), self._place)

    def gap(self, length: int) -> Iterator[Data | Whole]:
        """Step over missing bytes; a frame whose end is among them ends, and the place is lost.

        So it is where `length` is negative: at most so many are missing.
        """
        header = self._header
        if header is None or length < 0 or length > self._remaining:
            if header is not None:
                yield from self._skip(header, self._remaining, exact=length >= 0)
            self._partial = bytearray()
            self.lost = True
            return
        yield from self._skip(header, length)

    def _skip(
        self, header: FrameHeader, length: int, *, exact: bool = True
    ) -> Iterator[Data | Whole]:
        self._body = None
        if header.kind != DATA:
            self._remaining -= length
            if self._remaining == 0:
                yield from self._end(0)
            return
        vague = not exact or (self._pad_due and length > 0)
        self._pad_due = False
        content = max(min(length, self._remaining - self._padding), 0) if exact else 0
        self._remaining -= length
        first, self._first = self._first, False
        last = self._remaining == 0
        if last:
            self._header = None
        yield Data(header, 0, 0, first, last, content, vague)

    def find(self) -> None:
        """Go on: the next byte is the first of a frame."""
        self.lost = False
        self._header = self._body = None
        self._partial = bytearray()
        self._remaining = 0
