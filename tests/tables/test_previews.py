"""Previews show what was kept, and cut no character in half."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.tables.previews import preview, previews

TEXT, BINARY = 1, 2


@pytest.mark.parametrize(
    ("kept", "whole", "opcode", "length", "shown"),
    [
        (b"hello", 5, TEXT, 64, "hello"),
        (b"hello", 5, TEXT, 3, "hel"),
        (b"\x00\xff", 2, BINARY, 64, "00ff"),
        (b"\x00\xff", 2, BINARY, 1, "00"),
        ("né".encode(), 3, TEXT, 2, "n"),
        ("né".encode()[:2], 3, TEXT, 64, "n"),
        ("né".encode()[:2], 2, TEXT, 64, "n\ufffd"),
        (b"\xff\xfeab", 4, TEXT, 64, "\ufffd\ufffdab"),
        ("😀".encode(), 4, TEXT, 3, ""),
        (b"", 0, TEXT, 64, ""),
        (b"", 9, TEXT, 64, None),
        (b"", -1, BINARY, 64, None),
        (b"a\x00\x1b[", -1, TEXT, 64, "a\x00\x1b["),
    ],
)
def test_preview(kept: bytes, whole: int, opcode: int, length: int, shown: str | None) -> None:
    assert preview(kept[:length], len(kept), whole, opcode) == shown


def test_many_at_once_are_those_made_one_by_one() -> None:
    kept = [b"hello", "né".encode(), b"", b"\xff", b"a" * 20, "é".encode() * 9, b"\x00\x1b"]
    rows = [
        (data, whole, opcode)
        for opcode in (TEXT, BINARY)
        for data in kept
        for whole in (len(data), len(data) + 1, -1)
    ]
    # As a slice of a longer array: nothing begins at the beginning.
    payloads = pa.array([b"before", *(data for data, _, _ in rows)], pa.large_binary())[1:]
    whole, opcodes = (np.array([row[place] for row in rows]) for place in (1, 2))
    for length in (0, 1, 3, 64):
        found = previews(payloads, whole, opcodes, length).to_pylist()
        assert found == [
            preview(data[:length], len(data), size, opcode) for data, size, opcode in rows
        ]


def test_previews_of_nothing() -> None:
    none = pa.array([], pa.large_binary())
    assert previews(none, np.arange(0), np.arange(0), 64).to_pylist() == []


def test_nothing_kept_is_not_an_empty_text() -> None:
    assert preview(b"", 0, 5, TEXT) is None
    assert preview(b"", 0, 0, TEXT) == ""


@given(st.text(), st.integers(0, 40))
def test_a_preview_of_valid_text_is_its_beginning(text: str, length: int) -> None:
    data = text.encode("utf-8", "replace")
    shown = preview(data[:length], len(data), len(data), TEXT)
    assert shown is not None
    assert data.decode().startswith(shown)
