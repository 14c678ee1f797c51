"""Changes that keep a capture a capture: its packets, its blocks and its segments' numbers."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from support.packets import file_header, record

from fuzz.mutations import EDGES, mutated
from wsanalyze.capture.source import open_capture
from wsanalyze.errors import CaptureError

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
LARGEST_SEED = 25_000
# What one input may grow to by repetition and splicing.
LARGEST = 200_000

# Time, captured bytes, length on the wire.
Timed = tuple[int, bytes, int]


@cache
def shipped() -> tuple[bytes, ...]:
    """Return the shipped captures that are small."""
    paths = sorted(path for path in CAPTURES.iterdir() if ".pcap" in path.name)
    return tuple(path.read_bytes() for path in paths if path.stat().st_size <= LARGEST_SEED)


def packets_of(data: bytes) -> tuple[int, list[Timed]]:
    """Return the link type of a capture's last packet, and its packets with their times."""
    found: list[Timed] = []
    link = 1
    try:
        with open_capture(io.BytesIO(data)) as reader:
            while (batch := reader.next()) is not None:
                for _, time, link, wire, captured in batch.packets():  # noqa: B007
                    found.append((time, captured, wire))
    except CaptureError:
        pass
    return link & 0xFFFF, found


def pcap_of(link: int, packets: Sequence[Timed]) -> bytes:
    """Return packets as a pcap file; times that it cannot say wrap around."""
    parts = [file_header(link)]
    for time, captured, wire in packets:
        parts.append(record((captured, wire), time % (1_000_000_000 << 32)))
    return b"".join(parts)


