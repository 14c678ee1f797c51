"""HTTP behind an upgrade, through nginx: programs that do not know that they left HTTP."""

from __future__ import annotations

import asyncio
import base64
import os
from contextlib import suppress
from http.client import HTTPConnection, HTTPException

from aiohttp import web
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from recording.journal import Journal, Peers
from recording.processes import running
from recording.stage import Session, Stage
from recording.websockets_log import HTTP_BY_OTHER
from sessions.aiohttp_peers import NotedSocket, pen_of_request, serve_aiohttp
from sessions.gateways import FRONT, ONE, TWO, nginx_file
from sessions.raw_peers import upgrade_headers

BOTH = f"""
listen 127.0.0.1:{FRONT};
proxy_http_version 1.1;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection "upgrade";
location /pooled {{ proxy_pass http://127.0.0.1:{ONE}; }}
location /answered {{ proxy_pass http://127.0.0.1:{TWO}; }}
"""


def reuse(notes: Journal) -> None:
    """Ask for an upgrade with http.client, which takes the connection back into use behind 101."""
    client = HTTPConnection("127.0.0.1", FRONT)
    client.connect()
    pen = notes.exchange(
        Peers.seen_by("client", client.sock.getsockname(), client.sock.getpeername())
    )
    key = base64.b64encode(os.urandom(16)).decode()
    fields = upgrade_headers(host=f"127.0.0.1:{FRONT}", key=key)
    pen.request("/pooled", fields)
    client.request("GET", "/pooled", headers=dict(fields))
    response = client.getresponse()
    response.read()
    pen.response(response.status, response.getheaders())
    pen.opened()
    client.request("GET", "/pooled/next", headers={"User-Agent": "http.client"})
    pen.note("http", sender="client")
    with suppress(HTTPException, OSError):
        client.getresponse()
    client.close()


async def read_until_the_end(connection: ServerConnection) -> None:
    """Read what comes; the protocol's error is in the log."""
    try:
        async for _ in connection:
            pass
    except ConnectionClosed:
        connection.logger.debug(HTTP_BY_OTHER)


async def play(stage: Stage) -> None:
    """A client that sends its next request behind the 101; a server that answers once more."""
    journal = stage.journal("server")

    async def answer(request: web.Request) -> web.StreamResponse:
        pen = pen_of_request(journal, request)
        socket = web.WebSocketResponse(autoping=False, autoclose=False, compress=False)
        await socket.prepare(request)
        pen.response(socket.status, socket.headers.items())
        pen.opened()
        noted = NotedSocket(socket, pen)
        message = await noted.receive()
        await noted.send(message.data)
        # As in every other handler, and wrong: aiohttp sends it.
        pen.note("http", sender="server")
        return web.Response(text="that was all")

    file = nginx_file(stage.scratch, BOTH)
    options = {"ping_interval": None, "logger": stage.logger("server")}
    async with (
        await serve(read_until_the_end, "127.0.0.1", ONE, **options),
        serve_aiohttp(TWO, {"/answered": answer}),
        running(FRONT, "nginx", "-p", str(stage.scratch), "-c", file),
    ):
        # http.client sees no frame.
        await asyncio.to_thread(reuse, stage.journal("client", sees_control=False))
        url = f"ws://127.0.0.1:{FRONT}/answered"
        client = stage.logger("client")
        async with connect(url, compression=None, ping_interval=None, logger=client) as socket:
            await socket.send("one question")
            try:
                while True:
                    await socket.recv()
            except ConnectionClosed:
                socket.logger.debug(HTTP_BY_OTHER)


SESSIONS = (
    Session(
        "http-behind-upgrade",
        "both legs through nginx: a client, Python's http.client, sends its next request behind "
        "the 101; a server, with aiohttp, a response",
        play,
        ("nginx", "aiohttp", "websockets"),
    ),
)
