"""Every parameter of permessage-deflate, agreed between two Python `websockets` peers."""

from __future__ import annotations

from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

from recording.stage import Session, Stage
from sessions.deterministic import noise
from sessions.websockets_peers import echo

Parameters = dict[str, Any]

TAKEOVER: tuple[Parameters, ...] = (
    {"server_no_context_takeover": True},
    {"client_no_context_takeover": True},
    {"server_no_context_takeover": True, "client_no_context_takeover": True},
)
SERVER_WINDOWS: tuple[Parameters, ...] = tuple(
    {"server_max_window_bits": bits} for bits in range(9, 16)
)
CLIENT_WINDOWS: tuple[Parameters, ...] = tuple(
    {"client_max_window_bits": bits} for bits in (9, 12, 15)
)
BOTH_WINDOWS: tuple[Parameters, ...] = (
    {
        "server_max_window_bits": 10,
        "client_max_window_bits": 11,
        "server_no_context_takeover": True,
        "client_no_context_takeover": True,
    },
)


async def play(stage: Stage) -> None:
    """One connection for each set of parameters; the path names them."""

    # Every 600 bytes and every 6000 bytes something comes again: out of reach of the small windows.
    near = (noise(600).hex() + " ") * 2
    far = (noise(3000).hex() + " ") * 2
    factory = [ServerPerMessageDeflateFactory()]
    logger = stage.logger("client")
    async with await serve(
        echo,
        "127.0.0.1",
        9003,
        compression=None,
        extensions=factory,
        ping_interval=None,
        logger=stage.logger("server"),
    ):
        for parameters in (*TAKEOVER, *SERVER_WINDOWS, *CLIENT_WINDOWS, *BOTH_WINDOWS):
            address = "ws://127.0.0.1:9003/" + ",".join(f"{n}={v}" for n, v in parameters.items())
            async with connect(
                address,
                compression=None,
                extensions=[ClientPerMessageDeflateFactory(**parameters)],
                ping_interval=None,
                logger=logger,
            ) as client:
                for message in ("the same text", "the same text", near, far, near.encode()):
                    await client.send(message)
                    await client.recv()


SESSIONS = (
    Session(
        "deflate-parameters",
        "permessage-deflate with no_context_takeover on either and both sides, server windows of "
        "9 to 15 bits, client windows of 9, 12, 15 bits: 14 connections",
        play,
        ("websockets",),
    ),
)
