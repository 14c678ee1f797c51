"""A connection through a proxy whose two legs were cut together: by the proxy, or by one end.

Both legs have one key. Each leg has its finding of how it was cut (CLS-08); here is where that
began, and who did it.
"""

from __future__ import annotations

from dataclasses import dataclass

from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.ending import SECOND, Cut
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.legs import legs_before
from wsanalyze.checks.time_limits import every_cut
from wsanalyze.tunnels.way import address_and_port


@dataclass(frozen=True, slots=True)
class BothLegs:
    """The leg in front of a proxy and the one behind it, each with how it was cut.

    `by` is who cut: `proxy`, `client` or `server`; None where both ends did, each its own leg.
    """

    front: Facts
    first: Cut
    behind: Facts
    second: Cut

    @property
    def by(self) -> str | None:
        """Say who cut: the server of the front leg and the client of the other are the proxy."""
        # Who is told by TLS that it is over may close TCP before who told it.
        by = (self.first.began, self.second.began)
        if by == ("server", "client"):
            return "proxy"
        # What a proxy passes on comes later than what it was told.
        if by == ("client", "client") and self.first.time <= self.second.time:
            return "client"
        if by == ("server", "server") and self.second.time <= self.first.time:
            return "server"
        return None

    @property
    def serials(self) -> tuple[int, int]:
        """The serials of both, the one in front first."""
        return self.front.connection.serial, self.behind.connection.serial

    def other(self, facts: Facts) -> tuple[Facts, Cut]:
        """Return the other leg of one of the two, and how that was cut."""
        return (self.behind, self.second) if facts is self.front else (self.front, self.first)

    def began_at(self, facts: Facts) -> bool:
        """Tell whether an end cut this leg, and the proxy passed it on to the other one."""
        return facts is {"client": self.front, "server": self.behind}.get(self.by or "")

    def speaks(self, facts: Facts) -> bool:
        """Tell whether this leg's finding says all of the other's: where it began, or in front."""
        return self.began_at(facts) or (self.by == "proxy" and facts is self.front)


@dataclass(frozen=True, slots=True)
class Legs:
    """The legs in front of a proxy, by the serials of those behind it; `fronts`: their serials."""

    before: dict[int, Facts]
    fronts: frozenset[int]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Legs that were cut together, by the serial of each, in order of the front ones.

    `passed_on`: serials of legs where a cut began, with that of the leg it was passed on to;
    `origins` has the same the other way round.
    """

    by_serial: dict[int, BothLegs]
    passed_on: dict[int, int]
    origins: dict[int, int]


def legs_of(facts: Facts) -> BothLegs | None:
    """Return the legs of which a cut connection is one; None where the capture has it alone."""
    if facts.among is None:
        return None
    return every_pair(facts.among).get(facts.connection.serial)


def every_pair(whole: CaptureFacts) -> dict[int, BothLegs]:
    """Return the legs that were cut together, by the serial of each, in order of the front ones."""
    return _pairs(whole).by_serial


def _pairs(whole: CaptureFacts) -> Pairs:
    if whole.pairs is None:
        whole.pairs = _paired(whole)
    return whole.pairs


def _paired(whole: CaptureFacts) -> Pairs:
    cut_by_serial = {each.connection.serial: (each, cut) for each, cut in every_cut(whole)}
    found: dict[int, BothLegs] = {}
    passed_on: dict[int, int] = {}
    if len(cut_by_serial) < 2:
        return Pairs(found, passed_on, {})
    before = _legs(whole).before
    for serial, (behind, second) in cut_by_serial.items():
        # A key alone makes no legs: there are clients that send the same one to everybody.
        known = before.get(serial)
        if known is None or known.connection.serial not in cut_by_serial:
            continue
        front, first = cut_by_serial[known.connection.serial]
        if abs(first.time - second.time) > front.thresholds.both_ends_s * SECOND:
            continue
        # A RST that was somebody else's is no end's doing, and no proxy's.
        legs = BothLegs(front, first, behind, second)
        if legs.by is None or first.signs or second.signs:
            continue
        for each in legs.serials:
            # Of several proxies in a row one began: what it did goes before what was passed on.
            if legs.by == "proxy" or each not in found:
                found[each] = legs
        if legs.by != "proxy":
            passed_on[legs.serials[legs.by == "server"]] = legs.serials[legs.by == "client"]
    return Pairs(found, passed_on, {to: began for began, to in passed_on.items()})


def spoken_for(legs: BothLegs, whole: CaptureFacts) -> tuple[int, ...]:
    """Return the serials of both legs, and of those further on to which the cut was passed on."""
    passed_on = _pairs(whole).passed_on
    found: set[int] = set()
    for serial in legs.serials:
        further: int | None = serial
        while further is not None and further not in found:
            found.add(further)
            further = passed_on.get(further)
    return tuple(sorted(found))


def proxy_that_cut(facts: Facts, whole: CaptureFacts) -> tuple[str, int] | None:
    """Return address and port of the proxy that ended both its legs, and with them this one.

    It may be further on, and what it did passed on to here. None where no proxy is known to.
    """
    pairs, serial = _pairs(whole), facts.connection.serial
    seen = {serial}
    while (further := pairs.origins.get(serial)) is not None and further not in seen:
        serial = further
        seen.add(serial)
    legs = pairs.by_serial.get(serial)
    if legs is None or legs.by != "proxy":
        return None
    return legs.front.connection.server_ip, legs.front.connection.server_port


def proxy_at(facts: Facts, end: str) -> str | None:
    """Return the address of the proxy that `client` or `server` of a leg is; None for no proxy."""
    whole, record = facts.among, facts.connection
    if whole is None:
        return None
    legs = _legs(whole)
    if end == "server" and record.serial in legs.fronts:
        return address_and_port(record.server_ip, record.server_port)
    return record.client_ip if end == "client" and record.serial in legs.before else None


def leg_before(facts: Facts) -> Facts | None:
    """Return the leg in front of the proxy that a connection is behind; None where none is seen."""
    return None if facts.among is None else _legs(facts.among).before.get(facts.connection.serial)


def _legs(whole: CaptureFacts) -> Legs:
    if whole.legs is None:
        everyone = whole.connections
        places = legs_before([each.connection for each in everyone])
        whole.legs = Legs(
            {everyone[behind].connection.serial: everyone[at] for behind, at in places.items()},
            frozenset(everyone[at].connection.serial for at in places.values()),
        )
    return whole.legs
