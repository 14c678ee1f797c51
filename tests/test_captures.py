"""Every recorded session: our tables against what its applications logged (NAME.truth.json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import wsanalyze

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
# Of what a capture has in part, test_partial_captures.py knows.
TRUTHS = sorted(
    path
    for path in CAPTURES.glob("*.truth.json")
    if "partial" not in json.loads(path.read_text(encoding="utf-8"))
)

# Columns of `connections` that every application can tell; null where it did not.
COUNTED = (
    "client_frames",
    "server_frames",
    "client_pings",
    "server_pings",
    "client_pongs",
    "server_pongs",
    "client_close_code",
    "client_close_reason",
    "server_close_code",
    "server_close_reason",
    "ended_by",
    "subprotocol",
)
ALWAYS = (
    "client_ip",
    "client_port",
    "server_ip",
    "server_port",
    "outcome",
    "target",
    "version",
    "status",
)
# What the tables have for a length that RFC 6455 §5.2 does not allow.
MOST = 2**63 - 1
LISTS = ("subprotocols_offered", "extensions_offered", "extensions")


def truth_of(path: Path) -> dict[str, Any]:
    """Return one session's truth."""
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module", params=TRUTHS, ids=lambda path: path.name.split(".")[0])
def session(request: pytest.FixtureRequest) -> tuple[dict[str, Any], wsanalyze.Analysis]:
    """One recorded session: its truth, and our analysis of its capture."""
    truth = truth_of(request.param)
    return truth, wsanalyze.analyze(CAPTURES / truth["capture"])


def plain(value: Any) -> Any:
    """Return a table's cell as JSON would have it."""
    if isinstance(value, list):
        return value
    return None if value is None or value != value or str(value) == "<NA>" else value


def test_there_are_sessions_to_compare() -> None:
    assert len(TRUTHS) >= 12


def test_connections_are_those_that_the_applications_had(
    session: tuple[dict[str, Any], wsanalyze.Analysis],
) -> None:
    truth, analysis = session
    found = analysis.connections.to_dict("records")
    expected = truth["connections"]
    assert [row["target"] for row in found] == [row["target"] for row in expected]
    for row, wanted in zip(found, expected, strict=True):
        names = (*ALWAYS, *(name for name in LISTS if wanted[name] is not None))
        assert {name: plain(row[name]) for name in names} == {name: wanted[name] for name in names}
        assert plain(row["tunnel"]) == wanted.get("tunnel")


def test_counts_and_ends_are_those_that_the_applications_saw(
    session: tuple[dict[str, Any], wsanalyze.Analysis],
) -> None:
    truth, analysis = session
    for row, wanted in zip(
        analysis.connections.to_dict("records"), truth["connections"], strict=True
    ):
        known = {name: wanted[name] for name in COUNTED if wanted[name] is not None}
        assert {name: plain(row[name]) for name in known} == known, wanted["target"]


def test_messages_are_those_that_the_applications_sent(
    session: tuple[dict[str, Any], wsanalyze.Analysis],
) -> None:
    truth, analysis = session
    messages = analysis.messages
    for number, wanted in enumerate(truth["connections"]):
        mine = messages[(messages["connection"] == number) & messages["complete"]]
        for sender in ("client", "server"):
            sent = [each for each in wanted["messages"] if each["sender"] == sender]
            ours = mine[mine["sender"] == sender].to_dict("records")
            names = ("type", "length", "sha256", "frames", "compressed")
            assert [
                {name: row[name] for name in names if each[name] is not None}
                for row, each in zip(ours, sent, strict=True)
            ] == [
                {name: each[name] for name in names if each[name] is not None} for each in sent
            ], wanted["target"]


def test_frames_are_those_that_the_applications_logged(
    session: tuple[dict[str, Any], wsanalyze.Analysis],
) -> None:
    truth, analysis = session
    frames = analysis.frames
    names = ("opcode", "fin", "rsv1", "rsv2", "rsv3", "masked", "length")
    for number, wanted in enumerate(truth["connections"]):
        if "frames" not in wanted:
            continue
        mine = frames[frames["connection"] == number]
        for sender in ("client", "server"):
            ours = mine[mine["sender"] == sender].to_dict("records")
            logged = [each for each in wanted["frames"] if each["sender"] == sender]
            assert [{name: row[name] for name in names} for row in ours] == [
                {name: each[name] for name in names} | {"length": min(each["length"], MOST)}
                for each in logged
            ], wanted["target"]
