"""Compressed captures: every format, cut, damaged, in several members, larger than memory."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import importlib
import io
import lzma
import random
import sys
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from crafted_captures import Dribble, packets, pcap, pcap_header, pcap_record, pcapng, read

from wsanalyze.capture.compression import Decompressed, compression_of
from wsanalyze.capture.stored import Stored
from wsanalyze.errors import CaptureError

try:
    from compression import zstd  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    from backports import zstd

Compress = Callable[[bytes], bytes]
FORMATS: dict[str, Compress] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
}
with contextlib.suppress(ImportError):
    FORMATS["lz4"] = importlib.import_module("lz4.frame").compress
ALL = pytest.mark.parametrize("name", FORMATS)
RANDOM = random.Random(5).randbytes(600_000)  # noqa: S311
# Larger than the blocks of all formats, of which nothing can be had before their end.
NOISY = pcap_header() + b"".join(pcap_record(RANDOM[i : i + 600]) for i in range(0, 600_000, 600))


@ALL
def test_known_by_content(name: str) -> None:
    found, info = read(FORMATS[name](pcapng(5)))
    assert found == packets(pcapng(5))
    assert (info.compression, info.format, info.problem) == (name, "pcapng", None)


@ALL
def test_several_members_are_one_stream(name: str) -> None:
    data, compress = pcap(40), FORMATS[name]
    parts = b"".join(compress(data[i : i + 100]) for i in range(0, len(data), 100))
    assert packets(parts) == packets(data)
    assert packets(Dribble(parts)) == packets(data)


@ALL
@pytest.mark.parametrize("garbage", [bytes(100), b"x", b"garbage behind the end", b"\0"])
def test_what_follows_the_end_is_ignored(name: str, garbage: bytes) -> None:
    found, info = read(FORMATS[name](pcap(5)) + garbage)
    assert (found, info.problem) == (packets(pcap(5)), None)


@ALL
def test_a_cut_gives_every_packet_that_can_be_had(name: str) -> None:
    data = bz2.compress(NOISY, 1) if name == "bzip2" else FORMATS[name](NOISY)
    whole = packets(NOISY)
    for cut in (len(data) * 3 // 4, len(data) - 30, len(data) - 1):
        found, info = read(data[:cut])
        assert found == whole[: len(found)]
        assert len(found) > len(whole) // 2
        assert "is cut off" in info.problem.what
        assert "decompressed stream" in info.problem.what
        assert info.problem.offset == 24 + len(found) * 616
    if name == "gzip":
        assert len(packets(data[: len(data) - 700])) >= len(whole) - 2


@ALL
def test_every_prefix_is_a_prefix_or_a_capture_error(name: str) -> None:
    data = FORMATS[name](pcapng(3))
    whole, before = packets(pcapng(3)), 0
    for length in range(len(data)):
        try:
            found, info = read(data[:length])
        except CaptureError:
            assert before == 0
            continue
        assert found == whole[: len(found)]
        assert len(found) >= before
        assert info.problem is not None
        before = len(found)


@ALL
def test_no_flipped_bit_is_more_than_a_capture_error(name: str) -> None:
    data = bytearray(FORMATS[name](pcap(5)))
    for i in range(len(data)):
        data[i] ^= 1 << i % 8
        with contextlib.suppress(CaptureError):
            read(bytes(data))
        data[i] ^= 1 << i % 8


def test_a_wrong_gzip_checksum_costs_no_packet() -> None:
    data = bytearray(gzip.compress(pcap(5)))
    data[-8] ^= 1
    found, info = read(bytes(data))
    assert found == packets(pcap(5))
    assert "the gzip data cannot be decompressed" in info.problem.what
    assert info.problem.offset == len(pcap(5))


def test_gzip_damage_costs_only_what_is_behind_it() -> None:
    data = bytearray(gzip.compress(NOISY, 0))
    data[-3000] ^= 0xFF  # stored: the bytes pass, the checksum does not
    assert len(packets(bytes(data))) == 1000
    parts = zlib.compressobj(6, zlib.DEFLATED, 31)
    first = parts.compress(NOISY[:30_000]) + parts.flush(zlib.Z_FULL_FLUSH)
    found, info = read(first + b"\x07" * 100)  # 11 is no block type
    assert len(found) == 48
    assert "cannot be decompressed" in info.problem.what


@ALL
def test_a_bomb_is_read_in_small_pieces(name: str) -> None:
    bomb = FORMATS[name](bytes(50_000_000))
    decompressed = Decompressed(Stored("x", io.BytesIO(bomb), owned=False), name, b"")
    view = memoryview(bytearray(10_000))
    total = 0
    tracemalloc.start()
    while count := decompressed.readinto(view):
        assert count <= 10_000
        total += count
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 50_000_000
    assert decompressed.problem is None
    assert peak < 20_000_000  # xz alone takes its dictionary of 8 MiB


@ALL
def test_a_pipe_is_read_byte_by_byte(name: str) -> None:
    assert packets(Dribble(FORMATS[name](pcapng(5)))) == packets(pcapng(5))


def test_zstd_frames_to_skip() -> None:
    skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
    frame = zstd.compress(pcap(2))
    assert packets(skippable + frame + skippable) == packets(pcap(2))


def test_a_missing_module_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lz4.frame", None)
    with pytest.raises(CaptureError, match=r"lz4-compressed \(pip install lz4, or decompress"):
        read(b"\x04\x22\x4d\x18" + bytes(30))


def test_an_xz_dictionary_beyond_reason() -> None:
    bomb = bytearray(lzma.compress(pcap(1)))
    bomb[16] = 40  # the block header's dictionary size: 4 GiB - 1
    bomb[20:24] = zlib.crc32(bomb[12:20]).to_bytes(4, "little")
    with pytest.raises(CaptureError, match="xz data cannot be decompressed: Memory usage"):
        read(bytes(bomb))


def test_plain_captures_are_not_compressed() -> None:
    for head in (pcap(1), pcapng(1), b"", b"BZ", b"BZhello", b"\x1f"):
        assert compression_of(head) is None
