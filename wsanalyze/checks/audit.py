"""All checks over all connections: facts in, findings out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from wsanalyze.checks.check import CAPTURE, Check
from wsanalyze.checks.facts import CaptureFacts, Facts
from wsanalyze.checks.finding import Finding

if TYPE_CHECKING:
    from wsanalyze.tables.capture_summary import CaptureSummary
    from wsanalyze.tunnels.refusal import Refusal

# Findings of one check, connection and sender that are kept with their places.
KEPT_FINDINGS = 5


class Audit:
    """Runs checks; each only where what it looks at was seen."""

    def __init__(self, checks: Sequence[Check]) -> None:
        """Take the checks to run."""
        self._whole = [each for each in checks if each.scope == CAPTURE]
        single = [each for each in checks if each.scope != CAPTURE]
        self._by_fault = _indexed(single, lambda each: each.faults)
        self._by_event = _indexed(single, lambda each: each.events)
        self._by_field = _indexed(single, lambda each: each.fields)
        self._always = [each for each in single if not (each.faults or each.events or each.fields)]

    def findings(
        self,
        connections: Sequence[Facts],
        captures: Sequence[CaptureSummary],
        refusals: Sequence[Refusal] = (),
    ) -> list[Finding]:
        """Return what is found, connection by connection, of the captures as a whole at the end."""
        found = [finding for facts in connections for finding in self.of(facts)]
        if self._whole:
            first = connections[0] if connections else None
            whole = CaptureFacts(connections, captures, refusals=refusals)
            if first is not None:
                whole = replace(whole, thresholds=first.thresholds, show_secrets=first.show_secrets)
            for each in self._whole:
                found += folded(_completed(each, finding) for finding in each(whole))
        return found

    def of(self, facts: Facts) -> Iterator[Finding]:
        """Yield what is found of one connection."""
        connection = facts.connection.serial
        for each in self._due(facts):
            # Most find nothing: that must cost next to nothing.
            for finding in folded(found) if (found := list(each.function(facts))) else ():
                yield _completed(each, finding, connection, facts.coverage)

    def _due(self, facts: Facts) -> Iterable[Check]:
        due: dict[str, Check] = {}
        for code in facts.faults:
            due.update(self._by_fault.get(code, {}))
        for name in facts.field_names & self._by_field.keys():
            due.update(self._by_field[name])
        observation = facts.connection.observation
        if observation is not None and observation.counts:
            for kind, _ in observation.counts:
                due.update(self._by_event.get(kind, {}))
        return (*due.values(), *self._always) if due else self._always


def _indexed(
    checks: Iterable[Check], words: Callable[[Check], Iterable[str]]
) -> dict[str, dict[str, Check]]:
    """Return the checks that wait for each word, by ID."""
    found: dict[str, dict[str, Check]] = {}
    for each in checks:
        for word in words(each):
            found.setdefault(word, {})[each.id] = each
    return found


def _completed(
    each: Check, finding: Finding, connection: int | None = None, coverage: str = "full"
) -> Finding:
    return replace(
        finding,
        check=each.id,
        severity=finding.severity or each.severity,
        reference=finding.reference or "; ".join(each.references),
        coverage=finding.coverage or coverage,
        connection=finding.connection if connection is None else connection,
    )


def folded(findings: Iterable[Finding]) -> list[Finding]:
    """Keep a number of findings of each connection and sender; the last one kept counts the rest.

    All of them are of one check.
    """
    kept: dict[tuple[int | None, str | None], list[Finding]] = {}
    for finding in findings:
        group = kept.setdefault((finding.connection, finding.sender), [])
        if len(group) < KEPT_FINDINGS:
            group.append(finding)
        else:
            group[-1] = replace(group[-1], count=group[-1].count + finding.count)
    return [finding for group in kept.values() for finding in group]
