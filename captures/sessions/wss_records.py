"""Sessions of wss whose records are unusual: padded, empty, and small.

Padding is that of TLS 1.3 (RFC 8446 §5.4). Empty records are what OpenSSL sends before each record
of CBC in TLS 1.0, and GnuTLS with nothing but padding in them. Small ones hold a part of a message
of the handshake, or of a frame.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import partial

from websockets.asyncio.client import ClientConnection

from recording.stage import Session, Stage
from sessions.deterministic import noise, prose
from sessions.gnutls_ends import Records, gnutls_client, gnutls_server
from sessions.wss import (
    SSL_OP_NO_ENCRYPT_THEN_MAC,
    VERSIONS,
    ask_openssl,
    client_context,
    connected,
    server_context,
)
from sessions.wss_rsa import RSA

# <openssl/ssl.h>; Python sets it, as part of OP_ALL.
SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS = 1 << 11
SSL_CTRL_SET_MAX_SEND_FRAGMENT = 52
# <openssl/tls1.h>
TLSEXT_MAX_FRAGMENT_LENGTH_512 = 1
LARGEST = 16_384

FULL = "/padded-full"

Prepare = Callable[[ssl.SSLContext], None]


def padded(block: int, context: ssl.SSLContext) -> None:
    """Pad what is in a record to a multiple of `block` bytes."""
    context.minimum_version = VERSIONS["1.3"]
    ask_openssl("SSL_CTX_set_block_padding", context, block)


def with_empty_fragments(context: ssl.SSLContext) -> None:
    """Send an empty record before each one, for TLS 1.0 has no vector of its own in a record."""
    # OpenSSL has TLS 1.0 at this level only.
    context.set_ciphers("ECDHE-RSA-AES128-SHA:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = VERSIONS["1.0"]
    context.options &= ~SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS


def mac_first(context: ssl.SSLContext) -> None:
    """The same, with the MAC within what is encrypted."""
    with_empty_fragments(context)
    context.options |= SSL_OP_NO_ENCRYPT_THEN_MAC


def fragmented(version: str, context: ssl.SSLContext) -> None:
    """Have no more than 512 bytes in a record (RFC 6066 §4)."""
    context.maximum_version = VERSIONS[version]
    mode = TLSEXT_MAX_FRAGMENT_LENGTH_512
    ask_openssl("SSL_CTX_set_tlsext_max_fragment_length", context, mode)


def large_sent(context: ssl.SSLContext) -> None:
    """Send no more than 600 bytes in a record without saying so, padded to 1000."""
    padded(1000, context)
    ask_openssl("SSL_CTX_ctrl", context, SSL_CTRL_SET_MAX_SEND_FRAGMENT, 600, None)


# Of OpenSSL, on both sides: a path, and what makes the records.
OPENSSL: tuple[tuple[str, Prepare], ...] = (
    ("/padded", partial(padded, 512)),
    (FULL, partial(padded, LARGEST)),
    ("/padded-in-pieces", large_sent),
    ("/empty-fragments", with_empty_fragments),
    ("/empty-fragments-mac-first", mac_first),
    ("/small-1.2", partial(fragmented, "1.2")),
    ("/small-1.3", partial(fragmented, "1.3")),
)
TLS_1_2 = "NORMAL:-VERS-ALL:+VERS-TLS1.2"
CBC = f"{TLS_1_2}:-CIPHER-ALL:+AES-128-CBC"
# Of GnuTLS, on both sides.
GNUTLS = (
    ("/gnutls-padded", Records(padding=700)),
    ("/gnutls-empty", Records(padding=300, empty=2)),
    ("/gnutls-pieces", Records(piece=7)),
    ("/gnutls-pieces-1.2", Records(TLS_1_2, piece=2)),
    ("/gnutls-pieces-cbc", Records(CBC, piece=3)),
    ("/gnutls-small", Records(padding=100, empty=1, piece=300, limit=512)),
    ("/gnutls-small-1.2", Records(TLS_1_2, limit=512)),
)


async def talk(client: ClientConnection, path: str) -> None:
    """Say the same everywhere, with frames of each kind of length; and a Ping."""
    for message in (f"on {path}", b"", noise(200), prose(1500)):
        await client.send(message)
        assert await client.recv() == message
    await (await client.ping(b"there?"))


async def openssl(stage: Stage, port: int, path: str, prepare: Prepare) -> None:
    """Talk with OpenSSL on both sides."""
    mine, theirs = server_context(stage, RSA), client_context(stage)
    prepare(theirs)
    # The capture is large enough with those of one side.
    if path != FULL:
        prepare(mine)
    async with connected(stage, port, path, (mine, theirs)) as client:
        await talk(client, path)
        await client.close(1000, "bye")


async def play(stage: Stage) -> None:
    """A conversation with each kind of records."""
    for port, (path, prepare) in enumerate(OPENSSL, 9440):
        await openssl(stage, port, path, prepare)
    for port, (path, records) in enumerate(GNUTLS, 9450):
        async with (
            gnutls_server(stage, port, records),
            gnutls_client(stage, port, path, records) as client,
        ):
            await talk(client, path)


SESSIONS = (
    Session(
        "wss-records",
        "wss whose records are unusual, one connection each, named by its path: padded (TLS 1.3), "
        "to the largest, too; empty ones before each other one (TLS 1.0 with CBC; GnuTLS, padded); "
        "small ones, by agreement (RFC 6066, RFC 8449) and without, with parts of certificates "
        "and of frames; the secrets are in the capture",
        play,
        ("websockets", "openssl", "GnuTLS"),
    ),
)
