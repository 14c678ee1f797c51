"""Previews show what was kept, and cut no character in half."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables.recordings import message, messages
from wsanalyze.tables import previews as module
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
    store = b"before" + kept + b"behind"
    assert preview(store, 6, 6 + len(kept), whole, opcode, length) == shown


def test_many_at_once_are_those_made_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLICE", 3)
    kept = [b"hello", "né".encode(), b"", b"\xff", b"a" * 20, "é".encode() * 9, b"\x00\x1b"]
    rows, store = [], b""
    for opcode in (TEXT, BINARY):
        for data in kept:
            span = {"payload_start": len(store), "payload_stop": len(store) + len(data)}
            lengths = (len(data), len(data) + 1, -1)
            rows += [message(opcode=opcode, length=whole, **span) for whole in lengths]
            store += data
    rows.append(message(payload_start=-1, payload_stop=-1, length=4))
    names = ("payload_start", "payload_stop", "length", "opcode")
    for length in (0, 1, 3, 64):
        found = previews(messages(rows, store), np.arange(len(rows)), length)
        expected = [preview(store, *(row[name] for name in names), length) for row in rows]
        assert found.astype(object).where(found.notna(), None).tolist() == expected


def test_previews_of_nothing() -> None:
    assert previews(messages([]), np.arange(0), 64).tolist() == []


def test_nothing_kept_is_not_an_empty_text() -> None:
    assert preview(b"", -1, -1, 5, TEXT, 64) is None
    assert preview(b"", -1, -1, 0, TEXT, 64) == ""


@given(st.text(), st.integers(0, 40))
def test_a_preview_of_valid_text_is_its_beginning(text: str, length: int) -> None:
    data = text.encode("utf-8", "replace")
    shown = preview(data, 0, len(data), len(data), TEXT, length)
    assert shown is not None
    assert data.decode().startswith(shown)
