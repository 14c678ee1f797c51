"""Attacks on what is read of a file: blocks without packets, and compression."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

from traffic.files import block

from .conversations import each_client
from .wire import CLIENT, SYN, Wire, packet

SECTION = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
INTERFACE = block(1, struct.pack("<HHI", 1, 0, 0))
STATISTICS = block(5, struct.pack("<IIIHHQHH", 0, 0, 0, 5, 8, (1 << 64) - 1, 0, 0))
SECRETS = block(10, struct.pack("<II", 0x544C534B, 0))
NAMED = block(1, struct.pack("<HHIHH", 1, 0, 0, 2, 400) + b"n" * 400 + bytes(4))


def repeated(path: Path, front: bytes, part: bytes, count: int) -> None:
    """Write `front`, then `part` so many times."""
    with path.open("wb") as file:
        file.write(front)
        step = 8_000_000 // len(part)
        for first in range(0, count, step):
            file.write(part * min(step, count - first))


def interfaces(path: Path, count: int) -> None:
    """A pcapng file of interfaces."""
    repeated(path, SECTION, INTERFACE, count)


def sections(path: Path, count: int) -> None:
    """A pcapng file of sections, each with an interface that has a long name."""
    repeated(path, b"", SECTION + NAMED, count)


def statistics(path: Path, count: int) -> None:
    """A pcapng file of interface statistics that say as many drops as there can be."""
    repeated(path, SECTION + INTERFACE, STATISTICS, count)


def secrets(path: Path, count: int) -> None:
    """A pcapng file of decryption secrets."""
    repeated(path, SECTION, SECRETS, count)


def gzip_bomb(path: Path, count: int) -> None:
    """A SYN that comes again and again, compressed to a hundredth."""
    packets = [packet(CLIENT, flags=SYN)]
    with gzip.open(path, "wb", compresslevel=6) as file:
        Wire(file).rows(packets, count, each_client(packets, [0] * count))  # type: ignore[arg-type]
