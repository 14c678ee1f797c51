"""Recorded captures, damaged and wrapped: each variant is made in the test run, from the original.

A variant is a function `(capture, directory) -> what to analyze`. Those of editcap and its company
come with tshark; the rest are written here, byte by byte.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from support.chance import chance
from support.records import (
    SECOND,
    Record,
    block,
    enhanced,
    interface,
    pcap,
    pcapng,
    records_of,
    section,
)

try:
    from compression import zstd  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    from backports import zstd

Made = list[Path]
Variant = Callable[[Path, Path], Made]

TOOLS = ("editcap", "mergecap", "reordercap", "text2pcap")
needs_wireshark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason="Wireshark's tools are not installed"
)


def run(tool: str, *arguments: object) -> None:
    """Run one of Wireshark's tools."""
    command = [tool, *(str(argument) for argument in arguments)]
    subprocess.run(command, check=True, capture_output=True)


def write(path: Path, data: bytes) -> Made:
    """Write a file and return it as what to analyze."""
    path.write_bytes(data)
    return [path]


def made_by_us(make: Callable[[list[Record]], bytes]) -> Variant:
    """Return the variant that writes what `make` does with the packets."""
    return lambda capture, directory: write(directory / "made", make(records_of(capture)))


def edited(*options: object) -> Variant:
    """Return the variant that editcap makes with these options."""

    def make(capture: Path, directory: Path) -> Made:
        run("editcap", *options, capture, directory / "edited")
        return sorted(directory.glob("edited*"))

    return make


def big_and_little(records: list[Record]) -> bytes:
    """Return a pcapng file with a section for each packet, in turn of one and the other order."""
    return b"".join(
        section("<>"[i % 2])
        + interface("<>"[i % 2], each.link, 9)
        + enhanced("<>"[i % 2], each, 0, 9)
        for i, each in enumerate(records)
    )


def clocks_side_by_side(records: list[Record]) -> bytes:
    """Return a pcapng file with interfaces of 10^-9, 2^-30, 10^-10 and 2^-33 seconds in turn."""
    clocks = (9, 0x80 | 30, 10, 0x80 | 33)
    head = section("<") + b"".join(interface("<", records[0].link, clock) for clock in clocks)
    return head + b"".join(
        enhanced("<", each, i % 4, clocks[i % 4]) for i, each in enumerate(records)
    )


def without_times(records: list[Record]) -> bytes:
    """Return a pcapng file of Simple Packet Blocks, which have no times."""
    head = section("<") + interface("<", records[0].link, 9)
    return head + b"".join(
        block("<", 3, struct.pack("<I", each.wire) + each.data) for each in records
    )


def obsolete(records: list[Record]) -> bytes:
    """Return a pcapng file of the obsolete Packet Blocks."""
    head = section(">") + interface(">", records[0].link, 9)
    parts = []
    for each in records:
        fields = (0, 0, each.time >> 32, each.time & 0xFFFFFFFF, len(each.data), each.wire)
        parts.append(block(">", 2, struct.pack(">HHIIII", *fields) + each.data))
    return head + b"".join(parts)


def members(data: bytes, size: int = 3000) -> bytes:
    """Return gzip data in members of `size` bytes each."""
    return b"".join(gzip.compress(data[i : i + size]) for i in range(0, len(data), size))


def compressed(compress: Callable[[bytes], bytes]) -> Variant:
    """Return the variant that is the file itself, compressed."""
    return lambda capture, directory: write(directory / "x", compress(capture.read_bytes()))


# One capture in several files.


def rotated(capture: Path, directory: Path) -> Made:
    """Return the capture as `editcap -c 7` rotates it."""
    run("editcap", "-c", 7, capture, directory / "rotated.pcapng")
    return sorted(directory.glob("rotated*"))


def rotated_backwards(capture: Path, directory: Path) -> Made:
    """Return the rotated files, the last one first."""
    return rotated(capture, directory)[::-1]


def a_directory(capture: Path, directory: Path) -> Made:
    """Return a directory of rotated files, with other things among them."""
    rotated(capture, directory)
    (directory / "notes.txt").write_text("not a capture")
    return [directory]


def rotated_and_compressed(capture: Path, directory: Path) -> Made:
    """Return rotated files, each compressed in another way and with the name of none."""
    ways: list[Callable[[bytes], bytes]] = [gzip.compress, bz2.compress, lzma.compress, bytes]
    ways.append(zstd.compress)
    files = []
    for i, path in enumerate(rotated(capture, directory)):
        files += write(directory / f"part {i}", ways[i % 5](path.read_bytes()))
        path.unlink()
    return files


