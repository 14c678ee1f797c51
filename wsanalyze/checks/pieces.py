# cython: language_level=3, wraparound=False, initializedcheck=False
"""Weak generators of which a masking key shows only pieces: bytes of rand(), 31 bits of mt_rand().

Numbers are unsigned and of 32 bits, the four bytes of a key as they were on the wire, the first one
highest. What a generator shows of its numbers obeys relations between some of them; an answer is
given where all of many hold, which chance does in fewer than 2^-40 cases.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import pairwise, product
from struct import pack

from wsanalyze.checks.prediction import untempered

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# Relations that must hold. Random bytes keep the weakest in one of 13 cases, others in one of 128.
RELATIONS = 12

# Keys from which bytes are enough for every generator below but .NET's, which needs 17.
FEWEST = 11
# Keys whose bytes are looked at.
MOST_FOR_BYTES = 17
# Keys of which it is looked at whether their bytes count: as many as for those that count whole.
MOST_COUNTED = 256
# The top bit of each of four bytes.
TOPS = 0x80808080
# Whether numbers have their lowest byte first here.
LOWEST_FIRST = pack("=H", 1) == b"\x01\x00"


@cython.final
@cython.cclass
class Additive:
    """A generator each number of which is a sum or difference of two: x[n-far] + sign * x[n-near].

    `carry` is what the bits that are not shown may add to the lowest one that is.
    """

    def __init__(
        self, name: str, far: cython.int, near: cython.int, sign: cython.int, carry: cython.int
    ) -> None:
        self.name = name
        self.far = far
        self.near = near
        self.sign = sign
        self.carry = carry

    def made(self, numbers: Sequence[int], mask: cython.longlong) -> bool:
        """Tell whether it made the numbers, of which the bits of `mask` are shown."""
        place: cython.Py_ssize_t
        found: cython.longlong
        one: cython.longlong
        other: cython.longlong
        if len(numbers) < self.far + RELATIONS:
            return False
        for place in range(self.far, self.far + RELATIONS):
            one = numbers[place - self.far]
            other = numbers[place - self.near]
            found = numbers[place]
            found = (found - (one + self.sign * other)) & mask
            if found != 0 and found != self.carry & mask:
                return False
        return True


@cython.final
@cython.cclass
class Congruential:
    """A linear congruential generator whose state's highest byte is shown, modulo a power of two.

    The factors are the shortest relation between states that follow each other: the sum of their
    products is a constant. Of the bytes shown it is at most `highest`, and less by `room` at most,
    since a state exceeds what is shown of it by less than one.
    """

    def __init__(self, name: str, factors: tuple[int, ...], constant: int) -> None:
        """`constant` is the highest byte of the sum of products."""
        self.name = name
        self.factors = array("i", factors)
        self.highest = constant - sum(factor for factor in factors if factor < 0)
        self.room = sum(map(abs, factors))

    def made(self, drawn: bytes) -> bool:
        """Tell whether it made the bytes."""
        start: cython.Py_ssize_t
        place: cython.Py_ssize_t
        found: cython.int
        if len(drawn) < len(self.factors) + RELATIONS:
            return False
        for start in range(RELATIONS):
            found = self.highest
            for place in range(len(self.factors)):
                found -= self.factors[place] * drawn[start + place]
            if found & 0xFF > self.room:
                return False
        return True


def turned(numbers: Sequence[int]) -> Sequence[int]:
    """Return the numbers with the bytes of each turned over."""
    words = array("I", numbers)
    words.byteswap()
    return words


# glibc's rand() (TYPE_3), and System.Random of .NET Framework (of .NET with a seed), whose
# modulus is 2^31 - 1: where a difference is negative, a byte of it is one less.
_BYTES = (
    Additive("glibc's rand(), a byte of each number", 31, 3, 1, 1),
    Additive("System.Random of .NET, a byte of each number", 55, 34, -1, -1),
)
# Go's math/rand, of whose 64 bits Uint32() shows 32.
GO = Additive("Go's math/rand", 607, 273, 1, 1)

# What rand.Uint32() of a Go program gives first that was built before Go 1.20 and sets no seed.
UNSEEDED_GO = (
    *(2596996162, 4039455774, 2854263694, 1879968118),
    *(1823804162, 2949882636, 281908850, 672245080),
)

# The first of each of these pairs, for a quick look.
GO_FIRST = frozenset((*UNSEEDED_GO, *turned(UNSEEDED_GO)))

# state * 214013 + 2531011, state * 1103515245 + 12345 (both: bits 16 to 23); newlib (bits 32 to 39)
# and musl (33 to 40): state * 6364136223846793005 + 1; Java: bits 40 to 47. Reduced with LLL.
CONGRUENTIAL = (
    Congruential(
        "Microsoft's rand(), a byte of each number",
        (1, -1, -1, -1, 1, 0, -1, -2, 0, 0, -1, 1),
        25,
    ),
    Congruential(
        "the C standard's example of rand(), a byte of each number",
        (-2, -2, 0, -1, 1, 1, 0, 1, 0, 1, 0, 0, 1),
        192,
    ),
    Congruential(
        "newlib's rand(), a byte of each number",
        (1, -3, -1, 0, -1, -2, 2, 0, -1, 0, 1, -1, 1, -1, 0, 1, 0, -1, 1),
        219,
    ),
    Congruential(
        "musl's rand(), a byte of each number",
        (-1, 2, 0, 0, 0, 0, -1, 2, 0, -1, -2, -2, 0, 0, 2, 0, 0, 0, -1, -2),
        13,
    ),
    Congruential(
        "java.util.Random (nextInt(256))",
        (-1, 0, 0, 2, -1, -2, -2, -1, 1, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 2, 0, 0, 2),
        196,
    ),
)

_MERSENNE = 624
_MERSENNE_MIDDLE = 397
_MERSENNE_RELATIONS = 3
_MERSENNE_FACTOR = 0x9908B0DF


def generator_of_pieces(numbers: Sequence[int]) -> str | None:
    """Return the name of the generator of which `numbers` show pieces, None where none is known."""
    if _is_unseeded_go(numbers):
        return "Go's math/rand without a seed"
    if bytes_count(numbers):
        return "a counter in each byte"
    if len(numbers) < FEWEST:
        return None
    # Keys that come again fit the relations of sums, too, but have a fault of their own.
    if len(set(numbers[:FEWEST])) < FEWEST:
        return None
    words = array("I", numbers[:MOST_FOR_BYTES])
    # As they were on the wire.
    if LOWEST_FIRST:
        words.byteswap()
    drawn = words.tobytes()
    additive: Additive
    congruential: Congruential
    for additive in _BYTES:
        if additive.made(drawn, 0xFF):
            return additive.name
    for congruential in CONGRUENTIAL:
        if congruential.made(drawn):
            return congruential.name
    return _of_many(numbers) if len(numbers) >= GO.far + RELATIONS else None


def bytes_count(numbers: Sequence[int]) -> bool:
    """Tell whether each byte goes on in steps of its own, modulo 256, and whole numbers do not.

    From four numbers on, which chance does in one of 2^64 cases; of more than MOST_COUNTED the
    first ones are looked at. Numbers that count as a whole are told of as such.
    """
    place: cython.Py_ssize_t
    if len(numbers) < 4:
        return False
    step: cython.ulonglong = _less(numbers[1], numbers[0])
    if step == 0 or step != _less(numbers[2], numbers[1]):
        return False
    first = numbers[:MOST_COUNTED]
    for place in range(3, len(first)):
        if _less(first[place], first[place - 1]) != step:
            return False
    return not (_counts(first) or _counts(turned(first)))


def _counts(numbers: Sequence[int]) -> bool:
    return len({two - one & 0xFFFFFFFF for one, two in pairwise(numbers)}) == 1


@cython.cfunc
@cython.exceptval(check=False)
def _less(one: cython.ulonglong, other: cython.ulonglong) -> cython.ulonglong:
    """Return each byte of a number less that of another, modulo 256: none borrows of the next."""
    apart: cython.ulonglong = (one | TOPS) - (other & 0x7F7F7F7F)
    return apart ^ ((one ^ other ^ 0xFFFFFFFF) & TOPS)


def _is_unseeded_go(numbers: Sequence[int]) -> bool:
    if len(numbers) < 2 or numbers[0] not in GO_FIRST:
        return False
    pairs = ((numbers[0], numbers[1]), tuple(turned(numbers[:2])))
    return any(pair in pairs for pair in pairwise(UNSEEDED_GO))


def _of_many(numbers: Sequence[int]) -> str | None:
    """Return the name of a generator whose relations are between hundreds of numbers."""
    for order, words in (("", numbers), (", bytes turned over", turned(numbers))):
        if GO.made(words, 0xFFFFFFFF):
            return GO.name + order
        if is_halved_mersenne(words):
            return f"the Mersenne Twister MT19937, 31 bits of each number{order}"
    return None


def is_halved_mersenne(numbers: Sequence[int]) -> bool:
    """Tell whether MT19937 made the numbers, halved, as PHP's mt_rand() and many others do.

    From 627 of them on. PHP before 7.1 took the lowest bit of another word; both are looked for.
    """
    if len(numbers) < _MERSENNE + _MERSENNE_RELATIONS or any(one >> 31 for one in numbers[:40]):
        return False
    return all(_is_halved(numbers, place) for place in range(_MERSENNE_RELATIONS))


def _is_halved(numbers: Sequence[int], place: int) -> bool:
    one, two, middle, made = (
        (untempered(number << 1 & 0xFFFFFFFF), untempered(number << 1 & 0xFFFFFFFF | 1))
        for number in (
            numbers[place],
            numbers[place + 1],
            numbers[place + _MERSENNE_MIDDLE],
            numbers[place + _MERSENNE],
        )
    )
    for first, second, third in product(one, two, middle):
        word = third ^ (first & 0x80000000 | second & 0x7FFFFFFF) >> 1
        for lowest in (first & 1, second & 1):
            if word ^ (_MERSENNE_FACTOR if lowest else 0) in made:
                return True
    return False
