"""The least that finds WebSocket frames in TCP payloads, for peers that only read packets.

No reordering, no retransmissions, no gaps: the generated files have none. What a careful program
does beyond this costs time that these scripts do not spend, so the comparison favours them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

Frame = tuple[int, int, int]
"""Opcode, payload length in bytes, mask bit."""


@dataclass
class Stream:
    """One direction of a TCP conversation."""

    upgraded: bool = False
    skip: int = 0
    """Bytes of the current frame's payload still to come."""
    rest: bytes = b""
    """A frame header that is not whole yet."""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames whose headers end in `data`."""
        data = self.rest + data
        if not self.upgraded:
            data = self._after_head(data)
        position = self.skip
        while position + 2 <= len(data):
            head = header(data, position)
            if head is None:
                break
            size, frame = head
            yield frame
            position += size + frame[1]
        self.skip = max(0, position - len(data))
        self.rest = data[position:]

    def _after_head(self, data: bytes) -> bytes:
        """What follows the upgrade's head, which must be in one segment; else nothing."""
        head, separator, body = data.partition(b"\r\n\r\n")
        if separator and b"websocket" in head and b"Upgrade" in head:
            self.upgraded = True
            return body
        return b""


def header(data: bytes, position: int) -> tuple[int, Frame] | None:
    """The header's size and the frame at `position`; None where it is not whole."""
    first, second = data[position], data[position + 1]
    length, size = second & 0x7F, 2
    if length >= 126:
        size = 4 if length == 126 else 10
        if position + size > len(data):
            return None
        length = int.from_bytes(data[position + 2 : position + size], "big")
    size += second >> 7 << 2
    return None if position + size > len(data) else (size, (first & 15, length, second >> 7))


@dataclass
class Scanner:
    """All directions, by whatever names them, and the number of the packet at hand."""

    streams: dict[object, Stream] = field(default_factory=dict)

    def feed(self, flow: object, number: int, payload: bytes) -> None:
        """Print one line for each frame in `payload`: packet, opcode, length, mask."""
        stream = self.streams.get(flow)
        if stream is None:
            stream = self.streams[flow] = Stream()
        for opcode, length, mask in stream.feed(payload):
            print(number, opcode, length, mask, sep="\t")
