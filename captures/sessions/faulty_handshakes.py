"""Requests that a real server must refuse, and 101s that a real client must not take."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp import web
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import InvalidHandshake
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.typing import Subprotocol

from recording.journal import Header
from recording.processes import running
from recording.stage import SCRIPTS, Session, Stage
from sessions.aiohttp_peers import serve_aiohttp
from sessions.judged_violations import frame, random_key
from sessions.raw_peers import (
    CLOSE,
    RawPeer,
    head,
    raw_client,
    raw_server,
    switching_headers,
    upgrade_headers,
)
from sessions.websockets_peers import echo

PORT, NODE_PORT, ANSWERING, HTTP_PORT = 9080, 9081, 9082, 9084
HOST: Header = ("Host", "127.0.0.1")
EXTENSIONS = "Sec-WebSocket-Extensions"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"
#: No version of WebSocket: the truth has none then, as the tables.
UNDEFINED: Header = ("Sec-WebSocket-Version", "14")


def without(name: str) -> list[Header]:
    """Return a good request's fields but one."""
    return [field for field in upgrade_headers(key=random_key()) if field[0] != name]


def instead(name: str, value: str) -> list[Header]:
    """Return a good request's fields, one of which has another value."""
    return [*without(name), (name, value)]


def more(*fields: Header) -> list[Header]:
    """Return a good request's fields and others."""
    return upgrade_headers(*fields, key=random_key())


def short_key() -> str:
    """Return eight random bytes in base64, where sixteen belong."""
    return base64.b64encode(os.urandom(8)).decode()


def deflate(parameters: str) -> list[Header]:
    """Return a request that offers permessage-deflate with these parameters."""
    return more((EXTENSIONS, f"permessage-deflate; {parameters}"))


#: What the request has; its path names it.
REQUESTS: dict[str, Callable[[], list[Header]]] = {
    "right": more,
    "no-host": lambda: without("Host"),
    "two-hosts": lambda: more(("Host", "example.test")),
    "no-key": lambda: without("Sec-WebSocket-Key"),
    "key-of-8-bytes": lambda: instead("Sec-WebSocket-Key", short_key()),
    "two-keys": lambda: more(("Sec-WebSocket-Key", random_key())),
    "no-version": lambda: without("Sec-WebSocket-Version"),
    "version-14": lambda: instead(*UNDEFINED),
    "two-versions": lambda: more(("Sec-WebSocket-Version", "13")),
    "subprotocol-twice": lambda: more(("Sec-WebSocket-Protocol", "chat, chat")),
    "extension-of-no-name": lambda: more((EXTENSIONS, "; server_no_context_takeover")),
    "browser-without-origin": lambda: more(("User-Agent", BROWSER)),
    "accept-in-request": lambda: more(("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")),
    "unknown-parameter": lambda: deflate("client_max_window=10"),
    "parameter-twice": lambda: deflate("server_no_context_takeover; server_no_context_takeover"),
    "takeover-with-value": lambda: deflate("client_no_context_takeover=1"),
    "server-window-16": lambda: deflate("server_max_window_bits=16"),
    "client-window-7": lambda: deflate("client_max_window_bits=7"),
}


async def ask(notes: Any, port: int, path: str, headers: list[Header], method: str = "GET") -> None:
    """Send a request; where it is upgraded all the same, close."""
    async with raw_client(notes, port) as client:
        pen = client.begin_exchange()
        pen.request(path, [field for field in headers if field != UNDEFINED])
        await client.write(head(f"{method} {path} HTTP/1.1", headers))
        status, fields, _ = await client.read_response()
        pen.response(status, fields)
        if status == 101:
            pen.opened()
            await client.send(frame(CLOSE, b"\x03\xe8"))
            await client.receive_all()


async def pipeline(notes: Any, port: int, path: str, headers: list[Header]) -> None:
    """Send another request behind the upgrade, in the same segment."""
    async with raw_client(notes, port) as client:
        pen = client.begin_exchange()
        pen.request(path, headers)
        behind = head("GET /behind HTTP/1.1", [HOST])
        await client.write(head(f"GET {path} HTTP/1.1", headers) + behind)
        status, fields, _ = await client.read_response()
        pen.response(status, fields)
        if status != 101:
            await client.read_response()
            return
        pen.opened()
        pen.note("http", sender="client")
        await client.receive_all()


