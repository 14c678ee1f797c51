"""What is in frames that are no DATA."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.http2.bodies import error_name, fragment, number, settings
from wsanalyze.http2.frames import CONTINUATION, HEADERS, PUSH_PROMISE, FrameHeader

PADDED, PRIORITY = 0x08, 0x20


@pytest.mark.parametrize(
    ("kind", "flags", "body", "found"),
    [
        (HEADERS, 0, b"block", b"block"),
        (HEADERS, PADDED, b"\x02block\0\0", b"block"),
        (HEADERS, PRIORITY, b"\0\0\0\0\x10block", b"block"),
        (HEADERS, PADDED | PRIORITY, b"\x01\0\0\0\0\x10block\0", b"block"),
        (HEADERS, PADDED, b"\x05block", b""),
        (HEADERS, PADDED, b"\x06block", None),
        (HEADERS, PADDED, b"", None),
        (HEADERS, PRIORITY, b"\0\0\0\0", None),
        (PUSH_PROMISE, 0, b"\0\0\0\x02block", b"block"),
        (PUSH_PROMISE, 0, b"\0\0\0", None),
        # Neither flag means anything there.
        (CONTINUATION, PADDED | PRIORITY, b"block", b"block"),
    ],
)
def test_the_part_of_a_block(kind: int, flags: int, body: bytes, found: bytes | None) -> None:
    assert fragment(FrameHeader(len(body), kind, flags, 1), body) == found


def test_settings_in_order_the_same_one_twice() -> None:
    assert settings(b"\0\x08\0\0\0\x01\0\x08\0\0\0\0") == [(8, 1), (8, 0)]
    assert settings(b"") == []
    assert settings(b"\0\x08\0\0\0") is None


def test_numbers() -> None:
    assert number(b"\0\0\x01\0") == 256
    assert number(b"\0\0\0\0\0\0\0\x08", 4) == 8
    assert number(b"\0\0\0") is None


def test_names_of_errors() -> None:
    assert [error_name(code) for code in (0, 8, 13, 14)] == [
        "NO_ERROR",
        "CANCEL",
        "HTTP_1_1_REQUIRED",
        "error 14",
    ]


@given(st.integers(0, 9), st.integers(0, 255), st.binary(max_size=20))
def test_any_body(kind: int, flags: int, body: bytes) -> None:
    found = fragment(FrameHeader(len(body), kind, flags, 1), body)
    assert found is None or found in body
