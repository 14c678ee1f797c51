"""A ClientHello or ServerHello of an explained connection, byte by byte: bytes, name, meaning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from wsanalyze.story.model import HelloPart
from wsanalyze.views.escape import cells, visible
from wsanalyze.views.explained_parts import INDENT, PROSE, hexadecimal, row, say
from wsanalyze.views.quantities import counted
from wsanalyze.views.wrapping import Line

BELOW = INDENT + 4
# Bytes of one field that are shown, characters of its text, values of one list, rows.
BYTES, TEXT, VALUES, ROWS = 8, 200, 100, 400
# Room for the bytes, and how much what is in an extension is moved in.
COLUMN, STEP = 3 * BYTES + 5, 2


def hello_lines(parts: Sequence[HelloPart], width: int) -> Iterator[Line]:
    """Yield a row for each field, with its bytes in front; short values of a list share rows."""
    rows = list(_rows(parts))
    for same in rows[:ROWS]:
        if same[0].listed:
            yield from _values(same, width)
        else:
            yield from _field(same[0], width)
    if len(rows) > ROWS:
        left = counted(len(rows) - ROWS, "field")
        yield from say(f"… and {left} more", width, indent=BELOW, style="dim")


def _field(part: HelloPart, width: int) -> Iterator[Line]:
    moved = STEP * part.depth
    text = visible(part.text, TEXT)
    label = f"{part.name}: {text}" if part.name else text
    cell = hexadecimal(part.data, BYTES)
    yield from row(cell, label, width, column=COLUMN - moved, indent=BELOW + moved)


def _rows(parts: Sequence[HelloPart]) -> Iterator[list[HelloPart]]:
    """Yield the parts one by one, but those of a list together."""
    for is_list, run in groupby(parts, lambda part: part.listed):
        same = list(run)
        yield from [same] if is_list else [[part] for part in same]


def _values(same: Sequence[HelloPart], width: int) -> Iterator[Line]:
    """Yield the values of a list, each behind its bytes, in as many columns as there is room for.

    Where that is one, their bytes stand where those of other fields do.
    """
    told = [f"{each.data.hex(' ')} {visible(each.text, TEXT)}" for each in same[:VALUES]]
    wide = max(sum(map(cells, each)) for each in told) + 2
    beneath = BELOW + COLUMN
    columns = (min(width, PROSE) - beneath + 2) // wide
    is_grid = columns >= 2 and len(told) > 2
    for part in () if is_grid else same[:VALUES]:
        yield from _field(replace(part, depth=part.depth + 1), width)
    for at in range(0, len(told), columns) if is_grid else ():
        line = (each + " " * (wide - sum(map(cells, each))) for each in told[at : at + columns])
        yield from say("".join(line).rstrip(), width, indent=beneath)
    if len(same) > VALUES:
        left = counted(len(same) - VALUES, "value")
        yield from say(f"… and {left} more", width, indent=beneath, style="dim")
