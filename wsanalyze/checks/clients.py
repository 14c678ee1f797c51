"""What clients are and do (XCN-05, 07, 08): pretended browsers, redirects, credentials."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import CAPTURE, check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.intermediaries import signs
from wsanalyze.checks.redaction import address
from wsanalyze.checks.refusals import REDIRECTS, redirected_to
from wsanalyze.websocket.faults import shown

SECOND = 1_000_000_000
MINUTE = 60 * SECOND

# What Chrome, all that is made of it, and Firefox call themselves; headless ones do not.
_BROWSER = re.compile(r"\b(Chrome|Firefox)/([0-9]{1,4})\b")

# The version since which both write their handshakes in today's order, of 2015.
_SINCE = 45

# What both write in any case → its name in small letters.
WRITTEN = {
    name: name.lower()
    for name in ("Origin", "Accept-Encoding", "Accept-Language", "Sec-WebSocket-Extensions")
}

# Thousands of connections come from few programs: what is told of the last ones is kept.
KEPT_AGENTS = 64

# The field that each of these asks for.
_CREDENTIALS = {401: "Authorization", 407: "Proxy-Authorization"}


@check(
    "XCN-05",
    "pretended-browser",
    "A request says that it is a browser's and is not written as one",
    severity="info",
    tags=("client", "security", "fingerprint"),
    references=(),
    explanation=(
        "Browsers write their handshakes in an order of their own and with certain fields. "
        "Chrome and Firefox send Accept-Encoding and Accept-Language, and User-Agent before the "
        "key; libraries most often write the key first. A request with a browser's User-Agent that "
        "does otherwise comes from a program that pretends, or was rewritten."
    ),
    advice="Look at the table headers: proxies rewrite requests, too.",
    fields=("user-agent",),
    of_heads=True,
)
def pretended_browser(facts: Facts) -> Iterator[Finding]:
    """XCN-05: by what Chrome and Firefox always write, as their versions since 2014 do.

    Safari says nothing of itself: its older engine sends neither Accept-Encoding nor
    Accept-Language, and User-Agent last; so did Chrome, which is built of it.
    """
    handshake = facts.handshake
    if handshake is None or not facts.has_request or handshake.is_hixie:
        return
    browser = _claimed_browser(handshake.user_agent or "")
    if browser is None:
        return
    head = handshake.request_head
    there = head.names
    missing = [name for name, field in WRITTEN.items() if field not in there]
    said = []
    if len(missing) >= 2:
        said.append(f"{', '.join(missing)} missing")
    names = list(there)
    # Who passes a request on may write its fields in another order.
    if "sec-websocket-key" in names[: names.index("user-agent")] and not signs(head):
        said.append("Sec-WebSocket-Key before User-Agent")
    if said:
        message = f"{'; '.join(said)}: {browser} does not write so"
        evidence = f"User-Agent: {handshake.user_agent}"[:200]
        yield facts.once("client", message, evidence=evidence)


@lru_cache(KEPT_AGENTS)
def _claimed_browser(agent: str) -> str | None:
    """Return `Chrome` or `Firefox`, if a User-Agent says so, with a version of today's order.

    The Edge of 2015 to 2020 said that it was Chrome, and wrote as Internet Explorer.
    """
    if not agent.startswith("Mozilla/5.0 (") or "Edge/" in agent:
        return None
    # A long way for a regular expression, a short one for a word.
    begins = [at for at in (agent.find("Chrome/"), agent.find("Firefox/")) if at >= 0]
    claim = _BROWSER.search(agent, min(begins)) if begins else None
    return claim[1] if claim is not None and int(claim[2]) >= _SINCE else None


@check(
    "XCN-07",
    "redirected",
    "An upgrade was redirected",
    severity="info",
    tags=("client", "handshake", "security"),
    references=("RFC 6455 §4.1 response item 1",),
    explanation=(
        "A client may follow a redirect; browsers do not. From wss to ws it must not go: the "
        "connection would lose its encryption without anybody noticing."
    ),
    advice="Give clients the final address; never redirect to ws:// or http://.",
    scope=CAPTURE,
    example="refused-upgrades.pcapng",
)
def redirected(facts: CaptureFacts) -> Iterator[Finding]:
    """XCN-07: whether the client asked for the new place; HSR-10 says nothing of these answers."""
    asked: dict[tuple[str, str], list[int]] = {}
    redirects: list[tuple[Facts, str]] = []
    if facts.statuses.isdisjoint(REDIRECTS):
        return
    for each in facts.connections:
        handshake, record = each.handshake, each.connection
        if handshake is None or record.requested is None:
            continue
        asked.setdefault((record.client_ip, handshake.target or ""), []).append(record.requested)
        location = redirected_to(each)
        if location is not None:
            redirects.append((each, location))
    for times in asked.values():
        times.sort()
    for each, location in redirects:
        times = asked.get((each.connection.client_ip, _path_of(location)), [])
        place = each.without_secrets(address(location, show=each.show_secrets))
        status = each.handshake.status if each.handshake is not None else None
        weaker = each.connection.scheme == "wss" and _leads_to_plain(location)
        followed = "followed" if _is_followed(each, times) else "did not follow in this capture"
        finding = each.once(
            "server",
            f"the answer is {status}: redirected to {shown(place)}, which the client {followed}",
            evidence=f"Location: {place}"[:200],
            expected=each.success,
            severity="warning" if weaker else "info",
        )
        yield facts.about(each, finding)


def _path_of(location: str) -> str:
    _, absolute, rest = location.partition("://")
    return f"/{rest.partition('/')[2]}" if absolute else location


def _leads_to_plain(location: str) -> bool:
    return location.lower().startswith(("ws://", "http://"))


def _is_followed(redirect: Facts, times: list[int]) -> bool:
    """Tell whether one of these requests, in order, came within a minute of the redirect."""
    responded = redirect.connection.responded
    if responded is None:
        return False
    place = bisect_left(times, responded)
    return place < len(times) and times[place] - responded <= MINUTE


@check(
    "XCN-08",
    "credentials-on-demand",
    "Credentials were sent in the clear when asked for",
    severity="warning",
    tags=("client", "security", "privacy"),
    references=("RFC 6455 §10.5", "RFC 7617 §4"),
    explanation=(
        "The server asked for credentials over plain ws, and the client sent them: with Basic they "
        "are the password itself."
    ),
    advice="Ask for credentials over wss only.",
    scope=CAPTURE,
    instead_of=("SEC-01",),
    example="refused-upgrades.pcapng",
)
def credentials_on_demand(facts: CaptureFacts) -> Iterator[Finding]:
    """XCN-08: 401 or 407, then the same request with credentials; one for each client and place."""
    wanted: dict[tuple[str, str, str], int] = {}
    sent: dict[tuple[str, str, str], list[Facts]] = {}
    if facts.statuses.isdisjoint(_CREDENTIALS):
        return
    for each in facts.connections:
        handshake, record = each.handshake, each.connection
        if handshake is None or record.scheme != "ws":
            continue
        target = handshake.target or ""
        key = (each.endpoint, record.client_ip, target)
        if key in wanted and handshake.request_head.value(_CREDENTIALS[wanted[key]].lower()):
            sent.setdefault(key, []).append(each)
        elif handshake.status in _CREDENTIALS:
            wanted[key] = handshake.status
    for key, attempts in sent.items():
        first, field = attempts[0], _CREDENTIALS[wanted[key]]
        head = first.handshake.request_head if first.handshake is not None else None
        value = head.value(field.lower()) if head is not None else None
        message = f"after {wanted[key]} the client sent {field} over plain ws"
        evidence = f"{field}: {first.secret(value or '')}"[:200]
        finding = first.once("client", message, evidence=evidence)
        yield facts.about(first, replace(finding, count=len(attempts)))
