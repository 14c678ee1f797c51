# cython: language_level=3, wraparound=False, initializedcheck=False
"""Which bits of many numbers are set, and how often; how often each byte comes."""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

BITS = 32
# Of more than these the rest is not looked at: it would cost more than it tells.
SAMPLED = 256
# Those in which bits that never change are looked for.
FIXED_IN = 40
# So many bits that are as they are by chance are no less than one in 2^33 cases.
CERTAIN = 33
# Places of the table of numbers that were seen: twice as many, a power of two.
PLACES = 512
SHIFT = 23
SPREAD = 0x9E3779B1
ALL = 0xFFFFFFFF
NONE = array("I")
# The lowest bit of each of four bytes.
LOWEST = 0x01010101


@cython.final
@cython.cclass
class Bits:
    """What is known of numbers (unsigned, 32 bits) when all have been looked at.

    The first SAMPLED numbers are looked at: `looked_at` is how many those are. `counts` says in
    how many of them each bit is set, the lowest first; `oddest` is twice the most that one of these
    differs from half of them; `again` is how many numbers had come before; `fixed` has the bits set
    that are the same in each of the first FIXED_IN; `steady` tells whether all of three or more
    differ by the same from the one before, `steady_turned` whether they do so turned over.
    """

    def __init__(self, numbers: array[int]) -> None:
        self.looked_at = min(len(numbers), SAMPLED)
        self.again = self.oddest = 0
        self.steady = self.steady_turned = False
        self.fixed = ALL
        # C arrays, see the .pxd.
        self.counts = [0] * 32
        self.lanes = [0] * 8
        self.numbers = numbers
        # Numbers that were seen, each at its place or behind it.
        self.seen = array("I", bytes(4 * PLACES))
        self.count()
        # Thousands of connections keep what is known, not what it was told by.
        self.seen = self.numbers = NONE

    @cython.boundscheck(False)
    def count(self) -> cython.int:
        """Look at all numbers."""
        at: cython.Py_ssize_t
        bit: cython.int
        place: cython.uint
        number: cython.uint
        zeros: cython.int = 0
        off: cython.int
        step: cython.uint
        other_step: cython.uint
        few: cython.Py_ssize_t = FIXED_IN
        if len(self.seen) != PLACES or not 0 < self.looked_at <= len(self.numbers):
            return 0
        for at in range(self.looked_at):
            number = self.numbers[at]
            if at < few:
                self.fixed &= number ^ self.numbers[0] ^ ALL
            # Four bits at a time, eight places apart: each byte of a lane counts one.
            for bit in range(8):
                self.lanes[bit] += number >> bit & LOWEST
            if at & 127 == 127:
                self.take()
            if number == 0:
                self.again += zeros > 0
                zeros += 1
                continue
            place = number * SPREAD >> SHIFT & PLACES - 1
            while self.seen[place] and self.seen[place] != number:
                place = place + 1 & PLACES - 1
            self.again += self.seen[place] == number
            self.seen[place] = number
        self.take()
        if self.looked_at >= 3:
            step = self.numbers[1] - self.numbers[0]
            other_step = turned(self.numbers[1]) - turned(self.numbers[0])
            self.steady = self.steady_turned = True
            for at in range(2, self.looked_at):
                number = self.numbers[at] - self.numbers[at - 1] - step
                self.steady &= number & ALL == 0
                number = turned(self.numbers[at]) - turned(self.numbers[at - 1]) - other_step
                self.steady_turned &= number & ALL == 0
        for bit in range(BITS):
            off = abs(2 * self.counts[bit] - self.looked_at)
            if off > self.oddest:
                self.oddest = off
        return 0

    @cython.boundscheck(False)
    def take(self) -> cython.int:
        """Add what the lanes have counted, of at most 255 numbers, to the counts."""
        bit: cython.int
        for bit in range(BITS):
            self.counts[bit] += self.lanes[bit & 7] >> (bit & 24) & 255
        for bit in range(8):
            self.lanes[bit] = 0
        return 0


@cython.boundscheck(False)
def are_ordinary(numbers: array[int]) -> cython.bint:
    """Say whether a quick look finds nothing odd about fewer than SAMPLED numbers; else nothing.

    None comes twice, the first three do not count, and no more bits are the same in the first
    FIXED_IN than may be by chance: half as many as with a number less.
    """
    count: cython.Py_ssize_t = len(numbers)
    at: cython.Py_ssize_t
    before: cython.Py_ssize_t
    bit: cython.int
    number: cython.uint
    step: cython.uint
    again: cython.int = 0
    fixed: cython.int = 0
    same: cython.uint = ALL
    few: cython.Py_ssize_t = FIXED_IN
    if count < 3 or count >= SAMPLED:
        return False
    for at in range(count):
        number = numbers[at]
        if at < FIXED_IN:
            same &= number ^ numbers[0] ^ ALL
        # Without a branch, so that several are compared at once.
        for before in range(at):
            again += numbers[before] == number
    step = numbers[1] - numbers[0] - (numbers[2] - numbers[1])
    if again or step & ALL == 0:
        return False
    step = turned(numbers[1]) - turned(numbers[0]) - (turned(numbers[2]) - turned(numbers[1]))
    for bit in range(BITS):
        fixed += same >> bit & 1
    return step & ALL != 0 and fixed * ((few if count > few else count) - 1) <= CERTAIN


@cython.final
@cython.cclass
class Bytes:
    """How often each of the 256 bytes comes in some: `counts`."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.counts = array("i", bytes(4 * 256))
        self.count()

    @cython.boundscheck(False)
    def count(self) -> cython.int:
        """Look at all bytes."""
        at: cython.Py_ssize_t
        if len(self.counts) == 256:
            for at in range(len(self.data)):
                self.counts[self.data[at]] += 1
        return 0


@cython.cfunc
@cython.exceptval(check=False)
def turned(number: cython.uint) -> cython.uint:
    """Return a number with its four bytes in the other order."""
    outer: cython.uint = (number << 24 | number >> 24) & ALL
    return outer | (number << 8 & 0xFF0000) | (number >> 8 & 0xFF00)
