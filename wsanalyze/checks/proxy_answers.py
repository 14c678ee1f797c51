"""Intermediaries (PRX): answers that they give in the server's place, or to somebody else."""

from __future__ import annotations

import re
from calendar import monthrange, timegm
from collections import Counter
from collections.abc import Iterator

from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import CAPTURE, check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.intermediaries import (
    SERVERS_TOO,
    author_of,
    cache_signs,
    is_haproxys,
    program_of,
)
from wsanalyze.checks.proxies import host_of
from wsanalyze.checks.spans import span
from wsanalyze.websocket.faults import shown
from wsanalyze.websocket.fields import Head
from wsanalyze.websocket.handshake import Handshake

SECOND = 1_000_000_000
_PROXY = ("proxy", "handshake")

# What servers (websockets, ws, aiohttp, Tornado, gorilla) say who did not get the upgrade.
_NO_UPGRADE = re.compile(
    rb"(?<!-)\b(?:connection|upgrade) (?:header|hdr)"
    rb"|\"connection\" must be|\"upgrade\" only to|token not found in 'connection'"
    rb"|unsupported http version: http/1\.0",
    re.IGNORECASE,
)

# The name in an absolute Location.
_LOCATION = re.compile(r"https?://([^/?#:]+)[^?#]*")

CACHE_FIELDS = frozenset(("age", "x-cache", "x-cache-lookup", "x-cache-hits", "cf-cache-status"))
# Seconds for which a server may write the same Date: most look at their clock once a second.
DATE_KEPT_S = 5.0
# Seconds by which the server's clock and the capture's may differ and both be right.
CLOCKS_APART_S = 3600.0

