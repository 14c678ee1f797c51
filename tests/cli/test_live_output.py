"""What a terminal shows of what happens: what has no line is counted, and findings have lines."""

from __future__ import annotations

import io
import re
from collections.abc import Collection
from pathlib import Path

import pytest
from rich.console import Console
from support.played import Played, session_of

import wsanalyze
from cli.running import CAPTURES
from wsanalyze.cli import live_output
from wsanalyze.cli.live import FEW
from wsanalyze.cli.live_output import MOST_LINES, Terminal, left_out, shown_of
from wsanalyze.monitoring.events import KINDS, LimitReached, Problem

TALK = CAPTURES / "fifty-clients.pcap.gz"
MESSAGE = re.compile(r"(?:^|\r)[\d:.]{12} +#\d+  [↑↓] (?:text|binary) ", re.MULTILINE)
NOTE = re.compile(
    r"… (?:([\d,]+) messages?)?(?: and )?(?:([\d,]+) (?:other )?events?)? (?:is|are) not"
)
STYLES = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")


def shown(capture: Path, wanted: Collection[str] = KINDS, window: int = 1 << 24) -> str:
    """Return what a terminal has of a capture that comes in pieces of so many bytes."""
    text = io.StringIO()
    console = Console(file=text, width=200, height=30, force_terminal=True, highlight=False)
    session = session_of(Played(capture, window), most=FEW)
    with Terminal(wanted, console) as terminal:
        while not session.finished:
            terminal.show(session.pump(0), session)
    return text.getvalue()


def counted(text: str) -> tuple[int, int]:
    """Return how many messages and other events are told not to be shown."""
    found = NOTE.findall(STYLES.sub("", text))
    return sum(number(each[0]) for each in found), sum(number(each[1]) for each in found)


def number(text: str) -> int:
    return int(text.replace(",", "") or "0")


@pytest.mark.parametrize(("window", "often"), [(16384, 0.0), (2048, 1e9), (1 << 24, 1e9)])
def test_messages_that_have_no_line_are_counted(
    window: int, often: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is drawn, and whatever comes at a time."""
    monkeypatch.setattr(live_output, "DRAW", often)
    text = shown(TALK, window=window)
    lines = len(MESSAGE.findall(STYLES.sub("", text)))
    messages = len(wsanalyze.analyze(TALK).messages)
    assert lines + counted(text)[0] == messages
    assert lines < messages


def test_the_line_that_says_so_is_dim() -> None:
    assert re.search(r"\x1b\[2m… \d[\d,]* messages and \d+ other events are not shown", shown(TALK))


def test_who_does_not_want_messages_is_told_of_none() -> None:
    assert counted(shown(TALK, ["established"]))[0] == 0


def test_other_events_that_have_no_line_are_counted() -> None:
    text = shown(TALK, ["requested"])
    lines = STYLES.sub("", text).count(" requested ws://")
    assert (lines, counted(text)) == (MOST_LINES, (0, 50 - MOST_LINES))


def test_messages_leave_before_others_the_oldest_first() -> None:
    problems = [Problem(str(number), number) for number in range(4)]
    limits = [LimitReached("flows", number, number) for number in range(2)]
    assert shown_of([*problems, *limits], 3) == [problems[3], *limits]
    assert shown_of(problems, 4) == problems


@pytest.mark.parametrize(
    ("messages", "others", "said"),
    [
        (0, 0, ""),
        (1, 0, "… 1 message is not shown"),
        (1204, 0, "… 1,204 messages are not shown"),
        (0, 1, "… 1 event is not shown"),
        (2, 1, "… 2 messages and 1 other event are not shown"),
    ],
)
def test_how_many_are_not_shown(messages: int, others: int, said: str) -> None:
    assert left_out(messages, others) == said
