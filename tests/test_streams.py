"""Bytes that are kept of streams: the wanted ranges, however they come, and nothing else."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer
from wsanalyze.streams import (
    KEPT_MESSAGES,
    KEPT_RECORDS,
    KEPT_SEALED,
    MESSAGE_BYTES,
    Nobody,
    Streams,
)

DATA = bytes(range(256)) * 4
RANGES = st.lists(st.tuples(st.integers(0, 1024), st.integers(0, 1024)), max_size=8)


def kept(streams: Streams, cuts: list[int]) -> None:
    """Let a stream of DATA come in pieces."""
    tap = streams.tapped(Layer(), 7, 0)
    places = sorted({0, len(DATA), *cuts})
    for start, stop in pairwise(places):
        piece = b"before" + DATA[start:stop]
        assert tap.data(1, Buffer(piece), 6, len(piece), 0, 1, 1) == 0


@given(RANGES, st.lists(st.integers(0, 1024), max_size=20))
def test_every_wanted_byte_and_no_other(ranges: list[tuple[int, int]], cuts: list[int]) -> None:
    streams = Streams({7: ([], ranges)}, 1 << 20)
    kept(streams, cuts)
    wanted = {place for start, stop in ranges for place in range(start, stop)}
    for start in range(0, 1024, 37):
        found = streams.bytes_at(7, 0, 0, 1, start, 1024)
        stop = start
        while stop in wanted:
            stop += 1
        assert found == DATA[start:stop]
    assert streams.left_out == 0


def test_other_conversations_are_not_wanted() -> None:
    streams = Streams({7: ([], [(0, 10)])}, 100)
    assert (streams.wants(7), streams.wants(8)) == (True, False)
    assert Nobody().data(0, Buffer(b"x"), 0, 1, 0, 1, 1) == 1


def test_a_gap_moves_on_and_ends_what_is_together() -> None:
    streams = Streams({7: ([(0, 100)], [])}, 100)
    tap = streams.tapped(Layer(), 7, 2)
    tap.data(0, Buffer(b"abc"), 0, 3, 0, 1, 1)
    tap.gap(0, -2, 0, 2, 2)
    tap.data(0, Buffer(b"def"), 0, 3, 0, 3, 3)
    assert streams.bytes_at(7, 2, 0, 0, 0, 100) == b"abc"
    assert streams.bytes_at(7, 2, 0, 0, 5, 100) == b"def"
    assert streams.depths(7, 0) == [2]


def test_what_does_not_fit_is_left_out_and_counted() -> None:
    streams = Streams({7: ([], [(0, 600), (700, 800)])}, 500)
    kept(streams, [])
    assert streams.left_out == 600
    assert streams.bytes_at(7, 0, 0, 1, 700, 800) == DATA[700:800]


def test_the_first_records_of_each_side() -> None:
    streams = Streams({7: ([], [])}, 0)
    for number in range(5):
        for side in (0, 1):
            body, content = bytes(1000), bytes((number,)) * 900
            streams.record(7, 1, side, (number, number), (b"\x17\x03\x03\0\0", body, content))
    found = streams.records[7]
    assert len(found) == 2 * KEPT_RECORDS
    assert {record.content[0] for record in found} == {0, 1}
    assert {(len(record.body), len(record.content), record.length) for record in found} == {
        (256, 256, 900)
    }


def test_more_records_where_more_are_asked_for() -> None:
    streams = Streams({7: ([], [])}, 0, records=4)
    for number in range(5):
        streams.record(7, 1, 0, (number, number), (b"\x17\x03\x03\0\0", b"", b""))
    assert [record.packet for record in streams.records[7]] == [0, 1, 2, 3]


def test_the_ends_are_handed_on() -> None:
    class Ends(Layer):
        def end(self, side: int, how: int, time: int, packet: int) -> int:
            return side + how + time + packet

        def finish(self, evicted: int) -> int:
            return evicted

    tap = Streams({}, 0).tapped(Ends(), 7, 0)
    assert (tap.end(1, 1, 0, 0), tap.finish(1)) == (2, 1)


def test_messages_of_tls_are_bounded_in_number_and_length() -> None:
    streams = Streams({7: ([], [])}, 3 * MESSAGE_BYTES)
    said = (22, 11, bytes(MESSAGE_BYTES + 5), True)
    for _ in range(5):
        streams.tls_message(7, 0, 1, (10, 2), said)
    kept = streams.tls_messages[7]
    assert len(kept) == 3
    assert {(len(each.body), each.length) for each in kept} == {(MESSAGE_BYTES, MESSAGE_BYTES + 9)}
    for _ in range(2 * KEPT_MESSAGES):
        streams.tls_message(8, 0, 0, (10, 2), (20, 0, b"", False))
    assert len(streams.tls_messages[8]) == KEPT_MESSAGES
    assert {each.length for each in streams.tls_messages[8]} == {0}


def test_what_is_sealed_is_kept_by_packets() -> None:
    streams = Streams({}, 0)
    for packet, length in ((3, 5), (3, 7), (4, 1)):
        streams.seal(7, "aa", 1, (packet * 10, packet, packet), length)
    client, server = streams.sealed[7, "aa"]
    assert client == []
    assert [(each.packet, each.time, each.length, each.packets) for each in server] == [
        (3, 30, 12, 1),
        (4, 40, 1, 1),
    ]


def test_what_is_sealed_behind_the_first_packets_is_summed_up() -> None:
    streams = Streams({}, 0)
    for packet in range(1, KEPT_SEALED + 4):
        streams.seal(7, "aa", 0, (packet, packet, packet), 2)
        streams.seal(7, "aa", 0, (packet, packet, packet), 1)
    kept, _ = streams.sealed[7, "aa"]
    assert len(kept) == KEPT_SEALED + 1
    rest = kept[-1]
    assert (rest.packet, rest.last) == (KEPT_SEALED + 1, KEPT_SEALED + 3)
    assert (rest.packets, rest.length) == (3, 9)
