"""The first packets of a capture file, copied as they are (pcap and pcapng, both byte orders)."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

SECTION = 0x0A0D0D0A
PACKET_BLOCKS = {2, 3, 6}  # obsolete, simple and enhanced


def cut(source: Path, target: Path, packets: int) -> int:
    """Copy the first `packets` packets of `source` to `target`; returns how many there were.

    Raises ValueError where `source` is neither pcap nor pcapng.
    """
    with source.open("rb") as reading, target.open("wb") as writing:
        magic = reading.read(4)
        reading.seek(0)
        if magic == SECTION.to_bytes(4, "big"):
            return cut_pcapng(reading, writing, packets)
        if magic in {bytes.fromhex(m) for m in ("d4c3b2a1", "4d3cb2a1")}:
            return cut_pcap(reading, writing, packets, "<")
        if magic in {bytes.fromhex(m) for m in ("a1b2c3d4", "a1b23c4d")}:
            return cut_pcap(reading, writing, packets, ">")
    raise ValueError(f"{source}: neither pcap nor pcapng (uncompress it first)")


def cut_pcap(reading: BinaryIO, writing: BinaryIO, packets: int, order: str) -> int:
    """Copy the file header and `packets` records."""
    writing.write(reading.read(24))
    for count in range(packets):
        head = reading.read(16)
        if len(head) < 16:
            return count
        writing.write(head + reading.read(struct.unpack_from(order + "I", head, 8)[0]))
    return packets


def cut_pcapng(reading: BinaryIO, writing: BinaryIO, packets: int) -> int:
    """Copy blocks up to the one with the last packet wanted."""
    order, count = "<", 0
    while count < packets:
        head = reading.read(12)
        if len(head) < 12:
            break
        if head[:4] == SECTION.to_bytes(4, "big"):
            order = "<" if head[8:] == bytes.fromhex("4d3c2b1a") else ">"
        kind, length = struct.unpack_from(order + "II", head)
        writing.write(head + reading.read(length - 12))
        count += kind in PACKET_BLOCKS
    return count
