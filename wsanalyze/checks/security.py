"""Security (SEC) as far as traffic shows it: secrets in the clear, origins, endpoints."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import CAPTURE, check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.intermediaries import tls_ended_before
from wsanalyze.checks.redaction import address
from wsanalyze.checks.sites import (
    HOST,
    domain,
    is_inside,
    is_loopback,
    is_public_name,
    names_server,
    same_site,
)
from wsanalyze.checks.tokens import bearer, tokens
from wsanalyze.tunnels.way import sources
from wsanalyze.websocket.faults import shown
from wsanalyze.websocket.handshake import Handshake

# Origins that whoever can make somebody open a file or a frame, or install something, may have; of
# applications made of pages (capacitor:, app:, tauri:) nobody else has theirs.
ANYBODYS = ("file:", "chrome-extension:", "moz-extension:")
CREDENTIALS = frozenset(("cookie", "authorization", "proxy-authorization"))
# Where it is said of each that it must not be sent in the clear.
FIELDS = {
    "Cookie": "RFC 6265 §8.3",
    "Authorization": "RFC 9110 §11.6.2, §17.16.1",
    "Proxy-Authorization": "RFC 9110 §11.7.2, §17.16.1",
}
SUBPROTOCOLS = frozenset(("sec-websocket-protocol", "websocket-protocol"))
# What a finding over plain ws says where a proxy had TLS with the client.
BEHIND_TLS = ": TLS ended at a proxy, from which on it is in the clear"
SECOND = 1_000_000_000


@check(
    "SEC-01",
    "secret-in-the-clear",
    "Credentials over plain ws",
    severity="warning",
    tags=("security", "privacy", "handshake"),
    references=("RFC 6455 §10.6", "RFC 6265 §8.3", "RFC 9110 §17.16.1", "RFC 6750 §2.3"),
    explanation=(
        "The request carries a cookie, Authorization, a token in its address or in a subprotocol, "
        "and the connection is not encrypted: whoever is on the way can read it and use it. Behind "
        "a proxy at which TLS ends, that is who is between it and the server: a remark then."
    ),
    advice="Use wss. What was sent in the clear should be taken out of use.",
    example="refused-upgrades.pcapng",
    fields=("cookie", "authorization", "proxy-authorization", "sec-websocket-protocol", "?"),
    of_heads=True,
)
def secret_in_the_clear(facts: Facts) -> Iterator[Finding]:
    """SEC-01: one finding for each kind."""
    handshake = facts.handshake
    if handshake is None or facts.connection.scheme != "ws" or not facts.has_request:
        return
    severity, where = ("info", BEHIND_TLS) if tls_ended_before(facts) else ("", "")
    for what, evidence, section in _credentials(facts, handshake):
        yield facts.once(
            "client",
            f"{what} over plain ws{where}",
            evidence=evidence[:200],
            severity=severity,
            reference=f"RFC 6455 §10.6; {section}" if section else "RFC 6455 §10.6",
        )


def _credentials(facts: Facts, handshake: Handshake) -> Iterator[tuple[str, str, str]]:
    """Yield what others should not read in a request: a sentence's begin, evidence, section."""
    head = handshake.request_head
    if head.has_any(CREDENTIALS):
        for field, section in FIELDS.items():
            value = head.value(field.lower())
            if value:
                yield f"the request carries {field}", f"{field}: {facts.secret(value)}", section
    offers = head.has_any(SUBPROTOCOLS)
    token = bearer(handshake.subprotocols_offered) if offers else None
    if token is not None:
        evidence = f"Sec-WebSocket-Protocol: {facts.secret(token)}"
        yield "a subprotocol carries a token", evidence, ""
    for name, value in tokens(handshake.target):
        what = f"the address carries the parameter {shown(name)}"
        yield what, f"{name}={facts.secret(value)}", "RFC 6750 §2.3"


