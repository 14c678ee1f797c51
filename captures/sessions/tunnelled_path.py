"""Two network namespaces joined by VXLAN tunnels over an Ethernet of small packets.

What the tunnel over IPv4 sends does not fit: the kernel cuts its UDP datagrams into IP fragments.
(Over IPv6 Linux drops them instead, so that tunnel is told to send less.)
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from recording.processes import start
from sessions.lossy_path import own_namespace, run

INTERFACE = "under0"
#: Addresses of the client's and the server's end: of the Ethernet (IPv4 and IPv6), of the tunnel.
OUTER = ("10.97.0.1", "10.97.0.2")
OUTER_6 = ("fd97::1", "fd97::2")
TUNNEL = ("10.98.0.1", "10.98.0.2")
TUNNEL_6 = ("fd98::1", "fd98::2")
#: And of the tunnel over IPv6.
SMALL_TUNNEL = ("10.96.0.1", "10.96.0.2")
#: The least that IPv6 allows; the tunnel over IPv4 believes in more.
OUTER_MTU, TUNNEL_MTU, SMALL_TUNNEL_MTU = "1280", "1450", "1200"


@dataclass
class TunnelledPath:
    """The path, and the processes whose network namespaces are its ends."""

    client_namespace: int
    server_namespace: int

    @classmethod
    @asynccontextmanager
    async def build(cls) -> AsyncIterator[TunnelledPath]:
        """Build the path; it vanishes with the two processes that hold its ends."""
        holders = [await start("unshare", "--net", "sleep", "120") for _ in range(2)]
        try:
            for holder in holders:
                await own_namespace(holder.pid)
            path = cls(holders[0].pid, holders[1].pid)
            path._connect()
            yield path
        finally:
            for holder in holders:
                holder.kill()
                await holder.wait()

    def _connect(self) -> None:
        run("ip", "link", "add", INTERFACE, "type", "veth", "peer", "name", "under1")
        run("ip", "link", "set", "under1", "netns", str(self.server_namespace), "name", INTERFACE)
        run("ip", "link", "set", INTERFACE, "netns", str(self.client_namespace))
        for mine, namespace in enumerate((self.client_namespace, self.server_namespace)):
            self._end(namespace, mine)

    def _end(self, namespace: int, mine: int) -> None:
        """Set up one end: the Ethernet, a VXLAN over its IPv4 and one over its IPv6."""
        other = 1 - mine

        def there(*command: str) -> None:
            run("nsenter", "--net", f"--target={namespace}", *command)

        def up(interface: str, mtu: str, *addresses: str) -> None:
            # No address of its own, and no chatter about one.
            if mtu != SMALL_TUNNEL_MTU:
                there("sysctl", "-q", "-w", f"net.ipv6.conf.{interface}.addr_gen_mode=1")
            there("ip", "link", "set", interface, "mtu", mtu, "up")
            for address in addresses:
                more = ("nodad",) if ":" in address else ()
                there("ip", "address", "add", address, "dev", interface, *more)

        there("ethtool", "-K", INTERFACE, "tx", "off", "tso", "off", "gso", "off")
        up(INTERFACE, OUTER_MTU, f"{OUTER[mine]}/24", f"{OUTER_6[mine]}/64")
        for name, ends, number in (("vxlan4", OUTER, "4"), ("vxlan-6", OUTER_6, "6")):
            link = ("id", number, "local", ends[mine], "remote", ends[other], "dstport", "4789")
            there("ip", "link", "add", name, "type", "vxlan", *link)
        up("vxlan4", TUNNEL_MTU, f"{TUNNEL[mine]}/24", f"{TUNNEL_6[mine]}/64")
        up("vxlan-6", SMALL_TUNNEL_MTU, f"{SMALL_TUNNEL[mine]}/24")
