"""Packets made by hand: one TCP segment with its IP and Ethernet headers, and captures of them."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address

from wsanalyze.capture.batch import Batch
from wsanalyze.capture.source import open_capture

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10

ETHERNET = 1
SECOND = 1_000_000_000

# Captured bytes, with the length on the wire where the capture cut them.
Packet = bytes | tuple[bytes, int]
T0 = 1_767_323_045 * SECOND

# The client's address is the lower one: side 0 of the conversation.
CLIENT = ("192.0.2.1", 40000)
SERVER = ("198.51.100.2", 8080)


def tcp(
    source_port: int = CLIENT[1],
    target_port: int = SERVER[1],
    seq: int = 1000,
    ack: int = 0,
    flags: int = ACK,
    data: bytes = b"",
    *,
    window: int = 65535,
    options: bytes = b"",
) -> bytes:
    """Return a TCP segment; its checksum is left 0."""
    offset = (5 + len(options) // 4) << 12
    head = struct.pack(
        ">HHIIHHHH",
        source_port,
        target_port,
        seq & 0xFFFFFFFF,
        ack & 0xFFFFFFFF,
        offset | flags,
        window,
        0,
        0,
    )
    return head + options + data


def ipv4(
    payload: bytes,
    source: str = CLIENT[0],
    target: str = SERVER[0],
    *,
    protocol: int = 6,
    options: bytes = b"",
    fragment: int = 0,
    total: int | None = None,
    ttl: int = 64,
) -> bytes:
    """Return an IPv4 packet; `fragment` is the field of flags and offset."""
    header = 20 + len(options)
    head = struct.pack(
        ">BBHHHBBH4s4s",
        0x40 | header // 4,
        0,
        header + len(payload) if total is None else total,
        1,
        fragment,
        ttl,
        protocol,
        0,
        ip_address(source).packed,
        ip_address(target).packed,
    )
    return head + options + payload


def ipv6(
    payload: bytes,
    source: str = "2001:db8::1",
    target: str = "2001:db8::2",
    *,
    following: int = 6,
    length: int | None = None,
    hops: int = 64,
) -> bytes:
    """Return an IPv6 packet; extension headers stand at the beginning of `payload`."""
    length = len(payload) if length is None else length
    return (
        struct.pack(">IHBB", 6 << 28, length, following, hops)
        + ip_address(source).packed
        + ip_address(target).packed
        + payload
    )


def ethernet(payload: bytes, ethertype: int = 0x0800, tags: Sequence[int] = ()) -> bytes:
    """Return an Ethernet frame; each of `tags` is the EtherType of one VLAN tag before the last."""
    tagged = b"".join(struct.pack(">HH", tag, 7) for tag in tags)
    return (
        bytes.fromhex("020000000001020000000002") + tagged + struct.pack(">H", ethertype) + payload
    )


def segment(
    source: tuple[str, int] = CLIENT,
    target: tuple[str, int] = SERVER,
    seq: int = 1000,
    ack: int = 0,
    flags: int = ACK,
    data: bytes = b"",
    *,
    window: int = 65535,
) -> bytes:
    """Return an Ethernet frame with one TCP segment from `source` to `target`."""
    inner = tcp(source[1], target[1], seq, ack, flags, data, window=window)
    if ip_address(source[0]).version == 4:
        return ethernet(ipv4(inner, source[0], target[0]))
    return ethernet(ipv6(inner, source[0], target[0]), 0x86DD)


def checked(packet: bytes, error: int = 0) -> bytes:
    """Return an Ethernet frame of `segment` with the TCP checksum filled in; wrong by `error`."""
    start, ends = (54, packet[22:54]) if packet[12:14] == b"\x86\xdd" else (34, packet[26:34])
    inner = packet[start:]
    summed = ends + struct.pack(">HH", 6, len(inner)) + inner[:16] + bytes(2) + inner[18:]
    total = sum(struct.unpack(f">{len(summed) // 2}H", summed[: len(summed) & ~1]))
    total += summed[-1] << 8 if len(summed) & 1 else 0
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    checksum = ((~total & 0xFFFF) + error) & 0xFFFF
    return packet[: start + 16] + struct.pack(">H", checksum) + packet[start + 18 :]


def record(packet: Packet, time: int) -> bytes:
    """Return one record of a pcap file with nanoseconds."""
    data, wire = packet if isinstance(packet, tuple) else (packet, len(packet))
    return struct.pack("<IIII", time // SECOND, time % SECOND, len(data), wire) + data


def file_header(link: int = ETHERNET) -> bytes:
    """Return the header of a pcap file with nanoseconds."""
    return struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link)


def pcap_of(
    packets: Iterable[Packet], *, times: Sequence[int] | None = None, link: int = ETHERNET
) -> bytes:
    """Return packets as a pcap file with nanoseconds; one a second from T0 + 1 s if not said."""
    parts = [file_header(link)]
    for i, packet in enumerate(packets):
        parts.append(record(packet, times[i] if times is not None else T0 + (i + 1) * SECOND))
    return b"".join(parts)


class Wire(io.RawIOBase):
    """A capture that goes on: `batches(packets)` gives these as batches, numbered on.

    The time of packet n is T0 + n seconds.
    """

    def __init__(self, link: int = ETHERNET) -> None:
        super().__init__()
        self.waiting = file_header(link)
        self.reader = open_capture(self)
        self.number = 0

    def readinto(self, view: memoryview) -> int:  # type: ignore[override]
        part = self.waiting[: len(view)]
        view[: len(part)] = part
        self.waiting = self.waiting[len(part) :]
        return len(part)

    def batches(self, packets: Iterable[Packet]) -> Iterator[Batch]:
        """Yield these packets in batches; each is gone with the next."""
        parts = []
        for packet in packets:
            self.number += 1
            parts.append(record(packet, T0 + self.number * SECOND))
        self.waiting += b"".join(parts)
        left = len(parts)
        while left:
            batch = self.reader.next()
            assert batch is not None
            left -= batch.count
            yield batch