def changed_capture(data: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Return a capture with changed bytes, blocks or packets."""
    way = chance.random()
    if way < 0.2:
        return mutated(data, seeds, chance)[:LARGEST]
    if way < 0.4 and data[:4] == b"\x0a\x0d\x0d\x0a":
        return changed_blocks(data, seeds, chance)[:LARGEST]
    return changed_packets(data, seeds, chance)[:LARGEST]


def changed_packets(data: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Return a pcap file of these packets with some of them changed."""
    link, packets = packets_of(data)
    if not packets:
        return mutated(data, seeds, chance)
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        if packets:
            chance.choice(PACKET_CHANGES)(packets, seeds, chance)
    return pcap_of(link, packets)


def lose(packets: list[Timed], _seeds: Sequence[bytes], chance: random.Random) -> None:
    """Leave out one packet, or a run of them."""
    at = chance.randrange(len(packets))
    del packets[at : at + chance.choice((1, 1, 1, 3, 20))]


def again(packets: list[Timed], _seeds: Sequence[bytes], chance: random.Random) -> None:
    """Let a packet come again, then or later."""
    at = chance.randrange(len(packets))
    packets.insert(chance.randint(at, min(len(packets), at + 80)), packets[at])


def swap(packets: list[Timed], _seeds: Sequence[bytes], chance: random.Random) -> None:
    """Let a packet come at another place."""
    packet = packets.pop(chance.randrange(len(packets)))
    packets.insert(chance.randrange(len(packets) + 1), packet)


def snap(packets: list[Timed], _seeds: Sequence[bytes], chance: random.Random) -> None:
    """Let the capture cut a packet."""
    at = chance.randrange(len(packets))
    time, captured, wire = packets[at]
    packets[at] = time, captured[: chance.randrange(len(captured) + 1)], wire


def clock(packets: list[Timed], _seeds: Sequence[bytes], chance: random.Random) -> None:
    """Let the clock step, for one packet or all that follow."""
    at = chance.randrange(len(packets))
    by = chance.choice((-1, 1, 10**9, -(10**9), 10**15, -(10**18)))
    stop = chance.choice((at + 1, len(packets)))
    packets[at:stop] = [(time + by, *rest) for time, *rest in packets[at:stop]]


def others(packets: list[Timed], seeds: Sequence[bytes], chance: random.Random) -> None:
    """Mix a run of another capture's packets in."""
    _, more = packets_of(chance.choice(seeds))
    if more:
        start = chance.randrange(len(more))
        at = chance.randrange(len(packets) + 1)
        packets[at:at] = more[start : start + chance.choice((1, 4, 40))]


def inside(packets: list[Timed], _seeds: Sequence[bytes], chance: random.Random) -> None:
    """Change a packet's bytes anywhere."""
    at = chance.randrange(len(packets))
    time, captured, wire = packets[at]
    made = mutated(captured, [each[1] for each in packets], chance)
    packets[at] = time, made, max(len(made), wire if chance.random() < 0.5 else 0)


def segment_at(data: bytes) -> int:
    """Return where the TCP header of a plain Ethernet packet begins, -1 where there is none."""
    if data[12:14] == b"\x08\x00" and len(data) > 34 and data[23] == 6:
        at = 14 + (data[14] & 15) * 4
    elif data[12:14] == b"\x86\xdd" and len(data) > 54 and data[20] == 6:
        at = 54
    else:
        return -1
    return at if at + 20 <= len(data) else -1


def renumbered(packets: list[Timed], _seeds: Sequence[bytes], chance: random.Random) -> None:
    """Change a segment's sequence or acknowledgment number, its flags or its window."""
    at = chance.randrange(len(packets))
    time, captured, wire = packets[at]
    data = bytearray(captured)
    tcp = segment_at(captured)
    if tcp < 0:
        return
    field = chance.choice((4, 4, 4, 8, 8, 13, 14))
    if field == 13:
        data[tcp + 13] ^= 1 << chance.randrange(8)
    elif field == 14:
        data[tcp + 14 : tcp + 16] = chance.randrange(1 << 16).to_bytes(2, "big")
    else:
        (old,) = struct.unpack_from(">I", data, tcp + field)
        by = chance.choice((-1, 1, -7, 7, 100, 1460, -1460, 1 << 16, 1 << 31, chance.choice(EDGES)))
        struct.pack_into(">I", data, tcp + field, (old + by) & 0xFFFFFFFF)
    packets[at] = time, bytes(data), wire


def divided(packets: list[Timed], _seeds: Sequence[bytes], chance: random.Random) -> None:
    """Send a segment's payload in two segments, which overlap or leave a hole now and then."""
    at = chance.randrange(len(packets))
    time, data, _ = packets[at]
    tcp = segment_at(data)
    if tcp < 0 or data[12:14] != b"\x08\x00":
        return
    start = tcp + (data[tcp + 12] >> 4) * 4
    if start < tcp + 20 or start + 2 > len(data):
        return
    middle = chance.randrange(start + 1, len(data))
    second = max(start, middle + chance.choice((0, 0, 0, 1, -1, -9)))
    parts = []
    for first, last in ((start, middle), (second, len(data))):
        part = bytearray(data[:start] + data[first:last])
        struct.pack_into(">H", part, 16, (len(part) - 14) & 0xFFFF)
        (seq,) = struct.unpack_from(">I", data, tcp + 4)
        struct.pack_into(">I", part, tcp + 4, (seq + first - start) & 0xFFFFFFFF)
        parts.append((time, bytes(part), len(part)))
    if chance.random() < 0.3:
        parts.reverse()
    packets[at : at + 1] = parts


PACKET_CHANGES: tuple[Callable[[list[Timed], Sequence[bytes], random.Random], None], ...] = (
    lose,
    again,
    swap,
    snap,
    clock,
    others,
    inside,
    inside,
    renumbered,
    renumbered,
    divided,
    divided,
)


def blocks_of(data: bytes) -> list[bytes]:
    """Return the blocks of a little-endian pcapng file as far as its lengths go, and the rest."""
    found = []
    at = 0
    while at + 12 <= len(data):
        (length,) = struct.unpack_from("<I", data, at + 4)
        if length < 12 or length % 4 or at + length > len(data):
            break
        found.append(data[at : at + length])
        at += length
    return [*found, data[at:]]


def changed_blocks(data: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Return a pcapng file with blocks lost, repeated, moved, or changed within good lengths."""
    blocks = blocks_of(data)
    for _ in range(chance.choice((1, 1, 2, 3))):
        at = chance.randrange(len(blocks))
        way = chance.randrange(6)
        if way == 0:
            del blocks[at]
        elif way == 1:
            blocks.insert(chance.randrange(len(blocks) + 1), blocks[at])
        elif way == 2:
            blocks.insert(chance.randrange(len(blocks)), blocks.pop(at))
        elif way == 3:
            blocks[at:at] = chance.choices(blocks_of(chance.choice(seeds)), k=2)
        elif len(blocks[at]) >= 12:
            kind = blocks[at][:4]
            if way == 4:
                kind = chance.choice((1, 2, 3, 4, 5, 6, 9, 10, 0x0A0D0D0A)).to_bytes(4, "little")
            body = mutated(blocks[at][8:-4], [blocks[at][8:-4]], chance)
            blocks[at] = block(kind, body)
        if not blocks:
            return b""
    return b"".join(blocks)


def block(kind: bytes, body: bytes) -> bytes:
    """Return a block whose lengths are right, whatever is in it."""
    body += bytes(-len(body) % 4)
    length = struct.pack("<I", len(body) + 12)
    return kind + length + body + length
