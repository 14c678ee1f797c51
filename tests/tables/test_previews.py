"""Previews show what was kept, and cut no character in half."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.tables.previews import preview

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


def test_nothing_kept_is_not_an_empty_text() -> None:
    assert preview(b"", -1, -1, 5, TEXT, 64) is None
    assert preview(b"", -1, -1, 0, TEXT, 64) == ""


@given(st.text(), st.integers(0, 40))
def test_a_preview_of_valid_text_is_its_beginning(text: str, length: int) -> None:
    data = text.encode("utf-8", "replace")
    shown = preview(data, 0, len(data), len(data), TEXT, length)
    assert shown is not None
    assert data.decode().startswith(shown)
