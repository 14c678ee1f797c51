"""A packet that is seen twice, and a segment that is sent twice: what tells them apart."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import pytest
from support.packets import ACK, CLIENT, FIN, RST, SERVER, SYN, T0, ethernet, ipv4, ipv6, pcap_of
from support.sessions import frame, masked, request, response

from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Recording, Wants
from wsanalyze.tables.columns import NOTES

MS = 1_000_000
V6 = ("2001:db8::1", "2001:db8::2")


@dataclass
class Sent:
    """A segment as it is sent: what two copies have in common, and what may differ."""

    side: int
    seq: int
    ack: int
    flags: int = ACK
    data: bytes = b""
    identification: int = 1
    checksum: int = 7
    ttl: int = 64
    version: int = 4

    def packet(self) -> bytes:
        ends = (CLIENT, SERVER)
        source, target = ends[self.side], ends[1 - self.side]
        head = struct.pack(
            ">HHIIHHHH",
            source[1],
            target[1],
            self.seq,
            self.ack,
            5 << 12 | self.flags,
            9000,
            self.checksum,
            0,
        )
        if self.version == 6:
            return ethernet(
                ipv6(head + self.data, V6[self.side], V6[1 - self.side], hops=self.ttl), 0x86DD
            )
        packet = bytearray(ipv4(head + self.data, source[0], target[0], ttl=self.ttl))
        packet[4:6] = self.identification.to_bytes(2, "big")
        return ethernet(bytes(packet))


# When, in ms since the beginning, and what.
Step = tuple[float, Sent]


def session(version: int = 4) -> list[Step]:
    """Return a handshake, ten seconds after which there may be more."""
    asked, answered = request(), response()
    steps = [
        Sent(0, 100, 0, SYN, identification=1),
        Sent(1, 500, 101, SYN | ACK, identification=0),
        Sent(0, 101, 501, identification=2),
        Sent(0, 101, 501, data=asked, identification=3),
        Sent(1, 501, 101 + len(asked), data=answered, identification=4),
    ]
    for each in steps:
        each.version = version
    return [(i, each) for i, each in enumerate(steps)]


CLIENT_NEXT, SERVER_NEXT = 101 + len(request()), 501 + len(response())


def said(data: bytes = b"hello", **changes: int) -> Sent:
    """Return a message of the client behind the handshake."""
    sent = Sent(0, CLIENT_NEXT, SERVER_NEXT, data=masked(data), identification=50)
    for name, value in changes.items():
        setattr(sent, name, value)
    return sent


def watched(steps: list[Step], *, segments: bool = True) -> Recording:
    """Return the recording of these packets, in this order."""
    times = [T0 + int(ms * MS) for ms, _ in steps]
    data = pcap_of([each.packet() for _, each in steps], times=times)
    return read([io.BytesIO(data)], wants=Wants(segments=segments), limits=Limits())


def counted(recording: Recording) -> tuple[int, int, int]:
    """Return the client's duplicates, retransmissions and segments out of order."""
    (row,) = recording.connections
    return row.client_duplicates, row.client_retransmissions, row.client_out_of_order


def notes(recording: Recording) -> list[str | None]:
    """Return the note of each segment behind the handshake."""
    assert recording.segments is not None
    return [NOTES[note] for note in recording.segments.arrays()["note"]][5:]


@pytest.mark.parametrize("segments", [True, False])
@pytest.mark.parametrize(
    ("again", "after_ms", "is_copy"),
    [
        (said(), 0, True),
        (said(), 199.9, True),
        (said(), -150, True),
        (said(), 200, False),
        (said(), 5000, False),
        (said(ttl=61), 1, True),
        (said(identification=51), 0, False),
        (said(checksum=8), 0, False),
        (said(ack=SERVER_NEXT - 10), 0, False),
    ],
)
def test_what_makes_a_copy(again: Sent, after_ms: float, is_copy: bool, segments: bool) -> None:
    recording = watched([*session(), (1000, said()), (1000 + after_ms, again)], segments=segments)
    assert counted(recording) == ((1, 0, 0) if is_copy else (0, 1, 0))
    assert recording.captures[0].duplicate_packets == is_copy
    if segments:
        assert notes(recording) == [None, "duplicate" if is_copy else "retransmission"]


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(
    ("after_ms", "is_copy"), [(0, True), (1, True), (1.01, False), (90, False)]
)
def test_without_an_identification_only_at_once(
    version: int, after_ms: float, is_copy: bool
) -> None:
    sent = said(identification=0, version=version)
    recording = watched([*session(version), (1000, sent), (1000 + after_ms, sent)])
    assert counted(recording) == ((1, 0, 0) if is_copy else (0, 1, 0))


