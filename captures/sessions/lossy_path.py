"""Two network namespaces joined by a path that loses, repeats and reorders packets.

The kernel's netem would do this, where a kernel has it; this does it everywhere, and by counting,
so that each recording has the same kind of faults. A small relay moves Ethernet frames between two
veth pairs.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from recording.processes import start

CLIENT_ADDRESS, SERVER_ADDRESS = "10.99.0.1", "10.99.0.2"
CLIENT_INTERFACE, SERVER_INTERFACE = "client0", "server0"
CLONE_NEWNET = 0x40000000
ALL_PROTOCOLS = 0x0003  # ETH_P_ALL
#: Frames larger than this carry data: pure acknowledgements and the handshake pass unharmed.
DATA_BYTES = 200
#: A frame held back for reordering goes on after the next one, or after this time.
HOLD_SECONDS = 0.01
#: Frames of the most that Ethernet takes, and where TCP's sequence number is in them.
FULL_BYTES = 1500
SEQUENCE = slice(38, 42)
#: What is sent again is held back until the rest was, too.
OVERTAKEN_SECONDS = 0.5
NEVER = 1 << 30


@dataclass
class Direction:
    """One way through the relay: every so many data frames something happens."""

    out: socket.socket
    drop_every: int
    repeat_every: int
    hold_every: int
    _count: int = 0
    _held: bytes | None = None

    def relay(self, frame: bytes) -> None:
        """Pass a frame on, or not, or twice, or after the next one."""
        if len(frame) < DATA_BYTES:
            self.out.send(frame)
            return
        self._count += 1
        if self._count % self.drop_every == 0:
            return
        if self._count % self.hold_every == 0 and self._held is None:
            self._held = frame
            asyncio.get_running_loop().call_later(HOLD_SECONDS, self.release)
            return
        self.out.send(frame)
        if self._count % self.repeat_every == 0:
            self.out.send(frame)
        self.release()

    def release(self) -> None:
        """Send the frame that was held back."""
        frame, self._held = self._held, None
        if frame is not None:
            self.out.send(frame)


@dataclass
class DamagingDirection(Direction):
    """Of two full frames one is lost and one damaged; of those sent again the first comes last.

    The second of a message of two waits damaged where it is received, and then comes as it was.
    """

    _highest: int = 0
    _lost: int = 0

    def relay(self, frame: bytes) -> None:
        """Pass a frame on, or not, or with another bit, or after the next one."""
        sequence = int.from_bytes(frame[SEQUENCE], "big")
        if len(frame) >= FULL_BYTES and sequence > self._highest:
            self._highest = sequence
            self._count += 1
            if self._count % 2:
                self._lost, self._held = sequence, None
            else:
                self.out.send(frame[:-1] + bytes([frame[-1] ^ 0x20]))
        elif len(frame) >= FULL_BYTES and sequence == self._lost and self._held is None:
            self._held = frame
            asyncio.get_running_loop().call_later(OVERTAKEN_SECONDS, self.release)
        else:
            self.out.send(frame)
            if len(frame) >= FULL_BYTES:
                self.release()


@contextmanager
def inside(namespace: int) -> Iterator[None]:
    """Let this thread create sockets in the network namespace of a process (no `await` in here)."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/proc/{namespace}/ns/net", os.O_RDONLY)
    try:
        if libc.setns(there, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        yield
    finally:
        libc.setns(home, CLONE_NEWNET)
        os.close(there)
        os.close(home)


def run(*command: str) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


@dataclass
class LossyPath:
    """The path, and the processes whose network namespaces are its ends."""

    client_namespace: int
    server_namespace: int
    _relays: list[socket.socket] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def build(cls, *, damage: bool = False) -> AsyncIterator[LossyPath]:
        """Build the path; it vanishes with the two processes that hold its ends.

        With `damage` it loses and damages full frames to the server, and no others.
        """
        holders = [await start("unshare", "--net", "sleep", "300") for _ in range(2)]
        try:
            for holder in holders:
                await own_namespace(holder.pid)
            path = cls(holders[0].pid, holders[1].pid)
            path._connect(path.client_namespace, CLIENT_INTERFACE, CLIENT_ADDRESS)
            path._connect(path.server_namespace, SERVER_INTERFACE, SERVER_ADDRESS)
            path._start(damage=damage)
            yield path
            path._stop()
        finally:
            for holder in holders:
                holder.kill()
                await holder.wait()

    def _connect(self, namespace: int, interface: str, address: str) -> None:
        """Put one end of a veth pair into a namespace; the other end stays with the relay."""
        far = f"relay-{interface}"[:15]
        run("ip", "link", "add", far, "type", "veth", "peer", "name", interface)
        run("ip", "link", "set", interface, "netns", str(namespace))
        enter = ("nsenter", "--net", f"--target={namespace}")
        # The relay must see frames as on a wire: checksums filled in, no super-segments; and the
        # capture no IPv6 chatter.
        run(*enter, "ethtool", "-K", interface, "tx", "off", "tso", "off", "gso", "off")
        run(*enter, "sysctl", "-q", "-w", "net.ipv6.conf.all.disable_ipv6=1")
        run(*enter, "ip", "address", "add", f"{address}/24", "dev", interface)
        run(*enter, "ip", "link", "set", interface, "up")
        run("sysctl", "-q", "-w", f"net.ipv6.conf.{far}.disable_ipv6=1")
        run("ip", "link", "set", far, "up")
        relay = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
        relay.bind((far, ALL_PROTOCOLS))
        self._relays.append(relay)

    def _start(self, *, damage: bool) -> None:
        to_client, to_server = self._relays
        if damage:
            self._pump(to_client, DamagingDirection(to_server, NEVER, NEVER, NEVER))
            self._pump(to_server, Direction(to_client, NEVER, NEVER, NEVER))
            return
        self._pump(to_client, Direction(to_server, drop_every=9, repeat_every=7, hold_every=5))
        self._pump(to_server, Direction(to_client, drop_every=13, repeat_every=8, hold_every=6))

    @staticmethod
    def _pump(source: socket.socket, direction: Direction) -> None:
        def move() -> None:
            frame, (_, _, kind, *_) = source.recvfrom(65536)
            if kind != socket.PACKET_OUTGOING:
                direction.relay(frame)

        asyncio.get_running_loop().add_reader(source, move)

    def _stop(self) -> None:
        for relay in self._relays:
            asyncio.get_running_loop().remove_reader(relay)
            relay.close()

    def sockets(self, port: int) -> tuple[socket.socket, socket.socket]:
        """Return a listening socket at the server's end and one to connect at the client's."""
        with inside(self.server_namespace):
            listener = socket.create_server((SERVER_ADDRESS, port))
        with inside(self.client_namespace):
            caller = socket.socket()
        caller.setblocking(False)
        return listener, caller


async def own_namespace(process: int) -> None:
    """Return when `process` has left our network namespace for its own."""
    ours = Path("/proc/self/ns/net").readlink()
    while Path(f"/proc/{process}/ns/net").readlink() == ours:
        await asyncio.sleep(0.01)
