"""Findings of a recording: the checks, run over all of its connections in order of their numbers.

    recording = read(captures, wants=Wants(observe=True), limits=Limits())
    findings = audit(recording)

Where findings become rows, `numbers(recording)` has the number of the connection of each.
"""

from __future__ import annotations

from collections.abc import Sequence

from wsanalyze.checks.audit import Audit
from wsanalyze.checks.catalogue import chosen
from wsanalyze.checks.check import Check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import SEVERITIES, Finding
from wsanalyze.checks.thresholds import Thresholds
from wsanalyze.layers.connection import Connection
from wsanalyze.recording import Recording, in_order


def audit(
    recording: Recording,
    checks: Sequence[Check] | None = None,
    thresholds: Thresholds | None = None,
    *,
    show_secrets: bool = False,
) -> list[Finding]:
    """Return what checks (None: all) find, connection by connection, then of all of them together.

    `Finding.connection` is the connection's serial; each connection is told how many concern it,
    and the worst of them (`Connection.findings`, `severity`). What only an observation shows is
    found where the recording was made with `Wants.observe`, and what concerns several connections
    where it has all of them (`Wants.connections` is None).
    """
    limits = Thresholds() if thresholds is None else thresholds
    facts = [
        Facts(connection, limits, show_secrets) for connection in in_order(recording.connections)
    ]
    run = Audit(chosen() if checks is None else checks)
    found = run.findings(facts, recording.captures, recording.refusals)
    _tell(recording.connections, found)
    return found


def _tell(connections: Sequence[Connection], found: Sequence[Finding]) -> None:
    concerned: dict[int, list[Finding]] = {}
    for finding in found:
        if finding.connection is not None:
            concerned.setdefault(finding.connection, []).append(finding)
    for connection in connections:
        findings = concerned.get(connection.serial)
        if findings is None:
            connection.findings, connection.severity = 0, None
            continue
        connection.findings = sum(finding.count for finding in findings)
        connection.severity = max((each.severity for each in findings), key=SEVERITIES.index)


def numbers(recording: Recording) -> dict[int, int]:
    """Return the number of each connection, as in the tables, by its serial."""
    ordered = in_order(recording.connections)
    return {connection.serial: number for number, connection in enumerate(ordered)}


def reaches(finding: Finding, severity: str) -> bool:
    """Whether a finding is as bad as `severity` or worse."""
    return SEVERITIES.index(finding.severity) >= SEVERITIES.index(severity)
