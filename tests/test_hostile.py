"""Damaged captures and made-up traffic: nothing is raised, it ends, and what is counted is true."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.chance import chance
from support.hixie import ANSWER, BODY, CLOSE, ask, ask_75, switch, switch_75, text
from support.invariants import check
from support.packets import ACK, CLIENT, FIN, RST, SERVER, SYN, T0, Packet, pcap_of, segment
from support.sessions import (
    DEFLATE,
    Deflater,
    brief,
    connections_of,
    facts,
    frame,
    frames_of,
    http,
    masked,
    request,
    response,
)

from wsanalyze.capture.source import open_capture
from wsanalyze.errors import CaptureError
from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Recording, Wants

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
SMALLEST = ("capture-ends-open.pcap", "websockets-plain.pcapng")
SMALL = (
    *SMALLEST,
    "keepalive.pcap",
    "any-interface.pcap",
    "frames-with-101.pcap",
    "mixed-peers.pcapng",
    "aiohttp-chat.pcapng",
    "ws-ipv6.pcapng",
    "http-before-upgrade.pcapng",
    "hybi-drafts.pcapng",
    "cut-connections.pcapng",
    "refused-upgrades.pcapng",
    "hixie-75.pcapng",
    "hixie-76.pcapng",
    "hixie-proxies.pcapng",
    "hybi-early.pcapng",
)
# Low enough that every one of them is reached now and then.
TIGHT = Limits(
    flows=4,
    out_of_order=3000,
    out_of_order_total=4000,
    head=400,
    held=600,
    message=300,
    payload=50,
    payload_total=400,
    fragments=5000,
    datagrams=2,
)


def survive(*data: bytes, limits: Limits | None = None) -> Recording | None:
    """Read captures in memory and check what came of it; None where they are no captures."""
    try:
        recording = read(
            [io.BytesIO(each) for each in data],
            wants=Wants(payloads="full", segments=True),
            limits=limits or Limits(),
        )
    except CaptureError:
        return None
    check(recording)
    return recording


def bytes_of(name: str) -> bytes:
    return (CAPTURES / name).read_bytes()


@pytest.mark.parametrize(
    "name", sorted(path.name for path in CAPTURES.iterdir() if ".pcap" in path.name)
)
@pytest.mark.parametrize("limits", [Limits(), TIGHT], ids=["usual", "tight"])
def test_whole_captures(name: str, limits: Limits) -> None:
    assert survive(bytes_of(name), limits=limits) is not None


@pytest.mark.parametrize("name", SMALLEST)
@pytest.mark.parametrize("part", range(4))
def test_every_prefix(name: str, part: int) -> None:
    data = bytes_of(name)
    for stop in range(part, len(data), 4):
        survive(data[:stop])


@pytest.mark.parametrize("name", SMALL[2:])
def test_some_prefixes(name: str) -> None:
    data = bytes_of(name)
    for stop in range(0, len(data), 61):
        survive(data[:stop])


@pytest.mark.parametrize("name", SMALL)
def test_every_prefix_of_its_packets_grows(name: str) -> None:
    """More packets never make fewer attempts, frames or messages."""
    data = bytes_of(name)
    before = (0, 0, 0)
    for stop in range(0, len(data), 97):
        recording = survive(data[:stop])
        if recording is None:
            continue
        assert recording.frames is not None
        assert recording.messages is not None
        now = (len(recording.connections), recording.frames.count, recording.messages.count)
        assert all(a <= b for a, b in zip(before, now, strict=True)), stop
        before = now


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("change", [0x01, 0x80, 0xFF])
def test_changed_bytes(name: str, change: int) -> None:
    data = bytearray(bytes_of(name))
    source = chance(f"{name} {change}")
    for at in source.sample(range(len(data)), 150):
        data[at] ^= change
        survive(bytes(data))
        data[at] ^= change


@pytest.mark.parametrize("seed", range(60))
def test_many_changed_bytes(seed: int) -> None:
    source = chance(seed)
    data = bytearray(bytes_of(source.choice(SMALL)))
    for _ in range(source.choice([3, 30, 300])):
        data[source.randrange(24, len(data))] = source.randrange(256)
    survive(bytes(data), limits=source.choice([Limits(), TIGHT]))


def records(data: bytes) -> tuple[int, list[Packet]]:
    """Return the link type of a capture's first packet, and all packets."""
    found: list[Packet] = []
    link = 1
    with open_capture(io.BytesIO(data)) as reader:
        while (batch := reader.next()) is not None:
            link = batch.packets()[0][2]
            found += [(each[4], each[3]) for each in batch.packets()]
    return link, found


