"""The facts that checks of several connections look at: all of the captures together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.thresholds import Thresholds
from wsanalyze.lazy import lazy

if TYPE_CHECKING:
    from wsanalyze.checks.both_legs import Legs, Pairs
    from wsanalyze.checks.ending import Cut
    from wsanalyze.tables.capture_summary import CaptureSummary
    from wsanalyze.tunnels.refusal import Refusal


@dataclass
class CaptureFacts:
    """All connections of the captures that were read together, in order of their numbers.

    `refusals` are what proxies refused, in the order of their answers.
    """

    connections: Sequence[Facts]
    captures: Sequence[CaptureSummary]
    thresholds: Thresholds = field(default_factory=Thresholds)
    show_secrets: bool = False
    refusals: Sequence[Refusal] = ()
    # What was cut (see `ending.every_cut`), once somebody has asked.
    cuts: list[tuple[Facts, Cut]] | None = field(init=False, default=None)
    # Legs that were cut together (see `both_legs.every_pair`), likewise.
    pairs: Pairs | None = field(init=False, default=None)
    # All legs of which another one is there, likewise.
    legs: Legs | None = field(init=False, default=None)

    @lazy
    def distinct(self) -> list[Facts]:
        """The connections without those whose handshakes say the same as an earlier one's.

        The earlier one has their endpoint, scheme and outcome, too.
        """
        seen: set[int] = set()
        found = []
        for facts in self.connections:
            if facts.alike is not None:
                if id(facts.alike) in seen:
                    continue
                seen.add(id(facts.alike))
            found.append(facts)
        return found

    @lazy
    def by_key(self) -> dict[str, list[Facts]]:
        """The connections by their Sec-WebSocket-Key; without those that have none, or Hixie's."""
        found: dict[str, list[Facts]] = {}
        for facts in self.connections:
            handshake = facts.handshake
            key = handshake.key if handshake is not None and not handshake.is_hixie else None
            if key:
                found.setdefault(key, []).append(facts)
        return found

    @lazy
    def statuses(self) -> set[int | None]:
        """The status codes of final responses; None for none."""
        shakes = (facts.handshake for facts in self.distinct)
        return {shake.status for shake in shakes if shake is not None}

    @lazy
    def by_endpoint(self) -> dict[str, list[Facts]]:
        """The connections by `Facts.endpoint`, each list in order."""
        found: dict[str, list[Facts]] = {}
        for facts in self.connections:
            found.setdefault(facts.endpoint, []).append(facts)
        return found

    @lazy
    def by_address(self) -> dict[tuple[str, str], list[Facts]]:
        """The attempts of each address at each endpoint, in order of their requests."""
        found: dict[tuple[str, str], list[Facts]] = {}
        for facts in self.connections:
            if facts.connection.requested is not None:
                key = (facts.connection.client_ip, facts.endpoint)
                found.setdefault(key, []).append(facts)
        return found

    def about(self, facts: Facts, finding: Finding) -> Finding:
        """Return a finding that concerns one of the connections."""
        return replace(
            finding,
            connection=facts.connection.serial,
            coverage=finding.coverage or facts.coverage,
        )
