"""A client and a server in two network namespaces, with ours as the router between them.

Recorded on our interface `any`, each packet is seen twice: as it comes in, and as it goes out with
a hop less to live.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from recording.processes import start
from sessions.lossy_path import inside, own_namespace, run

# Network, by its end and family: the router is .1, the end .2.
NETWORKS = {
    "client": ("10.98.1.", "fd98:1::"),
    "server": ("10.98.2.", "fd98:2::"),
}
SERVER_ADDRESSES = {socket.AF_INET: "10.98.2.2", socket.AF_INET6: "fd98:2::2"}


@dataclass
class RoutedPath:
    """The path, and the processes whose network namespaces are its ends."""

    client_namespace: int
    server_namespace: int

    @classmethod
    @asynccontextmanager
    async def build(cls) -> AsyncIterator[RoutedPath]:
        """Build the path; it vanishes with the two processes that hold its ends."""
        holders = [await start("unshare", "--net", "sleep", "300") for _ in range(2)]
        try:
            for end, holder in zip(NETWORKS, holders, strict=True):
                await own_namespace(holder.pid)
                cls._connect(end, holder.pid)
            run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
            run("sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=1")
            yield cls(holders[0].pid, holders[1].pid)
        finally:
            for holder in holders:
                holder.kill()
                await holder.wait()

    @staticmethod
    def _connect(end: str, namespace: int) -> None:
        """Put one end of a veth pair into a namespace; the other end stays with us."""
        ours, theirs = f"to-{end}", f"{end}0"
        enter = ("nsenter", "--net", f"--target={namespace}")
        run("ip", "link", "add", ours, "type", "veth", "peer", "name", theirs)
        run("ip", "link", "set", theirs, "netns", str(namespace))
        for prefix, bits in zip(NETWORKS[end], ("24", "64"), strict=True):
            nodad = ("nodad",) if ":" in prefix else ()
            run("ip", "address", "add", f"{prefix}1/{bits}", "dev", ours, *nodad)
            run(*enter, "ip", "address", "add", f"{prefix}2/{bits}", "dev", theirs, *nodad)
        run("ip", "link", "set", ours, "up")
        run(*enter, "ip", "link", "set", theirs, "up")
        for family, prefix in zip(("-4", "-6"), NETWORKS[end], strict=True):
            run(*enter, "ip", family, "route", "add", "default", "via", f"{prefix}1")

    def sockets(
        self, family: socket.AddressFamily, port: int
    ) -> tuple[socket.socket, socket.socket]:
        """Return a listening socket at the server's end and one to connect at the client's."""
        with inside(self.server_namespace):
            listener = socket.create_server((SERVER_ADDRESSES[family], port), family=family)
        with inside(self.client_namespace):
            caller = socket.socket(family)
        caller.setblocking(False)
        return listener, caller
