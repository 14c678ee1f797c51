"""WebSockets on streams of HTTP/2 in clear text: many at once, refused, reset, behind HAProxy."""

from __future__ import annotations

import asyncio

from websockets.asyncio.client import connect

from recording.journal import BINARY, CONTINUATION, TEXT
from recording.processes import running
from recording.stage import Session, Stage
from sessions.deterministic import prose
from sessions.http2_peers import DEFLATE, h2_client, hypercorn
from sessions.proxies import configured
from sessions.websockets_peers import expect_refusal

SERVER, NODE, BEHIND, FRONT, UPGRADED = 9310, 9311, 9312, 9313, 9314

HAPROXY = f"""
global
    maxconn 64
defaults
    mode http
    retries 0
    timeout connect 1s
    timeout client 10s
    timeout server 10s
    timeout tunnel 10s
frontend front
    bind 127.0.0.1:{FRONT}
    default_backend streams
backend streams
    server one 127.0.0.1:{BEHIND} proto h2 ws h2
"""


async def play_streams(stage: Stage) -> None:
    """A raw client on `h2` and Hypercorn: five WebSockets and two pages on one connection."""
    async with hypercorn(SERVER), h2_client(stage.journal("client"), SERVER) as client:
        plain = await client.open("/plain")
        await plain.say(b"the first message")
        await client.get("/page")
        packed = await client.open("/packed", ("sec-websocket-extensions", DEFLATE))
        for _ in range(3):
            await packed.say(prose(300).encode())
            await plain.say(b"between")
        await client.open("/refused")
        chat = await client.open("/chat", ("sec-websocket-protocol", "chat, superchat"))
        await chat.send(TEXT, b"in ", fin=False)
        await chat.send(CONTINUATION, b"pieces")
        await chat.receive()
        await chat.say(b"\x00\x01" * 20_000, BINARY)
        await plain.ping(b"there?")
        gone = await client.open("/gone")
        await gone.say(b"soon gone")
        await gone.reset()
        await client.get("/page")
        await packed.close()
        await chat.close(1001)
        await plain.say(b"the last one")
        await plain.close()


async def play_upgrade(stage: Stage) -> None:
    """A page in HTTP/1.1 with `Upgrade: h2c`; then two WebSockets on the same connection."""
    journal = stage.journal("client")
    async with hypercorn(UPGRADED), h2_client(journal, UPGRADED, upgrade="/page") as client:
        first = await client.open("/first")
        await first.say(b"over what was HTTP/1.1")
        second = await client.open("/second", ("sec-websocket-extensions", DEFLATE))
        await second.say(prose(200).encode())
        await first.close()
        await second.close()


async def play_node(stage: Stage) -> None:
    """Node's own client to Node's own server: three WebSockets at once, and a page."""
    server = await stage.node("http2_node.cjs", "server", "server", NODE)
    paths = ("/one", "/two", "/three")
    client = await stage.node("http2_node.cjs", "client", "client", NODE, *paths)
    await client.wait()
    await server.finish()


async def play_haproxy(stage: Stage) -> None:
    """HTTP/1.1 to HAProxy, which asks the server behind it by extended CONNECT."""
    logger = stage.logger("client")
    file = configured(stage.scratch, HAPROXY)
    async with (
        hypercorn(BEHIND, stage.journal("server", sees_control=False)),
        running(FRONT, "haproxy", "-db", "-f", file),
    ):
        url = f"ws://127.0.0.1:{FRONT}"
        async with connect(f"{url}/first", ping_interval=None, logger=logger) as first:
            await first.send("translated")
            await first.recv()
            async with connect(f"{url}/second", ping_interval=None, logger=logger) as second:
                await second.send(b"both legs")
                await second.recv()
        await expect_refusal(logger, f"{url}/refused")
        await asyncio.sleep(0.1)


SESSIONS = (
    Session(
        "http2-streams",
        "WebSocket over HTTP/2 (prior knowledge): five streams and two pages on one connection; "
        "plain, compressed, fragmented, with a subprotocol, refused (403), reset",
        play_streams,
        ("h2", "hypercorn", "wsproto"),
    ),
    Session(
        "http2-upgrade",
        "WebSocket over HTTP/2 behind an upgrade to h2c: a page in HTTP/1.1, then two streams",
        play_upgrade,
        ("h2", "hypercorn", "wsproto"),
    ),
    Session(
        "http2-node",
        "WebSocket over HTTP/2 with Node's own client and server: three streams at once and a page",
        play_node,
        ("node", "npm:ws"),
    ),
    Session(
        "http2-haproxy",
        "both legs through HAProxy, which translates: HTTP/1.1 in front, extended CONNECT behind; "
        "two that are open at once, and a refusal",
        play_haproxy,
        ("haproxy", "websockets", "hypercorn", "wsproto"),
    ),
)
