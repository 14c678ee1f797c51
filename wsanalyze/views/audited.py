"""What an audit found, put together with what it is about, for whoever shows it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from wsanalyze.checks.check import Check
from wsanalyze.checks.finding import SEVERITIES, Finding
from wsanalyze.checks.headline import HEADLINES, is_headline
from wsanalyze.checks.legs import legs_before, legs_behind
from wsanalyze.checks.who_cut import OF_SEVERAL, CutGroup, who_cut
from wsanalyze.findings import numbers
from wsanalyze.layers.connection import Connection
from wsanalyze.recording import Recording, in_order
from wsanalyze.tables.capture_summary import CaptureSummary

# The worst first, as people read them.
WORST_FIRST = tuple(reversed(SEVERITIES))


@dataclass(frozen=True)
class Audited:
    """Findings and what they are about.

    - `connections` is in order of the numbers; `Finding.connection` is such a number here
    - `checks`: those that were run
    - `chosen`: numbers of the connections that were looked at; None for all of them, and the
      captures as a whole
    - `interrupted`: whether the reading was ended before the end of the captures
    - `refused`: tunnels that proxies refused, which are no connections; 0 where some were chosen
    """

    captures: Sequence[CaptureSummary]
    connections: Sequence[Connection]
    checks: Sequence[Check]
    findings: Sequence[Finding]
    chosen: Collection[int] | None = None
    interrupted: bool = False
    refused: int = 0

    @cached_property
    def _checks_by_id(self) -> dict[str, Check]:
        return {each.id: each for each in self.checks}

    @property
    def complete(self) -> bool:
        """Whether the captures were read to their ends."""
        return not self.interrupted and not any(capture.problem for capture in self.captures)

    @property
    def unread(self) -> dict[str, int]:
        """What no check could look into, counted; where connections were chosen, of no concern."""
        if self.chosen is not None:
            return {}
        closed = sum(capture.conversations_tls for capture in self.captures)
        unknown = sum(capture.http2_unknown_streams for capture in self.captures)
        tunnels = sum(capture.unread_tunnels for capture in self.captures)
        counts = {
            "TLS conversation" if closed == 1 else "TLS conversations": closed,
            "stream of HTTP/2" if unknown == 1 else "streams of HTTP/2": unknown,
            "tunnel" if tunnels == 1 else "tunnels": tunnels,
        }
        return {what: count for what, count in counts.items() if count}

    @property
    def counts(self) -> dict[str, int]:
        """How many findings of each severity, the worst first; of folded ones each counts."""
        found = dict.fromkeys(WORST_FIRST, 0)
        for finding in self.findings:
            found[finding.severity] += finding.count
        return found

    @property
    def headlines(self) -> dict[str, list[int] | None]:
        """What everyone meets first → the connections that have it; None: no such check was run."""
        run = {each.id for each in self.checks}
        found: dict[str, list[int] | None] = {}
        for name, ids in HEADLINES.items():
            places = {each.connection for each in self.findings if is_headline(name, each)}
            looked = run.intersection(ids)
            found[name] = sorted(place for place in places if place is not None) if looked else None
        return found

    @cached_property
    def cuts(self) -> list[CutGroup]:
        """Who cut which connections that were looked at, by their numbers; the most first."""
        found = who_cut(self.findings)
        if self.chosen is None:
            return found
        left = [replace(each, connections=self._looked_at_of(each)) for each in found]
        return [each for each in left if each.connections]

    def _looked_at_of(self, group: CutGroup) -> tuple[int, ...]:
        chosen = self.chosen if self.chosen is not None else ()
        return tuple(place for place in group.connections if place in chosen)

    @property
    def places(self) -> list[int]:
        """The numbers of the connections that were looked at."""
        every = range(len(self.connections))
        return [number for number in every if self.chosen is None or number in self.chosen]

    @property
    def looked_at(self) -> list[Connection]:
        """The connections that were looked at."""
        return [self.connections[number] for number in self.places]

    @cached_property
    def legs_before(self) -> dict[int, int]:
        """Number of a leg behind a proxy → number of the one before it."""
        return legs_before(self.connections)

    @cached_property
    def legs_behind(self) -> dict[int, int]:
        """Number of a leg in front of a proxy → number of the last one behind it."""
        return legs_behind(self.legs_before)

    def check(self, finding: Finding) -> Check:
        """Return the check that found it."""
        return self._checks_by_id[finding.check]

    def connection(self, finding: Finding) -> Connection | None:
        """Return the connection it is about; None for the captures as a whole."""
        return None if finding.connection is None else self.connections[finding.connection]

    def capture(self, finding: Finding) -> str | None:
        """Return the name of the capture it is in; None where it may be any of several."""
        connection = self.connection(finding)
        if connection is not None:
            return connection.capture
        return self.captures[0].capture if len(self.captures) == 1 else None


def audited(
    recording: Recording,
    checks: Sequence[Check],
    findings: Iterable[Finding],
    *,
    chosen: Collection[int] | None = None,
    interrupted: bool = False,
) -> Audited:
    """Return the findings of `audit`, with numbers in place of serials.

    With `chosen` those of other connections are left out, and those of the captures as a whole.
    """
    by_serial = numbers(recording)
    numbered = [_numbered(finding, by_serial) for finding in findings]
    if chosen is not None:
        numbered = [each for each in (_among(finding, chosen) for finding in numbered) if each]
    return Audited(
        recording.captures,
        in_order(recording.connections),
        checks,
        numbered,
        chosen,
        interrupted,
        0 if chosen is not None else recording.tunnels_refused,
    )


def _among(finding: Finding, chosen: Collection[int]) -> Finding | None:
    """Return a finding that concerns a chosen connection, at the first of those; None for others.

    Its place is in another connection then, and is told by the evidence alone.
    """
    if finding.connection in chosen:
        return finding
    first = next((place for place in finding.concerns if place in chosen), None)
    if first is None or finding.check not in OF_SEVERAL:
        return None
    return replace(finding, connection=first, time=None, packet=None, frame=None, sender=None)


def _numbered(finding: Finding, by_serial: Mapping[int, int]) -> Finding:
    """Return a finding with numbers in place of serials."""
    place = finding.connection
    if place is None:
        return finding
    number = by_serial[place]
    concerns = tuple(sorted(by_serial[each] for each in finding.concerns))
    if number == place and concerns == finding.concerns:
        return finding
    return replace(finding, connection=number, concerns=concerns)
