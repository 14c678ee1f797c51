"""pcapng: sections, interfaces and packets of every kind; numbers and times as Wireshark's."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from crafted_captures import (
    BIG,
    FRAME,
    LITTLE,
    TIME,
    Dribble,
    block,
    enhanced,
    interface,
    obsolete,
    option,
    packets,
    pcapng,
    read,
    resolution,
    secrets,
    section,
    simple,
    statistics,
)
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.errors import CaptureError
from wsanalyze.limits import Limits

ORDERS = pytest.mark.parametrize("order", [LITTLE, BIG])
START = section() + interface()
MICROS = TIME // 1000
FIRST = (1, TIME, 1, 60, FRAME)


def numbers(data: bytes) -> list[int]:
    return [packet[0] for packet in packets(data)]


def times(data: bytes) -> list[int]:
    return [packet[1] for packet in packets(data)]


def problem(data: bytes) -> str:
    """Return the problem of a file whose first packet is whole and whose second is not."""
    found, info = read(START + enhanced() + data)
    assert found == [FIRST]
    assert info.problem.offset == len(START + enhanced())
    return str(info.problem.what)


@ORDERS
def test_enhanced_simple_and_obsolete_packets(order: str) -> None:
    data = section(order) + interface(order=order) + enhanced(wire=70, order=order)
    data += simple(wire=60, order=order) + obsolete(units=MICROS + 1, order=order)
    found, info = read(data)
    assert found == [
        (1, TIME, 1, 70, FRAME),
        (2, TIME, 1, 60, FRAME),
        (3, TIME + 1000, 1, 60, FRAME),
    ]
    assert info.untimed_packets == 1
    assert info.byte_order == {LITTLE: "little", BIG: "big"}[order]


def test_a_simple_packet_has_the_time_of_the_one_before_or_none() -> None:
    found, info = read(START + simple() + enhanced() + simple())
    assert [packet[1] for packet in found] == [0, TIME, TIME]
    assert (info.first_time_ns, info.last_time_ns, info.untimed_packets) == (TIME, TIME, 2)


def test_a_file_of_simple_packets_has_no_times() -> None:
    _, info = read(START + simple())
    assert (info.first_time_ns, info.last_time_ns, info.untimed_packets) == (None, None, 1)


def test_a_simple_packet_is_cut_at_the_snap_length() -> None:
    data = section() + interface(snap=20) + simple(FRAME[:20], wire=60)
    assert packets(data) == [(1, 0, 1, 60, FRAME[:20])]


def test_interfaces_with_clocks_of_their_own() -> None:
    """dpkt gives the second interface's times a thousand times too large."""
    shift = option(14, struct.pack("<q", 3600))
    data = (
        section()
        + interface()
        + interface(options=resolution(9))
        + interface(options=resolution(3) + shift)
        + interface(options=resolution(0x8A))
        + interface(options=resolution(12))
        + enhanced(number=0)
        + enhanced(units=TIME + 7, number=1)
        + enhanced(units=1_700_000_000_123, number=2)
        + enhanced(units=(5 << 10) + 1, number=3)
        + enhanced(units=1_999_999_999, number=4)
    )
    assert times(data) == [
        TIME,
        TIME + 7,
        1_700_003_600_123_000_000,
        5_000_976_562,
        1_999_999,
    ]


