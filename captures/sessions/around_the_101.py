"""What may stand before and right behind a 101: HTTP, a 103, frames in the same segment."""

from __future__ import annotations

import asyncio

from aiohttp import web
from websockets.asyncio.client import connect

from recording.journal import PING, TEXT, Header
from recording.stage import Session, Stage
from sessions.aiohttp_peers import accept_and_echo, connect_noted, pen_of_request, serve_aiohttp
from sessions.node_ws import Action, ws_client
from sessions.raw_peers import (
    BYE,
    RawFrame,
    RawPeer,
    head,
    raw_client,
    raw_server,
    switching_headers,
    upgrade_headers,
)


async def play_http_before(stage: Stage) -> None:
    """Ordinary exchanges on the connection before its upgrade; then a 103 before the 101."""
    journal = stage.journal("server")

    async def page(request: web.Request) -> web.StreamResponse:
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304, headers={"ETag": '"1"'})
        return web.Response(
            text="<p>a page with GET /chat HTTP/1.1 in it</p>\n", headers={"ETag": '"1"'}
        )

    async def chunked(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        for part in (b"first chunk\r\n", b"HTTP/1.1 101 Switching Protocols\r\n\r\n", b"last"):
            await response.write(part)
        await response.write_eof()
        return response

    async def upload(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.Response(status=204)

    async def chat(request: web.Request) -> web.StreamResponse:
        return await accept_and_echo(pen_of_request(journal, request), request, compress=False)

    notes = stage.journal("client")
    routes = {"/": page, "/chunked": chunked, "/upload": upload, "/chat": chat}
    async with serve_aiohttp(9015, routes), raw_client(notes, 9015) as client:
        await plain_exchanges(client)
        await client.request_upgrade("/chat", upgrade_headers())
        await client.send(RawFrame(TEXT, b"after all that HTTP"))
        await client.receive()
        await client.send(BYE)
        await client.receive_all()
    await play_interim(stage)


async def plain_exchanges(client: RawPeer) -> None:
    """GET with a length, chunked, HEAD, conditional, two POSTs, one of them with 100 Continue."""
    host: Header = ("Host", "127.0.0.1")
    for method, target, more in (
        ("GET", "/", []),
        ("GET", "/chunked", []),
        ("HEAD", "/", []),
        ("GET", "/", [("If-None-Match", '"1"')]),
    ):
        await client.write(head(f"{method} {target} HTTP/1.1", [host, *more]))
        await client.read_response(method)
    body = b"GET /not-a-request HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
    length: Header = ("Content-Length", str(len(body)))
    await client.write(head("POST /upload HTTP/1.1", [host, length, ("Expect", "100-continue")]))
    await client.read_response()  # 100
    await client.write(body)
    await client.read_response()  # 204
    await client.write(head("POST /upload HTTP/1.1", [host, ("Transfer-Encoding", "chunked")]))
    await client.write(b"5\r\nhello\r\n0\r\n\r\n")
    await client.read_response()


async def play_interim(stage: Stage) -> None:
    """A raw server sends 103 Early Hints before the 101; Node's client takes it."""

    async def answer(peer: RawPeer) -> None:
        key = await peer.receive_upgrade()
        hints = head("HTTP/1.1 103 Early Hints", [("Link", "</style.css>; rel=preload; as=style")])
        await peer.write(hints)
        await asyncio.sleep(0.05)
        await peer.switch(switching_headers(key))
        await peer.close_after_other()

    async with raw_server(stage.journal("server"), 9115, answer):
        actions: list[Action] = [["text", "after a 103"], ["close", 1000, ""]]
        await ws_client(stage, "ws://127.0.0.1:9115/hints", actions, perMessageDeflate=False)


async def play_with_101(stage: Stage) -> None:
    """Frames in the segment of the 101, and a 101 in two segments, the second with a frame."""
    welcome = [
        RawFrame(TEXT, b"welcome", masked=False),
        RawFrame(PING, b"are you there?", masked=False),
        RawFrame(TEXT, b"to the chat", masked=False),
    ]

    async def answer(peer: RawPeer) -> None:
        key = await peer.receive_upgrade()
        if peer.target != "/split":
            await peer.switch(switching_headers(key), *welcome)
        else:
            await peer.write(b"HTTP/1.1 101 Switching Protocols\r\nX-Split: ")
            await asyncio.sleep(0.05)
            await peer.switch(switching_headers(key), *welcome, start=b"here\r\n")
        await peer.close_after_other()

    logger = stage.logger("client")
    async with raw_server(stage.journal("server"), 9016, answer):
        for path in ("/at-once", "/split"):
            async with connect(
                f"ws://127.0.0.1:9016{path}", compression=None, ping_interval=None, logger=logger
            ) as client:
                await client.recv()
                await client.recv()
        async with connect_noted(stage.journal("client"), "http://127.0.0.1:9016/aiohttp") as other:
            for _ in welcome:
                await other.receive()
            await other.close(1000)


SESSIONS = (
    Session(
        "http-before-upgrade",
        "GET, chunked, HEAD, 304, 100-continue and 204 on a keep-alive connection before its "
        "upgrade; then a 103 before a 101",
        play_http_before,
        ("aiohttp", "npm:ws", "node"),
    ),
    Session(
        "frames-with-101",
        "server frames in the same segment as the 101, and a 101 split over two segments",
        play_with_101,
        ("websockets", "aiohttp"),
        file_format="pcap",
    ),
)
