"""How far back compressed data refers, held against what zlib was told."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.websocket.distances import Reach

TAIL = b"\x00\x00\xff\xff"
TEXT = b"".join(b"line %d of a text that repeats itself\n" % (number % 97) for number in range(900))


def compressed(payload: bytes, bits: int = 15, before: bytes = b"", level: int = 6) -> bytes:
    """Return a message's data as it is sent, and its tail; `before` is the context."""
    coder = zlib.compressobj(level, zlib.DEFLATED, -bits)
    coder.compress(before)
    coder.flush(zlib.Z_SYNC_FLUSH)
    return coder.compress(payload) + coder.flush(zlib.Z_SYNC_FLUSH)


@pytest.mark.parametrize("bits", range(9, 16))
def test_no_reference_goes_beyond_the_window(bits: int) -> None:
    reach = Reach(compressed(TEXT, bits))
    assert not reach.broken
    assert reach.written == len(TEXT)
    assert 0 < reach.largest <= 1 << bits
    assert reach.beyond == 0


def test_references_into_what_was_sent_before() -> None:
    reach = Reach(compressed(b"the same words once more", before=b"the same words once more"))
    # zlib sends the first letter as it is.
    assert (reach.broken, reach.largest, reach.beyond) == (False, 24, 23)


@pytest.mark.parametrize("level", [0, 1, 9])
def test_stored_fixed_and_dynamic_blocks(level: int) -> None:
    for payload in (b"", b"a", b"abc" * 10, TEXT):
        reach = Reach(compressed(payload, level=level))
        assert not reach.broken
        assert reach.written == len(payload)


def test_blocks_that_are_the_last_of_their_stream() -> None:
    coder = zlib.compressobj(6, zlib.DEFLATED, -15)
    data = coder.compress(b"abcabcabc") + coder.flush(zlib.Z_FINISH)
    reach = Reach(data + data + b"\x00" + TAIL)
    assert (reach.broken, reach.written, reach.largest) == (False, 18, 3)


def test_as_many_blocks_as_fit() -> None:
    # Empty fixed blocks, ten bits each: four of them fill five bytes.
    data = bytes.fromhex("0208208000") * 20_000 + b"\x00" + TAIL
    assert zlib.decompressobj(-15).decompress(data) == b""
    reach = Reach(data)
    assert (reach.broken, reach.written, reach.largest) == (False, 0, 0)


@given(st.binary(max_size=2000), st.integers(9, 15), st.integers(0, 9))
def test_what_zlib_compresses_is_read_to_its_end(payload: bytes, bits: int, level: int) -> None:
    reach = Reach(compressed(payload, bits, level=level))
    assert not reach.broken
    assert reach.written == len(payload)
    assert reach.beyond == 0
    assert reach.largest <= min(1 << bits, max(len(payload), 1))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    reach = Reach(data)
    decoder = zlib.decompressobj(-15)
    try:
        decoder.decompress(data)
    except zlib.error:
        # zlib also refuses codes that are over- or undersubscribed, and far references.
        return
    if decoder.eof and not decoder.unused_data:
        assert not reach.broken
