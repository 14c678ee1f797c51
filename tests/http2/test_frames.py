"""Frames of HTTP/2, however they are cut; what a hole leaves of them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from support.http2 import h2

from wsanalyze.http2.frames import Data, FrameReader, Whole, header_at

PLACE = (1, 2, 3)
FRAME = st.builds(
    h2, st.integers(0, 12), st.integers(0, 255), st.integers(0, 2**31 - 1), st.binary(max_size=60)
)


def read(data: bytes, cuts: list[int] | None = None, limit: int = 1000) -> list[object]:
    """Return what a reader makes of bytes: DATA as (header, payload), others as they are."""
    reader = FrameReader(limit)
    found: list[object] = []
    edges = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts or ())})
    content = b""
    for start, stop in pairwise(edges):
        piece = data[start:stop]
        for each in reader.feed(piece, 0, PLACE):
            if isinstance(each, Whole):
                found.append((each.header, each.body))
                continue
            content += piece[each.start : each.stop]
            if each.last:
                found.append((each.header, content))
                content = b""
    return found


@given(st.lists(FRAME, max_size=6), st.lists(st.integers(0, 400), max_size=20))
def test_cuts_change_nothing(frames: list[bytes], cuts: list[int]) -> None:
    data = b"".join(frames)
    whole = read(data)
    assert read(data, cuts) == whole
    assert len(whole) == len(frames)
    for (header, body), frame in zip(whole, frames, strict=True):  # type: ignore[misc]
        assert header == header_at(frame, 0)
        padding = frame[9] if header.kind == 0 and header.flags & 8 and len(frame) > 9 else None
        if padding is None:
            assert body == frame[9:]
        else:
            assert body == frame[10 : max(len(frame) - padding, 10)]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=10))
def test_any_bytes(data: bytes, cuts: list[int]) -> None:
    assert read(data, cuts) == read(data)


@given(FRAME, FRAME, st.data())
def test_a_hole_within_a_frame(first: bytes, second: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(9, len(first)))
    length = data.draw(st.integers(0, len(first) - start))
    reader = FrameReader(1000)
    found = [*reader.feed(first[:start], 0, PLACE)]
    if length:
        found += reader.gap(length)
    found += reader.feed(first[start + length :] + second, 0, PLACE)
    assert not reader.lost
    headers = [each.header for each in found if isinstance(each, Whole) or each.last]
    assert headers == [header_at(first, 0), header_at(second, 0)]


@given(FRAME, st.integers(0, 100))
def test_a_hole_over_the_end_of_a_frame(frame: bytes, start: int) -> None:
    start = min(start, len(frame) - 1)
    reader = FrameReader(1000)
    list(reader.feed(frame[:start], 0, PLACE))
    list(reader.gap(len(frame) - start + 1))
    assert reader.lost
    assert reader.held == 0


def test_a_frame_over_the_limit_is_not_kept() -> None:
    reader = FrameReader(10)
    found = list(reader.feed(h2(1, 4, 1, b"x" * 11) + h2(1, 4, 3, b"y" * 10), 0, PLACE))
    assert [each.body for each in found if isinstance(each, Whole)] == [None, b"y" * 10]
    assert reader.oversized == 1


def test_empty_data_is_the_end_of_a_stream() -> None:
    (found,) = FrameReader(10).feed(h2(0, 1, 5), 0, PLACE)
    assert found == Data((0, 0, 1, 5), 9, 9, first=True, last=True)  # type: ignore[arg-type]
