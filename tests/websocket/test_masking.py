"""Masking: the RFC's example, every length and offset, and pieces of a long payload."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.buffer import Buffer
from wsanalyze.websocket.masking import Scratch, unmask
from wsanalyze.websocket.messages import MessageReader

KEY = bytes.fromhex("37fa213d")


def slowly(payload: bytes, key: bytes, offset: int = 0) -> bytes:
    """RFC 6455 §5.3: octet i of the transformed data is octet i XOR octet i MOD 4 of the key."""
    return bytes(byte ^ key[(i + offset) % 4] for i, byte in enumerate(payload))


def test_the_example_of_the_rfc() -> None:
    """RFC 6455 §5.7: a single-frame masked text message."""
    assert unmask(bytes.fromhex("7f9f4d5158"), KEY) == b"Hello"
    assert unmask(b"Hello", 0x37FA213D) == bytes.fromhex("7f9f4d5158")


@pytest.mark.parametrize("length", range(71))
@pytest.mark.parametrize("offset", range(9))
def test_every_length_and_offset(length: int, offset: int) -> None:
    payload = bytes(range(50, 50 + length))
    assert unmask(payload, KEY, offset) == slowly(payload, KEY, offset)


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4), st.integers(0, 1 << 40))
def test_masking_is_its_own_inverse(payload: bytes, key: bytes, offset: int) -> None:
    masked = unmask(payload, key, offset)
    assert masked == slowly(payload, key, offset)
    assert unmask(masked, int.from_bytes(key, "big"), offset) == payload


@pytest.mark.parametrize("key", [b"", b"abc", b"abcde", -1, 1 << 32])
def test_a_masking_key_has_4_bytes(key: bytes | int) -> None:
    with pytest.raises(ValueError, match="4 bytes"):
        unmask(b"abc", key)


def through_the_kernel(masked: bytes, key: int, sizes: list[int], before: int = 3) -> bytes:
    """Unmask as a session does: pieces of a frame, each somewhere in a buffer."""
    message, scratch = MessageReader(1 << 30, False), Scratch()
    message.start(2, False)
    at = 0
    for size in [*sizes, len(masked)]:
        piece = masked[at : at + size]
        buffer = Buffer(b"?" * before + piece + b"?")
        message.feed(buffer, before, before + len(piece), True, key, at & 3, scratch)
        at += len(piece)
    message.finish(True)
    return bytes(message.kept)


@pytest.mark.parametrize("length", range(71))
@pytest.mark.parametrize("at", range(4))
def test_the_kernel_at_every_length_and_place_of_the_key(length: int, at: int) -> None:
    payload = bytes(range(100, 100 + length))
    masked = slowly(payload, KEY)
    assert through_the_kernel(masked, 0x37FA213D, [at], before=at) == payload


@pytest.mark.parametrize("length", [16383, 16384, 16385, 32768, 50001])
@pytest.mark.parametrize("first", [0, 1, 2, 3, 16384, 16387])
def test_the_kernel_over_the_edges_of_its_room(length: int, first: int) -> None:
    payload = bytes(i * 7 & 255 for i in range(length))
    masked = slowly(payload, KEY)
    assert through_the_kernel(masked, 0x37FA213D, [first]) == payload


@given(st.binary(max_size=200), st.binary(min_size=4, max_size=4), st.lists(st.integers(0, 40)))
def test_the_kernel_with_any_key_and_pieces(payload: bytes, key: bytes, sizes: list[int]) -> None:
    masked = slowly(payload, key)
    assert through_the_kernel(masked, int.from_bytes(key, "big"), sizes) == payload


@pytest.mark.parametrize("high", range(0, 40))
def test_one_byte_that_is_not_ascii_is_noticed_wherever_it_stands(high: int) -> None:
    """The OR of all bytes decides whether text is looked at: no byte may be left out."""
    payload = bytearray(b"a" * 40)
    payload[high] = 0xFF
    message, scratch = MessageReader(0, False), Scratch()
    message.start(1, False)
    masked = slowly(bytes(payload), KEY)
    message.feed(Buffer(masked), 0, 40, True, 0x37FA213D, 0, scratch)
    message.finish(True)
    assert message.utf8_valid == 0


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (0, 11), (5, 11), (11, 12)])
def test_a_piece_outside_its_buffer(start: int, stop: int) -> None:
    message = MessageReader(100, True)
    message.start(2, False)
    with pytest.raises(IndexError):
        message.feed(Buffer(bytes(10)), start, stop, True, 1, 0, Scratch())
