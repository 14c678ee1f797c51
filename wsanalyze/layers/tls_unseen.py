"""Why a TLS connection stayed closed, most of all where a hello is not in the capture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsanalyze.layers.tls_left import why_left
from wsanalyze.layers.tls_secrets import NO_CRYPTOGRAPHY, has_cryptography, masters_of, none_fits
from wsanalyze.tls.alerts import alert_name
from wsanalyze.tls.hellos import TLS_1_3, Offer, ServerHello
from wsanalyze.tls.keylog import (
    CLIENT_HANDSHAKE,
    CLIENT_TRAFFIC,
    SERVER_HANDSHAKE,
    SERVER_TRAFFIC,
    Secrets,
)

if TYPE_CHECKING:
    from wsanalyze.layers.tls_handshake import TlsHandshake

NOT_SEEN = "the handshake is not in the capture"
NO_CLIENT = "the ClientHello is not in the capture"
NO_SERVER = "the ServerHello is not in the capture"


def why_not(handshake: TlsHandshake) -> str | None:
    """Return why a connection is not decrypted, or what is behind some record; None for nothing."""
    facts, why, secrets = handshake.facts, handshake.why, handshake.recorder.secrets
    hellos = handshake.client, handshake.server
    misses = handshake.goes_on and not handshake.is_decided
    if (left := why_left(handshake)) is not None:
        return left
    if facts.keyless:
        return no_key(handshake)
    if facts.decrypted:
        if why is None and misses:
            return f"behind a renegotiation: {why_undecided(*hellos, secrets)}"
        if why is None and facts.forged:
            records = "record does" if facts.forged == 1 else "records do"
            return f"{facts.forged} {records} not authenticate: changed or forged"
        return why or _unfit(handshake)
    if why is None and facts.bad_records:
        return "the secret of its client random opens none of its records"
    torn = any(each.torn for each in handshake.senders) and not handshake.is_decided
    if why is None and (misses or torn or (hellos[0] is None and not handshake.is_decided)):
        return why_undecided(*hellos, secrets)
    if why is None and facts.alert is not None:
        return f"the handshake ended with alert {alert_name(facts.alert)}"
    if why is None and hellos[1] is None:
        return "the server did not answer"
    return why


def _unfit(handshake: TlsHandshake) -> str | None:
    """Say whose secret does not fit, where that of the other end does."""
    for sender in handshake.senders:
        role = handshake.role(sender.side)
        if sender.sequence == 0 and getattr(handshake.facts, f"{role}_sealed"):
            return f"no record of the {role} opens with its secret"
    return None


def no_key(handshake: TlsHandshake) -> str:
    """Say of whom what was sent stayed closed for want of a secret."""
    facts, known = handshake.facts, {label for each in handshake.secrets for label in each}
    if not known.isdisjoint((CLIENT_TRAFFIC, SERVER_TRAFFIC)):
        ends = "both ends" if len(facts.keyless) > 1 else f"the {facts.keyless[0]}"
        return f"no secret for what {ends} sent"
    by_end = (("client", CLIENT_HANDSHAKE), ("server", SERVER_HANDSHAKE))
    of = [end for end, label in by_end if label in known]
    if not of:
        return "no secret for what both ends sent"
    if len(of) == 1:
        return f"the {of[0]}'s handshake secret is known, and no other of either end"
    return "the secrets of its handshake are known, and no traffic secret for what both ends sent"


def why_undecided(client: Offer | None, server: ServerHello | None, secrets: Secrets) -> str:
    """Return why a connection with one hello or none was not decrypted."""
    if secrets and not has_cryptography():
        known = client is None or bool(secrets.of(client.random))
        if known:
            return NO_CRYPTOGRAPHY
    return why_closed(client, server, secrets)


def why_closed(client: Offer | None, server: ServerHello | None, secrets: Secrets) -> str:
    """Return why the records of a connection with one hello or none could not be opened."""
    described = secrets.described
    if client is not None:
        labelled = secrets.of(client.random)
        if masters_of(labelled) or secrets.has_premaster(client.random):
            return f"{NO_SERVER}: before TLS 1.3 its random is part of the keys"
        if not secrets:
            return f"{NO_SERVER}, and {none_fits(secrets)}"
        if labelled:
            return f"{NO_SERVER}, and the secrets of this client random open none of its records"
        return f"{NO_SERVER}, and no secret for this client random is in {described}"
    missing = NOT_SEEN if server is None else NO_CLIENT
    if not any(store.by_random for store in secrets.stores):
        if server is None or server.version == TLS_1_3 or not secrets:
            return missing
        what = "private key" if secrets.private_keys else "premaster or session's secret"
        return f"{missing}: without its random a {what} opens nothing"
    tried = "opens the records that were tried"
    gave_up = any(store.by_random and store.tries_left <= 0 for store in secrets.stores)
    not_all = " (not with all of them)" if gave_up else ""
    if server is not None:
        return f"{missing}, and no unused secret of {described} {tried}{not_all}"
    return (
        f"{missing}: no unused secret of {described} {tried} as TLS 1.3{not_all}, and before it "
        "keys need the randoms of both hellos"
    )
