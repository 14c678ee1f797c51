"""Live events as JSON Lines: columns of the tables, and nothing that steers a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.played import Played, drained, session_of

from wsanalyze.monitoring.events import LimitReached, Message, Problem
from wsanalyze.tables.schema import CONNECTIONS, FINDINGS, MESSAGES
from wsanalyze.views.finding_rows import ascii_json
from wsanalyze.views.live_rows import OF_ANSWER, OF_REQUEST, as_jsonl, row

CAPTURES = Path(__file__).parents[2] / "captures"

texts = st.none() | st.text(max_size=20)
counts = st.integers(0, 1 << 62)
messages = st.builds(
    Message,
    connection=counts,
    message=counts,
    sender=st.sampled_from(["client", "server"]),
    type=st.sampled_from(["text", "binary"]),
    time=st.integers(-(1 << 62), 1 << 62),
    time_end=st.integers(-(1 << 62), 1 << 62),
    packet=counts,
    packet_end=counts,
    frames=counts,
    compressed=st.booleans(),
    wire_length=counts,
    length=st.none() | counts,
    complete=st.booleans(),
    utf8_valid=st.none() | st.booleans(),
    sha256=st.none() | st.binary(min_size=32, max_size=32).map(bytes.hex),
    preview=texts,
    confidence=st.none() | st.integers(1, 255),
    payload=st.none(),
)


@given(messages)
def test_a_message_is_written_quicker_and_not_otherwise(message: Message) -> None:
    assert as_jsonl([message]) == ascii_json(row(message))


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


def test_what_was_asked_for_and_answered_are_columns_of_connections() -> None:
    assert set(OF_ANSWER) <= set(CONNECTIONS.names)
    assert "outcome" not in OF_REQUEST


def test_limits_and_problems_are_said_in_short() -> None:
    lines = as_jsonl([LimitReached("flows", 3), Problem("eth0 went down")]).splitlines()
    assert json.loads(lines[0]) == {"event": "limit", "limit": "flows", "count": 3}
    assert json.loads(lines[1]) == {"event": "problem", "what": "eth0 went down"}
