"""A chain of headers: what each adds, what cannot follow, from where it can be taken."""

from __future__ import annotations

import pytest

from wsanalyze.buffer import Buffer
from wsanalyze.websocket.masking import Scratch
from wsanalyze.websocket.resync import NEVER, Search


def found(*segments: bytes, masked: int = 0) -> Search:
    """Return a search that has looked at some segments."""
    search = Search(masked, False, -1, True, 100_000, Scratch())
    search.accept = NEVER
    at = 0
    for each in segments:
        search.take(Buffer(each), 0, len(each), at, 0, 1, 1)
        at += len(each)
    return search


def binary(size: int) -> bytes:
    """Return a server's frame."""
    return bytes((0x82, size)) + b"p" * size


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b"\x82\x02ab", b"\x80\x02cd"),  # nothing to continue (§5.4)
        (b"\x02\x02ab", b"\x82\x02cd"),  # a message within another one (§5.4)
        (b"\x88\x02\x03\xe8", b"\x82\x02cd"),  # nothing follows a Close (§5.5.1)
        (b"\x82\x02ab", b"\x83\x02cd"),  # an opcode that is none
    ],
)
def test_what_cannot_follow_ends_a_chain(first: bytes, second: bytes) -> None:
    assert found(first, second).score < found(first, b"\x8a\x02cd").score + found(second).score
    assert found(first, second).score <= max(found(first).score, found(b"p", second).score)


def test_headers_that_repeat_themselves_count_little() -> None:
    alike = found(b"".join(binary(9) for _ in range(8))).score
    other = found(b"".join(binary(9 + n) for n in range(8))).score
    assert alike < other - 20


def test_masked_headers_that_repeat_themselves_do_not_count() -> None:
    one = b"\x82\x83\0\0\0\0abc"
    assert found(one * 9, masked=1).score == found(one * 2, masked=1).score


def test_the_end_of_a_write_is_more_than_that_of_a_full_segment() -> None:
    full = found(binary(100), bytes((0x82, 126, 2, 100)) + b"p" * 612, binary(7)).score
    short = found(binary(100), binary(101), binary(7)).score
    assert short > full - 3


def test_frames_are_taken_from_the_first_that_is_no_accident() -> None:
    frames = [binary(20 + n) for n in range(6)]
    search = found(b"r" * 9 + b"".join(frames))
    search.accept = 24
    assert search.finish() == 1
    assert search.bits >= 16
    assert search.anchor == 9 + sum(map(len, frames[:3]))
