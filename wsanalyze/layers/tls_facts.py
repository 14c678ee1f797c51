"""What a TLS connection says of itself, written into its row of the table `tls`."""

from __future__ import annotations

from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.tls.alerts import CLOSE_NOTIFY
from wsanalyze.tls.certificates import maybe_certificate, maybe_leaf
from wsanalyze.tls.fingerprints import ja3, ja4
from wsanalyze.tls.hellos import ClientHello
from wsanalyze.transport.conversation import Conversation

ALERT_LENGTH = 2
# What is kept of names: the DNS has 253 characters at most, distinguished names a hundred or two,
# and nobody offers more than a handful of protocols.
LONGEST_NAME, MOST_PROTOCOLS = 1024, 32


def begun(recorder: Recorder, conversation: Conversation, client_side: int) -> TlsConnection:
    """Return the facts of a connection that begins, and keep them where somebody wants rows."""
    facts = TlsConnection(
        conversation=conversation.index,
        tcp_stream=conversation.index,
        client_ip="",
        client_port=0,
        server_ip="",
        server_port=0,
        started=conversation.first_time,
    )
    name_ends(facts, conversation, client_side)
    kept = recorder.tls
    if kept is not None and len(kept) < recorder.limits.tls:
        kept.append(facts)
    elif kept is not None:
        recorder.reach("tls")
    return facts


def name_ends(facts: TlsConnection, conversation: Conversation, client_side: int) -> None:
    """Say who is the client; where that is -1, servers have the low ports."""
    side = client_side
    if side < 0:
        side = 1 if conversation.high_port > conversation.low_port else 0
    facts.client_ip, facts.client_port = conversation.endpoint(side)
    facts.server_ip, facts.server_port = conversation.endpoint(1 - side)


def introduce(facts: TlsConnection, hello: ClientHello) -> None:
    """Take what the first ClientHello says."""
    facts.client_random = hello.random.hex()
    facts.sni, facts.alpn_offered = _bounded(hello.sni), hello.alpn[:MOST_PROTOCOLS]
    facts.ja3, facts.ja4 = ja3(hello), ja4(hello)


def take_certificate(
    facts: TlsConnection, body: bytes, place: tuple[int, int], *, with_context: bool
) -> None:
    """Take what the server's certificate says, of a message; `with_context`: of TLS 1.3."""
    leaf = maybe_leaf(body, with_context=with_context)
    found = maybe_certificate(leaf) if leaf is not None else None
    if found is None or facts.certificate_subject is not None:
        return
    facts.certificate_subject = _bounded(found.subject)
    facts.certificate_issuer = _bounded(found.issuer)
    facts.not_before, facts.not_after = found.not_before, found.not_after
    facts.certificate_at = place


def take_alert(facts: TlsConnection, sender: str, content: bytes, place: tuple[int, int]) -> None:
    """Take an alert: who ends the connection, or what failed (RFC 8446 §6)."""
    if len(content) != ALERT_LENGTH:
        return
    if content[1] == CLOSE_NOTIFY:
        if facts.closed_at is None or _is_before(place, facts.closed_at):
            facts.closed_by, facts.closed_at = sender, place
        if sender not in facts.notified:
            facts.notified += (sender,)
    elif facts.alert is None:
        facts.alert, facts.alert_by, facts.alert_at = content[1], sender, place


def _is_before(place: tuple[int, int], other: tuple[int, int]) -> bool:
    """Say whether what is read later was sent before, as what waited behind a hole may be.

    Times alone order nothing within a file, packets nothing between two.
    """
    return place[0] <= other[0] and place[1] < other[1]


def take_forged(facts: TlsConnection, sender: str, time: int, packet: int) -> None:
    """Take note of a record that did not authenticate although the keys were right."""
    if sender in facts.notified:
        # What follows is no TLS of this connection, whatever it is (RFC 8446 §6.1).
        return
    facts.forged += 1
    if facts.first_forged is None:
        facts.first_forged = (sender, time, packet)


def _bounded(name: str | None) -> str | None:
    return name if name is None or len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…"
