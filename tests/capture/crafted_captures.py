"""Captures made byte by byte for the tests, and what stands in them."""

from __future__ import annotations

import io
import struct
from typing import Any

from wsanalyze.capture.source import open_capture

LITTLE, BIG = "<", ">"
ETHERNET = 1
TIME = 1_700_000_000_123_456_000
FRAME = bytes.fromhex("020000000002020000000001080045") + bytes(range(45))

Packet = tuple[int, int, int, int, bytes]


def pcap_header(
    order: str = LITTLE,
    magic: int = 0xA1B2C3D4,
    version: tuple[int, int] = (2, 4),
    snap: int = 262_144,
    network: int = ETHERNET,
) -> bytes:
    return struct.pack(order + "IHHiIII", magic, *version, 0, 0, snap, network)


def pcap_record(
    data: bytes = FRAME,
    *,
    seconds: int = TIME // 10**9,
    fraction: int = 123_456,
    captured: int | None = None,
    wire: int | None = None,
    order: str = LITTLE,
    extra: bytes = b"",
) -> bytes:
    captured = len(data) if captured is None else captured
    wire = len(data) if wire is None else wire
    return struct.pack(order + "IIII", seconds, fraction, captured, wire) + extra + data


def pcap(count: int = 3, order: str = LITTLE, start: int = TIME, step: int = 10**9) -> bytes:
    """Return a microsecond pcap of `count` frames that differ in length, content and time."""
    records = []
    for i in range(count):
        seconds, rest = divmod(start + i * step, 10**9)
        data = FRAME[: 20 + i % 40] + struct.pack(">I", i)
        records.append(
            pcap_record(data, seconds=seconds, fraction=rest // 1000, wire=1500, order=order)
        )
    return pcap_header(order) + b"".join(records)


def block(kind: int, body: bytes, order: str = LITTLE) -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


def section(order: str = LITTLE, version: tuple[int, int] = (1, 0)) -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, *version, -1), order)


def option(code: int, value: bytes, order: str = LITTLE) -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def interface(
    link: int = ETHERNET, snap: int = 262_144, options: bytes = b"", order: str = LITTLE
) -> bytes:
    end = bytes(4) if options else b""
    return block(1, struct.pack(order + "HHI", link, 0, snap) + options + end, order)


def resolution(value: int, order: str = LITTLE) -> bytes:
    return option(9, bytes([value]), order)


def enhanced(
    data: bytes = FRAME,
    units: int = TIME // 1000,
    number: int = 0,
    *,
    captured: int | None = None,
    wire: int | None = None,
    options: bytes = b"",
    order: str = LITTLE,
) -> bytes:
    captured = len(data) if captured is None else captured
    wire = len(data) if wire is None else wire
    head = struct.pack(order + "IIIII", number, units >> 32, units & 0xFFFFFFFF, captured, wire)
    return block(6, head + data + bytes(-len(data) % 4) + options, order)


def simple(data: bytes = FRAME, wire: int | None = None, order: str = LITTLE) -> bytes:
    return block(3, struct.pack(order + "I", len(data) if wire is None else wire) + data, order)


def obsolete(
    data: bytes = FRAME, units: int = TIME // 1000, number: int = 0, order: str = LITTLE
) -> bytes:
    head = struct.pack(
        order + "HHIIII", number, 7, units >> 32, units & 0xFFFFFFFF, len(data), len(data)
    )
    return block(2, head + data, order)


def statistics(number: int = 0, order: str = LITTLE, **counts: int) -> bytes:
    codes = {"received": 4, "interface_dropped": 5, "system_dropped": 7}
    options = b"".join(
        option(codes[name], struct.pack(order + "Q", count), order)
        for name, count in counts.items()
    )
    return block(5, struct.pack(order + "III", number, 0, 0) + options + bytes(4), order)


def secrets(data: bytes, kind: int = 0x544C534B, order: str = LITTLE) -> bytes:
    return block(0xA, struct.pack(order + "II", kind, len(data)) + data, order)


def pcapng(count: int = 3, order: str = LITTLE) -> bytes:
    """Return a pcapng file with a bit of everything between `count` frames."""
    parts = [section(order), interface(options=option(2, b"eth0", order), order=order)]
    for i in range(count):
        data = FRAME[: 20 + i % 40] + struct.pack(">I", i)
        parts.append(enhanced(data, TIME // 1000 + i * 1_000_000, wire=1500, order=order))
        parts.append((simple(order=order), block(0x9, b"MESSAGE=x\n", order), b"")[i % 3])
    return b"".join(parts) + statistics(order=order, received=9, interface_dropped=2)


class Dribble(io.RawIOBase):
    """A source that gives at most `most` bytes at a time."""

    def __init__(self, data: bytes, most: int = 1) -> None:
        self.data = memoryview(data)
        self.most = most

    def readinto(self, view: Any) -> int:
        part = self.data[: min(self.most, len(view))]
        view[: len(part)] = part
        self.data = self.data[len(part) :]
        return len(part)


def read(source: Any, **options: Any) -> tuple[list[Packet], Any]:
    """Return every packet of a source (bytes are read as a file), and the info."""
    if isinstance(source, bytes):
        source = io.BytesIO(source)
    packets = []
    with open_capture(source, **options) as reader:
        while (batch := reader.next()) is not None:
            assert batch.count > 0
            packets += batch.packets()
        assert reader.next() is None
    return packets, reader.info


def packets(source: Any, **options: Any) -> list[Packet]:
    return read(source, **options)[0]
