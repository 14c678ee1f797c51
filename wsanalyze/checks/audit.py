"""All checks over all connections: facts in, findings out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from wsanalyze.checks.alike import Alike, Likeness, likeness
from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import CAPTURE, Check
from wsanalyze.checks.circumstances import circumstances
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.redaction import quoting, sent, without_shapes

if TYPE_CHECKING:
    from wsanalyze.tables.capture_summary import CaptureSummary
    from wsanalyze.tunnels.refusal import Refusal

# Sets of what was seen for which the checks that look at them are remembered.
KEPT_SETS = 1024

# Handshakes of which it is remembered what was told of them, each in so many circumstances.
KEPT_ALIKE = 64

# Most connections have no fault.
NOTHING: frozenset[str] = frozenset()

# Findings of one check, connection and sender that are kept with their places.
KEPT_FINDINGS = 5


# Faults, header fields, kinds of events, circumstances.
_Seen = tuple[frozenset[str], frozenset[str], frozenset[str], tuple[str, ...]]


class Audit:
    """Runs checks; each only where what it looks at was seen."""

    def __init__(self, checks: Sequence[Check]) -> None:
        """Take the checks to run."""
        self._whole = [each for each in checks if each.scope == CAPTURE]
        single = [each for each in checks if each.scope != CAPTURE]
        self._by_fault = _indexed(single, lambda each: each.faults)
        self._by_event = _indexed(single, lambda each: each.events)
        self._by_field = _indexed(single, lambda each: each.fields)
        self._by_circumstance = _indexed(single, lambda each: each.circumstances)
        self._fields = frozenset(self._by_field)
        self._single = single
        # Most connections of a capture have the same fields, events and circumstances as others.
        self._known: dict[_Seen, Sequence[Check]] = {}
        # Handshakes that say the same → what is known of those that do.
        self._alike: dict[Likeness, Alike] = {}
        # Names of fields → those of them that a check waits for.
        self._waited_for: dict[frozenset[str], frozenset[str]] = {}

    def findings(
        self,
        connections: Sequence[Facts],
        captures: Sequence[CaptureSummary],
        refusals: Sequence[Refusal] = (),
    ) -> list[Finding]:
        """Return what is found, as `each` yields it."""
        return list(self.each(connections, captures, refusals))

    def each(
        self,
        connections: Sequence[Facts],
        captures: Sequence[CaptureSummary],
        refusals: Sequence[Refusal] = (),
    ) -> Iterator[Finding]:
        """Yield what is found, connection by connection, of the captures as a whole at the end."""
        whole = _together(connections, captures, refusals)
        for facts in connections:
            facts.among = whole
            yield from self.of(facts)
            facts.forget()
        yield from self._of_all(whole)
        for facts in connections:
            # A circle keeps all of them, with all that they looked up.
            facts.among = None

    def together(
        self,
        connections: Sequence[Facts],
        captures: Sequence[CaptureSummary],
        refusals: Sequence[Refusal] = (),
    ) -> list[Finding]:
        """Return what is found of the captures as a whole."""
        return self._of_all(_together(connections, captures, refusals))

    def _of_all(self, whole: CaptureFacts) -> list[Finding]:
        found: list[Finding] = []
        for each in self._whole:
            found += folded(
                _completed(each, finding, show_secrets=whole.show_secrets)
                for finding in each(whole)
            )
        return found

    def of(self, facts: Facts) -> list[Finding]:
        """Return what is found of one connection."""
        alike, events = self._alike_of(facts), self._events_of(facts)
        words = circumstances(facts)
        known = None if alike is None else alike.due.get((events, words))
        due = self._due(facts, events, words) if known is None else known
        found: list[Finding] = []
        silent = set()
        for each in due:
            # Most find nothing: that must cost next to nothing.
            if raw := list(each.function(facts)):
                serial, coverage = facts.connection.serial, facts.coverage
                shown = facts.show_secrets
                found += [_completed(each, one, serial, coverage, shown) for one in folded(raw)]
            elif each.of_heads:
                silent.add(each.id)
        if alike is not None and known is None:
            if len(alike.due) >= KEPT_ALIKE:
                alike.due.clear()
            alike.due[events, words] = [each for each in due if each.id not in silent]
        return found

    def _alike_of(self, facts: Facts) -> Alike | None:
        """Return what is known of handshakes that say the same; None where one may have faults."""
        same = likeness(facts)
        if same is None:
            return None
        alike = self._alike.get(same)
        if alike is None and not facts.faults:
            if len(self._alike) >= KEPT_ALIKE:
                self._alike.clear()
            alike = self._alike[same] = Alike(facts.endpoint)
        facts.alike = alike
        return alike

    def _events_of(self, facts: Facts) -> frozenset[str]:
        """Return the kinds of its events that a check waits for."""
        observation = facts.connection.observation
        if observation is None or not observation.counts:
            return NOTHING
        return frozenset([kind for kind, _ in observation.counts if kind in self._by_event])

    def _due(self, facts: Facts, events: frozenset[str], words: tuple[str, ...]) -> Sequence[Check]:
        """Return the checks that have something to look at."""
        faults = NOTHING
        if facts.faults:
            faults = frozenset(facts.faults.keys() & self._by_fault.keys())
        seen = (faults, self._of_fields(facts.field_names), events, words)
        due = self._known.get(seen)
        if due is None:
            if len(self._known) >= KEPT_SETS:
                self._known.clear()
            due = self._known[seen] = self._waiting_for(*seen)
        return due

    def _of_fields(self, names: frozenset[str]) -> frozenset[str]:
        found = self._waited_for.get(names)
        if found is None:
            if len(self._waited_for) >= KEPT_SETS:
                self._waited_for.clear()
            found = self._waited_for[names] = names & self._fields
        return found

    def _waiting_for(
        self,
        faults: frozenset[str],
        fields: frozenset[str],
        events: frozenset[str],
        words: tuple[str, ...],
    ) -> Sequence[Check]:
        woken = {each for word in faults for each in self._by_fault[word]}
        woken.update(each for word in fields for each in self._by_field[word])
        woken.update(each for word in events for each in self._by_event[word])
        woken.update(each for word in words for each in self._by_circumstance.get(word, ()))
        return [each for each in self._single if each.id in woken or not _waits(each)]


def _together(
    connections: Sequence[Facts],
    captures: Sequence[CaptureSummary],
    refusals: Sequence[Refusal],
) -> CaptureFacts:
    if not connections:
        return CaptureFacts(connections, captures, refusals=refusals)
    first = connections[0]
    return CaptureFacts(connections, captures, first.thresholds, first.show_secrets, refusals)


def _waits(each: Check) -> bool:
    """Tell whether a check is called only where it has something to look at."""
    return bool(each.faults or each.events or each.fields or each.circumstances)


def _indexed(
    checks: Iterable[Check], words: Callable[[Check], Iterable[str]]
) -> dict[str, list[str]]:
    """Return the IDs of the checks that wait for each word."""
    found: dict[str, list[str]] = {}
    for each in checks:
        for word in words(each):
            found.setdefault(word, []).append(each.id)
    return found


def _completed(
    each: Check,
    finding: Finding,
    connection: int | None = None,
    coverage: str = "full",
    show_secrets: bool = False,
) -> Finding:
    """Return a finding as its check and connection have it, without what looks like a secret."""
    clear = found = _same
    if not show_secrets:
        # What frames say may well be `invalid token: expired`.
        clear, found = quoting if finding.frame is None else without_shapes, sent
    # Written out: there may be many, and `replace` takes twice as long.
    return Finding(
        clear(finding.message),
        finding.sender,
        finding.time,
        finding.packet,
        finding.frame,
        found(finding.evidence) if finding.evidence else finding.evidence,
        clear(finding.expected) if finding.expected else finding.expected,
        finding.severity or each.severity,
        finding.reference or "; ".join(each.references),
        finding.coverage or coverage,
        finding.count,
        each.id,
        finding.connection if connection is None else connection,
        finding.concerns,
        clear(finding.cause),
    )


def _same(text: str) -> str:
    return text


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
