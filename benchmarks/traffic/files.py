"""Capture files: classic pcap in microseconds or nanoseconds, and pcapng.

pcap: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html,
pcapng: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, Literal

import numpy as np

from .contents import IntArray, interleaved
from .headers import Matrix
from .sends import Table

Format = Literal["pcap", "pcapng"]
Resolution = Literal["us", "ns"]

SNAP_LENGTH = 262_144
ETHERNET = 1
PCAP_MAGIC = {"us": 0xA1B2C3D4, "ns": 0xA1B23C4D}
PCAP_RECORD = np.dtype(
    [("seconds", "<u4"), ("fraction", "<u4"), ("captured", "<u4"), ("wire", "<u4")]
)
ENHANCED_PACKET = np.dtype(
    [
        ("kind", "<u4"),
        ("total", "<u4"),
        ("interface", "<u4"),
        ("time_high", "<u4"),
        ("time_low", "<u4"),
        ("captured", "<u4"),
        ("wire", "<u4"),
    ]
)
# Up to three zero bytes to fill a word, then the block's length once more.
TRAILER = np.dtype([("padding", "<u4"), ("total", "<u4")])


@dataclass
class Writer:
    """Writes packets to `file` in one of the formats and counts the bytes."""

    file: BinaryIO
    format: Format
    resolution: Resolution
    written: int = 0

    def begin(self) -> None:
        """Write what comes before the first packet."""
        is_pcap = self.format == "pcap"
        self._write(pcap_header(self.resolution) if is_pcap else pcapng_header(self.resolution))

    def packets(
        self, packets: Table, headers: Matrix, widths: IntArray, payloads: list[bytes]
    ) -> None:
        """Write packets: their table, header bytes (see headers.py) and payloads, in order."""
        units = packets["time"] // (1_000 if self.resolution == "us" else 1)
        prefix = self._records(units, packets["frame_length"])
        width = prefix.shape[1] + headers.shape[1]
        data = np.hstack([prefix, headers]).tobytes()
        ends = (prefix.shape[1] + widths).tolist()
        heads = [data[width * i : width * i + end] for i, end in enumerate(ends)]
        parts = [heads, payloads]
        if self.format == "pcapng":
            parts.append(trailers(packets["frame_length"]))
        self._write(interleaved(parts))

    def size(self, lengths: IntArray) -> int:
        """Bytes that packets of these lengths take in the file."""
        if self.format == "pcap":
            return int(lengths.sum()) + 16 * len(lengths)
        return int(block_lengths(lengths).sum())

    def _records(self, units: IntArray, lengths: IntArray) -> Matrix:
        """What stands before each packet, one row each."""
        if self.format == "pcap":
            per_second = 1_000_000 if self.resolution == "us" else 1_000_000_000
            rows = np.zeros(len(units), dtype=PCAP_RECORD)
            rows["seconds"], rows["fraction"] = np.divmod(units, per_second)
        else:
            rows = np.zeros(len(units), dtype=ENHANCED_PACKET)
            rows["kind"] = 6
            rows["total"] = block_lengths(lengths)
            rows["time_high"], rows["time_low"] = units >> 32, units & 0xFFFFFFFF
        rows["captured"] = rows["wire"] = lengths
        return rows.view(np.uint8).reshape(len(rows), rows.dtype.itemsize)

    def _write(self, data: bytes) -> None:
        self.file.write(data)
        self.written += len(data)


def pcap_header(resolution: Resolution) -> bytes:
    """The 24 bytes at the start of a pcap file, little-endian."""
    return struct.pack("<IHHiIII", PCAP_MAGIC[resolution], 2, 4, 0, 0, SNAP_LENGTH, ETHERNET)


def pcapng_header(resolution: Resolution) -> bytes:
    """A section header and one Ethernet interface with its resolution (option 9)."""
    section = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    option = struct.pack("<HHB3xHH", 9, 1, 6 if resolution == "us" else 9, 0, 0)
    interface = struct.pack("<HHI", ETHERNET, 0, SNAP_LENGTH) + option
    return block(0x0A0D0D0A, section) + block(1, interface)


def block(kind: int, body: bytes) -> bytes:
    """A pcapng block around a body whose length is a multiple of four."""
    total = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + total + body + total


def block_lengths(lengths: IntArray) -> IntArray:
    """Bytes of the Enhanced Packet Blocks of packets of these lengths."""
    return 32 + (lengths + 3) // 4 * 4


def trailers(lengths: IntArray) -> list[bytes]:
    """What stands after each packet in pcapng."""
    rows = np.zeros(len(lengths), dtype=TRAILER)
    rows["total"] = block_lengths(lengths)
    data = rows.tobytes()
    skip = (4 - (-lengths % 4)).tolist()
    return [data[8 * i + n : 8 * i + 8] for i, n in enumerate(skip)]
