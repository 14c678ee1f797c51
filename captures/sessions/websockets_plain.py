"""Sessions between a client and a server that both use the Python library `websockets`.

Plain messages of every kind, large messages, compression with context takeover, many at once,
keepalive.
"""

from __future__ import annotations

import asyncio

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from recording.stage import Session, Stage
from sessions.deterministic import noise, prose
from sessions.websockets_peers import echo

SOFTWARE = ("websockets",)


async def play_plain(stage: Stage) -> None:
    """Text, binary, empty and non-ASCII messages, pings both ways, a clean close with a reason."""

    async def answer(connection: ServerConnection) -> None:
        await (await connection.ping(b"from the server"))
        await echo(connection)

    server = await serve(
        answer,
        "127.0.0.1",
        9001,
        compression=None,
        ping_interval=None,
        logger=stage.logger("server"),
    )
    async with (
        server,
        connect(
            "ws://127.0.0.1:9001/chat?room=1",
            compression=None,
            ping_interval=None,
            logger=stage.logger("client"),
        ) as client,
    ):
        for message in ("Hello", b"\x00\x01\xfe\xff", "", b"", "Grüße, 世界, 🦉"):
            await client.send(message)
            await client.recv()
        await (await client.ping(b"from the client"))
        await client.send("x" * 126)  # the shortest payload with a 16-bit length
        await client.recv()
        await client.close(4000, "that was all")


async def play_large(stage: Stage) -> None:
    """One MiB of binary from the server, 300 KiB of text from the client, each in one frame."""

    async def answer(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(noise(1024 * 1024))
        await connection.recv()

    server = await serve(
        answer,
        "127.0.0.1",
        9008,
        compression=None,
        ping_interval=None,
        logger=stage.logger("server"),
    )
    async with (
        server,
        connect(
            "ws://127.0.0.1:9008/large",
            compression=None,
            ping_interval=None,
            max_size=2 * 1024 * 1024,
            logger=stage.logger("client"),
        ) as client,
    ):
        await client.send(prose(300 * 1024))
        await client.recv()
        await client.send("received")
        await client.wait_closed()


async def play_deflate(stage: Stage) -> None:
    """Messages that profit from the ones before: both directions keep their context."""

    async def answer(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)
            await connection.send(f"received {len(message)}: {message!r}")

    server = await serve(
        answer, "127.0.0.1", 9002, ping_interval=None, logger=stage.logger("server")
    )
    address = "ws://127.0.0.1:9002/prices"
    async with (
        server,
        connect(address, ping_interval=None, logger=stage.logger("client")) as client,
    ):
        for number in range(12):
            await client.send(f'{{"symbol": "OWL", "price": {100 + number}, "currency": "EUR"}}')
            await client.recv()
            await client.recv()
        for message in ("", noise(300), b"\x00" * 70000):  # nothing, the incompressible, a long run
            await client.send(message)
            await client.recv()
            await client.recv()
        await client.close(1000, "bye")


async def play_fifty(stage: Stage) -> None:
    """Fifty clients talk at once."""
    server = await serve(
        echo, "127.0.0.1", 9010, compression=None, ping_interval=None, logger=stage.logger("server")
    )
    logger = stage.logger("client")

    async def talk(number: int) -> None:
        address = f"ws://127.0.0.1:9010/client/{number}"
        async with connect(address, compression=None, ping_interval=None, logger=logger) as client:
            for turn in range(3 + number % 3):
                await client.send(f"client {number}, message {turn}")
                await asyncio.sleep(0.002 * (number % 5))
                await client.recv()

    async with server:
        await asyncio.gather(*(talk(number) for number in range(50)))


async def play_keepalive(stage: Stage) -> None:
    """The server pings every half second for five seconds; both ends send unsolicited pongs."""

    async def answer(connection: ServerConnection) -> None:
        await connection.pong(b"unsolicited, from the server")
        await connection.wait_closed()

    server = await serve(
        answer,
        "127.0.0.1",
        9020,
        compression=None,
        ping_interval=0.5,
        logger=stage.logger("server"),
    )
    async with (
        server,
        connect(
            "ws://127.0.0.1:9020/idle",
            compression=None,
            ping_interval=None,
            logger=stage.logger("client"),
        ) as client,
    ):
        await client.pong()
        await asyncio.sleep(5.25)
        await client.pong(b"unsolicited, from the client")


SESSIONS = (
    Session(
        "websockets-plain",
        "text, binary, empty and non-ASCII messages; ping and pong both ways; close 4000 with a "
        "reason",
        play_plain,
        SOFTWARE,
    ),
    Session(
        "websockets-deflate",
        "permessage-deflate with context takeover on both sides; an empty, an incompressible and "
        "a long message",
        play_deflate,
        SOFTWARE,
    ),
    Session(
        "large-messages",
        "300 KiB of text and 1 MiB of binary, each in one uncompressed frame",
        play_large,
        ("websockets",),
        file_format="pcap",
    ),
    Session(
        "fifty-clients",
        "fifty connections at once, a few messages each, interleaved",
        play_fifty,
        ("websockets",),
        file_format="pcap.gz",
    ),
    Session(
        "keepalive",
        "an idle connection: the server pings every 0.5 s for 5 s; unsolicited pongs from both "
        "ends",
        play_keepalive,
        ("websockets",),
        file_format="pcap-nanosecond",
    ),
)
