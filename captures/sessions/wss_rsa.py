"""Sessions of wss whose key exchange is static RSA: the server's key opens them for ever after.

Besides the secrets in the capture, that key is beside it. It was made for this recording alone.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from websockets.asyncio.server import serve

from recording.stage import Session, Stage
from sessions.websockets_peers import echo
from sessions.wss import (
    SSL_OP_NO_ENCRYPT_THEN_MAC,
    VERSIONS,
    Contexts,
    client_context,
    converse,
    server_context,
    talk,
)

RSA = ("-newkey", "rsa:2048")
# <openssl/ssl.h>
SSL_OP_NO_EXTENDED_MASTER_SECRET = 1 << 0
# A path, the version, OpenSSL's name of the suite, and further options of both ends.
KINDS = (
    ("/aes-128-gcm", "1.2", "AES128-GCM-SHA256", 0),
    ("/aes-256-gcm", "1.2", "AES256-GCM-SHA384", 0),
    ("/aes-128-ccm-8", "1.2", "AES128-CCM8", 0),
    ("/aes-256-sha256", "1.2", "AES256-SHA256", 0),
    ("/aes-128-sha1-mac-first", "1.2", "AES128-SHA", SSL_OP_NO_ENCRYPT_THEN_MAC),
    ("/plain-master-secret", "1.2", "AES128-GCM-SHA256", SSL_OP_NO_EXTENDED_MASTER_SECRET),
    ("/tls-1.0", "1.0", "AES128-SHA", 0),
    # Of the same key, which signs here: it opens nothing.
    ("/ecdhe", "1.2", "ECDHE-RSA-AES128-GCM-SHA256", 0),
)
RESUMED = (("/ticket", 0), ("/id", ssl.OP_NO_TICKET))


def contexts(stage: Stage, version: str, suite: str, options: int) -> Contexts:
    """Return contexts of server and client that speak one version and one suite only."""
    both = server_context(stage, RSA), client_context(stage)
    for context in both:
        # OpenSSL takes the old versions and short tags at this level only.
        context.set_ciphers(f"{suite}:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = VERSIONS[version]
        context.options |= options
    return both


async def play(stage: Stage) -> None:
    """A short conversation of each kind, then sessions that are resumed."""
    options: dict[str, Any] = {"compression": None, "ping_interval": None}
    stage.beside[".key.pem"] = stage.scratch / "key.pem"
    for port, (path, version, suite, more) in enumerate(KINDS, 9380):
        mine, theirs = contexts(stage, version, suite, more)
        await converse(stage, port, path, (mine, theirs), f"in {suite}")
    for port, (path, more) in enumerate(RESUMED, 9390):
        mine, theirs = contexts(stage, "1.2", "AES128-GCM-SHA256", more)
        server = serve(echo, "127.0.0.1", port, ssl=mine, logger=stage.logger("server"), **options)
        async with server:
            session = await asyncio.to_thread(talk, stage, theirs, port, path)
            await asyncio.to_thread(talk, stage, theirs, port, f"{path}-again", session)


SESSIONS = (
    Session(
        "wss-rsa",
        "wss whose key exchange is static RSA, with the server's key beside the capture: five "
        "suites of TLS 1.2, one without the extended master secret, TLS 1.0, sessions resumed by "
        "ticket and by ID; and one of ECDHE, which that key does not open. Secrets of all are in "
        "the capture, too",
        play,
        ("websockets", "openssl"),
    ),
)
