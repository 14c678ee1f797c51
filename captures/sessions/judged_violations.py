"""A raw client breaks a rule on each connection; a real server judges it with its Close."""

from __future__ import annotations

import base64
import os
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from recording.journal import BINARY, CLOSE, CONTINUATION, PING, TEXT
from recording.stage import Session, Stage
from sessions.raw_peers import RawFrame, RawPeer, head, raw_client, upgrade_headers

PORT, PINGING = 9070, 9071
LARGEST = 1000


def random_key() -> str:
    """Return a Sec-WebSocket-Key as a good client makes it."""
    return base64.b64encode(os.urandom(16)).decode()


def frame(opcode: int, data: bytes = b"", **options: Any) -> RawFrame:
    """Return a client's frame with a random masking key."""
    return RawFrame(opcode, data, **({"key": os.urandom(4)} | options))


#: What the client sends; the path of the request names it.
VIOLATIONS: dict[str, list[RawFrame]] = {
    "unmasked": [frame(TEXT, b"in the clear", masked=False)],
    "rsv1": [frame(TEXT, b"not compressed", rsv=(True, False, False))],
    "rsv3": [frame(TEXT, b"what is this bit?", rsv=(False, False, True))],
    "reserved-opcode": [frame(4, b"what is this?")],
    "reserved-control-opcode": [frame(12)],
    "fragmented-ping": [frame(PING, b"half", fin=False)],
    "ping-of-126": [frame(PING, b"p" * 126)],
    "continuation-of-nothing": [frame(CONTINUATION, b"continued")],
    "message-in-message": [frame(TEXT, b"never finished", fin=False), frame(TEXT, b"another")],
    "text-not-utf8": [frame(TEXT, b"caf\xe9")],
    "close-of-one-byte": [frame(CLOSE, b"\x03")],
    "close-1005": [frame(CLOSE, (1005).to_bytes(2, "big"))],
    "close-2999": [frame(CLOSE, (2999).to_bytes(2, "big"))],
    "close-reason-not-utf8": [frame(CLOSE, b"\x03\xe8\xff\xfe")],
    "too-big": [frame(BINARY, b"\x00" * (LARGEST + 1))],
}


async def answer(connection: ServerConnection) -> None:
    """Close at once where the path asks for it, else echo."""
    assert connection.request is not None
    if connection.request.path == "/close-not-answered":
        await connection.close(1000, "your turn")
        return
    try:
        async for message in connection:
            await connection.send(message)
    except ConnectionClosed:
        return


async def play(stage: Stage) -> None:
    """One connection for each violation, then clients that do not answer and do not wait."""
    notes = stage.journal("client")  # the server logs no frame that it refuses: it has no journal
    plain: dict[str, Any] = {"compression": None, "max_size": LARGEST}
    async with (
        await serve(answer, "127.0.0.1", PORT, ping_interval=None, close_timeout=1, **plain),
        await serve(answer, "127.0.0.1", PINGING, ping_interval=0.5, ping_timeout=1, **plain),
    ):
        for name, frames in VIOLATIONS.items():
            async with raw_client(notes, PORT) as client:
                await client.request_upgrade(f"/{name}", upgrade_headers(key=random_key()))
                await client.send(*frames)
                await client.receive_all()
        for name, port in (("close-not-answered", PORT), ("pings-not-answered", PINGING)):
            async with raw_client(notes, port) as client:
                await client.request_upgrade(f"/{name}", upgrade_headers(key=random_key()))
                await client.receive_all()
        async with raw_client(notes, PORT) as client:
            await be_early(client)


async def be_early(client: RawPeer) -> None:
    """Send a message together with the upgrade request."""
    headers = upgrade_headers(key=random_key())
    pen = client.begin_exchange()
    pen.request("/early", headers)
    early = client.noted(frame(TEXT, b"before the 101"))
    await client.write(head("GET /early HTTP/1.1", headers) + early)
    status, fields, _ = await client.read_response()
    pen.response(status, fields)
    pen.opened()
    await client.receive()
    await client.send(frame(CLOSE, b"\x03\xe8"))
    await client.receive_all()


SESSIONS = (
    Session(
        "judged-violations",
        "a raw client breaks one rule on each connection, named by its path, and a server of "
        "websockets answers with 1002, 1007, 1009; a Close and Pings that nobody answers; a "
        "message before the 101",
        play,
        ("websockets",),
    ),
)
