"""A client and a server made with aiohttp that note what they send and receive."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMessage, WSMsgType, web

from recording.journal import CLOSE, PING, PONG, Journal, Peers, Pen

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
AnySocket = ClientWebSocketResponse | web.WebSocketResponse


class NotedSocket:
    """An aiohttp WebSocket whose traffic is written into a journal.

    aiohttp must be told `autoping=False, autoclose=False`: what it does by itself is not seen here.
    """

    def __init__(self, socket: AnySocket, pen: Pen) -> None:
        """Take an open socket and the pen for its connection."""
        self.socket = socket
        self.pen = pen

    async def send(self, message: str | bytes) -> None:
        """Send a message in one frame; aiohttp compresses each one where that was agreed."""
        compressed = bool(self.socket.compress)
        self.pen.message(self.pen.side, message, frames=1, compressed=compressed)
        if isinstance(message, str):
            await self.socket.send_str(message)
        else:
            await self.socket.send_bytes(message)

    async def receive(self) -> WSMessage:
        """Receive and note anything; answer a ping, and a Close with the same code."""
        message = await self.socket.receive()
        kind, data = message.type, message.data
        if kind is WSMsgType.PING:
            self.pen.control(self.pen.other, PING, data)
            self.pen.control(self.pen.side, PONG, data)
            await self.socket.pong(data)
        elif kind is WSMsgType.PONG:
            self.pen.control(self.pen.other, PONG, data)
        elif kind is WSMsgType.CLOSE:
            self.pen.control(
                self.pen.other, CLOSE, data.to_bytes(2, "big") + (message.extra or "").encode()
            )
            self.pen.control(self.pen.side, CLOSE, data.to_bytes(2, "big"))
            await self.socket.close(code=data)
        elif kind in (WSMsgType.TEXT, WSMsgType.BINARY):
            self.pen.message(
                self.pen.other, data, compressed=None if self.socket.compress else False
            )
        return message

    async def ping(self, data: bytes) -> None:
        """Send a ping."""
        self.pen.control(self.pen.side, PING, data)
        await self.socket.ping(data)

    async def pong(self, data: bytes) -> None:
        """Send an unsolicited pong."""
        self.pen.control(self.pen.side, PONG, data)
        await self.socket.pong(data)

    async def close(self, code: int, reason: str = "") -> None:
        """Close, and note the code of the other's Close; aiohttp does not tell its reason."""
        self.pen.control(self.pen.side, CLOSE, code.to_bytes(2, "big") + reason.encode())
        await self.socket.close(code=code, message=reason.encode())
        self.pen.note(
            "control",
            sender=self.pen.other,
            type="close",
            length=None,
            code=self.socket.close_code,
            reason=None,
        )

    async def echo(self) -> None:
        """Send every message back until the connection closes."""
        while not self.socket.closed:
            message = await self.receive()
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                await self.send(message.data)


@asynccontextmanager
async def connect_noted(journal: Journal, url: str, **options: Any) -> AsyncIterator[NotedSocket]:
    """Connect to `url` (http scheme) with aiohttp."""
    async with ClientSession() as session:
        # The request is known when all is over: behind a proxy the server would seem to be first.
        asked = time.monotonic_ns()
        socket = await session.ws_connect(url, autoping=False, autoclose=False, **options)
        local, remote = socket.get_extra_info("sockname"), socket.get_extra_info("peername")
        pen = journal.exchange(Peers.seen_by("client", local, remote))
        response = socket._response  # the only place where aiohttp keeps the handshake's headers
        target = response.request_info.url.raw_path_qs
        pen.request(target, response.request_info.headers.items(), time=asked)
        pen.response(response.status, response.headers.items())
        pen.opened()
        yield NotedSocket(socket, pen)


def pen_of_request(journal: Journal, request: web.Request) -> Pen:
    """Return a pen for a request that an aiohttp server received, with the request noted."""
    transport = request.transport
    assert transport is not None
    local, remote = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
    pen = journal.exchange(Peers.seen_by("server", local, remote))
    pen.request(request.raw_path, request.headers.items())
    return pen


async def accept_and_echo(
    pen: Pen, request: web.Request, *, greeting: bytes | None = None, **options: Any
) -> web.WebSocketResponse:
    """Answer an upgrade request with a 101, send a ping as a greeting, echo until the end."""
    socket = web.WebSocketResponse(autoping=False, autoclose=False, **options)
    await socket.prepare(request)
    pen.response(socket.status, socket.headers.items())
    pen.opened()
    peer = NotedSocket(socket, pen)
    if greeting is not None:
        await peer.ping(greeting)
    await peer.echo()
    return socket


@asynccontextmanager
async def serve_aiohttp(port: int, routes: Mapping[str, Handler]) -> AsyncIterator[None]:
    """Serve `routes`, path to handler, on 127.0.0.1."""
    application = web.Application()
    for path, handler in routes.items():
        application.router.add_route("*", path, handler)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()
