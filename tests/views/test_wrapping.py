"""Lines of text, none of which a CI service takes for a command."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from wsanalyze.views.escape import cells, visible
from wsanalyze.views.wrapping import labelled, print_lines, wrapped


def test_broken_at_spaces_and_inside_words_that_do_not_fit() -> None:
    assert wrapped("one two three", 7) == ["one two", "three"]
    assert wrapped("one abcdefghij k", 4) == ["one", "abcd", "efgh", "ij k"]
    assert wrapped("", 10) == [""]
    assert wrapped("a", 0) == ["a"]


def test_wide_characters_take_two_cells_and_marks_stay_with_their_letters() -> None:
    assert wrapped("漢字漢字", 5) == ["漢字", "漢字"]
    assert wrapped("aaae\u0301b", 4) == ["aaae\u0301", "b"]


@pytest.mark.parametrize("width", range(1, 40))
def test_no_line_begins_a_command(width: int) -> None:
    for text in ("error ::error::x ##[error]y", "a    ::add-mask::x", "::x", "x::stop::y ::"):
        for line in wrapped(text, width):
            assert not line.lstrip().startswith("::")
            assert "##[" not in line


@given(st.text(), st.integers(1, 30))
def test_nothing_is_lost_and_lines_fit(text: str, width: int) -> None:
    shown = visible(text).replace(":", ";").replace("#", "+")
    lines = wrapped(shown, width)
    assert "".join(lines).replace(" ", "") == shown.replace(" ", "")
    for line in lines:
        assert sum(map(cells, line)) <= max(width, 2)


def test_labels_stand_beside_the_first_line_only() -> None:
    assert labelled("  found", "one two three", 17, column=10, label_style="dim") == [
        [("  found   ", "dim"), ("one two", "")],
        [("          ", ""), ("three", "")],
    ]


def test_printed_as_they_are() -> None:
    sink = io.StringIO()
    console = Console(file=sink, width=5, markup=False, highlight=False)
    print_lines([[("[bold]longer than that", "red")], []], console)
    assert sink.getvalue() == "[bold]longer than that\n\n"
