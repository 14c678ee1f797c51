"""Reads generated captures for the tests, by hand: nothing here comes from the generator.

Strict where an analyzer is lenient: a sequence number that is not the expected one is an error.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

Address = tuple[str, int]


@dataclass
class Packet:
    """One packet, IPv4 with TCP or UDP."""

    time_ns: int
    data: bytes

    @property
    def protocol(self) -> int:
        """6 for TCP, 17 for UDP."""
        return self.data[23]

    @property
    def source(self) -> Address:
        """Address and port of the sender."""
        return address(self.data[26:30]), int.from_bytes(self.data[34:36], "big")

    @property
    def target(self) -> Address:
        """Address and port of the receiver."""
        return address(self.data[30:34]), int.from_bytes(self.data[36:38], "big")

    @property
    def flags(self) -> int:
        """TCP's flags."""
        return self.data[47]

    @property
    def numbers(self) -> tuple[int, int]:
        """TCP's sequence and acknowledgment numbers."""
        seq, ack = struct.unpack_from(">II", self.data, 38)
        return seq, ack

    @property
    def payload(self) -> bytes:
        """What TCP or UDP carries."""
        header = 8 if self.protocol == 17 else (self.data[46] >> 4) * 4
        return self.data[34 + header :]


@dataclass
class Frame:
    """One WebSocket frame, unmasked."""

    fin: bool
    opcode: int
    key: bytes
    payload: bytes


@dataclass
class Side:
    """What one end of a TCP conversation sent."""

    data: bytearray = field(default_factory=bytearray)
    next_seq: int | None = None
    flags: list[int] = field(default_factory=list)

    def head_and_frames(self) -> tuple[bytes, list[Frame]]:
        """The HTTP head and the frames after it."""
        head, _, rest = bytes(self.data).partition(b"\r\n\r\n")
        return head, parse_frames(rest)


def address(data: bytes) -> str:
    """Dotted form of an IPv4 address."""
    return ".".join(map(str, data))


def read(path: Path) -> list[Packet]:
    """All packets of a little-endian pcap or of a pcapng as the generator writes them."""
    data = path.read_bytes()
    return read_pcapng(data) if data[:4] == b"\n\r\r\n" else read_pcap(data)


def read_pcap(data: bytes) -> list[Packet]:
    """Packets of a classic pcap."""
    magic, major, minor, _, _, snap, link = struct.unpack_from("<IHHiIII", data)
    assert (major, minor, link) == (2, 4, 1)
    unit = {0xA1B2C3D4: 1_000, 0xA1B23C4D: 1}[magic]
    packets, position = [], 24
    while position < len(data):
        seconds, fraction, captured, wire = struct.unpack_from("<4I", data, position)
        assert captured == wire <= snap
        position += 16
        time = seconds * 1_000_000_000 + fraction * unit
        packets.append(Packet(time, data[position : position + captured]))
        position += captured
    assert position == len(data)
    return packets


def read_pcapng(data: bytes) -> list[Packet]:
    """Packets of a pcapng with one section and one interface."""
    packets, position, unit = [], 0, 0
    while position < len(data):
        kind, total = struct.unpack_from("<II", data, position)
        assert struct.unpack_from("<I", data, position + total - 4)[0] == total
        if kind == 1:
            code, length, exponent = struct.unpack_from("<HHB", data, position + 16)
            assert (code, length) == (9, 1)
            unit = 10 ** (9 - exponent)
        elif kind == 6:
            _, high, low, captured, wire = struct.unpack_from("<5I", data, position + 8)
            assert captured == wire
            start = position + 28
            packets.append(Packet((high << 32 | low) * unit, data[start : start + captured]))
        position += total
    assert position == len(data)
    return packets


def conversations(packets: list[Packet]) -> dict[tuple[Address, Address], dict[Address, Side]]:
    """TCP conversations by (client, server), reassembled; checks every sequence number."""
    found: dict[tuple[Address, Address], dict[Address, Side]] = {}
    for packet in packets:
        if packet.protocol != 6:
            continue
        name = (packet.source, packet.target)
        if packet.flags == 0x02:
            assert name not in found, "a pair of addresses is used twice"
            found[name] = {packet.source: Side(), packet.target: Side()}
        sides = found[name] if name in found else found[name[1], name[0]]
        add(packet, sides[packet.source], sides[packet.target])
    return found


def add(packet: Packet, own: Side, other: Side) -> None:
    """Append a packet to its side; seq must follow what it sent, ack what the other sent."""
    seq, ack = packet.numbers
    assert own.next_seq in (None, seq)
    if packet.flags & 0x10:
        assert ack == other.next_seq
    own.data += packet.payload
    own.flags.append(packet.flags)
    takes = len(packet.payload) + bool(packet.flags & 0x03)
    own.next_seq = (seq + takes) % (1 << 32)


def parse_frames(data: bytes) -> list[Frame]:
    """The frames that `data` consists of (RFC 6455 §5.2)."""
    frames, position = [], 0
    while position < len(data):
        first, second = data[position : position + 2]
        position += 2
        length, width = second & 0x7F, {126: 2, 127: 8}.get(second & 0x7F, 0)
        if width:
            length = int.from_bytes(data[position : position + width], "big")
            assert length > (125 if width == 2 else 65535), "not the shortest form"
            position += width
        key = data[position : position + 4] if second >> 7 else b""
        position += len(key)
        payload = data[position : position + length]
        assert len(payload) == length
        position += length
        frames.append(Frame(first >> 7 == 1, first & 0x7F, key, unmask(payload, key)))
    return frames


def unmask(payload: bytes, key: bytes) -> bytes:
    """RFC 6455 §5.3, byte by byte."""
    if not key:
        return payload
    return bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
