"""Segments to chunks: what the layer is told of a TCP conversation, call by call."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.chance import chance
from support.layers import Call, Tap, watch
from support.packets import ACK, CLIENT, FIN, RST, SECOND, SERVER, SYN, T0, Packet, segment
from support.segments import C0, FINISH, OPEN, client, cut, server

# name: (packets behind the handshake, which has numbers 1 to 3; what the layer was told)
CASES: dict[str, tuple[list[Packet], list[Call]]] = {
    "nothing": ([], []),
    "in order": (
        [client(0, b"abc"), client(3, b"de"), server(0, b"XY")],
        [("data", 0, b"abc", 4), ("data", 0, b"de", 5), ("data", 1, b"XY", 6)],
    ),
    "reversed": (
        [client(3, b"de"), client(0, b"abc")],
        [("data", 0, b"abc", 5), ("data", 0, b"de", 4)],
    ),
    "three reversed": (
        [client(4, b"ef"), client(2, b"cd"), client(0, b"ab")],
        [("data", 0, b"ab", 6), ("data", 0, b"cd", 5), ("data", 0, b"ef", 4)],
    ),
    "one hole filled late": (
        [client(0, b"ab"), client(4, b"ef"), client(6, b"gh"), client(2, b"cd")],
        [
            ("data", 0, b"ab", 4),
            ("data", 0, b"cd", 7),
            ("data", 0, b"ef", 5),
            ("data", 0, b"gh", 6),
        ],
    ),
    "duplicate": (
        [client(0, b"abc"), client(0, b"abc"), client(3, b"d")],
        [("data", 0, b"abc", 4), ("data", 0, b"d", 6)],
    ),
    "duplicate with other bytes: the first copy wins": (
        [client(0, b"abc"), client(0, b"XYZ"), client(3, b"d")],
        [("data", 0, b"abc", 4), ("data", 0, b"d", 6)],
    ),
    "duplicate of a chunk that waits": (
        [client(3, b"def"), client(3, b"XYZ"), client(0, b"abc")],
        [("data", 0, b"abc", 6), ("data", 0, b"def", 4)],
    ),
    "overlap with what was handed on": (
        [client(0, b"abc"), client(1, b"bcde")],
        [("data", 0, b"abc", 4), ("data", 0, b"de", 5)],
    ),
    "retransmission in larger segments": (
        [client(0, b"ab"), client(4, b"ef"), client(0, b"abcdefgh")],
        [
            ("data", 0, b"ab", 4),
            ("data", 0, b"cd", 6),
            ("data", 0, b"ef", 5),
            ("data", 0, b"gh", 6),
        ],
    ),
    "overlap of a chunk that waits": (
        [client(4, b"efgh"), client(2, b"cdEF"), client(0, b"ab")],
        [("data", 0, b"ab", 6), ("data", 0, b"cd", 5), ("data", 0, b"efgh", 4)],
    ),
    "both directions with holes": (
        [client(2, b"c"), server(2, b"Z"), client(0, b"ab"), server(0, b"XY")],
        [
            ("data", 0, b"ab", 6),
            ("data", 0, b"c", 4),
            ("data", 1, b"XY", 7),
            ("data", 1, b"Z", 5),
        ],
    ),
    "hole that nobody fills": (
        [client(0, b"ab"), client(4, b"ef"), client(6, b"gh")],
        [
            ("data", 0, b"ab", 4),
            ("gap", 0, 2, 5),
            ("data", 0, b"ef", 5),
            ("data", 0, b"gh", 6),
        ],
    ),
    "hole before the first byte": (
        [client(5, b"ab")],
        [("gap", 0, 5, 4), ("data", 0, b"ab", 4)],
    ),
    "two holes": (
        [client(0, b"a"), client(3, b"d"), client(7, b"h")],
        [
            ("data", 0, b"a", 4),
            ("gap", 0, 2, 5),
            ("data", 0, b"d", 5),
            ("gap", 0, 3, 6),
            ("data", 0, b"h", 6),
        ],
    ),
    "what the other end acknowledged and nobody saw": (
        [client(0, b"ab"), server(0, b"X"), server(1, ack=7)],
        [("data", 0, b"ab", 4), ("data", 1, b"X", 5), ("gap", 0, 5, 6)],
    ),
    "one number beyond may be a FIN": (
        [client(0, b"ab"), server(0, ack=3)],
        [("data", 0, b"ab", 4)],
    ),
    "acknowledged up to the FIN": (
        [client(0, b"ab"), client(6, flags=FIN | ACK), server(0, ack=7)],
        [("data", 0, b"ab", 4), ("gap", 0, 4, 6), ("end", 0, 0, 6)],
    ),
    "packet that the capture cut": (
        [cut(client(0, b"abcdef"), 4), client(6, b"g")],
        [("data", 0, b"ab", 4), ("gap", 0, 4, 4), ("data", 0, b"g", 5)],
    ),
    "packet that was cut before its payload": (
        [cut(client(0, b"abcdef"), 6), client(6, b"g")],
        [("gap", 0, 6, 4), ("data", 0, b"g", 5)],
    ),
    "cut packet that came too early": (
        [cut(client(2, b"cdef"), 2), client(0, b"ab"), client(6, b"g")],
        [
            ("data", 0, b"ab", 5),
            ("data", 0, b"cd", 4),
            ("gap", 0, 2, 4),
            ("data", 0, b"g", 6),
        ],
    ),
    "FIN alone": (
        [client(0, b"ab"), client(2, flags=FIN | ACK)],
        [("data", 0, b"ab", 4), ("end", 0, 0, 5)],
    ),
    "FIN with data": (
        [client(0, b"ab", flags=FIN | ACK)],
        [("data", 0, b"ab", 4), ("end", 0, 0, 4)],
    ),
    "FIN twice": (
        [client(0, b"ab"), client(2, flags=FIN | ACK), client(2, flags=FIN | ACK)],
        [("data", 0, b"ab", 4), ("end", 0, 0, 5)],
    ),
    "FIN of both": (
        [
            server(0, b"X"),
            server(1, flags=FIN | ACK),
            client(0, flags=FIN | ACK, ack=2),
            server(2, ack=1),
        ],
        [("data", 1, b"X", 4), ("end", 1, 0, 5), ("end", 0, 0, 6)],
    ),
    "FIN with data, again without the data": (
        [client(0, b"ab", flags=FIN | ACK), client(2, flags=FIN | ACK)],
        [("data", 0, b"ab", 4), ("end", 0, 0, 4)],
    ),
    "FIN before data that was reordered": (
        [client(0, b"ab"), client(4, flags=FIN | ACK), client(2, b"cd")],
        [("data", 0, b"ab", 4), ("data", 0, b"cd", 6), ("end", 0, 0, 6)],
    ),
    "FIN with data before data that was reordered": (
        [client(0, b"ab"), client(4, b"ef", flags=FIN | ACK), client(2, b"cd")],
        [
            ("data", 0, b"ab", 4),
            ("data", 0, b"cd", 6),
            ("data", 0, b"ef", 5),
            ("end", 0, 0, 6),
        ],
    ),
    "FIN before its data, then the other end's: in the order of the streams": (
        [
            server(0, b"X"),
            client(2, flags=FIN | ACK),
            client(0, b"ab"),
            server(1, flags=FIN | ACK, ack=3),
        ],
        [
            ("data", 1, b"X", 4),
            ("data", 0, b"ab", 6),
            ("end", 0, 0, 6),
            ("end", 1, 0, 7),
        ],
    ),
    "RST": (
        [client(0, b"ab"), server(0, flags=RST)],
        [("data", 0, b"ab", 4), ("end", 1, 1, 5)],
    ),
    "RST twice": (
        [client(0, b"ab"), server(0, flags=RST), server(0, flags=RST)],
        [("data", 0, b"ab", 4), ("end", 1, 1, 5)],
    ),
    "RST of both": (
        [client(0, b"ab"), server(0, flags=RST), client(2, flags=RST)],
        [("data", 0, b"ab", 4), ("end", 1, 1, 5), ("end", 0, 1, 6)],
    ),
    # RFC 9293 §3.5.2: a RST may carry text that says why; it is no part of the stream.
    "RST with an explanation": (
        [client(0, b"ab"), server(0, b"go away", flags=RST | ACK)],
        [("data", 0, b"ab", 4), ("end", 1, 1, 5)],
    ),
    "RST behind a FIN": (
        [client(0, b"ab", flags=FIN | ACK), client(3, flags=RST)],
        [("data", 0, b"ab", 4), ("end", 0, 0, 4), ("end", 0, 1, 5)],
    ),
    "keep-alive that repeats the last byte": (
        [client(0, b"ab"), client(1, b"b"), client(2, b"c")],
        [("data", 0, b"ab", 4), ("data", 0, b"c", 6)],
    ),
    "keep-alive with a byte that is not the last one": (
        [client(0, b"ab"), client(1, b"\x00"), client(2, b"c")],
        [("data", 0, b"ab", 4), ("data", 0, b"c", 6)],
    ),
    "keep-alive before any data": (
        [client(-1, b"\x00"), client(0, b"ab")],
        [("data", 0, b"ab", 5)],
    ),
    "keep-alive without data": (
        [client(0, b"ab"), client(1), client(2, b"c")],
        [("data", 0, b"ab", 4), ("data", 0, b"c", 6)],
    ),
    "SYN again": (
        [client(-1, flags=SYN), client(0, b"ab"), server(-1, flags=SYN | ACK)],
        [("data", 0, b"ab", 5)],
    ),
}


@pytest.mark.parametrize(("packets", "calls"), CASES.values(), ids=CASES)
def test_segments_to_chunks(packets: list[Packet], calls: list[Call]) -> None:
    tap = watch([*OPEN, *packets])
    if not calls:
        assert tap.witnesses == []
    else:
        assert tap.calls == [*calls, FINISH]
    assert len(tap.left) == 1


@pytest.mark.parametrize(("packets", "calls"), CASES.values(), ids=CASES)
def test_one_batch_or_many_make_no_difference(packets: list[Packet], calls: list[Call]) -> None:
    tap = Tap(segments=True)
    for each in [*OPEN, *packets]:
        tap.feed([each])
    tap.finish()
    assert [witness.calls for witness in tap.witnesses] == [[*calls, FINISH]] * bool(calls)


# name: (all packets, what the layer was told)
BEGINNINGS: dict[str, tuple[list[Packet], list[Call]]] = {
    "SYN with data (RFC 7413)": (
        [client(-1, b"abc", flags=SYN), server(-1, flags=SYN | ACK, ack=3), client(3, b"d")],
        [("data", 0, b"abc", 1), ("data", 0, b"d", 3)],
    ),
    "SYN with data that is sent again": (
        [
            client(-1, b"abc", flags=SYN),
            server(-1, flags=SYN | ACK, ack=0),
            client(0, b"abcde"),
        ],
        [("data", 0, b"abc", 1), ("data", 0, b"de", 3)],
    ),
    "no SYN: the stream begins with what is seen first": (
        [client(100, b"abc", ack=50), server(50, b"XY", ack=103), client(103, b"d", ack=52)],
        [("data", 0, b"abc", 1), ("data", 1, b"XY", 2), ("data", 0, b"d", 3)],
    ),
    "no SYN: what was acknowledged is where the other stream goes on": (
        [client(100, b"abc", ack=50), server(52, b"Z", ack=103), server(50, b"XY", ack=103)],
        [("data", 0, b"abc", 1), ("data", 1, b"XY", 3), ("data", 1, b"Z", 2)],
    ),
    "only the SYN/ACK": (
        [OPEN[1], client(0, b"ab"), server(0, b"X", ack=2)],
        [("data", 0, b"ab", 2), ("data", 1, b"X", 3)],
    ),
    "SYN/ACK before SYN": (
        [OPEN[1], OPEN[0], OPEN[2], client(0, b"ab"), server(0, b"X")],
        [("data", 0, b"ab", 4), ("data", 1, b"X", 5)],
    ),
    "ACK before SYN/ACK": (
        [OPEN[0], OPEN[2], OPEN[1], client(0, b"ab"), server(0, b"X")],
        [("data", 0, b"ab", 4), ("data", 1, b"X", 5)],
    ),
    "data before the SYN": (
        [client(0, b"ab"), *OPEN, client(2, b"c")],
        [("data", 0, b"ab", 1), ("data", 0, b"c", 5)],
    ),
}


@pytest.mark.parametrize(("packets", "calls"), BEGINNINGS.values(), ids=BEGINNINGS)
def test_how_a_stream_begins(packets: list[Packet], calls: list[Call]) -> None:
    tap = watch(packets)
    assert tap.calls == [*calls, FINISH]
    assert tap.counts.conversations == 1


@pytest.mark.parametrize("start", [0, 1, 0x7FFFFFF0, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF])
def test_offsets_go_on_past_2_to_the_32(start: int) -> None:
    def sent(offset: int, size: int) -> bytes:
        return segment(CLIENT, SERVER, start + offset, flags=ACK, data=bytes(size))

    size = 60000
    packets = [sent(i * size, size) for i in range(40)]
    packets[10], packets[11] = packets[11], packets[10]
    tap = watch(packets)
    assert sum(len(call[2]) for call in tap.calls if call[0] == "data") == 40 * size
    assert [call for call in tap.calls if call[0] == "gap"] == []
    assert tap.conversations[0].low.next == 40 * size


def test_streams_longer_than_4_gib_are_counted_on() -> None:
    """Packets that the capture cut claim a GiB each: the numbers go round more than once."""
    jumbo = bytearray(segment(CLIENT, SERVER, 0, flags=ACK))
    jumbo[16:18] = b"\x00\x00"
    step = 1 << 30
    tap = Tap()
    for i in range(9):
        jumbo[38:42] = ((i * step) & 0xFFFFFFFF).to_bytes(4, "big")
        tap.feed([(bytes(jumbo), len(jumbo) + step)])
    tap.finish()
    assert tap.conversations[0].low.next == 9 * step
    assert tap.conversations[0].low.lost == 9 * step


def test_time_and_ordinal_of_bytes_that_came_too_early() -> None:
    tap = watch([*OPEN, client(2, b"cd"), client(0, b"ab"), client(4, b"ef")])
    (witness,) = tap.witnesses
    assert witness.times == [T0 + 5 * SECOND, T0 + 4 * SECOND, T0 + 6 * SECOND]
    # They are read when the hole before them is filled.
    assert witness.ordinals == [5, 5, 6]


class TestSameAddressesAndPortsAgain:
    """A SYN on addresses and ports that are in use: another connection, or the same again."""

    def other(self, offset: int, data: bytes = b"", flags: int = ACK, isn: int = 5000) -> bytes:
        return segment(CLIENT, SERVER, isn + 1 + offset, 1, flags, data)

    def test_with_another_initial_number_it_is_another_connection(self) -> None:
        tap = watch([*OPEN, client(0, b"ab"), self.other(-1, flags=SYN), self.other(0, b"cd")])
        assert [witness.calls for witness in tap.witnesses] == [
            [("data", 0, b"ab", 4), FINISH],
            [("data", 0, b"cd", 6), FINISH],
        ]
        assert [each.index for each in tap.conversations] == [0, 1]

    def test_what_waited_in_the_first_is_handed_on_before(self) -> None:
        tap = watch([*OPEN, client(2, b"cd"), self.other(-1, flags=SYN)])
        assert tap.calls == [("gap", 0, 2, 4), ("data", 0, b"cd", 4), FINISH]
        assert tap.counts.conversations == 2

    def test_windows_sends_the_same_syn_again_after_a_reset(self) -> None:
        tap = watch([OPEN[0], server(-1, flags=RST | ACK)] * 3)
        assert tap.counts.conversations == 1

    def test_the_same_number_is_the_same_connection(self) -> None:
        assert watch([*OPEN, OPEN[0], OPEN[1]]).counts.conversations == 1

    def test_a_connection_that_was_let_go_is_followed_by_another(self) -> None:
        tap = watch(
            [*OPEN, client(0, b"ab"), self.other(-1, flags=SYN), self.other(0, b"cd")],
            enough=lambda calls: calls[-1][2:3] == (b"ab",),
        )
        assert [witness.calls for witness in tap.witnesses] == [
            [("data", 0, b"ab", 4)],
            [("data", 0, b"cd", 6), FINISH],
        ]
        assert len(tap.left) == 2


class TestCounts:
    """TCP's own counts, of each direction."""

    # name: (packets, client's (retransmissions, out of order, keep-alives, conflicts, lost))
    CASES: ClassVar[dict[str, tuple[list[Packet], tuple[int, ...]]]] = {
        "clean": ([client(0, b"ab"), client(2, b"cd")], (0, 0, 0, 0, 0)),
        "retransmission": ([client(0, b"ab"), client(0, b"ab")], (1, 0, 0, 0, 0)),
        "retransmission of what waits": (
            [client(2, b"cd"), client(2, b"cd"), client(0, b"ab")],
            (1, 1, 0, 0, 0),
        ),
        "out of order": ([client(2, b"cd"), client(0, b"ab")], (0, 1, 0, 0, 0)),
        "three reversed": (
            [client(4, b"ef"), client(2, b"cd"), client(0, b"ab")],
            (0, 2, 0, 0, 0),
        ),
        "keep-alive": ([client(0, b"ab"), client(1, b"b")], (0, 0, 1, 0, 0)),
        "conflict": ([client(2, b"cd"), client(2, b"XX"), client(0, b"ab")], (1, 1, 0, 1, 0)),
        "lost": ([client(0, b"a"), client(3, b"d")], (0, 0, 0, 0, 2)),
        "cut": ([cut(client(0, b"abcd"), 3)], (0, 0, 0, 0, 3)),
        "SYN again": ([OPEN[0], client(0, b"ab")], (1, 0, 0, 0, 0)),
    }

    @pytest.mark.parametrize(("packets", "expected"), CASES.values(), ids=CASES)
    @pytest.mark.parametrize("rows", [False, True], ids=["", "with rows"])
    def test_of_a_direction(
        self, packets: list[Packet], expected: tuple[int, ...], rows: bool
    ) -> None:
        tap = watch([*OPEN, *packets], segments=rows)
        low, high = tap.left[0].low, tap.left[0].high
        found = (low.retransmissions, low.out_of_order, low.keep_alives, low.conflicts, low.lost)
        assert found == expected
        assert (high.retransmissions, high.out_of_order, high.lost) == (0, 0, 0)

    def test_of_packets(self) -> None:
        from support.packets import ethernet, ipv4, ipv6

        whole = client(0, b"ab")
        tap = watch(
            [
                whole,
                ethernet(ipv4(bytes(8), protocol=17)),
                ethernet(bytes(28), 0x0806),
                (whole[:30], len(whole)),
                ethernet(ipv4(bytes(19))),
                ethernet(ipv4(b"", total=3)),
                ethernet(ipv4(whole[34:], fragment=0x2000)),
                ethernet(ipv6(bytes(8), following=58), 0x86DD),
            ]
        )
        counts = tap.counts
        assert (counts.packets, counts.tcp, counts.udp, counts.other) == (8, 1, 1, 2)
        assert (counts.truncated, counts.malformed, counts.fragments) == (1, 2, 1)
        assert counts.unknown_link == 0
        assert counts.cut == 1
        assert counts.wire_bytes - counts.captured_bytes == len(whole) - 30


