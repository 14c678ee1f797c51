"""Packets of every link type: exactly which fields are read, and why others are not followed."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.packets import ACK, PSH, ethernet, ipv4, ipv6, tcp

from wsanalyze.buffer import Buffer
from wsanalyze.transport.packet import Packet

TCP, UDP, OTHER, UNKNOWN_LINK, TRUNCATED, MALFORMED, FRAGMENT, NOT_IP, ESP = range(9)
SEVERAL = 12
DATA = b"hello, world"
SEGMENT = tcp(40000, 8080, 0xFEDCBA98, 0x89ABCDEF, ACK | PSH, DATA, window=4321)
V4 = ipv4(SEGMENT, "192.0.2.1", "198.51.100.2", ttl=57)
V6 = ipv6(SEGMENT, "2001:db8::1", "2001:db8:ffff::2", hops=58)
NOWHERE = bytes(8)


@dataclass
class Read:
    """What `Packet.read` said, and the payload that it found."""

    kind: int
    packet: Packet
    payload: bytes


def read(data: bytes, link: int = 1, *, wire: int | None = None, before: bytes = b"") -> Read:
    """Read a packet that lies behind `before` in its buffer, with a neighbour behind it."""
    packet = Packet()
    start, stop = len(before), len(before) + len(data)
    everything = before + data + b"\xaa" * 100
    kind = packet.read(Buffer(everything), start, stop, len(data) if wire is None else wire, link)
    return Read(kind, packet, everything[packet.payload_start : packet.payload_stop])


def halves(address: str) -> tuple[int, int]:
    """Return an address as the two numbers that `Packet` keeps."""
    number = int(ip_address(address))
    return number >> 64, number & (1 << 64) - 1


def loopback(family: int, order: str, payload: bytes) -> bytes:
    return family.to_bytes(4, order) + payload  # type: ignore[arg-type]


def cooked1(ethertype: int, payload: bytes) -> bytes:
    return struct.pack(">HHH8sH", 0, 772, 6, NOWHERE, ethertype) + payload


def cooked2(ethertype: int, payload: bytes) -> bytes:
    return struct.pack(">HHIHBB8s", ethertype, 0, 1, 772, 0, 6, NOWHERE) + payload


# name: (link type, packet, IP version)
LINKS: dict[str, tuple[int, bytes, int]] = {
    "ethernet": (1, ethernet(V4), 4),
    "ethernet-v6": (1, ethernet(V6, 0x86DD), 6),
    "vlan": (1, ethernet(V4, tags=[0x8100]), 4),
    "qinq": (1, ethernet(V4, tags=[0x88A8, 0x8100]), 4),
    "qinq-9100": (1, ethernet(V6, 0x86DD, tags=[0x9100, 0x8100]), 6),
    "qinq-9200": (1, ethernet(V4, tags=[0x9200, 0x8100]), 4),
    "eight-tags": (1, ethernet(V4, tags=[0x8100] * 8), 4),
    "raw-v4": (101, V4, 4),
    "raw-v6": (101, V6, 6),
    "raw-12": (12, V4, 4),
    "raw-14": (14, V6, 6),
    "ipv4": (228, V4, 4),
    "ipv6": (229, V6, 6),
    "null-little-v4": (0, loopback(2, "little", V4), 4),
    "null-big-v4": (0, loopback(2, "big", V4), 4),
    "null-linux-v6": (0, loopback(10, "little", V6), 6),
    "null-netbsd-v6": (0, loopback(24, "little", V6), 6),
    "null-freebsd-v6": (0, loopback(28, "big", V6), 6),
    "null-darwin-v6": (0, loopback(30, "little", V6), 6),
    "loop-v4": (108, loopback(2, "big", V4), 4),
    "loop-v6": (108, loopback(24, "big", V6), 6),
    "cooked-v4": (113, cooked1(0x0800, V4), 4),
    "cooked-v6": (113, cooked1(0x86DD, V6), 6),
    "cooked-vlan": (113, cooked1(0x8100, b"\x00\x07\x08\x00" + V4), 4),
    "cooked2-v4": (276, cooked2(0x0800, V4), 4),
    "cooked2-v6": (276, cooked2(0x86DD, V6), 6),
}
links = pytest.mark.parametrize(
    ("link", "data"), [each[:2] for each in LINKS.values()], ids=list(LINKS)
)


@pytest.mark.parametrize(("link", "data", "family"), LINKS.values(), ids=LINKS)
@pytest.mark.parametrize("before", [b"", b"\x45" * 33], ids=["first", "within"])
def test_every_link_type_gives_the_same_segment(
    link: int, data: bytes, family: int, before: bytes
) -> None:
    found = read(data, link, before=before)
    packet = found.packet
    assert found.kind == TCP
    source, target = (
        ("192.0.2.1", "198.51.100.2") if family == 4 else ("2001:db8::1", "2001:db8:ffff::2")
    )
    assert (packet.family, packet.ttl) == (family, 57 if family == 4 else 58)
    assert (packet.source_high, packet.source_low) == halves(source)
    assert (packet.target_high, packet.target_low) == halves(target)
    assert (packet.source_port, packet.target_port) == (40000, 8080)
    assert (packet.sequence, packet.acknowledgment) == (0xFEDCBA98, 0x89ABCDEF)
    assert (packet.flags, packet.window) == (ACK | PSH, 4321)
    assert packet.length == len(DATA)
    assert found.payload == DATA
    assert packet.payload_stop == len(before) + len(data)


@links
def test_a_packet_that_was_cut_keeps_its_length_on_the_wire(link: int, data: bytes) -> None:
    segment_at = len(data) - len(SEGMENT)
    for stop in range(len(data) + 1):
        found = read(data[:stop], link, wire=len(data))
        if stop < segment_at + 20:
            assert found.kind == TRUNCATED, stop
        else:
            assert found.kind == TCP, stop
            assert found.packet.length == len(DATA)
            assert found.payload == DATA[: max(0, stop - segment_at - 20)]


@links
def test_padding_behind_the_ip_packet_is_no_payload(link: int, data: bytes) -> None:
    found = read(data + b"\x00\x01padding", link)
    assert (found.kind, found.packet.length, found.payload) == (TCP, len(DATA), DATA)


@links
def test_padding_of_a_packet_that_was_cut_within_it(link: int, data: bytes) -> None:
    found = read(data + b"\x00" * 6, link, wire=len(data) + 46)
    assert (found.kind, found.packet.length, found.payload) == (TCP, len(DATA), DATA)


def test_bare_acknowledgment_with_padding_has_no_payload() -> None:
    found = read(ethernet(ipv4(tcp())) + bytes(6))
    assert (found.kind, found.packet.length, found.payload) == (TCP, 0, b"")


@pytest.mark.parametrize("flags", [1 << bit for bit in range(9)] + [0, 0x1FF])
def test_flags_are_nine_bits(flags: int) -> None:
    assert read(ipv4(tcp(flags=flags)), 228).packet.flags == flags


def test_reserved_bits_are_no_flags() -> None:
    data = bytearray(ipv4(tcp(flags=ACK)))
    data[20 + 12] |= 0x0E
    assert read(bytes(data), 228).packet.flags == ACK


@pytest.mark.parametrize("words", range(11))
def test_tcp_options_are_passed_over(words: int) -> None:
    found = read(ipv4(tcp(options=b"\x01" * 4 * words, data=DATA)), 228)
    assert (found.kind, found.packet.length, found.payload) == (TCP, len(DATA), DATA)


@pytest.mark.parametrize("words", range(11))
def test_ipv4_options_are_passed_over(words: int) -> None:
    found = read(ipv4(tcp(data=DATA), options=b"\x01" * 4 * words), 228)
    assert (found.kind, found.packet.length, found.payload) == (TCP, len(DATA), DATA)


def test_tcp_options_that_were_cut_leave_no_payload() -> None:
    found = read(ipv4(tcp(options=b"\x01" * 40, data=DATA))[:50], 228, wire=92)
    assert (found.kind, found.packet.length, found.payload) == (TCP, len(DATA), b"")


@pytest.mark.parametrize(
    ("link", "data"),
    [(1, ethernet(ipv4(SEGMENT, total=0))), (229, ipv6(SEGMENT, length=0))],
    ids=["v4", "v6"],
)
def test_ip_length_0_of_segmentation_offload_means_all_there_is(link: int, data: bytes) -> None:
    whole = read(data, link)
    assert (whole.kind, whole.packet.length, whole.payload) == (TCP, len(DATA), DATA)
    cut = read(data[:-5], link, wire=len(data))
    assert (cut.kind, cut.packet.length, cut.payload) == (TCP, len(DATA), DATA[:-5])


def extension(following: int, words: int = 0) -> bytes:
    """Return a hop-by-hop, routing or destination options header of 8 * (words + 1) bytes."""
    return bytes((following, words)) + bytes(6 + 8 * words)


def authentication(following: int, words: int) -> bytes:
    """Return an authentication header of 4 * (words + 2) bytes."""
    return bytes((following, words)) + bytes(4 * (words + 2) - 2)


def fragment(following: int, field: int) -> bytes:
    return struct.pack(">BBHI", following, 0, field, 99)


# name: (type of the first header, the headers in front of TCP)
EXTENSIONS = {
    "none": (6, b""),
    "hop-by-hop": (0, extension(6)),
    "routing": (43, extension(6, 2)),
    "destination": (60, extension(6, 1)),
    "mobility": (135, extension(6, 1)),
    "longest": (60, extension(6, 255)),
    "authentication": (51, authentication(6, 4)),
    "authentication-shortest": (51, authentication(6, 0)),
    "atomic-fragment": (44, fragment(6, 0)),
    "atomic-fragment-reserved-bits": (44, fragment(6, 0x0006)),
    "all": (
        0,
        extension(60)
        + extension(43, 3)
        + extension(44, 2)
        + fragment(51, 0)
        + authentication(60, 3)
        + extension(6),
    ),
}


@pytest.mark.parametrize(("first", "headers"), EXTENSIONS.values(), ids=EXTENSIONS)
def test_ipv6_extension_headers_are_walked(first: int, headers: bytes) -> None:
    data = ipv6(headers + SEGMENT, following=first)
    found = read(data + b"padding", 229)
    assert (found.kind, found.packet.length, found.payload) == (TCP, len(DATA), DATA)
    assert found.packet.source_port == 40000
    for stop in range(len(data) - len(DATA)):
        assert read(data[:stop], 229, wire=len(data)).kind == TRUNCATED, stop


SHORT = b"\x12\x34"
# name: (link type, packet, what it is)
NOT_FOLLOWED: dict[str, tuple[int, bytes, int]] = {
    "udp": (1, ethernet(ipv4(bytes(8), protocol=17)), UDP),
    "udp-v6": (1, ethernet(ipv6(bytes(8), following=17), 0x86DD), UDP),
    "icmp": (1, ethernet(ipv4(bytes(8), protocol=1)), OTHER),
    "esp": (229, ipv6(bytes(16), following=50), ESP),
    "no-next-header": (229, ipv6(b"", following=59), OTHER),
    "hop-by-hop-then-udp": (229, ipv6(extension(17) + bytes(8), following=0), UDP),
    "arp": (1, ethernet(bytes(28), 0x0806), NOT_IP),
    "802.3": (1, ethernet(bytes(46), 46), NOT_IP),
    "cooked2-arp": (276, cooked2(0x0806, bytes(28)), NOT_IP),
    "loopback-other-family": (0, loopback(7, "little", V4), NOT_IP),
    "bluetooth": (187, ethernet(V4), UNKNOWN_LINK),
    "usb": (220, ethernet(V4), UNKNOWN_LINK),
    "empty": (1, b"", TRUNCATED),
    "first-fragment": (228, ipv4(SEGMENT, fragment=0x2000), FRAGMENT),
    "middle-fragment": (228, ipv4(SEGMENT, fragment=0x2010), FRAGMENT),
    "last-fragment": (228, ipv4(SEGMENT, fragment=0x0010), FRAGMENT),
    "do-not-fragment": (228, ipv4(SEGMENT, fragment=0x4000), TCP),
    "reserved-bit": (228, ipv4(SEGMENT, fragment=0x8000), TCP),
    "first-fragment-v6": (229, ipv6(fragment(6, 1) + SEGMENT, following=44), FRAGMENT),
    "last-fragment-v6": (229, ipv6(fragment(6, 8) + SEGMENT, following=44), FRAGMENT),
    "nine-tags": (1, ethernet(V4, tags=[0x8100] * 9), MALFORMED),
    "raw-version-5": (101, b"\x55" + V4[1:], MALFORMED),
    "ipv4-with-version-6": (1, ethernet(V6), MALFORMED),
    "ipv6-with-version-4": (1, ethernet(ipv4(bytes(40)), 0x86DD), MALFORMED),
    "ipv4-header-16": (228, b"\x44" + V4[1:], MALFORMED),
    "ipv4-total-below-header": (228, ipv4(SEGMENT, total=19), MALFORMED),
    "ipv4-total-within-tcp-header": (228, ipv4(SEGMENT, total=39), MALFORMED),
    "ipv6-length-within-tcp-header": (229, ipv6(SEGMENT, length=19), MALFORMED),
    "tcp-header-16": (228, ipv4(SEGMENT[:12] + b"\x40\x10" + SEGMENT[14:]), MALFORMED),
    "tcp-header-beyond-packet": (228, ipv4(SEGMENT[:12] + b"\xf0\x10" + SEGMENT[14:]), MALFORMED),
}


@pytest.mark.parametrize(("link", "data", "kind"), NOT_FOLLOWED.values(), ids=NOT_FOLLOWED)
def test_what_is_not_followed_says_why(link: int, data: bytes, kind: int) -> None:
    assert read(data, link).kind == kind


@given(
    st.integers(0, 300),
    st.binary(max_size=120),
    st.integers(0, 0xFFFFFFFF),
    st.sampled_from([b"", ethernet(V4), V6, cooked2(0x86DD, V6), V4[:33]]),
)
def test_no_bytes_raise_and_payload_stays_within_the_packet(
    link: int, data: bytes, more: int, front: bytes
) -> None:
    data = front + data
    for kind in (link, 1, 101, 229):
        found = read(data, kind, wire=len(data) + more, before=b"xyz")
        assert 0 <= found.kind <= SEVERAL
        if found.kind == TCP:
            packet = found.packet
            assert 3 <= packet.payload_start <= packet.payload_stop <= 3 + len(data)
            assert packet.length >= packet.payload_stop - packet.payload_start


FIELDS = (
    *("family", "ttl", "source_high", "source_low", "target_high", "target_low", "source_port"),
    *("target_port", "sequence", "acknowledgment", "flags", "window", "length"),
)


@given(data=st.data())
def test_the_short_cut_knows_nothing_better_than_the_long_way(data: st.DataObject) -> None:
    """The same IP packet with and without a VLAN tag: only the latter can take the short cut."""
    changed = bytearray(V4 if data.draw(st.booleans()) else V4 + b"padding")
    for _ in range(data.draw(st.integers(0, 3))):
        changed[data.draw(st.integers(0, 43))] = data.draw(st.integers(0, 255))
    captured = bytes(changed[: data.draw(st.integers(0, len(changed)))])
    wire = len(changed)
    short = read(ethernet(captured), wire=wire + 14)
    long = read(ethernet(captured, tags=[0x8100]), wire=wire + 18)
    assert short.kind == long.kind
    if short.kind == TCP:
        assert short.payload == long.payload
        assert [getattr(short.packet, name) for name in FIELDS] == [
            getattr(long.packet, name) for name in FIELDS
        ]


def test_a_packet_object_keeps_nothing_of_the_packet_before() -> None:
    packet = Packet()
    assert packet.read(Buffer(V6), 0, len(V6), len(V6), 229) == TCP
    assert packet.read(Buffer(V4), 0, len(V4), len(V4), 228) == TCP
    assert (packet.source_high, packet.target_high, packet.family) == (0, 0, 4)


def test_scapy_builds_the_same_packets() -> None:
    inet: Any = pytest.importorskip("scapy.layers.inet")
    l2: Any = pytest.importorskip("scapy.layers.l2")
    built = (
        l2.Ether()
        / l2.Dot1Q(vlan=7)
        / inet.IP(src="192.0.2.1", dst="198.51.100.2", ttl=57, options=[inet.IPOption_NOP()] * 4)
        / inet.TCP(
            sport=40000, dport=8080, seq=7, ack=9, flags="PAEC", window=99, options=[("MSS", 1460)]
        )
        / DATA
    )
    found = read(bytes(built))
    packet = found.packet
    assert found.kind == TCP
    assert (packet.sequence, packet.acknowledgment, packet.flags, packet.window) == (7, 9, 0xD8, 99)
    assert (packet.ttl, found.payload) == (57, DATA)
