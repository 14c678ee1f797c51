"""Recorded captures that are cut, broken, snapped or selected from: what is lost is named."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support import records as r
from support import variants as v
from support.compared import (
    CAPTURES,
    ETHERNET,
    NUMBERS,
    RECORDED,
    check_same,
    identities,
    made,
    recorded,
)
from support.records import Record
from support.variants import needs_wireshark, zstd

import wsanalyze


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 0.8, 0.99])
def test_cut_files(share: float, name: str, tmp_path: Path) -> None:
    """Every whole packet is read, the cut is told with its place, no frame is invented."""
    found, wanted = made(v.cut_at(share), name, tmp_path), recorded(name)
    size = (tmp_path / "cut.pcap").stat().st_size
    whole, at = 0, 24
    for each in r.records_of(CAPTURES / name):
        at += 16 + len(each.data)
        whole += at <= size
    summary = found.summary.iloc[0]
    assert summary["packets"] == whole
    assert f"cut off after packet {whole}" in summary["problem"]
    assert identities(found) <= identities(wanted)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, zstd.compress])
def test_cut_compressed_files(compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
    found, wanted = made(v.cut_compressed(compress), RECORDED[0], tmp_path), recorded(RECORDED[0])
    summary = found.summary.iloc[0]
    whole = len(r.records_of(CAPTURES / RECORDED[0])) + 1000
    assert "is cut off" in summary["problem"]
    # A block of xz may hold the whole file, one of bzip2 900 kB: it is there or it is not.
    assert 0 < summary["packets"] < whole
    assert identities(found) == identities(wanted)


def test_a_gzip_file_with_a_broken_middle(tmp_path: Path) -> None:
    found, wanted = made(v.broken_gzip, RECORDED[0], tmp_path), recorded(RECORDED[0])
    summary = found.summary.iloc[0]
    assert "the gzip data cannot be decompressed" in summary["problem"]
    assert summary["packets"] > 400
    assert identities(found) == identities(wanted)


@needs_wireshark
@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("probability", [0.001, 0.01, 0.1])
def test_bytes_changed_by_chance(probability: float, name: str, tmp_path: Path) -> None:
    found = made(v.edited("-E", probability, "--seed", 7), name, tmp_path)
    assert found.summary["packets"].iloc[0] == len(r.records_of(CAPTURES / name))
    assert found.summary["problem"].isna().all()


SNAPS = (1500, 300, 200, 120, 96, 80, 66, 60, 54, 40, 34, 20, 14)


@needs_wireshark
@pytest.mark.parametrize("name", ETHERNET)
@pytest.mark.parametrize("snap", SNAPS)
def test_snap_lengths(snap: int, name: str, tmp_path: Path) -> None:
    """What was cut away is a gap of known size: frames behind it stand where they stood."""
    found, wanted = made(v.edited("-s", snap), name, tmp_path), recorded(name)
    summary = found.summary.iloc[0]
    cut = [each for each in r.records_of(CAPTURES / name) if len(each.data) > snap]
    assert summary["cut_packets"] == len(cut)
    assert summary["wire_bytes"] == wanted.summary["wire_bytes"].iloc[0]
    assert identities(found) <= identities(wanted)
    if snap < 54:
        # Not even the TCP header is there (IPv6 has more before it).
        assert summary["not_decoded_truncated"] == wanted.summary["tcp_packets"].iloc[0]
        assert found.connections.empty
    elif name != "ws-ipv6.pcapng":
        assert summary["tcp_packets"] == wanted.summary["tcp_packets"].iloc[0]
        assert summary["tcp_conversations"] == wanted.summary["tcp_conversations"].iloc[0]


@pytest.mark.parametrize("name", ETHERNET)
def test_lost_bytes_are_those_that_the_snap_length_cut(name: str, tmp_path: Path) -> None:
    """Cut only behind the handshakes, and behind all headers: what is gone is counted exactly."""

    def snapped(records: list[Record]) -> bytes:
        return r.pcap([replace(each, data=each.data[: kept(each)]) for each in records])

    def kept(each: Record) -> int:
        return len(each.data) if b"HTTP/1.1" in each.data else 94

    found, wanted = made(v.made_by_us(snapped), name, tmp_path), recorded(name)
    for role in ("client", "server"):
        for what in ("retransmissions", "out_of_order", "duplicates"):
            column = f"{role}_{what}"
            assert (found.connections[column] == wanted.connections[column]).all()
    lost = found.summary["lost_bytes"].iloc[0]
    if wanted.connections[[f"{role}_retransmissions" for role in ("client", "server")]].any().any():
        assert lost > 0
        return
    records = r.records_of(CAPTURES / name)
    assert lost == sum(max(0, each.wire - kept(each)) for each in records) > 0


@needs_wireshark
@pytest.mark.parametrize("name", RECORDED)
def test_packets_chopped_at_their_ends(name: str, tmp_path: Path) -> None:
    found, wanted = made(v.edited("-C", -3), name, tmp_path), recorded(name)
    assert found.summary["cut_packets"].iloc[0] == wanted.summary["packets"].iloc[0]
    assert identities(found) <= identities(wanted)


@needs_wireshark
@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("options", [("-r", "1-30"), ("", "5-9"), ("", "2"), ("-r", "20-60")])
def test_selected_packets(options: tuple[str, str], name: str, tmp_path: Path) -> None:
    """editcap keeps (-r) or drops packets: what is found is part of what was there."""
    keep, chosen = options
    first, last = (int(each) for each in (chosen.split("-") * 2)[:2])
    made_by_editcap = tmp_path / "selected"
    v.run("editcap", *([keep] if keep else []), CAPTURES / name, made_by_editcap, chosen)
    found = wsanalyze.analyze(made_by_editcap)
    count = len(r.records_of(CAPTURES / name))
    in_range = sum(first <= i <= last for i in range(1, count + 1))
    assert found.summary["packets"].iloc[0] == (in_range if keep else count - in_range)
    assert identities(found, "time") <= identities(recorded(name), "time")


@needs_wireshark
@pytest.mark.parametrize("name", RECORDED)
def test_a_time_window(name: str, tmp_path: Path) -> None:
    records = r.records_of(CAPTURES / name)
    middle = records[len(records) // 2].time
    text = f"{middle // r.SECOND}.{middle % r.SECOND:09d}"
    before, after = tmp_path / "before", tmp_path / "after"
    v.run("editcap", "-B", text, CAPTURES / name, before)
    v.run("editcap", "-A", text, CAPTURES / name, after)
    found = wsanalyze.analyze([after, before], segments=True, payloads="full")
    assert list(found.summary["packets"]) == [
        sum(each.time >= middle for each in records),
        sum(each.time < middle for each in records),
    ]
    check_same(found, recorded(name), NUMBERS)