def shuffled(parts: list[Any], window: int, source: random.Random) -> list[Any]:
    """Return parts with each moved by at most about `window` places."""
    keys = [(i + source.uniform(0, window), part) for i, part in enumerate(parts)]
    return [part for _, part in sorted(keys, key=lambda pair: pair[0])]


@st.composite
def deliveries(draw: Callable[[Any], Any]) -> tuple[bytes, list[tuple[int, int]], int]:
    """A byte string, segments of it as [start, stop) in order of arrival, and where it starts."""
    truth = draw(st.binary(min_size=1, max_size=80))
    marks = st.integers(0, len(truth))
    cuts = sorted({0, len(truth), *draw(st.lists(marks, max_size=12))})
    parts = list(pairwise(cuts))
    parts = [part for part in parts if draw(st.integers(0, 5)) != 0]
    extra = draw(st.lists(st.tuples(marks, marks), max_size=6))
    parts += [(a, b) for a, b in extra if a < b]
    order = draw(st.permutations(parts)) if draw(st.booleans()) else parts
    return truth, list(order), draw(st.sampled_from([0, 1, C0, 0x7FFFFFF0, 0xFFFFFFFF]))


@given(deliveries(), st.booleans(), st.booleans())
def test_any_delivery_against_a_bitmap(
    delivery: tuple[bytes, list[tuple[int, int]], int], again: bool, rows: bool
) -> None:
    """What is delivered, with its gaps, is the truth as far as any segment showed it."""
    truth, parts, isn = delivery
    seen: dict[int, int] = {}
    packets = [segment(CLIENT, SERVER, isn, flags=SYN)]
    for number, (start, stop) in enumerate(parts):
        # Every other copy has other bytes: the first one wins.
        data = bytes(byte ^ (number & 1) * 0x80 for byte in truth[start:stop])
        packets += [segment(CLIENT, SERVER, isn + 1 + start, data=data)] * (1 + again)
        for at, byte in zip(range(start, stop), data, strict=True):
            seen.setdefault(at, byte)
    tap = watch(packets, segments=rows)
    found: dict[int, int] = {}
    at = 0
    for kind, side, what, _ in tap.calls[:-1] if parts else []:
        assert side == 0
        if kind == "gap":
            at += what
            continue
        for byte in what:
            found[at] = byte
            at += 1
    assert set(found) == set(seen)
    assert at == max(seen, default=-1) + 1
    if parts:
        direction = tap.conversations[0].low
        assert direction.lost == at - len(seen)
        assert direction.pending_bytes == 0


