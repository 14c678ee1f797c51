"""Findings, each told once: of a handshake when it is decided, of a connection when it is over."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.played import Clock, events_of

import wsanalyze
from wsanalyze.checks.catalogue import chosen
from wsanalyze.layers.connection import Connection
from wsanalyze.limits import Limits
from wsanalyze.monitoring import idleness
from wsanalyze.monitoring.events import Found
from wsanalyze.monitoring.judging import OF_BODIES, OF_CAPTURES, OF_HANDSHAKES, Judge, key
from wsanalyze.pipeline import read
from wsanalyze.recording import Recording, Wants

CAPTURES = Path(__file__).parents[2] / "captures"


def recorded(name: str) -> Recording:
    return read([CAPTURES / name], wants=Wants(observe=True), limits=Limits())


def connection_of(name: str, number: int) -> Connection:
    return recorded(name).connections[number]


def test_what_was_told_of_a_handshake_is_not_told_at_the_end() -> None:
    connection, told = connection_of("bad-accept.pcapng", 1), set()
    judge = Judge()
    early = judge.handshake(connection, told)
    assert [each.check for each in early] == ["HSR-04"]
    late = judge.ending(connection, told)
    assert not {key(each) for each in late} & {key(each) for each in early}
    assert judge.ending(connection, told) == []


def test_a_connection_is_told_how_many_findings_concern_it_however_many_were_told() -> None:
    connection, told = connection_of("bad-accept.pcapng", 1), set()
    judge = Judge()
    early = judge.handshake(connection, told)
    late = judge.ending(connection, told)
    assert connection.findings == len(early) + len(late)
    assert connection.severity == "error"


@pytest.mark.parametrize(
    ("name", "number", "checks"),
    [
        ("refused-upgrades.pcapng", 1, {"SEC-01"}),
        ("cross-site.pcapng", 4, {"SEC-01", "SEC-03"}),
        ("nginx-proxy.pcapng", 0, set()),
    ],
)
def test_what_heads_alone_say_is_found_when_the_handshake_is_decided(
    name: str, number: int, checks: set[str]
) -> None:
    connection, told = connection_of(name, number), set()
    judge = Judge()
    early = judge.handshake(connection, told)
    assert {each.check for each in early if each.check[:4] in ("SEC-", "PRX-")} == checks
    late = judge.ending(connection, told)
    assert not {each.check for each in late} & checks


def test_a_loss_is_told_at_the_packet_behind_it_however_late_it_is_given_up() -> None:
    """As in a file, where nobody waits for time to pass."""
    capture = CAPTURES / "overrun.pcap"
    given = wsanalyze.analyze(capture).findings
    expected = given[given.check == "TRN-01"]
    found = [
        (each.sender, each.packet, each.evidence)
        for each in events_of(capture, clock=Passing())
        if isinstance(each, Found) and each.check == "TRN-01"
    ]
    columns = (expected.sender, expected.packet, expected.evidence)
    assert found == list(zip(*columns, strict=True))


class Passing(Clock):
    """A clock that is later whenever somebody asks."""

    def __call__(self) -> float:
        self.now += idleness.HOLE / 2
        return self.now


def test_only_the_checks_that_were_chosen_are_run() -> None:
    connection = connection_of("bad-accept.pcapng", 1)
    judge = Judge(chosen(["EXT"]))
    assert judge.handshake(connection, set()) == []


def test_what_concerns_the_capture_is_said_at_the_end_alone() -> None:
    recording = recorded("snapped.pcap")
    judge = Judge()
    given = recording.connections, recording.captures, recording.refusals
    recent = {each.check for each in judge.together(*given, last=False)}
    whole = {each.check for each in judge.together(*given, last=True)}
    assert "TRN-04" in whole - recent


def test_the_families_that_are_judged_early_or_last_exist() -> None:
    homes = {each.function.__module__ for each in chosen()}
    assert homes >= OF_HANDSHAKES
    assert OF_CAPTURES in homes
    assert OF_BODIES in {each.function.__module__ for each in chosen() if each.of_heads}


def test_an_event_has_the_number_of_its_connection_and_the_name_of_its_check() -> None:
    connection = connection_of("bad-accept.pcapng", 1)
    judge = Judge()
    (finding,) = judge.handshake(connection, set())
    event = judge.event(finding, 17)
    assert (event.connection, event.check, event.name) == (17, "HSR-04", "wrong-accept")
    assert event.message == finding.message
