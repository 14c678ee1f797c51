"""Numbers that can be predicted: each generator from a stated number of keys on, chance never."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.chance import chance

from wsanalyze.checks import prediction
from wsanalyze.checks.prediction import generator_of, java_numbers, maybe_java_state, untempered

WORD = 0xFFFFFFFF

Numbers = Callable[[int], Iterator[int]]


def java(seed: int) -> Iterator[int]:
    """nextInt() of `new java.util.Random(seed)`, unsigned."""
    return java_numbers(seed ^ 0x5DEECE66D)


def congruential(factor: int, step: int, modulus: int) -> Numbers:
    """A generator that gives its whole state."""

    def numbers(seed: int) -> Iterator[int]:
        state = seed % (modulus - 1) + 1
        while True:
            state = (state * factor + step) % modulus
            yield state

    return numbers


def xorshift(seed: int) -> Iterator[int]:
    """Marsaglia's xorshift32, "Xorshift RNGs", 2003."""
    number = seed | 1
    while True:
        number ^= number << 13 & WORD
        number ^= number >> 17
        number ^= number << 5 & WORD
        yield number


def glibc(seed: int) -> Iterator[int]:
    """rand() of glibc behind srand(seed): TYPE_3 of its random.c."""
    state = [seed or 1]
    for _ in range(30):
        state.append(16807 * state[-1] % 2147483647)
    for _ in range(3):
        state.append(state[-31])
    for _ in range(310):
        state.append((state[-3] + state[-31]) & WORD)
    while True:
        state.append((state[-3] + state[-31]) & WORD)
        yield state[-1] >> 1


def mersenne(seed: int) -> Iterator[int]:
    """MT19937, 32 bits at a time."""
    source = chance(seed)
    while True:
        yield source.getrandbits(32)


GENERATORS: dict[str, tuple[Numbers, str, int]] = {
    "java": (java, "java.util.Random (nextInt)", 3),
    "c": (
        congruential(1103515245, 12345, 1 << 31),
        "the C standard's example of rand()",
        3,
    ),
    "recipes": (
        congruential(1664525, 1013904223, 1 << 32),
        "the generator of Numerical Recipes",
        3,
    ),
    "microsoft": (congruential(214013, 2531011, 1 << 32), "the state of Microsoft's rand()", 3),
    "borland": (congruential(22695477, 1, 1 << 32), "the state of Borland's rand()", 3),
    "delphi": (congruential(134775813, 1, 1 << 32), "Delphi's Random", 3),
    "vax": (congruential(69069, 1, 1 << 32), "the VAX generator", 3),
    "minstd_rand0": (congruential(16807, 0, 2147483647), "minstd_rand0, as rand() of macOS", 3),
    "minstd_rand": (congruential(48271, 0, 2147483647), "minstd_rand", 3),
    "xorshift": (xorshift, "xorshift32", 3),
    "glibc": (glibc, "glibc's rand()", 35),
    "mersenne": (mersenne, "the Mersenne Twister MT19937", 627),
}


def turned(numbers: Sequence[int]) -> list[int]:
    return [int.from_bytes(number.to_bytes(4, "little"), "big") for number in numbers]


class TestVectors:
    """The generators of this file are those of the world."""

    @pytest.mark.parametrize(
        ("numbers", "first"),
        [
            # OpenJDK: new Random(42).nextInt(), new Random(0).nextInt().
            (java(42), [-1170105035 & WORD, 234785527, -1360544799 & WORD, 205897768]),
            (java(0), [-1155484576 & WORD, -723955400 & WORD, 1033096058]),
            # glibc: srand(1), srand(42).
            (glibc(1), [1804289383, 846930886, 1681692777, 1714636915, 1957747793]),
            (glibc(42), [71876166, 708592740, 1483128881, 907283241]),
            # ISO/IEC 14882 [rand.predef]: the 10,000th of a default-constructed one.
            (islice(congruential(16807, 0, 2147483647)(0), 9999, None), [1043618065]),
            (islice(congruential(48271, 0, 2147483647)(0), 9999, None), [399268537]),
        ],
    )
    def test_first_numbers(self, numbers: Iterator[int], first: list[int]) -> None:
        assert list(islice(numbers, len(first))) == first

    def test_mersenne_of_the_standard(self) -> None:
        """[rand.predef]: the 10,000th of mt19937 is 4123659995, and untempering is the inverse."""
        source = chance(0)
        words = [5489]
        for place in range(1, 624):
            words.append((1812433253 * (words[-1] ^ words[-1] >> 30) + place) & WORD)
        source.setstate((3, (*words, 624), None))
        drawn = [source.getrandbits(32) for _ in range(10_000)]
        assert drawn[-1] == 4123659995
        _, state, _ = source.getstate()
        assert [untempered(number) for number in drawn[16 * 624 :]] == list(state[:16])