@check(
    "SEC-02",
    "token-in-address",
    "A token in the address, over wss",
    severity="warning",
    tags=("security", "privacy", "handshake"),
    references=("RFC 6750 §2.3",),
    explanation=(
        "TLS hides the address on the way, but it ends in the logs of the server and of every "
        "proxy, and in the browser's history."
    ),
    advice="Send the token in the first message, or in a cookie.",
    fields=("?",),
    of_heads=True,
)
def token_in_address(facts: Facts) -> Iterator[Finding]:
    """SEC-02."""
    handshake = facts.handshake
    if handshake is None or facts.connection.scheme != "wss":
        return
    for name, value in tokens(handshake.target):
        message = f"the address carries the parameter {shown(name)}"
        yield facts.once("client", message, evidence=f"{name}={facts.secret(value)}"[:200])


@check(
    "SEC-03",
    "cross-site-accepted",
    "A request from another site was accepted",
    severity="warning",
    tags=("security", "handshake", "origin"),
    references=("RFC 6455 §10.2",),
    explanation=(
        "A browser sends a site's cookies whichever page opens the connection, and says in Origin "
        "which page that is. A server that does not look lets any page speak in its visitors' "
        "names: cross-site WebSocket hijacking."
    ),
    advice=(
        "Accept only the origins that you serve; ask for a token that other sites cannot know."
    ),
    fields=("origin",),
    example="cross-site.pcapng",
    of_heads=True,
)
def cross_site_accepted(facts: Facts) -> Iterator[Finding]:
    """SEC-03."""
    handshake = facts.handshake
    if handshake is None or facts.connection.outcome != "established" or handshake.origin is None:
        return
    cookie = handshake.request_head.count("cookie") > 0
    site = facts.origin
    if not cookie and site is not None and site[1].lower() in ("http", "https"):
        return
    origin, host = address(handshake.origin, show=facts.show_secrets), handshake.host
    evidence = f"Origin: {origin}"[:200]
    if site is None or site[1].lower() not in ("http", "https"):
        anybody = origin == "null" or origin.startswith(ANYBODYS)
        message = f"a request with the Origin {shown(origin)} was accepted"
        severity = "warning" if cookie and anybody else "info"
        yield facts.once("client", message, evidence=evidence, severity=severity)
    elif cookie and host is not None and not same_site(origin, host):
        # Pages of the machine itself are somebody's at work, or an application made of pages.
        if is_loopback(site[2]) or not names_server(handshake):
            return
        message = f"a request with cookies from {shown(origin)} was accepted for {shown(host)}"
        yield facts.once("client", message, evidence=evidence)


@check(
    "SEC-04",
    "origin-not-checked",
    "A server accepts several origins",
    severity="info",
    tags=("security", "origin"),
    references=("RFC 6455 §10.2",),
    explanation=(
        "Pages of several sites opened the same endpoint, under the same Host. It may be meant so; "
        "more often nobody checks."
    ),
    advice="Compare the list with the sites that should be able to connect.",
    scope=CAPTURE,
    example="cross-site.pcapng",
)
def origin_not_checked(facts: CaptureFacts) -> Iterator[Finding]:
    """SEC-04: one finding for each endpoint and Host: several sites may share an address."""
    endpoints: dict[str, dict[str, dict[str, list[Facts]]]] = {}
    # Of requests that say the same only the first one would be named.
    for each in facts.distinct:
        handshake, origin = each.handshake, each.origin
        if each.connection.outcome != "established" or handshake is None or origin is None:
            continue
        sites = endpoints.setdefault(each.endpoint, {})
        host = (handshake.host or "").lower()
        sites.setdefault(host, {}).setdefault(domain(origin[2]), []).append(each)
    for endpoint, sites in endpoints.items():
        for host, found in sites.items():
            origins = _first_that_name_it(found) if len(found) >= 2 else {}
            if len(origins) >= 2:
                names = ", ".join(shown(site) for site in list(origins)[:5])
                message = f"{endpoint} accepts {len(origins)} sites for {shown(host)}: {names}"
                last = list(origins.values())[-1]
                yield facts.about(last, last.once("client", message))


def _first_that_name_it(found: dict[str, list[Facts]]) -> dict[str, Facts]:
    """Return the first connection from each site whose Host is the browser's own.

    A proxy may have one name for the servers of many sites.
    """
    firsts = {}
    for site, connections in found.items():
        for each in connections:
            if each.handshake is not None and names_server(each.handshake):
                firsts[site] = each
                break
    return firsts


