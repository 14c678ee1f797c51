"""Compare wsanalyze with tshark on WebSocket over HTTP/2 (RFC 8441), in clear text.

    python benchmarks/http2.py [--size 50MB] [--runs 3]

One connection that sends large messages in DATA frames of 16 KiB, one with messages of some 70
bytes in a frame each, one with such messages on 64 streams in turn. tshark reads HTTP/2, and does
not look for WebSocket in it (4.0): it lists DATA frames, wsanalyze exports the WebSocket frames in
them as CSV and summarises. Without `--size`: 50 MB each.
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hpack import Encoder
from sizes import parse_size
from tls import frame, seconds

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_HEADERS, ACK = 4, 1
# SETTINGS_ENABLE_CONNECT_PROTOCOL, RFC 8441 §3.
ENABLED = b"\x00\x08\x00\x00\x00\x01"
REQUEST = [
    (":method", "CONNECT"),
    (":protocol", "websocket"),
    (":scheme", "http"),
    (":path", "/bench"),
    (":authority", "bench.example"),
    ("sec-websocket-version", "13"),
]
PORT, SEGMENT, LARGEST = 8080, 1448, 16_384
# Message length, and how many streams take turns.
KINDS = {
    "16 KiB frames": (1 << 20, 1),
    "100-byte frames": (74, 1),
    "100-byte frames, 64 streams": (74, 64),
}


class Wire:
    """A TCP connection, written to a pcap file as it goes; side 0 is the client."""

    def __init__(self, path: Path) -> None:
        self.next = [1000, 2000]
        self.time_us = 1_700_000_000_000_000
        self.file = path.open("wb")
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 101))
        for side, flags in ((0, 0x02), (1, 0x12), (0, 0x10)):
            self.packet(side, b"", flags)

    def packet(self, side: int, data: bytes, flags: int = 0x18) -> None:
        """Write one packet: raw IPv4, without checksums."""
        ports = (40_000, PORT) if side == 0 else (PORT, 40_000)
        ends = (b"\x0a\0\0\1", b"\x0a\0\0\2")
        numbers = (self.next[side], self.next[1 - side])
        tcp = struct.pack(">HHIIBBHHH", *ports, *numbers, 0x50, flags, 65_535, 0, 0)
        length = 40 + len(data)
        ip = struct.pack(
            ">BBHHHBBH4s4s", 0x45, 0, length, 0, 0x4000, 64, 6, 0, ends[side], ends[1 - side]
        )
        self.time_us += 10
        record = struct.pack("<IIII", *divmod(self.time_us, 1_000_000), length, length)
        self.file.write(record + ip + tcp + data)
        self.next[side] = (self.next[side] + len(data) + (1 if flags & 0x03 else 0)) % (1 << 32)

    def send(self, side: int, data: bytes) -> None:
        """Send bytes in segments."""
        for at in range(0, len(data), SEGMENT):
            self.packet(side, data[at : at + SEGMENT])

    def close(self) -> None:
        """Write the FINs."""
        self.packet(0, b"", 0x11)
        self.packet(1, b"", 0x11)
        self.file.close()


def h2(kind: int, flags: int, stream: int, body: bytes) -> bytes:
    """Return a frame (RFC 9113 §4.1)."""
    return len(body).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + body


def generate(path: Path, length: int, streams: int, size: int) -> int:
    """Write a capture of at least `size` bytes of messages of `length`; return their count."""
    wire, client, server = Wire(path), Encoder(), Encoder()
    wire.send(0, PREFACE + h2(SETTINGS, 0, 0, b""))
    wire.send(1, h2(SETTINGS, 0, 0, ENABLED) + h2(SETTINGS, ACK, 0, b""))
    numbers = [2 * each + 1 for each in range(streams)]
    for number in numbers:
        wire.send(0, h2(HEADERS, END_HEADERS, number, client.encode(REQUEST)))
        wire.send(1, h2(HEADERS, END_HEADERS, number, server.encode([(":status", "200")])))
    payload = os.urandom(length)
    count = max(size // (length + 65), 1)
    for each in range(count):
        message, number = frame(payload), numbers[each % streams]
        pieces = (message[at : at + LARGEST] for at in range(0, len(message), LARGEST))
        wire.send(1, b"".join(h2(DATA, 0, number, piece) for piece in pieces))
    wire.close()
    return count


def commands(capture: Path, python: str) -> Iterator[tuple[str, list[str]]]:
    """Yield what is compared."""
    ours = [python, "-m", "wsanalyze"]
    yield "summary", [*ours, "summary", str(capture), "-q"]
    exported = ["-q", "-t", "frames", "-f", "csv", "-o", "-"]
    yield "export frames", [*ours, "export", str(capture), *exported]
    names = ("frame.number", "http2.streamid", "http2.length")
    shown = [word for name in names for word in ("-e", name)]
    options = ["-d", f"tcp.port=={PORT},http2", "-Y", "http2.type == 0", "-T", "fields"]
    yield "tshark", ["tshark", "-n", "-r", str(capture), *options, *shown]


def main() -> None:
    """Generate, run, print a table."""
    parser = argparse.ArgumentParser(description="Compare wsanalyze with tshark on HTTP/2.")
    parser.add_argument("--size", type=parse_size, default=parse_size("50MB"), help="of each file")
    parser.add_argument("--runs", type=int, default=3, help="of each command (default: 3)")
    parser.add_argument("--python", default=sys.executable, help="interpreter with wsanalyze")
    options = parser.parse_args()
    print("| what | tool | seconds | MB/s | x summary |\n|---|---|--:|--:|--:|")
    with tempfile.TemporaryDirectory(prefix="wsanalyze-http2-") as scratch:
        path = Path(scratch) / "http2.pcap"
        for kind, (length, streams) in KINDS.items():
            generate(path, length, streams, options.size)
            megabytes, first = path.stat().st_size / 1e6, 0.0
            for name, command in commands(path, options.python):
                took = seconds(command, options.runs)
                first = first or took
                rate = f"{megabytes / took:.0f}"
                print(f"| {kind} | {name} | {took:.2f} | {rate} | {took / first:.1f} |", flush=True)


if __name__ == "__main__":
    main()
