"""Frames of Hixie, in any pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.buffer import Buffer
from wsanalyze.websocket.hixie import HixieReader, find_plainly, scan_hixie_frames


def length_bytes(length: int) -> bytes:
    """Return a length in groups of seven bits, the highest first."""
    groups = [length & 127]
    while length := length >> 7:
        groups.insert(0, length & 127 | 128)
    return bytes(groups)


def facts(data: bytes) -> list[tuple[int, int, int, int, bytes]]:
    return [
        (each.offset, each.opcode, each.header_length, each.length, each.payload)
        for each in scan_hixie_frames(data)
    ]


def test_what_netty_sends() -> None:
    # WebSocket00FrameEncoder of Netty 4.1.48: text, binary of 3 and of 300 bytes, Close.
    data = bytes.fromhex("0068656c6c6fff 80030102ff 80822c") + bytes(300) + b"\xff\x00"
    assert facts(data) == [
        (0, 1, 1, 5, b"hello"),
        (7, 2, 2, 3, b"\x01\x02\xff"),
        (12, 2, 3, 300, bytes(300)),
        (315, 8, 2, 0, b""),
    ]


@pytest.mark.parametrize(
    ("data", "frames"),
    [
        (b"\x00Hello\xff", [(0, 1, 1, 5, b"Hello")]),
        (b"\x00\xff\x00caf\xc3\xa9\xff", [(0, 1, 1, 0, b""), (2, 1, 1, 5, b"caf\xc3\xa9")]),
        (b"\xff\x00", [(0, 8, 2, 0, b"")]),
        (b"\x00bye\xff\xff\x00", [(0, 1, 1, 3, b"bye"), (5, 8, 2, 0, b"")]),
        # What has a length may hold any byte.
        (b"\x80\x03\xff\x00\xff\x00x\xff", [(0, 2, 2, 3, b"\xff\x00\xff"), (5, 1, 1, 1, b"x")]),
        (b"\x80\x81\x00" + bytes(128), [(0, 2, 3, 128, bytes(128))]),
        (b"\x80\x80\x80\x01z", [(0, 2, 4, 1, b"z")]),
        # Types that nobody gave a meaning to.
        (b"\x01abc\xff\x7f\xff", [(0, 3, 1, 3, b"abc"), (5, 3, 1, 0, b"")]),
        (b"\x81\x01a\xff\x02bc", [(0, 4, 2, 1, b"a"), (3, 4, 2, 2, b"bc")]),
        (b"\x81\x00", [(0, 4, 2, 0, b"")]),
        # Cut off: one byte more than there was, so that `complete` is False.
        (b"\x00Hel", [(0, 1, 1, 4, b"Hel")]),
        (b"\x80\x05ab", [(0, 2, 2, 5, b"ab")]),
        (b"\x80\x81", []),
        (b"\xff", []),
        (b"", []),
    ],
)
def test_frames(data: bytes, frames: list[tuple[int, int, int, int, bytes]]) -> None:
    assert facts(data) == frames


def test_the_longest_length() -> None:
    (one,) = scan_hixie_frames(b"\x80" + b"\xff" * 8 + b"\x7f" + b"abc")
    assert (one.header_length, one.length, one.payload) == (10, (1 << 63) - 1, b"abc")


@pytest.mark.parametrize("more", [b"\x80" * 9, b"\xff" * 9, b"\x80" * 5000])
def test_a_length_of_more_bits_ends_it(more: bytes) -> None:
    reader = HixieReader()
    data = b"\x80" + more + b"\x00Hello\xff"
    assert reader.read(Buffer(data), 0, len(data)) == 10
    assert (reader.complete, reader.broken) == (0, 1)
    assert facts(data) == []
    reader.restart()
    reader.read(Buffer(b"\x00"), 0, 1)
    assert (reader.complete, reader.broken, reader.head) == (1, 0, 0x81)


texts = st.binary(max_size=300).map(lambda data: data.replace(b"\xff", b"\xfe"))
frames = st.one_of(
    st.tuples(st.just(0), texts),
    st.tuples(st.integers(1, 127), texts),
    st.tuples(st.integers(128, 255), st.binary(max_size=300)),
)


def encode(kind: int, payload: bytes) -> bytes:
    """Return a frame."""
    if kind < 128:
        return bytes((kind,)) + payload + b"\xff"
    return bytes((kind,)) + length_bytes(len(payload)) + payload


@given(st.lists(frames, max_size=8))
def test_what_was_made_is_read(made: list[tuple[int, bytes]]) -> None:
    data = b"".join(encode(*each) for each in made)
    found = list(scan_hixie_frames(data))
    assert [each.payload for each in found] == [payload for _, payload in made]
    assert all(each.complete and each.fin and each.masking_key is None for each in found)
    for each, (kind, payload) in zip(found, made, strict=True):
        assert data[each.offset] == kind
        closing = kind == 255 and not payload
        assert each.opcode == {0: 1, 128: 2}.get(kind, 8 if closing else 3 if kind < 128 else 4)


@given(st.binary(max_size=60))
def test_no_bytes_raise(data: bytes) -> None:
    end = 0
    for each in scan_hixie_frames(data):
        assert each.offset == end
        assert len(each.payload) <= each.length
        end = each.offset + each.header_length + len(each.payload) + (data[each.offset] < 128)


@given(st.integers(0, 1 << 62), st.integers(1, 9))
def test_a_header_in_pieces(length: int, size: int) -> None:
    data = b"\x80" + length_bytes(length)
    reader, at = HixieReader(), 0
    while not reader.complete and at < len(data):
        at = reader.read(Buffer(data), at, min(at + size, len(data)))
    assert (reader.length, reader.header_length, at) == (length, len(data), len(data))


@given(st.binary(max_size=2000), st.integers(0, 40))
def test_the_search_without_a_compiler(data: bytes, start: int) -> None:
    start = min(start, len(data))
    place = data.find(b"\xff", start)
    assert find_plainly(Buffer(data), start, len(data)) == (place if place >= 0 else len(data))
