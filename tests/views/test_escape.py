"""Whatever a stranger sends, the terminal shows it and does not obey it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.views.escape import cells, prose, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b31m", "\\x9b31m"),
        ("a\x00b\r\n\t", "a\\x00b\\x0d\\x0a\\x09"),
        ("\x7f\x85\xa0\xad", "\\x7f\\x85\\xa0\\xad"),
        ("abc\u202etxt", "abc\\u202etxt"),
        ("\u2066\u2069\u200b\u200e\ufeff", "\\u2066\\u2069\\u200b\\u200e\\ufeff"),
        ("\u2028\u2029\u3000\u2003", "\\u2028\\u2029\\u3000\\u2003"),
        ("\U000e0041", "\\U000e0041"),
        ("\udc80", "\\udc80"),
        ("\ue000\uffff", "\\ue000\\uffff"),
        ("\u3164\u115f\u2800", "\\u3164\\u115f\\u2800"),
        ("\u034f\ufe0f", "\\u034f\\ufe0f"),
        ("C:\\x1b", "C:\\\\x1b"),
        ("né 😀 日本", "né 😀 日本"),
        ("e\u0301", "e\u0301"),
        ("e" + "\u0301" * 5, "e" + "\u0301" * 3 + "\\u0301\\u0301"),
        ("", ""),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("abcdef", 1, "…"),
        ("abcdef", 0, ""),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("日本語", 2, "…"),
        ("e\u0301e\u0301", 2, "e\u0301e\u0301"),
        ("\x1b\x1b", 6, "\\x1b\\…"),
    ],
)
def test_width(text: str, width: int, shown: str) -> None:
    assert visible(text, width) == shown


@given(st.text(), st.integers(0, 30))
def test_nothing_hidden_is_left_and_the_width_holds(text: str, width: int) -> None:
    shown = visible(text)
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not [each for each in shown if unicodedata.category(each) in hidden]
    assert sum(map(cells, visible(text, width))) <= width


@given(st.text(alphabet=st.characters(codec="latin-1")))
def test_wire_text_can_be_read_back(text: str) -> None:
    shown = visible(text)
    assert shown.encode("latin-1").decode("unicode_escape") == text


def test_a_sentence_keeps_the_backslashes_of_what_it_quotes() -> None:
    assert prose("it is '\\x1b[31m', not 'a'") == "it is '\\x1b[31m', not 'a'"
    assert prose("\\\\ \x1b\u202e \\") == "\\\\ \\x1b\\u202e \\"


@given(st.text())
def test_a_sentence_is_as_harmless_as_all_else(text: str) -> None:
    assert prose(text).isprintable()
    assert prose(text).replace("\\", "") == visible(text).replace("\\", "")
