"""pcap: every kind of record, exactly; what lies about its length is damage."""

from __future__ import annotations

import io

import pytest
from crafted_captures import (
    BIG,
    FRAME,
    LITTLE,
    TIME,
    Dribble,
    packets,
    pcap,
    pcap_header,
    pcap_record,
    read,
)
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.buffer import Buffer
from wsanalyze.capture.batch import Batch
from wsanalyze.capture.pcap import PcapRecords, is_pcap, read_header
from wsanalyze.limits import Limits

ORDERS = pytest.mark.parametrize("order", [LITTLE, BIG])


@ORDERS
@pytest.mark.parametrize(
    ("magic", "fraction", "time_ns"),
    [
        (0xA1B2C3D4, 123_456, 1_700_000_000_123_456_000),
        (0xA1B23C4D, 123_456_789, 1_700_000_000_123_456_789),
    ],
)
def test_microseconds_and_nanoseconds(order: str, magic: int, fraction: int, time_ns: int) -> None:
    data = pcap_header(order, magic) + pcap_record(fraction=fraction, wire=70, order=order)
    assert packets(data) == [(1, time_ns, 1, 70, FRAME)]


@ORDERS
def test_modified_records_have_eight_bytes_more(order: str) -> None:
    record = pcap_record(order=order, extra=b"\1\2\3\4\5\6\7\0")
    data = pcap_header(order, 0xA1B2CD34) + record + record
    assert packets(data) == [(1, TIME, 1, 60, FRAME), (2, TIME, 1, 60, FRAME)]


def test_the_info_of_a_file() -> None:
    _, info = read(pcap(3, BIG))
    assert (info.format, info.byte_order, info.compression) == ("pcap", "big", None)
    assert (info.packets, info.snap_length, info.problem) == (3, 262_144, None)
    assert (info.first_time_ns, info.last_time_ns) == (TIME, TIME + 2 * 10**9)
    assert info.bytes_read == len(pcap(3, BIG))
    (interface,) = info.interfaces
    assert (interface.link, interface.resolution, interface.fcs_length) == (1, 10**6, None)


def test_times_are_the_earliest_and_latest_even_where_they_go_backwards() -> None:
    _, info = read(pcap(3, step=-(10**9)))
    assert (info.first_time_ns, info.last_time_ns) == (TIME - 2 * 10**9, TIME)


def test_the_link_type_is_the_low_half_of_its_word() -> None:
    found, info = read(pcap_header(network=0x2400_0071) + pcap_record())
    assert found[0][2] == 0x71 | 4 << 16  # and the frame check sequence above it
    assert info.interfaces[0].fcs_length == 4


def test_no_snap_length_is_no_bound() -> None:
    assert read(pcap_header(snap=0) + pcap_record())[1].snap_length is None


def test_old_writers_swapped_the_lengths() -> None:
    data = pcap_header(version=(2, 2)) + pcap_record(captured=1500, wire=60)
    assert packets(data) == [(1, TIME, 1, 1500, FRAME)]


def test_a_wire_length_below_the_captured_one_is_not_believed() -> None:
    assert packets(pcap_header() + pcap_record(wire=10)) == [(1, TIME, 1, 60, FRAME)]


def test_the_last_possible_time_does_not_wrap() -> None:
    data = pcap_header() + pcap_record(seconds=0xFFFFFFFF, fraction=0xFFFFFFFF)
    assert packets(data)[0][1] == 0xFFFFFFFF * 10**9 + 0xFFFFFFFF * 1000


