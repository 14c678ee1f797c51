"""TLS handshakes that an end refuses with an alert, most of them in the clear; nobody logs them."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from datetime import timedelta

from recording.stage import Session, Stage
from sessions.wss import NAME, client_context, limit, server_context
from sessions.wss_flaws import certify, talk

VALID = 9370
# Who refuses for what, a port for each.
AUTHORITY, AUTHORITY_13, HOST, EXPIRED, VERSION, SUITE, CLIENT_CERTIFICATE, SNI = range(9371, 9379)

Refuse = Callable[[Stage], tuple[ssl.SSLContext, ssl.SSLContext, str]]


def unknown_authority(stage: Stage) -> tuple[ssl.SSLContext, ssl.SSLContext, str]:
    """Return a server and a client that does not know who signed its certificate."""
    return server_context(stage), strict(), NAME


def other_host(stage: Stage) -> tuple[ssl.SSLContext, ssl.SSLContext, str]:
    """Return a server and a client that asks for another name than the certificate has."""
    mine = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    mine.load_cert_chain(*certify(stage.scratch, "host", timedelta(0), timedelta(days=30)))
    return mine, strict(str(stage.scratch / "root.pem")), "other.example"


def expired(stage: Stage) -> tuple[ssl.SSLContext, ssl.SSLContext, str]:
    """Return a server whose certificate has expired, and a client that looks."""
    day = timedelta(days=1)
    mine = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    mine.load_cert_chain(*certify(stage.scratch, "expired", -90 * day, -30 * day))
    return mine, strict(str(stage.scratch / "root.pem")), NAME


def no_common_version(stage: Stage) -> tuple[ssl.SSLContext, ssl.SSLContext, str]:
    """Return a server of TLS 1.3 alone and a client of TLS 1.2."""
    mine = server_context(stage)
    mine.minimum_version = ssl.TLSVersion.TLSv1_3
    return mine, unlogged(), NAME


def no_common_suite(stage: Stage) -> tuple[ssl.SSLContext, ssl.SSLContext, str]:
    """Return two that know no suite in common."""
    mine, theirs = server_context(stage), unlogged()
    limit(mine, "1.2", "ECDHE-ECDSA-AES256-GCM-SHA384", may_encrypt_first=True)
    limit(theirs, "1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", may_encrypt_first=True)
    return mine, theirs, NAME


def no_client_certificate(stage: Stage) -> tuple[ssl.SSLContext, ssl.SSLContext, str]:
    """Return a server that wants to know who comes, and a client that does not say."""
    mine = server_context(stage)
    mine.load_verify_locations(stage.scratch / "root.pem")
    mine.verify_mode = ssl.CERT_REQUIRED
    return mine, unlogged(), NAME


def unknown_name(stage: Stage) -> tuple[ssl.SSLContext, ssl.SSLContext, str]:
    """Return a server that serves no such name."""
    mine = server_context(stage)
    mine.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    return mine, unlogged(), "nobody.example"


def strict(authority: str | None = None) -> ssl.SSLContext:
    """Return the context of a client that checks certificates."""
    context = ssl.create_default_context(cafile=authority)
    context.keylog_filename = None
    return context


def unlogged() -> ssl.SSLContext:
    """Return the context of a client that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


REFUSED: tuple[tuple[int, Refuse, ssl.TLSVersion], ...] = (
    (EXPIRED, expired, ssl.TLSVersion.TLSv1_2),
    (HOST, other_host, ssl.TLSVersion.TLSv1_2),
    (AUTHORITY, unknown_authority, ssl.TLSVersion.TLSv1_2),
    (AUTHORITY_13, unknown_authority, ssl.TLSVersion.TLSv1_3),
    (VERSION, no_common_version, ssl.TLSVersion.TLSv1_2),
    (SUITE, no_common_suite, ssl.TLSVersion.TLSv1_2),
    (CLIENT_CERTIFICATE, no_client_certificate, ssl.TLSVersion.TLSv1_2),
    (SNI, unknown_name, ssl.TLSVersion.TLSv1_2),
)


def greet(connection: socket.socket, context: ssl.SSLContext, name: str | None) -> str:
    """Shake hands over a blocking socket, the alerts of which are sent; return what went wrong."""
    with connection:
        try:
            with context.wrap_socket(
                connection, server_side=name is None, server_hostname=name
            ) as secured:
                secured.recv(1)
        except OSError as error:
            return str(error)
    return ""


async def refuse(port: int, contexts: tuple[ssl.SSLContext, ssl.SSLContext], name: str) -> None:
    """Listen and connect; one of the two has to refuse the other.

    asyncio does not send the alerts of handshakes that fail.
    """
    mine, theirs = contexts
    with socket.create_server(("127.0.0.1", port)) as listening:
        client = socket.create_connection(("127.0.0.1", port))
        server, _ = listening.accept()
        said = await asyncio.gather(
            asyncio.to_thread(greet, server, mine, None),
            asyncio.to_thread(greet, client, theirs, name),
        )
    assert any(said), f"port {port} was not refused"


async def play(stage: Stage) -> None:
    """Refuse one handshake after the other; then let one go on, to have something to read."""
    for port, make, version in REFUSED:
        mine, theirs, name = make(stage)
        theirs.maximum_version = version
        await refuse(port, (mine, theirs), name)
    await talk(stage, VALID, "/valid", (server_context(stage), client_context(stage)))


SESSIONS = (
    Session(
        "wss-refused",
        "TLS handshakes that one end refuses, a port for each reason: certificates expired, of "
        "another host, of an unknown authority (TLS 1.2 and 1.3); no version or suite in common; "
        "no certificate of the client; an unknown name. Nobody logged their secrets. At last a "
        "connection that is not refused, with its secrets",
        play,
        ("websockets", "openssl"),
    ),
)
