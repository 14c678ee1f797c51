"""Chromium, headless, and a Python `websockets` server; the page is served on the same machine."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Any

from aiohttp import web
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from recording.journal import CLOSE, Header, Journal, Peers, Pen
from recording.processes import start
from recording.stage import SCRIPTS, Session, Stage
from sessions.aiohttp_peers import serve_aiohttp
from sessions.websockets_peers import echo

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


async def play(stage: Stage) -> None:
    """The page opens one compressed and one plain connection, and reports at its end."""
    report: asyncio.Future[list[dict[str, Any]]] = asyncio.get_running_loop().create_future()
    peers: dict[str, Peers] = {}

    async def page(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(SCRIPTS / "browser.html")

    async def take_report(request: web.Request) -> web.StreamResponse:
        report.set_result(await request.json())
        return web.Response(status=204)

    async def answer(connection: ServerConnection) -> None:
        assert connection.request is not None
        ends = connection.local_address, connection.remote_address
        peers[connection.request.path] = Peers.seen_by("server", *ends)
        await (await connection.ping(b"a browser answers by itself"))
        await echo(connection)

    logger = stage.logger("server")
    chat = [Subprotocol("superchat"), Subprotocol("chat")]
    async with (
        serve_aiohttp(9218, {"/": page, "/report": take_report}),
        await serve(
            answer, "127.0.0.1", 9018, subprotocols=chat, ping_interval=None, logger=logger
        ),
        await serve(answer, "127.0.0.1", 9118, compression=None, ping_interval=None, logger=logger),
    ):
        browser = await start(
            "chromium",
            *FLAGS,
            f"--user-data-dir={stage.scratch / 'profile'}",
            "http://localhost:9218/",
            stderr=asyncio.subprocess.DEVNULL,
        )
        events = await asyncio.wait_for(report, 60)
        browser.send_signal(signal.SIGTERM)
        await browser.wait()
    write_journal(stage.journal("client", sees_control=False), events, peers, {})


def write_journal(
    journal: Journal,
    events: list[dict[str, Any]],
    peers: dict[str, Peers],
    requests: dict[str, list[Header]],
) -> None:
    """Write the page's report as a journal; a page knows no ports: the server's are borrowed.

    So are the header fields of `requests`, by path, where the server takes no notes of its own.
    """
    since_epoch = time.time_ns() - time.monotonic_ns()
    pens = {path: journal.exchange(ends) for path, ends in peers.items()}
    for event in events:
        path, moment = event["path"], int(event["time"] * 1e6) - since_epoch
        if event["event"] == "open" and path in requests:
            note_heads(pens[path], event, requests[path], moment)
        note(pens[path], event, moment)


def note_heads(pen: Pen, event: dict[str, Any], request: list[Header], moment: int) -> None:
    """Write what was asked for, and what the page was told of the answer."""
    fields = [(f"Sec-WebSocket-{name}", event[name.lower()]) for name in ("Protocol", "Extensions")]
    pen.request(event["path"], request, time=moment)
    pen.response(101, [(name, value) for name, value in fields if value], time=moment)


def note(pen: Pen, event: dict[str, Any], moment: int) -> None:
    """Write one event of the page at its own time."""
    if event["event"] == "message":
        data = bytes(event["bytes"])
        pen.message(event["sender"], data.decode() if event["text"] else data, time=moment)
    elif event["event"] == "close":
        data = event["code"].to_bytes(2, "big") + event["reason"].encode()
        pen.control(event["sender"], CLOSE, data, time=moment)
    else:
        pen.note(event["event"], time=moment)


SESSIONS = (
    Session(
        "chromium",
        "Chromium talks to a Python server: subprotocol, permessage-deflate and none, a Blob; "
        "its page is loaded in the same capture",
        play,
        ("chromium", "websockets", "aiohttp"),
    ),
)
