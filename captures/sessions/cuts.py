"""Connections that end without a closing handshake, and one that outlives the capture."""

from __future__ import annotations

import asyncio

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from recording.journal import TEXT
from recording.stage import Session, Stage
from recording.websockets_log import CUT
from sessions.node_ws import ws_client
from sessions.raw_peers import (
    MASK,
    RawPeer,
    raw_client,
    raw_server,
    reset,
    switching_headers,
    upgrade_headers,
)
from sessions.websockets_peers import echo


def cut(connection: ClientConnection | ServerConnection, how: str) -> None:
    """Tear a connection of `websockets` down, with a FIN or a RST, and let its log say so."""
    connection.logger.debug(CUT, how)
    if how == "rst":
        reset(connection.transport)
    else:
        connection.transport.abort()


async def play(stage: Stage) -> None:
    """Each end, each way; then a process that is killed, and a cut inside a frame."""
    killed = asyncio.Event()

    async def answer(connection: ServerConnection) -> None:
        assert connection.request is not None
        path = connection.request.path
        await connection.send(await connection.recv())
        if path == "/killed":
            killed.set()
        if path.startswith("/server-"):
            await connection.recv()
            cut(connection, path.rpartition("-")[2])
        await connection.wait_closed()

    logger = stage.logger("client")
    async with await serve(
        answer,
        "127.0.0.1",
        9013,
        compression=None,
        ping_interval=None,
        logger=stage.logger("server"),
    ):
        for path in ("/client-rst", "/client-fin", "/server-rst", "/server-fin"):
            async with connect(
                f"ws://127.0.0.1:9013{path}", compression=None, ping_interval=None, logger=logger
            ) as client:
                await client.send("before the cut")
                await client.recv()
                if path.startswith("/client-"):
                    cut(client, path.rpartition("-")[2])
                else:
                    await client.send("now")
                await client.wait_closed()
        await play_killed(stage, killed)
    await play_half_frame(stage)


async def play_killed(stage: Stage, answered: asyncio.Event) -> None:
    """A Node process is killed while its connection is idle: the kernel sends the FIN."""
    actions = [["text", "before the end"], ["receive"]]
    client = await ws_client(
        stage, "ws://127.0.0.1:9013/killed", actions, wait=False, perMessageDeflate=False
    )
    await answered.wait()
    await asyncio.sleep(
        0.5
    )  # it has read the answer: nothing unread that would make a RST of the FIN
    client.process.kill()
    await client.process.wait()


async def play_half_frame(stage: Stage) -> None:
    """A client declares 1000 bytes, sends 100 of them, and resets."""

    async def answer(peer: RawPeer) -> None:
        await peer.switch(switching_headers(await peer.receive_upgrade()))
        await peer.receive_all()

    async with (
        raw_server(stage.journal("server"), 9113, answer),
        raw_client(stage.journal("client"), 9113) as client,
    ):
        await client.request_upgrade("/half-a-frame", upgrade_headers())
        client.pen.frame_header("client", TEXT, fin=True, masked=True, length=1000)
        await client.write(bytes([0x80 | TEXT, 0x80 | 126]) + (1000).to_bytes(2, "big") + MASK)
        await client.write(b"x" * 100)
        await asyncio.sleep(0.2)  # so that the 100 bytes are read before the reset discards them
        client.reset()


async def play_open_end(stage: Stage) -> None:
    """The sniffer stops first; what comes later is neither in the capture nor in the truth."""

    async def answer(connection: ServerConnection) -> None:
        try:
            await echo(connection)
        except ConnectionClosed:
            return

    async with (
        await serve(answer, "127.0.0.1", 9213, ping_interval=None, logger=stage.logger("server")),
        connect(
            "ws://127.0.0.1:9213/on", ping_interval=None, logger=stage.logger("client")
        ) as client,
    ):
        for number in range(3):
            await client.send(f"seen {number}")
            await client.recv()
        await stage.cut_capture()
        await client.send("not seen")
        await client.recv()


SESSIONS = (
    Session(
        "cut-connections",
        "RST and FIN without a Close, from the client and from the server; a killed process; a "
        "RST inside a frame",
        play,
        ("websockets", "npm:ws", "node"),
    ),
    Session(
        "capture-ends-open",
        "the capture ends while a compressed connection is open",
        play_open_end,
        ("websockets",),
        file_format="pcap",
    ),
)
