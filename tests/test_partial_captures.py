"""Recorded captures that do not have everything: nothing else than what the applications had."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import wsanalyze

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
# Their truth has a sentence about what is missing.
PARTIAL = sorted(
    path
    for path in CAPTURES.glob("*.truth.json")
    if "partial" in json.loads(path.read_text(encoding="utf-8"))
)
ENDS = ("client_ip", "client_port", "server_ip", "server_port")
MESSAGE = ("type", "length", "sha256")
FRAME = ("opcode", "fin", "rsv1", "rsv2", "rsv3", "masked", "length")
# What the table of connections has where the handshake was captured.
HANDSHAKE = ("target", "status", "version", "subprotocol")

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module", params=PARTIAL, ids=lambda path: path.name.split(".")[0])
def session(request: pytest.FixtureRequest) -> tuple[Rows, wsanalyze.Analysis]:
    """The connections of the truth, and our analysis."""
    truth = json.loads(request.param.read_text(encoding="utf-8"))
    return truth["connections"], wsanalyze.analyze(CAPTURES / truth["capture"])


def facts(row: dict[str, Any], names: Iterable[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def in_order_within(some: list[Any], every: list[Any]) -> bool:
    """Tell whether `some` are left of `every` when others are taken out."""
    rest = iter(every)
    return all(each in rest for each in some)


def test_there_are_some() -> None:
    assert {path.name.split(".")[0] for path in PARTIAL} == {
        *("one-direction", "from-the-middle", "snapped", "overrun"),
    }


def test_connections_are_those_that_there_were(
    session: tuple[Rows, wsanalyze.Analysis],
) -> None:
    truth, analysis = session
    rows = analysis.connections.to_dict("records")
    assert [facts(row, ENDS) for row in rows] == [facts(each, ENDS) for each in truth]


def test_what_is_known_of_a_handshake_is_true(session: tuple[Rows, wsanalyze.Analysis]) -> None:
    truth, analysis = session
    for row, each in zip(analysis.connections.to_dict("records"), truth, strict=True):
        known = [name for name in HANDSHAKE if row[name] is not None and row[name] == row[name]]
        assert facts(row, known) == facts(each, known)


def test_complete_messages_are_those_that_were_sent(
    session: tuple[Rows, wsanalyze.Analysis],
) -> None:
    truth, analysis = session
    messages = analysis.messages
    complete = messages[messages["complete"]].to_dict("records")
    sent_in_all = 0
    for number, each in enumerate(truth):
        for sender in ("client", "server"):
            sent = [facts(one, MESSAGE) for one in each["messages"] if one["sender"] == sender]
            ours = [
                facts(row, MESSAGE)
                for row in complete
                if (row["connection"], row["sender"]) == (number, sender)
            ]
            assert in_order_within(ours, sent)
            sent_in_all += len(sent)
    assert 0 < len(complete) < sent_in_all


def test_frames_are_those_that_were_sent(session: tuple[Rows, wsanalyze.Analysis]) -> None:
    truth, analysis = session
    frames = analysis.frames.to_dict("records")
    assert frames
    for number, each in enumerate(truth):
        for sender in ("client", "server"):
            logged = [one for one in each.get("frames", []) if one["sender"] == sender]
            if logged:
                ours = [
                    facts(row, FRAME)
                    for row in frames
                    if (row["connection"], row["sender"]) == (number, sender)
                ]
                assert in_order_within(ours, [facts(one, FRAME) for one in logged])
