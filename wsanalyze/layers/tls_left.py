"""How a TLS handshake ended that did not become a connection: who left, and after what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsanalyze.layers.tls_sender import HEADER
from wsanalyze.tls.alerts import OF_CERTIFICATES, alert_name

if TYPE_CHECKING:
    from wsanalyze.layers.tls_connection import TlsConnection
    from wsanalyze.layers.tls_handshake import TlsHandshake

CLIENT_HELLO = b"\x01"
DAY = 86_400_000_000_000
# Body of a record of TLS 1.3 that holds an alert and nothing else: level, description, content
# type, tag (RFC 8446 §6). No other message of a handshake is as short.
ALERT_LENGTHS = (2 + 1 + 16, 2 + 1 + 8)
# Alerts that a client may leave with: what is wrong, and close_notify.
MOST_ALERTS = 2


def why_left(handshake: TlsHandshake) -> str | None:
    """Return how a handshake ended, where all of it is there and the client did not finish it."""
    facts, ends = handshake.facts, handshake.ends
    if any(each.torn or each.seeking or each.skipping for each in handshake.senders):
        return None
    if handshake.client is None:
        return _within_the_hello(handshake)
    if handshake.refusal is not None and not handshake.is_tls_1_3:
        sent = f"{alert_name(handshake.refusal)} of the server"
        return f"the handshake ended with alert {sent}, after the client had answered"
    if handshake.went_on or (
        handshake.senders[handshake.client_side].opened and not _opened_an_alert(handshake)
    ):
        return None
    if _has_answered(handshake):
        return None
    if facts.alert is not None:
        sent = f"{alert_name(facts.alert)} of the {facts.alert_by}"
        refused = facts.alert_by == "client" and facts.alert in OF_CERTIFICATES
        objection = _objection(facts) if refused else ""
        return f"the handshake ended with alert {sent}{before_hello(handshake)}{objection}"
    if not ends or (facts.bad_records and not facts.decrypted):
        # Of a secret that opens nothing it is not known how the handshake went on.
        return None
    side, how, before = ends[0]
    who, end = handshake.role(side), "RST" if how else "FIN"
    if before:
        # What the server said behind that, nobody was there to hear.
        return f"the {who} left{before.removeprefix(',')} ({end})"
    if who == "server":
        return f"the server left within the handshake ({end})"
    return _behind_the_server(handshake, end)


def _opened_an_alert(handshake: TlsHandshake) -> bool:
    """Say whether all that opened of a client of TLS 1.3 is alerts, in its handshake."""
    client = handshake.senders[handshake.client_side]
    if not handshake.is_tls_1_3 or handshake.facts.alert_by != "client":
        return False
    early = handshake.client is not None and handshake.client.sends_early_data
    in_handshake = bool(client.epochs) and not client.epochs[0].is_application
    return client.opened <= MOST_ALERTS and in_handshake and not early


def _has_answered(handshake: TlsHandshake) -> bool:
    """Say whether a client sent more of TLS 1.3 than alerts and 0-RTT data, that did not open."""
    if not handshake.is_tls_1_3 or handshake.client is None or handshake.client.sends_early_data:
        return False
    return handshake.facts.client_sealed > MOST_ALERTS * (HEADER + max(ALERT_LENGTHS))


def _within_the_hello(handshake: TlsHandshake) -> str | None:
    """Say that a client left within its ClientHello, where it has said nothing else."""
    if not handshake.ends or handshake.server is not None:
        return None
    side, how, _ = handshake.ends[0]
    sender, other = handshake.senders[side], handshake.senders[1 - side]
    begun = sender.messages.data[:1] == CLIENT_HELLO or sender.pending[5:6] == CLIENT_HELLO
    if other.sent or sender.opened or not begun:
        return None
    return f"the client left within its ClientHello ({'RST' if how else 'FIN'})"


def before_hello(handshake: TlsHandshake) -> str:
    """Say where a handshake is without a ServerHello; nothing where there was one."""
    if handshake.server is not None:
        return ""
    return ", after a HelloRetryRequest" if handshake.is_tls_1_3 else ", before the ServerHello"


def _behind_the_server(handshake: TlsHandshake, end: str) -> str | None:
    """Return how a client left that has seen what the server says first."""
    server = handshake.senders[1 - handshake.client_side]
    facts, objection = handshake.facts, _objection(handshake.facts)
    if handshake.is_tls_1_3:
        if handshake.may_be_alert:
            return f"the client left with what is as long as an alert ({end}){objection}"
        what = "certificate" if facts.certificate_subject is not None else "first messages"
    elif server.has_certificate:
        what = "certificate"
    else:
        return None
    may_refuse = "it may have refused it" if what == "certificate" else "it may have refused them"
    why = f"the client left after the server's {what} ({end}), without an alert: {may_refuse}"
    return why + objection


def _objection(facts: TlsConnection) -> str:
    """Say what clients refuse a certificate for, as far as it shows."""
    found = []
    if facts.not_after is not None and facts.started > facts.not_after:
        found.append(f"it had expired {_days(facts.started - facts.not_after)} before")
    if facts.not_before is not None and facts.started < facts.not_before:
        found.append(f"it is valid from {_days(facts.not_before - facts.started)} later on")
    if facts.certificate_subject and facts.certificate_subject == facts.certificate_issuer:
        found.append("the server signed it itself")
    return "".join(f"; {each}" for each in found)


def _days(ns: int) -> str:
    days = ns // DAY
    return {0: "less than a day", 1: "1 day"}.get(days, f"{days} days")
