"""Why a TLS connection stayed closed of which a hello is not in the capture: true in each case."""

from __future__ import annotations

from wsanalyze.tls.hellos import TLS_1_3, ClientHello, ServerHello
from wsanalyze.tls.keylog import MASTER, Secrets

NOT_SEEN = "the handshake is not in the capture"
NO_CLIENT = "the ClientHello is not in the capture"
NO_SERVER = "the ServerHello is not in the capture"


def why_closed(client: ClientHello | None, server: ServerHello | None, secrets: Secrets) -> str:
    """Return why the records of a connection with one hello or none could not be opened."""
    described = secrets.described
    if client is not None:
        labelled = secrets.of(client.random)
        if MASTER in labelled:
            return f"{NO_SERVER}: before TLS 1.3 its random is part of the keys"
        if labelled:
            return f"{NO_SERVER}, and the secrets of this client random open none of its records"
        return f"{NO_SERVER}, and no secret for this client random is in {described}"
    missing = NOT_SEEN if server is None else NO_CLIENT
    if not secrets.count:
        if server is not None and secrets.private_keys and server.version != TLS_1_3:
            return f"{missing}: without its random a private key opens nothing"
        return missing
    tried = "opens the records that were tried"
    not_all = " (not with all of them)" if secrets.tries_left <= 0 else ""
    if server is not None:
        return f"{missing}, and no unused secret of {described} {tried}{not_all}"
    return (
        f"{missing}: no unused secret of {described} {tried} as TLS 1.3{not_all}, and before it "
        "keys need the randoms of both hellos"
    )
