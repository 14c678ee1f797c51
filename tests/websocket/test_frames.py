"""Frame headers: every form, byte by byte, and lengths up to 2^64-1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.buffer import Buffer
from wsanalyze.websocket.frames import Frame, FrameReader, scan_frames

# name: (header, length, header_length, masking key)
HEADERS: dict[str, tuple[str, int, int, int | None]] = {
    "empty": ("8100", 0, 2, None),
    "one": ("8101", 1, 2, None),
    "125": ("817d", 125, 2, None),
    "126": ("817e 007e", 126, 4, None),
    "16 bits, not minimal": ("817e 0000", 0, 4, None),
    "65535": ("817e ffff", 65535, 4, None),
    "65536": ("817f 0000000000010000", 65536, 10, None),
    "64 bits, not minimal": ("817f 0000000000000001", 1, 10, None),
    "2^31": ("827f 0000000080000000", 1 << 31, 10, None),
    "2^32": ("827f 0000000100000000", 1 << 32, 10, None),
    "2^63-1": ("827f 7fffffffffffffff", (1 << 63) - 1, 10, None),
    "2^63": ("827f 8000000000000000", 1 << 63, 10, None),
    "2^64-5": ("827f fffffffffffffffb", (1 << 64) - 5, 10, None),
    "2^64-1": ("827f ffffffffffffffff", (1 << 64) - 1, 10, None),
    "masked, empty": ("8180 01020304", 0, 6, 0x01020304),
    "masked, 125": ("81fd 00000000", 125, 6, 0),
    "masked, 16 bits": ("81fe 0080 ffffffff", 128, 8, 0xFFFFFFFF),
    "masked, 64 bits": ("81ff 0000000000010000 80000001", 65536, 14, 0x80000001),
    "masked, 2^64-1": ("81ff ffffffffffffffff deadbeef", (1 << 64) - 1, 14, 0xDEADBEEF),
}
headers = pytest.mark.parametrize(
    ("header", "length", "header_length", "key"), HEADERS.values(), ids=HEADERS
)


def check(reader: FrameReader, header: bytes, length: int, size: int, key: int | None) -> None:
    assert reader.complete == 1
    assert (reader.head, reader.second) == (header[0], header[1])
    assert (reader.length, reader.remaining, reader.header_length) == (length, length, size)
    assert (reader.masked, reader.key) == (int(key is not None), key or 0)


@headers
def test_whole(header: str, length: int, header_length: int, key: int | None) -> None:
    data = bytes.fromhex(header)
    reader = FrameReader()
    assert reader.read(Buffer(b"??" + data + b"payload"), 2, 2 + len(data) + 7) == 2 + len(data)
    check(reader, data, length, header_length, key)


@headers
def test_split_at_every_point(
    header: str, length: int, header_length: int, key: int | None
) -> None:
    data = bytes.fromhex(header)
    for at in range(len(data)):
        reader = FrameReader()
        assert reader.read(Buffer(data), 0, at) == at
        assert (reader.complete, reader.have) == (0, at)
        assert reader.read(Buffer(data + b"x"), at, len(data) + 1) == len(data)
        check(reader, data, length, header_length, key)


@headers
def test_byte_by_byte_and_again(
    header: str, length: int, header_length: int, key: int | None
) -> None:
    data = bytes.fromhex(header)
    reader = FrameReader()
    for _ in range(2):
        for i in range(len(data)):
            assert reader.complete == 0 or i == 0
            assert reader.read(Buffer(data[i : i + 1]), 0, 1) == 1
        check(reader, data, length, header_length, key)
        assert reader.have == 0


@pytest.mark.parametrize("head", range(256))
def test_every_first_byte_is_kept(head: int) -> None:
    reader = FrameReader()
    reader.read(Buffer(bytes((head, 0x81, 1, 2, 3, 4))), 0, 6)
    assert (reader.complete, reader.head, reader.length) == (1, head, 1)


def test_restart_forgets_what_is_not_whole() -> None:
    reader = FrameReader()
    reader.read(Buffer(b"\x81\xfe\x01"), 0, 3)
    reader.restart()
    assert (reader.have, reader.complete, reader.remaining) == (0, 0, 0)
    reader.read(Buffer(b"\x82\x05"), 0, 2)
    assert (reader.complete, reader.head, reader.length) == (1, 0x82, 5)


# RFC 6455 §5.7
EXAMPLES = {
    "unmasked text": ("810548656c6c6f", [(True, 1, None, b"Hello")]),
    "masked text": ("818537fa213d7f9f4d5158", [(True, 1, "37fa213d", b"Hello")]),
    "fragmented": (
        "010348656c 80026c6f",
        [(False, 1, None, b"Hel"), (True, 0, None, b"lo")],
    ),
    "ping and pong": (
        "890548656c6c6f 8a8537fa213d7f9f4d5158",
        [(True, 9, None, b"Hello"), (True, 10, "37fa213d", b"Hello")],
    ),
    "256 bytes": ("827e0100" + "00" * 256, [(True, 2, None, bytes(256))]),
    "64 KiB": ("827f0000000000010000" + "00" * 65536, [(True, 2, None, bytes(65536))]),
}


@pytest.mark.parametrize(("data", "expected"), EXAMPLES.values(), ids=EXAMPLES)
def test_the_examples_of_the_rfc(
    data: str, expected: list[tuple[bool, int, str | None, bytes]]
) -> None:
    found = list(scan_frames(bytes.fromhex(data)))
    assert [
        (each.fin, each.opcode, each.masking_key and each.masking_key.hex(), each.payload)
        for each in found
    ] == expected
    assert all(each.complete for each in found)


def test_every_fact_of_a_scanned_frame() -> None:
    first, second = scan_frames(bytes.fromhex("f1 01 61" + "3e fe 0004 00000001 61626364"))
    assert first == Frame(0, True, True, True, True, 1, None, 2, 1, b"a")
    key = b"\x00\x00\x00\x01"
    assert second == Frame(3, False, False, True, True, 14, key, 8, 4, b"abce")


@pytest.mark.parametrize("stop", range(12))
def test_a_scan_that_is_cut_off(stop: int) -> None:
    data = bytes.fromhex("818537fa213d7f9f4d5158")[:stop]
    found = list(scan_frames(data))
    assert [(each.length, each.payload) for each in found] == (
        [(5, b"Hello"[: stop - 6])] if stop >= 6 else []
    )
    assert [each.complete for each in found] == ([stop == 11] if stop >= 6 else [])


def test_a_scan_of_the_longest_frame_there_is() -> None:
    (only,) = scan_frames(bytes.fromhex("82ffffffffffffffffff00000000") + b"abc")
    assert (only.length, only.payload, only.complete) == ((1 << 64) - 1, b"abc", False)


def encoded(head: int, length: int, form: int, key: bytes | None) -> bytes:
    """Return a header as RFC 6455 §5.2 draws it."""
    mark = 0x80 if key is not None else 0
    start = bytes((head, mark | (length if form == 7 else 126 if form == 16 else 127)))
    return start + (length.to_bytes(form // 8, "big") if form > 7 else b"") + (key or b"")


@st.composite
def any_header(draw: st.DrawFn) -> tuple[int, int, int, bytes | None]:
    form = draw(st.sampled_from([7, 16, 64]))
    length = draw(st.integers(0, 125 if form == 7 else (1 << form) - 1))
    key = draw(st.none() | st.binary(min_size=4, max_size=4))
    return draw(st.integers(0, 255)), length, form, key


@given(any_header(), st.lists(st.integers(1, 5), max_size=8))
def test_any_header_in_any_pieces(
    header: tuple[int, int, int, bytes | None], sizes: list[int]
) -> None:
    data = encoded(*header)
    reader, at = FrameReader(), 0
    for size in [*sizes, len(data)]:
        if at < len(data):
            stop = min(at + size, len(data))
            assert reader.read(Buffer(data), at, stop) == stop
            at = stop
            assert reader.complete == (at == len(data))
    head, length, _, key = header
    number = None if key is None else int.from_bytes(key, "big")
    check(reader, data, length, len(data), number)
    assert reader.head == head
    assert isinstance(reader.length, int)


@given(st.lists(st.tuples(st.integers(0, 255), st.booleans(), st.binary(max_size=300))))
def test_a_scan_finds_what_was_written(frames: list[tuple[int, bool, bytes]]) -> None:
    data, expected = b"", []
    for head, masked, payload in frames:
        key = b"\x00\x00\x00\x00" if masked else None
        header = encoded(head, len(payload), 7 if len(payload) < 126 else 16, key)
        expected.append((len(data), head & 15, len(header), payload))
        data += header + payload
    assert [
        (each.offset, each.opcode, each.header_length, each.payload) for each in scan_frames(data)
    ] == expected
