# cython: language_level=3, wraparound=False, initializedcheck=False
"""Frame headers (RFC 6455 §5.2): read in place, or gathered when they come in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wsanalyze.buffer import Buffer
from wsanalyze.websocket.masking import unmask

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# Two bytes, eight of length, four of masking key.
LONGEST_HEADER = 14


@cython.final
@cython.cclass
class FrameReader:
    """Where one side's stream stands in its frames.

    After `read` set `complete`, the header's facts are there, kept as sent, legal or not:

    - `head`: first byte (FIN, RSV1-3, opcode); `second`: second byte (mask bit, 7-bit length)
    - `length`: payload bytes as declared, 0 <= length < 2^64; `header_length` in bytes
    - `masked`, `key`: the masking key as a big-endian number, 0 where there is none
    - `remaining`: payload bytes still to come; whoever takes them counts them down
    """

    def __init__(self) -> None:
        self.partial_bytes = bytearray(LONGEST_HEADER)
        self.partial = Buffer(self.partial_bytes)
        self.have = self.complete = 0
        self.head = self.second = self.header_length = self.masked = 0
        self.key = 0
        self.length = self.remaining = 0

    def read(
        self, buffer: Buffer, at: cython.Py_ssize_t, stop: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        """Read a header from `buffer[at:stop]` on; return where reading stopped.

        `complete` says whether the header ended there; otherwise the rest is to come.
        """
        size: cython.int
        self.complete = 0
        if self.have == 0 and stop - at >= 2:
            size = self.size(buffer.view[at + 1])
            if stop - at >= size:
                self.decode(buffer, at, size)
                return at + size
        while at < stop:
            self.partial_bytes[self.have] = buffer.view[at]
            self.have += 1
            at += 1
            if self.have >= 2 and self.have == self.size(self.partial.view[1]):
                self.decode(self.partial, 0, self.have)
                self.have = 0
                return at
        return at

    def size(self, second: cython.int) -> cython.int:
        """Return the length of a header whose second byte is `second`."""
        size: cython.int = 2
        if second & 127 == 126:
            size = 4
        elif second & 127 == 127:
            size = 10
        return size + 4 if second & 128 else size

    @cython.boundscheck(False)
    def decode(self, buffer: Buffer, at: cython.Py_ssize_t, size: cython.int) -> cython.int:
        """Take the facts of the header of `size` bytes at `at`."""
        i: cython.Py_ssize_t
        length: cython.ulonglong
        key: cython.longlong
        # The one check that stands for the unchecked loads below.
        if at < 0 or at + size > len(buffer.view):
            raise IndexError("the header lies outside its buffer")
        self.head = buffer.view[at]
        self.second = buffer.view[at + 1]
        self.header_length = size
        self.masked = self.second >> 7
        length = self.second & 127
        if length == 126:
            length = buffer.view[at + 2] << 8 | buffer.view[at + 3]
        elif length == 127:
            length = 0
            for i in range(at + 2, at + 10):
                length = length << 8 | buffer.view[i]
        key = 0
        if self.masked:
            i = at + size - 4
            key = buffer.view[i] << 8 | buffer.view[i + 1]
            key = key << 16 | buffer.view[i + 2] << 8 | buffer.view[i + 3]
        self.key = key
        self.length = length
        self.remaining = length
        self.complete = 1
        return 0

    def restart(self) -> cython.int:
        """Forget a header or payload that is not whole: the next byte begins a frame."""
        self.have = self.complete = 0
        self.remaining = 0
        return 0


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it was on the wire.

    `offset` counts bytes from the start of what was scanned; `payload` is unmasked (what there was
    of it, at most `length` bytes). The rest is as sent.
    """

    offset: int
    fin: bool
    rsv1: bool
    rsv2: bool
    rsv3: bool
    opcode: int
    masking_key: bytes | None
    header_length: int
    length: int
    payload: bytes

    @property
    def complete(self) -> bool:
        """Whether the whole payload was there."""
        return len(self.payload) == self.length


def scan_frames(data: bytes) -> Iterator[Frame]:
    """Yield the frames of one side's stream `data`, which begins with a frame header.

    Nothing is refused: reserved bits, opcodes and lengths are handed on as they are. A header that
    is cut off at the end is not yielded, a payload that is cut off is yielded as far as it goes.
    Source: RFC 6455 §5.2.
    """
    reader = FrameReader()
    buffer = Buffer(data)
    at = 0
    while at < len(data):
        offset = at
        at = reader.read(buffer, at, len(data))
        if not reader.complete:
            return
        payload = bytes(data[at : at + min(reader.length, len(data) - at)])
        at += len(payload)
        key = reader.key.to_bytes(4, "big") if reader.masked else None
        yield Frame(
            offset=offset,
            fin=bool(reader.head & 0x80),
            rsv1=bool(reader.head & 0x40),
            rsv2=bool(reader.head & 0x20),
            rsv3=bool(reader.head & 0x10),
            opcode=reader.head & 0x0F,
            masking_key=key,
            header_length=reader.header_length,
            length=reader.length,
            payload=unmask(payload, key) if key is not None else payload,
        )
        reader.restart()
