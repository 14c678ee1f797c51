"""A client's host, whose network card fills checksums in: captured there, they are not."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from recording.processes import start
from recording.sniffer import Sniffer
from recording.stage import Session, Stage
from sessions.deterministic import prose
from sessions.lossy_path import inside, own_namespace, run
from sessions.websockets_peers import echo

HOST_INTERFACE, FAR_INTERFACE = "host", "far"
HOST_ADDRESS, FAR_ADDRESS, PORT = "10.97.0.1", "10.97.0.2", 9045
PLAIN: dict[str, Any] = {"compression": None, "ping_interval": None}


def join(namespace: int) -> None:
    """Join a namespace, the host, to ours; its end of the link leaves checksums to the card."""
    enter = ("nsenter", "--net", f"--target={namespace}")
    run("ip", "link", "add", FAR_INTERFACE, "type", "veth", "peer", "name", HOST_INTERFACE)
    run("ip", "link", "set", HOST_INTERFACE, "netns", str(namespace))
    run("ethtool", "-K", FAR_INTERFACE, "tx", "off", "tso", "off", "gso", "off")
    for command, interface, address in (
        (enter, HOST_INTERFACE, HOST_ADDRESS),
        ((), FAR_INTERFACE, FAR_ADDRESS),
    ):
        run(*command, "sysctl", "-q", "-w", f"net.ipv6.conf.{interface}.disable_ipv6=1")
        run(*command, "ip", "address", "add", f"{address}/24", "dev", interface)
        run(*command, "ip", "link", "set", interface, "up")


async def play_offloaded(stage: Stage) -> None:
    """Three connections of one host, each with a message of several segments."""
    host = await start("unshare", "--net", "sleep", "300")
    try:
        await own_namespace(host.pid)
        join(host.pid)
        (name,) = stage.session.file_names
        there = stage.scratch / name
        stage.sniffers = [Sniffer(stage.session.file_format, HOST_INTERFACE, there, host.pid)]
        await stage.start_capture()
        logger, notes = stage.logger("client"), stage.logger("server")
        async with await serve(echo, FAR_ADDRESS, PORT, logger=notes, **PLAIN):
            for number in range(3):
                with inside(host.pid):
                    caller = socket.socket()
                caller.setblocking(False)
                await asyncio.get_running_loop().sock_connect(caller, (FAR_ADDRESS, PORT))
                url = f"ws://{FAR_ADDRESS}:{PORT}/{number}"
                async with connect(url, sock=caller, logger=logger, **PLAIN) as client:
                    await client.send(f"{number}: {prose(4000)}")
                    await client.recv()
        await stage.stop_capture()  # before the host vanishes
    finally:
        host.kill()
        await host.wait()


SESSIONS = (
    Session(
        "offloaded-host",
        "recorded on a client's host, whose network card fills checksums in: they are wrong in "
        "what it sends, and its segments are larger than on the wire",
        play_offloaded,
        ("websockets",),
        own_network=True,
    ),
)
