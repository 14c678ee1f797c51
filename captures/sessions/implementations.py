"""Independent implementations that keep the rules: each server with one client, each client so."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from recording.processes import running, start
from recording.stage import SCRIPTS, Session, Stage
from sessions.deterministic import prose
from sessions.websockets_peers import echo

SECONDS = 30.0

PYTHON = (sys.executable, str(SCRIPTS / "echo_servers.py"))
NODE = ("node", str(SCRIPTS / "echo_servers.cjs"))
#: Servers, by the path of the request that is sent to them.
SERVERS: dict[str, tuple[str, ...]] = {
    "hypercorn": (*PYTHON, "hypercorn"),
    "uvicorn-websockets": (*PYTHON, "uvicorn-websockets"),
    "uvicorn-wsproto": (*PYTHON, "uvicorn-wsproto"),
    "tornado": (*PYTHON, "tornado"),
    "gevent": (*PYTHON, "gevent"),
    "ws": (*NODE, "ws"),
    "faye": (*NODE, "faye"),
    "websocket-node": (*NODE, "websocket"),
    "mojolicious": ("perl", str(SCRIPTS / "echo_server.pl")),
}
NODE_CLIENT = ("node", str(SCRIPTS / "echo_clients.cjs"))
#: Clients, by the path that they ask for.
CLIENTS: dict[str, tuple[str, ...]] = {
    "from-ws": (*NODE_CLIENT, "ws"),
    "from-undici": (*NODE_CLIENT, "undici"),
    "from-faye": (*NODE_CLIENT, "faye"),
    "from-websocket-node": (*NODE_CLIENT, "websocket"),
    "from-websocket-client": (sys.executable, str(SCRIPTS / "echo_client.py")),
    "from-java": ("java", str(SCRIPTS / "EchoClient.java")),
    "from-mojolicious": ("perl", str(SCRIPTS / "echo_client.pl")),
}

LARGE = b"\x07" * 66000
MESSAGES = ("plain text", "Grüße, 世界, 🦉", "", b"\x00\x01\xfe\xff", prose(300), LARGE)


async def converse(url: str, logger: logging.Logger, **options: Any) -> None:
    """Send messages of all kinds, each after the echo of the one before; ping; close."""
    async with connect(url, ping_interval=None, logger=logger, **options) as client:
        for message in MESSAGES:
            await client.send(message)
            await client.recv()
        await client.send(["a text ", "", "in fragments"])
        await client.recv()
        await asyncio.wait_for(await client.ping(b"are you there?"), SECONDS)
        await client.close(1000, "done")


async def play(stage: Stage) -> None:
    """Each server with a client of `websockets`, with and without compression; then each client."""
    logger = stage.logger("client")
    for port, (name, command) in enumerate(SERVERS.items(), 9230):
        async with running(port, *command, str(port)):
            url = f"ws://127.0.0.1:{port}/{name}"
            await converse(url, logger)
            if name in ("hypercorn", "tornado"):
                await converse(url + "-plain", logger, compression=None)
    server = stage.logger("server")
    async with await serve(echo, "127.0.0.1", 9250, ping_interval=None, logger=server):
        for name, command in CLIENTS.items():
            process = await start(*command, f"ws://127.0.0.1:9250/{name}")
            if await asyncio.wait_for(process.wait(), SECONDS) != 0:
                raise RuntimeError(f"{name} failed")


SESSIONS = (
    Session(
        "implementations",
        "independent implementations that keep the rules: nine servers with a client of "
        "websockets, seven clients with a server of websockets; messages of all kinds, a ping, a "
        "clean close",
        play,
        (
            "websockets",
            "hypercorn",
            "uvicorn",
            "wsproto",
            "tornado",
            "gevent-websocket",
            "websocket-client",
            "npm:ws",
            "npm:undici",
            "npm:faye-websocket",
            "npm:websocket",
            "perl:Mojolicious",
            "java",
            "node",
        ),
    ),
)
