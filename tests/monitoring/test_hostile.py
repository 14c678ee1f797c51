"""Packets lost, repeated, moved, cut, damaged: each thing is told once, and nothing raises."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from support.packets import pcap_of
from support.played import Clock, Played, drained, session_of

from wsanalyze.capture.source import open_capture
from wsanalyze.limits import Limits
from wsanalyze.monitoring import idleness
from wsanalyze.monitoring import session as module
from wsanalyze.monitoring.events import Ended, Event, Message, Messages, Requested
from wsanalyze.views.live_log import line
from wsanalyze.views.live_rows import as_jsonl
from wsanalyze.views.message_lines import MessageLog

CAPTURES = Path(__file__).parents[2] / "captures"
NAMES = (
    "aiohttp-chat.pcapng",
    "connect-tunnels.pcapng",
    "from-the-middle.pcapng",
    "hixie-76.pcapng",
    "http-before-upgrade.pcapng",
    "http2-streams.pcapng",
    "unruly-peers.pcapng",
    "wss-handshakes.pcapng",
)
LIMITS = (
    Limits(),
    Limits(pipelined=2, recent=2),
    Limits(flows=8, followed=3),
    Limits(streams=1, held=100, refusals=1, conflicts=1),
    Limits(attempts=2),
)
TIMES = 4


@pytest.fixture(autouse=True)
def _everything_is_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.0)
    soon = {"SWEEP": 1, "NAMED": 3, "IDLE_READ": 4, "IDLE_UNREAD": 5}
    for name, seconds in soon.items():
        monkeypatch.setattr(idleness, name, float(seconds))


def damaged(name: str, chance: random.Random) -> bytes:
    """Return a capture with some of its packets lost, repeated, moved, changed or cut."""
    packets, link = [], 1
    with open_capture(CAPTURES / name) as reader:
        while (batch := reader.next()) is not None:
            for _, time, kind, _, data in batch.packets():
                packets.append((time, data))
                link = kind & 0xFFFF
    for _ in range(chance.randrange(8)):
        place = chance.randrange(len(packets))
        time, data = packets[place]
        match chance.randrange(5):
            case 0:
                del packets[place]
            case 1:
                packets.insert(chance.randrange(len(packets)), packets[place])
            case 2:
                packets.insert(chance.randrange(len(packets)), packets.pop(place))
            case 3:
                flipped = bytearray(data)
                flipped[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
                packets[place] = (time, bytes(flipped))
            case 4:
                packets[place] = (time, data[: chance.randrange(len(data)) + 1])
    return pcap_of([data for _, data in packets], times=[time for time, _ in packets], link=link)


def identity(event: Event) -> tuple[object, ...] | None:
    """Return what may be told once only, None for what may come again."""
    if isinstance(event, Message):
        return event.kind, event.connection, event.message
    if isinstance(event, Requested | Ended):
        return event.kind, event.connection
    return None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("limits", LIMITS, ids=("usual", "recent", "flows", "held", "attempts"))
def test_each_thing_is_told_once_and_nothing_stays(name: str, limits: Limits) -> None:
    chance = random.Random(f"{name} {limits}")  # noqa: S311 - for tests that repeat
    for _ in range(TIMES):
        clock = Clock()
        source = Played(io.BytesIO(damaged(name, chance)), chance.choice((512, 2048, 65536)))
        session = session_of(source, clock=clock, limits=limits, idle=6.0)
        told = []
        while not session.finished:
            for event in session.pump(0):
                told.append(identity(event))
                assert line(event).isprintable()
                assert as_jsonl([event]).isascii()
            clock.now += chance.choice((0.01, 0.3, 3))
        once = [each for each in told if each is not None]
        assert len(set(once)) == len(once)
        assert session.follower.followed == {}
        assert session.run.recorder.keys.held == 0


@pytest.mark.parametrize("name", NAMES)
def test_messages_that_come_in_blocks_are_the_same_lines(name: str) -> None:
    """As the command tells them, without an object for each."""
    chance = random.Random(name)  # noqa: S311 - for tests that repeat
    for _ in range(TIMES):
        data, window = damaged(name, chance), chance.choice((512, 2048, 65536))
        blocks, events = (
            drained(session_of(Played(io.BytesIO(data), window), in_blocks=in_blocks))
            for in_blocks in (True, False)
        )
        told = [each for each in blocks if isinstance(each, Messages)]
        messages = [each for each in events if isinstance(each, Message)]
        log = MessageLog()
        assert as_jsonl(told) == as_jsonl(messages)
        assert "".join(log.text(each.rows, each.places) for each in told) == "".join(
            f"{line(each)}\n" for each in messages
        )
