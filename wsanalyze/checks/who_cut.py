"""Who cut which connections: what the findings of cuts say, put together for all connections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wsanalyze.checks.finding import Finding

# What tells most comes first: a limit that several connections reached, the proxy or the middlebox
# that ended one, at last how the connection ended.
OF_CUTS = ("PRX-14", "PRX-15", "PRX-13", "PRX-12", "CLS-08")


@dataclass(frozen=True, slots=True)
class CutGroup:
    """Connections that were cut by the same, in the same way: `cause` says so, as a clause.

    `connections` are as `Finding.connection` has them, in order. Of a connection through a proxy
    of which both legs are there, one is named: where the cut began, or the one in front.
    """

    cause: str
    connections: tuple[int, ...]


def who_cut(findings: Iterable[Finding]) -> list[CutGroup]:
    """Return who cut which connections, the most first; each connection once."""
    of_cuts: dict[str, list[Finding]] = {each: [] for each in OF_CUTS}
    for each in findings:
        if each.cause and each.connection is not None and each.check in of_cuts:
            of_cuts[each.check].append(each)
    groups: dict[str, list[int]] = {}
    told: set[int] = set()
    for check in OF_CUTS:
        # Those that speak for another leg, too, come first.
        for each in sorted(of_cuts[check], key=lambda finding: not finding.concerns):
            _tell(each, _named(each), groups, told)
    found = [CutGroup(cause, tuple(sorted(places))) for cause, places in groups.items()]
    return sorted(found, key=lambda group: (-len(group.connections), group.connections))


def _named(finding: Finding) -> Sequence[int]:
    """Return the connections that a finding names: a limit all that it cut, others their own."""
    if finding.check in ("PRX-14", "PRX-15"):
        return finding.concerns
    return () if finding.connection is None else (finding.connection,)


def _tell(
    finding: Finding, named: Sequence[int], groups: dict[str, list[int]], told: set[int]
) -> None:
    places = [place for place in named if place not in told]
    if places:
        groups.setdefault(finding.cause, []).extend(places)
    told.update(named, finding.concerns)
