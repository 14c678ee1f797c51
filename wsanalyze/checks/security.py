"""Security (SEC) as far as traffic shows it: secrets in the clear, origins, contents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address

from wsanalyze.checks.check import CAPTURE, check
from wsanalyze.checks.facts import CaptureFacts, Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.intermediaries import signs
from wsanalyze.observation import INNER, SECRETS
from wsanalyze.websocket.faults import shown
from wsanalyze.websocket.handshake import Handshake

# Names of query parameters that carry what should not be read by others.
_TOKENS = re.compile(
    r"[?&;]([\w.-]{0,40}(?:token|jwt|secret|passwd|password|signature|credential|api[-_]?key)|"
    r"key|sig|sid|pwd|auth|authorization|ticket|session(?:[-_]?(?:id|key))?)=([^&;#\s]+)",
    re.IGNORECASE,
)
# What a flag or a number of such a name has, which is no secret.
_NO_SECRET = re.compile(r"true|false|null|none|undefined|.{1,3}", re.IGNORECASE)
# Subprotocols by which clients hand over tokens, because browsers cannot set other fields: the
# token stands behind such a name, or is offered next to it.
_BEARER = re.compile(
    r"(?:base64url\.bearer\.authorization(?:\.k8s\.io)?|(?:authorization\.)?bearer|"
    r"access[-_.]?token|authorization|token|jwt)(?:[-_.](.+))?",
    re.IGNORECASE,
)
# (Begun within a word, each of many such beginnings would be read to the end.)
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}")
# Letters and digits, as in what is random, and in hardly any name of a protocol.
_OPAQUE = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9._~+/=-]{16,}")
_ORIGIN = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/:\[\]]+|\[[^\]]+\])(?::([0-9]+))?")
_HOST = re.compile(r"([^/:\[\]]+|\[[^\]]+\])(?::([0-9]+))?")

# What offers and addresses of tunnels and remote shells look like.
_TUNNEL_SUBPROTOCOLS = (
    (re.compile(r"chisel-v[0-9]"), "chisel, a tunnel for TCP"),
    (re.compile(r"(?:v1\.)?wstunnel|authorization\.bearer\..*"), "wstunnel"),
    (re.compile(r"webtty|gotty"), "gotty, a shell in the browser"),
    (re.compile(r"tty"), "ttyd, a shell in the browser"),
    (re.compile(r"guacamole"), "Guacamole, remote desktops"),
    (re.compile(r"v[0-9]\.channel\.k8s\.io|channel\.k8s\.io"), "kubectl exec"),
)
_TUNNEL_TARGETS = {
    "wstunnel": "wstunnel",
    "websockify": "websockify, VNC or any TCP in WebSocket",
}
_TUNNEL_TARGET = re.compile(r"/(wstunnel|websockify)(?:[/?]|$)|^/v1/(?=events(?:[/?]|$))")
SECOND = 1_000_000_000


@check(
    "SEC-01",
    "secret-in-the-clear",
    "Credentials over plain ws",
    severity="warning",
    tags=("security", "privacy", "handshake"),
    references=("RFC 6455 §10.6", "RFC 6265 §8.3", "RFC 6750 §2.3"),
    explanation=(
        "The request carries a cookie, Authorization, a token in its address or in a subprotocol, "
        "and the connection is not encrypted: whoever is on the way can read it and use it."
    ),
    advice="Use wss. What was sent in the clear should be taken out of use.",
    example="refused-upgrades.pcapng",
    fields=("cookie", "authorization", "proxy-authorization", "sec-websocket-protocol", "?"),
)
def secret_in_the_clear(facts: Facts) -> Iterator[Finding]:
    """SEC-01: one finding for each kind."""
    handshake = facts.handshake
    if handshake is None or facts.connection.scheme != "ws" or not facts.has_request:
        return
    head = handshake.request_head
    for field in ("Cookie", "Authorization", "Proxy-Authorization"):
        value = head.value(field.lower())
        if value:
            message = f"the request carries {field} over plain ws"
            yield facts.once("client", message, evidence=f"{field}: {facts.secret(value)}"[:200])
    token = _bearer(handshake.subprotocols_offered)
    if token is not None:
        evidence = f"Sec-WebSocket-Protocol: {facts.secret(token)}"[:200]
        yield facts.once("client", "a subprotocol carries a token over plain ws", evidence=evidence)
    for name, value in _tokens(handshake.target):
        message = f"the address carries the parameter {shown(name)} over plain ws"
        yield facts.once("client", message, evidence=f"{name}={facts.secret(value)}"[:200])


def _bearer(offered: list[str]) -> str | None:
    """Return the subprotocol that is a token or holds one, None where there is none."""
    named = False
    for subprotocol in offered:
        if _JWT.search(subprotocol) or (named and _OPAQUE.fullmatch(subprotocol)):
            return subprotocol
        match = _BEARER.fullmatch(subprotocol)
        named = match is not None and match[1] is None
        if match is not None and match[1] is not None and _OPAQUE.fullmatch(match[1]):
            return subprotocol
    return None


def _tokens(target: str | None) -> list[tuple[str, str]]:
    """Return the parameters of an address that look like secrets, each name once."""
    if target is None or "=" not in target:
        return []
    found = {match[1]: match[2] for match in _TOKENS.finditer(target)}
    return [(name, value) for name, value in found.items() if not _NO_SECRET.fullmatch(value)]


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
)
def token_in_address(facts: Facts) -> Iterator[Finding]:
    """SEC-02."""
    handshake = facts.handshake
    if handshake is None or facts.connection.scheme != "wss":
        return
    for name, value in _tokens(handshake.target):
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
)
def cross_site_accepted(facts: Facts) -> Iterator[Finding]:
    """SEC-03."""
    handshake = facts.handshake
    if handshake is None or facts.connection.outcome != "established" or handshake.origin is None:
        return
    origin, host = handshake.origin, handshake.host
    evidence = f"Origin: {origin}"[:200]
    cookie = handshake.request_head.count("cookie") > 0
    if origin == "null" or origin.startswith(("file:", "chrome-extension:", "moz-extension:")):
        severity = "warning" if cookie else "info"
        message = f"a request with the Origin {shown(origin)} was accepted"
        yield facts.once("client", message, evidence=evidence, severity=severity)
    elif cookie and host is not None and not _same_site(origin, host):
        if not _names_server(handshake):
            return
        message = f"a request with cookies from {shown(origin)} was accepted for {shown(host)}"
        yield facts.once("client", message, evidence=evidence)


def _names_server(handshake: Handshake) -> bool:
    """Tell whether Host is what the browser wrote, and not a proxy's own name for the server.

    nginx writes the address from its configuration there if it is not told otherwise. A public
    name is taken for what it says; another one only in a request that no proxy has written.
    """
    head = handshake.request_head
    host = _HOST.match(handshake.host or "")
    if host is not None and _is_public_name(host[1]):
        return True
    written = head.fields[0].name == "Host" and "Upgrade" in head.tokens("connection")
    return written and not signs(head)


def _same_site(origin: str, host: str) -> bool:
    """Tell whether an origin and a host belong together, whatever their ports and schemes.

    Names of one registered domain do (www.example.com and ws.example.com), as far as that can be
    told without the list of public suffixes.
    """
    one, other = _ORIGIN.match(origin), _HOST.match(host)
    return one is None or other is None or _domain(one[2]) == _domain(other[1])


def _domain(name: str) -> str:
    """Return the last two labels of a name, three below such as co.uk; addresses as they are."""
    lowered = name.lower().rstrip(".")
    labels = lowered.split(".")
    if lowered.startswith("[") or labels[-1].isdigit():
        return lowered
    second = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return ".".join(labels[-3 if second else -2 :])


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
)
def origin_not_checked(facts: CaptureFacts) -> Iterator[Finding]:
    """SEC-04: one finding for each endpoint and Host: several sites may share an address."""
    for (ip, port), connections in facts.by_endpoint.items():
        sites: dict[str, dict[str, Facts]] = {}
        for each in connections:
            handshake = each.handshake
            if each.connection.outcome == "established" and handshake is not None:
                origin = _ORIGIN.match(handshake.origin or "")
                if origin is not None:
                    host = (handshake.host or "").lower()
                    sites.setdefault(host, {}).setdefault(_domain(origin[2]), each)
        for host, origins in sites.items():
            if len(origins) >= 2:
                names = ", ".join(shown(site) for site in list(origins)[:5])
                message = f"{ip}:{port} accepts {len(origins)} sites for {shown(host)}: {names}"
                last = list(origins.values())[-1]
                yield facts.about(last, last.once("client", message))


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
)
def mixed_content(facts: Facts) -> Iterator[Finding]:
    """SEC-05."""
    handshake = facts.handshake
    if handshake is None or facts.connection.scheme != "ws" or not handshake.origin:
        return
    if handshake.origin.lower().startswith("https://") and not _behind_tls(facts):
        inside = ip_address(facts.connection.server_ip).is_private
        message = f"a page of {shown(handshake.origin)} came over plain ws"
        if inside:
            message += ": TLS may end at a proxy before this place"
        evidence = f"Origin: {handshake.origin}"[:200]
        severity = "info" if inside else "warning"
        yield facts.once("client", message, evidence=evidence, severity=severity)


def _behind_tls(facts: Facts) -> bool:
    """Tell whether a proxy says that TLS ended at it: plain ws is its way to the server."""
    handshake = facts.handshake
    if handshake is None:
        return False
    head = handshake.request_head
    named = (head.value("x-forwarded-proto"), head.value("x-forwarded-scheme"))
    forwarded = (head.value("forwarded") or "").lower()
    return any((each or "").lower() in ("https", "wss") for each in named) or "https" in forwarded


@check(
    "SEC-10",
    "request-line-on-the-wire",
    "A frame spells an HTTP request on the wire",
    severity="error",
    tags=("security", "masking", "proxy"),
    references=("RFC 6455 §10.3",),
    explanation=(
        "The payload's bytes, as they are on the wire, are a request line of HTTP. A proxy that "
        "does not understand WebSocket may take them for a request and cache the answer. Masks are "
        "there to make that impossible: with random ones this does not happen by chance."
    ),
    advice=(
        "Look at the client: it does not mask, or chooses masks so that the bytes come out so."
    ),
    events=("http-on-wire",),
)
def request_line_on_the_wire(facts: Facts) -> Iterator[Finding]:
    """SEC-10."""
    for event in facts.events("http-on-wire"):
        if facts.connection.scheme == "ws":
            line = event.payload.split(b"\r\n")[0].decode("latin-1")
            message = f"the payload is on the wire as {shown(line)}"
            yield facts.at(event, message, evidence=event.payload.hex(" "))


@check(
    "SEC-11",
    "secret-in-message",
    "A message holds what looks like a secret, in the clear",
    severity="warning",
    tags=("security", "privacy", "message"),
    references=("RFC 6455 §10.6",),
    explanation=(
        "Tokens, private keys, card numbers or passwords in messages that are not encrypted. Only "
        "the beginning of each text message is looked at (4,096 bytes)."
    ),
    advice="Use wss. What was sent in the clear should be taken out of use.",
    events=("secret",),
)
def secret_in_message(facts: Facts) -> Iterator[Finding]:
    """SEC-11."""
    if facts.connection.scheme != "ws":
        return
    for event in facts.events("secret"):
        secret = event.payload.decode("latin-1")
        message = f"a message seems to hold a secret: {SECRETS[event.value]}"
        yield facts.at(event, message, evidence=facts.secret(secret)[:200])


@check(
    "SEC-12",
    "protocol-inside",
    "Another protocol travels inside",
    severity="info",
    tags=("security", "tunnel"),
    references=(),
    explanation=(
        "WebSocket is used to carry SSH, TLS, HTTP, SOCKS or remote desktops, or the handshake is "
        "that of a known tunnel. It may be wanted, as in web terminals; it also passes firewalls "
        "that let only the web through."
    ),
    advice="Find out who runs it, and whether it is meant to be there.",
)
def protocol_inside(facts: Facts) -> Iterator[Finding]:
    """SEC-12."""
    observation = facts.observation
    if observation.count("inner-protocol"):
        told = set()
        for event in facts.events("inner-protocol"):
            if (event.value, event.sender) not in told:
                told.add((event.value, event.sender))
                message = f"a message of the {event.sender} begins as {INNER[event.value]} does"
                evidence = event.payload.hex(" ")
                yield facts.at(event, message, evidence=evidence, severity="warning")
    handshake = facts.handshake
    if handshake is None:
        return
    for offered in handshake.subprotocols_offered:
        name = next((name for fits, name in _TUNNEL_SUBPROTOCOLS if fits.fullmatch(offered)), None)
        if name is not None:
            # What follows is a token.
            before, bearer, _ = offered.partition("bearer.")
            message = f"the subprotocol {shown(before + bearer)} is that of {name}"
            evidence = facts.secret(offered) if bearer else offered
            yield facts.once("client", message, evidence=evidence[:200])
            return
    target = handshake.target or ""
    match = _TUNNEL_TARGET.search(target)
    if match is not None:
        name = _TUNNEL_TARGETS.get(match[1] or "wstunnel", "wstunnel")
        message = f"the target {shown(target.partition('?')[0])} is that of {name}"
        yield facts.once("client", message, evidence=target.partition("?")[0][:200])


@check(
    "SEC-13",
    "beacon",
    "Messages of equal size at equal intervals",
    severity="info",
    tags=("security", "timing"),
    references=(),
    explanation=(
        "A program sends messages of one size, evenly spaced. Heartbeats of applications look so, "
        "and so do programs that report to whoever controls them."
    ),
    advice="Look at a few of the messages: a heartbeat says so.",
)
def beacon(facts: Facts) -> Iterator[Finding]:
    """SEC-13."""
    limits = facts.thresholds
    for sender in ("client", "server"):
        side = facts.side(sender)
        every, lengths = side.message_ns, side.message_lengths
        if every.count < limits.beacon_messages or lengths.least != lengths.most:
            continue
        # Faster than once in two seconds it is a stream, not a beacon.
        if every.mean < 2 * SECOND or every.deviation > limits.beacon_jitter * every.mean:
            continue
        message = (
            f"the {sender} sent {lengths.count} messages of {lengths.most} bytes, "
            f"{every.mean / SECOND:.3f} s apart, with a deviation of {every.deviation / 1e6:.1f} ms"
        )
        yield Finding(message, sender=sender)


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
)
def private_endpoint(facts: Facts) -> Iterator[Finding]:
    """SEC-14: where Host names an address or a machine inside, and the Origin a public site."""
    handshake, record = facts.handshake, facts.connection
    if handshake is None or not handshake.origin or record.outcome != "established":
        return
    origin, host = _ORIGIN.match(handshake.origin), _HOST.match(handshake.host or "")
    if origin is None or host is None or _is_public_name(host[1]):
        return
    if _is_public_name(origin[2]) and ip_address(record.server_ip).is_private:
        if not _names_server(handshake):
            return
        message = f"a page of {shown(handshake.origin)} reached {shown(host[0])}"
        yield facts.once("client", message, evidence=f"Origin: {handshake.origin}"[:200])


def _is_public_name(name: str) -> bool:
    """Tell whether a name is one of the public DNS: no address, no name of the local network."""
    lowered = name.lower().rstrip(".")
    local = (".local", ".internal", ".lan", ".home", ".test", ".localhost", ".example", ".invalid")
    if "." not in lowered or lowered.endswith(local) or lowered.startswith("["):
        return False
    return not lowered.replace(".", "").isdigit()


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
)
def smuggling_shape(facts: Facts) -> Iterator[Finding]:
    """SEC-15."""
    observation = facts.observation
    if facts.connection.outcome == "refused" and observation.pipelined:
        status = facts.handshake.status if facts.handshake is not None else None
        count = "a request" if observation.pipelined == 1 else f"{observation.pipelined} requests"
        message = f"{count} sent behind the upgrade went on after it was refused with {status}"
        yield facts.once("client", message)


@check(
    "SEC-16",
    "outflow",
    "Far more goes out than comes in, or what goes is as random as encrypted data",
    severity="info",
    tags=("security", "timing"),
    references=(),
    explanation=(
        "A client that uploads much more than it receives may send files, or be made to. Binary "
        "messages whose bytes are as evenly spread as those of encrypted or compressed data hide "
        "what they carry from whoever watches."
    ),
    advice=("Find out what the application transfers; images, video and archives look like this."),
)
def outflow(facts: Facts) -> Iterator[Finding]:
    """SEC-16: by volume, and by the first 4,096 bytes of the first messages of each side."""
    record, limits = facts.connection, facts.thresholds
    sent, received = record.client_bytes, record.server_bytes
    if sent >= limits.outflow and sent > limits.outflow_ratio * received:
        message = f"the client sent {sent} bytes and received {received}"
        yield Finding(message, sender="client")
    if not facts.observation.count("dense"):
        return
    told = set()
    for event in facts.events("dense"):
        if event.sender not in told:
            told.add(event.sender)
            bits = event.value / 1000
            message = f"a binary message has {bits:.2f} bits of entropy a byte"
            yield facts.at(event, message, evidence=event.payload.hex(" "))
