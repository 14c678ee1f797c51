"""Intermediaries (PRX): what was stripped or changed on the way, by the heads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from wsanalyze.checks.both_legs import leg_before
from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import CAPTURE, check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.intermediaries import (
    FIELDS,
    author_of,
    signs,
    stripped_of_request,
    stripped_of_response,
)
from wsanalyze.checks.one_way import maybe_unseen_end
from wsanalyze.checks.redaction import address
from wsanalyze.checks.spans import octets
from wsanalyze.tunnels.way import address_and_port
from wsanalyze.websocket.faults import shown

SECOND = 1_000_000_000
_PROXY = ("proxy", "handshake")

# The name in a Host field.
_HOST = re.compile(r"([^/:\[\]]+|\[[^\]]+\])(?::[0-9]*)?\Z")


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
        "is to pass the upgrade on. This one did not. Where nobody stands between, the client "
        "itself left them out."
    ),
    advice=(
        "nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header "
        "Connection upgrade. Apache: mod_proxy_wstunnel, or upgrade=websocket. HAProxy passes it "
        "on by itself; Squid does from version 5 on, with http_upgrade_request_protocols."
    ),
    example="nginx-proxy.pcapng",
    faults=("HSQ-04", "HSQ-05"),
    instead_of=("PRX-23",),
)
def upgrade_stripped_on_the_way(facts: Facts) -> Iterator[Finding]:
    """PRX-01."""
    missing = _stripped(facts)
    if not missing or facts.handshake is None:
        return
    head = facts.handshake.request_head
    connection = ", ".join(head.values("connection"))
    left = f"Connection: {connection}" if connection else "no Connection field"
    key = "Sec-WebSocket-Key" if head.count("sec-websocket-key") else "Sec-WebSocket-Key1"
    message = f"{' and '.join(missing)} missing although {key} arrived"
    by = signs(head)
    if by:
        message += f"; an intermediary left {shown(by[0])}"
    front = leg_before(facts)
    is_seen = front is not None and front.handshake is not None and not _stripped(front)
    if front is not None and is_seen:
        proxy = address_and_port(front.connection.server_ip, front.connection.server_port)
        packet = front.connection.request_packet
        message += f"; the request to the proxy at {proxy}, in packet {packet}, has it"
    if refused_as_stripped(facts):
        message += f"; the server answered {facts.handshake.status}, as it should"
    finding = facts.once("client", message, evidence=left[:200], expected=", ".join(missing))
    if front is not None and is_seen:
        both = (front.connection.serial, facts.connection.serial)
        finding = replace(finding, concerns=both)
    yield finding


def _stripped(facts: Facts) -> list[str]:
    """Return what a request that is no good upgrade lost on its way."""
    if facts.handshake is None or not facts.faults.keys() & {"HSQ-04", "HSQ-05"}:
        return []
    return stripped_of_request(facts.handshake.request_head)


def refused_as_stripped(facts: Facts) -> bool:
    """Tell whether a request was refused for what it lost on its way, of which PRX-01 tells."""
    handshake = facts.handshake
    if handshake is None or facts.connection.outcome != "refused":
        return False
    return handshake.status in (400, 426, 505) and bool(_stripped(facts))


@check(
    "PRX-02",
    "upgrade-stripped-on-the-way-back",
    "The response's upgrade was stripped on the way back",
    severity="error",
    tags=_PROXY,
    references=("RFC 9110 §7.6.1", "RFC 9110 §15.2.2"),
    explanation=(
        "The 101 has the right accept value, and not Upgrade or Connection: somebody took out what "
        "belongs to one hop, and did not write it anew. A client must fail the connection for it. "
        "Where nobody stands between, the server itself left them out."
    ),
    advice="Look at the proxy nearest to the client; it must write these fields anew.",
    example="bad-accept.pcapng",
    faults=("HSR-01", "HSR-02"),
)
def upgrade_stripped_on_the_way_back(facts: Facts) -> Iterator[Finding]:
    """PRX-02."""
    handshake = facts.handshake
    if handshake is None or handshake.response_head is None:
        return
    head = handshake.response_head
    missing = stripped_of_response(head, accept_valid=handshake.accept_valid is True)
    if missing and facts.faults.keys() & {"HSR-01", "HSR-02"}:
        message = f"the accept value is right, and the 101 has no {' and no '.join(missing)}"
        by = signs(head)
        if by:
            message += f"; an intermediary left {shown(by[0])}"
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
    # Of an upgrade that was stripped PRX-01 tells, with what stands in the place of it.
    stripped = "Connection: Upgrade" in stripped_of_request(head)
    if "upgrade" not in options and options and not stripped:
        reasons.append(f"Connection: {', '.join(head.values('connection'))}")
    if reasons:
        message = f"the request came with {shown(' and '.join(reasons))}"
        evidence = address(head.start_line, show=facts.show_secrets)[:200]
        yield facts.once("client", message, evidence=evidence)
    response = handshake.response_head
    if response is None or response.http_version != "1.0":
        return
    # A refusal in HTTP/1.0 may be all that a small server knows; of a 101 HSR-14 tells.
    if handshake.status != 101 and response.count("via"):
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
    of_heads=True,
)
def intermediary_seen(facts: Facts) -> Iterator[Finding]:
    """PRX-04: one finding for each side."""
    handshake = facts.handshake
    if handshake is None or not facts.has_request:
        return
    for sender, head in (("client", handshake.request_head), ("server", handshake.response_head)):
        found = signs(head) if head is not None else []
        if found and not (sender == "server" and _is_told(facts, found)):
            names = ", ".join(dict.fromkeys(each.partition(":")[0] for each in found))
            what = "request" if sender == "client" else "response"
            message = f"the {what} carries what intermediaries write: {shown(names)}"
            yield facts.once(sender, message, evidence="; ".join(found)[:200])


def _is_told(facts: Facts, found: list[str]) -> bool:
    """Whether all that a response carries is the name that PRX-05 has."""
    handshake = facts.handshake
    head = None if handshake is None else handshake.response_head
    if handshake is None or head is None or handshake.status not in (502, 503, 504):
        return False
    named = all(each.startswith("Server:") for each in found)
    return named and author_of(head, facts.observation.body) is not None


@check(
    "PRX-18",
    "one-direction",
    "Only one direction is in the capture",
    severity="warning",
    tags=("proxy", "capture"),
    references=(),
    explanation=(
        "One end's packets are not in the capture: the way back is another one, or the mirror port "
        "copies one direction. What the other end did is not known."
    ),
    advice="Capture on both ways, or at one of the ends.",
    example="one-direction.pcapng",
    circumstances=("one-sided",),
)
def one_direction(facts: Facts) -> Iterator[Finding]:
    """PRX-18: what follows from it, TRN-01 and TRN-05, is not said again."""
    silent = maybe_unseen_end(facts)
    if silent is None:
        return
    seen = "client" if silent == "server" else "server"
    lost = getattr(facts.connection, f"{silent}_lost_bytes")
    head = "response" if silent == "server" else "request"
    message = f"nothing of what the {silent} sent is in the capture, not even its {head}"
    if lost:
        message += f": {octets(lost)} that the {seen} acknowledged"
    time, packet = facts.handshake_place(seen)
    yield Finding(message, time=time, packet=packet, coverage="gap")


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
    example="port-80.pcapng",
)
def works_elsewhere(facts: CaptureFacts) -> Iterator[Finding]:
    """PRX-20."""
    by_place: dict[tuple[str, str], list[Facts]] = {}
    patience = facts.thresholds.handshake_s
    # Where nothing failed on port 80, as in most captures, there is nothing to compare.
    if not any(each.server_port == 80 and _is_broken(each, patience) for each in facts.connections):
        return
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
        if plain and worked and all(_is_broken(each, patience) for each in plain):
            port = worked[0].server_port
            message = f"{shown(host + path)} works on port {port} and fails on port 80"
            yield facts.about(plain[0], plain[0].once("server", message))


def _is_broken(facts: Facts, patience_s: float) -> bool:
    """Tell whether an attempt failed as intermediaries let it: what a web server says is none.

    Where only wss is served, port 80 redirects, or knows no such page.
    """
    record = facts.connection
    if record.outcome == "refused" and facts.handshake is not None:
        return facts.handshake.status in (400, 426, 501, 502, 503, 504, 505)
    if facts.went_unanswered:
        # The capture may have ended before the answer came.
        waited = record.ended - (record.requested or record.ended)
        return facts.ended or waited >= patience_s * SECOND
    return record.outcome == "invalid"


def host_of(facts: Facts) -> str | None:
    """Return the name in Host, in small letters and without its port; None for none."""
    host = _HOST.match(facts.handshake.host or "") if facts.handshake is not None else None
    return host[1].lower() if host is not None else None
