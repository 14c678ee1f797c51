"""Single packets of every link type: what is read stands in the packet, wherever that lies."""

from __future__ import annotations

import random
import struct
from collections.abc import Hashable, Sequence

import dpkt
from support.packets import CLIENT, SERVER, ethernet, ipv4, ipv6, segment, tcp

from fuzz.captures import packets_of, shipped
from fuzz.mutations import mutated
from fuzz.target import Target
from wsanalyze.buffer import Buffer
from wsanalyze.transport.packet import Packet

TCP, TRUNCATED = 0, 4
# LINKTYPE_ numbers that are, or might be, read; the mutator picks others, too.
LINKS = (0, 1, 9, 12, 14, 50, 51, 101, 104, 105, 108, 109, 113, 117, 119, 127, 163, 192, 204)
LINKS += (226, 228, 229, 276)
# An input is the link type, how many bytes the capture cut off, and the packet.
HEAD = struct.Struct(">HB")

Facts = tuple[int, ...]


def facts(data: bytes, start: int, stop: int, wire: int, link: int) -> tuple[int, Facts]:
    """Return what a packet is, and of a TCP segment its numbers and where its payload lies."""
    packet = Packet()
    kind = packet.read(Buffer(data), start, stop, wire, link)
    assert 0 <= kind < 32
    if kind != TCP:
        return kind, ()
    assert start <= packet.payload_start <= packet.payload_stop <= stop
    assert packet.length >= packet.payload_stop - packet.payload_start
    return kind, (
        packet.payload_start - start,
        packet.payload_stop - start,
        packet.family,
        packet.source_high,
        packet.source_low,
        packet.target_high,
        packet.target_low,
        packet.source_port,
        packet.target_port,
        packet.sequence,
        packet.acknowledgment,
        packet.flags,
        packet.window,
        packet.length,
    )


