"""Lines of key logs, in whatever pieces their bytes come."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.capture.key_lines import LONGEST, KeyLines, is_text

TEXTS = st.lists(st.sampled_from(["", "one", "CLIENT_RANDOM ab cd", "x" * 50, "\r"]), max_size=8)


@given(TEXTS, st.sampled_from(["ascii", "utf-8-sig", "utf-16"]), st.lists(st.integers(0, 300)))
def test_cut_anywhere(lines: list[str], encoding: str, cuts: list[int]) -> None:
    data = "".join(line + "\n" for line in lines).encode(encoding)
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    found = KeyLines()
    given_lines = [
        line for start, stop in pairwise(places) for line in found.feed(data[start:stop])
    ]
    assert given_lines == [line.encode() for line in lines]
    assert (found.seen, found.passed) == (len(data), 0 if lines else len(data))
    assert found.end() == []


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_anything(pieces: list[bytes]) -> None:
    found = KeyLines()
    for piece in pieces:
        assert all(b"\n" not in line and len(line) <= LONGEST for line in found.feed(piece))
    assert found.seen == sum(map(len, pieces))
    assert 0 <= found.taken <= found.seen
    assert len(found.begun) <= LONGEST


def test_a_line_that_never_ends_takes_no_memory() -> None:
    found = KeyLines()
    given_lines = [line for _ in range(100) for line in found.feed(b"x" * LONGEST)]
    assert given_lines == [b"x" * LONGEST]
    assert (found.begun, found.passed) == (b"", 100 * LONGEST)
    assert found.feed(b"x\nnext\n") == [b"next"]


def test_what_may_be_all_of_a_last_line() -> None:
    for begun, last in (
        (b"CLIENT_RANDOM ab", [b"CLIENT_RANDOM ab"]),
        (b"TUlJ", []),
        (b"-----END PRIV", []),
        (b"-----END PRIVATE KEY-----", [b"-----END PRIVATE KEY-----"]),
        (b"-----", []),
    ):
        found = KeyLines()
        assert found.feed(begun) == []
        assert found.last() == last


def test_texts() -> None:
    assert is_text(b"CLIENT_RANDOM")
    assert is_text("a\n".encode("utf-16"))
    assert not is_text(b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00")
