"""The machine's network interfaces, and what becomes of them, from rtnetlink(7)."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address

# <linux/rtnetlink.h>, <linux/if_link.h>, <linux/if.h>
NLMSG_ERROR, NLMSG_DONE = 2, 3
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_NEWADDR, RTM_GETADDR = 16, 17, 18, 20, 22
NLM_F_REQUEST, NLM_F_DUMP = 1, 0x300
RTMGRP_LINK = 1
IFLA_IFNAME = 3
IFA_ADDRESS, IFA_LOCAL = 1, 2
IFF_UP, IFF_LOOPBACK = 0x1, 0x8
# More than the kernel puts into one datagram.
DATAGRAM = 1 << 18

# What is no interface of the kernel's, but dumpcap captures on.
VIRTUAL = frozenset({"any"})
# What `LinkWatch.changes` gives, for people.
HAPPENED = {"down": "went down", "gone": "is gone", "back": "is back"}

# ARPHRD_ of <linux/if_arp.h> → LINKTYPE_, of those that a packet socket gives with their header as
# our decoder reads it.
LINKTYPES = {
    1: 1,  # Ethernet
    772: 1,  # loopback, which has an Ethernet header of zeros
    801: 105,  # 802.11
    802: 119,  # with Prism
    803: 127,  # with radiotap
    519: 101,  # raw IP
    65534: 101,  # none: tun, WireGuard
    768: 101,  # IP in IP
    769: 101,  # IPv6 in IP
    776: 101,  # SIT
}


@dataclass(frozen=True, slots=True)
class Link:
    """An interface: `link` is its LINKTYPE_ number, None for what we do not read."""

    name: str
    index: int
    up: bool
    loopback: bool
    link: int | None
    addresses: tuple[str, ...]


def list_links() -> list[Link]:
    """Return the interfaces of this network namespace in the order of their numbers."""
    addresses: dict[int, list[str]] = {}
    for kind, body in _dump(RTM_GETADDR):
        if kind == RTM_NEWADDR and len(body) >= 8:
            index = struct.unpack_from("=I", body, 4)[0]
            values = dict(_attributes(body[8:]))
            # Of a point-to-point link IFA_ADDRESS is the other end's.
            value = values.get(IFA_LOCAL, values.get(IFA_ADDRESS))
            if value is not None and len(value) in (4, 16):
                addresses.setdefault(index, []).append(str(ip_address(value)))
    links = []
    for kind, body in _dump(RTM_GETLINK):
        change = _change(kind, body)
        if change is not None and change.name:
            hardware = struct.unpack_from("=H", body, 2)[0]
            links.append(
                Link(
                    change.name,
                    change.index,
                    change.up,
                    change.loopback,
                    LINKTYPES.get(hardware),
                    tuple(addresses.get(change.index, ())),
                )
            )
    return sorted(links, key=lambda each: each.index)


@dataclass(frozen=True, slots=True)
class Change:
    """What the kernel says of an interface: it is there and `up` or down, or it is `gone`."""

    name: str
    index: int
    up: bool
    gone: bool
    loopback: bool


@dataclass(slots=True)
class LinkWatch:
    """Tells what happens to the interfaces `names`.

    `fileno()` is readable when something may have happened; `changes()` says what. `up` has the
    state of each, None for one that does not exist.
    """

    names: tuple[str, ...]
    up: dict[str, bool | None] = field(default_factory=dict)
    index: dict[str, int] = field(default_factory=dict)
    _socket: socket.socket | None = None

    def __post_init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        self._socket.bind((0, RTMGRP_LINK))
        self.up = dict.fromkeys(self.names)
        for _ in self._now():
            pass

    def fileno(self) -> int:
        """Return the descriptor to wait for, -1 when closed."""
        return -1 if self._socket is None else self._socket.fileno()

    def changes(self) -> list[tuple[str, str]]:
        """Return what happened since the last call: (name, "down" | "gone" | "back")."""
        found: list[tuple[str, str]] = []
        while self._socket is not None:
            try:
                data = self._socket.recv(DATAGRAM)
            except BlockingIOError:
                break
            except OSError:
                # ENOBUFS: more happened than the socket holds. What counts is how it is now.
                found += self._now()
                continue
            for kind, body in _messages(data):
                change = _change(kind, body)
                if change is not None:
                    found += self._take(change)
        return found

    def close(self) -> None:
        """Let go of the socket; may be called twice."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _now(self) -> list[tuple[str, str]]:
        links = {link.name: link for link in list_links()}
        found: list[tuple[str, str]] = []
        for name in self.names:
            link = links.get(name)
            index = self.index.get(name, 0) if link is None else link.index
            change = Change(name, index, link is not None and link.up, link is None, False)
            found += self._take(change)
        return found

    def _take(self, change: Change) -> list[tuple[str, str]]:
        name = change.name
        if name not in self.up:
            # It may be one of ours that was given another name.
            for mine, index in self.index.items():
                if index == change.index and self.up[mine] is not None and not change.gone:
                    return self._take(Change(mine, index, False, True, False))
            return []
        if change.gone and change.index != self.index.get(name, change.index):
            return []
        before = self.up[name]
        self.up[name] = None if change.gone else change.up
        replaced = before is not None and change.index != self.index.get(name, change.index)
        self.index[name] = change.index
        happened = []
        if replaced or (change.gone and before is not None):
            happened.append((name, "gone"))
            before = None
        if change.gone:
            return happened
        if before and not change.up:
            happened.append((name, "down"))
        elif not before and change.up:
            happened.append((name, "back"))
        return happened


def missed_packets(name: str) -> int | None:
    """Return how many packets an interface had no room for since it exists, as libpcap counts."""
    total = None
    for counter in ("rx_missed_errors", "rx_fifo_errors"):
        with suppress(OSError, ValueError):
            path = f"/sys/class/net/{name}/statistics/{counter}"
            with open(path, encoding="ascii") as file:  # noqa: PTH123 - once a second, for ever
                total = (total or 0) + int(file.read())
    return total


def _dump(kind: int) -> Iterator[tuple[int, bytes]]:
    with socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
    ) as kernel:
        body = struct.pack("=BxHiII", 0, 0, 0, 0, 0)
        head = struct.pack("=IHHII", 16 + len(body), kind, NLM_F_REQUEST | NLM_F_DUMP, 1, 0)
        kernel.send(head + body)
        while True:
            for answer, content in _messages(kernel.recv(DATAGRAM)):
                if answer == NLMSG_DONE:
                    return
                if answer == NLMSG_ERROR:
                    number = -struct.unpack_from("=i", content)[0]
                    raise OSError(number, os.strerror(number))
                yield answer, content


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        if length < 16:
            return
        yield kind, data[at + 16 : at + length]
        at += length + -length % 4


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:
            return
        yield kind & 0x3FFF, data[at + 4 : at + length]
        at += length + -length % 4


def _change(kind: int, body: bytes) -> Change | None:
    if kind not in (RTM_NEWLINK, RTM_DELLINK) or len(body) < 16:
        return None
    _, index, flags = struct.unpack_from("=HiI", body, 2)
    name = dict(_attributes(body[16:])).get(IFLA_IFNAME, b"").rstrip(b"\0")
    up, loopback = bool(flags & IFF_UP), bool(flags & IFF_LOOPBACK)
    return Change(os.fsdecode(name), index, up, kind == RTM_DELLINK, loopback)
