"""Chunks that came too early: kept once, in order, of two copies the one that was accepted."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.buffer import Buffer
from wsanalyze.transport.conflict import Conflict
from wsanalyze.transport.reassembly import Direction

Part = tuple[int, bytes]
ALL_NEW, SOME_KNOWN, CONFLICT, ALL_KNOWN = 0, 1, 2, 4
VALID, UNKNOWN, BAD = 1, 0, -1
CHUNK_OVERHEAD = 256


def keep(direction: Direction, offset: int, data: bytes, length: int | None = None) -> int:
    """Keep a segment that lies somewhere within its buffer; `length` where it was cut."""
    buffer = Buffer(b"???" + data + b"!!!")
    return direction.keep(
        offset, buffer, 3, 3 + len(data), len(data) if length is None else length, 7, 9
    )


def taken(direction: Direction) -> list[Part]:
    """Take every chunk, whatever hole is before it, as (offset, bytes)."""
    found = []
    while direction.pending:
        direction.next = max(direction.next, direction.pending[0].offset)
        chunk = direction.maybe_take()
        assert chunk is not None
        direction.next = chunk.stop
        found.append((chunk.offset, chunk.data))
    assert direction.maybe_take() is None
    assert direction.pending_bytes == 0
    return found


# name: (segments as (offset, bytes) in order of arrival, what keep said, chunks)
CASES: dict[str, tuple[list[Part], list[int], list[Part]]] = {
    "one": ([(5, b"abc")], [0], [(5, b"abc")]),
    "apart": ([(5, b"ab"), (9, b"cd")], [0, 0], [(5, b"ab"), (9, b"cd")]),
    "reversed": ([(9, b"cd"), (5, b"ab")], [0, 0], [(5, b"ab"), (9, b"cd")]),
    "touching": ([(7, b"cd"), (5, b"ab")], [0, 0], [(5, b"ab"), (7, b"cd")]),
    "the same again": ([(5, b"abc"), (5, b"abc")], [0, 5], [(5, b"abc")]),
    "part again": ([(5, b"abcdef"), (6, b"bcd")], [0, 5], [(5, b"abcdef")]),
    "begins earlier": ([(7, b"cde"), (5, b"abcd")], [0, 1], [(5, b"ab"), (7, b"cde")]),
    "ends later": ([(5, b"abc"), (6, b"bcde")], [0, 1], [(5, b"abc"), (8, b"de")]),
    "around": ([(7, b"cd"), (5, b"abcdef")], [0, 1], [(5, b"ab"), (7, b"cd"), (9, b"ef")]),
    "over a hole": (
        [(5, b"ab"), (9, b"ef"), (6, b"bcde")],
        [0, 0, 1],
        [(5, b"ab"), (7, b"cd"), (9, b"ef")],
    ),
    "fills a hole": (
        [(5, b"ab"), (9, b"ef"), (7, b"cd")],
        [0, 0, 0],
        [(5, b"ab"), (7, b"cd"), (9, b"ef")],
    ),
    "over many": (
        [(6, b"b"), (8, b"d"), (10, b"f"), (5, b"abcdefg")],
        [0, 0, 0, 1],
        [(5, b"a"), (6, b"b"), (7, b"c"), (8, b"d"), (9, b"e"), (10, b"f"), (11, b"g")],
    ),
    "across two that touch": (
        [(5, b"ab"), (7, b"cd"), (6, b"bc")],
        [0, 0, 5],
        [(5, b"ab"), (7, b"cd")],
    ),
    "other bytes": ([(5, b"abc"), (5, b"xyz")], [0, 7], [(5, b"abc")]),
    "other bytes and new ones": ([(5, b"abc"), (7, b"xde")], [0, 3], [(5, b"abc"), (8, b"de")]),
    "other bytes in the second chunk": (
        [(5, b"ab"), (7, b"cd"), (5, b"abcx")],
        [0, 0, 7],
        [(5, b"ab"), (7, b"cd")],
    ),
    "beyond 2^32": (
        [(2**32 + 5, b"ab"), (2**32 + 3, b"xy")],
        [0, 0],
        [(2**32 + 3, b"xy"), (2**32 + 5, b"ab")],
    ),
}


@pytest.mark.parametrize(("segments", "said", "chunks"), CASES.values(), ids=CASES)
def test_segments_to_chunks(segments: list[Part], said: list[int], chunks: list[Part]) -> None:
    direction = Direction()
    assert [keep(direction, *each) for each in segments] == said
    assert taken(direction) == chunks


@pytest.mark.parametrize(("segments", "said", "chunks"), CASES.values(), ids=CASES)
def test_what_is_kept_is_charged_with_its_overhead(
    segments: list[Part], said: list[int], chunks: list[Part]
) -> None:
    del said
    one = Direction()
    keep(one, 5, b"x")
    overhead = one.pending_bytes - 1
    direction = Direction()
    for each in segments:
        keep(direction, *each)
    expected = sum(len(data) + overhead for _, data in chunks)
    assert direction.pending_bytes == expected
    assert len(direction.pending) == len(chunks)


def test_a_chunk_is_taken_only_when_the_stream_has_reached_it() -> None:
    direction = Direction()
    keep(direction, 5, b"abc")
    for direction.next in (0, 4):
        assert direction.maybe_take() is None
    direction.next = 5
    chunk = direction.maybe_take()
    assert chunk is not None
    assert (chunk.offset, chunk.stop, chunk.data, chunk.time, chunk.packet) == (5, 8, b"abc", 7, 9)


def test_a_segment_that_was_cut_knows_where_it_ends() -> None:
    direction = Direction()
    assert keep(direction, 5, b"ab", 6) == ALL_NEW
    assert keep(direction, 11, b"z") == ALL_NEW
    first = direction.pending[0]
    assert (first.offset, first.stop, first.data) == (5, 11, b"ab")


def test_what_was_cut_is_taken_from_another_copy() -> None:
    direction = Direction()
    keep(direction, 5, b"ab", 7)
    assert keep(direction, 5, b"abCD", 7) == SOME_KNOWN | ALL_KNOWN
    assert keep(direction, 6, b"bcdE", 4) == SOME_KNOWN | CONFLICT | ALL_KNOWN
    assert keep(direction, 5, b"abcdefg") == SOME_KNOWN | CONFLICT | ALL_KNOWN
    assert [(each.offset, each.stop, each.data) for each in direction.pending] == [
        (5, 7, b"ab"),
        (7, 9, b"CD"),
        (9, 10, b"E"),
        (10, 12, b"fg"),
    ]


def test_a_cut_segment_around_known_bytes() -> None:
    direction = Direction()
    keep(direction, 8, b"de")
    # [5, 12), captured [5, 9): its tail behind the known chunk has a place and no bytes.
    assert keep(direction, 5, b"abcd", 7) == SOME_KNOWN
    assert [(each.offset, each.stop, each.data) for each in direction.pending] == [
        (5, 8, b"abc"),
        (8, 10, b"de"),
        (10, 12, b""),
    ]


segments_of_anything = st.lists(
    st.tuples(st.integers(0, 60), st.binary(min_size=1, max_size=20), st.integers(0, 4)),
    max_size=20,
)


@given(segments_of_anything)
def test_against_a_bitmap(segments: list[tuple[int, bytes, int]]) -> None:
    """Each byte: that of the first segment that brought it, and known where one covered it."""
    owned: dict[int, int | None] = {}
    direction = Direction()
    for offset, data, hidden in segments:
        span = range(offset, offset + len(data) + hidden)
        mine = dict(zip(span, data, strict=False))
        known = any(at in owned for at in span)
        conflict = any(
            owned.get(at) is not None and at in mine and owned[at] != mine[at] for at in span
        )
        new = any(at not in owned for at in span)
        said = keep(direction, offset, data, len(data) + hidden)
        assert said == SOME_KNOWN * known | CONFLICT * conflict | ALL_KNOWN * (not new)
        for at in span:
            if owned.get(at) is None:
                owned[at] = mine.get(at)
        chunks = direction.pending
        for one, following in pairwise(chunks):
            assert one.offset < one.stop <= following.offset
    found: dict[int, int | None] = {}
    for chunk in direction.pending:
        for at in range(chunk.offset, chunk.stop):
            place = at - chunk.offset
            found[at] = chunk.data[place] if place < len(chunk.data) else None
    assert found == owned


# A segment that comes (offset, data, soundness), or an acknowledgment up to an offset.
arrivals = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.binary(min_size=1, max_size=12).map(lambda data: bytes(each & 1 for each in data)),
        st.sampled_from([VALID, UNKNOWN, BAD]),
    )
    | st.integers(0, 60),
    max_size=20,
)


@given(arrivals, st.integers(-1, 1))
def test_versions_against_a_bitmap(events: list[tuple[int, bytes, int] | int], trust: int) -> None:
    """Each byte: of the segment that the receiver most probably took it from."""
    # Offset → (value, segment, its soundness, how far was acknowledged before it).
    held: dict[int, tuple[int, int, int, int]] = {}
    versions: dict[int, tuple[int, bytes]] = {}
    direction = Direction()
    direction.trust = trust
    contested = False
    for number, event in enumerate(events):
        if isinstance(event, int):
            direction.acked = max(direction.acked, event)
            continue
        offset, data, sound = event
        versions[number] = offset, data
        differs = False
        for at, value in enumerate(data, offset):
            new = value, number, sound, direction.acked
            old = held.setdefault(at, new)
            differs |= old[0] != value
            settled = old[3] <= at < direction.acked
            if not settled and trust >= 0 and (old[2], sound) == (BAD, VALID):
                held[at] = new
        contested |= differs
        said = direction.keep(offset, Buffer(data), 0, len(data), len(data), number, number, sound)
        assert bool(said & CONFLICT) == differs
    found = {
        at: (value, chunk.packet)
        for chunk in direction.pending
        for at, value in enumerate(chunk.data, chunk.offset)
    }
    assert found == {at: (value, number) for at, (value, number, _, _) in held.items()}
    for one, following in pairwise(direction.pending):
        assert one.offset < one.stop <= following.offset
    overhead = len(direction.pending) * CHUNK_OVERHEAD
    assert direction.pending_bytes == overhead + sum(len(each.data) for each in direction.pending)
    assert bool(direction.contested) == contested
    for each in direction.contested or ():
        assert_both_versions(each, versions)


def assert_both_versions(conflict: Conflict, versions: dict[int, tuple[int, bytes]]) -> None:
    """Both versions are those of the segments that are named, from the first byte that differs."""
    ends = conflict.offset, conflict.offset + conflict.length
    for number, kept in (
        (conflict.first_packet, conflict.first),
        (conflict.second_packet, conflict.second),
    ):
        offset, data = versions[number]
        assert kept == data[ends[0] - offset : ends[1] - offset]
    assert conflict.first[0] != conflict.second[0]
    assert conflict.first[-1] != conflict.second[-1]
    assert not conflict.late
    assert conflict.used == "first" or conflict.why == "checksum"


def test_the_first_64_bytes_of_each_version_are_kept() -> None:
    direction = Direction()
    keep(direction, 5, b"=" + b"a" * 1000 + b"=")
    keep(direction, 5, b"=" + b"b" * 1000 + b"=")
    assert direction.contested == [
        Conflict(6, 1000, 9, 9, b"a" * 64, b"b" * 64, "first", "first", False)
    ]


def test_chunks_handed_on_say_whether_checksums_can_be_trusted() -> None:
    direction = Direction()
    for offset, sound in ((5, VALID), (6, BAD), (7, BAD), (8, UNKNOWN)):
        direction.keep(offset, Buffer(b"x"), 0, 1, 1, 7, 9, sound)
    taken(direction)
    assert direction.trust == -1


@given(
    st.lists(st.tuples(st.integers(0, 30), st.binary(min_size=1, max_size=12)), max_size=12),
    st.integers(0, 40),
)
def test_copies_of_what_was_handed_on(copies: list[Part], acked: int) -> None:
    """They differ where they differ, whatever segments had brought it; the first was read."""
    stream = bytes(range(40))
    direction = Direction()
    for number, start in enumerate(range(0, 40, 5)):
        data = stream[start : start + 5]
        direction.remember(start, Buffer(data), 0, 5, number, BAD, 0)
    direction.acked = acked
    for offset, data in copies:
        before = len(direction.contested or ())
        expected = stream[offset : offset + len(data)]
        differs = direction.contradicts(offset, Buffer(data), 0, len(data), 99, VALID)
        assert differs == (expected != data[: len(expected)])
        added = (direction.contested or [])[before:]
        assert bool(added) == differs
        for each in added:
            assert each.first_packet == each.offset // 5
            assert each.second_packet == 99
            assert each.used == "first"
            assert each.first == stream[each.offset : each.offset + each.length]
            at = each.offset - offset
            assert each.second == data[at : at + each.length]
            assert each.why == ("acknowledged" if each.offset < acked else "checksum")
            assert each.late == (each.offset >= acked)


def test_segments_that_are_not_remembered_are_compared_with_nothing() -> None:
    direction = Direction()
    for offset in range(3000):
        direction.remember(offset, Buffer(b"a"), 0, 1, offset, UNKNOWN, 0)
    assert not direction.contradicts(0, Buffer(b"b"), 0, 1, 9999, UNKNOWN)
    assert direction.contradicts(2500, Buffer(b"b"), 0, 1, 9999, UNKNOWN)
    assert direction.contested is not None
    assert direction.contested[0].first_packet == 2500
    assert len(direction.recent) <= 2048


@given(segments_of_anything, st.integers(-5, 90))
def test_first_ending_after(segments: list[tuple[int, bytes, int]], offset: int) -> None:
    direction = Direction()
    for at, data, _ in segments:
        keep(direction, at, data)
    stops = [chunk.stop for chunk in direction.pending]
    assert direction.first_ending_after(offset) == sum(stop <= offset for stop in stops)


def test_directions_share_nothing_that_one_of_them_changes() -> None:
    one, other = Direction(), Direction()
    one.keep(5, Buffer(b"later"), 0, 5, 5, 0, 1)
    one.remember(0, Buffer(b"first"), 0, 5, 1, 0, 0)
    assert (len(one.pending), bytes(one.recent)) == (1, b"first")
    for each in (other, Direction()):
        assert (each.pending, each.recent) == ([], b"")
