"""Headers between link and IP, and tunnels, byte by byte: those that scapy does not build."""

from __future__ import annotations

import pytest
from support.packets import ethernet, ipv4, ipv6, tcp

from wsanalyze.buffer import Buffer
from wsanalyze.transport.packet import Packet

TCP, OTHER, TRUNCATED, MALFORMED, NOT_IP, MACSEC = 0, 2, 4, 5, 7, 9
DATA = b"hello"
V4 = ipv4(tcp(data=DATA))
V6 = ipv6(tcp(data=DATA))
FRAME = ethernet(V4)


def read(data: bytes, link: int = 1) -> int:
    packet = Packet()
    kind = packet.read(Buffer(data), 0, len(data), len(data), link)
    if kind == TCP:
        assert data[packet.payload_start : packet.payload_stop] == DATA
        assert packet.length == len(DATA)
    return kind


def h(text: str) -> bytes:
    return bytes.fromhex(text)


# name: (EtherType, what follows it, what the frame is)
BEHIND: dict[str, tuple[int, bytes, int]] = {
    "MPLS explicit null, IPv4": (0x8847, h("00000140") + V4, TCP),
    "MPLS explicit null, IPv6": (0x8847, h("00002140") + V6, TCP),
    "MPLS upstream label": (0x8848, h("00100140") + V6, TCP),
    "MPLS control word": (0x8847, h("00100140 00000001") + FRAME, TCP),
    "MPLS without control word": (0x8847, h("00100140") + FRAME, TCP),
    "MPLS, address like IPv4": (0x8847, h("00100140 40") + FRAME[1:], TCP),
    "MPLS channel": (0x8847, h("00100140 10000021") + V4, NOT_IP),
    "MPLS never ends": (0x8847, h("00100040") * 4, TRUNCATED),
    "PPPoE": (0x8864, h("11000001 002f 0021") + V4, TCP),
    "PPPoE, protocol of one byte": (0x8864, h("11000001 002e 21") + V4, TCP),
    "PPPoE, code not 0": (0x8864, h("11090001 002f 0021") + V4, NOT_IP),
    "PPPoE, version 2": (0x8864, h("21000001 002f 0021") + V4, MALFORMED),
    "PPPoE discovery": (0x8863, h("11090001 0000"), NOT_IP),
    "PPP LCP": (0x8864, h("11000001 0008 c021 0101 0004"), NOT_IP),
    "802.1BR": (0x893F, h("000000000000 0800") + V4, TCP),
    "VN-Tag": (0x8926, h("00000000 86dd") + V6, TCP),
    "802.1ah": (0x88E7, h("00000005") + FRAME, TCP),
    "MACsec, authenticated": (0x88E5, h("0000 00000001 0800") + V4 + bytes(16), TCP),
    "MACsec with SCI": (0x88E5, h("2000 00000001") + bytes(8) + h("0800") + V4 + bytes(16), TCP),
    "MACsec, encrypted": (0x88E5, h("2c00 00000001") + bytes(60), MACSEC),
    "NSH": (0x894F, h("0fc2 0201 00000105") + V4, TCP),
    "NSH in NSH": (0x894F, h("0fc2 0204 00000105") + h("0fc2 0203 00000105") + FRAME, TCP),
    "NSH of no length": (0x894F, h("0fc0 0201 00000105") + V4, MALFORMED),
    "EtherType of nobody": (0x1234, V4, NOT_IP),
}


@pytest.mark.parametrize(("kind", "data", "found"), BEHIND.values(), ids=BEHIND)
def test_behind_ethernet(kind: int, data: bytes, found: int) -> None:
    assert read(ethernet(data, kind)) == found
    assert read(ethernet(data, kind, tags=[0x88A8, 0x8100])) == found


def test_an_802_3_frame_ends_where_its_length_says() -> None:
    body = h("aaaa03 0000f8 0800") + ipv4(tcp(data=DATA), total=0)
    # In a tunnel's Ethernet, too; IP's own length is 0 here.
    frame = bytes(12) + len(body).to_bytes(2, "big") + body + bytes(9)
    assert read(ipv4(h("0000 6558") + frame, protocol=47), 228) == TCP


