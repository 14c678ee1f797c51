"""The outermost wrapping of a packet: every link type that is read, built by scapy where it can."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

pytest.importorskip("scapy.all")

from scapy.contrib.chdlc import CHDLC
from scapy.layers.dot11 import Dot11, Dot11QoS, PrismHeader, RadioTap
from scapy.layers.l2 import LLC, SNAP, CookedLinux, CookedLinuxV2
from scapy.layers.ppp import HDLC, PPP, PPPoE
from scapy.packet import Raw

FCS = b"\xde\xad\xbe\xef"

Chance = random.Random

Build = Callable[[bytes, Chance], Any]


@dataclass(frozen=True)
class Wrapping:
    """`takes` and `gives` are `ip`, `ethernet` or, for what is outermost, `link N`."""

    name: str
    takes: str
    gives: str
    build: Build
    fcs: int = 0


def version(packet: bytes) -> int:
    """Return the IP version of a packet."""
    return packet[0] >> 4


def ethertype(packet: bytes) -> int:
    """Return the EtherType of an IP packet."""
    return 0x0800 if version(packet) == 4 else 0x86DD


def ppp(inner: bytes, chance: Chance) -> bytes:
    protocol = {4: 0x21, 6: 0x57}[version(inner)]
    head = chance.choice([b"", bytes(HDLC())])
    number = struct.pack(">H", protocol) if chance.random() < 0.7 else bytes((protocol,))
    return head + number + inner


def loopback(order: str) -> Build:
    """Return a BSD loopback header in a byte order."""

    def build(inner: bytes, _: Chance) -> Any:
        family = {4: 2, 6: 30}[version(inner)]
        return struct.pack(">I" if order == "big" else "<I", family) + inner

    return build


def wifi(inner: bytes, chance: Chance) -> bytes:
    """Return an 802.11 data frame: with QoS or not, between stations or access points."""
    way = chance.randrange(4)
    quality = chance.randrange(2)
    macs = {f"addr{i}": f"02:00:00:00:00:0{i}" for i in range(1, 5)}
    frame = Dot11(type=2, subtype=8 if quality else 0, FCfield=way, **macs)
    if quality:
        frame = frame / Dot11QoS(TID=5)
    return bytes(frame / LLC() / SNAP(code=ethertype(inner))) + inner


def aggregated(inner: bytes, _: Chance) -> bytes:
    """Return an 802.11 frame with an A-MSDU: ARP, the packet, ARP."""
    macs = {f"addr{i}": f"02:00:00:00:00:0{i}" for i in range(1, 4)}
    head = bytes(Dot11(type=2, subtype=8, FCfield=1, **macs) / Dot11QoS(A_MSDU_Present=1))
    addresses = bytes.fromhex("020000000002020000000001")
    parts = []
    for kind, body in ((0x0806, bytes(28)), (ethertype(inner), inner), (0x0806, bytes(28))):
        body = bytes(LLC() / SNAP(code=kind)) + body
        parts.append(addresses + struct.pack(">H", len(body)) + body)
    filled = [part + bytes(-len(part) % 4) for part in parts[:-1]]
    return head + b"".join(filled) + parts[-1]


def radiotap(inner: bytes, chance: Chance) -> bytes:
    return bytes(RadioTap(present="Rate", Rate=2)) + wifi(inner, chance)


def radiotap_fcs(inner: bytes, chance: Chance) -> bytes:
    stamp = chance.choice([{"present": "Flags"}, {"present": "TSFT+Flags", "mac_timestamp": 7}])
    return bytes(RadioTap(Flags="FCS", **stamp)) + wifi(inner, chance) + FCS


def radiotap_padded(inner: bytes, _: Chance) -> bytes:
    """The driver put two bytes between a QoS header and what follows it."""
    macs = {f"addr{i}": f"02:00:00:00:00:0{i}" for i in range(1, 4)}
    head = bytes(Dot11(type=2, subtype=8, FCfield=1, **macs) / Dot11QoS())
    body = bytes(LLC() / SNAP(code=ethertype(inner))) + inner
    return bytes(RadioTap(present="Flags", Flags="pad")) + head + bytes(2) + body


def prism(inner: bytes, chance: Chance) -> bytes:
    return bytes(PrismHeader(len=144)) + wifi(inner, chance)


def avs(inner: bytes, chance: Chance) -> bytes:
    return struct.pack(">II", 0x80211001, 64) + bytes(56) + wifi(inner, chance)


def ppi(inner: bytes, chance: Chance) -> bytes:
    fields = struct.pack("<HHQHHHHbbbb", 2, 20, 0, 1, 0, 0, 0, 0, 0, 0, 0)
    head = struct.pack("<BBHI", 0, 0, 8 + len(fields), 105)
    return head + fields + wifi(inner, chance) + FCS


def nflog(order: str) -> Build:
    """Return a netfilter log message in a byte order, with attributes around the packet."""

    def build(inner: bytes, _: Chance) -> bytes:
        mark = "<" if order == "little" else ">"
        parts = [struct.pack(">BBH", {4: 2, 6: 10}[version(inner)], 0, 5)]
        for kind, value in ((1, bytes(4)), (10, b"seen\0"), (9, inner)):
            parts.append(struct.pack(f"{mark}HH", 4 + len(value), kind) + value)
            parts.append(bytes(-len(value) % 4))
        return b"".join(parts)

    return build


def with_fcs(inner: bytes, _: Chance) -> bytes:
    return inner + FCS


LINKS = [
    Wrapping("Ethernet", "ethernet", "link 1", lambda inner, _: inner),
    Wrapping("Ethernet-FCS", "ethernet", "link 1", with_fcs, fcs=4),
    Wrapping("raw-12", "ip", "link 12", lambda inner, _: inner),
    Wrapping("raw-101", "ip", "link 101", lambda inner, _: inner),
    Wrapping("null-little", "ip", "link 0", loopback("little")),
    Wrapping("null-big", "ip", "link 0", loopback("big")),
    Wrapping("loop", "ip", "link 108", loopback("big")),
    Wrapping(
        "cooked",
        "ip",
        "link 113",
        lambda inner, _: bytes(CookedLinux(proto=ethertype(inner))) + inner,
    ),
    Wrapping(
        "cooked-2",
        "ip",
        "link 276",
        lambda inner, _: bytes(CookedLinuxV2(proto=ethertype(inner))) + inner,
    ),
    Wrapping("PPP", "ip", "link 9", ppp),
    Wrapping("PPP-HDLC", "ip", "link 50", ppp),
    Wrapping("PPP-direction", "ip", "link 204", lambda inner, chance: b"\0" + ppp(inner, chance)),
    Wrapping(
        "pppd",
        "ip",
        "link 166",
        lambda inner, _: b"\1\3\0" + bytes(({4: 0x21, 6: 0x57}[version(inner)],)) + inner,
    ),
    Wrapping(
        "PPPoE",
        "ip",
        "link 51",
        lambda inner, _: bytes(
            PPPoE(sessionid=9) / PPP(proto={4: 0x21, 6: 0x57}[version(inner)]) / Raw(inner)
        ),
    ),
    Wrapping(
        "C-HDLC",
        "ip",
        "link 104",
        lambda inner, _: bytes(CHDLC(proto=ethertype(inner))) + inner,
    ),
    Wrapping("802.11", "ip", "link 105", wifi),
    Wrapping("A-MSDU", "ip", "link 105", aggregated),
    Wrapping("radiotap", "ip", "link 127", radiotap),
    Wrapping("radiotap-FCS", "ip", "link 127", radiotap_fcs),
    Wrapping("radiotap-padded", "ip", "link 127", radiotap_padded),
    Wrapping("Prism", "ip", "link 119", prism),
    Wrapping("AVS", "ip", "link 163", avs),
    Wrapping("PPI", "ip", "link 192", ppi),
    Wrapping("NFLOG-little", "ip", "link 239", nflog("little")),
    Wrapping("NFLOG-big", "ip", "link 239", nflog("big")),
]
