"""Client randoms that nobody had: a set in the order of its lines, whatever is taken away."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.tls.unused import Unused


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 300)), max_size=2000))
def test_they_are_those_that_were_added_and_not_taken_away(steps: list[tuple[bool, int]]) -> None:
    unused, expected = Unused(), list[bytes]()
    for adds, number in steps:
        random = number.to_bytes(2, "big")
        if adds:
            unused.add(random)
            expected += [random] if random not in expected else []
        else:
            unused.discard(random)
            expected = [each for each in expected if each != random]
    assert list(unused) == expected
    assert len(unused) == len(expected)
    assert all(each in unused for each in expected)


def test_their_order_is_kept_when_most_are_gone() -> None:
    unused = Unused()
    for number in range(1000):
        unused.add(bytes((number >> 8, number & 255)))
    for number in range(990):
        unused.discard(bytes((number >> 8, number & 255)))
    assert list(unused) == [bytes((number >> 8, number & 255)) for number in range(990, 1000)]