def check(data: bytes) -> Hashable:
    """Read it in a buffer of its own, among other bytes, and shorter."""
    if len(data) < HEAD.size:
        return None
    link, cut = HEAD.unpack_from(data)
    packet = data[HEAD.size :]
    wire = len(packet) + cut
    kind, found = facts(packet, 0, len(packet), wire, link)
    for byte in (b"\x00", b"\x45", b"\xff"):
        among = byte * 61 + packet + byte * 80
        again = facts(among, 61, 61 + len(packet), wire, link)
        assert again == (kind, found), "bytes that are not the packet's were read"
    if kind == TCP:
        assert_is_there(packet, found)
        assert_as_dpkt(packet, link, found)
    for stop in {len(packet) // 2, len(packet) * 7 // 8, len(packet) - 1, found[0] if found else 0}:
        if 0 <= stop < len(packet):
            assert_shorter(packet[:stop], wire, link, kind, found)
    return link, kind, found[2:3], found[0:1], cut > 0


def assert_is_there(packet: bytes, found: Facts) -> None:
    """The TCP header that was read stands somewhere in the packet, right before the payload."""
    start, ports, numbers = found[0], found[7:9], found[9:11]
    wanted = struct.pack(">HHII", *ports, *numbers)
    at = packet.find(wanted)
    while at >= 0:
        header = (packet[at + 12] >> 4) * 4 if at + 20 <= len(packet) else 0
        flags, window = struct.unpack_from(">HH", packet, at + 12) if header else (0, 0)
        if header >= 20 and (flags & 0x1FF, window) == found[11:13]:
            place = at + header
            if start == place or (start == found[1] < place):
                return
        at = packet.find(wanted, at + 1)
    raise AssertionError(f"no such TCP header before the payload at {start}")


def assert_as_dpkt(packet: bytes, link: int, found: Facts) -> None:
    """Where dpkt finds TCP in plain IPv4 on Ethernet, it is the same segment."""
    if link != 1 or packet[12:14] != b"\x08\x00":
        return
    try:
        ip = dpkt.ethernet.Ethernet(packet).data
    except (dpkt.UnpackError, ValueError, IndexError):
        return
    if not isinstance(ip, dpkt.ip.IP) or not isinstance(ip.data, dpkt.tcp.TCP) or not ip.len:
        return
    its = ip.data
    assert found[7:11] == (its.sport, its.dport, its.seq, its.ack)
    assert found[4] == int.from_bytes(ip.src, "big")
    assert found[6] == int.from_bytes(ip.dst, "big")
    assert packet[found[0] : found[1]] == its.data


def assert_shorter(packet: bytes, wire: int, link: int, kind: int, found: Facts) -> None:
    """A capture that cut more off gives the same segment with less payload, or says it is cut."""
    less, facts_left = facts(packet, 0, len(packet), wire, link)
    if less != TCP:
        return
    assert kind == TCP, "a packet is TCP only where its end is missing"
    assert facts_left[2:] == found[2:]
    assert facts_left[0] <= found[0]
    assert facts_left[1] <= found[1]


def wrapped() -> Sequence[tuple[int, bytes]]:
    """Return a segment in the wrappings that are made with one header each."""
    inner = tcp(data=b"payload")
    ip = ipv4(inner)
    udp = struct.pack(">HHHH", 40000, 4789, 8 + 8 + 14 + len(ip), 0)
    vxlan = bytes.fromhex("0800000000000100")
    fragment = ipv4(inner, fragment=0x2000)
    return [
        (1, segment(data=b"payload")),
        (1, segment(("2001:db8::1", 1), ("2001:db8::2", 2), data=b"payload")),
        (1, ethernet(ip, tags=(0x88A8, 0x8100))),
        (1, ethernet(ipv6(bytes.fromhex("0600000000000000") + inner, following=0), 0x86DD)),
        (1, ethernet(ipv4(ip, protocol=4))),
        (1, ethernet(ipv4(b"\0\0\x08\0" + ip, protocol=47))),
        (1, ethernet(ipv4(b"\0\0\x65\x58" + ethernet(ip), protocol=47))),
        (1, ethernet(ipv4(udp + vxlan + ethernet(ip), protocol=17))),
        (1, ethernet(bytes.fromhex("0001013f") + ip, 0x8847)),
        (1, ethernet(bytes.fromhex("110000010000") + b"\0\x21" + ip, 0x8864)),
        (1, ethernet(fragment)),
        (0, struct.pack("<I", 2) + ip),
        (9, b"\xff\x03\0\x21" + ip),
        (101, ip),
        (101, ipv6(inner)),
        (108, struct.pack(">I", 2) + ip),
        (113, bytes.fromhex("0000000100060200000000010000") + b"\x08\0" + ip),
        (276, b"\x08\0" + bytes(18) + ip),
        (228, ip),
        (229, ipv6(inner)),
        (228, ipv4(inner, SERVER[0], CLIENT[0], options=b"\x01" * 8)),
    ]


def seeds() -> Sequence[bytes]:
    """Return packets of the shipped captures, and one in each wrapping."""
    found = [HEAD.pack(link, 0) + packet for link, packet in wrapped()]
    for data in shipped():
        link, packets = packets_of(data)
        found += [HEAD.pack(link, 0) + captured for _, captured, _ in packets[:6]]
    return found


def mutate(data: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Change a packet, its link type, or put it into another one behind that one's headers."""
    way = chance.random()
    if way < 0.1:
        return chance.choice(LINKS).to_bytes(2, "big") + data[2:]
    if way < 0.2:
        other = chance.choice(seeds)
        return other[: chance.choice((17, 37, 45, 53))] + data[chance.choice((3, 17)) :]
    head, packet = data[: HEAD.size], data[HEAD.size :]
    # Headers stand at the beginning: that is where changes matter.
    if way < 0.7:
        front = chance.choice((20, 40, 60, 80))
        return head + mutated(packet[:front], [packet], chance) + packet[front:]
    return mutated(data, seeds, chance)[:4000]


TARGET = Target(
    "packets",
    "What is read of a packet stands in it, and depends on nothing but its bytes.",
    seeds,
    mutate,
    check,
)
