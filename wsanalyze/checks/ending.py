"""Who cut a connection, how, and after what: facts put together for a sentence to act on."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import lgamma, log
from typing import cast

from wsanalyze.checks.facts import CaptureFacts, Facts, described, ending_name
from wsanalyze.checks.spans import span
from wsanalyze.checks.thresholds import Thresholds
from wsanalyze.checks.ways_to_end import reset_code, said_by_http2, said_by_tls
from wsanalyze.observation import Ending, Event

SECOND = 1_000_000_000
# Seconds without a frame that are no silence.
AT_ONCE_S = 0.01
# What the waits of a client that comes back must reach, to be more than chance.
GROWN = SECOND // 10

# Idle times after which common intermediaries close a connection, in seconds.
DEFAULTS = (
    (55.0, "the limit of Heroku's router"),
    (60.0, "the default of nginx (proxy_read_timeout), Apache's proxy and AWS ALB"),
    (100.0, "the limit of Cloudflare"),
    (240.0, "the default of Azure Load Balancer"),
    (300.0, "the default of Envoy's streams"),
    (350.0, "the limit of AWS NLB"),
    (600.0, "the default of Google Cloud's load balancers for TCP"),
    (900.0, "the default of Squid (read_timeout)"),
    (3600.0, "an hour, the value in HAProxy's examples of timeout tunnel"),
)


@dataclass(frozen=True, slots=True)
class Cut:
    """How a connection ended that had no complete closing handshake.

    `by` is who ended it, `how` the way (`fin`, `rst`); `idle_s` the seconds without a frame before
    that, `after` the last frame; `age_s` the connection's age; `wire` what it was on the wire.
    `signs` say why it looks like an intermediary's doing, each one a fact; none where nothing does.
    """

    by: str
    how: str
    packet: int
    time: int
    idle_s: float | None
    age_s: float
    after: Event | None
    signs: tuple[str, ...]
    wire: str = ""


def maybe_cut(facts: Facts) -> Cut | None:
    """Return how a session was cut; None where it was not, or that cannot be told.

    A session is cut where TCP ended and no Close frame had been sent (RFC 6455 §7.1.5).
    """
    # A dozen checks ask.
    if facts.cut == ():
        facts.cut = _cut_of(facts)
    return cast("Cut | None", facts.cut)


def _cut_of(facts: Facts) -> Cut | None:
    observation, record = facts.observation, facts.connection
    if not observation.endings or not facts.established or record.outcome == "invalid":
        return None
    if observation.client.close is not None and observation.server.close is not None:
        # One of them is of the end that ended it.
        return None
    first = effective(facts)
    for close in (observation.client.close, observation.server.close):
        # One that is said to who had gone already ends nothing any more.
        if close is not None and (close.sender == first.sender or close.time <= first.time):
            return None
    handshake = facts.handshake
    if handshake is not None and handshake.is_hixie:
        # The closing handshake of Hixie-76 is no Close frame, and Hixie-75 has none.
        return None
    if not (facts.whole("client") and facts.whole("server")):
        # The Close may be among what is missing.
        return None
    idle = observation.silence_ns
    return Cut(
        by=first.sender,
        how=first.how,
        packet=first.packet,
        time=first.time,
        idle_s=None if idle is None else idle / SECOND,
        age_s=(first.time - record.started) / SECOND,
        after=last_frame(facts),
        signs=tuple(intermediary_signs(facts)),
        wire=ending_name(first),
    )


def effective(facts: Facts) -> Ending:
    """Return the FIN or RST that the column `ended_by` is about, the first one where it is none.

    A RST after which its sender went on was not its own, and may have ended nothing (PRX-12).
    """
    endings, by = facts.observation.endings, facts.connection.ended_by
    return next((each for each in endings if f"{each.sender}-{each.how}" == by), endings[0])


def was_a_try(facts: Facts, cut: Cut) -> bool:
    """Tell whether nothing was said: a client that only looks whether it can connect does so."""
    record = facts.connection
    return not record.client_frames and not record.server_frames and cut.age_s < 1.0


def last_frame(facts: Facts) -> Event | None:
    """Return the last frame of either end."""
    last = (facts.side("client").last, facts.side("server").last)
    frames = [event for event in last if event is not None]
    return max(frames, key=lambda event: event.time, default=None)


def intermediary_signs(facts: Facts) -> list[str]:
    """Return why the end looks like a middlebox's doing, as far as one capture shows."""
    signs = []
    for ending in facts.observation.endings:
        if ending.how == "rst":
            signs += reset_signs(facts, ending)
    both = both_ends(facts)
    if both is not None:
        signs.append(f"both ends were told within {span(both)} of each other")
    return list(dict.fromkeys(signs))


