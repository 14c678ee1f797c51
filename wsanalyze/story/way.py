"""How proxies were asked for a way, and for whom they said that they ask, message by message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from wsanalyze.checks.finding import SEVERITIES, Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.story.meanings import field_meaning
from wsanalyze.story.model import Event, HeaderLine, HeadStory, WayStep
from wsanalyze.streams import Streams, WayMessage
from wsanalyze.tunnels import messages
from wsanalyze.tunnels.answers import status_meaning
from wsanalyze.tunnels.parts import code_of, parts_of
from wsanalyze.tunnels.way import asked_in, authority_written, joined, steps
from wsanalyze.websocket.addresses import without_secrets
from wsanalyze.websocket.head import read_head

# Which section tells of a message.
REFERENCES = {
    messages.CONNECT_REQUEST: "RFC 9110 §9.3.6",
    messages.CONNECT_ANSWER: "RFC 9110 §9.3.6",
    messages.HEADER: "proxy-protocol.txt §2",
    messages.SOCKS4_REQUEST: "SOCKS 4",
    messages.SOCKS4_REPLY: "SOCKS 4",
    messages.METHODS: "RFC 1928 §3",
    messages.METHOD: "RFC 1928 §3",
    messages.LOGIN: "RFC 1929 §2",
    messages.STATUS: "RFC 1929 §2",
    messages.REQUEST: "RFC 1928 §4",
    messages.REPLY: "RFC 1928 §6",
}
# Checks whose findings may stand at a message to or from a proxy.
_CONCERNED = ("PRX", "SEC")


def way_steps(
    connection: Connection, streams: Streams | None, findings: Sequence[Finding] = ()
) -> tuple[WayStep, ...]:
    """Return the messages by which the way of a connection was opened, in order.

    Those that were refused before on the same connection are among them. () where no bytes were
    kept, or the capture does not have them.
    """
    if streams is None:
        return ()
    every = streams.way.get(connection.conversation, ())
    until = connection.requested
    seen = [each for each in every if until is None or each.time <= until]
    return steps_of(way_of(seen, connection.tunnel), connection.client_direction, findings)


def steps_of(
    said: Iterable[tuple[int, WayMessage]],
    client_side: int,
    findings: Sequence[Finding] = (),
) -> tuple[WayStep, ...]:
    """Return what was said, each with the place of its proxy on the way, from 0."""
    at_packet: dict[tuple[str, int | None], list[Finding]] = {}
    for finding in findings:
        if finding.frame is None and finding.check.startswith(_CONCERNED):
            at_packet.setdefault((finding.sender or "", finding.packet), []).append(finding)
    return tuple(_step(each, hop, client_side, at_packet) for hop, each in said)


def way_of(every: Sequence[WayMessage], tunnel: str | None) -> Iterator[tuple[int, WayMessage]]:
    """Yield the messages of each tunnel on a way, the outer one first, with its place.

    On HTTP/2 other tunnels may be asked for at the same time: the last stream that asked for this
    one is meant.
    """
    outer: str | None = None
    hop = -1
    for hop, (kind, where) in enumerate(steps(tunnel)):
        way = f"{kind} {where}"
        mine = [each for each in every if each.outer == outer]
        asked = [each.stream for each in mine if each.stream and _way_asked(each) == way]
        stream = asked[-1] if asked else 0
        yield from ((hop, each) for each in mine if each.stream == stream)
        outer = joined(outer, way)
    # What was refused in there before WebSocket was asked for without a further tunnel.
    refused = (each for each in every if each.outer == outer and not each.stream)
    yield from ((hop + 1, each) for each in refused)


def _way_asked(message: WayMessage) -> str | None:
    if message.kind != messages.CONNECT_REQUEST:
        return None
    for name, value in _fields(message):
        if name == ":authority":
            return f"CONNECT {authority_written(value.encode('latin-1'))}"
    return None


def _step(
    message: WayMessage,
    hop: int,
    client_side: int,
    at_packet: dict[tuple[str, int | None], list[Finding]],
) -> WayStep:
    sender = "client" if message.sender == client_side else "server"
    head = None
    code = code_of(message.kind, message.data)
    if message.kind in (messages.CONNECT_REQUEST, messages.CONNECT_ANSWER):
        head = _head(message, sender)
        code = _status(message)
    return WayStep(
        sender=sender,
        time=message.time,
        packet=message.packet,
        kind=message.kind,
        length=None if message.stream else message.length,
        hop=hop,
        depth=message.depth,
        stream=message.stream or None,
        parts=parts_of(message.kind, message.data),
        head=head,
        code=code[0] if code is not None else None,
        meaning=code[1] if code is not None else "",
        reference=REFERENCES[message.kind],
        # What is found at one packet is told once.
        findings=tuple(at_packet.pop((sender, message.packet), ())),
    )


def _fields(message: WayMessage) -> list[tuple[str, str]]:
    """Return the fields of a head, those of HTTP/2 with their pseudo-header fields."""
    if not message.stream:
        return [(each.name, each.value) for each in read_head(message.data).fields]
    found = []
    for line in message.data.decode("latin-1").split("\r\n"):
        name, colon, value = line[1:].partition(":")
        if colon:
            found.append((line[:1] + name, value.strip(" \t")))
    return found


def _head(message: WayMessage, sender: str) -> HeadStory:
    start = "" if message.stream else read_head(message.data).start_line
    return HeadStory(
        sender=sender,
        time=message.time,
        packet=message.packet,
        start_line=start,
        length=None if message.stream else message.length,
        lines=tuple(
            HeaderLine(name, value, field_meaning(name, of_proxy=True), ())
            for name, value in _fields(message)
        ),
        findings=(),
    )


def _status(message: WayMessage) -> tuple[int, str] | None:
    if message.kind != messages.CONNECT_ANSWER:
        return None
    text = next((value for name, value in _fields(message) if name == ":status"), "")
    status = int(text) if text.isascii() and text.isdigit() and len(text) == 3 else None
    if not message.stream:
        status = read_head(message.data).status
    return None if status is None else (status, status_meaning(status))


def of_way(way: Sequence[WayStep]) -> list[Event]:
    """Return an event for each message, with its code."""
    return [
        Event(
            layer="proxy",
            sender=each.sender,
            time=each.time,
            packet=each.packet,
            ordinal=place,
            label=label_of(each),
            length=each.length,
            severity=_worst(each.findings),
        )
        for place, each in enumerate(way)
    ]


def _worst(findings: Sequence[Finding]) -> str | None:
    found = [SEVERITIES.index(each.severity) for each in findings]
    return SEVERITIES[max(found)] if found else None


def label_of(step: WayStep) -> str:
    """Return a message in a few words: what it is, with its address or code."""
    if step.head is not None:
        return _label_of_head(step, step.head)
    named = {part.name: part.text for part in step.parts}
    kind = step.kind
    if kind == messages.HEADER:
        return _label_of_header(named)
    if kind == messages.METHODS:
        numbers = [str(part.data[0]) for part in step.parts if part.name == "METHODS" and part.data]
        return f"SOCKS5 methods {', '.join(numbers)}"
    if kind == messages.LOGIN:
        return "SOCKS5 user name and password"
    if kind == messages.REQUEST:
        return f"SOCKS5 {_command(named)} {_endpoint(named, 'DST.ADDR', 'DST.PORT')}"
    if kind == messages.SOCKS4_REQUEST:
        host = "name" if "name" in named else "DSTIP"
        version = "SOCKS4a" if "name" in named else "SOCKS4"
        return f"{version} {_command(named)} {_endpoint(named, host, 'DSTPORT')}"
    return f"{kind} {step.code}: {step.meaning}"


def _label_of_head(step: WayStep, head: HeadStory) -> str:
    stream = f" (HTTP/2 stream {step.stream})" if step.stream is not None else ""
    if step.sender == "client":
        pseudo = [line.value for line in head.lines if line.name == ":authority"]
        authority = pseudo[0] if pseudo else asked_in(head.start_line)
        return f"CONNECT {without_secrets(authority.rpartition('@')[2]) or '?'}{stream}"
    reason = head.start_line.partition(" ")[2].partition(" ")[2]
    return f"{step.code if step.code is not None else '?'} {reason}".strip() + stream


def _label_of_header(named: dict[str, str]) -> str:
    version = 2 if "signature" in named else 1
    if "client" not in named:
        return f"PROXY protocol v{version}, no address"
    # A path of a UNIX socket has no port.
    if "client's port" not in named:
        return f"PROXY protocol v{version}, client {named['client']}"
    where = _endpoint(named, "client", "client's port")
    return f"PROXY protocol v{version}, client {where}"


def _command(named: dict[str, str]) -> str:
    return named.get("CMD", named.get("CD", "?")).partition(":")[0]


def _endpoint(named: dict[str, str], host: str, port: str) -> str:
    # A name has no login, and no path: who sends some has mistaken a URL for it.
    address = without_secrets(named.get(host, "?").rpartition("@")[2])
    bracketed = f"[{address}]" if ":" in address else address
    return f"{bracketed}:{named.get(port, '?').partition(',')[0]}"