@pytest.mark.parametrize("seed", range(80))
def test_packets_lost_repeated_moved_cut_and_spliced(seed: int) -> None:
    source = chance(seed)
    packets = [
        each
        for name in source.sample([n for n in SMALL if n != "any-interface.pcap"], 3)
        for each in records(bytes_of(name))[1]
    ]
    made: list[tuple[float, Packet]] = []
    for place, packet in enumerate(packets):
        data, wire = packet if isinstance(packet, tuple) else (packet, len(packet))
        fate = source.random()
        if fate < 0.1:
            continue
        kept = data[: source.randrange(len(data))] if fate < 0.15 else data
        position = place + source.choice([0, 0, 0, 0.5, 3.5, -4.5, 60.5])
        made += [(position, (kept, wire))] * (2 if fate > 0.95 else 1)
    made.sort(key=lambda pair: pair[0])
    survive(pcap_of([each for _, each in made]), limits=source.choice([Limits(), TIGHT]))


def identities(recording: Recording | None) -> set[tuple[object, ...]]:
    """Return what tells each frame from every other one, wherever its packets stand."""
    assert recording is not None
    names = ("sender", "offset", "head", "second", "masking_key")
    return {
        (
            recording.connections[row["connection"]].client_port,
            *(row[name] for name in names),
            # No header says how long a text of Hixie is: a hole ends it early.
            row["length"] if row["header_length"] > 1 else None,
        )
        for row in frames_of(recording)
    }


# Where its request is lost, a connection is taken for one of RFC 6455: that is what frames of the
# early drafts are read as then, and those of a server that answered Hixie with RFC 6455.
TOLD_BY_THEIR_REQUEST = ("hixie-76.pcapng", "hybi-early.pcapng")


@pytest.mark.parametrize("name", [name for name in SMALL if name not in TOLD_BY_THEIR_REQUEST])
@pytest.mark.parametrize("count", [1, 2])
def test_packets_lost_invent_nothing(name: str, count: int) -> None:
    """Whatever packets are missing, each frame that is given is one that was sent."""
    link, packets = records(bytes_of(name))
    sent = identities(survive(pcap_of(packets, link=link)))
    for first in range(len(packets)):
        rest = packets[:first] + packets[first + count :]
        assert identities(survive(pcap_of(rest, link=link))) <= sent, first + 1


def test_splices_of_files() -> None:
    """The end of one capture behind the beginning of another, at any byte."""
    source = chance(5)
    for _ in range(150):
        one, other = bytes_of(source.choice(SMALL)), bytes_of(source.choice(SMALL))
        survive(one[: source.randrange(len(one))] + other[source.randrange(len(other)) :])


def test_several_captures_of_which_some_are_damaged() -> None:
    source = chance(6)
    for _ in range(40):
        some = [bytes_of(source.choice(SMALL)) for _ in range(3)]
        survive(*(each[: source.randrange(30, len(each))] for each in some))


squeeze = Deflater()
SAYINGS = [
    request(),
    request(DEFLATE),
    response(),
    response(DEFLATE),
    http("GET / HTTP/1.1", "Host: a"),
    http("HTTP/1.1 200 OK", "Content-Length: 30", body=b"x" * 30),
    http("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n"),
    http("HTTP/1.1 401 No", "Content-Length: 0"),
    http("HTTP/1.1 103 Early Hints"),
    http("HTTP/1.1 304 Not Modified"),
    frame(b"hello"),
    frame(b"he", fin=False) + frame(b"llo", 0),
    masked(b"hello"),
    masked(b"\x03\xe8bye", 8),
    frame(b"", 9),
    frame(squeeze(b"hello" * 20), rsv=4),
    frame(bytes(200), 2),
    frame(b"huge", 2, length=(1 << 64) - 1, form=64),
    frame(b"large", 2, length=(1 << 63) + 1, form=64),
    ask() + BODY,
    ask({"Sec-WebSocket-Draft": "2"}) + BODY,
    switch() + ANSWER,
    ask_75(),
    switch_75(),
    request().replace(b"Version: 13", b"Version: 6"),
    text(b"hello"),
    CLOSE,
    b"\x80\x05hello",
    b"\x80" * 12,
]
# Handshakes that come in front of what is made up; None for none.
OPENINGS = [
    None,
    (request(DEFLATE), response(DEFLATE)),
    (ask() + BODY, switch() + ANSWER),
    (ask_75(), switch_75()),
    (ask({"Sec-WebSocket-Draft": "2"}) + BODY, switch() + ANSWER),
    (request().replace(b"Version: 13", b"Version: 5"), response()),
    (request().replace(b"Version: 13", b"Version: 4"), response("Sec-WebSocket-Nonce: x")),
]
sayings = st.one_of(
    st.sampled_from(SAYINGS),
    st.sampled_from(SAYINGS).flatmap(lambda each: st.integers(0, 40).map(lambda at: each[at:])),
    st.binary(max_size=30),
)
steps = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 1, 1]),
        sayings,
        # What happens to the segment: it comes, is lost, comes twice, cut, later, or overlaps.
        st.sampled_from(["comes"] * 6 + ["lost", "twice", "cut", "late", "overlaps", "far"]),
        st.sampled_from([ACK] * 12 + [ACK | FIN, RST, ACK | SYN, SYN, 0, 0x1FF]),
    ),
    max_size=24,
)


