"""Fields and lists (RFC 9110 §5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.websocket.fields import is_token, quoted_end, split_list, unquoted
from wsanalyze.websocket.head import read_head

HEAD = read_head(
    b"GET / HTTP/1.1\r\nConnection: keep-alive\r\nX: 1\r\nCONNECTION:\tUpgrade ,, foo\r\n\r\n"
)


def test_lookups_ignore_letter_case_and_join_lines() -> None:
    assert HEAD.values("connection") == ["keep-alive", "Upgrade ,, foo"]
    assert HEAD.value("Connection") == "keep-alive"
    assert HEAD.value("Via") is None
    assert HEAD.count("x") == 1
    assert [field.position for field in HEAD.lines("Connection")] == [0, 2]
    assert HEAD.tokens("connection") == ["keep-alive", "Upgrade", "foo"]
    assert HEAD.has_token("connection", "UPGRADE")
    assert not HEAD.has_token("connection", "up")


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a, b ,\tc", ["a", "b", "c"]),
        ("a,,b", ["a", "", "b"]),
        ('a; x="1,2", b', ['a; x="1,2"', "b"]),
        ('a; x="1\\",2", b', ['a; x="1\\",2"', "b"]),
        ('a; x="1\\\\", b', ['a; x="1\\\\"', "b"]),
        ('a, "b, c', ["a", '"b, c']),
        ('a, "b, c\\', ["a", '"b, c\\']),
    ],
)
def test_split_list(text: str, elements: list[str]) -> None:
    assert split_list(text) == elements


@pytest.mark.parametrize(
    ("text", "meaning"),
    [('"10"', "10"), ('"a\\"b"', 'a"b'), ('"a\\\\"', "a\\"), ('""', ""), ('"open', "open")],
)
def test_unquoted(text: str, meaning: str) -> None:
    assert unquoted(text) == meaning


def test_quoted_end() -> None:
    assert quoted_end('x"ab"c', 1) == 5
    assert quoted_end('x"ab', 1) == -1
    assert quoted_end('"a\\"', 0) == -1


@pytest.mark.parametrize("text", ["a", "permessage-deflate", "!#$%&'*+-.^_`|~09AZaz"])
def test_tokens(text: str) -> None:
    assert is_token(text)


@pytest.mark.parametrize("text", ["", "a b", "a/b", "a,b", '"a"', "ä", "a\n", "(a)", "a=b"])
def test_no_tokens(text: str) -> None:
    assert not is_token(text)


@given(st.text(alphabet='a,;" \\\t'))
def test_splitting_loses_nothing_but_separators_and_whitespace(text: str) -> None:
    kept = "".join(split_list(text))
    assert kept.count("a") == text.count("a")
    assert kept.count('"') == text.count('"')
