"""An aiohttp client and an aiohttp server: subprotocols, compression, pings."""

from __future__ import annotations

from aiohttp import web

from recording.stage import Session, Stage
from sessions.aiohttp_peers import accept_and_echo, connect_noted, pen_of_request, serve_aiohttp


async def play(stage: Stage) -> None:
    """One connection with compression and a chosen subprotocol, one with neither."""
    journal = stage.journal("server")

    async def chat(request: web.Request) -> web.StreamResponse:
        pen = pen_of_request(journal, request)
        protocols = ("chat.v2", "chat.v1")
        return await accept_and_echo(pen, request, greeting=b"heartbeat", protocols=protocols)

    notes = stage.journal("client")
    async with serve_aiohttp(9004, {"/chat": chat}):
        url = "http://127.0.0.1:9004/chat?user=ann"
        async with connect_noted(
            notes, url, protocols=("chat.v9", "chat.v1"), compress=15
        ) as client:
            await client.receive()  # the ping
            for number in range(5):
                await client.send(
                    f'{{"from": "ann", "number": {number}, "text": "hello, hello, hello"}}'
                )
                await client.receive()
            await client.send(b"\x00" * 5000)
            await client.receive()
            await client.close(1000, "good night")
        async with connect_noted(notes, url) as client:
            await client.receive()
            await client.send("no compression, no subprotocol")
            await client.receive()
            await client.pong(b"unsolicited")
            await client.close(3001)


SESSIONS = (
    Session(
        "aiohttp-chat",
        "aiohttp on both sides: one of two subprotocols and permessage-deflate; then neither",
        play,
        ("aiohttp",),
    ),
)
