"""Facts for tests of checks: made by hand, or of recorded and crafted captures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from wsanalyze.checks.audit import Audit
from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import Check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.observation import Ending, Event, Observation
from wsanalyze.tunnels.refusal import Refusal
from wsanalyze.websocket.handshake import Handshake
from wsanalyze.websocket.head import read_head

CAPTURES = Path(__file__).resolve().parents[2] / "captures"

REQUEST = (
    b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC==\r\nSec-WebSocket-Version: 13\r\n\r\n"
).replace(b"AQIDBAUGBwgJCgsMDQ4PEC==", b"7WvwZHi1pBVFuuG3NFA/hg==")
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: ACCEPT\r\n\r\n"
)
SECOND = 1_000_000_000


def with_fields(head: bytes, *lines: str) -> bytes:
    """Return a head with further fields at its end."""
    return head[:-2] + b"".join(line.encode("latin-1") + b"\r\n" for line in lines) + b"\r\n"


def handshake(request: bytes = REQUEST, response: bytes | None = RESPONSE) -> Handshake:
    """Return a handshake of raw heads; ACCEPT in the response becomes the right accept value."""
    asked = Handshake(read_head(request))
    if response is None:
        return asked
    accept = (asked.accept_expected or "").encode()
    return Handshake(read_head(request), read_head(response.replace(b"ACCEPT", accept)))


def connection(shake: Handshake | None = None, **facts: Any) -> Connection:
    """Return an established connection that was seen whole, with the facts that are given."""
    shake = handshake() if shake is None else shake
    record = Connection(
        serial=0,
        requested_ordinal=4,
        capture="test.pcap",
        conversation=0,
        tcp_stream=0,
        client_ip="192.0.2.1",
        client_port=50000,
        server_ip="198.51.100.2",
        server_port=80,
        client_direction=0,
        http_version="1.1",
        handshake=shake,
        outcome=shake.outcome,
        request_packet=4,
        response_packet=6,
        started=0,
        requested=SECOND,
        responded=SECOND + 1_000_000,
        ended=10 * SECOND,
        ended_ordinal=20,
        connect_ms=1.0,
        ended_by="client-close",
        observation=Observation(),
    )
    for name, value in facts.items():
        assert hasattr(record, name), name
        setattr(record, name, value)
    return record


def seen_from_the_middle(**facts: Any) -> Connection:
    """Return a connection whose handshake was before the capture."""
    record = connection(outcome="unseen", request_packet=None, response_packet=None, **facts)
    record.handshake = record.requested = record.responded = None
    return record


def event(kind: str, sender: str = "client", **facts: Any) -> Event:
    """Return an event in packet 8, frame 2."""
    return Event(kind, sender, **({"time": 2 * SECOND, "packet": 8, "frame": 2} | facts))


def observed(*events: Event, **facts: Any) -> Observation:
    """Return an observation of these events."""
    observation = Observation(events=list(events), **facts)
    for each in events:
        place = (each.kind, each.sender)
        observation.counts[place] = observation.counts.get(place, 0) + 1
    return observation


def closing(
    sender: str = "client",
    code: int | None = 1000,
    reason: bytes = b"",
    at: float = 2,
    **more: object,
) -> Event:
    """A Close frame, in packet 8 at 2 s where nothing else is said."""
    payload = (b"" if code is None else code.to_bytes(2, "big")) + reason
    given = {"payload": payload, "length": len(payload), "time": int(at * SECOND)}
    given |= {"head": 0x88, "second": len(payload), "header_length": 2}
    return event("close", sender, **(given | more))


def ending(sender: str = "client", how: str = "fin", at: float = 3) -> Ending:
    return Ending(sender, how, int(at * SECOND), 18, 64, 64, 1, 0, 500, has_ack=True, bare=True)


def closed(
    *frames: Event, endings: tuple[Ending, ...] = (), until: float = 10, **facts: object
) -> Connection:
    """A connection with these Close frames and ends of TCP, seen until a time."""
    observation = Observation(endings=list(endings))
    for each in frames:
        observation.side(each.sender).close = each
    return connection(observation=observation, ended=int(until * SECOND), **facts)


def with_close_counts(observation: Observation) -> None:
    """Count what an observer counts of Close frames; each check sees for itself what they are."""
    kinds = ("odd-code", "odd-reason", "one-close", "no-close", "codes-differ")
    observation.counts |= {(kind, "client"): 1 for kind in kinds}


def found(
    check: Check, *records: Connection, refusals: Sequence[Refusal] = (), **options: Any
) -> list[Finding]:
    """Return what one check finds of the connections, as an audit has it."""
    for record in records:
        if record.observation is not None:
            with_close_counts(record.observation)
    facts = [Facts(record, **options) for record in records]
    return Audit([check]).findings(facts, [], refusals)


def messages(findings: list[Finding]) -> list[str]:
    """Return their sentences."""
    return [finding.message for finding in findings]


@cache
def recorded(name: str) -> CaptureFacts:
    """Return the facts of a capture in `captures/`, by its file name."""
    from wsanalyze.limits import Limits
    from wsanalyze.pipeline import read
    from wsanalyze.recording import Wants
    from wsanalyze.tables.rows import in_order

    wants = Wants(frames=False, messages=False, observe=True)
    recording = read([CAPTURES / name], wants=wants, limits=Limits())
    facts = [Facts(record) for record in in_order(recording.connections)]
    return CaptureFacts(facts, recording.captures, refusals=recording.refusals)


def found_in(check: Check, name: str) -> list[Finding]:
    """Return what one check finds in a recorded capture."""
    facts = recorded(name)
    return Audit([check]).findings(facts.connections, facts.captures, facts.refusals)