def traffic(steps: list[tuple[int, bytes, str, int]], isn: int) -> list[Packet]:
    """Return a conversation in packets, with what happens to each."""
    ends, following = (CLIENT, SERVER), [isn + 1, 5001]
    packets: list[Packet] = [
        segment(CLIENT, SERVER, isn, flags=SYN),
        segment(SERVER, CLIENT, 5000, isn + 1, SYN | ACK),
    ]
    late: list[Packet] = []
    for side, data, fate, flags in steps:
        seq, ack = following[side], following[1 - side]
        if fate == "overlaps":
            seq, data = seq - 3, b"###" + data
        if fate == "far":
            seq += 1 << 30
        made = segment(ends[side], ends[1 - side], seq, ack, flags, data)
        following[side] += len(data) if fate not in ("overlaps", "far") else 0
        if fate == "cut":
            packets.append((made[: max(40, len(made) - 7)], len(made)))
        elif fate == "late":
            late.append(made)
        elif fate != "lost":
            packets += [made] * (2 if fate == "twice" else 1)
        if len(late) > 2:
            packets.append(late.pop(0))
    return packets + late


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps,
    st.sampled_from([0, 1, 0x7FFFFFF0, 0xFFFFFFF0]),
    st.sampled_from(OPENINGS),
    st.booleans(),
)
def test_made_up_traffic(
    steps: list[tuple[int, bytes, str, int]],
    isn: int,
    opening: tuple[bytes, bytes] | None,
    tight: bool,
) -> None:
    if opening is not None:
        steps = [(0, opening[0], "comes", ACK), (1, opening[1], "comes", ACK), *steps]
    packets = traffic(steps, isn)
    recording = survive(pcap_of(packets), limits=TIGHT if tight else None)
    assert recording is not None
    assert recording.captures[0].packets == len(packets)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps, st.sampled_from([0, 1, 0x7FFFFFF0, 0xFFFFFFF0]), st.booleans(), st.integers(1, 30))
@example([(1, request(), "lost", ACK), (0, request(), "far", ACK)], 0, False, 1)
@example(
    [
        *[(0, request(), "comes", ACK)] * 9,
        (0, b"\0\0\0\0\1", "overlaps", ACK),
        (0, b"\0\0\0\0", "comes", ACK),
        (0, b"\0", "comes", ACK),
        (0, request(), "comes", ACK),
    ],
    *(0, False, 3),
)
def test_copies_of_made_up_traffic_change_nothing(
    steps: list[tuple[int, bytes, str, int]], isn: int, upgraded: bool, burst: int
) -> None:
    """Each packet seen twice, `burst` of them before their copies: told, and no more than that."""
    if upgraded:
        steps = [(0, request(DEFLATE), "comes", ACK), (1, response(DEFLATE), "comes", ACK), *steps]
    if burst > 1:
        # Another connection on the same ports would have begun before these copies came.
        steps = [(side, data, fate, flags & ~SYN) for side, data, fate, flags in steps]
    else:
        # What ends a connection and begins one has no copies: each of them begins one.
        steps = [
            (side, data, fate, flags & ~SYN if flags & (FIN | RST) else flags)
            for side, data, fate, flags in steps
        ]
    packets = traffic(steps, isn)
    times = [T0 + i for i in range(len(packets))]
    both: list[tuple[Packet, int]] = []
    for i in range(0, len(packets), burst):
        some = list(zip(packets[i : i + burst], times[i : i + burst], strict=True))
        both += some + some
    once = survive(pcap_of(packets, times=times))
    twice = survive(pcap_of([each for each, _ in both], times=[time for _, time in both]))
    assert once is not None
    assert twice is not None
    expected, found = facts(once), facts(twice)
    for row in expected["connections"] + found["connections"]:
        for role in ("client", "server"):
            row.pop(f"{role}_duplicates")
            # The places are the same; the packets of the versions have other numbers.
            row[f"{role}_contested"] = [
                (each.offset, each.length, each.first, each.second, each.used)
                for each in row[f"{role}_contested"]
            ]
    for table in expected:
        for ours, theirs in zip(found[table], expected[table], strict=True):
            assert ours == theirs


