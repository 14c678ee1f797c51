"""Sessions with the Node library `ws`: among themselves, and each way with the Python libraries."""

from __future__ import annotations

import base64
import json
from typing import Any

from websockets.asyncio.server import serve

from recording.processes import ScriptPeer
from recording.stage import Session, Stage
from sessions.aiohttp_peers import connect_noted
from sessions.deterministic import noise
from sessions.websockets_peers import echo

Action = list[Any]


def binary(data: bytes, **options: Any) -> Action:
    """Return the action that sends a binary message, or with `fin=False` a fragment."""
    return ["binary", base64.b64encode(data).decode(), options]


async def ws_server(
    stage: Stage,
    port: int,
    *,
    host: str = "127.0.0.1",
    actions: list[Action] | None = None,
    **options: Any,
) -> ScriptPeer:
    """Start an echo server made with `ws`; it first performs `actions` on each connection."""
    texts = json.dumps(options), json.dumps(actions or [])
    return await stage.node("ws_peer.cjs", "server", "server", host, port, *texts)


async def ws_client(
    stage: Stage, url: str, actions: list[Action], *, wait: bool = True, **options: Any
) -> ScriptPeer:
    """Run a client made with `ws`, to its end unless told not to wait."""
    texts = json.dumps(options), json.dumps(actions)
    client = await stage.node("ws_peer.cjs", "client", "client", url, "-", *texts)
    if wait:
        await client.wait()
    return client


async def play_ipv6(stage: Stage) -> None:
    """Compressed messages over IPv6, one of them sent as it is, and a bare Close."""
    server = await ws_server(stage, 9005, host="::1", perMessageDeflate={"threshold": 0})
    line = "The quick brown fox jumps over the lazy dog. "
    actions: list[Action] = [["text", line * times] for times in (1, 1, 40)]
    actions += [["text", "sent as it is", {"compress": False}], binary(noise(200)), ["text", ""]]
    actions = [step for action in actions for step in (action, ["receive"])]
    actions += [["ping", "are you there?"], ["answered"], ["close"]]
    await ws_client(stage, "ws://[::1]:9005/ipv6", actions, perMessageDeflate={"threshold": 0})
    without = {"serverNoContextTakeover": True, "clientNoContextTakeover": True}
    actions = [["text", line * times] for times in (1, 30)]
    actions = [step for action in actions for step in (action, ["receive"])]
    await ws_client(
        stage,
        "ws://[::1]:9005/fresh",
        [*actions, ["close", 1000, "done"]],
        perMessageDeflate=without,
    )
    await server.finish()


async def play_mixed(stage: Stage) -> None:
    """Node `ws` calls Python `websockets`; then Python aiohttp calls Node `ws`."""

    logger = stage.logger("server")
    async with await serve(echo, "127.0.0.1", 9006, ping_interval=None, logger=logger):
        actions: list[Action] = [
            ["text", "from Node"],
            ["receive"],
            binary(b"\x00\xff"),
            ["receive"],
        ]
        actions += [["ping", "node"], ["answered"], ["close", 1001, "going away"]]
        await ws_client(stage, "ws://127.0.0.1:9006/from-node", actions)
    server = await ws_server(stage, 9106, perMessageDeflate=True)
    async with connect_noted(
        stage.journal("client"), "http://127.0.0.1:9106/from-aiohttp", compress=15
    ) as client:
        for message in ("from aiohttp", "from aiohttp again " * 80, b"\x01\x02"):
            await client.send(message)
            await client.receive()
        await client.ping(b"aiohttp")
        await client.receive()
        await client.close(1000, "bye")
    await server.finish()


SOFTWARE = ("npm:ws", "node")
SESSIONS = (
    Session(
        "ws-ipv6",
        "Node client and server over IPv6 with permessage-deflate; one message uncompressed on "
        "purpose; a Close without a body; a second connection without context takeover",
        play_ipv6,
        SOFTWARE,
    ),
    Session(
        "mixed-peers",
        "Node ws client to Python websockets server; Python aiohttp client to Node ws server; "
        "compressed",
        play_mixed,
        ("npm:ws", "node", "websockets", "aiohttp"),
    ),
)
