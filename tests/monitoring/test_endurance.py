"""Days in short: connections come and go, packets are lost, clocks step, and nothing piles up."""

from __future__ import annotations

import io

import pytest
from support.packets import (
    ACK,
    CLIENT,
    FIN,
    SECOND,
    SERVER,
    SYN,
    T0,
    Packet,
    pcap_of,
    segment,
)
from support.played import Clock, Paused, Played, drained, session_of
from support.sessions import CLOSE, frame, http, masked, request, response

from wsanalyze.limits import Limits
from wsanalyze.monitoring import idleness
from wsanalyze.monitoring import session as module
from wsanalyze.monitoring.events import Ended, Established, Event, Message
from wsanalyze.monitoring.session import Session

# Conversations, one behind the other, and seconds that pass with each few packets.
MANY, TICK = 600, 0.25


@pytest.fixture(autouse=True)
def _looked_at_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.0)
    monkeypatch.setattr(idleness, "SWEEP", 1.0)
    monkeypatch.setattr(idleness, "NAMED", 5.0)
    monkeypatch.setattr(idleness, "IDLE_READ", 20.0)
    monkeypatch.setattr(idleness, "IDLE_UNREAD", 40.0)


class Talk:
    """A conversation in packets."""

    def __init__(self, port: int) -> None:
        self.ends = ((CLIENT[0], port), SERVER)
        self.next = [1001, 70001]
        self.packets: list[Packet] = [
            segment(*self.ends, 1000, flags=SYN),
            segment(self.ends[1], self.ends[0], 70000, 1001, SYN | ACK),
        ]
        self.say(0, request()).say(1, response())

    def say(self, side: int, data: bytes, flags: int = ACK, *, seen: bool = True) -> Talk:
        """Add a packet of one side; one that is not seen was not captured."""
        ends = self.ends[side], self.ends[1 - side]
        packet = segment(*ends, self.next[side], self.next[1 - side], flags, data)
        self.next[side] += len(data)
        if seen:
            self.packets.append(packet)
        return self

    def close(self) -> Talk:
        """Add the closing handshake, and the ends of TCP."""
        self.say(0, masked(b"\x03\xe8", CLOSE)).say(1, frame(b"\x03\xe8", CLOSE))
        return self.say(1, b"", FIN | ACK).say(0, b"", FIN | ACK)


def most_kept(session: Session, clock: Clock, tick: float = TICK) -> dict[str, int]:
    """Run a session to its end, and return how much of everything was kept at most."""
    most = dict.fromkeys(("followed", "recent", "flows", "rows", "closed", "sessions"), 0)
    while not session.finished:
        session.pump(0)
        clock.now += tick
        run = session.run
        assert run.recorder.frames is not None
        now = {
            "followed": len(session.follower.followed),
            "recent": len(session.follower.recent),
            "flows": run.transport.readers.flows.count,
            "rows": run.recorder.frames.capacity,
            "closed": len(run.transport.readers.closed),
            "sessions": len(run.recorder.sessions),
        }
        most = {name: max(most[name], now[name]) for name in most}
    return most


def test_what_is_kept_does_not_grow_with_the_connections_that_came_and_went() -> None:
    talks = [
        Talk(20000 + number).say(0, masked(b"hi")).say(1, frame(b"ho")).close()
        for number in range(MANY)
    ]
    packets = [packet for talk in talks for packet in talk.packets]
    clock = Clock()
    source = Played(io.BytesIO(pcap_of(packets)))
    session = session_of(source, clock=clock, limits=Limits(recent=20))
    most = most_kept(session, clock)
    assert session.follower.seen == MANY
    # Eight batches of two seconds, each with two connections or so, and what goes on.
    assert most["followed"] < 40
    assert most["closed"] < 40
    assert most["recent"] <= 20 + 8
    assert most["flows"] < 120
    assert most["rows"] == 256
    assert most["sessions"] <= 4


