"""Security (SEC) of what is sent behind the handshake: contents, tunnels, beacons, volume."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from wsanalyze.checks.check import check
from wsanalyze.checks.contents import DENSE
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.frames import certain
from wsanalyze.checks.intermediaries import tls_ended_before
from wsanalyze.checks.redaction import address
from wsanalyze.checks.security import BEHIND_TLS, SECOND
from wsanalyze.checks.spans import octets
from wsanalyze.observation import INNER, SECRETS, Event
from wsanalyze.websocket.faults import shown

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
# What may hold a secret begins there, or the line ends.
_SECRET = re.compile(rb"[?#;]|//(?=[^/\r\n]{0,300}@)|\r\n")
_TUNNEL_TARGET = re.compile(r"/(wstunnel|websockify)(?:[/?]|$)")


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
    for event in certain(facts, "http-on-wire"):
        if facts.connection.scheme == "ws":
            line = event.payload.split(b"\r\n")[0].decode("latin-1")
            begun = address(line, show=facts.show_secrets)
            message = f"the payload is on the wire as {shown(begun)}"
            yield facts.at(event, message, evidence=_request_hex(facts, event.payload))


def _request_hex(facts: Facts, payload: bytes) -> str:
    """Return the bytes of a request in hex, up to the parameters in its address."""
    upto = payload if facts.show_secrets else _SECRET.split(payload, maxsplit=1)[0]
    return upto[:64].hex(" ")


@check(
    "SEC-11",
    "secret-in-message",
    "A message holds what looks like a secret, in the clear",
    severity="warning",
    tags=("security", "privacy", "message"),
    references=("RFC 6455 §10.6",),
    explanation=(
        "Tokens, private keys, card numbers or passwords in messages that are not encrypted. Only "
        "the beginning of each text message is looked at (4,096 bytes). Digits are a card number "
        "if they begin as those of a network do, are as many, and end with the check digit. It is "
        "a remark where TLS ended at a proxy before."
    ),
    advice="Use wss. What was sent in the clear should be taken out of use.",
    events=("secret",),
)
def secret_in_message(facts: Facts) -> Iterator[Finding]:
    """SEC-11: one finding for each secret of a connection, at the first message that holds it."""
    if facts.connection.scheme != "ws":
        return
    severity, where = ("info", BEHIND_TLS) if tls_ended_before(facts) else ("", "")
    events = list(facts.events("secret"))
    # Of each kind of event the first ones are kept.
    least = "at least " if len(events) < facts.observation.count("secret") else ""
    for (what, value), holding in _by_secret(events).items():
        evidence = facts.secret(value.decode("latin-1"))[:200]
        who = f"a message of the {holding[0].sender} seems"
        if len(holding) > 1:
            senders = dict.fromkeys(each.sender for each in holding)
            who = f"{least}{len(holding)} messages of the {' and the '.join(senders)} seem"
        message = f"{who} to hold a secret: {SECRETS[what]}{where}"
        yield facts.at(holding[0], message, evidence=evidence, severity=severity)


def _by_secret(events: Iterable[Event]) -> dict[tuple[int, bytes], list[Event]]:
    """Return the messages that hold each secret, in order."""
    found: dict[tuple[int, bytes], list[Event]] = {}
    for event in events:
        found.setdefault((event.value, event.payload), []).append(event)
    return found


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
    events=("inner-protocol",),
    fields=("sec-websocket-protocol", "websocket-protocol"),
    circumstances=("tunnel",),
)
def protocol_inside(facts: Facts) -> Iterator[Finding]:
    """SEC-12."""
    if facts.observation.counts:
        told = set()
        for event in facts.events("inner-protocol"):
            if (event.value, event.sender) not in told and _is_inner(facts, event):
                told.add((event.value, event.sender))
                message = f"a message of the {event.sender} begins as {INNER[event.value]} does"
                evidence = _request_hex(facts, event.payload)
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
    match = _TUNNEL_TARGET.search(target) and _TUNNEL_TARGET.search(target := address(target))
    if match is not None:
        message = f"the target {shown(target)} is that of {_TUNNEL_TARGETS[match[1]]}"
        yield facts.once("client", message, evidence=target[:200])


def _is_inner(facts: Facts, event: Event) -> bool:
    """Tell whether a message that begins as another protocol does is one.

    SOCKS has so few bytes that other messages look like it: only the first frame of a side counts.
    """
    if INNER[event.value] != "SOCKS":
        return True
    first = facts.side(event.sender).first
    if first is None or facts.connection.outcome == "unseen":
        return False
    return (first.packet, first.frame) == (event.packet, event.frame)


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
    circumstances=("even",),
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
            f"the {sender} sent {lengths.count} messages of {octets(lengths.most)}, "
            f"{every.mean / SECOND:.3f} s apart, with a deviation of {every.deviation / 1e6:.1f} ms"
        )
        yield Finding(message, sender=sender)


# What was measured of bytes without order, and how often random ones fail it (`contents`).
_TESTED = (
    f"values and differences have more than {DENSE} bits a byte; fewer than one in 10^9 samples of "
    "random bytes have less"
)


@check(
    "SEC-16",
    "outflow",
    "Far more goes out than comes in, or what goes looks like encrypted data",
    severity="info",
    tags=("security", "timing"),
    references=(),
    explanation=(
        "A client that uploads much more than it receives may send files, or be made to. Binary "
        "messages whose bytes show no order, as those of encrypted or compressed data, hide what "
        "they carry from whoever watches. Of the first 4,096 bytes of a message three things are "
        "looked at: how often each value comes, how often each difference to the byte before comes "
        "(more than 7.9 bits of entropy a byte, both), and whether DEFLATE makes them shorter. Of "
        "random bytes fewer than one sample in 10^9 fails. One that passes need not be encrypted: "
        "it has no order of these kinds, and that is all."
    ),
    advice=("Find out what the application transfers; images, video and archives look like this."),
    events=("dense",),
    circumstances=("outflow",),
)
def outflow(facts: Facts) -> Iterator[Finding]:
    """SEC-16: by volume, and by the first 4,096 bytes of the first messages of each side."""
    record, limits = facts.connection, facts.thresholds
    sent, received = record.client_bytes, record.server_bytes + record.server_lost_bytes
    # Of a capture of one direction nobody knows what came back.
    is_known = record.responded is not None or record.server_frames > 0
    if is_known and sent >= limits.outflow and sent > limits.outflow_ratio * received:
        message = f"the client sent {sent} bytes and received {received}"
        yield Finding(message, sender="client")
    if not facts.observation.count("dense"):
        return
    told = set()
    for event in facts.events("dense"):
        if event.sender not in told:
            told.add(event.sender)
            bits = event.value / 1000
            message = (
                "the bytes of a binary message show no order, as those of encrypted or compressed "
                f"data: {bits:.2f} bits of entropy a byte, and DEFLATE does not shorten them"
            )
            evidence = f"{event.payload.hex(' ')} …; {_TESTED}"
            yield facts.at(event, message, evidence=evidence)
