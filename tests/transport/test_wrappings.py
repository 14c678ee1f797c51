"""Whatever a segment is wrapped in, in any order: the same segment is read, or a count says why."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.chance import chance as seeded
from support.packets import ACK, PSH, ethernet, ipv4, ipv6, tcp
from support.tshark import fields, needs_tshark
from support.wrappings import (
    LINKS,
    Wrapped,
    Wrapping,
    apply,
    each_alone,
    pcapng_of,
    wrap,
)

from wsanalyze.buffer import Buffer
from wsanalyze.transport.packet import Packet

TCP, UDP, TRUNCATED, MALFORMED, NESTED, SEVERAL, NO_MORE = 0, 1, 4, 5, 11, 12, 13
DATA = b"hello, world"
SEGMENT = tcp(40000, 8080, 0xFEDCBA98, 0x89ABCDEF, ACK | PSH, DATA, window=4321)
V4 = ipv4(SEGMENT, "192.0.2.1", "198.51.100.2", ttl=57)
V6 = ipv6(SEGMENT, "2001:db8::1", "2001:db8:ffff::2", hops=57)
CHAINS = each_alone()
names = ["+".join(each.name for each in chain) for chain in CHAINS]
Found = tuple[int, int, int, int, int, int, int, bytes]


def found_in(packet: Wrapped, stop: int | None = None) -> tuple[int, Found | None]:
    """Return what `Packet.read` says of a packet cut at `stop`, and the segment if there is one."""
    reader = Packet()
    before = b"\x45" * 33
    data = before + packet.data[:stop] + b"\xaa" * 100
    buffer = Buffer(data)
    end = len(before) + len(packet.data[:stop])
    kind = reader.read(buffer, 33, end, len(packet.data), packet.batch_link)
    while kind == SEVERAL or (packet.names[-1] == "A-MSDU" and kind not in (TCP, NO_MORE)):
        kind = reader.part(buffer)
    if kind != TCP:
        return kind, None
    return kind, (
        reader.family,
        reader.source_high << 64 | reader.source_low,
        reader.target_high << 64 | reader.target_low,
        reader.source_port,
        reader.target_port,
        reader.sequence,
        reader.length,
        data[reader.payload_start : reader.payload_stop],
    )


def bare(inner: bytes) -> Found:
    """Return the segment of an IP packet without anything around it."""
    kind, found = found_in(Wrapped(101, 0, inner, ("raw",)))
    assert kind == TCP
    assert found is not None
    return found


@pytest.mark.parametrize("chain", CHAINS, ids=names)
@pytest.mark.parametrize("inner", [V4, V6], ids=["v4", "v6"])
def test_each_wrapping_alone(chain: list[Wrapping], inner: bytes) -> None:
    for seed in range(12):
        packet = apply(inner, chain, seeded(seed))
        assert found_in(packet) == (TCP, bare(inner)), seed


@given(st.integers(0, 1 << 32), st.integers(0, 8), st.sampled_from([V4, V6]))
@settings(max_examples=300, deadline=None)
def test_wrappings_in_any_order(seed: int, depth: int, inner: bytes) -> None:
    packet = wrap(inner, depth, seeded(seed))
    assert found_in(packet) == (TCP, bare(inner)), packet.names


@pytest.mark.parametrize("chain", CHAINS, ids=names)
def test_every_prefix_says_less_and_invents_nothing(chain: list[Wrapping]) -> None:
    packet = apply(V4, chain, seeded(7))
    whole = bare(V4)
    for stop in range(len(packet.data)):
        kind, found = found_in(packet, stop)
        if found is not None:
            assert found[:7] == whole[:7], stop
            assert DATA.startswith(found[7]), stop
        else:
            assert kind != TCP


@pytest.mark.parametrize("link", sorted({int(each.gives.split()[1]) for each in LINKS}))
@given(data=st.binary(max_size=200), more=st.integers(0, 5000))
@settings(max_examples=200, deadline=None)
def test_random_bytes_of_every_link_type(link: int, data: bytes, more: int) -> None:
    kind = Packet().read(Buffer(data), 0, len(data), len(data) + more, link)
    assert 0 <= kind <= SEVERAL


@given(st.integers(0, 1 << 32), st.integers(0, 6), st.lists(st.integers(0, 400), max_size=6))
@settings(max_examples=300, deadline=None)
def test_changed_bytes_raise_nothing(seed: int, depth: int, places: list[int]) -> None:
    chance = seeded(seed)
    packet = wrap(V4, depth, chance)
    data = bytearray(packet.data)
    for place in places:
        data[place % len(data)] = chance.randrange(256)
    buffer, reader = Buffer(bytes(data)), Packet()
    kind = reader.read(buffer, 0, len(data), len(data), packet.batch_link)
    for _ in range(1000):
        if kind != SEVERAL:
            break
        kind = reader.part(buffer)
    assert 0 <= kind <= NO_MORE
    if kind == TCP:
        assert 0 <= reader.payload_start <= reader.payload_stop <= len(data)


@pytest.mark.parametrize("port", [4789, 8472, 4790, 6081, 2152])
@given(data=st.binary(max_size=100))
@settings(max_examples=100, deadline=None)
def test_plain_udp_on_a_tunnels_port_is_udp(port: int, data: bytes) -> None:
    # Eight such bytes and a 4 or 6 are a tunnel's header indeed.
    assume(port != 2152 or data[:2] != b"\x30\xff")
    datagram = struct.pack(">HHHH", 50000, port, 8 + len(data), 0) + data
    assert found_in(Wrapped(101, 0, ipv4(datagram, protocol=17), ("raw",)))[0] == UDP


@pytest.mark.parametrize("inside", [b"", b"\x00\x21", b"\x50" * 40])
def test_what_gtp_carries_besides_ip_is_udp(inside: bytes) -> None:
    """A G-PDU may carry nothing, PPP, Ethernet, or what has no structure."""
    data = b"\x30\xff" + struct.pack(">HI", len(inside), 7) + inside
    datagram = struct.pack(">HHHH", 50000, 2152, 8 + len(data), 0) + data
    assert found_in(Wrapped(101, 0, ipv4(datagram, protocol=17), ("raw",)))[0] == UDP


@pytest.mark.parametrize(
    ("port", "header"),
    [
        (4789, "0800000000000501"),  # the last byte is reserved
        (4789, "0000000000000500"),  # no network identifier
        (6081, "4000655800000500"),  # version 1
        (6081, "0001655800000500"),  # a reserved bit
        (2152, "3001000000000009"),  # an echo request
        (4790, "2c00000100000500"),  # version 2
    ],
)
def test_a_header_that_is_not_quite_a_tunnels(port: int, header: str) -> None:
    data = bytes.fromhex(header) + ethernet(V4)
    datagram = struct.pack(">HHHH", 50000, port, 8 + len(data), 0) + data
    assert found_in(Wrapped(101, 0, ipv4(datagram, protocol=17), ("raw",)))[0] == UDP


def test_a_bomb_of_tunnels_ends_at_the_limit() -> None:
    packet = V4
    for depth in range(40):
        kind, found = found_in(Wrapped(101, 0, packet, ("raw",)))
        assert (kind == TCP) == (depth <= 16), depth
        assert kind in (TCP, NESTED)
        packet = ipv4(packet, protocol=4)
        assert found is None or found == bare(V4)


@pytest.mark.parametrize(
    "header",
    [
        b"\x81\x00\x00\x07",
        b"\x88\x47" + b"\x00\x10\x00\x40" * 2,
        b"\x89\x4f\x02\x02\x02\x04\0\0\0\0",
    ],
    ids=["vlan", "mpls", "nsh"],
)
def test_a_bomb_of_tags_ends_at_the_limit(header: bytes) -> None:
    bomb = Wrapped(1, 0, bytes(12) + header * 5000, ("bomb",))
    assert found_in(bomb)[0] in (MALFORMED, NESTED)


def test_a_bomb_of_authentication_headers_is_walked() -> None:
    bomb = ipv4(b"\x33\x00\x00\x00\x00\x00\x00\x00" * 8000, protocol=51)
    assert found_in(Wrapped(101, 0, bomb, ("raw",)))[0] == TRUNCATED


def test_empty_aggregates_end() -> None:
    head = bytes.fromhex("8801") + bytes(22) + b"\x80\x00"
    bomb = Wrapped(105, 0, head + bytes(14) * 1000, ("A-MSDU",))
    assert found_in(bomb) == (NO_MORE, None)


JUDGED = ("tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.len", "tcp.stream")
# Linux's first port of VXLAN is OTV's for tshark 4.0.
TOLD = ["-d", "udp.port==8472,vxlan"]
# What tshark 4.0 does not find: an 802.3 length behind an 802.1ad tag; a control word in front of
# Ethernet addresses that nobody has registered; pppd's link type; big-endian NFLOG, where it takes
# its own machine's byte order.
NOT_BY_TSHARK = {"snap+Ethernet", "ethernet+pseudowire+Ethernet", "pppd", "NFLOG-big"}


@needs_tshark
def test_tshark_finds_the_same_segments(tmp_path: Path) -> None:
    packets = [
        apply(inner, chain, seeded(seed))
        for seed in range(6)
        for chain in CHAINS
        for inner in (V4, V6)
    ]
    capture = tmp_path / "wrapped.pcapng"
    capture.write_bytes(pcapng_of(packets))
    rows = fields(capture, JUDGED, more=TOLD, occurrences="l")
    missed = {
        "+".join(packet.names)
        for packet, row in zip(packets, rows, strict=True)
        if row[:4] != ["40000", "8080", str(0xFEDCBA98), str(len(DATA))]
    }
    assert missed == NOT_BY_TSHARK
