"""Very many connections for a person: a line or two for each, laid out without looking at all.

rich weighs every cell against every other to lay out a table, which takes half a millisecond for a
row. Here nothing is folded, what does not fit is cut, and a row takes a tenth of that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wsanalyze.views.escape import cells, shortened

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.segment import Segment

# The widest that a column gets, whatever is in it.
ENDS, TRAFFIC, OUTCOME = 50, 30, 44

# Pieces of text with the names of their styles ("" for none).
Line = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """One connection in words; `style` is that of its `outcome`, which `consequence` goes on."""

    number: str
    ends: str
    resource: str
    outcome: str
    style: str
    consequence: str
    traffic: str
    time: str


HEAD = Row("#", "client → server", "resource", "outcome", "bold", "", "frames", "time")


class Listing:
    """A renderable of rich: a heading, then each row on one line, or on two where `wide` is not."""

    def __init__(self, rows: Sequence[Row], width: int, *, wide: bool) -> None:
        self.rows = rows
        self.width = width
        self.wide = wide
        self.number = max(len(row.number) for row in rows)
        self.ends = min(max(_cells(row.ends) for row in (HEAD, *rows)), ENDS)
        self.traffic = min(max(_cells(row.traffic) for row in (HEAD, *rows)), TRAFFIC)

    def __rich_console__(self, console: Console, _: ConsoleOptions) -> Iterator[Segment]:
        """Yield the text piece by piece, as rich wants it."""
        from rich.segment import Segment

        names = {"bold", "", *(row.style for row in self.rows)}
        styles = {name: console.get_style(name) if name else None for name in names}
        for row in (HEAD, *self.rows):
            for line in self.lines(row, "bold" if row is HEAD else ""):
                for text, style in _fitted(line, self.width):
                    yield Segment(text, styles[style])
                yield Segment.line()

    def lines(self, row: Row, style: str) -> list[Line]:
        """Return the lines of a row, of any width."""
        first = f"{row.number:>{self.number}}  {_filled(row.ends, self.ends)}  "
        traffic = _filled(row.traffic, self.traffic)
        outcome = [(row.outcome, row.style), (row.consequence, style)]
        if self.wide:
            gap = OUTCOME - _cells(row.outcome) - _cells(row.consequence)
            return [
                [
                    (f"{first}{traffic}  {row.time:>9}  ", style),
                    *outcome,
                    (" " * max(gap, 0) + "  " + row.resource, style),
                ]
            ]
        return [
            [(first + row.resource, style)],
            [(f"{'':{self.number}}  {traffic}  {row.time:>9}  ", style), *outcome],
        ]


def _fitted(line: Line, width: int) -> Iterator[tuple[str, str]]:
    """Yield the pieces of a line, cut where it would be wider than that."""
    for text, style in line:
        shown = shortened(text, width)
        yield shown, style
        if shown != text:
            return
        width -= _cells(text)


def _filled(text: str, width: int) -> str:
    text = shortened(text, width)
    return text + " " * (width - _cells(text))


def _cells(text: str) -> int:
    return len(text) if text.isascii() else sum(map(cells, text))