_DATE = re.compile(
    r"[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


# Where RFC 9110 has the statuses that only intermediaries send; RFC 6585 has 511.
_SECTIONS = {
    407: "RFC 9110 §15.5.8",
    502: "RFC 9110 §15.6.3",
    503: "RFC 9110 §15.6.4",
    504: "RFC 9110 §15.6.5",
    511: "RFC 6585 §6",
}
_TITLE = re.compile(r"<title>([^<]{1,200})</title>", re.IGNORECASE)


@check(
    "PRX-05",
    "answered-by-intermediary",
    "An intermediary answered in the server's place",
    severity="warning",
    tags=_PROXY,
    references=("RFC 9110 §15.6", "RFC 9110 §15.5.8", "RFC 6585 §6"),
    explanation=(
        "502, 503 and 504 are what a proxy says about the server behind it; 407 wants credentials "
        "for the proxy itself; 511 and some redirects come from portals that want a login first. "
        "The application never saw the request, or not in time."
    ),
    advice=("Look at the log of the program named here, and whether it can reach the server."),
    example="nginx-proxy.pcapng",
    faults=("HSR-10",),
)
def answered_by_intermediary(facts: Facts) -> Iterator[Finding]:
    """PRX-05."""
    handshake, record = facts.handshake, facts.connection
    if handshake is None or record.outcome != "refused" or handshake.response_head is None:
        return
    why = why_intermediary(facts, handshake.response_head, handshake.status)
    if why is None:
        return
    took = ""
    if record.requested is not None and record.responded is not None:
        took = f", {span(record.responded - record.requested)} after the request"
    message = f"the answer is {handshake.status}{took}: {why}"
    message += body_begins(facts, handshake.response_head)
    yield facts.once(
        "server",
        message,
        evidence=handshake.response_head.start_line[:200],
        expected=facts.success,
        reference=_SECTIONS.get(handshake.status or 0, ""),
    )


def body_begins(facts: Facts, head: Head) -> str:
    """Say how a refusal's body begins; "" where it has none that a person can read."""
    body = facts.observation.body
    if head.tokens("content-encoding") or b"\0" in body:
        return ""
    if head.has_token("transfer-encoding", "chunked"):
        body = re.sub(rb"\A[0-9A-Fa-f]+[^\n]*\n", b"", body)
    text = " ".join(body.decode("utf-8", "replace").split())
    title = _TITLE.search(text)
    if title is not None:
        return f"; its page is titled {shown(facts.without_secrets(title[1].strip()))}"
    return f"; its body begins {shown(facts.without_secrets(text))}" if text else ""


def why_intermediary(facts: Facts, head: Head, status: int | None) -> str | None:
    """Return why a refusal is not the application's own; None where it may well be."""
    if status == 407:
        return "a proxy wants credentials"
    if status == 511:
        return "a portal wants a login"
    if status in (302, 303, 307):
        return "it leads to a portal of another site" if _leads_to_portal(facts, head) else None
    author = author_of(head, facts.observation.body)
    if status in (502, 503, 504) and author is not None:
        return f"it comes from {shown(author)}, not from the application"
    if status in (401, 429, 500) and is_haproxys(facts.observation.body):
        return "'HAProxy' wrote it itself"
    if status in (400, 403, 426) and author is not None and author not in SERVERS_TOO:
        # HAProxy and the like have no pages of their own but these; Via alone says nothing, since
        # whoever passes an application's answer on writes it, too (RFC 9110 §7.6.3).
        return f"{shown(author)} wrote it itself"
    program = program_of(head)
    if status in (502, 504) and program is not None:
        # RFC 9110 §15.6.3, §15.6.5: "while acting as a gateway or proxy".
        return f"gateways say so of the server behind them, and {shown(program)} is on the way"
    return None


def _leads_to_portal(facts: Facts, head: Head) -> bool:
    """Tell whether a redirect leads to a captive portal, of another site than was asked for.

    A login elsewhere is none: that is how applications sign their users on.
    """
    location = _LOCATION.match((head.value("location") or "").lower())
    asked = host_of(facts)
    if location is None or asked is None:
        return False
    # Below co.uk that is too much, and silence does no harm.
    if location[1].split(".")[-2:] == asked.split(".")[-2:]:
        return False
    return any(word in location[0] for word in ("captive", "hotspot", "portal"))


@check(
    "PRX-23",
    "upgrade-did-not-arrive",
    "The server says that it was not asked to upgrade, and it was",
    severity="warning",
    tags=_PROXY,
    references=("RFC 9110 §7.6.1", "RFC 9110 §7.8"),
    explanation=(
        "The request is right where it was captured, and the answer complains of the very fields "
        "that are there: Upgrade, Connection, or the version of HTTP. Who answered got another "
        "request. Between here and there a proxy took these fields out, which belong to one hop, "
        "and did not write them anew; it may have taken Upgrade out of the answer, too. PRX-01 "
        "says so in a capture behind the proxy."
    ),
    advice=(
        "nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header "
        "Connection upgrade. Apache: mod_proxy_wstunnel, or upgrade=websocket. Capture behind the "
        "proxy, too."
    ),
    example="nginx-proxy.pcapng",
    faults=("HSR-10",),
)
def upgrade_did_not_arrive(facts: Facts) -> Iterator[Finding]:
    """PRX-23."""
    told = not_arrived(facts)
    if told is not None:
        message, evidence = told
        yield facts.once("server", message, evidence=evidence[:200], expected=facts.success)


def not_arrived(facts: Facts) -> tuple[str, str] | None:
    """Return how an answer shows that the upgrade did not arrive, and what shows it; else None."""
    handshake = facts.handshake
    if handshake is None or facts.connection.outcome != "refused" or not facts.has_request:
        return None
    response, body = handshake.response_head, facts.observation.body
    if response is None or not _asks_well(handshake.request_head):
        return None
    said = _NO_UPGRADE.search(body) if handshake.status in (400, 426) else None
    if said is not None:
        line = body[body.rfind(b"\n", 0, said.start()) + 1 :].partition(b"\n")[0]
        return (
            f"the answer {handshake.status} complains of Upgrade, Connection or the version, which "
            "are right in the request: they did not arrive",
            facts.without_secrets(line.decode("utf-8", "replace")),
        )
    if handshake.status == 505 and response.http_version != "1.0":
        return (
            "the answer 505 says that the request came in another version of HTTP than the 1.1 "
            "that it has here: it was changed on its way",
            response.start_line,
        )
    return None


def _asks_well(head: Head) -> bool:
    """Tell whether a request asks for WebSocket so that no server finds fault with it."""
    upgrade = [token.lower() for token in head.tokens("upgrade")]
    connection = {token.lower() for token in head.tokens("connection")}
    return head.http_version == "1.1" and upgrade == ["websocket"] and "upgrade" in connection


@check(
    "PRX-06",
    "cached-response",
    "The response came out of a cache",
    severity="error",
    tags=_PROXY,
    references=("RFC 9111 §3", "RFC 9110 §6.6.1", "RFC 6455 §10.3"),
    explanation=(
        "An answer to an upgrade is for one request only. Age, or a cache that says HIT, shows "
        "that it was given to somebody else before; so does a Date that came with an earlier "
        "answer and has not moved on since. A 101 out of a cache cannot have the right "
        "accept value; a refusal out of a cache hides that the server may work again."
    ),
    advice="Exclude requests with Upgrade from caching.",
    scope=CAPTURE,
    example="varnish-proxy.pcapng",
)
def cached_response(facts: CaptureFacts) -> Iterator[Finding]:
    """PRX-06: by what the response says of itself, else by an earlier one that it repeats."""
    first_with: dict[tuple[object, ...], Facts] = {}
    for each in _may_be_cached(facts):
        handshake = each.handshake
        if handshake is None or handshake.response_head is None:
            continue
        severity = "error" if handshake.succeeded else "warning"
        found = cache_signs(handshake.response_head)
        if found:
            message = f"the answer {handshake.status} came out of a cache: "
            message += shown(", ".join(found))
            evidence = "; ".join(found)[:200]
            finding = each.once("server", message, evidence=evidence, severity=severity)
            yield facts.about(each, finding)
        elif handshake.response_head.count("date"):
            before = first_with.setdefault(_written(each, handshake), each)
            repeats = _repeats(before, each) if before is not each else None
            if repeats is not None:
                evidence = f"Date: {handshake.response_head.value('date')}"[:200]
                finding = each.once("server", repeats, evidence=evidence, severity=severity)
                yield facts.about(each, finding)


def _may_be_cached(facts: CaptureFacts) -> list[Facts]:
    """Return the connections whose responses may come out of a cache.

    Some field of theirs says so, or they have the accept value of another one, or none.
    """
    if not _may_any_be_cached(facts):
        return []
    answered, accepts = [], []
    for each in facts.connections:
        handshake = each.handshake
        if handshake is not None and handshake.response_head is not None and each.has_request:
            answered.append(each)
            accepts.append(handshake.accept)
    counts = Counter(accepts)
    return [
        each
        for each, accept in zip(answered, accepts, strict=True)
        if counts[accept] > 1 or _speaks_of_cache(each)
    ]


def _may_any_be_cached(facts: CaptureFacts) -> bool:
    """Tell quickly whether any response may come out of a cache.

    Where all accept values are right, two of them are the same where two keys are.
    """
    if any(each.alike is None or _speaks_of_cache(each) for each in facts.distinct):
        return True
    return any(len(connections) > 1 for connections in facts.by_key.values())


def _speaks_of_cache(facts: Facts) -> bool:
    head = facts.handshake.response_head if facts.handshake is not None else None
    return head is not None and head.has_any(CACHE_FIELDS)


def _written(facts: Facts, handshake: Handshake) -> tuple[object, ...]:
    """Return what two responses have in common that may be one: from where, for what, and when."""
    record, head = facts.connection, handshake.response_head
    place = (record.capture, record.server_ip, record.server_port)
    date = head.value("date") if head is not None else None
    return (*place, handshake.host, handshake.target, handshake.status, date, handshake.accept)


def _repeats(before: Facts, after: Facts) -> str | None:
    """Say that a response was written for an earlier request; None where that is not sure.

    Servers write Date anew every second (RFC 9110 §6.6.1: when the message was made). One whose
    clock stands still, or has never been set, does not show the time at which it answered first.
    """
    one, two = before.connection.responded, after.connection.responded
    head = before.handshake.response_head if before.handshake is not None else None
    if one is None or two is None or head is None:
        return None
    written = maybe_date(head.value("date") or "")
    apart = (two - one) / SECOND
    if written is None or abs(written - one / SECOND) > CLOCKS_APART_S or apart < DATE_KEPT_S:
        return None
    return (
        f"the answer repeats the Date of the one in packet {before.connection.response_packet}, "
        f"{apart:.1f} s before"
    )


def maybe_date(value: str) -> float | None:
    """Return the seconds since the epoch of an HTTP date (RFC 9110 §5.6.7); None for any other."""
    parts = _DATE.fullmatch(value.strip())
    if parts is None or parts[2] not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(parts[each]) for each in (1, 3, 4, 5, 6))
    month = _MONTHS.index(parts[2]) + 1
    if year < 1970 or not 1 <= day <= monthrange(year, month)[1]:
        return None
    return float(timegm((year, month, day, hour, minute, second)))


