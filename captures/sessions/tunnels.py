"""A session inside tunnels: VXLAN over IPv4 and over IPv6, in IP fragments."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from recording.sniffer import Sniffer
from recording.stage import Session, Stage
from sessions.deterministic import noise, prose
from sessions.lossy_path import inside
from sessions.tunnelled_path import INTERFACE, SMALL_TUNNEL, TUNNEL, TUNNEL_6, TunnelledPath
from sessions.websockets_peers import echo

PORT = 9031


def sockets(path: TunnelledPath, address: str) -> tuple[socket.socket, socket.socket]:
    """Return a listening socket at the server's end and one to connect at the client's."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with inside(path.server_namespace):
        listener = socket.create_server((address, PORT), family=family)
    with inside(path.client_namespace):
        caller = socket.socket(family)
    caller.setblocking(False)
    return listener, caller


async def play_tunnels(stage: Stage) -> None:
    """IPv4 and IPv6 in VXLAN over IPv4, in fragments; IPv4 in VXLAN over IPv6, whole."""
    server_logger, logger = stage.logger("server"), stage.logger("client")
    plain: dict[str, Any] = {"compression": None, "ping_interval": None}

    async def answer(connection: ServerConnection) -> None:
        await connection.send(prose(3000))
        await echo(connection)

    async with TunnelledPath.build() as path:
        name = stage.session.file_names[0]
        recorded = stage.scratch / name
        sniffer = Sniffer(stage.session.file_format, INTERFACE, recorded, path.client_namespace)
        stage.sniffers = [sniffer]
        await stage.start_capture()
        for address in (TUNNEL[1], TUNNEL_6[1], SMALL_TUNNEL[1]):
            listener, caller = sockets(path, address)
            host = f"[{address}]" if ":" in address else address
            url = f"ws://{host}:{PORT}/tunnel"
            async with await serve(answer, sock=listener, logger=server_logger, **plain):
                await asyncio.get_running_loop().sock_connect(caller, (address, PORT))
                async with connect(url, sock=caller, logger=logger, **plain) as client:
                    await client.recv()
                    for message in ("short", noise(5000), prose(4000)):
                        await client.send(message)
                        await client.recv()
        await stage.stop_capture()  # before the path vanishes


SESSIONS = (
    Session(
        "vxlan-fragments",
        "inside VXLAN tunnels: IPv4 and IPv6 over IPv4, where the network below makes IP fragments "
        "of their packets, and IPv4 over IPv6",
        play_tunnels,
        ("websockets",),
        own_network=True,
    ),
)
