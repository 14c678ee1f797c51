# cython: language_level=3, wraparound=False, initializedcheck=False
"""How much a few bytes look like a frame header: evidence in bits, for streams whose place is lost.

The question is always the same: how many times more likely are these bytes where a frame begins
than anywhere in a payload? One bit is a factor of two. The weights are rounded down, and what
structured payloads have in plenty (zeros, small integers, ASCII) counts little or nothing.
"""

from __future__ import annotations

from array import array

from wsanalyze.buffer import Buffer
from wsanalyze.websocket.drafts import MEANINGS
from wsanalyze.websocket.masking import Scratch
from wsanalyze.websocket.utf8 import Utf8

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# What `Header.weigh` returns where there is no number of bits.
IMPOSSIBLE = -1000
CUT = -1001
# Any number of bits is above this one.
POSSIBLE = -100

# Nobody sends a frame of a terabyte; random bytes declare one with 64 bits nearly always.
LONGEST = 1 << 40

# Of a text as much is checked as tells it from other bytes.
CHECKED = 32

# First bytes that RFC 6455 §5.2 allows: nine or (with RSV1, RFC 7692 §6) thirteen of 256 values,
# 4 to 5 bits. Small integers and zeros are frequent in binary data.
FIRST_BYTES = {
    0x00: 0,
    0x01: 2,
    0x02: 2,
    0x80: 4,
    0x81: 5,
    0x82: 5,
    0x88: 5,
    0x89: 5,
    0x8A: 5,
}
COMPRESSED = {0x41: 3, 0x42: 3, 0xC1: 5, 0xC2: 5}

# What a header looks like: RFC 6455's (HyBi drafts 7 on), with MORE (drafts 1 to 3), or with FIN
# and other opcodes (drafts 4 to 6), where a client's has its key in front and is masked by it.
RFC6455 = 0
MORE = 1
DRAFT = 2
KEY_LENGTH = 4
LONGEST_HEADER = 14
# What a byte counts at most where it is a small integer, which drafts 1 to 3 begin frames with.
SMALL = 2


