"""Packets in great number: a few are made by hand, numpy repeats them with changing fields."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10

CLIENT, SERVER = 0, 1
# 10.0.0.0 + the number of the connection, and 192.0.2.1.
CLIENTS, SERVER_ADDRESS = 0x0A00_0000, 0xC000_0201
# Where fields stand in a packet that `packet` made.
FRAGMENT_ID, SOURCE, TARGET, SOURCE_PORT, SEQUENCE = 18, 26, 30, 34, 38
PAYLOAD = 54
CLIENT_FIRST, SERVER_FIRST = 1001, 5001
SEGMENT = 1400
RECORD = 16

Values = NDArray[np.integer]
# Which packet of a row, where in it, how many bytes, and the value of each row.
Change = tuple[int, int, int, "Values | range | int"]


def packet(
    side: int, seq: int = 0, ack: int = 0, flags: int = ACK, data: bytes = b"", *, fragment: int = 0
) -> bytes:
    """Return an Ethernet frame with a TCP segment of the first client or of the server to it."""
    ends = ((CLIENTS, 40000), (SERVER_ADDRESS, 80))
    (source, source_port), (target, target_port) = ends[side], ends[1 - side]
    total = 40 + len(data)
    ip = struct.pack(">BBHHHBBHII", 0x45, 0, total, 0, fragment, 64, 6, 0, source, target)
    tcp = struct.pack(">HHIIBBHHH", source_port, target_port, seq, ack, 0x50, flags, 65535, 0, 0)
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0" + ip + tcp + data


class Wire:
    """Writes a pcap file; its clock runs on by a microsecond with each row."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.time = 1_700_000_000_000_000
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))

    def rows(
        self,
        packets: Sequence[bytes],
        count: int = 1,
        changes: Sequence[Change] = (),
        wire_length: int = 0,
    ) -> None:
        """Write these packets `count` times, with `changes` for each time."""
        starts, row = [], b""
        for each in packets:
            starts.append(len(row) + RECORD)
            length = max(wire_length, len(each))
            row += struct.pack("<IIII", 0, 0, len(each), length) + each
        # No more than so many bytes at once: this must not be what takes the memory.
        step = max(1, 8_000_000 // len(row))
        for first in range(0, count, step):
            last = min(count, first + step)
            table = np.tile(np.frombuffer(row, np.uint8), (last - first, 1))
            times = self.time + np.arange(first, last)
            for start in starts:
                put(table, start - RECORD, 4, times // 1_000_000, "little")
                put(table, start - RECORD + 4, 4, times % 1_000_000, "little")
            for place, offset, width, values in changes:
                chosen = values if isinstance(values, int) else np.asarray(values[first:last])
                put(table, starts[place] + offset, width, chosen)
            self.file.write(table.tobytes())
        self.time += count

    def stream(self, side: int, seq: int, data: bytes, size: int = SEGMENT) -> int:
        """Write the first connection's data in segments; return the next sequence number."""
        whole = len(data) // size
        if whole:
            bodies = np.frombuffer(data, np.uint8, whole * size).reshape(whole, size)
            step = max(1, 8_000_000 // size)
            for first in range(0, whole, step):
                self.bodies(side, seq + first * size, bodies[first : first + step])
        if len(data) > whole * size:
            self.rows([packet(side, seq + whole * size, data=data[whole * size :])])
        return seq + len(data)

    def bodies(self, side: int, seq: int, bodies: NDArray[np.uint8]) -> None:
        """Write a segment for each row of payload."""
        count, size = bodies.shape
        head = packet(side, data=bytes(size))
        row = struct.pack("<IIII", self.time // 10**6, self.time % 10**6, len(head), len(head))
        table = np.tile(np.frombuffer(row + head, np.uint8), (count, 1))
        put(table, RECORD + SEQUENCE, 4, (seq + size * np.arange(count)) & 0xFFFFFFFF)
        table[:, RECORD + PAYLOAD :] = bodies
        self.file.write(table.tobytes())
        self.time += count


def put(
    table: NDArray[np.uint8],
    at: int,
    width: int,
    values: Values | int,
    order: Literal["big", "little"] = "big",
) -> None:
    """Write a number into `width` bytes of every row."""
    numbers = np.broadcast_to(np.asarray(values, dtype="<i8"), len(table))
    low = np.ascontiguousarray(numbers).view(np.uint8).reshape(-1, 8)[:, :width]
    table[:, at : at + width] = low[:, ::-1] if order == "big" else low