def session_segments(source: random.Random) -> list[bytes]:
    """Return a clean session with a bit of everything, in segments of any size."""
    client, server = Deflater(), Deflater()
    streams = [
        request(DEFLATE)
        + b"".join(masked(client(b"question %d " % i * i), rsv=4) for i in range(40))
        + masked(b"\x03\xe8", 8),
        response(DEFLATE)
        + b"".join(frame(server(b"answer %d " % i * i), rsv=4) + frame(b"p", 9) for i in range(40)),
    ]
    heads = [len(request(DEFLATE)), len(response(DEFLATE))]
    ends, at, packets = (CLIENT, SERVER), [0, 0], []
    for side in (0, 1):
        packets.append(
            segment(ends[side], ends[1 - side], 1 + at[side], 1, data=streams[side][: heads[side]])
        )
        at[side] = heads[side]
    while at[0] < len(streams[0]) or at[1] < len(streams[1]):
        side = source.randrange(2)
        data = streams[side][at[side] : at[side] + source.randint(1, 90)]
        if data:
            packets.append(segment(ends[side], ends[1 - side], 1 + at[side], 1, data=data))
            at[side] += len(data)
    return packets


@pytest.mark.parametrize("seed", range(12))
def test_segments_repeated_and_moved_give_the_same_tables(seed: int) -> None:
    source = chance(seed)
    opening = [segment(CLIENT, SERVER, 0, flags=SYN), segment(SERVER, CLIENT, 0, 1, SYN | ACK)]
    packets = session_segments(source)
    clean = survive(pcap_of([*opening, *packets]))
    places = [(place + source.uniform(0, 9), each) for place, each in enumerate(packets)]
    places += [(source.uniform(0, len(packets)), each) for each in source.sample(packets, 20)]
    moved = survive(pcap_of([*opening, *(each for _, each in sorted(places))]))
    assert clean is not None
    assert moved is not None
    counters = {
        f"{role}_{what}"
        for role in ("client", "server")
        for what in ("retransmissions", "out_of_order")
    }
    expected, found = facts(clean), facts(moved)
    for row in expected["connections"] + found["connections"]:
        for name in counters:
            row.pop(name)
    assert found == expected
    assert brief(frames_of(clean), "message") == brief(frames_of(moved), "message")


def test_a_packet_of_a_busy_session_lost_invents_nothing() -> None:
    opening = [segment(CLIENT, SERVER, 0, flags=SYN), segment(SERVER, CLIENT, 0, 1, SYN | ACK)]
    packets = session_segments(chance(3))[:80]
    sent = identities(survive(pcap_of([*opening, *packets])))
    for missing in range(len(packets)):
        rest = packets[:missing] + packets[missing + 1 :]
        assert identities(survive(pcap_of([*opening, *rest]))) <= sent, missing


@pytest.mark.parametrize("last", [b"", b"\r", b"\r=", b"\r\r", b"\n", b"\nA", b"\n A\r:", b"\0"])
def test_heads_that_end_anywhere(last: bytes) -> None:
    opening = [segment(CLIENT, SERVER, 0, flags=SYN), segment(SERVER, CLIENT, 0, 1, SYN | ACK)]
    for asked in range(12, len(request()) - 1, 7):
        for answered in (0, asked % len(response())):
            halves = request()[:asked] + last, response()[:answered] + last * bool(answered)
            packets = [
                segment(CLIENT, SERVER, 1, 1, data=halves[0]),
                segment(SERVER, CLIENT, 1, 1 + len(halves[0]), data=halves[1]),
                segment(CLIENT, SERVER, 1 + len(halves[0]), 1 + len(halves[1]), FIN | ACK),
                segment(SERVER, CLIENT, 1 + len(halves[1]), 2 + len(halves[0]), FIN | ACK),
            ]
            recording = survive(pcap_of([*opening, *packets]))
            assert recording is not None
            assert [row["client_frames"] for row in connections_of(recording)] in ([], [0])
