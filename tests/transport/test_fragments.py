"""Fragments become datagrams: in any order, overlapping, repeated, cut, or never whole."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.chance import chance as seeded

from wsanalyze.limits import Limits
from wsanalyze.transport.fragments import (
    MOST_AGE_NS,
    MOST_AGE_PACKETS,
    MOST_PIECES,
    REMEMBERED,
    Datagram,
    Fragment,
    Fragments,
)

KEY = (4, 1, 6, 0, 10, 0, 20)
OTHER = (4, 2, 6, 0, 10, 0, 20)
DATA = bytes(range(64))


@dataclass
class Counts:
    """Counts of one capture."""

    fragments: int = 0
    joined: int = 0
    fragment_conflicts: int = 0


class Feed:
    """Fragments fed one after another, a packet each."""

    def __init__(self, **limits: Any) -> None:
        self.fragments = Fragments(Limits(**limits))
        self.counts = Counts()
        self.ordinal = 0

    def __call__(
        self, fragment: Fragment, key: tuple[int, ...] = KEY, time: int = 0
    ) -> Datagram | None:
        self.ordinal += 1
        return self.fragments.add(key, fragment, time, self.ordinal, self.counts)

    def counted(self) -> tuple[int, int, int]:
        counts = self.counts
        return counts.fragments, counts.joined, counts.fragment_conflicts


def piece(start: int, stop: int, data: bytes = DATA, *, cut: int | None = None) -> Fragment:
    """Return the bytes [start, stop) of a datagram as a fragment, captured up to `cut` of them."""
    inner = data[start:stop]
    return Fragment(start, len(inner), stop < len(data), 6, inner[:cut])


THREE = [piece(0, 24), piece(24, 40), piece(40, 64)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_any_order(order: tuple[int, ...]) -> None:
    feed = Feed()
    found = [feed(THREE[i]) for i in order]
    assert found[:2] == [None, None]
    assert found[2] is not None
    assert (found[2].captured(), found[2].length, found[2].protocol) == (DATA, 64, 6)
    # The two before it were counted with the datagram; the last is for the caller to count.
    assert feed.counted() == (0, 2, 0)
    assert feed.fragments.held == 0


def test_without_one_nothing_is_whole() -> None:
    for missing in range(3):
        feed = Feed()
        assert not any(feed(each) for i, each in enumerate(THREE) if i != missing)
        assert feed.counted() == (2, 0, 0)


def test_the_first_copy_wins_and_the_other_is_a_conflict() -> None:
    feed = Feed()
    assert feed(piece(0, 32)) is None
    assert feed(piece(16, 48, bytes(64))) is None
    found = feed(piece(48, 64))
    assert found is not None
    assert found.captured() == DATA[:32] + bytes(16) + DATA[48:]
    assert feed.counted() == (0, 2, 1)


def test_an_equal_overlap_is_no_conflict() -> None:
    feed = Feed()
    for each in (piece(8, 24), piece(32, 40), piece(0, 48), piece(24, 64)):
        found = feed(each)
    assert found is not None
    assert found.captured() == DATA
    assert feed.counted()[2] == 0


def test_a_second_end_is_a_conflict_and_the_first_counts() -> None:
    feed = Feed()
    feed(piece(40, 64))
    assert feed(piece(40, 56, DATA[:56])) is None
    assert feed(Fragment(64, 8, True, 6, bytes(8))) is None
    assert feed.counted()[2] == 2
    found = feed(piece(0, 40))
    assert found is not None
    assert found.captured() == DATA


def test_what_lies_behind_the_end_is_cut_off() -> None:
    feed = Feed()
    feed(Fragment(24, 40, True, 6, b"x" * 40))
    feed(Fragment(16, 16, False, 6, DATA[16:32]))
    assert feed.counted()[2] == 1
    found = feed(piece(0, 24))
    assert found is not None
    assert (found.length, found.captured()) == (32, DATA[:24] + b"x" * 8)


@pytest.mark.parametrize(("cut", "known"), [(0, 24), (5, 29), (16, 64)])
def test_bytes_that_were_cut_are_not_invented(cut: int, known: int) -> None:
    feed = Feed()
    feed(THREE[0])
    feed(piece(24, 40, cut=cut))
    found = feed(THREE[2])
    assert found is not None
    assert (found.length, found.captured()) == (64, DATA[:known])


def test_a_fragment_that_was_captured_twice_is_counted_with_its_datagram() -> None:
    feed = Feed()
    assert [feed(THREE[i]) is not None for i in (0, 0, 1, 1, 2, 2)] == [0, 0, 0, 0, 1, 0]
    assert feed.counted() == (0, 5, 0)
    # Another datagram with the same identification begins, and nothing is mixed.
    other = bytes(64)
    assert feed(piece(0, 24, other)) is None
    assert feed(piece(24, 40, other)) is None
    found = feed(piece(40, 64, other))
    assert found is not None
    assert found.captured() == other


def test_a_datagram_that_comes_again_is_whole_again() -> None:
    feed = Feed()
    found = [feed(each) for each in THREE * 3]
    assert [each is not None for each in found] == [False, False, True] * 3
    assert feed.counted() == (0, 6, 0)


@pytest.mark.parametrize("age", [MOST_AGE_NS + 1, -MOST_AGE_NS - 1])
def test_an_identification_is_reused_after_a_minute(age: int) -> None:
    feed = Feed()
    feed(THREE[0])
    other = bytes(64)
    feed(piece(0, 40, other), time=age)
    found = feed(piece(40, 64, other), time=age)
    assert found is not None
    assert found.captured() == other
    assert feed.counted() == (1, 1, 0)


def test_an_identification_is_reused_after_many_packets() -> None:
    feed = Feed()
    feed(THREE[0])
    feed.ordinal += MOST_AGE_PACKETS + 1
    assert feed(piece(24, 64)) is None
    assert feed.counted() == (2, 0, 0)
    assert len(feed.fragments.waiting) == 1


def test_datagrams_do_not_mix() -> None:
    feed = Feed()
    feed(piece(0, 24), OTHER)
    feed(piece(0, 24))
    assert feed(piece(24, 64)) is not None
    assert feed.counted() == (1, 1, 0)


def test_the_protocol_is_that_of_the_first_fragment() -> None:
    """In IPv6 only the first has the header of what it carries (RFC 8200 §4.5)."""
    feed = Feed()
    feed(Fragment(24, 40, False, 99, DATA[24:]))
    found = feed(Fragment(0, 24, True, 17, DATA[:24]))
    assert found is not None
    assert found.protocol == 17


def test_too_many_bytes_and_too_many_datagrams() -> None:
    feed = Feed(fragments=4000)
    for number in range(100):
        feed(piece(0, 24), (4, number))
        assert feed.fragments.held <= 4000
    assert feed.fragments.reached_fragments > 80
    assert feed.counted() == (100, 0, 0)
    feed = Feed(datagrams=3)
    for number in range(100):
        feed(piece(0, 24), (4, number))
    assert len(feed.fragments.waiting) == 3
    assert feed.fragments.reached_datagrams == 97
    # The last ones can still be completed.
    assert feed(piece(24, 64), (4, 99)) is not None


def test_a_datagram_in_crumbs_is_given_up() -> None:
    feed = Feed()
    for number in range(MOST_PIECES + 1):
        feed(Fragment(16 * number, 8, True, 6, bytes(8)))
    assert feed.fragments.reached_fragments == 1
    assert (feed.fragments.held, len(feed.fragments.waiting)) == (0, 0)


def test_a_flood_of_copies_is_bounded() -> None:
    feed = Feed()
    for _ in range(20_000):
        feed(piece(0, 24))
    assert feed.fragments.held <= Limits().fragments
    assert feed.fragments.reached_fragments > 0
    for number in range(1000):
        feed(piece(0, 32), (5, number))
        feed(piece(32, 64), (5, number))
    assert len(feed.fragments.whole) <= REMEMBERED


@given(st.integers(0, 1 << 32))
@settings(max_examples=300, deadline=None)
def test_like_an_array_of_bytes(seed: int) -> None:
    """A brute-force oracle: an array of what came first at each place."""
    chance = seeded(seed)
    size = chance.randrange(1, 12) * 8 + chance.randrange(8)
    feed = Feed()
    known: dict[int, int | None] = {}
    for _ in range(60):
        start = chance.randrange(0, size, 8)
        stop = size if chance.random() < 0.3 else min(size, start + 8 * chance.randrange(1, 5))
        copy = bytes(chance.randrange(2) for _ in range(size))
        cut = chance.choice([None, None, chance.randrange(9)])
        fragment = piece(start, stop, copy, cut=cut)
        conflicts = feed.counts.fragment_conflicts
        differs = False
        for at in range(start, stop):
            mine = fragment.data[at - start] if at - start < len(fragment.data) else None
            if at in known:
                differs |= None not in (mine, known[at]) and mine != known[at]
            known.setdefault(at, mine)
        found = feed(fragment)
        assert feed.counts.fragment_conflicts - conflicts == differs
        assert (found is not None) == (len(known) == size)
        if found is not None:
            prefix = [known[at] for at in range(size)]
            length = prefix.index(None) if None in prefix else size
            assert list(found.captured()) == prefix[:length]
            assert found.length == size
            return
