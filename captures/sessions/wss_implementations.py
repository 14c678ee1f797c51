"""Sessions of wss in HTTP/1.1 among implementations: Chromium, Node `ws`, Hypercorn, `websockets`.

Each client logs its secrets. Hypercorn's application knows neither Pings nor the reason of a Close,
so the other end keeps the journal of its connections; Chromium's page has that of its own.
"""

from __future__ import annotations

import asyncio
import json
import signal
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from recording.journal import Header, Peers
from recording.stage import SCRIPTS, Session, Stage
from sessions.browser import write_journal
from sessions.http2_peers import Application, hypercorn
from sessions.node_ws import Action, binary, ws_client, ws_server
from sessions.websockets_peers import echo
from sessions.wss import NAME, client_context, server_context
from sessions.wss_ways import Browser, certificate, chromium

PAGE, WEBSOCKETS, HYPERCORN, NODE, NODE_1_2 = 9371, 9372, 9373, 9374, 9375
LINE = "The quick brown fox jumps over the lazy dog. "


class Site(Application):
    """The page and the server that it talks to; keeps the requests of WebSocket."""

    def __init__(self, peers: dict[str, Peers]) -> None:
        """Take what is to hold, by path, the ends of each WebSocket connection."""
        super().__init__()
        self.report: asyncio.Future[list[dict[str, Any]]] = (
            asyncio.get_running_loop().create_future()
        )
        self.requests: dict[str, list[Header]] = {}
        self.peers = peers

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        data, more = b"", True
        while more:
            event = await receive()
            data, more = data + event.get("body", b""), event.get("more_body", False)
        headers = [(b"content-type", b"text/html; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": (SCRIPTS / "browser.html").read_bytes()})
        if scope["path"] == "/report":
            self.report.set_result(json.loads(data))

    def pen(self, scope: Any) -> None:
        """Keep the request, and take no notes: the page does."""
        path, ends = scope["path"], (tuple(scope["server"]), tuple(scope["client"]))
        self.peers[path] = Peers.seen_by("server", *ends)
        self.requests[path] = [(name.decode(), value.decode()) for name, value in scope["headers"]]


async def browse(stage: Stage, opened: Browser) -> None:
    """A browser's page talks to Hypercorn, which it is from, and to `websockets`."""
    pem = certificate(stage)
    peers: dict[str, Peers] = {}
    site = Site(peers)

    async def answer(connection: ServerConnection) -> None:
        assert connection.request is not None
        ends = connection.local_address, connection.remote_address
        peers[connection.request.path] = Peers.seen_by("server", *ends)
        await (await connection.ping(b"a browser answers by itself"))
        await echo(connection)

    tls = server_context(stage)
    options: dict[str, Any] = {"ping_interval": None, "logger": stage.logger("server"), "ssl": tls}
    async with (
        hypercorn(PAGE, application=site, pem=pem),
        serve(answer, "127.0.0.1", WEBSOCKETS, **options),
    ):
        browser = await opened(stage, PAGE, pem[0])
        events = await asyncio.wait_for(site.report, 60)
        browser.send_signal(signal.SIGTERM)
        await browser.wait()
    write_journal(stage.journal("client", sees_control=False), events, peers, site.requests)


async def play(stage: Stage) -> None:
    """Chromium with both; then Node and `websockets` with each other and with Hypercorn."""
    await browse(stage, chromium)
    pem = certificate(stage)
    mine = [str(stage.scratch / "cert.pem"), str(stage.keylog)]
    steps: list[Action] = [["text", "from Node"], binary(b"\x00\xff"), ["text", LINE * 40]]
    actions = [step for action in steps for step in (action, ["receive"])]
    actions += [["ping", "are you there?"], ["answered"], ["close", 1000, "done"]]
    async with hypercorn(HYPERCORN, pem=pem):
        await ws_client(stage, f"wss://{NAME}:{HYPERCORN}/node-to-hypercorn", actions, pem=mine)
        await converse(stage, HYPERCORN, "/websockets-to-hypercorn")
    options: dict[str, Any] = {"pem": pem, "perMessageDeflate": {"threshold": 0}}
    node = await ws_server(stage, NODE, **options)
    url = f"wss://{NAME}:{NODE}/node-to-node"
    await ws_client(stage, url, actions, pem=mine, perMessageDeflate={"threshold": 0})
    await converse(stage, NODE, "/websockets-to-node")
    await node.finish()
    node = await ws_server(stage, NODE_1_2, pem=pem, tls={"maxVersion": "TLSv1.2"})
    url = f"wss://{NAME}:{NODE_1_2}/node-to-node-1.2"
    await ws_client(stage, url, actions, pem=mine, perMessageDeflate=False)
    await node.finish()
    tls = server_context(stage)
    logger = stage.logger("server")
    async with serve(echo, "127.0.0.1", WEBSOCKETS, ping_interval=None, ssl=tls, logger=logger):
        url = f"wss://{NAME}:{WEBSOCKETS}/node-to-websockets"
        await ws_client(stage, url, actions, pem=mine)


async def converse(stage: Stage, port: int, path: str) -> None:
    """Let a client of `websockets` say something, and close."""
    async with connect(
        f"wss://{NAME}:{port}{path}",
        host="127.0.0.1",
        ping_interval=None,
        ssl=client_context(stage),
        logger=stage.logger("client"),
    ) as client:
        for message in ("from websockets", b"\x00\x01\xfe\xff", LINE * 40):
            await client.send(message)
            await client.recv()
        await (await client.ping(b"are you there?"))
        await client.close(1000, "done")


SESSIONS = (
    Session(
        "wss-implementations",
        "wss in HTTP/1.1 among implementations, its secrets in the capture: Chromium to Hypercorn, "
        "which its page is from, and to Python websockets; Node ws and Python websockets to each "
        "other and to Hypercorn; Node ws to itself, in TLS 1.3 and 1.2; permessage-deflate",
        play,
        ("chromium", "hypercorn", "wsproto", "npm:ws", "node", "websockets", "openssl"),
    ),
)
