"""Sessions where the way is the point: the `any` interface, and a path that loses packets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from recording.sniffer import Sniffer
from recording.stage import Session, Stage
from sessions.deterministic import noise, prose
from sessions.lossy_path import CLIENT_INTERFACE, SERVER_ADDRESS, SERVER_INTERFACE, LossyPath
from sessions.routed_path import SERVER_ADDRESSES, RoutedPath
from sessions.websockets_peers import echo

PORT = 9022
ROUTED_PORT = 9023


async def play_any(stage: Stage) -> None:
    """One connection over IPv4 and one over IPv6."""
    server_logger, logger = stage.logger("server"), stage.logger("client")
    hosts: Any = ["127.0.0.1", "::1"]  # asyncio takes several, the library's annotation says one
    async with await serve(echo, hosts, 9021, ping_interval=None, logger=server_logger):
        for host in ("127.0.0.1", "[::1]"):
            url = f"ws://{host}:9021/any"
            async with connect(url, ping_interval=None, logger=logger) as client:
                for message in ("cooked", b"\x00" * 20, "x" * 200):
                    await client.send(message)
                    await client.recv()


@asynccontextmanager
async def lossy_path(stage: Stage) -> AsyncIterator[LossyPath]:
    """Build the path, and record both ends of it instead of the loopback."""
    async with LossyPath.build() as path:
        names = stage.session.file_names
        ends = (
            (CLIENT_INTERFACE, path.client_namespace),
            (SERVER_INTERFACE, path.server_namespace),
        )
        stage.sniffers = [
            Sniffer(stage.session.file_format, interface, stage.scratch / name, namespace)
            for name, (interface, namespace) in zip(names, ends, strict=True)
        ]
        await stage.start_capture()
        yield path


async def play_lossy(stage: Stage) -> None:
    """Messages both ways while the path drops, repeats and reorders packets."""

    async def answer(connection: ServerConnection) -> None:
        for number in range(60):
            await connection.send(f"{number}: {prose(100 + 37 * number)}")
            await connection.send(noise(11 * number))
        await echo(connection)

    async with lossy_path(stage) as path:
        listener, caller = path.sockets(PORT)
        server_logger, logger = stage.logger("server"), stage.logger("client")
        url = f"ws://{SERVER_ADDRESS}:{PORT}/lossy"
        plain: dict[str, Any] = {"compression": None, "ping_interval": None}
        async with await serve(answer, sock=listener, logger=server_logger, **plain):
            await asyncio.get_running_loop().sock_connect(caller, (SERVER_ADDRESS, PORT))
            async with connect(url, sock=caller, max_queue=None, logger=logger, **plain) as client:
                for number in range(40):
                    await client.send(f"{number}: {prose(50 + 91 * number)}")
                for _ in range(60 + 60 + 40):
                    await client.recv()
        await stage.stop_capture()  # before the path vanishes


async def play_routed(stage: Stage) -> None:
    """One connection over IPv4 and one over IPv6, recorded by the router between the ends."""
    async with RoutedPath.build() as path:
        (name,) = stage.session.file_names
        stage.sniffers = [Sniffer(stage.session.file_format, "any", stage.scratch / name)]
        await stage.start_capture()
        server_logger, logger = stage.logger("server"), stage.logger("client")
        plain: dict[str, Any] = {"compression": None, "ping_interval": None}
        for family, address in SERVER_ADDRESSES.items():
            listener, caller = path.sockets(family, ROUTED_PORT)
            host = f"[{address}]" if ":" in address else address
            url = f"ws://{host}:{ROUTED_PORT}/routed"
            async with await serve(echo, sock=listener, logger=server_logger, **plain):
                await asyncio.get_running_loop().sock_connect(caller, (address, ROUTED_PORT))
                async with connect(url, sock=caller, logger=logger, **plain) as client:
                    for message in ("seen twice", b"\x00" * 20, "x" * 5000):
                        await client.send(message)
                        await client.recv()
        await stage.stop_capture()  # before the path vanishes


SESSIONS = (
    Session(
        "any-interface",
        "recorded on the interface `any` (Linux cooked capture v2), over IPv4 and over IPv6",
        play_any,
        ("websockets",),
        file_format="pcap",
        interface="any",
    ),
    Session(
        "routed-any",
        "recorded on `any` by the router between client and server: each packet is seen twice, "
        "over IPv4 and over IPv6",
        play_routed,
        ("websockets",),
        file_format="pcap",
        own_network=True,
    ),
    Session(
        "lossy-path-client",
        "between two network namespaces over Ethernet, on a path that drops, repeats and "
        "reorders packets; `-client` and `-server` are the two ends of the same connection",
        play_lossy,
        ("websockets",),
        also="lossy-path-server",
        own_network=True,
    ),
)
