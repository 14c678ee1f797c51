"""Intermediaries (PRX): what was stripped, answered or cached on the way, by the heads."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wsanalyze.checks.check import CAPTURE, check
from wsanalyze.checks.facts import CaptureFacts, Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.intermediaries import (
    FIELDS,
    SERVERS_TOO,
    author_of,
    cache_signs,
    program_of,
    signs,
)
from wsanalyze.checks.redaction import address
from wsanalyze.websocket.faults import shown
from wsanalyze.websocket.fields import Head

_PROXY = ("proxy", "handshake")

# The name in a Host field, and in an absolute Location.
_HOST = re.compile(r"([^/:\[\]]+|\[[^\]]+\])(?::[0-9]*)?\Z")
_LOCATION = re.compile(r"https?://([^/?#:]+)[^?#]*")


@check(
    "PRX-01",
    "upgrade-stripped-on-the-way",
    "The upgrade was stripped before it arrived",
    severity="warning",
    tags=_PROXY,
    references=("RFC 9110 §7.6.1",),
    explanation=(
        "Sec-WebSocket-Key and Version arrive, Upgrade or Connection: Upgrade do not. Upgrade and "
        "Connection are for one hop only: a proxy has to take them out, and to make new ones if it "
        "is to pass the upgrade on. This one did not."
    ),
    advice=(
        "nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header "
        "Connection upgrade. Apache: mod_proxy_wstunnel, or upgrade=websocket. HAProxy passes it "
        "on by itself; Squid does from version 5 on, with http_upgrade_request_protocols."
    ),
    example="nginx-proxy.pcapng",
    faults=("HSQ-04", "HSQ-05"),
)
def upgrade_stripped_on_the_way(facts: Facts) -> Iterator[Finding]:
    """PRX-01."""
    if not facts.faults.keys() & {"HSQ-04", "HSQ-05"} or facts.handshake is None:
        return
    head = facts.handshake.request_head
    if not (head.count("sec-websocket-key") and head.count("sec-websocket-version")):
        return
    missing = []
    if not facts.handshake.request.names_websocket:
        missing.append("Upgrade: websocket")
    if not head.has_token("connection", "upgrade"):
        missing.append("Connection: Upgrade")
    connection = ", ".join(head.values("connection"))
    left = f"Connection: {connection}" if connection else "no Connection field"
    message = f"{' and '.join(missing)} missing although Sec-WebSocket-Key arrived"
    by = signs(head)
    if by:
        message += f"; an intermediary left {shown(by[0])}"
    yield facts.once("client", message, evidence=left[:200], expected=", ".join(missing))


@check(
    "PRX-02",
    "upgrade-stripped-on-the-way-back",
    "The response's upgrade was stripped on the way back",
    severity="warning",
    tags=_PROXY,
    references=("RFC 9110 §7.6.1", "RFC 9110 §15.2.2"),
    explanation=(
        "The 101 has the accept value, and not Upgrade or Connection: the server answered well, "
        "and somebody took out what belongs to one hop."
    ),
    advice="Look at the proxy nearest to the client; it must write these fields anew.",
    example="bad-accept.pcapng",
    faults=("HSR-01", "HSR-02"),
)
def upgrade_stripped_on_the_way_back(facts: Facts) -> Iterator[Finding]:
    """PRX-02."""
    handshake = facts.handshake
    if handshake is None or not facts.faults.keys() & {"HSR-01", "HSR-02"}:
        return
    head = handshake.response_head
    if head is None or not handshake.accept_valid:
        return
    missing = [
        name
        for name, there in (
            ("Upgrade", head.count("upgrade")),
            ("Connection: Upgrade", head.has_token("connection", "upgrade")),
        )
        if not there
    ]
    if missing:
        message = f"the accept value is right, and the 101 has no {' and no '.join(missing)}"
        yield facts.once("server", message, expected=", ".join(missing))


@check(
    "PRX-03",
    "downgraded",
    "The request or the response was downgraded on the way",
    severity="warning",
    tags=_PROXY,
    references=("RFC 9110 §7.8", "RFC 9110 §7.6.1"),
    explanation=(
        "A handshake in HTTP/1.0, or with Connection: close in the place of Upgrade, was not "
        "written by a WebSocket client: a proxy forwards as it does for pages."
    ),
    advice="Let the proxy use HTTP/1.1 towards the server, and pass Connection: Upgrade.",
    example="nginx-proxy.pcapng",
    faults=("HSQ-02", "HSQ-05", "HSR-10", "HSR-14"),
)
def downgraded(facts: Facts) -> Iterator[Finding]:
    """PRX-03."""
    handshake = facts.handshake
    if handshake is None or not facts.faults:
        return
    head = handshake.request_head
    if not head.count("sec-websocket-key"):
        return
    reasons = []
    if head.http_version == "1.0":
        reasons.append("HTTP/1.0")
    options = [option.lower() for option in head.tokens("connection")]
    if "upgrade" not in options and options:
        reasons.append(f"Connection: {', '.join(head.values('connection'))}")
    if reasons:
        message = f"the request came with {shown(' and '.join(reasons))}"
        evidence = address(head.start_line, show=facts.show_secrets)[:200]
        yield facts.once("client", message, evidence=evidence)
    response = handshake.response_head
    if response is None or response.http_version != "1.0":
        return
    # A refusal in HTTP/1.0 may be all that a small server knows; nobody upgrades with it.
    if handshake.status == 101 or response.count("via"):
        message = f"the response came with HTTP/1.0: {shown(response.start_line)}"
        yield facts.once("server", message, evidence=response.start_line[:200])


@check(
    "PRX-04",
    "intermediary-seen",
    "An intermediary left its name",
    severity="info",
    tags=_PROXY,
    references=("RFC 9110 §7.6.3", "RFC 7239 §4"),
    explanation=(
        "Fields such as Via, X-Forwarded-For or CF-Ray are written by proxies and gateways. They "
        "say who stands between, and so where to look next."
    ),
    advice="Nothing is wrong.",
    example="nginx-proxy.pcapng",
    fields=(*FIELDS, "server"),
)
def intermediary_seen(facts: Facts) -> Iterator[Finding]:
    """PRX-04: one finding for each side."""
    handshake = facts.handshake
    if handshake is None or not facts.has_request:
        return
    for sender, head in (("client", handshake.request_head), ("server", handshake.response_head)):
        found = signs(head) if head is not None else []
        if found:
            names = ", ".join(dict.fromkeys(each.partition(":")[0] for each in found))
            what = "request" if sender == "client" else "response"
            message = f"the {what} carries what intermediaries write: {shown(names)}"
            yield facts.once(sender, message, evidence="; ".join(found)[:200])


@check(
    "PRX-05",
    "answered-by-intermediary",
    "An intermediary answered in the server's place",
    severity="warning",
    tags=_PROXY,
    references=("RFC 9110 §15.6", "RFC 9110 §15.5.8"),
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
    why = _why_intermediary(facts, handshake.response_head, handshake.status)
    if why is None:
        return
    took = ""
    if record.requested is not None and record.responded is not None:
        took = f", {(record.responded - record.requested) / 1e6:.1f} ms after the request"
    message = f"the answer {handshake.status} came{took}: {why}"
    evidence = handshake.response_head.start_line[:200]
    yield facts.once("server", message, evidence=evidence, expected=facts.success)


def _why_intermediary(facts: Facts, head: Head, status: int | None) -> str | None:
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
    "PRX-06",
    "cached-response",
    "The response came out of a cache",
    severity="error",
    tags=_PROXY,
    references=("RFC 9111 §3", "RFC 6455 §10.3"),
    explanation=(
        "An answer to an upgrade is for one request only. Age, or a cache that says HIT, shows "
        "that it was given to somebody else before. A 101 out of a cache cannot have the right "
        "accept value; a refusal out of a cache hides that the server may work again."
    ),
    advice="Exclude requests with Upgrade from caching.",
    fields=("age", "x-cache", "x-cache-lookup", "x-cache-hits", "cf-cache-status"),
)
def cached_response(facts: Facts) -> Iterator[Finding]:
    """PRX-06."""
    handshake = facts.handshake
    if handshake is None or handshake.response_head is None or not facts.has_request:
        return
    found = cache_signs(handshake.response_head)
    if found:
        message = f"the answer {handshake.status} came out of a cache: {shown(', '.join(found))}"
        severity = "error" if handshake.succeeded else "warning"
        yield facts.once("server", message, evidence="; ".join(found)[:200], severity=severity)


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


@check(
    "PRX-18",
    "one-direction",
    "Only one direction is in the capture",
    severity="info",
    tags=("proxy", "capture"),
    references=(),
    explanation=(
        "One end's packets are not in the capture: the way back is another one, or the mirror port "
        "copies one direction. What the other end did is not known."
    ),
    advice="Capture on both ways, or at one of the ends.",
)
def one_direction(facts: Facts) -> Iterator[Finding]:
    """PRX-18."""
    record = facts.connection
    seen = (record.client_frames, record.server_frames)
    if not any(seen) or all(seen) or record.outcome not in ("unseen", "unanswered"):
        return
    if record.connect_ms is not None:
        # Packets of both ends opened it: who is silent has nothing to say.
        return
    silent, lost = ("server", record.server_lost_bytes)
    if not record.client_frames:
        silent, lost = ("client", record.client_lost_bytes)
    # A peer may have nothing to say; but then nothing of it is missing.
    if lost or record.outcome == "unanswered":
        yield Finding(f"nothing of what the {silent} sent is in the capture", coverage="gap")


@check(
    "PRX-20",
    "works-elsewhere",
    "The same host answers on one port and fails on another",
    severity="warning",
    tags=("proxy", "handshake"),
    references=("RFC 6455 §10.3",),
    explanation=(
        "Upgrades to one path of one host succeed on one port and fail on port 80, in a way in "
        "which intermediaries fail. Transparent proxies look at port 80 only, and break what they "
        "do not know."
    ),
    advice="Use wss on port 443, which such proxies cannot look into.",
    scope=CAPTURE,
)
def works_elsewhere(facts: CaptureFacts) -> Iterator[Finding]:
    """PRX-20."""
    by_place: dict[tuple[str, str], list[Facts]] = {}
    for each in facts.connections:
        host = host_of(each)
        if host is not None and each.handshake is not None:
            path = (each.handshake.target or "").partition("?")[0]
            by_place.setdefault((host, path), []).append(each)
    for (host, path), connections in by_place.items():
        plain = [each for each in connections if each.server_port == 80]
        worked = [
            each
            for each in connections
            if each.server_port != 80 and each.connection.outcome == "established"
        ]
        if plain and worked and all(_is_broken(each) for each in plain):
            port = worked[0].server_port
            message = f"{shown(host + path)} works on port {port} and fails on port 80"
            yield facts.about(plain[0], plain[0].once("server", message))


def _is_broken(facts: Facts) -> bool:
    """Tell whether an attempt failed as intermediaries let it: what a web server says is none.

    Where only wss is served, port 80 redirects, or knows no such page.
    """
    record = facts.connection
    if record.outcome == "refused" and facts.handshake is not None:
        return facts.handshake.status in (400, 426, 501, 502, 503, 504)
    return record.outcome in ("unanswered", "invalid")


def host_of(facts: Facts) -> str | None:
    """Return the name in Host, in small letters and without its port; None for none."""
    host = _HOST.match(facts.handshake.host or "") if facts.handshake is not None else None
    return host[1].lower() if host is not None else None
