"""Time limits of somebody between: the same idle time, or age, at which connections are cut."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import lgamma, log

from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.ending import SECOND, Cut, maybe_cut
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """Connections that were cut after the same time: idle, or since they began.

    `cuts` has them in the order in which they were cut.
    """

    seconds: float
    cuts: tuple[tuple[Facts, Cut], ...]


# Groups that are looked at, the largest first: there are a few timers on a way, and each group is
# laid beside all connections to its endpoint.
MOST = 100

# A time, with the connection and its cut.
_Timed = tuple[float, Facts, Cut]


def cuts(facts: CaptureFacts) -> list[tuple[Facts, Cut]]:
    """Return the connections that were cut, each with how.

    Of the legs of a connection through a proxy, which have the same key, only the first counts.
    """
    found: list[tuple[Facts, Cut]] = []
    keys = set()
    for each, cut in every_cut(facts):
        key = each.handshake.key if each.handshake is not None else None
        if key is None or key not in keys:
            found.append((each, cut))
        keys.add(key)
    return found


def every_cut(facts: CaptureFacts) -> list[tuple[Facts, Cut]]:
    """Return the connections that were cut, each leg for itself, in their order."""
    # Several checks ask, and to look at thousands of connections again takes its time.
    if facts.cuts is None:
        cut = ((each, maybe_cut(each)) for each in facts.connections if each.observation.endings)
        facts.cuts = [(each, how) for each, how in cut if how is not None]
    return facts.cuts


def idle_time_limits(facts: CaptureFacts) -> list[TimeLimit]:
    """Return the idle times after which several connections were cut, the most frequent first.

    Times below a second are no limit that can be told from chance.
    """
    idle = [(cut.idle_s, each, cut) for each, cut in cuts(facts) if cut.idle_s is not None]
    limits = alike([entry for entry in idle if entry[0] >= 1.0], facts)
    return [limit for limit in limits if not _outlived(limit, facts)]


def _outlived(limit: TimeLimit, facts: CaptureFacts) -> bool:
    """Tell whether more connections went on after a longer silence than were cut.

    Those of other endpoints say nothing: who cuts may stand before these alone.
    """
    endpoints = {each.endpoint for each, _ in limit.cuts}
    longer = (1.05 * limit.seconds + 1.0) * SECOND
    outlived = sum(
        each.observation.longest_silence_ns > longer
        for endpoint in endpoints
        for each in facts.by_endpoint[endpoint]
    )
    return outlived > len(limit.cuts)


def lifetime_limits(facts: CaptureFacts) -> list[TimeLimit]:
    """Return the ages at which several connections were cut that were not idle, likewise."""
    ages = [
        (cut.age_s, each, cut)
        for each, cut in cuts(facts)
        if cut.idle_s is not None and cut.idle_s < cut.age_s / 10 and cut.age_s >= 10.0
    ]
    return alike(ages, facts)


def alike(entries: Sequence[_Timed], facts: CaptureFacts) -> list[TimeLimit]:
    """Group times that are the same within the thresholds, groups of `alike` or more.

    Groups that one event or chance explains are left out.
    """
    limits = facts.thresholds
    ordered = sorted(entries, key=lambda each: each[0])
    times = [entry[0] for entry in ordered]
    found = []
    # Among many times there are more groups to choose from, of all sizes: the best one of them
    # must be the less likely.
    for start, stop in _windows(times, limits)[:MOST]:
        while (narrower := _narrowed(start, stop, times)) != (start, stop):
            start, stop = narrower
        group = ordered[start:stop]
        if stop - start < limits.alike:
            continue
        if _in_one_moment(group) and not _others_stayed(group, facts):
            continue
        if _chance(start, stop, times) <= log(limits.chance) - log(len(times) / 2):
            mean = sum(times[start:stop]) / (stop - start)
            in_time = sorted(group, key=lambda each: each[2].time)
            found.append(TimeLimit(mean, tuple(each[1:] for each in in_time)))
    return sorted(found, key=lambda each: -len(each.cuts))


def _windows(times: Sequence[float], limits: Thresholds) -> list[tuple[int, int]]:
    """Return where times are the same within the thresholds, the most first, without overlaps."""
    windows = []
    stop = 0
    for start, first in enumerate(times):
        # Short limits are kept more exactly than long ones.
        room = max(min(limits.idle_s, first / 20), first * limits.idle_part)
        while stop < len(times) and times[stop] - first <= room:
            stop += 1
        if stop - start >= limits.alike:
            windows.append((start - stop, times[stop - 1] - first, start, stop))
    taken: set[int] = set()
    found = []
    for _, _, start, stop in sorted(windows):
        # What was taken before is at least as long: it cannot lie between the ends of this one.
        if start not in taken and stop - 1 not in taken:
            taken.update(range(start, stop))
            found.append((start, stop))
    return found


def _narrowed(start: int, stop: int, times: Sequence[float]) -> tuple[int, int]:
    """Return a group without its first or last time, where that leaves less to chance."""
    if stop - start <= 2:
        return start, stop
    choices = ((start, stop), (start + 1, stop), (start, stop - 1))
    return min(choices, key=lambda each: _chance(each[0], each[1], times))


def _chance(start: int, stop: int, times: Sequence[float]) -> float:
    """Return the logarithm of how many groups as narrow as this one chance is expected to make.

    Of `among` times around the group's, spread evenly, that is
    among * C(among - 1, others) * part^others: of many, some are always close to each other.
    """
    last = times[stop - 1]
    among = bisect_right(times, 1.5 * last) - bisect_left(times, last / 2)
    # No timer is kept more exactly than some milliseconds.
    part = max(last - times[start], 0.01) / last
    others = stop - start - 1
    ways = lgamma(among) - lgamma(others + 1) - lgamma(among - others)
    return log(among) + ways + others * log(part)


def _in_one_moment(group: Sequence[_Timed]) -> bool:
    """Tell whether connections were cut together, so that one event explains their equal times.

    A server that stops ends all of its connections, which may have begun together, or heard the
    same last message. A timer that is theirs alone runs out at different times, and they are more
    equal than those.
    """
    moments = [cut.time for _, _, cut in group]
    apart = (max(moments) - min(moments)) / SECOND
    return apart <= 0.1 + 3 * (group[-1][0] - group[0][0])


def _others_stayed(group: Sequence[_Timed], facts: CaptureFacts) -> bool:
    """Tell whether another connection to the endpoint was open before they were cut, and after.

    Whatever ends all of them at once, as a restart does, would have ended that one, too.
    """
    moments = [cut.time for _, _, cut in group]
    before, after = min(moments) - SECOND, max(moments) + SECOND
    among = {id(each) for _, each, _ in group}
    return any(
        other.connection.outcome == "established"
        and other.connection.started < before
        and other.connection.ended > after
        and id(other) not in among
        for endpoint in {each.endpoint for _, each, _ in group}
        for other in facts.by_endpoint[endpoint]
    )
