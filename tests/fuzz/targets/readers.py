"""Capture files, whole, damaged and compressed, against readers that are written plainly."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import zlib
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from capture.crafted_captures import Dribble, pcap, pcapng

from fuzz.captures import changed_capture, shipped
from fuzz.mutations import mutated
from fuzz.target import Target, magnitude
from wsanalyze.capture.compression import compression_of
from wsanalyze.capture.source import open_capture
from wsanalyze.errors import CaptureError
from wsanalyze.limits import Limits

Packets = list[tuple[int, int, int, int, bytes]]

# A record that claims more is damage; small, so that inputs reach it.
LIMITS = Limits(packet=100_000)
# Micro- and nanoseconds in both byte orders; the plain reader knows no others.
COMMON_MAGICS = tuple(
    magic.to_bytes(4, order) for magic in (0xA1B2C3D4, 0xA1B23C4D) for order in ("big", "little")
)
PACKERS: tuple[Callable[[bytes], bytes], ...] = (gzip.compress, bz2.compress, lzma.compress)
# What a compressed input may hold: an input is a few kB, and a bomb has a test of its own.
MOST_INSIDE = 4_000_000


def read(source: Any, window: int = 512 * 1024) -> tuple[Packets, str | None] | None:
    """Return the packets of a source and where it broke; None where it is no capture."""
    try:
        with open_capture(source, limits=LIMITS, window=window) as reader:
            found: Packets = []
            while (batch := reader.next()) is not None:
                assert batch.count > 0
                found += batch.packets()
            problem = reader.info.problem
            return found, None if problem is None else problem.what
    except CaptureError:
        return None


def plain_pcap(data: bytes) -> list[tuple[int, int, bytes]]:
    """Return (time, wire length, bytes) of a pcap file as a few lines of Python read it."""
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    (magic,) = struct.unpack(order + "I", data[:4])
    version = struct.unpack_from(order + "HH", data, 4)
    unit = 1 if magic == 0xA1B23C4D else 1000
    found = []
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, captured, wire = struct.unpack_from(order + "IIII", data, at)
        if (2, 0) <= version < (2, 4) and captured > wire:
            # Until version 2.3 some wrote the two lengths the other way round.
            captured, wire = wire, captured
        if at + 16 + captured > len(data):
            break
        found.append((seconds * 10**9 + fraction * unit, wire, data[at + 16 :][:captured]))
        at += 16 + captured
    return found


def unpacked(data: bytes, compression: str) -> bytes | None:
    """Return what the standard library decompresses, as far as it goes; None if it cannot."""
    made: dict[str, Callable[[], Any]] = {
        "gzip": lambda: zlib.decompressobj(31),
        "bzip2": bz2.BZ2Decompressor,
        "xz": lzma.LZMADecompressor,
    }
    if compression not in made:
        return None
    whole = b""
    while compression_of(data[:6]) == compression:
        decoder = made[compression]()
        try:
            for at in range(len(data)):
                whole += decoder.decompress(data[at : at + 1])
                if len(whole) > MOST_INSIDE:
                    return None
                if decoder.eof:
                    break
        except (zlib.error, OSError, EOFError, lzma.LZMAError):
            return whole
        if not decoder.eof:
            return whole
        data = data[at + 1 :]
    return whole


def check(data: bytes) -> Hashable:
    """Read it whole, and in pieces through a small window; compare with the plain readers."""
    outcome = read(io.BytesIO(data))
    compression = compression_of(data[:6])
    if compression is not None:
        return check_compressed(data, compression, outcome)
    if outcome is None:
        return None
    packets, problem = outcome
    pieces = read(Dribble(data, 1 + len(data) % 97), window=64 + len(data) % 999)
    assert pieces == outcome, "delivery in pieces changes what is read"
    at = before = 0
    for number, time, link, wire, captured in packets:
        # Blocks that Wireshark counts and that are no packets leave gaps in the numbers.
        assert number > before
        before = number
        assert -(1 << 63) <= time < 1 << 63
        # The length of a frame check sequence stands in the bits above 16.
        assert 0 <= link < 1 << 21
        assert len(captured) <= wire
        # Each lies in the file behind the one before.
        at = data.index(captured, at) + len(captured)
    if data[:4] in COMMON_MAGICS:
        check_pcap(data, packets, problem)
    kinds = tuple(sorted({each[2] for each in packets}))[:4]
    return data[:4], magnitude(len(packets)), (problem or "")[:20], kinds


def check_pcap(data: bytes, packets: Packets, problem: str | None) -> None:
    """Compare with the plain reader, up to where ours saw damage."""
    plain = plain_pcap(data)
    if problem is None:
        assert len(packets) == len(plain)
    for (_, time, _, wire, captured), (its_time, its_wire, its_bytes) in zip(
        packets, plain, strict=False
    ):
        assert captured == its_bytes
        assert wire in (its_wire, len(captured))
        assert time == its_time


def check_compressed(
    data: bytes, compression: str, outcome: tuple[Packets, str | None] | None
) -> Hashable:
    """What is read of a compressed file is what is read of its contents, as far as they come."""
    inside = unpacked(data, compression)
    if inside is None:
        return compression, outcome is None
    expected = read(io.BytesIO(inside))
    if outcome is None:
        return compression, "unreadable", expected is None
    packets, problem = outcome
    assert expected is not None, "packets out of a file that has none"
    assert expected[0][: len(packets)] == packets
    if problem is None:
        assert expected == outcome
    return compression, magnitude(len(packets)), (problem or "")[:20]


def seeds() -> Sequence[bytes]:
    """Return captures of both formats and byte orders, some of them compressed."""
    crafted = [pcap(), pcap(order=">"), pcapng(), pcapng(order=">"), *shipped()]
    return [*crafted, *(pack(pcapng()) for pack in PACKERS), gzip.compress(pcap()) * 2]


def mutate(data: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Change a capture, or a compressed one; compress some."""
    if compression_of(data[:6]) is not None:
        return mutated(data, seeds, chance)
    made = changed_capture(data, seeds, chance)
    return chance.choice(PACKERS)(made) if chance.random() < 0.05 else made


TARGET = Target(
    "readers",
    "A file gives the packets that a plain reader finds in it, however it is delivered.",
    seeds,
    mutate,
    check,
)
