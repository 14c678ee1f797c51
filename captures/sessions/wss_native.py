"""wss whose TLS is not OpenSSL's: Go's `crypto/tls` on both sides, and Java's JSSE.

Go logs the secrets on whichever side it is; Java cannot, and talks with Go.
"""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from recording.processes import running
from recording.stage import SCRIPTS, Session, Stage
from sessions.native_implementations import GO, client, compile_peers, write_journal
from sessions.websockets_peers import echo
from sessions.wss import NAME, client_context, server_context
from sessions.wss_ways import certificate

GO_1_3, GO_1_2, WEBSOCKETS = 9381, 9382, 9383
WAYS = ("plain", "deflate", "long", "told")


@asynccontextmanager
async def go_server(stage: Stage, port: int, version: str) -> AsyncIterator[None]:
    """Run a server of Go; write its journal when it has ended."""
    printed = stage.scratch / f"go-{port}.lines"
    command = (str(stage.scratch / "gorilla"), "server", str(port), str(stage.keylog), version)
    with printed.open("wb") as file:
        async with running(port, *command, *certificate(stage), stdout=file):
            yield
    write_journal(stage.journal("server"), printed, port)


async def go_client(stage: Stage, port: int, way: str, version: str) -> None:
    """Let a client of Go talk to a server."""
    url = f"wss://{NAME}:{port}/go-{way}"
    more = (str(stage.keylog), version, certificate(stage)[0])
    await client(stage, str(stage.scratch / "gorilla"), "client", url, way, *more, port=port)


async def java_client(stage: Stage, port: int) -> None:
    """Let a client of Java talk to a server, whose certificate and address it is told."""
    store, hosts = stage.scratch / "trusted.p12", stage.scratch / "hosts"
    if not store.exists():
        hosts.write_text(f"127.0.0.1 {NAME}\n", encoding="ascii")
        line = ["keytool", "-importcert", "-noprompt", "-alias", "a", "-storepass", "changeit"]
        line += ["-file", certificate(stage)[0], "-keystore", str(store)]
        subprocess.run(line, check=True, capture_output=True)
    options = (f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit")
    options += (f"-Djdk.net.hosts.file={hosts}",)
    url = f"wss://{NAME}:{port}/java"
    await client(stage, "java", *options, str(SCRIPTS / "EchoClient.java"), url, port=port)


async def python_client(stage: Stage, port: int) -> None:
    """Let a client of `websockets` talk to a server, which logs the secrets."""
    tls = client_context(stage)
    address, logger = f"wss://{NAME}:{port}/python", stage.logger("client")
    options = {"ssl": tls, "host": "127.0.0.1", "ping_interval": None, "logger": logger}
    async with connect(address, **options) as connection:  # type: ignore[arg-type]
        for message in ("from Python", b"\x00\x01\xfe\xff", "again and " * 700):
            await connection.send(message)
            await connection.recv()
        await connection.close(1000, "done")


async def play(stage: Stage) -> None:
    """Clients of Go, Java and Python to servers of Go, and a client of Go to one of Python."""
    tls = server_context(stage)
    await compile_peers(stage.scratch, [GO])
    for port, version in ((GO_1_3, "1.3"), (GO_1_2, "1.2")):
        async with go_server(stage, port, version):
            for way in WAYS:
                await go_client(stage, port, way, version)
            await java_client(stage, port)
            await python_client(stage, port)
    options = {"ping_interval": None, "ssl": tls, "logger": stage.logger("server")}
    async with serve(echo, "127.0.0.1", WEBSOCKETS, **options):  # type: ignore[arg-type]
        await go_client(stage, WEBSOCKETS, "plain", "1.3")
        await go_client(stage, WEBSOCKETS, "deflate", "1.2")


SESSIONS = (
    Session(
        "wss-native",
        "wss with the TLS of Go and of Java, its secrets in the capture, in TLS 1.3 and 1.2: "
        "gorilla/websocket on both sides, plain, with permessage-deflate, long, and told to close; "
        "clients of Java and of Python websockets to it, and it to a server of Python websockets",
        play,
        ("gorilla/websocket", "go", "java", "websockets", "openssl"),
    ),
)
