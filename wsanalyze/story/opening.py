"""How a connection began: TCP, TLS, the two heads, and the proof that the server read the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from wsanalyze.checks.finding import Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.story.meanings import field_meaning
from wsanalyze.story.model import HeaderLine, HeadStory, Opening, Proof, Secure
from wsanalyze.story.tls_handshake import hellos_of, tls_alerts, tls_depth, tls_steps
from wsanalyze.streams import Record, Streams
from wsanalyze.tables.columns import NOTES
from wsanalyze.tables.lazy_rows import LazyRows
from wsanalyze.tables.objects import Segment
from wsanalyze.tables.schema import SENDERS
from wsanalyze.websocket.accept import accept_steps
from wsanalyze.websocket.fields import Field, Head
from wsanalyze.websocket.handshake import Handshake

Segments = LazyRows[Segment]
# Flags of TCP (RFC 9293 §3.1).
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
_AGAIN = [NOTES.index(each) for each in ("duplicate", "retransmission")]


def opening(segments: Segments, connection: Connection) -> Opening:
    """Return the three segments that open a TCP connection, as far as the capture has them.

    RFC 9293 §3.5. A segment that was captured twice or sent again counts once.
    """
    is_fresh = ~np.isin(segments.column("note"), _AGAIN)
    syn = _first(segments, is_fresh, "client", has=SYN, lacks=ACK | RST)
    answer = _first(segments, is_fresh, "server", has=SYN | ACK, lacks=RST)
    ack = None
    if answer is not None:
        is_later = segments.column("ordinal") > answer.ordinal
        ack = _first(segments, is_later, "client", has=ACK, lacks=SYN | RST)
    connect = None if connection.connect_ms is None else round(connection.connect_ms * 1e6)
    return Opening(syn, answer, ack, connect)


def _first(
    segments: Segments, among: npt.NDArray[np.bool_], sender: str, *, has: int, lacks: int
) -> Segment | None:
    flags = segments.column("flags")
    among = among & (flags & (has | lacks) == has)
    return first_segment(segments, among & (segments.column("sender") == SENDERS.index(sender)))


def first_segment(segments: Segments, among: npt.NDArray[np.bool_]) -> Segment | None:
    """Return the first of segments for which `among` holds."""
    return next(segments.at(np.flatnonzero(among)[:1]), None)


def secure(connection: Connection, streams: Streams | None) -> Secure | None:
    """Return what is known of the innermost TLS around a connection; None where there is none."""
    tls = connection.tls
    if tls is None:
        return None
    depth = tls_depth(connection, streams)
    records: list[tuple[str, Record]] = []
    for record in streams.records.get(connection.conversation, ()) if streams is not None else ():
        is_client = record.sender == connection.client_direction
        if depth is None or record.depth == depth:
            records.append(("client" if is_client else "server", record))
    return _secured(tls, connection, streams, depth, records)


def around(
    connection: Connection,
    streams: Streams | None,
    known: Mapping[str, TlsConnection],
    asked_in: int = 0,
) -> tuple[Secure, ...]:
    """Return the TLS connections around the innermost one, the outermost first.

    Such as that with a proxy, in which a CONNECT stands: in how many that was `asked_in` is all
    there are where the connection itself is in the clear. `known` are those of its conversation,
    by client random. Their records are left out: they hold that CONNECT, with credentials, and then
    the inner records.
    """
    inner = tls_depth(connection, streams) if connection.tls is not None else asked_in
    if not inner or streams is None:
        return ()
    at_depth: dict[int, TlsConnection] = {}
    for depth, random in hellos_of(connection.conversation, streams):
        if depth < inner and random in known:
            at_depth.setdefault(depth, known[random])
    return tuple(
        _secured(at_depth[depth], connection, streams, depth, []) for depth in sorted(at_depth)
    )


def _secured(
    tls: TlsConnection,
    connection: Connection,
    streams: Streams | None,
    depth: int | None,
    records: Sequence[tuple[str, Record]],
) -> Secure:
    origin: str | None = None
    labels: tuple[str, ...] = ()
    if streams is not None and tls.client_random is not None and tls.decrypted:
        origin, labels = streams.key_origins.get(tls.client_random, ("RSA key", ()))
    return Secure(
        version=tls.version,
        cipher=tls.cipher,
        sni=tls.sni,
        alpn=tls.alpn,
        alpn_offered=tls.alpn_offered,
        resumed=tls.resumed,
        client_random=tls.client_random,
        certificate_subject=tls.certificate_subject,
        certificate_issuer=tls.certificate_issuer,
        decrypted=tls.decrypted,
        reason=tls.reason,
        keys_from=origin,
        labels=labels,
        records=tuple(records),
        steps=tls_steps(tls, connection, streams, depth),
        alerts=tls_alerts(tls),
    )


def heads(
    connection: Connection, findings: Sequence[Finding]
) -> tuple[HeadStory | None, HeadStory | None]:
    """Return request and response, each finding at the field that it is about."""
    handshake = connection.handshake
    if handshake is None:
        return None, None
    fields = _fields_at_fault(handshake)
    request = _head(
        handshake.request_head,
        "client",
        (connection.requested, connection.request_packet),
        [each for each in findings if each.sender == "client"],
        fields,
        connection,
    )
    if handshake.response_head is None:
        return request, None
    response = _head(
        handshake.response_head,
        "server",
        (connection.responded, connection.response_packet),
        [each for each in findings if each.sender == "server"],
        fields,
        connection,
    )
    return request, response


def _fields_at_fault(handshake: Handshake) -> dict[tuple[str, str], set[str]]:
    """Return by check and sender the names of the fields that faults are about."""
    fields: dict[tuple[str, str], set[str]] = {}
    for fault in handshake.faults:
        if fault.field is not None:
            fields.setdefault((fault.code, fault.sender), set()).add(fault.field.lower())
    return fields


def _head(
    head: Head,
    sender: str,
    place: tuple[int | None, int | None],
    findings: Sequence[Finding],
    fields: dict[tuple[str, str], set[str]],
    connection: Connection,
) -> HeadStory:
    time, packet = place
    about = [each for each in findings if each.frame is None and each.packet in (packet, None)]
    at_field: dict[int, list[Finding]] = {}
    of_head = []
    for finding in about:
        names = fields.get((finding.check, sender), set())
        places = [each.position for each in head.fields if each.name.lower() in names]
        for place_of in places:
            at_field.setdefault(place_of, []).append(finding)
        if not places and _is_of_head(finding, packet):
            of_head.append(finding)
    multiplexed = any(each.name.startswith(":") for each in head.fields)
    return HeadStory(
        sender=sender,
        time=time,
        packet=packet,
        start_line="" if multiplexed else head.start_line,
        length=None if multiplexed else len(head.raw),
        lines=tuple(
            HeaderLine(
                each.name,
                each.value,
                _meaning(each, None if multiplexed else head.status, connection),
                tuple(at_field.get(each.position, ())),
            )
            for each in head.fields
        ),
        findings=tuple(of_head),
    )


def _meaning(field: Field, status: int | None, connection: Connection) -> str | None:
    """Return what a field is for; of :scheme, whether this leg is what it says."""
    meaning = field_meaning(field.name, status=status)
    if field.name == ":scheme" and field.value == "https" and connection.tls is None:
        return f"{meaning}; this leg is in clear text: who asks says that its own client's is not"
    if field.name == ":scheme" and field.value == "http" and connection.tls is not None:
        return f"{meaning}; this leg is within TLS, though"
    return meaning


def _is_of_head(finding: Finding, packet: int | None) -> bool:
    if finding.check.startswith(("HSQ", "HSR", "EXT", "LEG")):
        return True
    return finding.packet == packet and finding.check.startswith(("H2", "SEC", "PRX"))


NO_KEY = (
    "an extended CONNECT needs no Sec-WebSocket-Key and no Sec-WebSocket-Accept: :protocol takes "
    "their place (RFC 8441 §5). They prove that no HTTP server has answered by mistake; over "
    "HTTP/2 the server says in its SETTINGS that it knows extended CONNECT, before a client may "
    "ask (§3)"
)
KEY, ACCEPT = "sec-websocket-key", "sec-websocket-accept"
PARTLY = "a part of the challenge is missing"
NO_CHALLENGE = "Hixie-75 has no key: nothing proves that the server understood the request"


def _key_all_the_same(handshake: Handshake) -> str:
    """Say that a key, or its answer, is there although nobody needs it; nothing where none is."""
    key = handshake.request_head.value(KEY)
    response = handshake.response_head
    accept = None if response is None else response.value(ACCEPT)
    if key is None and accept is None:
        return ""
    if key is None:
        return (
            ". This answer has a Sec-WebSocket-Accept all the same, as of a proxy that hands on "
            "what a server of HTTP/1.1 said to its own key; nobody looks at it here"
        )
    if accept is None:
        return (
            ". This request has a Sec-WebSocket-Key all the same, as of a proxy that hands on what "
            "it was asked in HTTP/1.1; the server does not answer it, and need not"
        )
    fits = "is" if accept == accept_steps(key).accept else "is not"
    return (
        ". These heads have both all the same, as of a proxy that hands on what it was asked in "
        f"HTTP/1.1; the accept value {fits} that of the key, and nothing depends on it"
    )


def proof(handshake: Handshake | None) -> Proof | None:
    """Return how the accept value, or the answer to a challenge, comes about; None mid-stream.

    None, too, where a server of HTTP/1.1 refused: only who switches has something to prove.
    """
    if handshake is None:
        return None
    if handshake.multiplexed:
        return Proof("none", why=NO_KEY + _key_all_the_same(handshake))
    if handshake.outcome == "refused":
        return None
    if handshake.has_challenge:
        steps = handshake.challenge_steps
        if steps is None:
            return Proof("incomplete", sent=handshake.accept, why=PARTLY)
        return Proof(
            "challenge", challenge=steps, sent=handshake.accept, right=handshake.accept_valid
        )
    if handshake.is_hixie:
        return Proof("none", why=NO_CHALLENGE)
    key = handshake.key
    if key is None:
        why = "the request has no Sec-WebSocket-Key, so there is nothing to answer"
        return Proof("incomplete", sent=handshake.accept, why=why)
    why = "" if handshake.accept is not None else "no Sec-WebSocket-Accept"
    return Proof(
        "accept", accept_steps(key), sent=handshake.accept, right=handshake.accept_valid, why=why
    )