@pytest.mark.parametrize("value", [0, 6, 9, 127, 0x80, 0xC0, 0xFF])
@pytest.mark.parametrize("shift", [-(2**63), -1, 0, 1, 2**63 - 1])
@pytest.mark.parametrize("units", [0, 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_times_beyond_64_bits_are_cut_not_wrapped(value: int, shift: int, units: int) -> None:
    options = resolution(value) + option(14, struct.pack("<q", shift))
    data = section() + interface(options=options) + enhanced(units=units)
    (time,) = times(data)
    power = value & 0x7F
    exact = units * 10**9 // (2 if value & 0x80 else 10) ** power + shift * 10**9
    # -2^63 is no time: numpy and pandas have it for "not a time".
    assert time == max(-(2**63) + 1, min(exact, 2**63 - 1))
    assert read(data)[1].clamped_times == (time != exact)


def test_sections_in_different_byte_orders_with_interfaces_of_their_own() -> None:
    second = section(BIG) + interface(113, options=resolution(9, BIG), order=BIG)
    data = START + enhanced() + second + enhanced(units=TIME + 1, order=BIG)
    found, info = read(data)
    assert found == [FIRST, (2, TIME + 1, 113, 60, FRAME)]
    assert [each.link for each in info.interfaces] == [1, 113]


def test_many_interfaces() -> None:
    data = section() + b"".join(interface(link) for link in range(100))
    data += enhanced(number=99) + obsolete(number=42)
    assert [packet[2] for packet in packets(data)] == [99, 42]


def test_what_the_file_says_of_itself() -> None:
    keys = secrets(b"CLIENT_RANDOM 00 11\n")
    name = interface(options=option(2, b"eth0"))
    counts = statistics(received=7, interface_dropped=2, system_dropped=1)
    _, info = read(section() + name + keys + enhanced() + counts)
    assert (info.format, info.snap_length, info.dropped) == ("pcapng", 262_144, 3)
    (found,) = info.interfaces
    assert (found.name, found.received, found.dropped) == ("eth0", 7, 3)
    assert info.secrets == [(0x544C534B, b"CLIENT_RANDOM 00 11\n")]


def test_secrets_are_there_before_the_packets_behind_them(tmp_path: Path) -> None:
    from wsanalyze.capture.source import open_capture

    path = tmp_path / "x"
    path.write_bytes(START + secrets(b"abc") + enhanced())
    with open_capture(path) as reader:
        assert reader.next() is not None
        assert reader.info.secrets == [(0x544C534B, b"abc")]


@pytest.mark.parametrize("kind", [4, 7, 8, 0xB, 0x201, 0x208, 0x999, 0x80000001])
def test_other_blocks_are_skipped(kind: int) -> None:
    data = START + enhanced() + block(kind, bytes(40)) + enhanced()
    found, info = read(data)
    assert [packet[0] for packet in found] == [1, 2]
    assert (info.not_packets, info.problem) == (0, None)


@pytest.mark.parametrize("kind", [0x9, 0x204, 0x216, 0x221, 0xBAD, 0x40000BAD])
def test_blocks_that_wireshark_numbers_are_counted(kind: int) -> None:
    data = START + enhanced() + block(kind, bytes(40)) + enhanced()
    found, info = read(data)
    assert [packet[0] for packet in found] == [1, 3]
    assert (info.packets, info.not_packets) == (2, 1)


def test_a_length_that_leaves_out_the_padding() -> None:
    short = struct.pack("<II", 0x99, 15) + b"abc\0" + struct.pack("<I", 15)
    assert numbers(START + enhanced() + short + enhanced()) == [1, 2]


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (enhanced(captured=61), "packet of 61 bytes in a block with room for 60"),
        (enhanced(captured=0xFFFFFFFF), "packet of 4294967295 bytes in a block"),
        (simple(wire=100), "packet of 100 bytes in a block with room for 60"),
        (enhanced(number=1), "interface 1, of which there is no description"),
        (enhanced(number=0xFFFFFFFF), "interface 4294967295"),
        (obsolete(number=0xFFFF), "interface 65535"),
        (section() + enhanced(), ""),
        (section() + simple(), ""),
        (block(6, bytes(16)), "an Enhanced Packet Block that is too short"),
        (block(3, b""), "a Simple Packet Block that is too short"),
        (block(2, bytes(16)), "a Packet Block that is too short"),
        (block(1, bytes(4)), "an interface description that is too short"),
        (section(version=(3, 1)), "pcapng version 3.1"),
        (section()[:8] + bytes(20), "without its byte-order magic"),
        (bytes(64), "a block that claims 0 bytes"),
        (struct.pack("<III", 6, 0xFFFFFFFF, 0), "a block that claims 4294967295 bytes"),
        (enhanced()[:-4] + struct.pack("<I", 88), "the two lengths of a block differ"),
        (enhanced(bytes(262_145)), "above the limit"),
    ],
)
def test_damage_ends_the_reading(damage: bytes, what: str) -> None:
    if what:
        assert what in problem(damage + enhanced())
    else:
        assert read(START + enhanced() + damage)[1].problem.offset == len(START + enhanced()) + 28


