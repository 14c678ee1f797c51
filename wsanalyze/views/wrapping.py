"""Lines of styled text for a terminal: laid out here, since text from strangers is in them.

CI services read what programs print: a line that begins with `::error` or has `##[error]` in it is
a command to them. Text that was broken into lines could begin one with what a stranger sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from wsanalyze.views.escape import cells

if TYPE_CHECKING:
    from rich.console import Console

# Pieces of text with the names of their styles ("" for none).
Line = list[tuple[str, str]]


def wrapped(text: str, width: int) -> list[str]:
    """Return printable text as lines of at most `width` cells, broken at spaces where it can be."""
    width = max(width, 1)
    lines: list[str] = []
    line: str | None = None
    for word in defused(text).split(" "):
        if line is not None and _width(line) + 1 + _width(word) <= width:
            line += " " + word
            continue
        if line is not None:
            lines.append(line)
        *full, line = _cut(word, width)
        lines += full
    return [_defused(each.rstrip(" ")) for each in (*lines, line or "")]


def defused(text: str) -> str:
    """Return text without `##[`, which CI services take for a command anywhere in a line."""
    return text.replace("##[", "#\\x23[")


def labelled(
    label: str, text: str, width: int, *, column: int, style: str = "", label_style: str = ""
) -> list[Line]:
    """Return lines with a label in front of the first; all text begins in `column`."""
    first, *rest = wrapped(text, width - column)
    front = f"{label:<{column}}" if first else label
    lines: list[Line] = [[(front, label_style), (first, style)]]
    return lines + [[(" " * column, ""), (each, style)] for each in rest]


def print_lines(lines: Iterable[Line], console: Console) -> None:
    """Print lines on a rich console, without being laid out again."""
    from rich.segment import Segment, Segments
    from rich.text import Text

    if console.color_system is None:
        # Without styles rich has nothing to add, for which it takes longer than all that is said.
        plain = [Segment("".join(text for text, _ in line) + "\n") for line in lines]
        console.print(Segments(plain), soft_wrap=True, end="")
        return
    for line in lines:
        console.print(Text.assemble(*line), soft_wrap=True)


def _cut(word: str, width: int) -> list[str]:
    """Return a word in pieces that fit; it is never cut before a mark that belongs to a letter."""
    pieces, used = [""], 0
    for character in word:
        size = cells(character)
        if used + size > width and pieces[-1]:
            pieces.append("")
            used = 0
        pieces[-1] += character
        used += size
    return pieces


def _width(text: str) -> int:
    return len(text) if text.isascii() else sum(map(cells, text))


def _defused(line: str) -> str:
    return "\\x3a" + line.lstrip()[1:] if line.lstrip().startswith("::") else line
