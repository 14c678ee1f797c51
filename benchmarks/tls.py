"""Compare wsanalyze with tshark on WebSocket inside TLS, both with the same key log.

    python benchmarks/tls.py [--size 200MB] [--runs 3]

OpenSSL (Python's `ssl`) makes the records in memory: one connection of large binary messages in
records of 16 KiB, one of messages of some 70 bytes in records of about 100. tshark lists the frames
(`-T fields`), wsanalyze exports them as CSV and summarises. Without `--size`: 200 MB each, beside which the start counts little.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import ssl
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL

from sizes import parse_size

KEY = base64.b64encode(b"benchmark of tls").decode()
ACCEPT = base64.b64encode(
    hashlib.sha1(
        (KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode(), usedforsecurity=False
    ).digest()
).decode()
REQUEST = (
    f"GET /bench HTTP/1.1\r\nHost: bench.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
).encode()
RESPONSE = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
).encode()
SEGMENT = 1448
# Message lengths: many records of the largest size each, and records of some 100 bytes.
KINDS = {"16 KiB records": 1 << 20, "100-byte records": 74}
Ends = tuple[ssl.SSLObject, ssl.SSLObject]


@dataclass
class Wire:
    """A TLS connection in memory, written to a pcap file as it goes."""

    folder: Path
    path: Path
    version: ssl.TLSVersion

    def __post_init__(self) -> None:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(self.folder / "cert.pem", self.folder / "key.pem")
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        client.keylog_filename = str(self.folder / "keys.log")
        client.minimum_version = client.maximum_version = self.version
        self.bios = tuple((ssl.MemoryBIO(), ssl.MemoryBIO()) for _ in range(2))
        self.ends: Ends = (
            client.wrap_bio(*self.bios[0], server_hostname="bench.example"),
            server.wrap_bio(*self.bios[1], server_side=True),
        )
        self.next = [1000, 2000]
        self.time_us = 1_700_000_000_000_000
        self.file = self.path.open("wb")
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 101))
        self.packet(0, b"", 0x02)
        self.packet(1, b"", 0x12)
        self.packet(0, b"", 0x10)

    def packet(self, side: int, data: bytes, flags: int = 0x18) -> None:
        """Write one packet: raw IPv4, without checksums."""
        ports = (40_000, 443) if side == 0 else (443, 40_000)
        ends = (b"\x0a\0\0\1", b"\x0a\0\0\2") if side == 0 else (b"\x0a\0\0\2", b"\x0a\0\0\1")
        tcp = struct.pack(
            ">HHIIBBHHH", *ports, self.next[side], self.next[1 - side], 0x50, flags, 65_535, 0, 0
        )
        length = 40 + len(data)
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, length, 0, 0x4000, 64, 6, 0, *ends)
        self.time_us += 10
        seconds, micros = divmod(self.time_us, 1_000_000)
        self.file.write(struct.pack("<IIII", seconds, micros, length, length) + ip + tcp + data)
        step = len(data) + (1 if flags & 0x03 else 0)
        self.next[side] = (self.next[side] + step) % (1 << 32)

    def carry(self) -> None:
        """Bring to each end what the other has written."""
        for side in (0, 1):
            data = self.bios[side][1].read()
            self.bios[1 - side][0].write(data)
            for at in range(0, len(data), SEGMENT):
                self.packet(side, data[at : at + SEGMENT])

    def shake_hands(self) -> None:
        """Go through the handshake."""
        done = [False, False]
        while not all(done):
            for side, end in enumerate(self.ends):
                try:
                    end.do_handshake()
                    done[side] = True
                except ssl.SSLWantReadError:
                    pass
                self.carry()

    def send(self, side: int, data: bytes) -> None:
        """Write, and read at the other end."""
        self.ends[side].write(data)
        self.carry()
        left = len(data)
        while left:
            left -= len(self.ends[1 - side].read(1 << 20))

    def close(self) -> None:
        """Write the FINs."""
        self.packet(0, b"", 0x11)
        self.packet(1, b"", 0x11)
        self.file.close()


def frame(payload: bytes) -> bytes:
    """Return a server's binary frame."""
    if len(payload) < 126:
        return bytes((0x82, len(payload))) + payload
    return b"\x82\x7f" + len(payload).to_bytes(8, "big") + payload


def generate(folder: Path, path: Path, length: int, size: int, version: ssl.TLSVersion) -> int:
    """Write a capture of at least `size` bytes of messages of `length`; return their count."""
    wire = Wire(folder, path, version)
    wire.shake_hands()
    wire.send(0, REQUEST)
    wire.send(1, RESPONSE)
    count = max(size // (length + 60), 1)
    payload = os.urandom(length)
    for _ in range(count):
        wire.send(1, frame(payload))
    wire.close()
    return count


def commands(capture: Path, keylog: Path, python: str) -> Iterator[tuple[str, list[str]]]:
    """Yield what is compared."""
    ours = [python, "-m", "wsanalyze"]
    keys = ["--keylog", str(keylog)]
    yield "summary", [*ours, "summary", str(capture), *keys, "-q"]
    yield (
        "export frames",
        [*ours, "export", str(capture), *keys, "-q", "-t", "frames", "-f", "csv", "-o", "-"],
    )
    names = ("frame.number", "websocket.opcode", "websocket.payload_length")
    shown = [word for name in names for word in ("-e", name)]
    options = ["-o", f"tls.keylog_file:{keylog}", "-Y", "websocket", "-T", "fields"]
    yield "tshark", ["tshark", "-n", "-r", str(capture), *options, *shown]


def seconds(command: list[str], runs: int) -> float:
    """Return the median of the wall time of a few runs, after one that is not counted."""
    found = []
    # An installed program has its bytecode; compiling it each time is none of its work.
    usual = {name: each for name, each in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(runs + 1):
        begin = time.perf_counter()
        subprocess.run(command, check=True, stdout=DEVNULL, stderr=DEVNULL, env=usual)
        found.append(time.perf_counter() - begin)
    return sorted(found[1:])[runs // 2]


def main() -> None:
    """Generate, run, print a table."""
    parser = argparse.ArgumentParser(description="Compare wsanalyze with tshark on wss.")
    parser.add_argument("--size", type=parse_size, default=parse_size("200MB"), help="of each file")
    parser.add_argument("--runs", type=int, default=3, help="of each command (default: 3)")
    parser.add_argument("--python", default=sys.executable, help="interpreter with wsanalyze")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wsanalyze-tls-") as scratch:
        folder = Path(scratch)
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
        subject = ["-subj", "/CN=bench.example"]
        subprocess.run(
            ["openssl", "req", "-x509", *curve, *files, *subject], check=True, capture_output=True
        )
        print("| what | tool | seconds | MB/s | x summary |\n|---|---|--:|--:|--:|")
        for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
            for kind, length in KINDS.items():
                path = folder / f"{version.name}-{length}.pcap"
                generate(folder, path, length, options.size, version)
                megabytes, first = path.stat().st_size / 1e6, 0.0
                for name, command in commands(path, folder / "keys.log", options.python):
                    took = seconds(command, options.runs)
                    first = first or took
                    what = f"{version.name}, {kind}"
                    rate = f"{megabytes / took:.0f}"
                    print(f"| {what} | {name} | {took:.2f} | {rate} | {took / first:.1f} |")
                path.unlink()


if __name__ == "__main__":
    main()
