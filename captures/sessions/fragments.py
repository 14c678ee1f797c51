"""Fragmented messages, sent by Python `websockets` and by Node `ws`."""

from __future__ import annotations

from collections.abc import AsyncIterator

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from recording.stage import Session, Stage
from sessions.node_ws import Action, binary, ws_client, ws_server


async def with_pings(connection: ClientConnection, parts: list[str]) -> AsyncIterator[str]:
    """Yield the fragments, and send a ping after each one."""
    for part in parts:
        yield part
        await connection.ping()


async def play_websockets(stage: Stage, port: int) -> None:
    """Iterables become fragments, the last frame is empty; an async one lets pings in between."""

    async def answer(connection: ServerConnection) -> None:
        async for message in connection:
            half = len(message) // 2
            await connection.send([message[:half], message[half:]])

    compressed: tuple[str | None, ...] = (None, "deflate")
    logger = stage.logger("client")
    async with await serve(
        answer,
        "127.0.0.1",
        port,
        compression="deflate",
        ping_interval=None,
        logger=stage.logger("server"),
    ):
        for compression in compressed:
            address = f"ws://127.0.0.1:{port}/websockets?compression={compression}"
            async with connect(
                address, compression=compression, ping_interval=None, logger=logger
            ) as client:
                await client.send(["one, ", "two, ", "", "three"])
                await client.recv()
                await client.send([b"\x00", b"", b"\x01\x02", b"\x03" * 200])
                await client.recv()
                await client.send(with_pings(client, ["Gr", "üße", ", 世", "界"]))
                await client.recv()
                await client.send(["", ""])
                await client.recv()


async def play(stage: Stage) -> None:
    """Each library sends its fragments, plain and compressed."""
    await play_websockets(stage, 9007)
    server = await ws_server(
        stage,
        9107,
        actions=[
            ["text", "from ", {"fin": False}],
            ["ping", "between"],
            ["text", "", {"fin": False}],
            ["text", "the server"],
        ],
        perMessageDeflate=True,
    )
    more = {"fin": False}
    actions: list[Action] = [
        ["receive"],
        ["text", "one, ", more],
        ["ping", "first"],
        ["text", "", more],
        ["pong", "unsolicited"],
        ["text", "two"],
        ["receive"],
        binary(b"\x00\x01", fin=False),
        binary(b"\x02" * 300, fin=False),
        ["ping", "second"],
        binary(b"\x03"),
        ["receive"],
        ["text", "", more],
        ["text", ""],
        ["receive"],
        ["close", 1000, "done"],
    ]
    for compression in (False, True):
        url = f"ws://127.0.0.1:9107/ws?compression={str(compression).lower()}"
        await ws_client(stage, url, actions, perMessageDeflate=compression)
    await server.finish()


SESSIONS = (
    Session(
        "fragments",
        "fragmented text and binary messages with pings between the fragments and empty "
        "fragments, from Python and from Node, plain and compressed",
        play,
        ("websockets", "npm:ws", "node"),
    ),
)