def by_seconds(capture: Path, directory: Path) -> Made:
    """Return the capture as `editcap -i` cuts it, every 2 ms."""
    run("editcap", "-i", 0.002, capture, directory / "timed.pcapng")
    return sorted(directory.glob("timed*"))


def merged(capture: Path, directory: Path) -> Made:
    """Return what mergecap makes of the rotated files, given in a wrong order."""
    run("mergecap", "-w", directory / "merged", *rotated_backwards(capture, directory))
    return [directory / "merged"]


def appended_and_sorted(capture: Path, directory: Path) -> Made:
    """Return the rotated files joined in a wrong order, and put in order by reordercap."""
    run("mergecap", "-a", "-w", directory / "joined", *rotated_backwards(capture, directory))
    run("reordercap", directory / "joined", directory / "sorted")
    return [directory / "sorted"]


def dealt(hands: int) -> Variant:
    """Return the variant in which the packets are dealt out to so many files, by chance."""

    def make(capture: Path, directory: Path) -> Made:
        source = chance(capture.name)
        piles: list[list[Record]] = [[] for _ in range(hands)]
        for each in records_of(capture):
            source.choice(piles).append(each)
        return [
            write(directory / f"{i}.pcapng", pcapng(pile))[0]
            for i, pile in enumerate(piles)
            if pile
        ]

    return make


def dealt_to_clocks(capture: Path, directory: Path) -> Made:
    """Return the packets dealt out to files with clocks of ns, µs and 2^-14 s."""
    source = chance(capture.name)
    piles: list[list[Record]] = [[], [], []]
    for each in records_of(capture):
        source.choice(piles).append(each)
    nanoseconds, microseconds, coarse = piles
    return [
        *write(directory / "ns", pcapng(nanoseconds)),
        *write(directory / "us", pcap(microseconds, fraction_ns=1000, order=">")),
        *write(directory / "coarse", pcapng(coarse, resolution=0x80 | 14)),
    ]


def from_text(capture: Path, directory: Path) -> Made:
    """Return the capture as text2pcap makes it of a hex dump."""
    records = records_of(capture)
    lines = []
    for each in records:
        lines.append(f"{each.time // SECOND}.{each.time % SECOND:09d}")
        lines += [f"{i:06x} {each.data[i : i + 16].hex(' ')}" for i in range(0, len(each.data), 16)]
    (directory / "dump.txt").write_text("\n".join(lines) + "\n")
    # The numbers of Wireshark and of tcpdump.org are the same for Ethernet and cooked v2.
    run("text2pcap", "-q", "-t", "%s.%f", "-l", records[0].link, directory / "dump.txt",
        directory / "text")  # fmt: skip
    return [directory / "text"]


# Packets seen twice.

Copy = Callable[[Record], Record]


def later(delay: int) -> Copy:
    """Return what makes of a packet its copy `delay` ns later."""
    return lambda each: replace(each, time=each.time + delay)


def routed(each: Record) -> Record:
    """Return the packet behind a router: other MAC addresses, a TTL less, its checksum with it."""
    data = bytearray(each.data)
    at = 14
    if data[at] >> 4 == 6:
        data[at + 7] -= 1
    else:
        data[at + 8] -= 1
        total = sum(struct.unpack(">9H", bytes(data[at : at + 10] + data[at + 12 : at + 20])))
        total = (total & 0xFFFF) + (total >> 16)
        data[at + 10 : at + 12] = struct.pack(">H", ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF)
    data[:12] = bytes.fromhex("02000000aa0102000000aa02")
    return Record(each.time + 30_000, each.link, bytes(data), each.wire)


def tagged(each: Record) -> Record:
    """Return the packet with a VLAN tag."""
    data = each.data[:12] + bytes.fromhex("81000064") + each.data[12:]
    return Record(each.time + 1000, each.link, data, each.wire + 4)


def twice(copy: Copy, burst: int = 1) -> Variant:
    """Return the variant with `burst` packets, then their copies, and so on."""

    def make(records: list[Record]) -> bytes:
        both: list[Record] = []
        for i in range(0, len(records), burst):
            both += records[i : i + burst]
            both += [copy(each) for each in records[i : i + burst]]
        return pcapng(both)

    return made_by_us(make)


def twice_on_two_interfaces(capture: Path, directory: Path) -> Made:
    """Return the packets as Ethernet, and as Linux cooked v2 of another interface."""
    head = section("<") + interface("<", 1, 9) + interface("<", 276, 9)
    parts = [head]
    for each in records_of(capture):
        cooked = each.data[12:14] + struct.pack(">HIHBB8s", 0, 2, 1, 0, 6, b"") + each.data[14:]
        parts.append(enhanced("<", each, 0, 9))
        parts.append(enhanced("<", Record(each.time + 2000, 276, cooked, each.wire + 6), 1, 9))
    return write(directory / "two", b"".join(parts))


