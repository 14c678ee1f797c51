# cython: language_level=3, wraparound=False, initializedcheck=False
"""Frames of Hixie-75 and -76: text between 0x00 and 0xFF, or bytes behind a length.

Source: draft-hixie-thewebsocketprotocol-76 §4.2 and §5.3 (Hixie-75 has the same frames).
"""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.buffer import Buffer
from wsanalyze.websocket.frames import Frame

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# Seven bits each: 63 in all. The drafts set no bound.
LONGEST_LENGTH = 9

# Where a frame's type stands for what RFC 6455 has, this is its first byte: FIN and the opcode.
TEXT = 0x81
BINARY = 0x82
CLOSE = 0x88
# What no draft and no implementation known to us gives a meaning to: receivers discard it.
OTHER_TEXT = 0x83
OTHER_BINARY = 0x84


@cython.final
@cython.cclass
class HixieReader:
    """Where one side's stream stands in its frames.

    After `read` set `complete`, the header's facts are there:

    - `kind`: the type byte as sent; `head`: FIN and the opcode that RFC 6455 has for it
    - `header_length`: the type byte, and the bytes of the length where there are any
    - `ends`: 1 where the payload ends with 0xFF, 0 where `length` says how long it is

    `broken` says that a length has more than 63 bits: nothing behind it can be read.
    """

    def __init__(self) -> None:
        self.have = self.complete = self.broken = 0
        self.kind = self.head = self.header_length = self.ends = 0
        self.length = 0

    def read(
        self, buffer: Buffer, at: cython.Py_ssize_t, stop: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        """Read a header from `buffer[at:stop]` on; return where reading stopped."""
        byte: cython.int
        self.complete = 0
        while at < stop:
            byte = buffer.view[at]
            at += 1
            if self.have == 0:
                self.kind = byte
                self.length = 0
                self.ends = byte < 128
                self.have = 1
                if self.ends:
                    self.head = TEXT if byte == 0 else OTHER_TEXT
                    return self.end(at)
                continue
            self.length = self.length << 7 | (byte & 127)
            self.have += 1
            if byte < 128:
                self.head = self.meaning()
                return self.end(at)
            if self.have > LONGEST_LENGTH:
                self.broken = 1
                return at
        return at

    def end(self, at: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Take note that the header is whole."""
        self.header_length = self.have
        self.have = 0
        self.complete = 1
        return at

    def meaning(self) -> cython.int:
        """Return what a frame with a length is."""
        # §4.2 item 6: 0xFF and a length of zero begin the closing handshake.
        if self.kind == 255 and self.length == 0:
            return CLOSE
        # No draft sends 0x80, Netty does: its binary frames.
        return BINARY if self.kind == 128 else OTHER_BINARY

    def restart(self) -> cython.int:
        """Forget a header that is not whole: the next byte begins a frame."""
        self.have = self.complete = self.broken = 0
        return 0


@cython.boundscheck(False)
def terminator(buffer: Buffer, at: cython.Py_ssize_t, stop: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Return where the first 0xFF of `buffer[at:stop]` is, `stop` where there is none."""
    source: cython.p_const_uchar
    hits: cython.uchar
    j: cython.int
    # The one check that stands for the unchecked loops below.
    if at < 0 or stop > len(buffer.view):
        raise IndexError("the piece lies outside its buffer")
    if at >= stop or not cython.compiled:
        return find_plainly(buffer, at, stop)
    source = cython.address(buffer.view[0])
    # Blocks of 16 bytes, which the C compiler turns into vector instructions.
    while at + 16 <= stop:
        hits = 0
        for j in range(16):
            hits |= source[at + j] == 255
        if hits:
            break
        at += 16
    while at < stop and source[at] != 255:
        at += 1
    return at


def find_plainly(buffer: Buffer, at: int, stop: int) -> int:
    """Return what `terminator` does, without a compiler: in pieces, since each is copied."""
    size = 64
    while at < stop:
        upto = min(at + size, stop)
        place = buffer.copy(at, upto).find(b"\xff")
        if place >= 0:
            return at + place
        at, size = upto, size * 4
    return stop


def scan_hixie_frames(data: bytes) -> Iterator[Frame]:
    """Yield the frames of one side's stream `data`, which begins with a frame's type byte.

    `fin`, `opcode` and `header_length` are as in the `frames` table: text (0x00) has opcode 1,
    0x80 is 2, the closing handshake (0xFF 0x00) 8, other types 3 (below 0x80) and 4. A text frame
    that is cut off at the end has one byte more as its `length` than was there. Nothing is read
    behind a length of more than 63 bits. Source: draft-hixie-thewebsocketprotocol-76 §4.2.
    """
    reader = HixieReader()
    buffer = Buffer(data)
    at = 0
    while at < len(data):
        offset = at
        at = reader.read(buffer, at, len(data))
        if not reader.complete:
            return
        end = terminator(buffer, at, len(data)) if reader.ends else at + reader.length
        payload = bytes(data[at : min(end, len(data))])
        length = reader.length
        if reader.ends:
            length = len(payload) + (end == len(data))
            end += 1
        yield Frame(
            offset=offset,
            fin=True,
            rsv1=False,
            rsv2=False,
            rsv3=False,
            opcode=reader.head & 0x0F,
            masking_key=None,
            header_length=reader.header_length,
            length=length,
            payload=payload,
        )
        at = end
