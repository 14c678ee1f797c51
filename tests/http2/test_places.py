"""Where frames begin in bytes of which that is not known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.http2 import h2

from wsanalyze.http2.places import first_frame, frames_begin

DATA = h2(0, 0, 5, b"payload")


@pytest.mark.parametrize(
    ("data", "begins"),
    [
        (DATA, True),
        (DATA + DATA[:9], True),
        (DATA + DATA[:4], False),
        (DATA[:12], False),
        (h2(8, 0, 0, b"\0\0\1\0"), True),
        (h2(6, 0, 0, b"8 bytes."), True),
        (h2(6, 0, 1, b"8 bytes."), False),
        (h2(4, 1, 0), True),
        (h2(4, 0, 0, b"12345"), False),
        (h2(12, 0, 5, b"unknown type"), False),
        (h2(0, 0, 0, b"on no stream"), False),
        (h2(0, 0, 4, b"of a promise"), False),
        (h2(0, 0x40, 5, b"no such flag"), False),
        (b"", False),
        (bytes(64), False),
    ],
)
def test_at_the_beginning(data: bytes, begins: bool) -> None:
    assert frames_begin(data, 0) is begins


def test_only_on_streams_that_are_there() -> None:
    assert frames_begin(DATA, 0, {5})
    assert not frames_begin(DATA, 0, {3})


@given(st.binary(max_size=50).filter(lambda each: b"\0" not in each))
def test_behind_the_rest_of_another(rest: bytes) -> None:
    assert first_frame(rest + DATA + DATA) == len(rest)


@given(st.binary(max_size=200).filter(lambda each: b"\0" not in each))
def test_not_in_text(text: bytes) -> None:
    assert first_frame(text) == -1
