"""TCP checksums: right, wrong, or nothing that anybody can say."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.packets import ACK, CLIENT, SERVER, checked, ethernet, ipv4, segment, tcp

from wsanalyze.buffer import Buffer
from wsanalyze.capture.source import open_capture
from wsanalyze.transport.checksum import is_unfilled, soundness
from wsanalyze.transport.packet import Packet

VALID, UNKNOWN, BAD = 1, 0, -1
CAPTURES = Path(__file__).resolve().parents[2] / "captures"
V6 = (("2001:db8::1", 40000), ("2001:db8::2", 8080))


def soundness_of(data: bytes, wire_length: int | None = None, link: int = 1) -> int | None:
    """Return what is said of one packet, which lies among other bytes; None if it is not TCP."""
    packet = Packet()
    buffer = Buffer(b"?" * 7 + data + b"!" * 9)
    if packet.read(buffer, 7, 7 + len(data), wire_length or len(data), link) != 0:
        return None
    return soundness(packet, buffer)


def is_left_to_the_card(data: bytes) -> bool:
    packet = Packet()
    assert packet.read(Buffer(data), 0, len(data), len(data), 1) == 0
    return bool(is_unfilled(packet))


@given(st.binary(max_size=70), st.integers(1, 0xFFFE), st.booleans())
def test_right_and_wrong(data: bytes, error: int, version6: bool) -> None:
    ends = V6 if version6 else (CLIENT, SERVER)
    plain = segment(*ends, 7, 9, ACK, data)
    good = checked(plain)
    at = 54 + 16 if version6 else 34 + 16
    if good[at : at + 2] != bytes(2):
        assert soundness_of(good) == VALID
    assert soundness_of(checked(plain, error)) != VALID


def test_options_are_part_of_it() -> None:
    plain = ethernet(ipv4(tcp(data=b"abc", options=b"\x01\x01\x08\x0a12345678")))
    assert soundness_of(checked(plain)) == VALID
    assert soundness_of(checked(plain, 1)) == BAD


def test_bytes_that_were_cut_leave_it_open() -> None:
    packet = checked(segment(data=b"abcdef"), 1)
    assert soundness_of(packet) == BAD
    assert soundness_of(packet[:-1], len(packet)) == UNKNOWN


def test_a_trailer_is_no_part_of_it() -> None:
    assert soundness_of(checked(segment(data=b"a")) + b"padding") == VALID


@pytest.mark.parametrize("with_length", [True, False])
def test_what_the_network_card_was_to_fill_in(with_length: bool) -> None:
    """The sum of the pseudo header, as Linux and Windows leave it there."""
    packet = segment(data=b"abc")
    total = sum(struct.unpack(">4H", packet[26:34])) + 6 + 23 * with_length
    partial = struct.pack(">H", (total & 0xFFFF) + (total >> 16))
    for unfilled in (partial, bytes(2)):
        data = packet[:50] + unfilled + packet[52:]
        assert soundness_of(data) == UNKNOWN
        assert is_left_to_the_card(data)
    assert not is_left_to_the_card(checked(packet))


@pytest.mark.parametrize(
    "name", ["fifty-clients.pcap.gz", "aiohttp-chat.pcapng", "fragments.pcapng"]
)
def test_of_recorded_traffic_none_is_bad(name: str) -> None:
    said = set()
    with open_capture(CAPTURES / name) as reader:
        while (batch := reader.next()) is not None:
            for _, _, link, wire_length, data in batch.packets():
                said.add(soundness_of(data, wire_length, link))
    assert said & {VALID, UNKNOWN}
    assert BAD not in said