def test_a_copy_of_what_waits_behind_a_hole() -> None:
    first, second = said(b"one"), said(b"two", identification=51)
    second.seq += len(first.data)
    steps = [(1000, second), (1000.1, second), (1001, first), (1001.1, first), (1002, second)]
    recording = watched([*session(), *steps])
    assert counted(recording) == (3, 0, 1)
    assert notes(recording) == [
        "lost-before", "duplicate", "out-of-order", "duplicate", "duplicate",
    ]  # fmt: skip
    assert recording.connections[0].client_messages == 2


def test_copies_of_the_opening_and_the_end() -> None:
    """A SYN, a SYN/ACK and a FIN that are seen twice are one connection, opened and closed once."""
    fin = Sent(0, CLIENT_NEXT, SERVER_NEXT, ACK | FIN, identification=60)
    answer = Sent(1, SERVER_NEXT, CLIENT_NEXT + 1, ACK | FIN, identification=61)
    steps = [
        each
        for ms, sent in [*session(), (20, fin), (21, answer)]
        for each in ((ms, sent), (ms + 0.02, sent))
    ]
    # Of clocks that differ: the first SYN comes again when all is over.
    steps.append((25, steps[0][1]))
    recording = watched(steps)
    (row,) = recording.connections
    assert (row.client_duplicates, row.client_retransmissions) == (4, 0)
    assert (row.server_duplicates, row.server_retransmissions) == (3, 0)
    assert row.connect_ms == 1.0
    assert recording.captures[0].tcp_conversations == 1
    assert row.ended_by == "client-fin"


def test_what_takes_up_no_sequence_space_is_noted_not_counted() -> None:
    """Acknowledgments and resets are sent alike again: only an identification tells copies."""
    bare = said(b"")
    bare.data = b""
    unknown = Sent(0, CLIENT_NEXT, SERVER_NEXT, identification=0)
    reset = Sent(0, CLIENT_NEXT, SERVER_NEXT, RST, identification=70)
    reset_again = Sent(0, CLIENT_NEXT, SERVER_NEXT, RST, identification=0)
    sent = [bare, bare, unknown, unknown, reset, reset, reset_again, reset_again]
    recording = watched([*session(), *((1000 + i / 100, each) for i, each in enumerate(sent))])
    assert counted(recording) == (0, 0, 0)
    assert notes(recording) == [
        None, "duplicate", None, None, "reset", "duplicate", "reset", "reset",
    ]  # fmt: skip


def test_a_keep_alive_seen_twice() -> None:
    probe = Sent(0, CLIENT_NEXT - 1, SERVER_NEXT, data=b"\0", identification=80)
    later = Sent(0, CLIENT_NEXT - 1, SERVER_NEXT, data=b"\0", identification=81)
    steps = [(1000, probe), (1000, probe), (46_000, later), (46_000, later)]
    assert notes(watched([*session(), *steps])) == [
        "keep-alive", "duplicate", "keep-alive", "duplicate",
    ]  # fmt: skip


def test_a_copy_with_other_bytes_contradicts() -> None:
    """Made up: the same header and checksum, another payload. The first copy wins."""
    other = said()
    other.data = other.data[:-1] + b"?"
    recording = watched([*session(), (1000, said()), (1000, other)])
    assert notes(recording) == [None, "overlap-conflict"]
    assert counted(recording) == (1, 0, 0)


def test_copies_do_not_use_up_patience() -> None:
    """A hole is given so many packets, however often each of them is seen."""
    answers = frame(b"x")
    steps: list[Step] = [*session(), (999, Sent(0, CLIENT_NEXT, SERVER_NEXT + 60 * len(answers)))]
    for i in range(1, 60):
        sent = Sent(
            1, SERVER_NEXT + i * len(answers), CLIENT_NEXT, data=answers, identification=100 + i
        )
        steps += [(1000 + i, sent), (1000 + i + 0.01, sent)]
    first = Sent(1, SERVER_NEXT, CLIENT_NEXT, data=answers, identification=99)
    recording = watched([*steps, (1100, first)], segments=False)
    (row,) = recording.connections
    assert (row.server_frames, row.server_lost_bytes, row.server_duplicates) == (60, 0, 59)


def test_only_the_last_packets_are_looked_back_at() -> None:
    """512 segments: what lies further back counts as sent again."""
    one = said()
    between = []
    at = CLIENT_NEXT + len(one.data)
    for i in range(600):
        data = masked(b"x")
        between.append(Sent(0, at, SERVER_NEXT, data=data, identification=1000 + i))
        at += len(data)

    def after(count: int) -> tuple[int, int, int]:
        steps = [(1000.0, one), *((1000.0, each) for each in between[:count]), (1000.0, one)]
        return counted(watched([*session(), *steps]))

    assert after(511) == (1, 0, 0)
    assert after(512) == (0, 1, 0)
