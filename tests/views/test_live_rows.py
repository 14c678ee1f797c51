"""Live events as JSON Lines: columns of the tables, and nothing that steers a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.played import Played, drained, session_of

from wsanalyze.monitoring.events import LimitReached, Messages, Problem
from wsanalyze.tables.schema import CONNECTIONS, FINDINGS, MESSAGES
from wsanalyze.views.live_rows import OF_ANSWER, OF_REQUEST, as_jsonl

CAPTURES = Path(__file__).parents[2] / "captures"


@pytest.mark.parametrize(
    "name", ["oddities.pcapng", "odd-habits.pcapng", "refused-upgrades.pcapng"]
)
def test_each_kind_of_event_has_columns_of_its_table(name: str) -> None:
    events = drained(session_of(Played(CAPTURES / name)))
    columns = {
        "requested": set(OF_REQUEST),
        "established": set(OF_ANSWER),
        "refused": set(OF_ANSWER),
        "message": set(MESSAGES.names),
        "finding": set(FINDINGS.names),
        "ended": set(CONNECTIONS.names),
    }
    for line in as_jsonl(events).splitlines():
        cells = json.loads(line)
        kind = cells.pop("event")
        if kind in columns:
            assert set(cells) == columns[kind]
        assert line.isascii()
        assert line.isprintable()


def test_messages_in_blocks_are_the_same_lines_in_the_same_order() -> None:
    for name in ("aiohttp-chat.pcapng", "odd-habits.pcapng", "fifty-clients.pcap.gz"):
        one_by_one = drained(session_of(Played(CAPTURES / name)))
        blocks = drained(session_of(Played(CAPTURES / name), in_blocks=True))
        assert as_jsonl(blocks) == as_jsonl(one_by_one)
        assert any(isinstance(each, Messages) for each in blocks)


def test_what_was_asked_for_and_answered_are_columns_of_connections() -> None:
    assert set(OF_ANSWER) <= set(CONNECTIONS.names)
    assert "outcome" not in OF_REQUEST


def test_limits_and_problems_are_said_in_short() -> None:
    lines = as_jsonl([LimitReached("flows", 3, 0), Problem("eth0 went down", 1)]).splitlines()
    assert json.loads(lines[0]) == {
        "event": "limit",
        "limit": "flows",
        "count": 3,
        "time": "1970-01-01T00:00:00.000000000Z",
    }
    assert json.loads(lines[1]) == {
        "event": "problem",
        "what": "eth0 went down",
        "time": "1970-01-01T00:00:00.000000001Z",
    }
