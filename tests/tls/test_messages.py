"""Handshake messages: cut anywhere, and never without end."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from support.tls_crafted import message

from wsanalyze.tls.messages import LONGEST, Messages

MESSAGES = [(1, b"a" * 70), (8, b""), (11, b"c" * 300), (20, b"d")]
STREAM = b"".join(message(kind, body) for kind, body in MESSAGES)


@given(st.lists(st.integers(0, len(STREAM))))
def test_cut_anywhere(places: list[int]) -> None:
    messages, found = Messages(), []
    cuts = [0, *sorted(places), len(STREAM)]
    for start, stop in pairwise(cuts):
        found += list(messages.read(STREAM[start:stop]))
    assert found == MESSAGES
    assert messages.data == b""


def test_a_length_beyond_the_limit() -> None:
    messages = Messages()
    assert list(messages.read(b"\x0b" + (LONGEST + 1).to_bytes(3, "big"))) == []
    assert (messages.lost, len(messages.data)) == (True, 0)
    assert list(messages.read(STREAM)) == []


def test_what_is_kept_is_limited() -> None:
    messages = Messages()
    for _ in range(100):
        list(messages.read(b"\x0b" + LONGEST.to_bytes(3, "big") + bytes(LONGEST - 1000)))
        assert len(messages.data) <= 2 * LONGEST
