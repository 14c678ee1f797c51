"""How a handshake of TLS goes on: what its messages mean for the keys of both sides."""

from __future__ import annotations

from wsanalyze.layers.tls_facts import take_alert, take_certificate, take_forged
from wsanalyze.layers.tls_handshake import TlsHandshake
from wsanalyze.layers.tls_keys import client_key_exchange, resume, ticket
from wsanalyze.layers.tls_left import ALERT_LENGTHS
from wsanalyze.layers.tls_sender import TlsSender
from wsanalyze.tls.messages import (
    CERTIFICATE,
    CLIENT_HELLO,
    CLIENT_KEY_EXCHANGE,
    ENCRYPTED_EXTENSIONS,
    END_OF_EARLY_DATA,
    FINISHED,
    NEW_SESSION_TICKET,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    SERVER_KEY_EXCHANGE,
)

# What a client says only when it has seen and accepted what the server says first.
GOES_ON = frozenset({CLIENT_KEY_EXCHANGE, FINISHED})
# Records that a server may send before its client answers: six messages, or data that it may not
# have waited with.
FIRST_RECORDS = 16
# The level of an alert that ends the connection (RFC 5246 §7.2).
FATAL = b"\x02"


def change(handshake: TlsHandshake, sender: TlsSender) -> int:
    """Go on with the keys that were agreed on, RFC 5246 §7.1; return 1 to let go."""
    sender.ciphered = True
    sender.opener = None
    if handshake.is_decided:
        # A server that resumes says nothing between its hello and this.
        has_certificate = handshake.senders[1 - handshake.client_side].has_certificate
        handshake.resumes(has_certificate)
        if not has_certificate:
            resume(handshake)
    if sender.begin_agreed():
        return 0
    # What a server says to a client that has changed is in the clear until it changes, too.
    waits = handshake.is_closed and not handshake.is_server(sender.side)
    return int(handshake.is_decided and not waits)


def take_message(
    handshake: TlsHandshake, sender: TlsSender, kind: int, body: bytes, place: tuple[int, int]
) -> int:
    """Read a handshake message; return 1 to let go."""
    handshake.exchange.hear(kind, body)
    if kind in GOES_ON and not handshake.is_server(sender.side):
        handshake.went_on = True
        if handshake.is_closed and handshake.is_tls_1_3:
            # Nothing more is to be read without secrets.
            return 1
    if kind == CLIENT_HELLO:
        sender.greeted = True
        handshake.client_hello(sender.side, body)
        return decide(handshake)
    if kind == SERVER_HELLO:
        sender.has_certificate = False
        protected = sender.ciphered and sender.opened > 0
        handshake.server_hello(sender.side, body, place, protected=protected)
        return decide(handshake)
    if kind == CLIENT_KEY_EXCHANGE:
        client_key_exchange(handshake, body)
    elif kind == END_OF_EARLY_DATA:
        sender.advance()
    elif kind == FINISHED and handshake.is_tls_1_3:
        finished(handshake, sender)
    elif kind == ENCRYPTED_EXTENSIONS:
        handshake.encrypted_extensions(body)
    elif handshake.is_server(sender.side):
        if kind == NEW_SESSION_TICKET and not handshake.is_tls_1_3:
            ticket(handshake, body)
        sender.has_certificate |= kind in (CERTIFICATE, SERVER_KEY_EXCHANGE, SERVER_HELLO_DONE)
        if kind == CERTIFICATE:
            take_certificate(handshake.facts, body, place, with_context=handshake.is_tls_1_3)
        if kind == SERVER_HELLO_DONE and handshake.is_closed:
            handshake.resumes(has_certificate=True)
    return 0


def finished(handshake: TlsHandshake, sender: TlsSender) -> None:
    """Go on to the secrets of application data, RFC 8446 §4.4.4."""
    if sender.epochs and not sender.epochs[-1].is_application:
        # A program had not logged it yet when the handshake began.
        sender.epochs += handshake.application_epochs(sender.side)
    while len(sender.epochs) > 1 and not sender.epochs[0].is_application:
        sender.advance()
    sender.finished = True
    if sender.lacks_application:
        # What follows is sealed with a secret that nobody told, and may be there in part.
        handshake.stays_sealed(sender.side, len(sender.pending))
        sender.untold += len(sender.pending)
        sender.close(keyless=True)


def decide(handshake: TlsHandshake) -> int:
    """Make keys where both hellos are there; return 1 to let go."""
    if not handshake.maybe_decide():
        return 0
    for sender in handshake.senders:
        if handshake.is_tls_1_3:
            sender.begin_epochs(handshake.epochs(sender.side))
    # Where it is closed, it is still seen whether the handshake goes on.
    return 0


def still_sealed(handshake: TlsHandshake, side: int, length: int) -> int:
    """Pass over a record that nobody can open; return 1 to let go, when the client has gone on."""
    if handshake.is_server(side):
        handshake.sealed += 1
        handshake.went_on |= handshake.sealed > FIRST_RECORDS
        return int(handshake.went_on)
    if not handshake.is_tls_1_3:
        # Its Finished, and what it may send before the server's.
        handshake.went_on = True
        handshake.sealed += 1
        return int(handshake.sealed > FIRST_RECORDS)
    if length in ALERT_LENGTHS and not handshake.may_be_alert:
        handshake.may_be_alert = True
        return 0
    handshake.went_on = True
    return 1


def alert(
    handshake: TlsHandshake, sender: TlsSender, content: bytes, place: tuple[int, int]
) -> None:
    """Take an alert of a side."""
    answers = handshake.went_on and handshake.is_server(sender.side) and not sender.ciphered
    if answers and content[:1] == FATAL and handshake.refusal is None:
        handshake.refusal = content[-1]
    take_alert(handshake.facts, handshake.role(sender.side), content, place)


def forged(handshake: TlsHandshake, sender: TlsSender, time: int, packet: int) -> None:
    """Take note of a record that did not authenticate although the keys were right."""
    take_forged(handshake.facts, handshake.role(sender.side), time, packet)
