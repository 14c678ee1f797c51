"""A search alone: where frames begin again, what is held, and what is given up."""

from __future__ import annotations

import pytest
from support.chance import chance

from wsanalyze.buffer import Buffer
from wsanalyze.websocket.masking import Scratch
from wsanalyze.websocket.resync import Search


def search(limit: int = 100_000, *, aligned: bool = False) -> Search:
    """Return a search in what a server sends."""
    return Search(0, False, -1, aligned, limit, Scratch())


def take(found: Search, data: bytes, offset: int) -> int:
    """Give one segment to a search."""
    return found.take(Buffer(data), 0, len(data), offset, 0, 1, 1)


def binary(size: int) -> bytes:
    """Return a server's frame."""
    head = bytes((0x82, size)) if size < 126 else b"\x82\x7e" + size.to_bytes(2, "big")
    return head + b"p" * size


@pytest.mark.parametrize("offset", [0, 1000, 1 << 40])
def test_frames_that_are_segments(offset: int) -> None:
    found = search(aligned=True)
    assert take(found, binary(20), offset) == 0
    assert take(found, binary(21), offset + 22) == 1
    assert (found.anchor, found.bits) == (offset, 21)


def test_frames_within_a_segment_are_taken_from_where_they_are_sure() -> None:
    """Three short frames might stand before a true one by accident, four not."""
    frames = [binary(20 + n) for n in range(20)]
    found = search()
    take(found, b"r" * 7 + b"".join(frames), 0)
    assert found.finish() == 1
    assert found.anchor == 7 + sum(map(len, frames[:3]))


def test_a_chain_goes_on_behind_a_hole_in_a_payload() -> None:
    found = search()
    take(found, binary(500)[:100], 0)
    assert found.skip(404, 100, 0, 1, 1) == 0
    assert take(found, binary(30), 504) + take(found, binary(31), 536) >= 1
    assert found.anchor == 0


def test_a_chain_ends_in_a_hole_that_swallows_a_header() -> None:
    found = search()
    take(found, binary(30), 0)
    assert found.skip(50, 32, 0, 1, 1) == 0
    assert take(found, b"nothing like a frame at all", 82) == 0
    assert found.finish() == 0


def test_no_more_is_held_than_the_limit() -> None:
    found = search(limit=10_000)
    for number in range(100):
        assert take(found, b"x" * 1000, 1000 * number) == 0
        assert found.held <= 10_000
    assert found.dropped + sum(len(piece[1]) for piece in found.pieces) == 100_000


@pytest.mark.parametrize("size", [1, 2, 3])
def test_ends_of_tiny_segments_are_little_evidence(size: int) -> None:
    """Where every few bytes are a segment, frames end with one wherever they end."""
    for seed in range(30):
        noise = chance(f"tiny {seed}").randbytes(4000)
        found = Search(0, True, -1, False, 1 << 18, Scratch())
        for at in range(0, len(noise), size):
            piece = Buffer(noise[at : at + size])
            assert not found.take(piece, 0, len(piece), at, 0, 0, 0)


def test_chains_count_as_held() -> None:
    found = Search(-1, True, -1, False, 1 << 18, Scratch())
    found.take(Buffer(b"\x82\x7e" * 4096), 0, 8192, 0, 0, 0, 0)
    assert 8192 + 500 * 256 < found.held <= 8192 + 1024 * 256 + 1000
    found.shrink(0)
    assert found.held == 0