def test_larger_packets_where_the_interface_announces_them() -> None:
    large = bytes(300_000)
    found, info = read(section() + interface(snap=300_000) + enhanced(large), window=4096)
    assert (found[0][4], info.problem) == (large, None)


def test_the_limit_of_a_block() -> None:
    _, info = read(START + block(0x99, bytes(2000)), limits=Limits(packet=1000))
    assert "a block that claims 2012 bytes" in info.problem.what


def test_the_first_section_must_be_whole() -> None:
    for length in range(4, 28):
        with pytest.raises(CaptureError, match="ends within its header"):
            read(section()[:length])
    with pytest.raises(CaptureError, match=r"version 2\.0"):
        read(section(version=(2, 0)))
    assert read(section())[1].problem is None


@ORDERS
def test_every_prefix_gives_the_packets_that_are_whole(order: str) -> None:
    data = pcapng(4, order)
    whole = packets(data)
    before = 0
    for length in range(28, len(data) + 1):
        found, _ = read(data[:length])
        assert found == whole[: len(found)]
        assert len(found) >= before
        before = len(found)
    assert before == len(whole) == 6


def test_a_cut_is_said_where_it_is() -> None:
    _, info = read(START + enhanced()[:-1])
    assert info.problem.offset == len(START)
    assert info.problem.what == "cut off after packet 0: 91 of 92 bytes"


def test_one_byte_at_a_time() -> None:
    assert packets(Dribble(pcapng(5))) == packets(pcapng(5))


@given(st.integers(0, 20), st.integers(1, 100), st.integers(64, 300))
def test_any_pieces_give_the_same_packets(count: int, most: int, window: int) -> None:
    data = pcapng(count)
    assert packets(Dribble(data, most), window=window) == packets(data)


@given(st.data())
def test_no_flipped_byte_is_more_than_a_capture_error(data: st.DataObject) -> None:
    good = bytearray(pcapng(4))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        found, info = read(bytes(good))
    except CaptureError:
        return
    assert info.packets == len(found)
    for _, _, _, wire, captured in found:
        assert wire >= len(captured)


WIRESHARK = {
    "all kinds": START + enhanced() + simple() + obsolete() + enhanced(wire=10),
    "two orders": START + enhanced() + section(BIG) + interface(order=BIG) + enhanced(order=BIG),
    "clocks": section()
    + interface(options=resolution(9))
    + interface(options=resolution(0x8A))
    + interface(options=resolution(3) + option(14, struct.pack("<q", -100)))
    + enhanced(units=TIME + 1)
    + enhanced(units=1_700_000_000 << 10, number=1)
    + enhanced(units=1_700_000_000_123, number=2),
    "numbered": START
    + b"".join(
        enhanced(units=MICROS + i) + block(kind, b"MESSAGE=" + b"x" * 51 + b"\n")
        for i, kind in enumerate((9, 0x204, 0x208, 0x216, 0x217, 0x221, 0xBAD, 0x40000BAD, 0x999))
    )
    + enhanced(),
    "damaged": START + enhanced() + enhanced(captured=61) + enhanced(),
    "cut": START + enhanced() + enhanced()[:-1],
    "statistics": START + enhanced() + statistics(received=4) + secrets(b"x y z\n") + enhanced(),
}


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("name", WIRESHARK)
def test_as_wireshark_reads_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    path.write_bytes(WIRESHARK[name])
    fields = ("frame.number", "frame.time_epoch", "frame.cap_len", "frame.len")
    command = ["tshark", "-r", str(path), "-Y", "frame.encap_type == 1", "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    ours = {number: (time, len(p), wire) for number, time, _, wire, p in packets(path)}
    assert len(lines) == len(ours)
    for line in lines:
        number, epoch, captured, wire = line.split("\t")
        seconds, _, fraction = epoch.partition(".")
        time, our_captured, our_wire = ours[int(number)]
        assert our_captured == int(captured)
        assert our_wire == max(int(wire), int(captured))
        # A Simple Packet Block has no time: Wireshark shows none.
        assert not epoch or time == int(seconds) * 10**9 + int(fraction)