@pytest.mark.parametrize(("numbers", "name", "enough"), GENERATORS.values(), ids=GENERATORS)
class TestEachGenerator:
    def test_from_its_first_number_on(self, numbers: Numbers, name: str, enough: int) -> None:
        for seed in (2, 42, 20_241_128):
            keys = list(islice(numbers(seed), 700))
            assert generator_of(keys) == name
            assert generator_of(keys[:enough]) == name
            assert generator_of(keys[: enough - 1]) is None

    def test_from_any_number_on(self, numbers: Numbers, name: str, enough: int) -> None:
        """Earlier numbers went elsewhere: into the handshake's key, into other connections."""
        assert generator_of(list(islice(numbers(7), 13, 13 + enough))) == name

    def test_with_the_bytes_of_each_turned_over(
        self, numbers: Numbers, name: str, enough: int
    ) -> None:
        keys = turned(list(islice(numbers(5), enough)))
        how = "java.util.Random (nextBytes)" if numbers is java else f"{name}, bytes turned over"
        assert generator_of(keys) == how

    def test_a_number_is_missing(self, numbers: Numbers, name: str, enough: int) -> None:
        """As behind a hole in the capture: then nothing follows from what is left."""
        keys = list(islice(numbers(9), enough + 1))
        del keys[len(keys) // 2]
        assert generator_of(keys) is None, name


class TestJava:
    @given(st.integers(0, 2**48 - 1))
    def test_every_state_is_found(self, state: int) -> None:
        keys = list(islice(java_numbers(state), 3))
        found = maybe_java_state(keys)
        assert found is not None
        assert next(java_numbers(found)) == next(islice(java_numbers(state), 3, None))

    def test_one_bit_off(self) -> None:
        keys = list(islice(java(3), 4))
        for place in range(3):
            for bit in range(32):
                wrong = list(keys[:3])
                wrong[place] ^= 1 << bit
                assert maybe_java_state(wrong) is None


class TestLinear:
    """Any factor and increment modulo 2^32, where all numbers are given in turn."""

    @pytest.mark.parametrize(("factor", "step"), [(5, 1), (1103515245, 12345), (0x10DCD, 7)])
    def test_the_factor_is_found(self, factor: int, step: int) -> None:
        keys = list(islice(congruential(factor, step, 1 << 32)(77), 40))
        name = f"a linear congruential generator modulo 2^32, factor {factor}"
        assert generator_of(keys) == name
        assert generator_of(keys[:6]) == name
        assert generator_of(keys[:5]) is None
        assert generator_of(turned(keys)) == f"{name}, bytes turned over"

    def test_one_that_is_missing_or_changed(self) -> None:
        keys = list(islice(congruential(5, 1, 1 << 32)(77), 7))
        for place in range(1, 5):
            assert generator_of(keys[:place] + keys[place + 1 :]) is None
        for place in range(6):
            changed = [key ^ (place == at) << place for at, key in enumerate(keys[:6])]
            assert generator_of(changed) is None

    def test_what_counts_or_comes_again_is_no_generator(self) -> None:
        assert generator_of([7, 12] * 20) is None
        assert generator_of([0x10000 * place for place in range(9)]) is None


class TestUnseeded:
    """Who never calls srand() has the same keys in each process: three of them tell."""

    def test_from_its_first_number_on(self) -> None:
        keys = list(islice(glibc(1), 40))
        name = "glibc's rand(), which nobody seeded"
        assert generator_of(keys) == generator_of(keys[:3]) == name
        assert generator_of(turned(keys[:3])) == f"{name}, bytes turned over"
        assert generator_of(keys[:2]) is None

    def test_later_ones_are_as_any_others(self) -> None:
        assert generator_of(list(islice(glibc(1), 1, 30))) is None

    def test_one_bit_off(self) -> None:
        keys = list(islice(glibc(1), 3))
        for place in range(3):
            assert generator_of([key ^ (place == at) for at, key in enumerate(keys)]) is None


class TestNothing:
    @pytest.mark.parametrize(
        "keys", [[], [1], [1, 2], [0] * 700, [WORD] * 700, [1, 1, 1], [2**31 - 1] * 40]
    )
    def test_few_or_equal_numbers(self, keys: list[int]) -> None:
        assert generator_of(keys) is None

    def test_numbers_that_count(self) -> None:
        assert generator_of(range(1, 700)) is None

    @given(st.lists(st.integers(0, WORD), max_size=40))
    def test_any_numbers_are_looked_at_without_harm(self, keys: list[int]) -> None:
        generator_of(keys)

    def test_every_generator_is_known_by_a_name_of_its_own(self) -> None:
        names = [name for *_, name in prediction.CONGRUENTIAL]
        assert len(set(names)) == len(names)