@check(
    "PRX-07",
    "accept-of-another-key",
    "The accept value answers another connection's key",
    severity="error",
    tags=(*_PROXY, "security"),
    references=("RFC 6455 §4.1 response item 4", "RFC 6455 §10.3"),
    explanation=(
        "The accept value is wrong for this key and right for one of another connection in the "
        "capture: somebody mixed up two requests, replaced the key, or answered out of a cache."
    ),
    advice="Look at what both connections have in common: most often one proxy.",
    scope=CAPTURE,
    instead_of=("HSR-04",),
)
def accept_of_another_key(facts: CaptureFacts) -> Iterator[Finding]:
    """PRX-07."""
    wrong = [
        each
        for each in facts.connections
        if each.connection.outcome == "invalid"
        and each.handshake is not None
        and each.handshake.accept_valid is False
    ]
    if not wrong:
        return
    owners: dict[str, Facts] = {}
    for each in facts.connections:
        expected = each.handshake.accept_expected if each.handshake is not None else None
        if expected is not None:
            owners.setdefault(expected, each)
    for each in wrong:
        accept = each.handshake.accept if each.handshake is not None else None
        owner = owners.get(accept or "")
        if owner is None or owner is each:
            continue
        message = f"{shown(accept)} answers the key in packet {owner.connection.request_packet}"
        finding = each.once(
            "server",
            message,
            evidence=f"Sec-WebSocket-Accept: {accept}"[:200],
            expected=each.handshake.accept_expected if each.handshake is not None else None,
        )
        yield facts.about(each, finding)
