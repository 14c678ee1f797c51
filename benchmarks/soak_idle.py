"""A million conversations that open and fall silent, with a WebSocket among them: is memory flat?

    python benchmarks/soak_idle.py                     a million that are open, then idle
    python benchmarks/soak_idle.py --half-open         60,000 SYNs that nobody answers

The packets are made, the session is a live one, and its clock is turned: all conversations are
there at once, and at the end all are idle for as long as it takes. One WebSocket connection says
something every few hundred conversations. Ends with status 1 where one of its messages is missing,
more conversations are followed than the limit `flows` says, anything is left when all have been
silent for long, or the process has taken 16 MB more in the last third than in the second one.
"""

from __future__ import annotations

import argparse
import io
import resource
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.played import Clock, Paused, session_of
from support.sessions import masked, request, response

from wsanalyze.limits import Limits
from wsanalyze.monitoring import idleness
from wsanalyze.monitoring.events import Message, Requested
from wsanalyze.recording import Wants

HEADER = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, 1)
RECORD, IP = struct.Struct("<IIII"), struct.Struct(">BBHHHBBH4s4s")
TCP = struct.Struct(">HHIIBBHHH")
ETHERNET = b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0"
SYN, ACK, PSH = 0x02, 0x10, 0x08
SERVER = bytes([192, 0, 2, 2]), 80
# Conversations between two messages of the WebSocket connection.
BETWEEN = 500
# Bytes of packets that are made at once, and of growth that is none.
PIECE, GROWTH = 1 << 20, 16_000_000
# Packets a second, by their own clock.
RATE = 50_000


class Wire:
    """Packets in the order in which they are put, each with its time, as pcap."""

    def __init__(self) -> None:
        self.count = 0

    def put(self, ends: Any, places: tuple[int, int], flags: int, data: bytes = b"") -> bytes:
        """Return a packet from one address and port to another."""
        (source, port), (target, service) = ends
        self.count += 1
        seconds, rest = divmod(self.count, RATE)
        tcp = TCP.pack(port, service, *places, 0x50, flags, 65_535, 0, 0)
        ip = IP.pack(0x45, 0, 40 + len(data), 0, 0, 64, 6, 0, source, target)
        packet = ETHERNET + ip + tcp + data
        nanoseconds = rest * (1_000_000_000 // RATE)
        head = RECORD.pack(1_700_000_000 + seconds, nanoseconds, len(packet), len(packet))
        return head + packet


def packets(count: int, *, half_open: bool) -> Iterator[bytes]:
    """Yield a capture: so many conversations, and a WebSocket connection among them."""
    wire, chat = Wire(), ((bytes([198, 51, 100, 7]), 40_000), SERVER)
    said = [1, 1]

    def say(side: int, data: bytes) -> bytes:
        places = said[side], said[1 - side]
        said[side] += len(data)
        return wire.put(chat[:: -1 if side else 1], places, ACK | PSH, data)

    yield HEADER
    yield wire.put(chat, (0, 0), SYN)
    yield wire.put(chat[::-1], (0, 1), SYN | ACK)
    yield say(0, request())
    yield say(1, response())
    for number in range(count):
        # Some 64,000 ports of each address.
        host, port = divmod(number, 64_000)
        client = bytes([10, host >> 16 & 255, host >> 8 & 255, host & 255]), 1_024 + port
        yield wire.put((client, SERVER), (1_000, 0), SYN)
        if not half_open:
            yield wire.put((SERVER, client), (7_000, 1_001), SYN | ACK)
            yield wire.put((client, SERVER), (1_001, 7_001), ACK | PSH, b"SSH-2.0-OpenSSH_9.2\r\n")
        if number % BETWEEN == 0:
            yield say(0, masked(b"%d conversations" % number))


class Made(io.RawIOBase):
    """A stream of what is made while somebody reads it."""

    name = "made"

    def __init__(self, pieces: Iterator[bytes]) -> None:
        """Take the pieces."""
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Give what comes next, 0 at the end."""
        view = memoryview(buffer).cast("B")
        if not self._rest:
            parts, size = [], 0
            for piece in self._pieces:
                parts.append(piece)
                size += len(piece)
                if size >= PIECE:
                    break
            self._rest = b"".join(parts)
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def memory() -> int:
    """Return the bytes that the process has in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def main() -> int:
    """Let them come, print what was there, and judge it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--half-open", action="store_true")
    parser.add_argument("--conversations", type=int)
    options = parser.parse_args()
    count = options.conversations or (60_000 if options.half_open else 1_000_000)
    clock, limits = Clock(), Limits()
    source = Paused(Made(packets(count, half_open=options.half_open)), window=1 << 20)
    session = session_of(source, clock=clock, limits=limits, wants=Wants(observe=True))
    flows = session.run.transport.readers.flows
    expected = (count + BETWEEN - 1) // BETWEEN
    messages, most, before, began = [0], 0, memory(), time.monotonic()
    taken: list[int] = []
    told: list[object] = []

    def pump() -> bool:
        """Take a step; return whether packets came."""
        ordinal = session.run.transport.ordinal
        for event in session.pump(0):
            messages[0] += isinstance(event, Message)
            if isinstance(event, Requested):
                told.append(event)
        return session.run.transport.ordinal > ordinal

    while pump():
        clock.now += 0.05
        most = max(most, flows.count)
        taken.append(memory())
    took, third = time.monotonic() - began, len(taken) // 3
    parts = taken[:third], taken[third : 2 * third], taken[2 * third :]
    first, second, last = (max(part, default=before) for part in parts)
    print(f"{count:,} conversations in {took:.1f} s, {messages[0]:,} of {expected:,} messages")
    print(f"followed at once: {most:,} (limit {limits.flows:,})")
    print(
        f"memory: {before / 1e6:.1f} MB before, at most {first / 1e6:.1f} MB in the "
        f"first third, {second / 1e6:.1f} MB in the second, {last / 1e6:.1f} MB in the last"
    )
    for _ in range(3 * idleness.SWEEPS):
        clock.now += idleness.IDLE_SESSION / idleness.SWEEPS
        pump()
    left = flows.count, len(session.follower.followed)
    print(f"after they were silent for long: {left[0]} conversations, {left[1]} connections")
    session.stop()
    while not session.finished:
        pump()
    wrong = [
        what
        for what, is_so in {
            "messages are missing": messages[0] != expected,
            "more is followed than may be": most > limits.flows,
            "something stays": left != (0, 0),
            # Fewer than the limit all stay, as they shall.
            "memory grows": count > 3 * limits.flows and last - second > GROWTH,
            "the WebSocket connection was not seen once": len(told) != 1,
        }.items()
        if is_so
    ]
    print("flat" if not wrong else "; ".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
