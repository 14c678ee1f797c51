"""Packets taken out of a capture, and put into files as no tool writes them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wsanalyze.capture.source import open_capture

SECOND = 1_000_000_000


@dataclass(frozen=True)
class Record:
    """One packet of a capture: time in ns, LINKTYPE_ number, captured bytes, length on the wire."""

    time: int
    link: int
    data: bytes
    wire: int


def records_of(capture: Path) -> list[Record]:
    """Return the packets of a capture in file order."""
    found = []
    with open_capture(capture) as reader:
        while (batch := reader.next()) is not None:
            found += [
                Record(time, link, data, wire) for _, time, link, wire, data in batch.packets()
            ]
    return found


def pcap(
    records: Sequence[Record], *, order: str = "<", fraction_ns: int = 1, modified: bool = False
) -> bytes:
    """Return a pcap file; times are cut to `fraction_ns` (1 or 1000), seconds to 32 bits."""
    magic = 0xA1B2CD34 if modified else 0xA1B23C4D if fraction_ns == 1 else 0xA1B2C3D4
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, records[0].link)]
    for each in records:
        seconds, rest = divmod(each.time, SECOND)
        fraction = rest // fraction_ns
        parts.append(
            struct.pack(order + "IIII", seconds & 0xFFFFFFFF, fraction, len(each.data), each.wire)
        )
        # Interface index, protocol and packet type of the patched libpcap.
        parts.append(struct.pack(order + "IHBB", 1, 0x800, 0, 0) if modified else b"")
        parts.append(each.data)
    return b"".join(parts)


def block(order: str, kind: int, body: bytes) -> bytes:
    """Return one pcapng block."""
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


def section(order: str) -> bytes:
    """Return a Section Header Block."""
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order: str, link: int, resolution: int) -> bytes:
    """Return an Interface Description Block with an if_tsresol of `resolution`."""
    options = struct.pack(order + "HHB3xHH", 9, 1, resolution, 0, 0)
    return block(order, 1, struct.pack(order + "HHI", link, 0, 0) + options)


def per_second(resolution: int) -> int:
    """Return the units in a second that an if_tsresol says."""
    return (2 if resolution & 0x80 else 10) ** (resolution & 0x7F)


def enhanced(order: str, each: Record, number: int, resolution: int) -> bytes:
    """Return an Enhanced Packet Block on interface `number`."""
    units = each.time * per_second(resolution) // SECOND
    head = struct.pack(
        order + "IIIII", number, units >> 32, units & 0xFFFFFFFF, len(each.data), each.wire
    )
    return block(order, 6, head + each.data)


def pcapng(records: Sequence[Record], *, order: str = "<", resolution: int = 9) -> bytes:
    """Return a pcapng file with one interface."""
    head = section(order) + interface(order, records[0].link, resolution)
    return head + b"".join(enhanced(order, each, 0, resolution) for each in records)
