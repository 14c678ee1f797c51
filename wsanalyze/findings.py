"""Findings of a recording: the checks, run over all of its connections in order of their numbers.

    recording = read(captures, wants=Wants(observe=True), limits=Limits())
    findings = audit(recording)

Where findings become rows, `numbers(recording)` has the number of the connection of each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wsanalyze.checks.audit import Audit
from wsanalyze.checks.catalogue import chosen
from wsanalyze.checks.check import Check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import SEVERITIES, Finding
from wsanalyze.checks.thresholds import Thresholds
from wsanalyze.layers.connection import Connection
from wsanalyze.recording import Recording, in_order

# Findings of one check that are kept one by one, some 700 bytes each: nobody reads as many.
MOST = 16 * 1024


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
    kept = Kept()
    concerned = {connection.serial: connection for connection in recording.connections}
    for connection in recording.connections:
        connection.findings, connection.severity = 0, None
    for finding in run.each(facts, recording.captures, recording.refusals):
        kept.add(finding)
        if finding.connection is not None:
            _tell(concerned[finding.connection], finding)
    return kept.findings()


class Kept:
    """Findings that are kept: some of each check one by one, how many more there are of the rest.

    A stranger's capture has hundreds of thousands of connections, each with some dozen faults.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._found: list[Finding] = []
        self._numbers: Counter[str] = Counter()
        self._beyond: dict[str, Finding] = {}

    def add(self, finding: Finding) -> None:
        """Keep a finding, or count it."""
        check = finding.check
        self._numbers[check] += 1
        if self._numbers[check] <= self._most:
            self._found.append(finding)
            return
        before = self._beyond.get(check)
        count, worst = finding.count, finding.severity
        if before is not None:
            count += before.count
            worst = max(worst, before.severity, key=SEVERITIES.index)
        self._beyond[check] = Finding(
            f"{count:,} more of this check: the first {self._most:,} are told one by one",
            severity=worst,
            reference=finding.reference,
            coverage="full",
            count=count,
            check=check,
        )

    def findings(self) -> list[Finding]:
        """Return what was kept, in the order in which it came, and how many more there are."""
        return self._found + list(self._beyond.values())


def _tell(connection: Connection, finding: Finding) -> None:
    """Count a finding for the connection that it concerns."""
    connection.findings += finding.count
    worst = connection.severity
    if worst is None or SEVERITIES.index(finding.severity) > SEVERITIES.index(worst):
        connection.severity = finding.severity


def numbers(recording: Recording) -> dict[int, int]:
    """Return the number of each connection, as in the tables, by its serial."""
    ordered = in_order(recording.connections)
    return {connection.serial: number for number, connection in enumerate(ordered)}


def reaches(finding: Finding, severity: str) -> bool:
    """Whether a finding is as bad as `severity` or worse."""
    return SEVERITIES.index(finding.severity) >= SEVERITIES.index(severity)
