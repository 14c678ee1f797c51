"""Upgrade requests that a server refuses: by status, and by asking for credentials first."""

from __future__ import annotations

import base64

from aiohttp import web
from websockets.asyncio.client import connect

from recording.journal import TEXT, Header
from recording.stage import Session, Stage
from sessions.aiohttp_peers import accept_and_echo, pen_of_request, serve_aiohttp
from sessions.raw_peers import (
    BYE,
    RawFrame,
    raw_client,
    upgrade_headers,
)
from sessions.websockets_peers import expect_refusal


async def play_refused(stage: Stage) -> None:
    """401 and again with credentials on the same connection, 403, 404, redirects, 426, 503."""
    journal = stage.journal("server")
    answers: dict[str, tuple[int, dict[str, str]]] = {
        "/forbidden": (403, {}),
        "/missing": (404, {}),
        "/moved": (301, {"Location": "/found"}),
        "/found": (302, {"Location": "/chat"}),
        "/version": (426, {"Upgrade": "websocket", "Sec-WebSocket-Version": "13"}),
        "/overloaded": (503, {"Retry-After": "120"}),
    }

    async def refuse(request: web.Request) -> web.StreamResponse:
        pen = pen_of_request(journal, request)
        status, headers = answers[request.path]
        pen.response(status, headers.items())
        return web.Response(status=status, headers=headers, text=f"{status} for {request.path}\n")

    async def chat(request: web.Request) -> web.StreamResponse:
        pen = pen_of_request(journal, request)
        if request.path == "/private" and "Authorization" not in request.headers:
            headers = {"WWW-Authenticate": 'Basic realm="chat"'}
            pen.response(401, headers.items())
            return web.Response(status=401, headers=headers, text="who are you?\n")
        return await accept_and_echo(pen, request, compress=False)

    logger, notes = stage.logger("client"), stage.journal("client")
    routes = dict.fromkeys(answers, refuse) | {"/chat": chat, "/private": chat}
    async with serve_aiohttp(9011, routes):
        async with raw_client(notes, 9011) as client:
            await client.request_upgrade("/private", upgrade_headers())
            credentials = base64.b64encode(b"ann:secret").decode()
            authorization: Header = ("Authorization", f"Basic {credentials}")
            await client.request_upgrade("/private", upgrade_headers(authorization))
            await client.send(RawFrame(TEXT, b"it is me"))
            await client.receive()
            await client.send(BYE)
            await client.receive_all()
        for path in ("/forbidden", "/missing", "/version", "/overloaded"):
            await expect_refusal(logger, f"ws://127.0.0.1:9011{path}")
        async with connect(
            "ws://127.0.0.1:9011/moved", ping_interval=None, logger=logger
        ) as redirected:
            await redirected.send("at last")
            await redirected.recv()


SESSIONS = (
    Session(
        "refused-upgrades",
        "401 and again with credentials on the same TCP connection; 403, 404, 426, 503; 301 and "
        "302 followed",
        play_refused,
        ("aiohttp", "websockets"),
    ),
)
