"""Two versions of the same bytes: which one is read, and that both are kept."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.layers import Tap, watch
from support.packets import ACK, CLIENT, SERVER, SYN, T0, Packet, checked, pcap_of, segment
from support.sessions import frame, masked, request, response
from support.tshark import followed, needs_tshark

from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Recording, Wants
from wsanalyze.transport.conflict import Conflict, differing

C0, S0 = 0xFFFFFFF8, 0x10000000


def client(offset: int, data: bytes = b"", flags: int = ACK, *, error: int = 0) -> bytes:
    """Return a segment of the client with a checksum that is wrong by `error`."""
    return checked(segment(CLIENT, SERVER, C0 + 1 + offset, S0 + 1, flags, data), error)


def server(offset: int = 0, data: bytes = b"", flags: int = ACK, *, ack: int = 0) -> bytes:
    return checked(segment(SERVER, CLIENT, S0 + 1 + offset, C0 + 1 + ack, flags, data))


OPEN = [client(-1, flags=SYN), server(-1, flags=SYN | ACK), client(0)]
FILLS = client(0, b"ab")

# name: (packets behind the handshake, which has numbers 1 to 3; bytes that are read; the conflict)
PENDING: dict[str, tuple[list[Packet], bytes, Conflict]] = {
    "two good copies: the first": (
        [client(2, b"cd"), client(2, b"cX"), FILLS],
        b"abcd",
        Conflict(3, 1, 4, 5, b"d", b"X", "first", "first", late=False),
    ),
    "the first has a bad checksum": (
        [client(2, b"cd", error=1), client(2, b"cX"), FILLS],
        b"abcX",
        Conflict(3, 1, 4, 5, b"d", b"X", "second", "checksum", late=False),
    ),
    "the second has a bad checksum": (
        [client(2, b"cd"), client(2, b"cX", error=1), FILLS],
        b"abcd",
        Conflict(3, 1, 4, 5, b"d", b"X", "first", "checksum", late=False),
    ),
    "both are bad": (
        [client(2, b"cd", error=1), client(2, b"cX", error=2), FILLS],
        b"abcd",
        Conflict(3, 1, 4, 5, b"d", b"X", "first", "first", late=False),
    ),
    "the first was acknowledged before the second came": (
        [client(2, b"cd", error=1), server(ack=4), client(2, b"cX"), FILLS],
        b"abcd",
        Conflict(3, 1, 4, 6, b"d", b"X", "first", "acknowledged", late=False),
    ),
    "both came when the receiver had acknowledged": (
        [client(4, b"e"), server(ack=5), client(2, b"cd", error=1), client(2, b"cX"), FILLS],
        b"abcXe",
        Conflict(3, 1, 6, 7, b"d", b"X", "second", "checksum", late=False),
    ),
    "in the middle of a longer one": (
        [client(2, b"cdefg", error=1), client(4, b"E"), FILLS],
        b"abcdEfg",
        Conflict(4, 1, 4, 5, b"e", b"E", "second", "checksum", late=False),
    ),
    "checksums that the capture cut": (
        [(client(2, b"cde", error=1)[:-1], 57), client(2, b"cX"), FILLS],
        b"abcd",
        Conflict(3, 1, 4, 5, b"d", b"X", "first", "first", late=False),
    ),
}


@pytest.mark.parametrize(("packets", "stream", "conflict"), PENDING.values(), ids=PENDING)
@pytest.mark.parametrize("rows", [False, True], ids=["", "with rows"])
def test_of_bytes_that_wait(
    packets: list[Packet], stream: bytes, conflict: Conflict, rows: bool
) -> None:
    tap = Tap(segments=rows).feed([*OPEN, *packets])
    (conversation,) = tap.conversations
    assert conversation.low.contested == [conflict]
    assert conversation.low.conflicts == 1
    (witness,) = tap.finish().witnesses
    assert b"".join(each for each in witness.stream(0) if isinstance(each, bytes)) == stream


# tshark 4.0 gives up a hole with the first acknowledgment behind it: those cases show nothing.
FOLLOWED = {name: case for name, case in PENDING.items() if "acknowledged" not in name}


@needs_tshark
@pytest.mark.parametrize(("packets", "stream", "conflict"), FOLLOWED.values(), ids=FOLLOWED)
def test_tshark_always_takes_the_first(
    packets: list[Packet], stream: bytes, conflict: Conflict, tmp_path: Path
) -> None:
    """A second opinion on the order of the copies; it does not look at their checksums."""
    capture = tmp_path / "conflict.pcap"
    capture.write_bytes(pcap_of([*OPEN, *packets]))
    assert (followed(capture) == stream) == (conflict.used == "first")
    first = stream.replace(conflict.second, conflict.first)
    assert followed(capture) == first


def test_checksums_say_nothing_where_those_handed_on_were_bad() -> None:
    """As of segments that a network card put together."""
    packets = [client(2, b"cd", error=1), client(0, b"ab", error=1), client(6, b"gh", error=1)]
    tap = watch([*OPEN, *packets, client(6, b"gX"), client(4, b"ef")])
    assert tap.witnesses[0].stream(0) == [b"abcdefgh"]


def contested(packets: Sequence[Packet], *, segments: bool = True, **limits: int) -> Recording:
    """Return the recording of a WebSocket session and these packets of its client behind it."""
    asked, answered = request(), response()
    opening = [*OPEN, client(0, asked), server(0, answered, ack=len(asked))]
    data = pcap_of([*opening, *packets])
    return read([io.BytesIO(data)], wants=Wants(segments=segments), limits=Limits(**limits))


AT = len(request())
HELLO, JELLO = masked(b"hello"), masked(b"jello")
LENGTH = len(HELLO)
DIFFER = differing(HELLO, JELLO)
PART = slice(*DIFFER)


# name: (the client's packets, from number 6 on; the conflict, of packets 6 and another; segments)
HANDED_ON: dict[str, tuple[list[Packet], tuple[int, str, bool]]] = {
    "two good copies": ([client(AT, HELLO), client(AT, JELLO)], (7, "first", False)),
    "the second was accepted": (
        [client(AT, HELLO, error=1), client(AT, JELLO)],
        (7, "checksum", True),
    ),
    "the second is bad": ([client(AT, HELLO), client(AT, JELLO, error=1)], (7, "checksum", False)),
    "the first was acknowledged": (
        [client(AT, HELLO, error=1), server(len(response()), ack=AT + LENGTH), client(AT, JELLO)],
        (8, "acknowledged", False),
    ),
}


@pytest.mark.parametrize(("packets", "expected"), HANDED_ON.values(), ids=HANDED_ON)
def test_of_bytes_that_were_handed_on(
    packets: list[Packet], expected: tuple[int, str, bool]
) -> None:
    """The first version was read, whatever is known later: `late` says that it was wrong."""
    second, why, late = expected
    (row,) = contested(packets).connections
    assert (row.client_conflicts, row.server_conflicts, row.server_contested) == (1, 0, ())
    assert row.client_contested == (
        Conflict(
            AT + DIFFER[0],
            DIFFER[1] - DIFFER[0],
            6,
            second,
            HELLO[PART],
            JELLO[PART],
            "first",
            why,
            late,
        ),
    )


def test_what_was_handed_on_is_compared_only_where_segments_are_recorded() -> None:
    packets = [client(AT, HELLO), client(AT, JELLO)]
    (row,) = contested(packets, segments=False).connections
    assert (row.client_conflicts, row.client_contested) == (0, ())


def test_of_what_waits_the_accepted_version_becomes_the_message() -> None:
    first = masked(b"first")
    packets = [client(AT + LENGTH, first, error=1), client(AT + LENGTH, JELLO), client(AT, HELLO)]
    recording = contested(packets, segments=False)
    (row,) = recording.connections
    assert row.client_messages == 2
    assert [(each.used, each.why) for each in row.client_contested] == [("second", "checksum")]
    assert recording.messages is not None
    frames = recording.frames
    assert frames is not None
    assert list(frames.arrays()["packet"]) == [8, 7]


def test_conflicts_are_kept_up_to_their_limit_and_counted_beyond() -> None:
    packets: list[Packet] = [client(AT + LENGTH + 2 * i, b"ab") for i in range(9)]
    packets += [client(AT + LENGTH + 2 * i, b"XY") for i in range(9)]
    recording = contested(packets, segments=False, conflicts=4)
    (row,) = recording.connections
    assert row.client_conflicts == 9
    assert len(row.client_contested) == 4
    assert recording.captures[0].limits["conflicts"] == 5


def test_a_copy_of_a_segment_that_contradicts_is_no_second_contradiction() -> None:
    """Neither while the bytes wait nor when they were handed on."""
    contradicts = client(AT + LENGTH, b"XY")
    packets = [client(AT + LENGTH, b"ab"), contradicts, contradicts, client(AT, HELLO), contradicts]
    opening = [*OPEN, client(0, request()), server(0, response(), ack=AT)]
    data = pcap_of([*opening, *packets], times=[T0 + i for i in range(10)])
    recording = read([io.BytesIO(data)], wants=Wants(segments=True), limits=Limits())
    (row,) = recording.connections
    assert (row.client_conflicts, row.client_duplicates) == (1, 2)
    assert len(row.client_contested) == 1


def test_of_one_segment_64_conflicts_are_kept() -> None:
    """It may contradict thousands of small ones."""
    packets: list[Packet] = [client(AT + LENGTH + 2 * i, b"a") for i in range(70)]
    recording = contested([*packets, client(AT + LENGTH, b"X" * 140)], segments=False)
    (row,) = recording.connections
    assert row.client_conflicts == 1
    assert [each.first_packet for each in row.client_contested] == list(range(6, 70))
    assert recording.captures[0].limits["conflicts"] == 6


def test_conflicts_of_other_connections_take_no_room_for_good() -> None:
    """Those of a connection that nobody keeps a record of go with it."""
    other = ("192.0.2.77", 40001)
    noise: list[Packet] = [
        segment(other, SERVER, 1000 + 2 * i, 0, ACK, data)
        for i in range(9)
        for data in (b"ab", b"XY")
    ]
    noise.insert(0, segment(other, SERVER, 900, 0, ACK, b"GET / HTTP/1.1\r\n"))
    opening = [*OPEN, client(0, request()), server(0, response(), ack=AT)]
    mine = [client(AT + LENGTH, b"ab"), client(AT + LENGTH, b"XY")]
    data = pcap_of([*noise, *opening, *mine])
    recording = read([io.BytesIO(data)], wants=Wants(), limits=Limits(conflicts=9, followed=1))
    (row,) = recording.connections
    assert len(row.client_contested) == 1


@given(st.binary(min_size=1), st.data())
def test_where_two_stretches_differ(first: bytes, data: st.DataObject) -> None:
    second = data.draw(
        st.binary(min_size=len(first), max_size=len(first)).filter(lambda each: each != first)
    )
    unlike = [i for i in range(len(first)) if first[i] != second[i]]
    assert differing(first, second) == (unlike[0], unlike[-1] + 1)


def test_a_session_without_conflicts_has_none() -> None:
    packets = [client(AT, HELLO), client(AT, HELLO), server(len(response()), frame(b"x"))]
    (row,) = contested(packets).connections
    assert (row.client_conflicts, row.client_contested, row.server_contested) == (0, (), ())
