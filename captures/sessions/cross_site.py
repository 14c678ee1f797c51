"""Pages of several sites open one server's WebSocket, in Chromium; a client without its rules."""

from __future__ import annotations

import asyncio
import shutil
import signal
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.typing import Origin

from recording.processes import start
from recording.stage import SCRIPTS, Session, Stage
from sessions.aiohttp_peers import serve_aiohttp
from sessions.browser import FLAGS
from sessions.lossy_path import run
from sessions.websockets_peers import echo

PAGES, CHAT = 9219, 9051
OWN, OTHER, DEVICE = "www.shop.example.com", "www.elsewhere.example.net", "127.0.0.1"
CHAT_NAME = "chat.shop.example.com"
#: In the namespace alone: an address that is not one of a private network.
PUBLIC = "192.88.99.1"
COOKIE = "basket=5f0c1a2b3c4d5e6f7a8b9c0d; Path=/; HttpOnly"


def give_cookie(_: ServerConnection, request: Request, response: Response) -> Response:
    """Set a cookie, as a server with sessions does."""
    if request.path == "/basket":
        response.headers["Set-Cookie"] = COOKIE
    return response


async def browse(stage: Stage, site: str, *targets: str) -> None:
    """Let Chromium load the page of a site, which opens these addresses one after the other."""
    done = asyncio.Event()

    async def page(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(SCRIPTS / "other_sites.html")

    async def take(_: web.Request) -> web.StreamResponse:
        done.set()
        return web.Response(status=204)

    query = urlencode([("to", target) for target in targets])
    profile = stage.scratch / f"profile-{site}"
    async with serve_aiohttp(PAGES, {"/": page, "/done": take}):
        browser = await start(
            "chromium",
            *FLAGS,
            "--host-resolver-rules=MAP *.example.com 127.0.0.1, MAP *.example.net 127.0.0.1",
            f"--user-data-dir={profile}",
            f"http://{site}:{PAGES}/?{query}",
            stderr=asyncio.subprocess.DEVNULL,
        )
        await asyncio.wait_for(done.wait(), 60)
        browser.send_signal(signal.SIGTERM)
        await browser.wait()
        shutil.rmtree(profile, ignore_errors=True)


async def play(stage: Stage) -> None:
    """Chromium on the server's own site and on another; then requests that no browser sends."""
    run("ip", "address", "add", f"{PUBLIC}/32", "dev", "lo")
    logger, notes = stage.logger("client"), stage.logger("server")
    chat = f"ws://{CHAT_NAME}:{CHAT}"
    hosts: Any = ["127.0.0.1", PUBLIC]  # asyncio takes several, the library's annotation says one
    async with await serve(
        echo, hosts, CHAT, ping_interval=None, process_response=give_cookie, logger=notes
    ):
        await browse(stage, OWN, f"{chat}/basket", f"{chat}/again")
        await browse(stage, OTHER, f"{chat}/from-elsewhere", f"ws://{DEVICE}:{CHAT}/device")
        cookie = Headers({"Cookie": COOKIE.partition(";")[0]})
        for path, origin, host in (
            ("/with-cookie", f"http://{OTHER}", "127.0.0.1"),
            ("/null", "null", "127.0.0.1"),
            ("/https-page", f"https://{OWN}", PUBLIC),
        ):
            async with connect(
                f"{chat}{path}",
                host=host,
                origin=Origin(origin),
                additional_headers=cookie if path != "/https-page" else None,
                ping_interval=None,
                logger=logger,
            ) as client:
                await client.send(path)
                await client.recv()


SESSIONS = (
    Session(
        "cross-site",
        "Chromium with pages of two sites, which open one server's WebSocket: a cookie is set, "
        "another site is let in, a device is reached; then a client of websockets with a cookie "
        "and the Origin of another site, with `null`, and with one of https over plain ws",
        play,
        ("chromium", "websockets", "aiohttp"),
    ),
)