@given(st.binary(min_size=1, max_size=2000), st.integers(0, 1 << 32), st.integers(1, 300))
def test_a_jittery_path_changes_nothing(truth: bytes, seed: int, most: int) -> None:
    """Segments reordered within a window and repeated: all bytes arrive, none twice."""
    source = chance(seed)
    packets, at = [], 0
    while at < len(truth):
        size = source.randint(1, most)
        packets.append(client(at, truth[at : at + size]))
        at += size
    packets += source.choices(packets, k=len(packets) // 3)
    tap = watch([*OPEN, *shuffled(packets, 6, source)])
    assert tap.witnesses[0].stream(0) == [truth]
    assert tap.conversations[0].low.lost == 0


def test_an_ack_ahead_of_what_it_acknowledges_hides_nothing() -> None:
    """Without a SYN, a capture may begin with an ACK of bytes that stand behind it in the file."""
    tap = Tap().feed(
        [
            segment(CLIENT, SERVER, 500, 1006),
            segment(SERVER, CLIENT, 1000, 500, data=b"before"),
            segment(SERVER, CLIENT, 1006, 500, data=b" and after"),
        ]
    )
    tap.finish()
    (witness,) = tap.witnesses
    assert witness.stream(1) + witness.stream(0) == [b"before and after"]
