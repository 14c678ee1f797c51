"""Sessions inside TLS: `websockets` on both sides, with Python's `ssl` (OpenSSL).

The client logs its secrets, which are put into the capture as a Decryption Secrets Block.
"""

from __future__ import annotations

import asyncio
import ctypes
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.sync.client import connect as connect_blocking

from recording.stage import Session, Stage
from sessions.deterministic import noise, prose
from sessions.websockets_peers import echo

SOFTWARE = ("websockets", "openssl")
NAME = "chat.example"

# A path, the version, OpenSSL's name of the suite, and whether CBC may be encrypt-then-MAC.
SUITES = (
    ("/aes-128-gcm-1.3", "1.3", "TLS_AES_128_GCM_SHA256", True),
    ("/aes-256-gcm-1.3", "1.3", "TLS_AES_256_GCM_SHA384", True),
    ("/chacha20-1.3", "1.3", "TLS_CHACHA20_POLY1305_SHA256", True),
    ("/aes-128-ccm-1.3", "1.3", "TLS_AES_128_CCM_SHA256", True),
    ("/aes-128-ccm-8-1.3", "1.3", "TLS_AES_128_CCM_8_SHA256", True),
    ("/aes-128-gcm", "1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", True),
    ("/aes-256-gcm", "1.2", "ECDHE-ECDSA-AES256-GCM-SHA384", True),
    ("/chacha20", "1.2", "ECDHE-ECDSA-CHACHA20-POLY1305", True),
    ("/aes-128-ccm", "1.2", "ECDHE-ECDSA-AES128-CCM", True),
    ("/aes-256-ccm-8", "1.2", "ECDHE-ECDSA-AES256-CCM8", True),
    ("/aes-128-sha1", "1.2", "ECDHE-ECDSA-AES128-SHA", True),
    ("/aes-128-sha256", "1.2", "ECDHE-ECDSA-AES128-SHA256", True),
    ("/aes-256-sha384", "1.2", "ECDHE-ECDSA-AES256-SHA384", True),
    ("/aes-256-sha1-mac-first", "1.2", "ECDHE-ECDSA-AES256-SHA", False),
    ("/aes-128-sha256-mac-first", "1.2", "ECDHE-ECDSA-AES128-SHA256", False),
    ("/aes-256-sha384-mac-first", "1.2", "ECDHE-ECDSA-AES256-SHA384", False),
    ("/tls-1.1", "1.1", "ECDHE-ECDSA-AES128-SHA", True),
    ("/tls-1.0", "1.0", "ECDHE-ECDSA-AES256-SHA", False),
)
VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
# Of the server and of the client.
Contexts = tuple[ssl.SSLContext, ssl.SSLContext]
# What kind of key a server has, as `openssl req` is told.
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
# <openssl/ssl.h>
SSL_OP_NO_ENCRYPT_THEN_MAC = 1 << 19


