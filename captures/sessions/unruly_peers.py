"""Peers that keep each rule of a frame, and not those of a conversation: late, mute or too many."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

from recording.journal import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Journal
from recording.stage import Session, Stage
from sessions.judged_violations import frame, random_key
from sessions.raw_peers import (
    RawFrame,
    RawPeer,
    raw_client,
    raw_server,
    switching_headers,
    upgrade_headers,
)

PORT = 9083
#: Longer than libraries wait for a Close (10 s) and for a Pong (20 s).
CLOSE_S, PONG_S = 11.0, 22.0
FRAGMENTS, PINGS = 80, 30
#: Beacons, and the seconds between them: what comes faster is a stream.
BEACONS, BEACON_S = 22, 2.2
BAIT = 2 << 20
GOODBYE = b"\x03\xe8"

Play = Callable[[RawPeer], Awaitable[None]]


def sent_by_server(opcode: int, data: bytes = b"") -> RawFrame:
    """Return a server's frame."""
    return RawFrame(opcode, data, masked=False)


async def answer(peer: RawPeer) -> None:
    """As a server: answer Pings and the Close, then end."""
    while (received := await peer.receive()) is not None:
        if received.opcode == PING:
            await peer.send(sent_by_server(PONG, received.data))
        if received.opcode == CLOSE:
            await peer.send(sent_by_server(CLOSE, received.data))
            return


async def answer_another_ping(peer: RawPeer) -> None:
    """Answer a Ping with what it did not ask for."""
    await peer.receive()
    await peer.send(sent_by_server(PONG, b"something else"))
    await answer(peer)


async def ignore_pings(peer: RawPeer) -> None:
    """Send messages back, and nothing for a Ping."""
    while (received := await peer.receive()) is not None:
        if received.opcode in (TEXT, CLOSE):
            await peer.send(sent_by_server(received.opcode, received.data))
        if received.opcode == CLOSE:
            return


async def ignore_close(peer: RawPeer) -> None:
    """Read the Close and do nothing for a long time."""
    await peer.receive()
    await asyncio.sleep(CLOSE_S)


async def stay(peer: RawPeer) -> None:
    """Answer the Close, and keep TCP open."""
    await answer(peer)
    await asyncio.sleep(CLOSE_S)


async def miss_an_extension(peer: RawPeer) -> None:
    """Close with the code that only a client may send."""
    await peer.send(sent_by_server(CLOSE, b"\x03\xf2" + b"no compression"))
    await peer.receive()


async def read_on(peer: RawPeer) -> None:
    """Read until the client ends."""
    await peer.receive_all()


SERVERS: dict[str, Play] = {
    "another-pong": answer_another_ping,
    "pings-ignored": ignore_pings,
    "close-ignored": ignore_close,
    "tcp-left-open": stay,
    "server-1010": miss_an_extension,
    "bait": read_on,
}


async def leave(client: RawPeer) -> None:
    """Close, and read to the end."""
    await client.send(frame(CLOSE, GOODBYE))
    await client.receive_all()


async def send_crumbs(client: RawPeer) -> None:
    """Send a message in fragments of one byte."""
    await client.send(frame(TEXT, b"a", fin=False))
    for _ in range(FRAGMENTS - 2):
        await client.send(frame(CONTINUATION, b"a", fin=False))
    await client.send(frame(CONTINUATION, b"!"))
    await leave(client)


async def flood(client: RawPeer) -> None:
    """Send Pings as fast as they are answered."""
    for number in range(PINGS):
        await client.send(frame(PING, b"%d" % number))
        await client.receive()
    await leave(client)


async def ping_once(client: RawPeer) -> None:
    """Send a Ping, and read what comes for it."""
    await client.send(frame(PING, b"this"))
    await client.receive()
    await leave(client)


async def talk_on(client: RawPeer) -> None:
    """Send a Ping, and messages for longer than one waits for a Pong."""
    await client.send(frame(PING, b"still there?"))
    for _ in range(3):
        await client.send(frame(TEXT, b"and now?"))
        await client.receive()
        await asyncio.sleep(PONG_S / 3)
    await leave(client)


async def follow(client: RawPeer) -> None:
    """Answer the server's Close."""
    received = await client.receive()
    assert received is not None
    await client.send(frame(CLOSE, received.data))
    await client.receive_all()


async def promise(client: RawPeer) -> None:
    """Declare megabytes, send a few bytes, wait, and end."""
    client.pen.frame_header("client", BINARY, fin=True, masked=True, length=BAIT)
    await client.write(bytes([0x80 | BINARY, 0x80 | 127]) + BAIT.to_bytes(8, "big"))
    await client.write(os.urandom(4) + b"x" * 60)
    await asyncio.sleep(6.0)
    client.pen.cut("client", "fin")
    await client.end()


async def call_home(client: RawPeer) -> None:
    """Send a small message again and again, as punctual as a clock."""
    began = asyncio.get_running_loop().time()
    for number in range(BEACONS):
        await client.send(frame(BINARY, os.urandom(24)))
        due = began + (number + 1) * BEACON_S
        await asyncio.sleep(due - asyncio.get_running_loop().time())
    await leave(client)


CLIENTS: dict[str, Play] = {
    "well-behaved": leave,
    "crumbs": send_crumbs,
    "ping-flood": flood,
    "another-pong": ping_once,
    "pings-ignored": talk_on,
    "close-ignored": leave,
    "tcp-left-open": leave,
    "server-1010": follow,
    "bait": promise,
    "beacon": call_home,
}


async def visit(notes: Journal, name: str, play: Play) -> None:
    """Upgrade a connection and do on it what its path names."""
    async with raw_client(notes, PORT) as client:
        await client.request_upgrade(f"/{name}", upgrade_headers(key=random_key()))
        await play(client)


async def play(stage: Stage) -> None:
    """All connections at once, since some of them wait for long."""

    async def serve(peer: RawPeer) -> None:
        key = await peer.receive_upgrade()
        await peer.switch(switching_headers(key))
        await SERVERS.get(peer.target[1:], answer)(peer)

    notes = stage.journal("client")
    async with raw_server(stage.journal("server"), PORT, serve):
        visits = []
        for name, doing in CLIENTS.items():
            visits.append(asyncio.create_task(visit(notes, name, doing)))
            await asyncio.sleep(0.1)  # one request after the other
        await asyncio.gather(*visits)


SESSIONS = (
    Session(
        "unruly-peers",
        "raw peers whose frames are right and whose conduct is not: fragments of a byte, floods "
        "of Pings, no Pong, another Pong, no answer to a Close, TCP left open, 1010 from a server, "
        "a length of which nothing comes; messages as punctual as a clock",
        play,
        (),
    ),
)
