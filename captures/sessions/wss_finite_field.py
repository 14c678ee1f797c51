"""Sessions of wss whose key exchange is Diffie-Hellman in a finite field.

Suites of TLS 1.2 with DHE_RSA, and the groups of RFC 7919 in TLS 1.3.
"""

from __future__ import annotations

import ssl
import subprocess

from recording.stage import Session, Stage
from sessions.deterministic import noise, prose
from sessions.gnutls_ends import Records, gnutls_client, gnutls_server
from sessions.wss import (
    SSL_OP_NO_ENCRYPT_THEN_MAC,
    VERSIONS,
    ask_openssl,
    client_context,
    converse,
    server_context,
)
from sessions.wss_rsa import RSA, SSL_OP_NO_EXTENDED_MASTER_SECRET, contexts

# <openssl/ssl.h>
SSL_CTRL_SET_GROUPS_LIST = 92
# A path, the version, OpenSSL's name of the suite, the group, and further options of both ends.
# `own` is a prime that was made for this recording.
KINDS = (
    ("/aes-128-gcm", "1.2", "DHE-RSA-AES128-GCM-SHA256", "ffdhe2048", 0),
    ("/aes-256-gcm", "1.2", "DHE-RSA-AES256-GCM-SHA384", "ffdhe3072", 0),
    ("/chacha20", "1.2", "DHE-RSA-CHACHA20-POLY1305", "ffdhe2048", 0),
    ("/aes-128-ccm", "1.2", "DHE-RSA-AES128-CCM", "ffdhe2048", 0),
    ("/aes-256-ccm-8", "1.2", "DHE-RSA-AES256-CCM8", "ffdhe2048", 0),
    ("/aes-128-sha1", "1.2", "DHE-RSA-AES128-SHA", "ffdhe2048", 0),
    ("/aes-256-sha256", "1.2", "DHE-RSA-AES256-SHA256", "modp_2048", 0),
    ("/aes-256-sha1-mac-first", "1.2", "DHE-RSA-AES256-SHA", "own", SSL_OP_NO_ENCRYPT_THEN_MAC),
    (
        "/plain-master-secret",
        "1.2",
        "DHE-RSA-AES128-GCM-SHA256",
        "ffdhe2048",
        SSL_OP_NO_EXTENDED_MASTER_SECRET,
    ),
    ("/tls-1.1", "1.1", "DHE-RSA-AES128-SHA", "ffdhe2048", 0),
    ("/tls-1.0", "1.0", "DHE-RSA-AES256-SHA", "own", 0),
)
# Of TLS 1.3: a path, the groups of the server, and those of the client, which sends a share for the
# first of its own.
GROUPS = (
    ("/ffdhe2048", "ffdhe2048", "ffdhe2048"),
    ("/ffdhe8192", "ffdhe8192", "ffdhe8192"),
    ("/retry", "ffdhe3072", "X25519:ffdhe3072"),
)
# Of GnuTLS, which agrees on a group in TLS 1.2, too (RFC 7919 §4): a path, what both ends offer.
NEGOTIATED = (
    ("/gnutls", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA:-GROUP-ALL:+GROUP-FFDHE3072"),
    ("/gnutls-1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-FFDHE4096"),
)


def set_groups(context: ssl.SSLContext, groups: str) -> None:
    """Choose the groups of TLS 1.3."""
    ask_openssl("SSL_CTX_ctrl", context, SSL_CTRL_SET_GROUPS_LIST, 0, groups.encode())


def set_prime(stage: Stage, context: ssl.SSLContext, group: str) -> None:
    """Let a server before TLS 1.3 use a prime: of a group that has a name, or `own`."""
    file = stage.scratch / f"{group}.pem"
    if not file.exists():
        command = ["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-out", str(file)]
        if group == "own":
            command = ["openssl", "dhparam", "-dsaparam", "-out", str(file), "2048"]
        else:
            command += ["-pkeyopt", f"group:{group}"]
        subprocess.run(command, check=True, capture_output=True)
    context.load_dh_params(str(file))


async def play(stage: Stage) -> None:
    """A short conversation of each kind."""
    for port, (path, version, suite, group, more) in enumerate(KINDS, 9400):
        mine, theirs = contexts(stage, version, suite, more)
        set_prime(stage, mine, group)
        await converse(stage, port, path, (mine, theirs), f"in {suite}")
    for port, (path, servers, clients) in enumerate(GROUPS, 9420):
        mine, theirs = server_context(stage, RSA), client_context(stage)
        for context, groups in ((mine, servers), (theirs, clients)):
            context.minimum_version = VERSIONS["1.3"]
            set_groups(context, groups)
        await converse(stage, port, path, (mine, theirs), f"in {servers}")
    for port, (path, priority) in enumerate(NEGOTIATED, 9430):
        records = Records(priority)
        server_context(stage, RSA)
        async with (
            gnutls_server(stage, port, records),
            gnutls_client(stage, port, path, records) as client,
        ):
            for message in ("in a group that both ends know by its name", noise(100), prose(600)):
                await client.send(message)
                await client.recv()


SESSIONS = (
    Session(
        "wss-finite-field",
        "wss whose key exchange is Diffie-Hellman in a finite field, named by its path: suites "
        "with DHE_RSA in TLS 1.2, 1.1 and 1.0, primes of RFC 7919, of RFC 3526 and one of its own; "
        "groups of RFC 7919 in TLS 1.3, one behind a HelloRetryRequest; the secrets are in the "
        "capture",
        play,
        ("websockets", "openssl", "GnuTLS"),
    ),
)
