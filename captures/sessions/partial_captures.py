"""Captures that do not have everything: begun late, cut short, overrun, or of one direction."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from recording.stage import Session, Stage
from sessions.deterministic import prose
from sessions.websockets_peers import echo

#: Only what goes to the first and what comes from the second is recorded by `one-direction`.
ASKED, ANSWERING = 9031, 9032
PORT, DEFLATE_PORT = 9033, 9034
SNAP_BYTES = "120"
#: KiB that the kernel may hold for tcpdump: a few packets.
TINY_BUFFER = "300"


async def exchange(client: ClientConnection, first: int, stop: int) -> None:
    """Send numbered messages, each after the echo of the one before."""
    for number in range(first, stop):
        await client.send(f"{number}: {prose(40 + 30 * (number % 9))}")
        await client.recv()


async def play_one_direction(stage: Stage) -> None:
    """Two connections: of one the client's packets are recorded, of the other the server's."""
    logger, notes = stage.logger("client"), stage.logger("server")
    plain: dict[str, Any] = {"compression": None, "ping_interval": None}
    for port in (ASKED, ANSWERING):
        async with await serve(echo, "127.0.0.1", port, logger=notes, **plain):
            url = f"ws://127.0.0.1:{port}/half"
            async with connect(url, logger=logger, **plain) as client:
                await exchange(client, 0, 6)


async def play_from_the_middle(stage: Stage) -> None:
    """A plain and a compressed connection are open when the capture begins; a third is new."""
    logger, notes = stage.logger("client"), stage.logger("server")
    plain: dict[str, Any] = {"compression": None, "ping_interval": None}
    async with (
        await serve(echo, "127.0.0.1", PORT, logger=notes, **plain),
        await serve(echo, "127.0.0.1", DEFLATE_PORT, logger=notes, ping_interval=None),
        connect(f"ws://127.0.0.1:{PORT}/plain", logger=logger, **plain) as first,
        connect(
            f"ws://127.0.0.1:{DEFLATE_PORT}/compressed", logger=logger, ping_interval=None
        ) as second,
    ):
        for client in (first, second):
            await exchange(client, 0, 3)
        await stage.start_capture()
        for client in (first, second):
            await exchange(client, 3, 10)
            await client.close(1000, "the end is seen")
        async with connect(f"ws://127.0.0.1:{PORT}/new", logger=logger, **plain) as third:
            await exchange(third, 0, 2)


async def play_snapped(stage: Stage) -> None:
    """Messages that are longer and shorter than the sniffer's snap length."""
    plain: dict[str, Any] = {"compression": None, "ping_interval": None}
    url, logger = f"ws://127.0.0.1:{PORT}/snapped", stage.logger("client")
    async with (
        await serve(echo, "127.0.0.1", PORT, logger=stage.logger("server"), **plain),
        connect(url, logger=logger, **plain) as client,
    ):
        for message in ("short", "x" * 40, "y" * 400, "short again", "z" * 5000, "the last one"):
            await client.send(message)
            await client.recv()


async def play_overrun(stage: Stage) -> None:
    """The sniffer gets no processor while messages pass, and has next to no buffer."""

    async def answer(connection: ServerConnection) -> None:
        async for message in connection:
            for part in range(4):
                await connection.send(f"{part}: {message!r}")
                await asyncio.sleep(0.002)

    url, logger = f"ws://127.0.0.1:{DEFLATE_PORT}/overrun", stage.logger("client")
    async with (
        await serve(
            answer, "127.0.0.1", DEFLATE_PORT, ping_interval=None, logger=stage.logger("server")
        ),
        connect(url, ping_interval=None, logger=logger) as client,
    ):
        for number in range(16):
            if number in (5, 7):
                (sniffer,) = stage.sniffers
                sniffer.signal(signal.SIGSTOP if number == 5 else signal.SIGCONT)
                await asyncio.sleep(0.2)
            await client.send(f"{number}: {prose(40 + 30 * (number % 9))}")
            for _ in range(4):
                await client.recv()


SESSIONS = (
    Session(
        "one-direction",
        "two connections; of the first only what the client sends is recorded, of the second only "
        "what the server sends",
        play_one_direction,
        ("websockets",),
        sniffing=("-f", f"tcp dst port {ASKED} or tcp src port {ANSWERING}"),
        partial="one direction of each connection",
    ),
    Session(
        "from-the-middle",
        "the capture begins while a plain and a compressed connection are open; a third is new",
        play_from_the_middle,
        ("websockets",),
        own_network=True,
        partial="the beginning of the first two connections",
    ),
    Session(
        "snapped",
        f"recorded with a snap length of {SNAP_BYTES} bytes: long messages are cut short",
        play_snapped,
        ("websockets",),
        file_format="pcap",
        sniffing=("-s", SNAP_BYTES),
        partial="what is behind the snap length",
    ),
    Session(
        "overrun",
        "tcpdump has a buffer of few packets and is stopped for a while: some of a compressed "
        "connection's are lost",
        play_overrun,
        ("websockets",),
        file_format="pcap",
        sniffing=("-B", TINY_BUFFER),
        partial="packets that the sniffer lost",
    ),
)
