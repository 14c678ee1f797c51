"""Real WebSocket clients and servers on loopback, for a few seconds."""

from __future__ import annotations

import asyncio
import contextlib
import http
import socket
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port: int = place.getsockname()[1]
        return port


async def echo(connection: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for message in connection:
            await connection.send(message)


def refuse(connection: ServerConnection, request: Any) -> Any:
    if request.path == "/refused":
        return connection.respond(http.HTTPStatus.FORBIDDEN, "not you\n")
    return None


async def chat(port: int, number: int, compression: str | None, largest: int) -> None:
    url = f"ws://127.0.0.1:{port}/chat?number={number}"
    async with connect(url, subprotocols=["chat"], compression=compression) as client:
        for length in (0, 5, 200, largest):
            await client.send("é" * length if number % 2 else b"\x00\xff" * length)
            await client.recv()
        await client.send(["in ", "three ", "pieces"])
        await client.recv()
        await (await client.ping(b"are you there"))


async def be_refused(port: int) -> None:
    with contextlib.suppress(InvalidStatus):
        async with connect(f"ws://127.0.0.1:{port}/refused"):
            pass


async def vanish(port: int) -> None:
    client = await connect(f"ws://127.0.0.1:{port}/vanishing", subprotocols=["chat"])
    await client.send("the last word")
    await client.recv()
    client.transport.abort()


async def everyone(port: int, rounds: int = 1, largest: int = 70_000) -> None:
    """Chat with and without compression, be refused, vanish; all at a time.

    `largest`: bytes of the largest messages, or half as many characters.
    """
    async with serve(echo, "127.0.0.1", port, subprotocols=["chat"], process_request=refuse):
        for _ in range(rounds):
            chats = [
                chat(port, number, "deflate" if number < 3 else None, largest)
                for number in range(6)
            ]
            await asyncio.gather(*chats, be_refused(port), vanish(port))


def talk(port: int, rounds: int = 1) -> None:
    """Let everyone talk, and return when it is over."""
    asyncio.run(everyone(port, rounds))