# name: (IP protocol, what it carries, what the packet is)
CARRIED: dict[str, tuple[int, bytes, int]] = {
    "GRE": (47, h("0000 0800") + V4, TCP),
    "GRE with checksum": (47, h("8000 86dd 00000000") + V6, TCP),
    "GRE with key": (47, h("2000 0800 00000001") + V4, TCP),
    "GRE with number": (47, h("1000 0800 00000001") + V4, TCP),
    "GRE with all three": (47, h("b000 0800") + bytes(12) + V4, TCP),
    "GRE with routes": (
        47,
        h("4000 0800 00000000") + h("0800 0004 c0000201") + h("00000000") + V4,
        TCP,
    ),
    "GRE with routes that never end": (47, h("4000 0800 00000000") + h("0800 0000") * 3, TRUNCATED),
    "GRE version 1": (47, h("3081 880b") + h("00310001") + bytes(8) + h("ff030021") + V4, TCP),
    "GRE version 2": (47, h("0002 0800") + V4, OTHER),
    "GRE keepalive": (47, h("0000 0000"), NOT_IP),
    "GRE, WCCP": (47, h("0000 883e") + V4, TCP),
    "GRE, WCCP 2": (47, h("0000 883e 00000000") + V4, TCP),
    "GRE, PPP": (47, h("0000 880b 0057") + V6, TCP),
    "GRE, cut": (47, h("b000 0800 0000"), TRUNCATED),
    "ERSPAN type I": (47, h("0000 88be") + FRAME, TCP),
    "ERSPAN type II": (47, h("1000 88be 00000001") + h("1005 0001 00000000") + FRAME, TCP),
    "ERSPAN type II of version 3": (
        47,
        h("1000 88be 00000001 3005 0001 00000000") + FRAME,
        MALFORMED,
    ),
    "ERSPAN type III": (47, h("1000 22eb 00000001") + h("2005 0001") + bytes(8) + FRAME, TCP),
    "ERSPAN type III, subheader": (
        47,
        h("1000 22eb 00000001") + h("2005 0001 00000000 0000 0001") + bytes(8) + FRAME,
        TCP,
    ),
    "ERSPAN type III, IP alone": (
        47,
        h("1000 22eb 00000001") + h("2005 0001 00000000 0000 0800") + V4,
        TCP,
    ),
    "IP in IP": (4, V4, TCP),
    "IPv6 in IP": (41, V6, TCP),
    "IP in IP of another version": (4, V6, MALFORMED),
    "EtherIP": (97, h("3000") + FRAME, TCP),
    "EtherIP version 4": (97, h("4000") + FRAME, OTHER),
    "AH": (51, h("0604 0000 00000001 00000001") + bytes(12) + tcp(data=DATA), TCP),
    "AH twice": (51, h("3301 000000000001 00000001") + h("0401 000000000001 00000001") + V4, TCP),
    "SCTP": (132, bytes(20), OTHER),
}


@pytest.mark.parametrize(("protocol", "data", "found"), CARRIED.values(), ids=CARRIED)
def test_carried_by_ip(protocol: int, data: bytes, found: int) -> None:
    assert read(ipv4(data, protocol=protocol), 228) == found
    assert read(ipv6(data, following=protocol), 229) == found


# name: (link type, packet, what it is)
SERIAL: dict[str, tuple[int, bytes, int]] = {
    "PPP": (9, h("ff03 0021") + V4, TCP),
    "PPP without address": (9, h("0057") + V6, TCP),
    "PPP, MPLS": (9, h("ff03 0281 00100140") + V4, TCP),
    "Cisco HDLC under PPP's link type": (50, h("0f00 0800") + V4, TCP),
    "Cisco HDLC": (104, h("8f00 86dd") + V6, TCP),
    "Cisco keepalive": (104, h("8f00 8035") + bytes(18), NOT_IP),
    "pppd": (166, h("0003 0021") + V4, TCP),
    "PPP with direction": (204, h("01 ff03 0021") + V4, TCP),
    "NFLOG without a packet": (239, h("02000005 0800 0100 00000000"), NOT_IP),
    "NFLOG of version 1": (239, h("02010005 0800 0100 00000000"), MALFORMED),
    "NFLOG attribute of no length": (239, h("02000005 0000 0100 00000000"), MALFORMED),
}


@pytest.mark.parametrize(("link", "data", "found"), SERIAL.values(), ids=SERIAL)
def test_serial_links_and_logs(link: int, data: bytes, found: int) -> None:
    assert read(data, link) == found
