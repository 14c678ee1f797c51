# cython: language_level=3, wraparound=False, initializedcheck=False
"""Numbers that can be predicted: which weak generator made them, if one did.

Numbers are unsigned and of 32 bits, in the order in which they were made. Every answer is confirmed
on numbers that it was not computed from: chance alone gives one in fewer than 2^-30 cases.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

WORD = 0xFFFFFFFF

# Numbers of which it is looked at whether each is a multiple of the one before it, and a constant.
LINEAR = 6

# java.util.Random: 48 bits of state, of which nextInt() shows the upper 32.
JAVA_FACTOR = 0x5DEECE66D
JAVA_STEP = 0xB
JAVA_STATE = (1 << 48) - 1
JAVA_PERIOD = 1 << 48
JAVA_FACTOR_SIGNED = JAVA_FACTOR

# Generators whose whole state is the number that they give: factor, increment, modulus, name.
CONGRUENTIAL = (
    (1103515245, 12345, 1 << 31, "the C standard's example of rand()"),
    (1664525, 1013904223, 1 << 32, "the generator of Numerical Recipes"),
    (214013, 2531011, 1 << 32, "the state of Microsoft's rand()"),
    (22695477, 1, 1 << 32, "the state of Borland's rand()"),
    (134775813, 1, 1 << 32, "Delphi's Random"),
    (69069, 1, 1 << 32, "the VAX generator"),
    (16807, 0, (1 << 31) - 1, "minstd_rand0, as rand() of macOS"),
    (48271, 0, (1 << 31) - 1, "minstd_rand"),
)

# glibc's rand(): r[i] = r[i - 3] + r[i - 31], of which all but the lowest bit are shown.
_GLIBC_FROM = 31
_GLIBC_CONFIRMED = 4
# What it begins with in a process that never calls srand(), whose seed is 1 then (rand(3)).
_GLIBC_UNSEEDED = (
    ((0x6B8B4567, 0x327B23C6, 0x643C9869), ""),
    ((0x67458B6B, 0xC6237B32, 0x69983C64), ", bytes turned over"),
)

FACTORS = array("Q", [factor for factor, *_ in CONGRUENTIAL])
STEPS = array("Q", [step for _, step, *_ in CONGRUENTIAL])
MODULI = array("Q", [modulus for _, _, modulus, _ in CONGRUENTIAL])

_MERSENNE = 624
_MERSENNE_MIDDLE = 397
_MERSENNE_CONFIRMED = 3


UPPER = 0x80000000
LOWER = 0x7FFFFFFF
MERSENNE_FACTOR = 0x9908B0DF
TEMPERED_15 = 0xEFC60000
TEMPERED_7 = 0x9D2C5680


def generator_of(numbers: Sequence[int]) -> str | None:
    """Return the name of the generator that made `numbers`, None where no known one did."""
    # One number alone fits some relations, too: 0 is the sum of 0 and 0.
    if len(numbers) < 3 or numbers[0] == numbers[1] == numbers[2]:
        return None
    if _one_tells_the_next(numbers[0], numbers[1], numbers[2]):
        name = _of_few(array("I", numbers[:4]))
        if name is not None:
            return name
    first = tuple(numbers[:3])
    for unseeded, order in _GLIBC_UNSEEDED:
        if first == unseeded:
            return f"glibc's rand(), which nobody seeded{order}"
    found = _linear(array("I", numbers[:LINEAR])) if len(numbers) >= LINEAR else None
    if found is not None or len(numbers) < _GLIBC_FROM + _GLIBC_CONFIRMED:
        return found
    for turned in (False, True):
        order = ", bytes turned over" if turned else ""
        if is_glibc(numbers, turned=turned):
            return f"glibc's rand(){order}"
        if is_mersenne(numbers, turned=turned):
            return f"the Mersenne Twister MT19937{order}"
    return None


def _linear(words: array[int]) -> str | None:
    """Return which linear congruential generator modulo 2^32 made six numbers, None for none.

    The square of a difference is the product of those before and behind it, whatever factor and
    increment are. Where differences are odd, as of each such generator that gives all numbers,
    chance does that in one of 2^32 cases, and in all three places in one of 2^96.
    """
    for order in ("", ", bytes turned over"):
        if order:
            words.byteswap()
        steps = [two - one & WORD for one, two in pairwise(words)]
        if steps[0] * steps[2] - steps[1] ** 2 & WORD or not all(step & 1 for step in steps):
            continue
        if any(
            one * three - two * two & WORD
            for one, two, three in zip(steps, steps[1:], steps[2:], strict=False)
        ):
            continue
        factor = steps[1] * pow(steps[0], -1, WORD + 1) & WORD
        # Numbers that count, or come again, are told as such.
        if factor != 1 and len(set(words)) == len(words):
            return f"a linear congruential generator modulo 2^32, factor {factor}{order}"
    return None


def _of_few(words: array[int]) -> str | None:
    """Return the name of a generator of which three or four numbers tell."""
    for order in ("", ", bytes turned over"):
        if order:
            words.byteswap()
        if maybe_java_state(words) is not None:
            # nextBytes() writes the lowest byte first.
            how = "nextBytes" if order else "nextInt"
            return f"java.util.Random ({how})"
        name = _congruential(words)
        if name is not None:
            return name + order
    return None


def _one_tells_the_next(
    first: cython.ulonglong, second: cython.ulonglong, third: cython.ulonglong
) -> cython.bint:
    """Say whether `_of_few` may have a name for numbers that begin so; quickly."""
    _turn: cython.int
    place: cython.Py_ssize_t
    for _turn in range(2):
        if java_state(first, second, third) >= 0 or second == _xorshift(first):
            return True
        for place in range(len(FACTORS)):
            if second == _follows(first, place):
                return True
        first, second, third = _over(first), _over(second), _over(third)
    return False


@cython.cfunc
@cython.exceptval(check=False)
def _over(number: cython.ulonglong) -> cython.ulonglong:
    """Return a number of 32 bits with its four bytes in the other order."""
    outer: cython.ulonglong = (number & 0xFF) << 24 | number >> 24
    return outer | (number << 8 & 0xFF0000) | (number >> 8 & 0xFF00)


def _turned(numbers: Sequence[int]) -> array[int]:
    words = array("I", numbers)
    words.byteswap()
    return words


def maybe_java_state(numbers: Sequence[int]) -> int | None:
    """Return the state of java.util.Random behind the last number; None where it did not make them.

    Two numbers leave 16 bits of the first state open, which at most seven values fit; the third
    confirms one. Source: the documentation of java.util.Random.next(int).
    """
    if len(numbers) < 3:
        return None
    state = java_state(numbers[0], numbers[1], numbers[2])
    if state < 0:
        return None
    for number in numbers[3:]:
        state = java_next(state)
        if state >> 16 != number:
            return None
    return state


@cython.cfunc
@cython.exceptval(check=False)
def java_next(state: cython.ulonglong) -> cython.longlong:
    """Return the state that follows."""
    return (state * JAVA_FACTOR + JAVA_STEP) & JAVA_STATE


@cython.cfunc
@cython.exceptval(check=False)
def java_state(
    one: cython.ulonglong, two: cython.ulonglong, three: cython.longlong
) -> cython.longlong:
    """Return the state behind the last of three numbers in a row; -1 where there is none."""
    # low * factor must lie within 2^16 above this, modulo 2^48; where low is 0, this is beyond it.
    least: cython.longlong = ((two << 16) - (one << 16) * JAVA_FACTOR - JAVA_STEP) & JAVA_STATE
    low: cython.longlong
    state: cython.longlong
    least -= JAVA_PERIOD
    # Beyond six periods, `low` would have more than 16 bits.
    while least < 6 * JAVA_PERIOD:
        low = -(-least // JAVA_FACTOR_SIGNED)
        if 0 <= low <= 0xFFFF and low * JAVA_FACTOR_SIGNED - least <= 0xFFFF:
            state = java_next(java_next((one << 16) | cython.cast(cython.ulonglong, low)))
            # What the second number confirms follows from how the lowest bits were chosen.
            if state >> 16 == three:
                return state
        least += JAVA_PERIOD
    return -1


def is_odd(nonce: bytes) -> bool:
    """Tell whether sixteen bytes may be something else than random: a quick look.

    They are where half of them had come before, none is above 127, the first three count, or
    java.util.Random made the first twelve.
    """
    at: cython.Py_ssize_t
    before: cython.Py_ssize_t
    again: cython.int = 0
    above: cython.int = 0
    if len(nonce) != 16:
        return True
    for at in range(16):
        above += nonce[at] >> 7
        for before in range(at):
            if nonce[at] == nonce[before]:
                again += 1
                break
    if again >= 8 or above == 0 or (nonce[0] + nonce[2] - 2 * nonce[1]) & 255 == 0:
        return True
    return java_state(_word(nonce, 0), _word(nonce, 4), _word(nonce, 8)) >= 0


@cython.cfunc
@cython.exceptval(check=False)
def _word(data: bytes, at: cython.Py_ssize_t) -> cython.longlong:
    """Return the number that four bytes are, the lowest first; the caller knows that they exist."""
    number: cython.longlong = data[at + 3]
    number = number << 8 | data[at + 2]
    number = number << 8 | data[at + 1]
    return number << 8 | data[at]


def java_numbers(state: int) -> Iterator[int]:
    """Yield what java.util.Random.nextInt() gives from a state on, unsigned, for ever."""
    while True:
        state = (state * JAVA_FACTOR + JAVA_STEP) & JAVA_STATE
        yield state >> 16


def _congruential(numbers: array[int]) -> str | None:
    """Return the name of the generator each number of which tells the next, None for none."""
    first: cython.ulonglong = numbers[0]
    second: cython.ulonglong = numbers[1]
    place: cython.Py_ssize_t
    if first == 0:
        return None
    # The second number rules out nearly all of them.
    for place in range(len(FACTORS)):
        found = first < MODULI[place] and second == _follows(first, place)
        if found and all_follow(numbers, place):
            return CONGRUENTIAL[place][3]
    return "xorshift32" if second == _xorshift(first) and all_follow(numbers, -1) else None


def all_follow(numbers: array[int], place: int) -> bool:
    """Tell whether each number tells the next; `place` in CONGRUENTIAL, or -1 for xorshift32."""
    at: cython.Py_ssize_t
    for at in range(1, len(numbers)):
        before: cython.ulonglong = numbers[at - 1]
        if numbers[at] != (_xorshift(before) if place < 0 else _follows(before, place)):
            return False
    return True


@cython.cfunc
@cython.exceptval(check=False)
def _follows(number: cython.ulonglong, place: cython.Py_ssize_t) -> cython.ulonglong:
    """Return what follows a number of the generator at a place of CONGRUENTIAL."""
    return (number * FACTORS[place] + STEPS[place]) % MODULI[place]


@cython.cfunc
@cython.exceptval(check=False)
def _xorshift(number: cython.ulonglong) -> cython.ulonglong:
    """Return what follows a number of Marsaglia's xorshift32 (13, 17, 5)."""
    number ^= number << 13 & WORD
    number ^= number >> 17
    return number ^ (number << 5 & WORD)


