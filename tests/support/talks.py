"""Real WebSocket clients and servers on loopback, for a few seconds."""

from __future__ import annotations

import asyncio
import contextlib
import http
import sys
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

# However busy the machine is, nobody gives up, and no Ping is sent that was not asked for.
PATIENT: dict[str, Any] = {"open_timeout": None, "ping_interval": None, "close_timeout": 120}


async def echo(connection: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for message in connection:
            await connection.send(message)


def refuse(connection: ServerConnection, request: Any) -> Any:
    if request.path == "/refused":
        return connection.respond(http.HTTPStatus.FORBIDDEN, "not you\n")
    return None


async def chat(place: str, number: int, compression: str | None, largest: int) -> None:
    url = f"ws://{place}/chat?number={number}"
    async with connect(url, subprotocols=["chat"], compression=compression, **PATIENT) as client:
        for length in (0, 5, 200, largest):
            await client.send("é" * length if number % 2 else b"\x00\xff" * length)
            await client.recv()
        await client.send(["in ", "three ", "pieces"])
        await client.recv()
        await (await client.ping(b"are you there"))


async def be_refused(place: str) -> None:
    with contextlib.suppress(InvalidStatus):
        async with connect(f"ws://{place}/refused", **PATIENT):
            pass


async def vanish(place: str) -> None:
    client = await connect(f"ws://{place}/vanishing", subprotocols=["chat"], **PATIENT)
    await client.send("the last word")
    await client.recv()
    client.transport.abort()


def serving(host: str, port: int) -> serve:
    """Return a server that echoes, refuses some, and speaks `chat`."""
    return serve(echo, host, port, subprotocols=["chat"], process_request=refuse, **PATIENT)


async def clients(place: str, largest: int) -> None:
    """Chat with and without compression, be refused, vanish; all at a time."""
    chats = [chat(place, number, "deflate" if number < 3 else None, largest) for number in range(6)]
    await asyncio.gather(*chats, be_refused(place), vanish(place))


async def everyone(port: int, rounds: int = 1, largest: int = 70_000) -> None:
    """Let clients talk to a server on loopback.

    `largest`: bytes of the largest messages, or half as many characters.
    """
    async with serving("127.0.0.1", port):
        for _ in range(rounds):
            await clients(f"127.0.0.1:{port}", largest)


def talk(port: int, rounds: int = 1) -> None:
    """Let everyone talk, and return when it is over."""
    asyncio.run(everyone(port, rounds))


async def serve_for_ever(host: str, port: int) -> None:
    async with serving(host, port) as server:
        print("serving", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    # `talks.py serve HOST PORT` and `talks.py talk HOST PORT`, for processes of their own.
    what, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if what == "serve":
        asyncio.run(serve_for_ever(host, port))
    else:
        asyncio.run(clients(f"{host}:{port}", 70_000))
