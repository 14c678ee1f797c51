# cython: language_level=3, wraparound=False, initializedcheck=False
"""How far back a compressed message refers: DEFLATE read without making its output (RFC 1951)."""

from __future__ import annotations

from wsanalyze.buffer import Buffer

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# RFC 1951 §3.2.5: the least length and distance of each code, and how many bits more it has.
LENGTHS = (
    *(3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115),
    *(131, 163, 195, 227, 258),
)
LENGTH_BITS = (*(0,) * 8, *(bits for bits in range(1, 6) for _ in range(4)), 0)
DISTANCES = (
    *(1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537),
    *(2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577),
)
DISTANCE_BITS = (0, 0, 0, 0, *(bits for bits in range(1, 14) for _ in range(2)))
# §3.2.7: the order in which the lengths of the codes for code lengths come.
ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
# §3.2.6: the lengths of the fixed codes.
FIXED = bytes((8,) * 144 + (9,) * 112 + (7,) * 24 + (8,) * 8)
FIXED_DISTANCES = bytes((5,) * 30)

LONGEST = 15
# A stream that is cut, or no DEFLATE.
BROKEN = -1


@cython.final
@cython.cclass
class Codes:
    """A Huffman code, given by the length of each symbol's code (RFC 1951 §3.2.2).

    `counts[n]` is how many codes have n bits; `symbols` has them in order of their codes;
    `starts` is used while they are put there.
    """

    def __init__(self, lengths: bytes) -> None:
        size: cython.Py_ssize_t = len(lengths)
        symbol: cython.Py_ssize_t
        bits: cython.int
        self.starts = memoryview(bytearray(4 * (LONGEST + 2))).cast("i")
        self.counts = memoryview(bytearray(4 * (LONGEST + 1))).cast("i")
        self.symbols = memoryview(bytearray(2 * size + 2)).cast("H")
        for symbol in range(size):
            self.counts[lengths[symbol]] += 1
        self.counts[0] = 0
        for bits in range(1, LONGEST + 1):
            self.starts[bits + 1] = self.starts[bits] + self.counts[bits]
        for symbol in range(size):
            bits = lengths[symbol]
            if bits:
                self.symbols[self.starts[bits]] = symbol
                self.starts[bits] += 1


# Made once: a message may have a fixed block in every tenth bit.
FIXED_CODES = Codes(FIXED)
FIXED_DISTANCE_CODES = Codes(FIXED_DISTANCES)


