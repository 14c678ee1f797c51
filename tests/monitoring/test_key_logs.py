"""A live session whose key log is written meanwhile: programs open it before they connect."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from support.played import Clock, Paused, Played, drained, events_of, session_of
from test_tls import CAPTURES, keylog_of, without_secrets

from wsanalyze.monitoring import session as module
from wsanalyze.monitoring.events import Ended, Event, Message, Problem

pytest.importorskip("cryptography")

CHAT = CAPTURES / "chat-wss.pcapng"
PLAIN = CAPTURES / "aiohttp-chat.pcapng"


@pytest.fixture(autouse=True)
def _looked_at_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.0)


class Stream(io.BytesIO):
    """Nobody knows what comes behind what was read, as on an interface."""

    name = "stream"

    def seekable(self) -> bool:
        return False


@pytest.fixture
def closed() -> Played:
    """Return the chat without its secrets, as it comes."""
    return Played(Stream(without_secrets(CHAT.read_bytes())))


def said(events: list[Event]) -> list[tuple[str, str | None, int]]:
    return [(e.sender, e.sha256, e.packet) for e in events if isinstance(e, Message)]


def of_wss(events: list[Event]) -> list[Any]:
    return [each.facts for each in events if isinstance(each, Ended)]


@pytest.mark.parametrize("late", [0, 1, 3, 8])
def test_its_lines_come_so_many_batches_after_the_session_began(
    closed: Played, tmp_path: Path, late: int
) -> None:
    log, lines = tmp_path / "keys.log", keylog_of(CHAT)
    log.write_bytes(b"")
    session = session_of(closed, keylogs=[log])
    events: list[Event] = []
    for _ in range(late):
        events += session.pump(0)
    with log.open("ab") as file:
        # Half a line is left until its end is there.
        file.write(lines[:300])
    events += session.pump(0)
    with log.open("ab") as file:
        file.write(lines[300:])
    events += drained(session)
    assert said(events) == said(events_of(CHAT))
    (facts,) = of_wss(events)
    assert (facts.scheme, facts.client_messages, facts.server_messages) == ("wss", 7, 7)


def test_messages_are_told_while_the_connection_is_open(closed: Played, tmp_path: Path) -> None:
    log = tmp_path / "keys.log"
    log.write_bytes(keylog_of(CHAT))
    session = session_of(closed, keylogs=[log])
    events: list[Event] = []
    while not said(events):
        assert not session.finished
        events += session.pump(0)
    assert of_wss(events) == []


def test_records_that_wait_are_read_when_their_secret_comes_and_not_with_a_packet(
    tmp_path: Path,
) -> None:
    """On a quiet connection the next packet may be far away."""
    log, clock = tmp_path / "keys.log", Clock()
    log.write_bytes(b"")
    source = Paused(Stream(without_secrets(CHAT.read_bytes())))
    session = session_of(source, keylogs=[log], clock=clock)
    events: list[Event] = []
    for _ in range(60):
        events += session.pump(0)
    assert said(events) == []
    log.write_bytes(keylog_of(CHAT))
    for _ in range(3):
        clock.now += module.KEYS
        events += session.pump(0)
    assert not session.finished
    assert said(events) == said(events_of(CHAT))
    source.stop()
    drained(session)
    assert session.run.secrets.waiting == set()


def test_a_key_log_that_stays_empty(closed: Played, tmp_path: Path) -> None:
    log = tmp_path / "keys.log"
    log.write_bytes(b"")
    session = session_of(closed, keylogs=[log])
    assert said(drained(session)) == []


@pytest.mark.parametrize("late", [0, 1, 3, 8])
def test_a_file_that_is_made_so_many_batches_after_the_session_began(
    closed: Played, tmp_path: Path, late: int
) -> None:
    """As a browser makes it, which is started behind us."""
    log = tmp_path / "keys.log"
    session = session_of(closed, keylogs=[log])
    assert session.keylogs.missing == [log]
    events: list[Event] = []
    for _ in range(late):
        events += session.pump(0)
    log.write_bytes(keylog_of(CHAT))
    events += drained(session)
    assert said(events) == said(events_of(CHAT))
    assert session.keylogs.missing == []


def test_a_file_that_never_comes(closed: Played, tmp_path: Path) -> None:
    session = session_of(closed, keylogs=[tmp_path / "keys.log"])
    assert said(drained(session)) == []


def test_what_is_wrong_with_a_file_that_comes_late_is_told(closed: Played, tmp_path: Path) -> None:
    log = tmp_path / "keys.log"
    session = session_of(closed, keylogs=[log])
    session.keylogs.problems.append("key log keys.log: cannot be read")
    told = [each.what for each in drained(session) if isinstance(each, Problem)]
    assert told == ["key log keys.log: cannot be read"]


@pytest.mark.parametrize("late", [0, 1, 8])
def test_a_fifo_whose_writer_comes_later(closed: Played, tmp_path: Path, late: int) -> None:
    """As of a browser that is started behind us, with SSLKEYLOGFILE."""
    log, lines = tmp_path / "keys.fifo", keylog_of(CHAT)
    os.mkfifo(log)
    session = session_of(closed, keylogs=[log])
    events: list[Event] = []
    for _ in range(late):
        events += session.pump(0)
    # It would wait if nobody read.
    writer = os.open(log, os.O_WRONLY | os.O_NONBLOCK)
    os.write(writer, lines[:300])
    events += session.pump(0)
    os.write(writer, lines[300:])
    os.close(writer)
    events += drained(session)
    assert said(events) == said(events_of(CHAT))


def test_a_fifo_is_emptied_whether_secrets_are_missing_or_not(tmp_path: Path) -> None:
    log, clock = tmp_path / "keys.fifo", Clock()
    os.mkfifo(log)
    source = Paused(PLAIN)
    session = session_of(source, keylogs=[log], clock=clock)
    writer = os.open(log, os.O_WRONLY | os.O_NONBLOCK)
    for _ in range(8):
        # A megabyte each time: BlockingIOError where it had no room.
        assert os.write(writer, b"#" * 999_999 + b"\n") == 1_000_000
        clock.now += module.KEYS
        session.pump(0)
    os.close(writer)
    source.stop()
    drained(session)
