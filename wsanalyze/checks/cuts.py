"""Intermediaries that cut (PRX-12, 13, 16): resets, both legs of a proxy, reconnect loops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from wsanalyze.checks.both_legs import BothLegs, every_pair, spoken_for
from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import CAPTURE, check
from wsanalyze.checks.ending import (
    Cut,
    both_ends,
    fits,
    last_place,
    last_said,
    maybe_cut,
    reset_signs,
)
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.intermediaries import MAY_BE_SEVERAL, may_be_several
from wsanalyze.checks.spans import span
from wsanalyze.checks.time_limits import every_cut
from wsanalyze.checks.waits import grow
from wsanalyze.observation import Ending
from wsanalyze.tunnels.way import address_and_port, sources

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
# Waits between attempts that are shown of a loop.
WAITS = 10
# How many attempts, within how many s, the last of them, the waits between them in ns.
Loop = tuple[int, float, Facts, list[int]]
_CUT = ("proxy", "cut", "transport")


@check(
    "PRX-12",
    "injected-reset",
    "A RST does not come from the end that it names",
    severity="warning",
    tags=(*_CUT, "security"),
    references=("RFC 9293 §3.5.3", "RFC 5961 §3"),
    explanation=(
        "The RST's TTL is not that of its sender's other packets, or that end goes on sending "
        "after it. Firewalls and censors end connections that way, in the names of both ends."
    ),
    advice=(
        "Where the TTL differs, look for a device at that distance: a firewall, a load balancer, "
        "a security product. Compare with a capture at the other end."
    ),
    example="injected-reset.pcapng",
    circumstances=("reset",),
    instead_of=("CLS-08", "PRX-13"),
)
def injected_reset(facts: Facts) -> Iterator[Finding]:
    """PRX-12."""
    cut = maybe_cut(facts)
    for ending in facts.observation.endings:
        if ending.how != "rst":
            continue
        found = reset_signs(facts, ending)
        if not found:
            continue
        apart = both_ends(facts)
        if cut is not None and apart is not None:
            found.append(f"both ends were told within {span(apart)} of each other")
        signs = "; ".join(found)
        usual = ending.usual_ttl
        other = usual is not None and abs(ending.ttl - usual) > facts.thresholds.hops
        evidence = f"TTL {ending.ttl}, usual {usual}" if other else "RST"
        yield Finding(
            signs if cut is None else f"{_cut_in_the_name(ending, cut)}: {signs}",
            sender=ending.sender,
            time=ending.time,
            packet=ending.packet,
            evidence=evidence if cut is None else evidence + last_place(cut),
            concerns=() if cut is None else (facts.connection.serial,),
            cause="" if cut is None else _by_something(facts),
        )
        # How it was cut is said once.
        cut = None


def _by_something(facts: Facts) -> str:
    both = "" if both_ends(facts) is None else " to both"
    return f"something between the client and {facts.endpoint} reset TCP{both}"


def _silent(cut: Cut) -> str:
    """Say how long nothing had been sent, in tenths of a second; nothing for less than a second."""
    if cut.idle_s is None or cut.idle_s < 1:
        return ""
    return f", after {cut.idle_s:.1f} s of silence"


def _cut_in_the_name(reset: Ending, cut: Cut) -> str:
    # Others may have come before the one that counts as the end, and frames between them.
    said = last_said(replace(cut, time=reset.time))
    return f"TCP was reset in the {reset.sender}'s name without a Close frame, {said}"


@check(
    "PRX-13",
    "both-ends-cut",
    "Both ends were cut at the same moment",
    severity="warning",
    tags=_CUT,
    references=("RFC 6455 §7.1.7",),
    explanation=(
        "RSTs in the names of both ends came at the same moment, or both legs of a proxied "
        "connection were ended by who is between, without a Close of either application: something "
        "between them told both that it was over."
    ),
    advice=(
        "Where the finding names a proxy: look at its log of that moment and at its time limits. "
        "Otherwise look for a firewall or load balancer between the two ends."
    ),
    scope=CAPTURE,
    example="nginx-idle.pcapng",
    quotes_samples=True,
    measures=True,
    instead_of=("CLS-08",),
)
def both_ends_cut(facts: CaptureFacts) -> Iterator[Finding]:
    """PRX-13: on one connection by two RSTs, on the two legs of a proxy by what it told both."""
    pairs = every_pair(facts)
    for each, cut in every_cut(facts):
        apart = both_ends(each) if len(each.observation.endings) >= 2 else None
        # Where PRX-12 says of both that they are somebody else's, it has said this, too.
        if apart is not None and not _both_forged(each):
            finding = Finding(
                f"RSTs to both ends within {span(apart)}, without a Close of either, "
                f"{last_said(cut)}",
                time=cut.time,
                packet=cut.packet,
                evidence=f"RST{last_place(cut)}",
                concerns=(each.connection.serial,),
                cause=f"something between the client and {each.endpoint} reset TCP to both",
            )
            yield facts.about(each, finding)
        legs = pairs.get(each.connection.serial)
        if legs is not None and legs.by == "proxy" and each is legs.front:
            yield facts.about(each, _by_the_proxy(legs, facts))


def _both_forged(facts: Facts) -> bool:
    resets = [each for each in facts.observation.endings if each.how == "rst"]
    return {each.sender for each in resets if reset_signs(facts, each)} == {"client", "server"}


def _by_the_proxy(legs: BothLegs, whole: CaptureFacts) -> Finding:
    """Say that who stands between two legs ended both, and after what."""
    cut, other, front, behind = legs.first, legs.second, legs.front, legs.behind.connection
    at = address_and_port(front.connection.server_ip, front.connection.server_port)
    proxy = f"the proxy at {at}"
    return Finding(
        f"{proxy} ended both its legs ({cut.began_with}, {other.began_with}) within "
        f"{span(abs(cut.time - other.time))}, without a Close of either end, {last_said(cut)}"
        f"{fits(front, cut)}",
        time=cut.time,
        packet=cut.packet,
        evidence=(
            f"{other.wire} in packet {other.packet} of the leg from "
            f"{address_and_port(behind.client_ip, behind.client_port)} to "
            f"{address_and_port(behind.server_ip, behind.server_port)}{last_place(cut)}"
        ),
        concerns=spoken_for(legs, whole),
        cause=f"{proxy} ended both its legs{_silent(cut)}",
    )


@check(
    "PRX-16",
    "reconnect-loop",
    "A client comes back again and again",
    severity="warning",
    tags=("proxy", "timing"),
    references=("RFC 6455 §7.2.3",),
    explanation=(
        "One client asks one endpoint to upgrade over and over, and none of the connections lives "
        "long. Either each is cut or refused at once, or the client gives up too early. A client "
        "that waits longer after each failure does what it should, and is none of these."
    ),
    advice=("Find out why the first one ended; let the client wait longer after each failure."),
    scope=CAPTURE,
    example="reconnects.pcapng",
)
def reconnect_loop(facts: CaptureFacts) -> Iterator[Finding]:
    """PRX-16: one finding for each client and endpoint."""
    for client, endpoint, (count, within, each, waits) in loops(facts):
        message = (
            f"{client} asked {endpoint} {count} times within "
            f"{within:.1f} s, and none of the connections ended well"
        )
        if each.asked_for is None or may_be_several(each.asked_for):
            message += MAY_BE_SEVERAL
        shown = ", ".join(f"{wait / SECOND:.3f}" for wait in waits[:WAITS])
        more = ", …" if len(waits) > WAITS else ""
        evidence = f"{shown}{more} s from the end of one to the next request"
        finding = each.once("client", message, evidence=evidence, expected="growing delays")
        yield facts.about(each, finding)


def loops(facts: CaptureFacts) -> Iterator[tuple[str, str, Loop]]:
    """Yield who asked which endpoint over and over, and the longest run of it."""
    for endpoint, connections in facts.by_endpoint.items():
        # Where few failed, there is no need to tell whose attempts they were.
        if sum(map(_failed, connections)) < facts.thresholds.reconnects:
            continue
        by_client: dict[tuple[str, ...], list[Facts]] = {}
        for each in connections:
            client, handshake = each.connection.client_ip, each.handshake
            told = sources(each.connection.tunnel)
            if handshake is None:
                by_client.setdefault((client, *told), []).append(each)
            elif each.asked_for is not None:
                who = (client, handshake.target or "", *each.asked_for, *told)
                by_client.setdefault(who, []).append(each)
        for (client, *_), attempts in by_client.items():
            last = _loop_of(facts, attempts)
            if last is not None:
                yield client, endpoint, last


def _loop_of(facts: CaptureFacts, attempts: list[Facts]) -> Loop | None:
    """Return the longest run of attempts that failed without growing waits; None for none."""
    best: Loop | None = None
    if len(attempts) < facts.thresholds.reconnects:
        return best
    for run in _runs(attempts):
        if len(run) < facts.thresholds.reconnects or (best is not None and len(run) <= best[0]):
            continue
        waits = _waits(run)
        if not grow(waits):
            first, last = run[0].connection.requested or 0, run[-1].connection.requested or 0
            best = (len(run), (last - first) / SECOND, run[-1], waits)
    return best


def _runs(attempts: list[Facts]) -> Iterator[list[Facts]]:
    """Yield the attempts that failed, those together that follow one another within a minute."""
    run: list[Facts] = []
    for each in attempts:
        begun = each.connection.requested
        failed = begun is not None and _failed(each)
        # One after the other: attempts at the same time are no reconnects.
        follows = bool(run) and 0 <= (begun or 0) - run[-1].connection.ended <= MINUTE
        if run and not (failed and follows):
            yield run
            run = []
        if failed:
            run.append(each)
    if run:
        yield run


def _waits(run: list[Facts]) -> list[int]:
    """Return the ns from the end of each attempt to the request of the next."""
    return [
        (after.connection.requested or 0) - before.connection.ended
        for before, after in pairwise(run)
    ]


def _failed(facts: Facts) -> bool:
    if facts.connection.outcome in ("refused", "invalid") or facts.went_unanswered:
        return True
    return maybe_cut(facts) is not None