@cython.final
@cython.cclass
class Header:
    """The header that may stand at a place, and what speaks for it.

    `masked`: 1 or 0 where the sender is known to mask or not, else -1; `compression`: whether RSV1
    may be set; `usual`: the first byte that this sender's frames often have, -1 unknown; `scratch`:
    room that others may use, too. `framing`: RFC6455, MORE or DRAFT.

    After `weigh`: `head`, `second`, `key` as in FrameReader (or DraftReader), `size` of the header,
    key included, and `length` of the payload in bytes, and `content`: how many of the bits the
    payload contributed.
    """

    def __init__(
        self,
        masked: cython.int,
        compression: cython.bint,
        usual: cython.int,
        scratch: Scratch,
        framing: cython.int = 0,
    ) -> None:
        meanings = bytes(meaning(first, framing) for first in range(256))
        worth = FIRST_BYTES | (COMPRESSED if compression else {})
        # A sender sends most frames as it sent the last ones.
        if usual in worth:
            worth = worth | {usual: worth[usual] + 2}
        weights = array("b", (worth.get(head, -1) for head in meanings))
        if framing == MORE:
            weights[:128] = array("b", (min(bits, SMALL) for bits in weights[:128]))
        self.framing = framing
        self.prefixed = framing == DRAFT and masked == 1
        self.meanings = memoryview(meanings)
        turned = bytearray(LONGEST_HEADER)
        self.turned = memoryview(turned)
        self.turned_buffer = Buffer(turned)
        self.weights = memoryview(weights)
        self.masked = masked
        self.head = self.second = self.size = self.content = 0
        self.length = self.key = 0
        self.scratch = scratch
        self.utf8 = Utf8()

    def weigh(self, buffer: Buffer, at: cython.Py_ssize_t, stop: cython.Py_ssize_t) -> cython.int:
        """Return the bits of evidence for a header at `buffer[at]`, of which `stop` is the end.

        IMPOSSIBLE where RFC 6455 §5.2 to §5.5 forbid it; CUT where it goes on behind `stop`.
        """
        bits: cython.int
        self.content = 0
        bits = self.unmasked(buffer, at, stop) if self.prefixed else self.read(buffer, at, stop)
        if bits < POSSIBLE:
            return bits
        # Drafts before 6 give what a Close holds no meaning.
        if self.head == 0x88 and self.framing == RFC6455:
            self.content = self.close(buffer, at + self.size, stop)
        elif self.head & 0x7F == 1 and self.length:
            self.content = self.text(buffer, at + self.size, stop)
        if self.content < 0:
            return IMPOSSIBLE
        return bits + self.content

    def unmasked(
        self, buffer: Buffer, at: cython.Py_ssize_t, stop: cython.Py_ssize_t
    ) -> cython.int:
        """Read a header that is masked by the four bytes in front of it (drafts 5 and 6)."""
        i: cython.Py_ssize_t
        form: cython.int
        size: cython.Py_ssize_t = 2
        if at + KEY_LENGTH + 2 > stop:
            return CUT
        for i in range(2):
            self.turned[i] = buffer.view[at + KEY_LENGTH + i] ^ buffer.view[at + i]
        # The bit where RFC 6455 says whether a frame is masked is reserved.
        if self.turned[1] & 128:
            return IMPOSSIBLE
        form = self.turned[1]
        if form >= 126:
            size = 4 if form == 126 else 10
        self.turned[1] = 128 | form
        if at + KEY_LENGTH + size > stop:
            return IMPOSSIBLE if self.weights[self.turned[0]] < 0 else CUT
        for i in range(2, size):
            self.turned[i] = buffer.view[at + KEY_LENGTH + i] ^ buffer.view[at + (i & 3)]
        for i in range(KEY_LENGTH):
            self.turned[size + i] = buffer.view[at + i]
        return self.read(self.turned_buffer, 0, size + KEY_LENGTH)

    def read(self, buffer: Buffer, at: cython.Py_ssize_t, stop: cython.Py_ssize_t) -> cython.int:
        """Return the bits for the header alone, IMPOSSIBLE or CUT."""
        first: cython.int = buffer.view[at]
        bits: cython.int = self.weights[first]
        form: cython.int
        if bits < 0:
            return IMPOSSIBLE
        if at + 1 >= stop:
            return CUT
        first = self.meanings[first]
        self.head = first
        self.second = buffer.view[at + 1]
        form = self.second & 127
        if self.masked >= 0:
            if self.second >> 7 != self.masked:
                return IMPOSSIBLE
            bits += 1
        self.size = 2
        if form == 126:
            self.size = 4
        elif form == 127:
            self.size = 10
        if self.second & 128:
            self.size += 4
        if first & 8 and form > 125:
            return IMPOSSIBLE
        if at + self.size > stop:
            return CUT
        self.length = form
        if form == 126:
            self.length = buffer.view[at + 2] << 8 | buffer.view[at + 3]
            # §5.2: "the minimal number of bytes MUST be used to encode the length".
            if self.length < 126:
                return IMPOSSIBLE
            bits += 3
        elif form == 127:
            if not self.long_length(buffer, at):
                return IMPOSSIBLE
            bits += 12
        elif form == 0 and not first & 8:
            # Little-endian integers look like it.
            bits -= 3
        self.key = 0
        if self.second & 128:
            self.key = buffer.view[at + self.size - 4] << 8 | buffer.view[at + self.size - 3]
            self.key = (
                self.key << 16
                | buffer.view[at + self.size - 2] << 8
                | buffer.view[at + self.size - 1]
            )
        return bits

    def fits(self, buffer: Buffer, at: cython.Py_ssize_t, stop: cython.Py_ssize_t) -> cython.bint:
        """Say whether a header may begin at `buffer[at]`."""
        return self.weigh(buffer, at, stop) != IMPOSSIBLE

    def long_length(self, buffer: Buffer, at: cython.Py_ssize_t) -> cython.bint:
        """Read a length of 64 bits; say whether it can be one."""
        i: cython.Py_ssize_t
        if buffer.view[at + 2] or buffer.view[at + 3] or buffer.view[at + 4]:
            return False
        self.length = 0
        for i in range(at + 5, at + 10):
            self.length = self.length << 8 | buffer.view[i]
        return 65536 <= self.length < LONGEST

    def plain(
        self, buffer: Buffer, at: cython.Py_ssize_t, stop: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        """Put the beginning of the payload at `at` into the scratch; return how much it is."""
        size: cython.Py_ssize_t = stop - at
        if self.length < size:
            size = self.length
        if size > CHECKED:
            size = CHECKED
        if size > 0:
            # Where there is no mask the key is 0, which changes nothing. One that masks the header,
            # too, goes on behind it.
            self.scratch.unmask(
                buffer, at, at + size, self.key, self.size & 3 if self.prefixed else 0
            )
        return size

    def close(self, buffer: Buffer, at: cython.Py_ssize_t, stop: cython.Py_ssize_t) -> cython.int:
        """Weigh the body of a Close frame: a status code, then text (§5.5.1, §7.4)."""
        size: cython.Py_ssize_t
        code: cython.int
        if self.length == 0:
            return 0
        if self.length == 1:
            return IMPOSSIBLE
        size = self.plain(buffer, at, stop)
        if size < 2:
            return 0
        code = self.scratch.buffer.view[0] << 8 | self.scratch.buffer.view[1]
        if code < 1000 or code > 4999 or 1015 < code < 3000:
            return IMPOSSIBLE
        self.utf8.start()
        self.utf8.feed(self.scratch.buffer, 2, size)
        if not self.utf8.valid:
            return IMPOSSIBLE
        return 11 if code <= 1015 else 5

    def text(self, buffer: Buffer, at: cython.Py_ssize_t, stop: cython.Py_ssize_t) -> cython.int:
        """Weigh the beginning of a text (§8.1): not one is sent that is not UTF-8.

        That text is text says something where it was masked: a wrong key, or what is no mask,
        makes no printable characters. Unmasked, it may be the middle of a longer text.
        """
        size: cython.Py_ssize_t = self.plain(buffer, at, stop)
        printable: cython.int = 1
        byte: cython.int
        i: cython.Py_ssize_t
        if size <= 0:
            return 0
        self.utf8.start()
        self.utf8.feed(self.scratch.buffer, 0, size)
        if self.head & 0x80 and size == self.length:
            self.utf8.finish()
        if not self.utf8.valid:
            return IMPOSSIBLE
        for i in range(size):
            byte = self.scratch.buffer.view[i]
            if byte == 127 or (byte < 32 and byte != 9 and byte != 10 and byte != 13):
                printable = 0
                break
        if not printable:
            return 0
        if not self.second & 128:
            return 1 if size >= 4 else 0
        return 12 if size > 12 else cython.cast(cython.int, size)


def meaning(first: int, framing: int) -> int:
    """Return what RFC 6455 has for a frame's first byte."""
    if framing == RFC6455:
        return first
    return (first & 0xF0) ^ (0x80 if framing == MORE else 0) | MEANINGS[first & 15]
