"""merge: all packets once, each capture in its own order, in time order where there is one."""

from __future__ import annotations

import heapq
import io

import pytest
from crafted_captures import pcap_header, pcap_record, pcapng
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.capture.merge import Merged, merge
from wsanalyze.capture.source import open_capture

Times = list[int]


def capture(times: Times) -> bytes:
    records = (
        pcap_record(bytes([i % 256]), seconds=time, fraction=0) for i, time in enumerate(times)
    )
    return pcap_header() + b"".join(records)


def merged(*captures: Times, window: int = 512 * 1024) -> Merged:
    return merge([open_capture(io.BytesIO(capture(each)), window=window) for each in captures])


def runs(stream: Merged) -> list[tuple[int, list[int]]]:
    """Return `(capture, packet numbers)` of each batch."""
    found = []
    while (batch := stream.next()) is not None:
        assert batch.count > 0
        packets = batch.packets()
        assert all(data == bytes([(number - 1) % 256]) for number, *_, data in packets)
        found.append((batch.capture, [packet[0] for packet in packets]))
    assert stream.next() is None
    return found


def expected(captures: list[Times]) -> list[tuple[int, int]]:
    """Return `(capture, number)` as the greedy rule gives them, one by one."""
    heads = [(times[0], index, 0) for index, times in enumerate(captures) if times]
    heapq.heapify(heads)
    order = []
    while heads:
        _, index, at = heapq.heappop(heads)
        order.append((index, at + 1))
        if at + 1 < len(captures[index]):
            heapq.heappush(heads, (captures[index][at + 1], index, at + 1))
    return order


@pytest.mark.parametrize(
    ("captures", "found"),
    [
        ([[1, 2, 3]], [(0, [1, 2, 3])]),
        ([[1, 2], [3, 4]], [(0, [1, 2]), (1, [1, 2])]),
        ([[3, 4], [1, 2]], [(1, [1, 2]), (0, [1, 2])]),
        ([[1, 4, 5], [2, 3, 6]], [(0, [1]), (1, [1, 2]), (0, [2, 3]), (1, [3])]),
        ([[5, 5], [5, 5]], [(0, [1, 2]), (1, [1, 2])]),
        ([[1, 5], [5, 6]], [(0, [1, 2]), (1, [1, 2])]),
        ([[5, 6], [1, 5]], [(1, [1]), (0, [1]), (1, [2]), (0, [2])]),
        ([[5, 1, 2], [4, 6]], [(1, [1]), (0, [1, 2, 3]), (1, [2])]),
        ([[], [1], []], [(1, [1])]),
        ([[], []], []),
        ([], []),
    ],
)
def test_runs(captures: list[Times], found: list[tuple[int, list[int]]]) -> None:
    assert runs(merged(*captures)) == found


@given(
    st.lists(st.lists(st.integers(0, 20), max_size=30), max_size=5),
    st.integers(32, 200),
)
def test_as_one_by_one(captures: list[Times], window: int) -> None:
    found = runs(merged(*captures, window=window))
    assert [(index, n) for index, numbers in found for n in numbers] == expected(captures)


def test_captures_that_do_not_overlap_are_handed_on_untouched() -> None:
    first, second = (open_capture(io.BytesIO(capture([i, i + 1]))) for i in (1, 5))
    stream = merge([first, second])
    batch = stream.next()
    assert batch is not None
    assert batch.capacity > 2


def test_infos_are_those_of_the_readers_in_the_order_given() -> None:
    readers = [open_capture(io.BytesIO(data)) for data in (capture([9]), pcapng(2), capture([]))]
    stream = merge(readers)
    runs_found = 0
    while stream.next() is not None:
        runs_found += 1
    assert stream.infos == [reader.info for reader in readers]
    assert [info.packets for info in stream.infos] == [1, 3, 0]


def test_closing_closes_all() -> None:
    readers = [open_capture(io.BytesIO(capture([1, 3]))) for _ in range(3)]
    with merge(readers) as stream:
        assert stream.next() is not None
    stream.close()
    assert stream.next() is None
    assert all(reader.next() is None for reader in readers)
