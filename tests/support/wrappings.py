"""Everything that a packet can be wrapped in, built by scapy where scapy knows it.

A wrapping takes an IP packet or an Ethernet frame and gives one of them, or a packet of a link
type; `wrap` nests them at random. Whatever it is, the TCP segment inside stays the same.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
pytest.importorskip("scapy.all")

from scapy.contrib.erspan import ERSPAN_II, ERSPAN_III, ERSPAN_PlatformSpecific  # noqa: E402
from scapy.contrib.etherip import EtherIP  # noqa: E402
from scapy.contrib.geneve import GENEVE, GeneveOptions  # noqa: E402
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer  # noqa: E402
from scapy.contrib.mpls import MPLS  # noqa: E402
from scapy.contrib.nsh import NSH  # noqa: E402
from scapy.layers.inet import IP, UDP, IPOption_NOP  # noqa: E402
from scapy.layers.inet6 import (  # noqa: E402
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrSegmentRouting,
)
from scapy.layers.ipsec import AH  # noqa: E402
from scapy.layers.l2 import (  # noqa: E402
    GRE,
    GRE_PPTP,
    LLC,
    SNAP,
    Dot1AD,
    Dot1AH,
    Dot1Q,
    Ether,
    GRErouting,
)
from scapy.layers.ppp import PPP, PPPoE  # noqa: E402
from scapy.layers.vxlan import VXLAN  # noqa: E402
from scapy.packet import Raw  # noqa: E402

from support.link_wrappings import LINKS, Chance, Wrapping, ethertype, ppp, version  # noqa: E402

MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}


def in_ip(protocol: int, payload: Any, chance: Chance) -> Any:
    """Put a payload into an IP packet of either version, with options or extension headers."""
    if chance.random() < 0.5:
        options = [IPOption_NOP()] * chance.choice([0, 0, 4])
        host = chance.randrange(1, 250)
        return IP(src=f"10.1.0.{host}", dst="10.2.0.1", proto=protocol, options=options) / payload
    headers: list[tuple[int, Any]] = [
        (0, IPv6ExtHdrHopByHop()),
        (43, IPv6ExtHdrSegmentRouting(addresses=["fd00::9"], segleft=0, lastentry=0)),
        (60, IPv6ExtHdrDestOpt()),
    ]
    chosen = [each for each in headers if chance.random() < 0.2]
    following = [*(number for number, _ in chosen), protocol][1:]
    packet = IPv6(src="fd00::1", dst="fd00::2", nh=chosen[0][0] if chosen else protocol)
    for (_, header), after in zip(chosen, following, strict=True):
        header.nh = after
        packet = packet / header
    return packet / payload


def in_udp(port: int, payload: Any, chance: Chance) -> Any:
    source = chance.randrange(49152, 65536)
    return in_ip(17, UDP(sport=source, dport=port, chksum=0) / payload, chance)


def gre_header(protocol: int, chance: Chance, *, numbered: bool | None = None) -> Any:
    """Return a GRE header with any of its optional parts."""
    flags = {name: chance.randrange(2) for name in ("chksum", "key", "seqnum")}
    if numbered is not None:
        flags["seqnum"] = int(numbered)
    present = {f"{name}_present": value for name, value in flags.items()}
    routed = chance.random() < 0.2
    header = GRE(proto=protocol, routing_present=int(routed), **present)
    if not routed:
        return header
    return header / Raw(
        bytes(GRErouting(address_family=0x800, routing_info=b"\x0a\x01\x02\x03")) + bytes(4)
    )


def gre_ip(inner: bytes, chance: Chance) -> Any:
    return in_ip(47, gre_header(ethertype(inner), chance) / Raw(inner), chance)


def gre_ethernet(inner: bytes, chance: Chance) -> Any:
    return in_ip(47, gre_header(0x6558, chance) / Raw(inner), chance)


def gre_mpls(inner: bytes, chance: Chance) -> Any:
    return in_ip(47, gre_header(0x8847, chance) / labels(chance) / Raw(inner), chance)


def pptp(inner: bytes, chance: Chance) -> Any:
    numbers = {"seqnum_present": 1, "acknum_present": chance.randrange(2)}
    header = GRE_PPTP(call_id=7, **numbers)
    return in_ip(47, header / Raw(ppp(inner, chance)), chance)


def erspan_1(inner: bytes, chance: Chance) -> Any:
    return in_ip(47, GRE(proto=0x88BE) / Raw(inner), chance)


def erspan_2(inner: bytes, chance: Chance) -> Any:
    return in_ip(47, gre_header(0x88BE, chance, numbered=True) / ERSPAN_II() / Raw(inner), chance)


def erspan_3(inner: bytes, chance: Chance) -> Any:
    header: Any = ERSPAN_III(o=0)
    if chance.random() < 0.5:
        header = ERSPAN_III(o=1) / ERSPAN_PlatformSpecific()
    return in_ip(47, gre_header(0x22EB, chance, numbered=True) / header / Raw(inner), chance)


def labels(chance: Chance) -> Any:
    stack: Any = MPLS(label=chance.randrange(16, 1 << 20), s=0)
    for _ in range(chance.randrange(3)):
        stack = stack / MPLS(label=chance.randrange(16, 1 << 20), s=0)
    return stack / MPLS(label=chance.randrange(16, 1 << 20), s=1)


def tagged(chance: Chance) -> Any:
    """Return an Ethernet header with up to three tags."""
    frame: Any = Ether(**MACS)
    for _ in range(chance.choice([0, 0, 1, 2, 3])):
        frame = frame / chance.choice([Dot1Q, Dot1AD])(vlan=chance.randrange(1, 4095))
    return frame


def beneath(frame: Any, kind: int, payload: bytes) -> bytes:
    """Let the last header of a frame announce `kind`."""
    frame.lastlayer().type = kind
    return bytes(frame) + payload


def ethernet(inner: bytes, chance: Chance) -> Any:
    return beneath(tagged(chance), ethertype(inner), inner)


def padded(inner: bytes, chance: Chance) -> Any:
    padding = bytes(chance.randrange(1, 60))
    return beneath(tagged(chance), ethertype(inner), inner + padding)


def mpls(inner: bytes, chance: Chance) -> Any:
    return beneath(tagged(chance), 0x8847, bytes(labels(chance)) + inner)


def pseudowire(inner: bytes, chance: Chance) -> Any:
    control = chance.choice([b"", struct.pack(">HH", 0, chance.randrange(65536))])
    return beneath(tagged(chance), 0x8847, bytes(labels(chance)) + control + inner)


def pppoe(inner: bytes, chance: Chance) -> Any:
    protocol = {4: 0x21, 6: 0x57}[version(inner)]
    session = PPPoE(sessionid=9) / PPP(proto=protocol) / Raw(inner)
    return beneath(tagged(chance), 0x8864, bytes(session) + bytes(chance.choice([0, 20])))


def snap(inner: bytes, chance: Chance) -> Any:
    body = bytes(LLC() / SNAP(code=ethertype(inner))) + inner
    return (
        beneath(tagged(chance), len(body), body) if len(body) <= 1500 else ethernet(inner, chance)
    )


def macsec(inner: bytes, chance: Chance) -> Any:
    """Authenticated, not encrypted; scapy writes the same bytes, but wants a key for it."""
    named = chance.random() < 0.5
    tag = struct.pack(">BBI", 0x20 if named else 0, 0, 5) + (bytes(8) if named else b"")
    kind = struct.pack(">H", ethertype(inner))
    return beneath(tagged(chance), 0x88E5, tag + kind + inner + bytes(16))


def nsh(inner: bytes, chance: Chance) -> Any:
    header = NSH(mdtype=1, nextproto={4: 1, 6: 2}[version(inner)])
    return beneath(tagged(chance), 0x894F, bytes(header) + inner)


def backbone(inner: bytes, _: Chance) -> Any:
    # Dot1AH holds the customer's addresses, which are the first twelve bytes of the frame.
    outer = Ether(**MACS, type=0x88E7)
    return bytes(outer) + bytes(Dot1AH(isid=5))[:4] + inner


def vxlan(inner: bytes, chance: Chance) -> Any:
    port = chance.choice([4789, 8472])
    return in_udp(port, VXLAN(flags=0x08, vni=chance.randrange(1 << 24)) / Raw(inner), chance)


def group_policy(inner: bytes, chance: Chance) -> Any:
    return in_udp(4789, VXLAN(flags=0x88, gpid=77, vni=5) / Raw(inner), chance)


def vxlan_gpe(inner: bytes, chance: Chance) -> Any:
    following = {4: 1, 6: 2}[version(inner)]
    return in_udp(4790, VXLAN(flags=0x0C, NextProtocol=following, vni=5) / Raw(inner), chance)


def geneve(inner: bytes, chance: Chance) -> Any:
    options = [
        GeneveOptions(classid=0x0102, type=0x80, data=bytes(4 * chance.randrange(4)))
        for _ in range(chance.randrange(3))
    ]
    header = GENEVE(vni=chance.randrange(1 << 24), proto=0x6558, options=options)
    return in_udp(6081, header / Raw(inner), chance)


def geneve_ip(inner: bytes, chance: Chance) -> Any:
    return in_udp(6081, GENEVE(vni=5, proto=ethertype(inner)) / Raw(inner), chance)


def gtp(inner: bytes, chance: Chance) -> Any:
    if chance.random() < 0.3:
        header: Any = GTP_U_Header(teid=9, E=1, next_ex=0x85) / GTPPDUSessionContainer(type=0)
        return in_udp(2152, header / Raw(inner), chance)
    return in_udp(
        2152, GTP_U_Header(teid=9, gtp_type=255, S=chance.randrange(2)) / Raw(inner), chance
    )


def ip_in_ip(inner: bytes, chance: Chance) -> Any:
    return in_ip({4: 4, 6: 41}[version(inner)], Raw(inner), chance)


def authenticated(inner: bytes, chance: Chance) -> Any:
    following = {4: 4, 6: 41}[version(inner)]
    header = AH(nh=following, spi=5, seq=6, icv=bytes(12), payloadlen=4)
    return in_ip(51, header / Raw(inner), chance)


def etherip(inner: bytes, chance: Chance) -> Any:
    return in_ip(97, EtherIP() / Raw(inner), chance)


def mpls_in_ip(inner: bytes, chance: Chance) -> Any:
    return in_ip(137, labels(chance) / Raw(inner), chance)


TUNNELS = [
    Wrapping("ethernet", "ip", "ethernet", ethernet),
    Wrapping("ethernet-padded", "ip", "ethernet", padded),
    Wrapping("mpls", "ip", "ethernet", mpls),
    Wrapping("pppoe", "ip", "ethernet", pppoe),
    Wrapping("snap", "ip", "ethernet", snap),
    Wrapping("macsec", "ip", "ethernet", macsec),
    Wrapping("nsh", "ip", "ethernet", nsh),
    Wrapping("pseudowire", "ethernet", "ethernet", pseudowire),
    Wrapping("802.1ah", "ethernet", "ethernet", backbone),
    Wrapping("gre", "ip", "ip", gre_ip),
    Wrapping("gre-mpls", "ip", "ip", gre_mpls),
    Wrapping("pptp", "ip", "ip", pptp),
    Wrapping("ip-in-ip", "ip", "ip", ip_in_ip),
    Wrapping("ah", "ip", "ip", authenticated),
    Wrapping("mpls-in-ip", "ip", "ip", mpls_in_ip),
    Wrapping("gtp", "ip", "ip", gtp),
    Wrapping("vxlan-gpe", "ip", "ip", vxlan_gpe),
    Wrapping("geneve-ip", "ip", "ip", geneve_ip),
    Wrapping("gre-ethernet", "ethernet", "ip", gre_ethernet),
    Wrapping("erspan-1", "ethernet", "ip", erspan_1),
    Wrapping("erspan-2", "ethernet", "ip", erspan_2),
    Wrapping("erspan-3", "ethernet", "ip", erspan_3),
    Wrapping("etherip", "ethernet", "ip", etherip),
    Wrapping("vxlan", "ethernet", "ip", vxlan),
    Wrapping("vxlan-group-policy", "ethernet", "ip", group_policy),
    Wrapping("geneve", "ethernet", "ip", geneve),
]


@dataclass(frozen=True)
class Wrapped:
    """A packet and how it came about: names of the wrappings, innermost first."""

    link: int
    fcs: int
    data: bytes
    names: tuple[str, ...]

    @property
    def batch_link(self) -> int:
        """The link type as a Batch has it."""
        return self.link | self.fcs << 16


def apply(inner: bytes, wrappings: Iterable[Wrapping], chance: Chance) -> Wrapped:
    """Wrap an IP packet; the last wrapping is a link type."""
    names = []
    last: Wrapping | None = None
    for last in wrappings:
        inner = bytes(last.build(inner, chance))
        names.append(last.name)
    assert last is not None
    return Wrapped(int(last.gives.split()[1]), last.fcs, inner, tuple(names))


def wrap(inner: bytes, depth: int, chance: Chance) -> Wrapped:
    """Wrap an IP packet at random, in `depth` tunnels and a link type."""
    return apply(inner, nested(depth, chance), chance)


def nested(depth: int, chance: Chance) -> list[Wrapping]:
    """Return `depth` wrappings that fit into each other, and a link type around them."""
    chosen: list[Wrapping] = []
    now = "ip"
    for _ in range(depth):
        chosen.append(chance.choice([each for each in TUNNELS if each.takes == now]))
        now = chosen[-1].gives
    return [*chosen, chance.choice([each for each in LINKS if each.takes == now])]


def each_alone() -> list[list[Wrapping]]:
    """Return every tunnel with what it needs around it, and every link type."""
    ethernet_in_ip, ip_in_ethernet = TUNNELS[0], TUNNELS[0]
    found = []
    for tunnel in TUNNELS:
        chain = [tunnel] if tunnel.takes == "ip" else [ethernet_in_ip, tunnel]
        found.append([*chain, ip_in_ethernet] if tunnel.gives == "ip" else chain)
        found[-1].append(LINKS[0])
    return found + [[link] if link.takes == "ip" else [ip_in_ethernet, link] for link in LINKS]


def pcapng_of(packets: Iterable[Wrapped], *, times: list[int] | None = None) -> bytes:
    """Return packets of any link types as a pcapng file, one a microsecond if not said (ns)."""
    interfaces: dict[int, int] = {}
    described, blocks = [], []
    for number, packet in enumerate(packets):
        if packet.batch_link not in interfaces:
            interfaces[packet.batch_link] = len(interfaces)
            # if_tsresol 9, and if_fcslen where there is one.
            options = struct.pack("<HHB3x", 9, 1, 9)
            if packet.fcs:
                options += struct.pack("<HHB3x", 13, 1, packet.fcs)
            body = struct.pack("<HHI", packet.link, 0, 0) + options + bytes(4)
            described.append(struct.pack("<II", 1, len(body) + 12) + body)
            described.append(struct.pack("<I", len(body) + 12))
        time = times[number] if times is not None else 1_767_323_045_000_000_000 + 1000 * number
        length = len(packet.data)
        body = struct.pack(
            "<IIIII",
            interfaces[packet.batch_link],
            time >> 32,
            time & 0xFFFFFFFF,
            length,
            length,
        )
        body += packet.data + bytes(-length % 4)
        blocks.append(struct.pack("<II", 6, len(body) + 12) + body)
        blocks.append(struct.pack("<I", len(body) + 12))
    section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    return section + b"".join(described) + b"".join(blocks)


def fragments_of(packet: bytes, size: int, identification: int) -> list[bytes]:
    """Cut an IP packet without extension headers into fragments of `size` bytes of data.

    `size` is a multiple of 8. What fits into one stays as it is.
    """
    header = (packet[0] & 15) * 4 if version(packet) == 4 else 40
    data = packet[header:]
    if len(data) <= size:
        return [packet]
    found = []
    for start in range(0, len(data), size):
        part = data[start : start + size]
        more = start + size < len(data)
        if version(packet) == 4:
            head = bytearray(packet[:header])
            struct.pack_into(">HH", head, 2, header + len(part), identification & 0xFFFF)
            struct.pack_into(">H", head, 6, more << 13 | start // 8)
            found.append(bytes(head) + part)
        else:
            fragment = struct.pack(">BBHI", packet[6], 0, start | more, identification)
            whole = packet[:4] + struct.pack(">HB", 8 + len(part), 44) + packet[7:40]
            found.append(whole + fragment + part)
    return found
