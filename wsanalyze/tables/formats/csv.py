"""CSV as RFC 4180 has it, UTF-8, lines ending in LF, a header line first.

NA is an empty cell, an empty text is `""`. Times are ISO 8601 with nine decimals and `Z`, booleans
`true` and `false`, lists are joined with `, `. Text from the wire is written exactly: a machine
reads back what was sent. A spreadsheet program takes a cell that begins with `=`, `+`, `-`, `@`,
TAB or CR for a formula: with `spreadsheet_safe` such text gets an apostrophe in front.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from wsanalyze.tables.arrays import literal, of_texts
from wsanalyze.tables.declaration import Column, Kind, Table
from wsanalyze.tables.formats.ahead import converted
from wsanalyze.tables.formats.cells import slices, texts, write_joined
from wsanalyze.tables.formats.few import are_few, few_texts

# RFC 4180 §2 items 6 and 7; an empty text is quoted to tell it from NA.
NEEDS_QUOTES = '^$|[",\r\n]'
_SPECIAL = np.isin(np.arange(256), list(b'",\r\n'))
# How text begins that a spreadsheet may take for a formula, in full width, too, and what it may
# leave out in front of that (OWASP ASVS 5.0 §1.2.10 has tab and NUL).
FORMULA = "^[=+\\-@\\x00-\\x1f\\x7f\uff1d\uff0b\uff0d\uff20]"


def write(
    table: Table, rows: Iterable[pa.RecordBatch], sink: BinaryIO, *, spreadsheet_safe: bool = False
) -> None:
    """Write the table to an open binary file."""
    sink.write((",".join(table.names) + "\n").encode())
    for lines in converted(partial(_lines, table, spreadsheet_safe), slices(rows)):
        write_joined(lines, sink)


def _lines(table: Table, spreadsheet_safe: bool, batch: pa.RecordBatch) -> pa.Array:
    few = are_few(table, batch)
    return (_few_lines if few else _many_lines)(table, spreadsheet_safe, batch)


def _few_lines(table: Table, spreadsheet_safe: bool, batch: pa.RecordBatch) -> pa.Array:
    cells = [
        _few_cells(column, array, spreadsheet_safe)
        for column, array in zip(table.columns, batch.columns, strict=True)
    ]
    return of_texts([",".join(row) + "\n" for row in zip(*cells, strict=True)])


def _few_cells(column: Column, cells: pa.Array, spreadsheet_safe: bool) -> list[str]:
    if column.kind is Kind.LIST:
        lists = cells.to_pylist()
        found = [None if items is None else ", ".join(items) for items in lists]
    else:
        found = few_texts(column, cells)
        if column.kind is not Kind.STRING:
            return [text or "" for text in found]
    return [_few_cell(text, spreadsheet_safe) for text in found]


def _few_cell(text: str | None, spreadsheet_safe: bool) -> str:
    if text is None:
        return ""
    if spreadsheet_safe and re.match(FORMULA, text):
        text = "'" + text
    if text and not re.search(NEEDS_QUOTES, text):
        return text
    return '"' + text.replace('"', '""') + '"'


def _many_lines(table: Table, spreadsheet_safe: bool, batch: pa.RecordBatch) -> pa.Array:
    import pyarrow.compute as pc

    comma, newline, nothing = map(literal, (",", "\n", ""))
    cells = [
        _cells(column, array, spreadsheet_safe)
        for column, array in zip(table.columns, batch.columns, strict=True)
    ]
    replacing = {"null_handling": "replace", "null_replacement": ""}
    cells[-1] = pc.binary_join_element_wise(cells[-1], newline, nothing, **replacing)
    return pc.binary_join_element_wise(*cells, comma, **replacing)


def _cells(column: Column, cells: pa.Array, spreadsheet_safe: bool) -> pa.Array:
    import pyarrow.compute as pc

    if column.kind is Kind.LIST:
        lists = cells.to_pylist()
        cells = of_texts([None if items is None else ", ".join(items) for items in lists])
    elif column.kind is not Kind.STRING:
        return texts(column, cells)
    if spreadsheet_safe:
        cells = _where(pc.match_substring_regex(cells, FORMULA), cells, ("'", ""))
    if _is_plain(cells):
        return cells
    quoted = pc.match_substring_regex(cells, NEEDS_QUOTES)
    if not pc.any(quoted).as_py():
        return cells
    doubled = pc.replace_substring(cells, '"', '""')
    return pc.if_else(quoted, _around(doubled, '"', '"'), cells)


def _is_plain(cells: pa.Array) -> bool:
    """Tell quickly of most columns that no cell needs quotes."""
    _, offsets, data = cells.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[cells.offset : cells.offset + len(cells) + 1]
    empty = (ends[1:] == ends[:-1]).sum()
    if data is None or empty > cells.null_count:
        return bool(empty == cells.null_count)
    characters = np.frombuffer(data, dtype=np.uint8)[ends[0] : ends[-1]]
    return not _SPECIAL.take(characters).any()


def _where(mask: pa.Array, cells: pa.Array, around: tuple[str, str]) -> pa.Array:
    import pyarrow.compute as pc

    return pc.if_else(mask, _around(cells, *around), cells) if pc.any(mask).as_py() else cells


def _around(cells: pa.Array, before: str, behind: str) -> pa.Array:
    import pyarrow.compute as pc

    parts = (literal(before), cells, literal(behind), literal(""))
    return pc.binary_join_element_wise(*parts)
