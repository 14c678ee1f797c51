"""WebSocket clients and servers of two Python libraries, over ws and wss, as processes.

    python peers.py websockets|aiohttp serve HOST PORT CERTIFICATE KEY     (wss on the next port)
    python peers.py websockets|aiohttp talk  HOST PORT CERTIFICATE

A server prints `serving` and echoes for ever. A client talks over ws, then over wss, and ends; its
secrets go where SSLKEYLOGFILE says. `peers.cjs` does the same with the library `ws` of Node.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys

# What is sent, one behind the other: text, bytes, lengths around those that change the header.
SAID: tuple[str | bytes, ...] = (
    "",
    "é" * 60,
    bytes(125),
    bytes(range(126)),
    "the same again " * 30,
    "the same again " * 30,
    b"\x00\xff" * 35_000,
)


async def serve_websockets(host: str, port: int, tls: ssl.SSLContext | None) -> None:
    from websockets.asyncio.server import ServerConnection, serve
    from websockets.exceptions import ConnectionClosed

    async def echo(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                await connection.send(message)

    await serve(echo, host, port, ssl=tls, ping_interval=None)


async def talk_websockets(url: str, tls: ssl.SSLContext | None) -> None:
    from websockets.asyncio.client import connect

    async with connect(url, ssl=tls, ping_interval=None, open_timeout=None) as client:
        for message in SAID:
            await client.send(message)
            assert await client.recv() == message
        await (await client.ping(b"are you there"))
        await client.close(4001, "all is said")


async def serve_aiohttp(host: str, port: int, tls: ssl.SSLContext | None) -> None:
    from aiohttp import WSMsgType, web

    async def echo(request: web.Request) -> web.WebSocketResponse:
        answer = web.WebSocketResponse()
        await answer.prepare(request)
        async for message in answer:
            if message.type is WSMsgType.TEXT:
                await answer.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await answer.send_bytes(message.data)
        return answer

    application = web.Application()
    application.router.add_get("/{path:.*}", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, host, port, ssl_context=tls).start()


async def talk_aiohttp(url: str, tls: ssl.SSLContext | None) -> None:
    from aiohttp import ClientSession

    # It asks for permessage-deflate with a window of so many bits.
    async with ClientSession() as session:
        connecting = session.ws_connect(url, ssl=tls if tls is not None else True, compress=15)
        async with connecting as client:
            for message in SAID:
                if isinstance(message, str):
                    await client.send_str(message)
                else:
                    await client.send_bytes(message)
                assert (await client.receive()).data == message
            await client.ping(b"are you there")
            await client.close(code=4001, message=b"all is said")


def serving(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def main(library: str, what: str, host: str, port: int, *files: str) -> None:
    """Serve for ever, or talk and end."""
    serve, talk = {
        "websockets": (serve_websockets, talk_websockets),
        "aiohttp": (serve_aiohttp, talk_aiohttp),
    }[library]
    if what == "serve":
        await serve(host, port, None)
        await serve(host, port + 1, serving(*files))
        print("serving", flush=True)
        await asyncio.Event().wait()
    # It takes SSLKEYLOGFILE from the environment.
    trusting = ssl.create_default_context(cafile=files[0])
    await talk(f"ws://{host}:{port}/{library}", None)
    await talk(f"wss://{host}:{port + 1}/{library}", trusting)


if __name__ == "__main__":
    library, what, host, port, *files = sys.argv[1:]
    asyncio.run(main(library, what, host, int(port), *files))