@check(
    "SEC-05",
    "mixed-content",
    "A page loaded over https uses plain ws",
    severity="warning",
    tags=("security", "origin", "privacy"),
    references=("RFC 6455 §10.6", "W3C Mixed Content §5.3"),
    explanation=(
        "The Origin says that the page came over https, and its WebSocket is not encrypted. "
        "Browsers block that, but for addresses of the same machine: here is another program, or "
        "an old one."
    ),
    advice="Use wss on pages of https.",
    fields=("origin",),
    example="cross-site.pcapng",
    of_heads=True,
)
def mixed_content(facts: Facts) -> Iterator[Finding]:
    """SEC-05."""
    handshake = facts.handshake
    if handshake is None or facts.connection.scheme != "ws" or not handshake.origin:
        return
    if handshake.origin[:8].lower() == "https://" and not tls_ended_before(facts):
        inside = _is_inside(facts) or bool(sources(facts.connection.tunnel))
        origin = address(handshake.origin, show=facts.show_secrets)
        message = f"a page of {shown(origin)} came over plain ws"
        if inside:
            message += ": TLS may end at a proxy before this place"
        evidence = f"Origin: {origin}"[:200]
        severity = "info" if inside else "warning"
        yield facts.once("client", message, evidence=evidence, severity=severity)


def _is_inside(facts: Facts) -> bool:
    """Tell whether a server is inside a network; of one behind a proxy its name may tell."""
    name = facts.server_name
    if not name:
        # Where a proxy was asked to go is not in the capture.
        return False
    if name == facts.connection.server_ip or ":" in name or name.replace(".", "").isdigit():
        return is_inside(name)
    return not is_public_name(name)


@check(
    "SEC-14",
    "private-endpoint",
    "A private address was reached from a public site",
    severity="warning",
    tags=("security", "origin"),
    references=("RFC 6455 §10.2",),
    explanation=(
        "A page of a public site opened a WebSocket to an address inside the network. With DNS "
        "rebinding a site can do that to every visitor; servers that check Host and Origin are "
        "safe."
    ),
    advice="Let servers inside refuse hosts and origins that they do not know.",
    fields=("origin",),
    example="cross-site.pcapng",
    of_heads=True,
)
def private_endpoint(facts: Facts) -> Iterator[Finding]:
    """SEC-14: where Host names an address or a machine inside, and the Origin a public site."""
    handshake, record = facts.handshake, facts.connection
    if handshake is None or not handshake.origin or record.outcome != "established":
        return
    host = HOST.match(handshake.host or "")
    if facts.origin is None or host is None or is_public_name(host[1]):
        return
    if is_public_name(facts.origin[2]) and _is_inside(facts):
        if not names_server(handshake):
            return
        page = address(handshake.origin, show=facts.show_secrets)
        message = f"a page of {shown(page)} reached {shown(host[0])}"
        yield facts.once("client", message, evidence=f"Origin: {page}"[:200])


@check(
    "SEC-15",
    "smuggling-shape",
    "The client went on as if a refused upgrade had worked",
    severity="warning",
    tags=("security", "handshake", "proxy"),
    references=("RFC 9110 §7.8", "RFC 9112 §9.3"),
    explanation=(
        "The upgrade was refused, and requests that the client had sent ahead of the answer were "
        "read as HTTP. A proxy that believes in the upgrade passes such requests on unseen: "
        "request smuggling through a fake WebSocket."
    ),
    advice="Let proxies look at the response's status before they open a tunnel.",
    circumstances=("pipelined",),
)
def smuggling_shape(facts: Facts) -> Iterator[Finding]:
    """SEC-15."""
    observation = facts.observation
    if facts.connection.outcome == "refused" and observation.pipelined:
        status = facts.handshake.status if facts.handshake is not None else None
        count = "a request" if observation.pipelined == 1 else f"{observation.pipelined} requests"
        message = f"{count} sent behind the upgrade went on after it was refused with {status}"
        yield facts.once("client", message)
