"""JSON Lines: one object per row, UTF-8, keys in the order of the table.

NA is null, lists are lists, times ISO 8601 text. Control and invisible characters are escaped, so
that a terminal which shows a line is not led astray; a reader gets back exactly what was sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import partial
from typing import BinaryIO

import pyarrow as pa

from wsanalyze.tables.arrays import literal, of_texts
from wsanalyze.tables.declaration import Column, Kind, Table
from wsanalyze.tables.formats.ahead import converted
from wsanalyze.tables.formats.cells import slices, texts, write_joined
from wsanalyze.tables.formats.few import are_few, few_texts

# RFC 8259 §7, and what a terminal would obey or hide: C1 controls, bidi controls, zero widths.
ESCAPED = (
    r'["\\\x00-\x1f\x7f-\xa0\x{ad}\x{61c}\x{180e}\x{200b}-\x{200f}\x{2028}-\x{202e}'
    r"\x{2060}-\x{206f}\x{feff}\x{fff9}-\x{fffb}\x{fffe}\x{ffff}\x{e0000}-\x{e0fff}]"
)
# The same as Python writes it.
_ESCAPED = re.compile(re.sub(r"\\x\{(\w+)\}", lambda found: chr(int(found[1], 16)), ESCAPED))
_NUMBERS = (Kind.INT, Kind.NULLABLE_INT, Kind.PORT, Kind.BYTE, Kind.UNSIGNED, Kind.FLOAT)
_AS_THEY_ARE = (*_NUMBERS, Kind.BOOL, Kind.BOOLEAN)


def write(table: Table, rows: Iterable[pa.RecordBatch], sink: BinaryIO) -> None:
    """Write the table to an open binary file."""
    for lines in converted(partial(_lines, table), slices(rows)):
        write_joined(lines, sink)


def _lines(table: Table, batch: pa.RecordBatch) -> pa.Array:
    names = [json.dumps(name) for name in table.names]
    keys = [f"{'{' if not place else ','}{name}:" for place, name in enumerate(names)]
    return (_few_lines if are_few(table, batch) else _many_lines)(table, keys, batch)


def _few_lines(table: Table, keys: list[str], batch: pa.RecordBatch) -> pa.Array:
    cells = [
        [key + text for text in _few_cells(column, array)]
        for key, column, array in zip(keys, table.columns, batch.columns, strict=True)
    ]
    return of_texts(["".join(row) + "}\n" for row in zip(*cells, strict=True)])


def _few_cells(column: Column, cells: pa.Array) -> list[str]:
    if column.kind is Kind.LIST:
        return [_escaped(items) for items in cells.to_pylist()]
    found = few_texts(column, cells)
    if column.kind in _AS_THEY_ARE:
        return ["null" if text is None else text for text in found]
    return [_few_cell(text) for text in found]


def _few_cell(text: str | None) -> str:
    if text is None:
        return "null"
    return _escaped(text) if _ESCAPED.search(text) else f'"{text}"'


def _many_lines(table: Table, keys: list[str], batch: pa.RecordBatch) -> pa.Array:
    import pyarrow.compute as pc

    pieces = []
    for key, column, array in zip(keys, table.columns, batch.columns, strict=True):
        pieces += [literal(key), _cells(column, array)]
    return pc.binary_join_element_wise(*pieces, literal("}\n"), literal(""))


def _cells(column: Column, cells: pa.Array) -> pa.Array:
    """Return the cells as JSON values."""
    import pyarrow.compute as pc

    if column.kind in _AS_THEY_ARE:
        return pc.fill_null(texts(column, cells), literal("null"))
    if column.kind is Kind.LIST:
        return of_texts([_escaped(items) for items in cells.to_pylist()])
    cells = texts(column, cells)
    quote, nothing, null = map(literal, ('"', "", "null"))
    quoted = pc.fill_null(pc.binary_join_element_wise(quote, cells, quote, nothing), null)
    if column.kind is not Kind.STRING:
        return quoted
    special = pc.and_kleene(pc.match_substring_regex(cells, ESCAPED), cells.is_valid())
    if not pc.any(special).as_py():
        return quoted
    escaped = of_texts([_escaped(text) for text in cells.filter(special).to_pylist()])
    return pc.replace_with_mask(quoted, special, escaped)


def _escaped(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
