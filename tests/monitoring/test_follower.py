"""What changed since the last look: each thing once, in its order, with nothing left behind."""

from __future__ import annotations

from pathlib import Path

from support.played import Paused, session_of

from wsanalyze.capture.source import open_capture
from wsanalyze.limits import Limits
from wsanalyze.monitoring.events import Ended, Found, Message, Requested
from wsanalyze.monitoring.follower import Follower
from wsanalyze.monitoring.judging import Judge
from wsanalyze.pipeline import Pass
from wsanalyze.recording import Recording, Wants
from wsanalyze.tables.columns import FrameColumns, MessageColumns
from wsanalyze.tls.keylog import Secrets

CAPTURES = Path(__file__).parents[2] / "captures"
CHAT = CAPTURES / "aiohttp-chat.pcapng"


def follower_of(capture: Path, most: int | None = None) -> tuple[Follower, Pass]:
    """Return who follows a pass that has taken a whole capture, and not ended."""
    limits = Limits()
    recording = Recording(Wants(observe=True), frames=FrameColumns(), messages=MessageColumns())
    with open_capture(capture) as reader:
        run = Pass(recording, limits, reader.infos, Secrets(limits.secrets))
        follower = Follower(run, Judge(), most=most)
        while (batch := reader.next()) is not None:
            run.take(batch)
    return follower, run


def test_a_second_look_finds_nothing_new() -> None:
    follower, _ = follower_of(CHAT)
    assert follower.look()
    assert follower.look() == []


def test_rows_leave_the_columns_with_the_look_that_tells_of_them() -> None:
    follower, run = follower_of(CHAT)
    recorder = run.recorder
    assert recorder.frames is not None
    assert recorder.messages is not None
    assert recorder.messages.count == 14
    follower.look()
    assert (recorder.frames.count, recorder.messages.count) == (0, 0)
    assert (len(recorder.messages.payloads), recorder.kept) == (0, 0)
    assert run.recording.connections == []


def test_of_many_messages_the_last_ones_become_events_and_all_are_numbered() -> None:
    follower, _ = follower_of(CHAT, most=3)
    messages = [each for each in follower.look() if isinstance(each, Message)]
    assert [(each.connection, each.message) for each in messages] == [(0, 11), (1, 0), (1, 1)]
    assert follower.passed == 11


def test_the_last_message_of_a_connection_is_known_whether_it_is_an_event_or_not() -> None:
    follower, _ = follower_of(CHAT, most=2)
    messages = [each for each in follower.look() if isinstance(each, Message)]
    assert {each.connection for each in messages} == {1}
    last = [each.last_message for each in follower.followed.values()]
    assert [each.message for each in last if each is not None] == [11, 1]


def test_traffic_is_that_of_the_session_until_the_connection_is_over() -> None:
    session = session_of(Paused(CHAT))
    for _ in range(200):
        session.pump(0)
    (first, *_) = session.follower.followed.values()
    before = first.traffic()
    assert before[0] > 0
    session.stop()
    while not session.finished:
        session.pump(0)
    assert first.traffic() == before
    assert first.session is None


def test_a_request_is_told_with_the_packet_that_it_came_in() -> None:
    follower, _ = follower_of(CHAT)
    requested = [each for each in follower.look() if isinstance(each, Requested)]
    assert [each.packet for each in requested] == [each.facts.request_packet for each in requested]
    assert [each.time for each in requested] == [each.facts.requested for each in requested]


def test_what_ends_in_one_moment_is_told_in_the_order_of_the_ends() -> None:
    follower, run = follower_of(CAPTURES / "two-backends.pcapng")
    follower.look()
    run.close()
    events = follower.look()
    ended = [each.time for each in events if isinstance(each, Ended)]
    assert len(ended) > 2
    assert ended == sorted(ended)
    # What is found of a connection stands before its end, in the order of packets.
    told: dict[int, list[int]] = {}
    for each in events:
        if isinstance(each, Found) and each.connection is not None and each.packet is not None:
            told.setdefault(each.connection, []).append(each.packet)
        elif isinstance(each, Ended):
            told.setdefault(each.connection, [])
            assert told[each.connection] == sorted(told[each.connection])


def test_what_is_found_of_a_handshake_stands_with_its_packet() -> None:
    follower, _ = follower_of(CAPTURES / "refused-upgrades.pcapng")
    # What else is found is told when a connection is over.
    events = [
        each
        for each in follower.look()
        if not isinstance(each, Ended | Found) or getattr(each, "check", "") == "SEC-01"
    ]
    packets = [each.packet_end if isinstance(each, Message) else each.packet for each in events]
    assert packets == sorted(packets)
    (request,) = [each for each in events if isinstance(each, Requested) and each.connection == 1]
    (found,) = [each for each in events if isinstance(each, Found) and each.check == "SEC-01"]
    assert events.index(request) < events.index(found)
    assert found.packet == request.packet
