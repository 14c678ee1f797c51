# cython: language_level=3, wraparound=False, initializedcheck=False
"""Which bits of many numbers are set, and how often."""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

BITS = 32


@cython.final
@cython.cclass
class Bits:
    """What is known of the bits of numbers (unsigned, 32 bits) when all have been looked at.

    `in_all` and `in_any` have those set that are set in every number, and in at least one;
    `counts` says in how many each is, the lowest bit first.
    """

    def __init__(self, numbers: array[int]) -> None:
        self.numbers = memoryview(numbers)
        self.counts = memoryview(bytearray(4 * BITS)).cast("i")
        self.in_all = 0xFFFFFFFF
        self.in_any = 0
        self.count()

    def count(self) -> cython.int:
        """Look at all numbers."""
        place: cython.Py_ssize_t
        bit: cython.int
        number: cython.uint
        for place in range(len(self.numbers)):
            number = self.numbers[place]
            self.in_all &= number
            self.in_any |= number
            for bit in range(BITS):
                self.counts[bit] += number >> bit & 1
        return 0

    @property
    def fixed(self) -> int:
        """A number with the bits set that are the same in all numbers."""
        return int(self.in_all) | (int(self.in_any) ^ 0xFFFFFFFF)
