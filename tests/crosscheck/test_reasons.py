"""Each reason: where its facts hold, and where one of them does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from wsanalyze.crosscheck.frames import Facts, OurFrame
from wsanalyze.crosscheck.matching import Difference, TheirFrame
from wsanalyze.crosscheck.reasons import Case, reason_of
from wsanalyze.layers.connection import Connection
from wsanalyze.observation import Event, Hole, Observation
from wsanalyze.transport.conflict import Conflict

FACTS = Facts(stream=0, port=40000, fin=1, rsv=0, opcode=1, masking_key=7, length=5)
FRAME = OurFrame(FACTS, 0, False, 10, 10, 10, 100, 111, 5)
HOLE = Hole("client", 105, 1, 0, 11)
CONFLICT = Conflict(105, 1, 9, 11, b"a", b"b", "first", "first", False)


def connection(**more: Any) -> Connection:
    facts: dict[str, Any] = {
        "request_packet": 2,
        "response_packet": 4,
        "outcome": "established",
        **more,
    }
    return Connection(
        0, 1, "a.pcap", 0, 0, "192.0.2.1", 40000, "192.0.2.2", 80, 0,
        observation=facts.pop("observation", Observation()), **facts,
    )  # fmt: skip


def reason(
    ours: OurFrame | None,
    theirs: TheirFrame | None = None,
    *,
    has_answer: bool = True,
    shown: int = 1,
    within: Connection | None = None,
) -> str | None:
    case = Case(
        Difference(ours, theirs), within or connection(), False, has_answer, shown, int(bool(ours))
    )
    found = reason_of(case)
    return found and found.name


def test_a_whole_frame_that_tshark_does_not_have_is_unexplained() -> None:
    assert reason(FRAME) is None


def test_a_frame_that_only_tshark_has_is_unexplained() -> None:
    assert reason(None, TheirFrame(FACTS, 10)) is None
    case = Case(Difference(None, TheirFrame(FACTS, 10)), None, None, True, 1, 0)
    assert reason_of(case) is None


def test_unfinished() -> None:
    assert reason(replace(FRAME, captured=4)) == "unfinished"


def test_http_in_the_place_of_frames() -> None:
    get = Event("http", "client", 0, 9, None, payload=b"GET /")
    within = connection(observation=Observation(events=[get]))
    assert reason(None, TheirFrame(FACTS, 9), within=within) == "http"
    # Before it, and of the other end, frames are frames.
    assert reason(None, TheirFrame(FACTS, 8), within=within) is None
    within = connection(observation=Observation(events=[replace(get, sender="server")]))
    assert reason(None, TheirFrame(FACTS, 9), within=within) is None


def test_early() -> None:
    assert reason(replace(FRAME, packet=3)) == "early"
    assert reason(replace(FRAME, packet=4)) is None
    assert reason(replace(FRAME, packet=3, from_server=True)) is None


def test_behind_early() -> None:
    early = connection(observation=Observation(events=[Event("early", "client", 0, 3, None)]))
    assert reason(FRAME, within=early) == "behind-early"
    assert reason(None, TheirFrame(FACTS, 10), within=early) == "behind-early"
    assert reason(FRAME, TheirFrame(FACTS, 11), within=early) is None


def test_answer_first() -> None:
    assert reason(FRAME, within=connection(request_packet=5)) == "answer-first"
    assert reason(FRAME, within=connection(request_packet=3)) is None
    assert reason(None, TheirFrame(FACTS, 10), within=connection(request_packet=5)) is None


def test_no_handshake() -> None:
    cut = connection(response_packet=None)
    assert reason(FRAME, has_answer=False, within=cut) == "no-handshake"
    assert reason(FRAME, has_answer=True, within=cut) is None


def test_an_answer_without_its_request() -> None:
    one_way = connection(request_packet=None)
    assert reason(FRAME, shown=0, within=one_way) == "no-handshake"
    assert reason(FRAME, shown=1, within=one_way) is None


def test_a_head_that_the_capture_cut() -> None:
    cut = connection(observation=Observation(), outcome="unseen", response_packet=None)
    assert reason(FRAME, shown=0, within=cut) == "no-handshake"
    assert reason(FRAME, shown=1, within=cut) is None


def test_not_http() -> None:
    assert reason(FRAME, has_answer=False, shown=0) == "not-http"
    assert reason(FRAME, has_answer=True, shown=0) is None
    assert reason(FRAME, has_answer=False, shown=1) is None


def test_lengths_of_32_bits() -> None:
    long = replace(FRAME, facts=replace(FACTS, length=(1 << 32) + 5), captured=(1 << 32) + 5)
    assert reason(long, TheirFrame(FACTS, 10)) == "32-bit-length"
    assert reason(long, TheirFrame(replace(FACTS, length=6), 10)) is None


def test_filled_late() -> None:
    late = replace(FRAME, readable=12)
    assert reason(late, TheirFrame(FACTS, 12)) == "filled-late"
    assert reason(late, TheirFrame(FACTS, 13)) is None
    assert reason(late, TheirFrame(FACTS, 9), within=connection(client_out_of_order=1)) is None
    assert reason(FRAME, TheirFrame(FACTS, 13), within=connection(client_out_of_order=1))


@pytest.mark.parametrize(
    ("hole", "expected"),
    [
        (HOLE, "behind-hole"),
        (replace(HOLE, offset=111), None),
        (replace(HOLE, sender="server"), None),
    ],
)
def test_behind_a_hole(hole: Hole, expected: str | None) -> None:
    assert reason(FRAME, within=connection(observation=Observation(holes=[hole]))) == expected


def test_frames_made_of_payload_behind_a_hole() -> None:
    within = connection(observation=Observation(holes=[HOLE]))
    assert reason(None, TheirFrame(FACTS, 11), within=within) == "behind-hole"
    assert reason(None, TheirFrame(FACTS, 10), within=within) is None


def test_contradictions() -> None:
    assert reason(FRAME, within=connection(client_contested=(CONFLICT,))) == "contradiction"
    assert reason(FRAME, within=connection(server_contested=(CONFLICT,))) is None
    behind = replace(CONFLICT, offset=111)
    assert reason(FRAME, within=connection(client_contested=(behind,))) is None
