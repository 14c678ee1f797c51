"""Time limits that cut (PRX-14, 15, 22): idle for as long, as old, and Pings that are too rare."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.checks.both_legs import every_pair, proxy_at
from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import CAPTURE, check
from wsanalyze.checks.ending import Cut, keepalive_s, known_limit, limit_of
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.intermediaries import signs
from wsanalyze.checks.time_limits import TimeLimit, idle_time_limits, lifetime_limits
from wsanalyze.tunnels.way import address_and_port
from wsanalyze.websocket.faults import shown

# Connections that a time limit names.
NAMED = 8
_CUT = ("proxy", "cut", "transport")


@check(
    "PRX-14",
    "idle-time-limit",
    "Connections are cut after the same idle time",
    severity="warning",
    tags=_CUT,
    references=("RFC 6455 §5.5.2",),
    explanation=(
        "Several connections were closed after the same time without a frame. That is a time limit "
        "of somebody: a proxy, a load balancer, or the application itself. A capture can decide it "
        "where they ended at different moments, or another connection to that endpoint stayed open "
        "when they did: what ends all at once may be a restart, and of that CLS-08 alone tells. It "
        "is told where chance makes no such group of their times, and where no more connections "
        "outlived a longer silence."
    ),
    advice=(
        "Send Pings more often than that, or raise the limit (nginx: proxy_read_timeout and "
        "proxy_send_timeout; HAProxy: timeout tunnel)."
    ),
    scope=CAPTURE,
    example="nginx-idle.pcapng",
)
def idle_time_limit(facts: CaptureFacts) -> Iterator[Finding]:
    """PRX-14: one finding for each limit, at the first connection that it cut."""
    for limit in idle_time_limits(facts):
        first, _ = limit.cuts[0]
        known = known_limit(limit.seconds, first)
        message = f"{len(limit.cuts)} connections were closed after {limit.seconds:.1f} s idle"
        message += _by(facts, limit)
        if known is not None:
            # Such limits are those of who stands between.
            own = all(_by_client_itself(each, cut) for each, cut in limit.cuts)
            message += f"; that is {known}{', if it is a proxy that asks here' if own else ''}"
        yield facts.about(first, _of(limit, message))


def _by_client_itself(facts: Facts, cut: Cut) -> bool:
    """Tell whether a client ended a connection, and nothing shows that it is a proxy."""
    return limit_of(facts, cut, is_proxy=proxy_at(facts, cut.began) is not None) is None


def _of(limit: TimeLimit, message: str) -> Finding:
    """Return a finding about all that a limit cut, placed where the first one was."""
    _, cut = limit.cuts[0]
    return Finding(
        message,
        sender=cut.by,
        time=cut.time,
        packet=cut.packet,
        evidence=_clients(limit),
        concerns=tuple(each.connection.serial for each, _ in limit.cuts),
        cause=message,
    )


def _by(facts: CaptureFacts, limit: TimeLimit) -> str:
    """Say by whom all of them were cut; nothing where that differs."""
    pairs = every_pair(facts)
    proxies = set()
    for each, _ in limit.cuts:
        legs = pairs.get(each.connection.serial)
        is_proxy = legs is not None and legs.by == "proxy"
        proxies.add((each.connection.server_ip, each.connection.server_port) if is_proxy else None)
    if len(proxies) == 1 and (proxy := proxies.pop()) is not None:
        return f", by the proxy at {address_and_port(*proxy)}"
    by = {cut.began for _, cut in limit.cuts}
    if len(by) != 1:
        return ""
    side = by.pop()
    named = {_named_by(each) for each, _ in limit.cuts} if side == "server" else {None}
    name = named.pop() if len(named) == 1 else None
    return f", by the {side}'s side" + (f", whose answers have {shown(name)}" if name else "")


def _named_by(facts: Facts) -> str | None:
    """Return the field in which an intermediary names itself in a response; None for none."""
    head = facts.handshake.response_head if facts.handshake is not None else None
    found = () if head is None else signs(head)
    return next((each for each in found if each.startswith(("Server:", "Via:"))), None)


def _clients(limit: TimeLimit) -> str:
    """Name the first connections that a limit cut, by their clients and where they were cut."""
    named = ", ".join(
        f"{address_and_port(each.connection.client_ip, each.connection.client_port)} "
        f"(packet {cut.packet})"
        for each, cut in limit.cuts[:NAMED]
    )
    return f"those of {named}{', …' if len(limit.cuts) > NAMED else ''}"


@check(
    "PRX-15",
    "lifetime-limit",
    "Connections are cut at the same age",
    severity="warning",
    tags=_CUT,
    references=(),
    explanation=(
        "Several connections were cut at the same age, though there was traffic until then. "
        "Gateways and platforms limit how long a connection may last; Pings do not help."
    ),
    advice="Reconnect before the limit, or raise it.",
    scope=CAPTURE,
    example="lifetime-limit.pcapng",
)
def lifetime_limit(facts: CaptureFacts) -> Iterator[Finding]:
    """PRX-15."""
    for limit in lifetime_limits(facts):
        first, _ = limit.cuts[0]
        message = f"{len(limit.cuts)} connections were cut at an age of {limit.seconds:.1f} s"
        message += _by(facts, limit)
        yield facts.about(first, _of(limit, message))


@check(
    "PRX-22",
    "keepalive-too-rare",
    "Pings come less often than the connection is cut",
    severity="info",
    tags=("proxy", "keep-alive", "cut"),
    references=("RFC 6455 §5.5.2",),
    explanation=(
        "The connection was closed while idle. Whether there were Pings, and how often, says "
        "whether a keep-alive exists that only has to be quicker."
    ),
    advice="Let one end send a Ping about three times as often as the limit.",
    scope=CAPTURE,
)
def keepalive_too_rare(facts: CaptureFacts) -> Iterator[Finding]:
    """PRX-22: beside each limit that PRX-14 finds."""
    for limit in idle_time_limits(facts):
        first, cut = limit.cuts[0]
        beats = [keepalive_s(each) for each, _ in limit.cuts]
        quickest = min((beat for beat in beats if beat is not None), default=None)
        if quickest is None:
            message = f"none of the {len(limit.cuts)} connections had Pings"
        elif quickest > limit.seconds:
            message = f"Pings came every {quickest:.1f} s, the limit is {limit.seconds:.1f} s"
        else:
            continue
        finding = Finding(message, time=cut.time, packet=cut.packet)
        yield facts.about(first, finding)
