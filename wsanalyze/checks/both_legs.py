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
        by = (self.first.by, self.second.by)
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


@dataclass(frozen=True, slots=True)
class Legs:
    """The legs in front of a proxy, by the serials of those behind it; `fronts`: their serials."""

    before: dict[int, Facts]
    fronts: frozenset[int]


def legs_of(facts: Facts) -> BothLegs | None:
    """Return the legs of which a cut connection is one; None where the capture has it alone."""
    if facts.among is None:
        return None
    return every_pair(facts.among).get(facts.connection.serial)


def every_pair(whole: CaptureFacts) -> dict[int, BothLegs]:
    """Return the legs that were cut together, by the serial of each, in order of the front ones."""
    if whole.pairs is None:
        whole.pairs = _pairs(whole)
    return whole.pairs


def _pairs(whole: CaptureFacts) -> dict[int, BothLegs]:
    waiting: dict[str, tuple[Facts, Cut]] = {}
    found: dict[int, BothLegs] = {}
    for each, cut in every_cut(whole):
        key = each.handshake.key if each.handshake is not None else None
        if key is None:
            continue
        front, first = waiting.setdefault(key, (each, cut))
        if front is not each and _are_legs(front, first, each, cut):
            legs = BothLegs(front, first, each, cut)
            if legs.by is not None:
                found.setdefault(front.connection.serial, legs)
                found[each.connection.serial] = legs
    return found


def _are_legs(front: Facts, one: Cut, behind: Facts, other: Cut) -> bool:
    """Tell whether attempts with one key lead to different servers and were cut together."""
    first, second = front.connection, behind.connection
    return (
        first.capture == second.capture
        and (first.server_ip, first.server_port) != (second.server_ip, second.server_port)
        and abs(one.time - other.time) <= front.thresholds.both_ends_s * SECOND
    )


def proxy_at(facts: Facts, cut: Cut) -> str | None:
    """Return the address of the proxy that an end of a leg is; None where it is no proxy's."""
    whole, record = facts.among, facts.connection
    if whole is None:
        return None
    legs = _legs(whole)
    if cut.by == "server" and record.serial in legs.fronts:
        return f"{record.server_ip}:{record.server_port}"
    return record.client_ip if cut.by == "client" and record.serial in legs.before else None


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