@pytest.mark.parametrize("captured", [262_145, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_a_packet_above_the_limit_is_damage(captured: int) -> None:
    data = pcap_header() + pcap_record() + pcap_record(captured=captured, wire=captured)
    found, info = read(data)
    assert len(found) == 1
    assert info.problem.offset == 24 + 16 + 60
    assert f"packet 2 claims {captured} bytes" in info.problem.what


@pytest.mark.parametrize(("snap", "network"), [(300_000, 1), (65_535, 189)])
def test_larger_packets_where_the_file_announces_them(snap: int, network: int) -> None:
    large = bytes(300_000)
    data = pcap_header(snap=snap, network=network) + pcap_record(large) + pcap_record()
    found, info = read(data, window=4096)
    assert [packet[4] for packet in found] == [large, FRAME]
    assert info.problem is None


def test_a_limit_holds_whatever_the_file_announces() -> None:
    data = pcap_header(snap=0xFFFFFFFF) + pcap_record(bytes(2000))
    assert "2000 bytes, over 1000" in read(data, limits=Limits(packet=1000))[1].problem.what


def test_an_empty_packet_is_a_packet() -> None:
    assert packets(pcap_header() + pcap_record(b"")) == [(1, TIME, 1, 0, b"")]


def test_a_file_without_packets_is_whole() -> None:
    found, info = read(pcap_header())
    assert (found, info.problem, info.first_time_ns) == ([], None, None)


@ORDERS
def test_every_prefix_gives_the_packets_that_are_whole(order: str) -> None:
    data, whole = pcap(4, order), packets(pcap(4, order))
    ends = {24: 0}
    for number, _, _, _, captured in whole:
        ends[max(ends) + 16 + len(captured)] = number
    for length in range(24, len(data) + 1):
        found, info = read(data[:length])
        count = max(number for end, number in ends.items() if end <= length)
        assert found == whole[:count]
        assert (info.problem is None) == (length in ends)
        if info.problem is not None:
            assert info.problem.offset == max(end for end in ends if end <= length)


def test_one_byte_at_a_time() -> None:
    assert packets(Dribble(pcap(5))) == packets(pcap(5))


@given(st.integers(1, 400), st.integers(1, 100), st.integers(64, 300))
def test_any_pieces_give_the_same_packets(count: int, most: int, window: int) -> None:
    data = pcap(count % 20)
    assert packets(Dribble(data, most), window=window) == packets(data)


@given(st.data())
def test_no_flipped_byte_is_an_exception(data: st.DataObject) -> None:
    good = bytearray(pcap(4))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(4, len(good) - 1))] = data.draw(st.integers(0, 255))
    found, info = read(bytes(good))
    assert info.packets == len(found)
    for _, _, _, wire, captured in found:
        assert wire >= len(captured)


def test_a_full_batch_continues_where_it_stopped() -> None:
    data = pcap(7)
    header = read_header(data)
    assert header is not None
    records = PcapRecords(header, 262_144)
    batch = Batch(Buffer(data), 3)
    at, counts = 24, []
    while at < len(data):
        at = records.index(batch, at, len(data))
        counts.append(batch.count)
    assert counts == [3, 3, 1]
    assert [packet[0] for packet in batch.packets()] == [7]


def test_what_is_needed_is_said() -> None:
    data = pcap_header() + pcap_record()
    header = read_header(data)
    assert header is not None
    records = PcapRecords(header, 262_144)
    batch = Batch(Buffer(data))
    assert records.index(batch, 24, 30) == 24
    assert records.needed == 16
    assert records.index(batch, 24, 50) == 24
    assert records.needed == 76
    assert batch.count == 0


def test_a_header_cut_short_is_no_header() -> None:
    assert read_header(pcap_header()[:23]) is None
    assert read_header(bytes(24)) is None
    assert not is_pcap(pcap_header()[:3])
    assert is_pcap(pcap_header()[:4])


def test_as_dpkt_reads_it() -> None:
    dpkt = pytest.importorskip("dpkt")
    for order in (LITTLE, BIG):
        data = pcap(50, order)
        theirs = [(round(t * 10**6), bytes(p)) for t, p in dpkt.pcap.Reader(io.BytesIO(data))]
        assert [(t // 1000, p) for _, t, _, _, p in packets(data)] == theirs


def test_as_scapy_reads_it() -> None:
    utils = pytest.importorskip("scapy.utils")
    for magic in (0xA1B2C3D4, 0xA1B23C4D):
        data = pcap_header(BIG, magic) + b"".join(
            pcap_record(FRAME[:i], fraction=i * 1000, wire=100, order=BIG) for i in range(1, 50)
        )
        unit = 1000 if magic == 0xA1B2C3D4 else 1
        theirs = [
            (m.sec * 10**9 + m.usec * unit, m.wirelen, p)
            for p, m in utils.RawPcapReader(io.BytesIO(data))
        ]
        assert [(t, w, p) for _, t, _, w, p in packets(data)] == theirs