def is_glibc(numbers: Sequence[int], *, turned: bool = False) -> bool:
    """Tell whether glibc's rand() made the numbers, from 35 of them on; `turned`: as for others."""
    if len(numbers) < _GLIBC_FROM + _GLIBC_CONFIRMED:
        return False
    # Its numbers have 31 bits.
    if numbers[0] & (0x80 if turned else 0x80000000):
        return False
    for place in range(8):
        if numbers[place] & (0x80 if turned else 0x80000000):
            return False
    words = numbers[: _GLIBC_FROM + _GLIBC_CONFIRMED]
    if turned:
        words = _turned(words)
    for place in range(_GLIBC_FROM, _GLIBC_FROM + _GLIBC_CONFIRMED):
        number = words[place]
        sum_of_two = words[place - 3] + words[place - 31]
        # The bits that were shifted out may carry one.
        if number >> 31 or (number - sum_of_two) & 0x7FFFFFFF > 1:
            return False
    return True


def is_mersenne(numbers: Sequence[int], *, turned: bool = False) -> bool:
    """Tell whether MT19937 made the numbers, 32 bits at a time, from 627 of them on.

    `turned`: with the bytes of each turned over. Source: Matsumoto and Nishimura, 1998: each word
    is made of three others.
    """
    if len(numbers) < _MERSENNE + _MERSENNE_CONFIRMED:
        return False
    for place in range(_MERSENNE_CONFIRMED):
        words = [
            numbers[place],
            numbers[place + 1],
            numbers[place + _MERSENNE_MIDDLE],
            numbers[place + _MERSENNE],
        ]
        if not _is_made_of(*(_turned(words) if turned else words)):
            return False
    return True


def _is_made_of(one: int, two: int, middle: int, made: int) -> bool:
    joined: cython.uint = untempered(one) & UPPER | untempered(two) & LOWER
    word: cython.uint = untempered(middle) ^ joined >> 1
    if joined & 1:
        word ^= MERSENNE_FACTOR
    return word == untempered(made)


def untempered(number: cython.uint) -> cython.uint:
    """Return the word of MT19937's state of which `number` was made."""
    word: cython.uint
    number ^= number >> 18
    number ^= number << 15 & TEMPERED_15
    word = number
    for _ in range(4):
        word = number ^ (word << 7 & TEMPERED_7)
    number = word
    for _ in range(2):
        word = number ^ word >> 11
    return word
