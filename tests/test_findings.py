"""Findings of a recording: in which order they come, and whose they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tables.recordings import connection, recording

from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.thresholds import Thresholds
from wsanalyze.findings import Kept, audit, numbers, reaches
from wsanalyze.observation import Observation
from wsanalyze.tables.rows import in_order


def declared(id_: str, **options: str) -> object:
    return check(
        id_,
        f"name-of-{id_.lower()}",
        "A title",
        severity="warning",
        tags=("test",),
        references=("RFC 6455 §1",),
        explanation="Why.",
        advice="What to do.",
        **options,  # type: ignore[arg-type]
    )


@declared("TST-01")  # type: ignore[operator]
def client_port(facts: Facts) -> Iterator[Finding]:
    secret = facts.secret("a very secret token")
    yield facts.once(
        "client", f"port {facts.connection.client_port}, {facts.thresholds.pings}", evidence=secret
    )


@declared("TST-02", scope="capture")  # type: ignore[operator]
def how_many(facts: CaptureFacts) -> Iterator[Finding]:
    yield Finding(f"{len(facts.connections)} connections")


# Recognised in this order, asked for in the other one.
LATER = connection(0, requested_ordinal=9, client_port=1000, observation=Observation())
SOONER = connection(1, requested_ordinal=5, client_port=2000, observation=Observation())
BOTH = recording([LATER, SOONER])
CHECKS = (client_port, how_many)


def test_findings_come_in_order_of_the_connections_numbers_those_of_all_at_the_end() -> None:
    found = audit(BOTH, CHECKS)
    assert [(each.connection, each.message) for each in found] == [
        (1, "port 2000, 20"),
        (0, "port 1000, 20"),
        (None, "2 connections"),
    ]


def test_numbers_are_those_of_the_tables() -> None:
    assert numbers(BOTH) == {1: 0, 0: 1}
    assert [numbers(BOTH)[each.serial] for each in in_order(BOTH.connections)] == [0, 1]
    assert numbers(recording([])) == {}


def test_thresholds_and_secrets_reach_the_checks() -> None:
    (found,) = audit(recording([LATER]), [client_port], Thresholds(pings=7), show_secrets=True)
    assert (found.message, found.evidence) == ("port 1000, 7", "a very secret token")
    (found,) = audit(recording([LATER]), [client_port])
    assert found.evidence is not None
    assert found.evidence.startswith("a ve… (19 characters)")


def test_without_connections_captures_are_looked_at_all_the_same() -> None:
    assert [each.message for each in audit(recording([]), CHECKS)] == ["0 connections"]


@pytest.mark.parametrize(
    ("severity", "reached"),
    [
        ("error", ["error"]),
        ("warning", ["warning", "error"]),
        ("info", ["info", "warning", "error"]),
    ],
)
def test_severities_have_an_order(severity: str, reached: list[str]) -> None:
    every = [Finding("", severity=each) for each in ("info", "warning", "error")]
    assert [each.severity for each in every if reaches(each, severity)] == reached


def test_of_each_check_so_many_are_kept_and_the_rest_counted() -> None:
    kept = Kept(most=2)
    for number, severity in enumerate(["info", "info", "info", "warning", "info"]):
        kept.add(
            Finding("bad", severity=severity, reference="RFC", check="A-01", connection=number)
        )
    kept.add(Finding("good", severity="info", check="A-02", connection=0, count=3))
    told = kept.findings()
    assert [(each.check, each.connection, each.count, each.severity) for each in told] == [
        ("A-01", 0, 1, "info"),
        ("A-01", 1, 1, "info"),
        ("A-02", 0, 3, "info"),
        ("A-01", None, 3, "warning"),
    ]
    assert told[-1].message == "3 more of this check: the first 2 are told one by one"
    assert told[-1].reference == "RFC"
