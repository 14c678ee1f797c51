"""Keys before TLS 1.3: the master secrets that a connection may have, and what they open."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from wsanalyze.layers.tls_secrets import (
    NO_SESSION,
    exchanges,
    has_cryptography,
    masters_of,
    no_secret,
    not_told,
)
from wsanalyze.tls.choice import Candidates, Choice
from wsanalyze.tls.hellos import Offer, ServerHello

if TYPE_CHECKING:
    from wsanalyze.layers.tls_handshake import TlsHandshake


def begin_keys(handshake: TlsHandshake, client: Offer, server: ServerHello) -> None:
    """Make keys of what is known, as far as nobody has to exchange some first."""
    known = handshake.recorder.secrets
    handshake.choice = None
    if handshake.exchange.body is not None:
        _take_exchange(handshake, client, server)
    elif masters := masters_of(handshake.secrets):
        others = handshake.resumable or exchanges(known, client, server)
        make_openers(handshake, client.random, server, masters, final=not others)


def client_key_exchange(handshake: TlsHandshake, body: bytes) -> None:
    """Take what the client exchanges, of which the master secret may be made."""
    client, server = handshake.client, handshake.server
    handshake.exchange.take(body)
    # Who exchanges keys resumes no session.
    handshake.resumable = ()
    if handshake.is_waiting:
        # What says its secret may come later.
        return
    if handshake.is_closed or not handshake.is_decided or client is None or server is None:
        handshake.exchange.forget()
    elif not handshake.is_tls_1_3:
        _take_exchange(handshake, client, server)


def _take_exchange(handshake: TlsHandshake, client: Offer, server: ServerHello) -> None:
    known = handshake.recorder.secrets
    may_tell = exchanges(known, client, server) and has_cryptography()
    masters = _masters(handshake, client, server) if may_tell else masters_of(handshake.secrets)
    handshake.exchange.forget()
    if masters:
        make_openers(handshake, client.random, server, masters, final=True)
        return
    handshake.is_closed = True
    handshake.say(not_told(known) if may_tell else no_secret(known, client, server))


def _masters(handshake: TlsHandshake, client: Offer, server: ServerHello) -> list[bytes]:
    """Return the master secrets that there may be: first all that the reader's secrets tell."""
    found: list[bytes] = []
    for store in handshake.recorder.secrets.stores:
        found += store.masters(client.random, server.session_id)
        found += handshake.exchange.masters(store, client, server)
    return found


def resume(handshake: TlsHandshake) -> None:
    """Take the master secrets of a session that is resumed, besides others that there are."""
    client, server = handshake.client, handshake.server
    if client is None or server is None or handshake.is_closed or handshake.is_tls_1_3:
        return
    reader, capture = (
        store.masters(client.random, server.session_id)
        for store in handshake.recorder.secrets.stores
    )
    masters = [*reader, *handshake.resumable, *capture]
    if not masters:
        handshake.is_closed = True
        handshake.say(NO_SESSION)
        return
    make_openers(handshake, client.random, server, masters, final=True)


def ticket(handshake: TlsHandshake, body: bytes) -> None:
    """Take a NewSessionTicket (RFC 5077 §3.3): who shows it resumes this."""
    choice = handshake.choice
    masters = Candidates(handshake.resumable) if choice is None else choice.candidates
    handshake.recorder.secrets.sessions.ticket(body, masters)


def make_openers(
    handshake: TlsHandshake,
    client_random: bytes,
    server: ServerHello,
    masters: Sequence[bytes],
    *,
    final: bool,
) -> None:
    """Let both sides agree on what these open; `final`: there will be no others."""
    if handshake.choice is not None:
        handshake.choice.candidates.offer(masters)
        return
    if handshake.suite is None:
        return
    from wsanalyze.tls.ciphers import openers

    derive = partial(
        openers,
        handshake.suite,
        handshake.version,
        client_random,
        server.random,
        encrypt_then_mac=server.encrypts_then_macs,
    )
    choice = handshake.choice = Choice(Candidates(masters), derive)
    handshake.recorder.secrets.sessions.begun(server, choice.candidates)
    for sender in handshake.senders:
        sender.agree(choice.opener(int(handshake.is_server(sender.side)), is_final=final))
