"""Who cut which connections: what the findings of cuts say, put together for all connections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wsanalyze.checks.finding import Finding
from wsanalyze.checks.spans import span

# What tells most comes first: a limit that several connections reached, the proxy or the middlebox
# that ended one, at last how the connection ended.
OF_SEVERAL = ("PRX-14", "PRX-15")
OF_CUTS = (*OF_SEVERAL, "PRX-13", "PRX-12", "CLS-08")
# Where a server ends so many connections of its own within so many ns, that is one event.
AT_ONCE, MOMENT = 3, 100_000_000


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
    moments: dict[str, list[int]] = {}
    told: set[int] = set()
    for check in OF_CUTS:
        # Those that speak for another leg, too, come first.
        for each in sorted(of_cuts[check], key=lambda finding: not finding.concerns):
            if _tell(each, _named(each), groups, told) and _by_a_server(each):
                moments.setdefault(each.cause, []).append(each.time or 0)
    found = [
        CutGroup(cause + _at_once(moments.get(cause, ())), tuple(sorted(places)))
        for cause, places in groups.items()
    ]
    return sorted(found, key=lambda group: (-len(group.connections), group.connections))


def _by_a_server(finding: Finding) -> bool:
    """Whether a server ended it: its FIN may be the answer to a client's close_notify."""
    return finding.sender == "server" and not finding.cause.startswith("the client ")


def _named(finding: Finding) -> Sequence[int]:
    """Return the connections that a finding names: a limit all that it cut, others their own."""
    if finding.check in OF_SEVERAL:
        return finding.concerns
    return () if finding.connection is None else (finding.connection,)


def _tell(
    finding: Finding, named: Sequence[int], groups: dict[str, list[int]], told: set[int]
) -> bool:
    """Add connections that were not told of; return whether there are any."""
    places = [place for place in named if place not in told]
    if places:
        groups.setdefault(finding.cause, []).extend(places)
    told.update(named, finding.concerns)
    return bool(places)


def _at_once(times: Sequence[int]) -> str:
    """Say that a server ended all of them in one moment, as when its process ends."""
    if len(times) < AT_ONCE or max(times) - min(times) > MOMENT:
        return ""
    return f", all within {span(max(times) - min(times))}: it ended, or was restarted"
