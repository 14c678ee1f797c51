"""Live events for a person: lines, and a table in the width and height that a terminal has."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from support.played import Clock, Paused, Played, drained, session_of

from wsanalyze.capture.live import Received
from wsanalyze.cli.live_output import Log
from wsanalyze.monitoring.events import KINDS, Close, Ended, Found, LimitReached, Problem
from wsanalyze.views.live_log import line
from wsanalyze.views.live_summary import closing_facts, heading
from wsanalyze.views.live_table import OpenConnections, Rates

CAPTURES = Path(__file__).parents[2] / "captures"
# 2026-01-02 03:04:05.678 UTC
TIME = 1_767_323_045_678_000_000


def test_a_line_has_the_time_the_connection_and_what_happened() -> None:
    close = Close(7, 3, "server", TIME, 9, 1011, "no more \x1b[31m")
    assert line(close) == r"03:04:05.678     #7  ↓ close 1011 no more \x1b[31m"
    missing = replace(close, close_code=None, close_reason=None, code_missing=True)
    assert line(missing).endswith("↓ close whose code is missing")
    problem = Problem("eth0 went down", TIME)
    assert line(problem) == "03:04:05.678" + " " * 9 + "problem: eth0 went down"
    assert "limit flows reached" in line(LimitReached("flows", 1, TIME))


def test_a_line_of_a_finding_has_its_severity_and_id() -> None:
    found = Found(
        1,
        "HSR-04",
        "wrong-accept",
        "error",
        "it is 'x'",
        None,
        TIME,
        2,
        None,
        None,
        None,
        "",
        "",
        3,
    )
    assert line(found) == "03:04:05.678     #1  error HSR-04 it is 'x' (3 times)"


@pytest.mark.parametrize("name", ["odd-habits.pcapng", "oddities.pcapng", "http2-streams.pcapng"])
def test_no_line_holds_what_could_steer_a_terminal(name: str) -> None:
    for event in drained(session_of(Played(CAPTURES / name))):
        assert line(event).isprintable()


def drawn(width: int, height: int) -> str:
    """Return the table of what is open in a capture of fifty clients, before it ends."""
    clock = Clock()
    session = session_of(Paused(CAPTURES / "fifty-clients.pcap.gz"), clock=clock)
    for _ in range(60):
        clock.now += 0.05
        session.pump(0)
    followed = [each for each in session.follower.followed.values() if not each.ended]
    newest = followed[::-1]
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=False)
    table = OpenConnections(newest, len(newest), heading(session, 0), Rates(), 1.0)
    with console.capture() as printed:
        console.print(table)
    session.close()
    return printed.get()


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("height", [24, 50])
def test_the_table_fits_the_terminal(width: int, height: int) -> None:
    lines = drawn(width, height).splitlines()
    assert max(map(len, lines)) <= width - len("^C")
    assert len(lines) <= height * 2 // 3
    assert "not ended of" in lines[0]
    assert "more" in lines[-1]


def test_a_tall_terminal_shows_more_connections_and_a_wide_one_more_of_each() -> None:
    assert drawn(80, 50).count("→ 127.0.0.1") > drawn(80, 24).count("→ 127.0.0.1")
    assert "…" in drawn(80, 24)


def test_what_was_not_received_is_said_by_whom() -> None:
    session = session_of(Played(CAPTURES / "websockets-plain.pcapng"))
    drained(session)
    facts = dict(closing_facts(session, Received(12, 3, None)))
    assert facts["received"] == "12 packets"
    assert facts["dropped"] == "3 by the kernel, an unknown number by the interface"


def test_the_end_says_how_many_findings_were_told() -> None:
    events = drained(session_of(Played(CAPTURES / "oddities.pcapng")))
    [ended] = [each for each in events if isinstance(each, Ended) and each.connection == 0]
    # What is found of several together comes later.
    before = events[: events.index(ended)]
    told = [each for each in before if isinstance(each, Found) and each.connection == 0]
    assert ended.told == sum(each.count for each in told)
    assert line(ended).endswith("finding" if ended.told == 1 else f"{ended.told} findings")


def test_what_is_told_again_of_more_has_no_line() -> None:
    once = Found(1, "TLS-04", "a", "info", "b", None, TIME, 2, None, None, None, "", "", 1)
    log = Log(KINDS, Console())
    assert log.chosen([once, replace(once, count=3, again=True)]) == [once]