def server_context(stage: Stage, kind: tuple[str, ...] = CURVE) -> ssl.SSLContext:
    """Return a server's context with a certificate that was just made, for a key of this kind."""
    certificate, key = stage.scratch / "cert.pem", stage.scratch / "key.pem"
    if not key.exists():
        subject = ["-subj", f"/O=wsanalyze captures/CN={NAME}"]
        subject += ["-addext", f"subjectAltName=DNS:{NAME}"]
        files = ["-keyout", str(key), "-out", str(certificate), "-nodes", "-days", "90"]
        subprocess.run(
            ["openssl", "req", "-x509", *kind, *subject, *files], check=True, capture_output=True
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    return context


def client_context(stage: Stage) -> ssl.SSLContext:
    """Return a client's context that trusts that certificate, and logs its secrets."""
    context = ssl.create_default_context(cafile=str(stage.scratch / "cert.pem"))
    context.set_alpn_protocols(["http/1.1"])
    context.keylog_filename = str(stage.keylog)
    return context


def ask_openssl(function: str, context: ssl.SSLContext, *arguments: Any) -> None:
    """Call a function of OpenSSL that Python 3.11 has none for: its context holds the pointer."""
    pointer = ctypes.c_void_p.from_address(id(context) + object.__basicsize__)
    assert getattr(ctypes.CDLL("libssl.so.3"), function)(pointer, *arguments) == 1


def set_suites_of_1_3(context: ssl.SSLContext, suites: str) -> None:
    """Choose suites of TLS 1.3."""
    ask_openssl("SSL_CTX_set_ciphersuites", context, suites.encode())


def limit(context: ssl.SSLContext, version: str, suite: str, *, may_encrypt_first: bool) -> None:
    """Let a context speak one version and one suite only."""
    # OpenSSL takes SHA-1, short tags and the old versions at this level only.
    context.set_ciphers("ALL:@SECLEVEL=0" if version == "1.3" else f"{suite}:@SECLEVEL=0")
    if version == "1.3":
        set_suites_of_1_3(context, suite)
    context.minimum_version = context.maximum_version = VERSIONS[version]
    if not may_encrypt_first:
        context.options |= SSL_OP_NO_ENCRYPT_THEN_MAC


@asynccontextmanager
async def connected(
    stage: Stage, port: int, path: str, both: Contexts
) -> AsyncIterator[ClientConnection]:
    """Serve an echo within TLS, and connect to it."""
    mine, theirs = both
    options: dict[str, Any] = {"compression": None, "ping_interval": None}
    server = serve(echo, "127.0.0.1", port, ssl=mine, logger=stage.logger("server"), **options)
    logger, url = stage.logger("client"), f"wss://{NAME}:{port}{path}"
    async with (
        server,
        connect(url, host="127.0.0.1", ssl=theirs, logger=logger, **options) as client,
    ):
        yield client


async def converse(stage: Stage, port: int, path: str, both: Contexts, first: str) -> None:
    """Have a short conversation within TLS."""
    async with connected(stage, port, path, both) as client:
        for message in (first, noise(100), prose(600)):
            await client.send(message)
            await client.recv()
        await client.close(1000, "bye")


async def chat(stage: Stage, port: int, contexts: Contexts | None) -> None:
    """Say the same with TLS and without."""

    async def answer(connection: ServerConnection) -> None:
        await (await connection.ping(b"from the server"))
        await echo(connection)

    server_tls, client_tls = contexts or (None, None)
    server = await serve(
        answer,
        "127.0.0.1",
        port,
        compression=None,
        ping_interval=None,
        ssl=server_tls,
        logger=stage.logger("server"),
    )
    scheme = "wss" if contexts else "ws"
    async with (
        server,
        connect(
            f"{scheme}://{NAME}:{port}/chat?room=1",
            host="127.0.0.1",
            compression=None,
            ping_interval=None,
            ssl=client_tls,
            logger=stage.logger("client"),
        ) as client,
    ):
        for message in ("Hello", b"\x00\x01\xfe\xff", "", b"", "Grüße, 世界, 🦉"):
            await client.send(message)
            await client.recv()
        await (await client.ping(b"from the client"))
        # Several records each, and several frames in one.
        for message in (prose(40_000), noise(70_000)):
            await client.send(message)
            await client.recv()
        await client.close(4000, "that was all")


async def play_chat_ws(stage: Stage) -> None:
    """The twin without TLS."""
    await chat(stage, 9301, None)


async def play_chat_wss(stage: Stage) -> None:
    """TLS 1.3 as both ends have it by default."""
    context = server_context(stage)
    await chat(stage, 9301, (context, client_context(stage)))


async def play_tls12(stage: Stage) -> None:
    """TLS 1.2, where the certificate is in the clear."""
    context = server_context(stage)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    await chat(stage, 9302, (context, client_context(stage)))


async def play_suites(stage: Stage) -> None:
    """A short conversation for each suite."""
    for place, (path, version, suite, may_encrypt_first) in enumerate(SUITES):
        port = 9310 + place
        mine, theirs = server_context(stage), client_context(stage)
        for context in (mine, theirs):
            limit(context, version, suite, may_encrypt_first=may_encrypt_first)
        await converse(stage, port, path, (mine, theirs), f"in {suite}")


def talk(
    stage: Stage,
    context: ssl.SSLContext,
    port: int,
    path: str,
    session: ssl.SSLSession | None = None,
) -> ssl.SSLSession:
    """Say something on a connection that resumes a session of TLS, or on a new one; return it.

    It blocks: asyncio has no argument for a session.
    """
    plain = socket.create_connection(("127.0.0.1", port))
    wrapped = context.wrap_socket(plain, server_hostname=NAME, session=session)
    assert wrapped.session_reused == (session is not None)
    logger = stage.logger("client")
    address = f"ws://{NAME}:{port}{path}"
    with connect_blocking(address, sock=wrapped, compression=None, logger=logger) as client:
        client.send(f"on {path}")
        client.recv()
        found = wrapped.session
        client.close(1000, "bye")
    assert found is not None
    return found


async def play_handshakes(stage: Stage) -> None:
    """Sessions resumed by ticket, by ID and by key; a HelloRetryRequest."""
    kinds = (("/ticket", "1.2", 0), ("/id", "1.2", ssl.OP_NO_TICKET), ("/key", "1.3", 0))
    for place, (path, version, options) in enumerate(kinds):
        port = 9340 + place
        mine = server_context(stage)
        mine.maximum_version = VERSIONS[version]
        mine.options |= options
        server = await serve(
            echo, "127.0.0.1", port, compression=None, ssl=mine, logger=stage.logger("server")
        )
        async with server:
            theirs = client_context(stage)
            session = await asyncio.to_thread(talk, stage, theirs, port, path)
            await asyncio.to_thread(talk, stage, theirs, port, f"{path}-again", session)
    mine = server_context(stage)
    # The client's share is for another curve.
    mine.set_ecdh_curve("secp384r1")
    server = await serve(
        echo, "127.0.0.1", 9350, compression=None, ssl=mine, logger=stage.logger("server")
    )
    async with server:
        await asyncio.to_thread(talk, stage, client_context(stage), 9350, "/retry")


SESSIONS = (
    Session(
        "chat-ws",
        "the twin of `chat-wss` without TLS: the same client, server and messages",
        play_chat_ws,
        ("websockets",),
    ),
    Session(
        "chat-wss",
        "wss over TLS 1.3, its secrets in the capture: messages of all kinds, two of several "
        "records each",
        play_chat_wss,
        SOFTWARE,
    ),
    Session(
        "wss-tls12",
        "wss over TLS 1.2, its secrets in the capture; the same messages",
        play_tls12,
        SOFTWARE,
    ),
    Session(
        "wss-suites",
        "one connection for each cipher suite that is decrypted, named by its path: TLS 1.3 and "
        "1.2, AES-CBC with both orders of MAC and encryption, TLS 1.1 and 1.0",
        play_suites,
        SOFTWARE,
    ),
    Session(
        "wss-handshakes",
        "TLS sessions resumed by ticket and by ID (1.2) and by pre-shared key (1.3), each behind "
        "the one that it resumes; a HelloRetryRequest",
        play_handshakes,
        SOFTWARE,
    ),
)
