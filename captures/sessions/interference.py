"""Somebody on the way resets a connection; clients that come back again and again."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from recording.stage import Session, Stage
from recording.websockets_log import RESET_BY_OTHER
from sessions.cuts import cut

PORT, SECOND_PORT = 9095, 9096
WORD = b"forbidden"
#: The kernel sends 64; who is some hops away arrives with less.
TTL = 47
ETHERNET, IPV4 = 14, 20
RST_ACK = 0x14
ATTEMPTS = 8


def checksum(data: bytes) -> int:
    """Return the checksum of the Internet."""
    padded = data + b"\x00" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def reset(source: bytes, target: bytes, ports: tuple[int, int], numbers: tuple[int, int]) -> bytes:
    """Return an IPv4 packet with a RST, as `source` would send it but for its TTL."""
    parts = (*ports, *numbers, 5 << 4, RST_ACK, 0)
    empty = struct.pack("!HHIIBBH", *parts) + bytes(4)
    pseudo = source + target + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(empty))
    tcp = empty[:16] + struct.pack("!H", checksum(pseudo + empty)) + bytes(2)
    length = IPV4 + len(tcp)
    return struct.pack("!BBHHHBBH", 0x45, 0, length, 4711, 0, TTL, 6, 0) + source + target + tcp


class Middlebox(threading.Thread):
    """Watches the loopback; resets both ends once a server has said the forbidden word."""

    def __init__(self) -> None:
        """Open its sockets."""
        super().__init__(daemon=True)
        self._watched = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self._watched.bind(("lo", 0))
        self._out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def run(self) -> None:
        """Wait for the word, then reset the client and at once the server."""
        while True:
            packet = self._watched.recv(65536)[ETHERNET:]
            ports = struct.unpack_from("!HH", packet, IPV4)
            if ports[0] == PORT and WORD in packet:
                break
        server, client = packet[12:16], packet[16:20]
        sequence, acknowledged, offset = struct.unpack_from("!IIB", packet, IPV4 + 4)
        after = sequence + len(packet) - IPV4 - (offset >> 4) * 4
        there = socket.inet_ntoa(client), 0
        self._out.sendto(reset(server, client, ports, (after, acknowledged)), there)
        threading.Event().wait(0.01)
        numbers = acknowledged, after
        self._out.sendto(reset(client, server, (ports[1], ports[0]), numbers), there)


async def answer(connection: ServerConnection) -> None:
    """Echo until the end, and log a reset."""
    try:
        async for message in connection:
            await connection.send(message)
    except ConnectionClosed as error:
        if isinstance(error.__cause__, ConnectionResetError):
            connection.logger.debug(RESET_BY_OTHER)


async def play_reset(stage: Stage) -> None:
    """One connection that is left alone, and one that says the word."""
    plain: dict[str, Any] = {"compression": None, "ping_interval": None}
    box = Middlebox()
    box.start()
    logger = stage.logger("client")
    async with await serve(answer, "127.0.0.1", PORT, logger=stage.logger("server"), **plain):
        for path, words in (("/left-alone", "harmless"), ("/reset", "forbidden")):
            async with connect(f"ws://127.0.0.1:{PORT}{path}", logger=logger, **plain) as client:
                for number in range(3):
                    await client.send(f"harmless {number}")
                    await client.recv()
                await client.send(words)
                try:
                    await client.recv()
                    await client.recv() if words == "forbidden" else await client.close()
                except ConnectionClosed as error:
                    if isinstance(error.__cause__, ConnectionResetError):
                        client.logger.debug(RESET_BY_OTHER)
    box.join(5)


async def play_reconnects(stage: Stage) -> None:
    """A server that resets every client; one without patience, and one that waits longer."""

    async def refuse(connection: ServerConnection) -> None:
        cut(connection, "rst")
        await connection.wait_closed()

    logger, server = stage.logger("client"), stage.logger("server")
    plain: dict[str, Any] = {"compression": None, "ping_interval": None}
    async with (
        await serve(refuse, "127.0.0.1", PORT, logger=server, **plain),
        await serve(refuse, "127.0.0.1", SECOND_PORT, logger=server, **plain),
    ):
        for _ in range(ATTEMPTS):
            await come_once(f"ws://127.0.0.1:{PORT}/at-once", logger)
            await asyncio.sleep(0.1)
        for number in range(ATTEMPTS - 1):
            await come_once(f"ws://127.0.0.1:{SECOND_PORT}/later", logger)
            await asyncio.sleep(0.1 * 2**number)


async def come_once(url: str, logger: Any) -> None:
    """Connect and be reset."""
    async with connect(url, compression=None, ping_interval=None, logger=logger) as client:
        try:
            await client.recv()
        except ConnectionClosed as error:
            if isinstance(error.__cause__, ConnectionResetError):
                client.logger.debug(RESET_BY_OTHER)


SESSIONS = (
    Session(
        "injected-reset",
        "a middlebox resets both ends of a connection in which a word was said: its packets have "
        "another TTL; before that a connection that it leaves alone",
        play_reset,
        ("websockets",),
    ),
    Session(
        "reconnects",
        "a server that resets every client: one that comes back after 0.1 s each time, "
        "and one that doubles its waiting time",
        play_reconnects,
        ("websockets",),
    ),
)