def test_connections_whose_end_was_not_captured_leave_when_they_are_idle() -> None:
    packets = [packet for number in range(MANY) for packet in Talk(20000 + number).packets]
    clock = Clock()
    session = session_of(Played(io.BytesIO(pcap_of(packets))), clock=clock, idle=5.0)
    most = most_kept(session, clock)
    assert session.follower.seen == MANY
    assert most["followed"] < 160
    assert most["flows"] < 160


def seconds_until_it_leaves(packets: list[Packet], **options: object) -> int:
    """Return how long after its last packet a conversation is still there, in whole seconds."""
    clock = Clock()
    session = session_of(Paused(io.BytesIO(pcap_of(packets))), clock=clock, **options)
    while session.run.transport.ordinal < len(packets):
        session.pump(0)
    began = clock.now
    while session.run.transport.readers.flows.count:
        session.pump(0)
        clock.now += 1.0
    session.close()
    return int(clock.now - began)


def says(data: bytes) -> list[Packet]:
    """Return the packets of a conversation that begins with these bytes of the client's."""
    talk = Talk(20000)
    talk.packets, talk.next = talk.packets[:2], [1001, 70001]
    return talk.say(0, data).packets


# A sweep each second sees what the one before noted.
SWEEPS = 3


def test_who_leaves_after_how_long() -> None:
    """What costs most and may yet go on is waited for longest; what was never open, shortest."""
    opening = Talk(20000).packets
    http, other = says(b"GET / HTTP/1.1\r\n"), says(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    waited = {
        "only asked for": (opening[:1], idleness.NAMED),
        "opened and silent": (opening[:2], idleness.IDLE_UNREAD),
        "half of a request": (http, idleness.IDLE_READ),
        "something else": (other, idleness.IDLE_UNREAD),
        "WebSocket": (opening, 80.0),
        "one end is closed": (Talk(20000).say(1, b"", FIN | ACK).packets, idleness.NAMED),
    }
    for what, (packets, seconds) in waited.items():
        assert seconds <= seconds_until_it_leaves(packets, idle=80.0) <= seconds + SWEEPS, what


def test_who_wants_it_sooner_or_later_says_so() -> None:
    packets = Talk(20000).packets
    for seconds in (3.0, 30.0, 300.0):
        assert seconds <= seconds_until_it_leaves(packets, idle=seconds) <= seconds + SWEEPS
    half = says(b"GET / HTTP/1.1\r\n")
    assert seconds_until_it_leaves(half, idle=3.0) <= 3 + SWEEPS
    assert seconds_until_it_leaves(half, idle=300.0) <= idleness.IDLE_READ + SWEEPS


def test_what_goes_on_after_it_left_is_another_connection() -> None:
    talk = Talk(20000).say(0, masked(b"hello")).say(1, frame(b"ho"))
    before = len(talk.packets)
    for number in range(6):
        talk.say(0, masked(b"again %d" % number)).say(1, frame(b"and again %d" % number))
    clock = Clock()
    source = Paused(io.BytesIO(pcap_of(talk.packets[:before])))
    session = session_of(source, clock=clock, idle=10.0)
    events = pumped(session, clock, 15.0)
    ended = [each for each in events if isinstance(each, Ended)]
    assert [(each.connection, each.facts.ended_by) for each in ended] == [(0, "idle")]
    assert (ended[0].facts.client_messages, ended[0].facts.server_messages) == (1, 1)
    assert session.follower.followed == {}
    source.go_on(io.BytesIO(pcap_of(talk.packets[before:])))
    events = pumped(session, clock, 5.0)
    begun = [each for each in events if isinstance(each, Established)]
    assert [(each.connection, each.facts.outcome) for each in begun] == [(1, "unseen")]
    later = [each for each in events if isinstance(each, Message)]
    assert [(each.connection, each.preview) for each in later if each.sender == "client"] == [
        (1, f"again {number}") for number in range(6)
    ]
    session.close()


def test_what_tcp_keeps_alive_stays() -> None:
    talk = Talk(20000).say(0, masked(b"hello"))
    clock = Clock()
    source = Paused(io.BytesIO(pcap_of(talk.packets)))
    session = session_of(source, clock=clock, idle=10.0)
    for _ in range(5):
        assert not [each for each in pumped(session, clock, 8.0) if isinstance(each, Ended)]
        # A byte before what was acknowledged (RFC 9293 §3.8.4), which has none in it.
        probe = segment(SERVER, talk.ends[0], talk.next[1] - 1, talk.next[0], ACK)
        source.go_on(io.BytesIO(pcap_of([probe])))
    assert len(session.follower.followed) == 1
    session.close()


def test_records_that_wait_for_the_end_of_their_tcp_conversation_are_bounded() -> None:
    """Refused one after the other on connections that stay open, more than may be kept."""
    talks = []
    for number in range(30):
        talk = Talk(20000 + number)
        talk.packets, talk.next = talk.packets[:2], [1001, 70001]
        for _ in range(20):
            talk.say(0, request()).say(1, http("HTTP/1.1 403 Forbidden", "Content-Length: 0"))
        talks.append(talk)
    packets = [packet for talk in talks for packet in talk.packets]
    clock = Clock()
    source = Played(io.BytesIO(pcap_of(packets)))
    session = session_of(source, clock=clock, limits=Limits(attempts=200))
    most = most_kept(session, clock, tick=0.001)
    assert session.run.summaries[0].attempts_refused == 600
    assert 150 < most["followed"] <= 200


def pumped(session: Session, clock: Clock, seconds: float) -> list[Event]:
    """Let time pass, and return what happened."""
    events = []
    for _ in range(int(seconds * 10)):
        events += session.pump(0)
        clock.now += 0.1
    return events


def long_message(*, received: bool) -> list[Packet]:
    """Return a message of three segments, of which the second was not captured.

    `received`: whether the server says by then that it has all of them.
    """
    talk, message = Talk(20000), masked(b"x" * 3000)
    talk.say(0, message[:1000]).say(0, message[1000:2000], seen=False).say(0, message[2000:])
    return talk.say(1, frame(b"I have it")).packets if received else talk.packets


def sizes(events: list[Event]) -> list[tuple[str, int, bool]]:
    return [
        (each.sender, each.wire_length, each.complete)
        for each in events
        if isinstance(each, Message)
    ]


def test_what_waits_for_a_packet_that_was_not_captured_comes_after_a_second() -> None:
    clock = Clock()
    source = Paused(io.BytesIO(pcap_of(long_message(received=True))))
    session = session_of(source, clock=clock)
    assert sizes(pumped(session, clock, 0.5)) == [("server", 9, True)]
    assert sizes(pumped(session, clock, 3.0)) == [("client", 2000, False)]
    session.stop()
    assert sizes(drained(session)) == []


def test_what_the_receiver_does_not_have_is_waited_for() -> None:
    clock = Clock()
    source = Paused(io.BytesIO(pcap_of(long_message(received=False))))
    session = session_of(source, clock=clock)
    assert sizes(pumped(session, clock, 10.0)) == []
    session.stop()
    assert sizes(drained(session)) == [("client", 2000, False)]


@pytest.mark.parametrize("step", [-86_400, 86_400, -(10**9)])
def test_a_clock_that_steps_ends_nothing_and_keeps_nothing(step: int) -> None:
    talks = [Talk(20000 + number) for number in range(3)]
    packets = [packet for talk in talks for packet in talk.packets]
    times = [T0 + number * SECOND // 100 for number in range(len(packets))]
    half = len(times) // 2
    times[half:] = [time + step * SECOND for time in times[half:]]
    clock = Clock()
    session = session_of(Paused(io.BytesIO(pcap_of(packets, times=times))), clock=clock)
    events = pumped(session, clock, 5.0)
    assert not [each for each in events if isinstance(each, Ended)]
    assert len(session.follower.followed) == 3
    session.stop()
    assert len([each for each in drained(session) if isinstance(each, Ended)]) == 3
