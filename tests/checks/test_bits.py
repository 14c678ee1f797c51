"""Bits of numbers and counts of bytes: as Python's own integers and Counter say."""

from __future__ import annotations

from array import array
from collections import Counter
from hashlib import shake_128
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from wsanalyze.checks.bits import FIXED_IN, Bits, Bytes, are_ordinary

SAMPLED = 256
WORD = 0xFFFFFFFF

numbers = st.lists(
    st.integers(0, WORD) | st.sampled_from([0, 1, WORD, 0x80000000]), max_size=SAMPLED + 50
)


def turned(number: int) -> int:
    return int.from_bytes(number.to_bytes(4, "big"), "little")


def is_steady(words: list[int]) -> bool:
    return len(words) >= 3 and len({(two - one) & WORD for one, two in pairwise(words)}) == 1


@given(numbers)
@example([])
@example([5])
@example([0, 0, 0])
@example([WORD, 0, 1])
@example([7 * place & WORD for place in range(SAMPLED + 1)])
@example([turned(7 * place) for place in range(300)])
# The sampled ones count, the one behind them does not.
@example([*range(SAMPLED), 0])
def test_what_is_known_of_numbers(given_numbers: list[int]) -> None:
    bits = Bits(array("I", given_numbers))
    looked_at = given_numbers[:SAMPLED]
    counts = [sum(number >> bit & 1 for number in looked_at) for bit in range(32)]
    assert bits.looked_at == len(looked_at)
    assert list(bits.counts) == counts
    assert bits.oddest == max(abs(2 * count - len(looked_at)) for count in counts)
    assert bits.again == len(looked_at) - len(set(looked_at))
    few = looked_at[:FIXED_IN]
    same = [bit for bit in range(32) if len({number >> bit & 1 for number in few}) <= 1]
    assert bits.fixed == sum(1 << bit for bit in same)
    assert bool(bits.steady) is is_steady(looked_at)
    assert bool(bits.steady_turned) is is_steady([turned(number) for number in looked_at])


def test_as_many_different_numbers_as_are_looked_at_are_all_told_apart() -> None:
    """Numbers whose places in the table of those seen are the same."""
    alike = [place << 9 for place in range(SAMPLED)]
    assert Bits(array("I", alike)).again == 0
    assert Bits(array("I", [*alike[:-1], alike[3]])).again == 1


@given(numbers | st.lists(st.integers(0, WORD), min_size=3, max_size=9))
@example([*range(7, 40)])
@example([turned(7 * place) for place in range(30)])
@example([0xFFFF & 77 * place * place for place in range(9)])
def test_of_ordinary_numbers_nothing_is_odd(given_numbers: list[int]) -> None:
    words = array("I", given_numbers)
    if not are_ordinary(words):
        return
    bits = Bits(words)
    assert 3 <= len(words) < SAMPLED
    assert not bits.again
    assert not bits.steady
    assert not bits.steady_turned
    # By chance so many bits are the same no less often than once in 2^33 cases.
    assert bits.fixed.bit_count() * (min(bits.looked_at, FIXED_IN) - 1) <= 33


def test_random_numbers_are_ordinary() -> None:
    drawn = array("I", shake_128(b"masking keys").digest(4 * 255))
    assert all(are_ordinary(drawn[:count]) for count in range(5, 256))


@given(st.binary(max_size=600))
def test_how_often_each_byte_comes(data: bytes) -> None:
    counted = Counter(data)
    assert list(Bytes(data).counts) == [counted[byte] for byte in range(256)]