@cython.final
@cython.cclass
class Reach:
    """What one message's DEFLATE data refers to.

    - `largest`: the largest distance of a reference, 0 where there is none
    - `beyond`: how far the farthest one reaches back behind the message's own beginning
    - `broken`: the data is no DEFLATE, or does not end with a block
    """

    def __init__(self, data: bytes) -> None:
        self.buffer = Buffer(data)
        self.size = len(data)
        self.at = self.bits = self.held = 0
        self.largest = self.beyond = self.written = 0
        self.broken = self.blocks() != 0

    def take(self, count: cython.int) -> cython.int:
        """Return the next `count` bits as a number, BROKEN at the end."""
        taken: cython.int
        while self.held < count:
            if self.at >= self.size:
                return BROKEN
            self.bits |= self.buffer.view[self.at] << self.held
            self.at += 1
            self.held += 8
        taken = self.bits & ((1 << count) - 1)
        self.bits >>= count
        self.held -= count
        return taken

    def symbol(self, codes: Codes) -> cython.int:
        """Return the symbol of the next code, BROKEN where there is none."""
        code: cython.int = 0
        first: cython.int = 0
        index: cython.int = 0
        count: cython.int
        length: cython.int
        bit: cython.int
        for length in range(1, LONGEST + 1):
            bit = self.take(1)
            if bit < 0:
                return BROKEN
            code |= bit
            count = codes.counts[length]
            if code - count < first:
                return codes.symbols[index + code - first]
            index += count
            first = (first + count) << 1
            code <<= 1
        return BROKEN

    def blocks(self) -> cython.int:
        """Read blocks to the end of the data; return 0, or BROKEN."""
        kind: cython.int
        done: cython.int = 0
        # What is left of the last byte is padding.
        while done == 0 and (self.size - self.at) * 8 + self.held >= 8:
            # BFINAL: another stream may follow (RFC 7692 §7.2.3.4), from the next byte on.
            final: cython.int = self.take(1)
            kind = self.take(2)
            if kind == 0:
                done = self.stored()
            elif kind == 1:
                done = self.tokens(FIXED_CODES, FIXED_DISTANCE_CODES)
            elif kind == 2:
                done = self.dynamic()
            else:
                done = BROKEN
            if final == 1:
                self.align()
        return done

    def align(self) -> cython.int:
        """Pass over what is left of a byte."""
        self.bits >>= self.held & 7
        self.held -= self.held & 7
        return 0

    def stored(self) -> cython.int:
        """Read a block without compression (RFC 1951 §3.2.4)."""
        self.align()
        length: cython.int = self.take(16)
        check: cython.int = self.take(16)
        if length < 0 or check < 0 or length ^ check != 0xFFFF:
            return BROKEN
        # Whole bytes may be held.
        while length > 0 and self.held >= 8:
            self.take(8)
            length -= 1
            self.written += 1
        if self.size - self.at < length:
            return BROKEN
        self.at += length
        self.written += length
        return 0

    def dynamic(self) -> cython.int:
        """Read a block with codes of its own (RFC 1951 §3.2.7)."""
        literals: cython.int = self.take(5)
        distances: cython.int = self.take(5)
        count: cython.int = self.take(4)
        place: cython.int
        length: cython.int
        if literals < 0 or distances < 0 or count < 0 or literals > 29:
            return BROKEN
        literals += 257
        distances += 1
        lengths = bytearray(19)
        for place in range(count + 4):
            length = self.take(3)
            if length < 0:
                return BROKEN
            lengths[ORDER[place]] = length
        read = self.code_lengths(Codes(bytes(lengths)), literals + distances)
        if read is None:
            return BROKEN
        return self.tokens(Codes(read[:literals]), Codes(read[literals:]))

    def code_lengths(self, codes: Codes, count: cython.int) -> bytes | None:
        """Read the lengths of so many codes; None where they make no sense."""
        lengths = bytearray()
        symbol: cython.int
        times: cython.int
        while len(lengths) < count:
            symbol = self.symbol(codes)
            if symbol < 0 or (symbol == 16 and not lengths):
                return None
            if symbol < 16:
                lengths.append(symbol)
                continue
            times = self.take(2 if symbol == 16 else (3 if symbol == 17 else 7))
            if times < 0:
                return None
            times += 11 if symbol == 18 else 3
            lengths += bytes((lengths[len(lengths) - 1] if symbol == 16 else 0,)) * times
        return bytes(lengths) if len(lengths) == count else None

    def tokens(self, codes: Codes, distances: Codes) -> cython.int:
        """Read literals and references up to the block's end; return 0, or BROKEN."""
        symbol: cython.int
        while True:
            symbol = self.symbol(codes)
            if symbol == 256:
                return 0
            if symbol < 0:
                return BROKEN
            if symbol < 256:
                self.written += 1
            elif self.reference(symbol - 257, distances) < 0:
                return BROKEN

    def reference(self, code: cython.int, distances: Codes) -> cython.int:
        """Read the rest of a reference whose length has this code."""
        more: cython.int
        length: cython.int
        distance: cython.int
        if code > 28:
            return BROKEN
        more = self.take(LENGTH_BITS[code])
        length = LENGTHS[code]
        code = self.symbol(distances)
        if more < 0 or code < 0 or code > 29:
            return BROKEN
        length += more
        more = self.take(DISTANCE_BITS[code])
        if more < 0:
            return BROKEN
        distance = DISTANCES[code] + more
        if distance > self.largest:
            self.largest = distance
        if distance - self.written > self.beyond:
            self.beyond = distance - self.written
        self.written += length
        return 0
