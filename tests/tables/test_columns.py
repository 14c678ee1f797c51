"""Columns while they are read: rows are taken out, and none is lost or comes twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Wants
from wsanalyze.tables.columns import MAPPED, SegmentColumns

CHAT = Path(__file__).parents[2] / "captures" / "aiohttp-chat.pcapng"


def test_rows_that_are_taken_are_those_that_were_there_and_the_columns_begin_anew() -> None:
    recording = read([CHAT], wants=Wants(), limits=Limits())
    frames, messages = recording.frames, recording.messages
    assert frames is not None
    assert messages is not None
    before = {name: list(column) for name, column in frames.arrays().items()}
    taken = frames.take()
    assert {name: list(column) for name, column in taken.items()} == before
    assert frames.count == 0
    assert all(len(column) == 0 for column in frames.arrays().values())
    payloads = bytes(messages.payloads)
    rows = messages.take()
    assert bytes(rows["payloads"]) == payloads
    assert len(rows["digests"]) == 32 * len(rows["digest"])
    assert (messages.count, len(messages.payloads), len(messages.digests)) == (0, 0, 0)
    # What was taken is not written over by what comes then.
    assert {name: list(column) for name, column in taken.items()} == before


def test_rows_stay_what_they_are_while_the_columns_grow() -> None:
    columns = SegmentColumns()
    # Beyond that a column has pages of its own.
    last = 4 * MAPPED
    columns.count = 1
    for column in columns.arrays().values():
        column[0] = 7
    columns.grow(last)
    assert columns.capacity == last
    columns.count = last
    for column in columns.arrays().values():
        assert (len(column), column[0], column[1], column[last - 1]) == (last, 7, 0, 0)


def test_memory_that_the_system_does_not_give_is_said_to_be_missing() -> None:
    # Of a file at fault, as an OSError would have it, nobody could say which.
    with pytest.raises(MemoryError):
        SegmentColumns().grow(1 << 50)