def the_same_file_twice(capture: Path, directory: Path) -> Made:
    """Return the capture and a copy of it."""
    shutil.copy(capture, directory / "copy")
    return [capture, directory / "copy"]


def merged_with_itself(capture: Path, directory: Path) -> Made:
    """Return what mergecap makes of the capture and itself."""
    run("mergecap", "-w", directory / "merged", capture, capture)
    return [directory / "merged"]


def overlapping(capture: Path, directory: Path) -> Made:
    """Return the first and the last 60 % of the packets as two files."""
    records = records_of(capture)
    size = len(records) * 6 // 10
    return [
        *write(directory / "a.pcap", pcap(records[:size])),
        *write(directory / "b.pcap", pcap(records[-size:], order=">")),
    ]


def twice_then_once(capture: Path, directory: Path) -> Made:
    """Return the doubled capture without its copies, as `editcap -d` has it."""
    (doubled,) = twice(later(1000))(capture, directory)
    run("editcap", "-d", doubled, directory / "once")
    return [directory / "once"]


# Times.


def retimed(clock: Callable[[int, Record], int]) -> Variant:
    """Return the variant in which packet i (from 0) has the time `clock(i, packet)`."""

    def make(records: list[Record]) -> bytes:
        return pcapng([replace(each, time=clock(i, each)) for i, each in enumerate(records)])

    return made_by_us(make)


def before_1970(records: list[Record]) -> bytes:
    """Return a pcapng file of which the clock counts from 1960 on (if_tsoffset)."""
    offset = struct.pack("<HHq", 14, 8, -records[0].time // SECOND - 313_000_000)
    resolution = struct.pack("<HHB3x", 9, 1, 9)
    head = block(
        "<", 1, struct.pack("<HHI", records[0].link, 0, 0) + resolution + offset + bytes(4)
    )
    return section("<") + head + b"".join(enhanced("<", each, 0, 9) for each in records)


def beyond_2262(records: list[Record]) -> bytes:
    """Return a pcapng file whose times no 64-bit number of nanoseconds holds (units of 1 s)."""
    late = [replace(each, time=(1 << 40) * SECOND) for each in records]
    return pcapng(late, resolution=0)


def shuffled(within: int) -> Variant:
    """Return the variant whose packets moved by up to `within` places; times stay with them."""

    def make(records: list[Record]) -> bytes:
        source = chance(within)
        places = [(i + source.uniform(0, within), each) for i, each in enumerate(records)]
        return pcapng([each for _, each in sorted(places, key=lambda pair: pair[0])])

    return made_by_us(make)


def shuffled_and_sorted(capture: Path, directory: Path) -> Made:
    """Return the shuffled capture as reordercap puts it in order."""
    (moved,) = shuffled(9)(capture, directory)
    run("reordercap", moved, directory / "sorted")
    return [directory / "sorted"]


# Damage.


def cut_at(share: float) -> Variant:
    """Return the variant of which the file ends after that share of its bytes."""

    def make(capture: Path, directory: Path) -> Made:
        data = pcap(records_of(capture))
        return write(directory / "cut.pcap", data[: int(len(data) * share)])

    return make


def cut_compressed(compress: Callable[[bytes], bytes]) -> Variant:
    """Return the variant of which the compressed file ends after two thirds."""

    def make(capture: Path, directory: Path) -> Made:
        data = compress(noisy(records_of(capture)))
        return write(directory / "cut", data[: len(data) * 2 // 3])

    return make


def noisy(records: Iterable[Record]) -> bytes:
    """Return the packets as a file with so much noise behind that it fills many blocks."""
    noise = random.Random(3)  # noqa: S311
    last = list(records)
    more = [
        Record(last[-1].time + 1000 * i, last[-1].link, noise.randbytes(1500), 1500)
        for i in range(1000)
    ]
    return pcap([*last, *more])


def broken_gzip(capture: Path, directory: Path) -> Made:
    """Return gzip data of which the middle is overwritten."""
    data = bytearray(gzip.compress(noisy(records_of(capture))))
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(64)
    return write(directory / "broken.gz", bytes(data))


def with_checksums(records: list[Record]) -> bytes:
    """Return the packets with four bytes of frame check sequence behind each."""
    return pcapng([replace(e, data=e.data + b"\xde\xad\xbe\xef", wire=e.wire + 4) for e in records])


def lengthened(records: list[Record]) -> Iterator[Record]:
    """Yield the packets padded to 60 bytes, as Ethernet has them on the wire."""
    for each in records:
        data = each.data + bytes(max(0, 60 - len(each.data)))
        yield replace(each, data=data, wire=max(each.wire, 60))