async def refuse(request: web.Request) -> web.StreamResponse:
    """Answer 403, whatever is asked for."""
    return web.Response(status=403, text=f"not {request.path}\n")


async def play_requests(stage: Stage) -> None:
    """Each request to `websockets` and to Node `ws`; no server keeps a journal."""
    notes = stage.journal("client")
    node = ("node", str(SCRIPTS / "echo_servers.cjs"), "ws", str(NODE_PORT))
    async with await serve(echo, "127.0.0.1", PORT, ping_interval=None), running(NODE_PORT, *node):
        for port in (PORT, NODE_PORT):
            for name, headers in REQUESTS.items():
                await ask(notes, port, f"/{name}", headers())
            await ask(notes, port, "/page#part", more())
        await ask(notes, NODE_PORT, "/post", more(), "POST")
        await pipeline(notes, NODE_PORT, "/pipelined", more())
    async with serve_aiohttp(HTTP_PORT, {"/pipelined-and-refused": refuse, "/behind": refuse}):
        await pipeline(notes, HTTP_PORT, "/pipelined-and-refused", more())


#: What stands in a 101 besides the fields that belong there.
ANSWERS: dict[str, list[Header]] = {
    "right": [],
    "two-subprotocols": [("Sec-WebSocket-Protocol", "chat, superchat")],
    "subprotocol-twice": [("Sec-WebSocket-Protocol", "chat"), ("Sec-WebSocket-Protocol", "chat")],
    "content-length": [("Content-Length", "0")],
    "version": [("Sec-WebSocket-Version", "13")],
    "two-deflates": [(EXTENSIONS, "permessage-deflate, permessage-deflate")],
    "unknown-parameter": [(EXTENSIONS, "permessage-deflate; window=15")],
    "parameter-twice": [
        (EXTENSIONS, "permessage-deflate; server_no_context_takeover; server_no_context_takeover")
    ],
    "takeover-with-value": [(EXTENSIONS, "permessage-deflate; server_no_context_takeover=yes")],
    "server-window-7": [(EXTENSIONS, "permessage-deflate; server_max_window_bits=7")],
    "client-window-without-value": [(EXTENSIONS, "permessage-deflate; client_max_window_bits")],
    "client-window-not-offered": [(EXTENSIONS, "permessage-deflate; client_max_window_bits=10")],
    "takeover-not-given-up": [(EXTENSIONS, "permessage-deflate")],
}

#: What the client offers where it is not what `websockets` offers by itself.
OFFERS = {
    "client-window-not-offered": ClientPerMessageDeflateFactory(client_max_window_bits=None),
    "takeover-not-given-up": ClientPerMessageDeflateFactory(server_no_context_takeover=True),
}


async def play_answers(stage: Stage) -> None:
    """A raw server's 101s; the client, `websockets`, takes some of them and refuses the others."""

    async def answer(peer: RawPeer) -> None:
        key = await peer.receive_upgrade()
        name = peer.target[1:]
        start = b"HTTP/1.0 101 Switching Protocols\r\n"
        await peer.switch(
            switching_headers(key, *ANSWERS.get(name, [])),
            **({"start": start} if name == "http-1.0" else {}),
        )
        await peer.close_after_other()

    logger = stage.logger("client")
    offered = [Subprotocol("chat"), Subprotocol("superchat")]
    async with raw_server(stage.journal("server"), ANSWERING, answer):
        for name in (*ANSWERS, "http-1.0"):
            plain = not any(field == EXTENSIONS for field, _ in ANSWERS.get(name, []))
            with suppress(InvalidHandshake):
                async with connect(
                    f"ws://127.0.0.1:{ANSWERING}/{name}",
                    subprotocols=offered if "subprotocol" in name else None,
                    compression=None if plain or name in OFFERS else "deflate",
                    extensions=[OFFERS[name]] if name in OFFERS else None,
                    ping_interval=None,
                    logger=logger,
                ):
                    pass


SESSIONS = (
    Session(
        "faulty-requests",
        "a raw client's upgrade requests break one rule each, named by the path; servers of "
        "websockets and Node ws refuse some of them and upgrade others; a request behind the "
        "upgrade, to Node ws and to aiohttp",
        play_requests,
        ("websockets", "npm:ws", "node", "aiohttp"),
    ),
    Session(
        "faulty-answers",
        "a raw server's 101s break one rule each, named by the path; a client of websockets takes "
        "some of them and refuses the others",
        play_answers,
        ("websockets",),
    ),
)