def reset_signs(facts: Facts, reset: Ending) -> list[str]:
    """Return why a RST does not look like its sender's own (RFC 9293 §3.5.3, RFC 5961 §3)."""
    signs = []
    usual = reset.usual_ttl
    if usual is not None and abs(reset.ttl - usual) > facts.thresholds.hops:
        signs.append(
            f"the RST in packet {reset.packet} has a TTL of {reset.ttl}, "
            f"the {reset.sender}'s other packets {usual}"
        )
    sent = getattr(facts.observation, f"{reset.sender}_after_own_reset")
    # What stands before the RST in the sequence was sent before it, and only captured later.
    if sent > max(reset.behind, 0):
        signs.append(f"the {reset.sender} sent {sent} more bytes after a RST in its name")
    return signs


def both_ends(facts: Facts) -> int | None:
    """Return the ns between RSTs to both ends, where one follows the other at once.

    A FIN is answered by a FIN as soon as the application closes, and a reset ends both sides: only
    two RSTs, neither of them the answer to the other's data, are told to both ends by a third.
    """
    resets = [each for each in facts.observation.endings if each.how == "rst"]
    by_sender = {each.sender: each for each in reversed(resets)}
    if len(by_sender) < 2:
        return None
    apart = abs(by_sender["client"].time - by_sender["server"].time)
    return apart if apart <= facts.thresholds.both_ends_s * SECOND else None


def known_limit(seconds: float, facts: Facts) -> str | None:
    """Return whose default an idle time is, None where nobody's."""
    for limit, name in DEFAULTS:
        if abs(seconds - limit) <= max(1.0, limit * facts.thresholds.idle_part):
            return name
    return None


def keepalive_s(facts: Facts) -> float | None:
    """Return the mean seconds between Pings, or unsolicited Pongs, of the end that sends more."""
    means = [
        spread.mean / SECOND
        for side in (facts.side("client"), facts.side("server"))
        for spread in (side.ping_ns, side.pong_only_ns)
        if spread.count
    ]
    return min(means, default=None)


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """Connections that were cut after the same time: idle, or since they began.

    `cuts` has them in the order in which they were cut.
    """

    seconds: float
    cuts: tuple[tuple[Facts, Cut], ...]


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
    for start, stop in _windows(times, limits):
        while (narrower := _narrowed(start, stop, times)) != (start, stop):
            start, stop = narrower
        group = ordered[start:stop]
        if stop - start < limits.alike or _in_one_moment(group):
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


def sentence(facts: Facts, cut: Cut) -> str:
    """Return one sentence: who ended the connection, how, after what, and what might help."""
    verb = {"fin": "closed", "rst": "reset"}[cut.how]
    stream = facts.connection.http_stream
    is_stream = cut.wire.endswith("STREAM")
    what = f"stream {stream}" if is_stream else "TCP"
    end = effective(facts)
    code = reset_code(facts, end)
    wire = cut.wire if code is None else f"{cut.wire}, {code}"
    who = f"the {cut.by} {verb} {what} ({wire})"
    if cut.signs and cut.how == "rst":
        who = f"{what} was reset in the {cut.by}'s name ({wire})"
    text = f"{who} without a Close frame, {_last(cut)}"
    for said in (said_by_tls(facts, end), said_by_http2(facts, end)):
        text += f"; {said}" if said else ""
    if cut.signs:
        text += f"; it looks like the doing of a middlebox: {'; '.join(cut.signs)}"
    known = known_limit(cut.idle_s, facts) if cut.idle_s is not None else None
    if known is not None and cut.idle_s is not None:
        every = keepalive_s(facts)
        beat = "none came" if every is None else f"they had come every {every:.0f} s"
        text += f"; that fits {known}: Pings more often than that keep it open, and {beat}"
    return text


def _last(cut: Cut) -> str:
    """Say how long after which frame; who was cut off may not have known it, and gone on."""
    if cut.after is None:
        return "before any frame"
    frame = f"a {described(cut.after)} of the {cut.after.sender} in packet {cut.after.packet}"
    waited = "right after"
    if cut.idle_s is not None and cut.idle_s >= AT_ONCE_S:
        waited = f"{cut.idle_s:.3f} s after"
    if cut.after.time > cut.time:
        return f"{waited} a frame; frames still came, the last one {frame}"
    return f"{waited} the last frame, {frame}"


def grow(waits: Sequence[int]) -> bool:
    """Tell whether waits between attempts, in ns, grow as they should (RFC 6455 §7.2.3).

    They may stop growing at some limit, have a random part, and milliseconds are the machine's:
    the later half counts, that must be twice the first two, and no less than GROWN.
    """
    if len(waits) < 3:
        return False
    later = sorted(waits[len(waits) // 2 :])
    middle = later[len(later) // 2]
    return middle >= GROWN and middle >= waits[0] + waits[1]
