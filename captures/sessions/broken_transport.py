"""What happens below WebSocket: a firewall cuts, segments are damaged, ports are used again."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from recording.journal import TEXT
from recording.processes import running
from recording.sniffer import Sniffer
from recording.stage import SCRIPTS, Session, Stage
from recording.websockets_log import RESET_BY_OTHER
from sessions.deterministic import prose
from sessions.judged_violations import frame, random_key
from sessions.lossy_path import SERVER_ADDRESS, SERVER_INTERFACE, LossyPath
from sessions.raw_peers import RawPeer, raw_client, upgrade_headers
from sessions.routed_path import SERVER_ADDRESSES, RoutedPath
from sessions.websockets_peers import echo

ROUTED_PORT, DAMAGED_PORT, REUSED_PORT, FEED_PORT = 9041, 9042, 9043, 9044
#: What an administrator types to end the sessions of a port.
FIREWALL = f"""
table ip guard {{
    chain forward {{
        type filter hook forward priority filter;
        tcp dport {ROUTED_PORT} reject with tcp reset
        tcp sport {ROUTED_PORT} reject with tcp reset
    }}
}}
"""
PLAIN: dict[str, Any] = {"compression": None, "ping_interval": None}
SAME_PORT = 40500


async def log_reset(connection: ClientConnection | ServerConnection) -> None:
    """Receive to the end, and log a reset."""
    try:
        async for _ in connection:
            pass
    except ConnectionClosed as error:
        if isinstance(error.__cause__, ConnectionResetError):
            connection.logger.debug(RESET_BY_OTHER)


async def talk_on(connection: ClientConnection | ServerConnection) -> None:
    """Send something every 10 ms until that is no longer possible."""
    number = 0
    with suppress(ConnectionClosed):
        while True:
            await connection.send(f"{number} and on")
            number += 1
            await asyncio.sleep(0.01)


async def both_ways(connection: ClientConnection | ServerConnection) -> None:
    """Talk and listen until the connection is cut."""
    talking = asyncio.create_task(talk_on(connection))
    await log_reset(connection)
    await talking


async def play_firewall(stage: Stage) -> None:
    """Both ends talk through a router; then its firewall gets a rule, and resets both."""
    family = socket.AF_INET
    address = SERVER_ADDRESSES[family]
    url = f"ws://{address}:{ROUTED_PORT}/guarded"
    async with RoutedPath.build() as path:
        (name,) = stage.session.file_names
        stage.sniffers = [
            Sniffer(stage.session.file_format, "any", stage.scratch / name, more=("tcp",))
        ]
        await stage.start_capture()
        logger, notes = stage.logger("client"), stage.logger("server")
        listener, caller = path.sockets(family, ROUTED_PORT)
        for end in (listener, caller):  # asyncio does it for sockets that it makes itself
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with await serve(both_ways, sock=listener, logger=notes, **PLAIN):
            await asyncio.get_running_loop().sock_connect(caller, (address, ROUTED_PORT))
            async with connect(url, sock=caller, logger=logger, **PLAIN) as client:
                talking = asyncio.create_task(both_ways(client))
                await asyncio.sleep(0.15)
                subprocess.run(["nft", "-f", "-"], check=True, input=FIREWALL.encode())
                await talking
        await stage.stop_capture()  # before the path vanishes


async def play_damaged(stage: Stage) -> None:
    """Messages to a server whose network card gets some of the segments with a bit flipped."""
    async with LossyPath.build(damage=True) as path:
        (name,) = stage.session.file_names
        kind, there = stage.session.file_format, path.server_namespace
        stage.sniffers = [Sniffer(kind, SERVER_INTERFACE, stage.scratch / name, there)]
        await stage.start_capture()
        listener, caller = path.sockets(DAMAGED_PORT)
        logger, notes = stage.logger("client"), stage.logger("server")
        url = f"ws://{SERVER_ADDRESS}:{DAMAGED_PORT}/damaged"
        async with await serve(echo, sock=listener, logger=notes, **PLAIN):
            await asyncio.get_running_loop().sock_connect(caller, (SERVER_ADDRESS, DAMAGED_PORT))
            async with connect(url, sock=caller, logger=logger, **PLAIN) as client:
                for number in range(3):
                    await client.send(f"{number}: {prose(3000 + 60 * number)}")
                    await client.recv()
        await stage.stop_capture()  # before the path vanishes


async def call_from(port: int) -> socket.socket:
    """Return a TCP connection to the server from this port, whoever used it before."""
    caller = socket.socket()
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    caller.bind(("127.0.0.1", port))
    caller.setblocking(False)
    await asyncio.get_running_loop().sock_connect(caller, ("127.0.0.1", REUSED_PORT))
    return caller


async def play_reused(stage: Stage) -> None:
    """A client uses one port three times; then one closes its half and reads on."""
    url, logger = f"ws://127.0.0.1:{REUSED_PORT}", stage.logger("client")
    async with await serve(echo, "127.0.0.1", REUSED_PORT, logger=stage.logger("server"), **PLAIN):
        for path in ("/first", "/second", "/third"):
            caller = await call_from(SAME_PORT)
            async with connect(url + path, sock=caller, logger=logger, **PLAIN) as client:
                await client.send(f"as {path}")
                await client.recv()
            await asyncio.sleep(0.2)
    feed = (sys.executable, str(SCRIPTS / "echo_servers.py"), "feed", str(FEED_PORT))
    notes = stage.journal("client")
    async with running(FEED_PORT, *feed), raw_client(notes, FEED_PORT) as client:
        await close_half(client)


async def close_half(client: RawPeer) -> None:
    """Subscribe, close this half of TCP as `nc -N` does, and read what still comes."""
    await client.request_upgrade("/half-closed", upgrade_headers(key=random_key()))
    await client.send(frame(TEXT, b"subscribe"))
    client.pen.cut("client", "fin")
    client.writer.write_eof()
    await client.receive_all()


SESSIONS = (
    Session(
        "firewall",
        "recorded on `any` by a router whose firewall (nftables) gets a rule that rejects both "
        "directions with a RST, while both ends talk",
        play_firewall,
        ("nft", "websockets"),
        file_format="pcap",
        own_network=True,
    ),
    Session(
        "damaged-segments",
        "recorded at a server that gets some segments with a bit flipped, their checksums wrong, "
        "and gets them again",
        play_damaged,
        ("websockets",),
        own_network=True,
    ),
    Session(
        "ports-again",
        "three connections from one port, one after the other; a client that closes its half of "
        "TCP while gevent-websocket goes on sending",
        play_reused,
        ("websockets", "gevent-websocket"),
    ),
)
