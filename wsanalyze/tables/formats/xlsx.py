"""Excel: one workbook, a sheet for each table, every text a text.

A cell whose text begins with `=`, `+`, `-` or `@` is stored as text and never runs. Characters that
a workbook cannot hold (controls, U+FFFE, U+FFFF) stand as `\\x00`. Times are ISO 8601 text, because
Excel's have neither nanoseconds nor a zone; so are integers above 2**53, which it would round.
Texts beyond Excel's 32,767 characters are cut, and the cell says so. A table with more rows than a
sheet can hold is refused before anything is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from wsanalyze.errors import UsageError
from wsanalyze.tables.declaration import Column, Kind, Table
from wsanalyze.tables.formats.cells import plain, slices

# Rows of a sheet, the heading included, and UTF-16 units of a cell (Excel's specification).
SHEET = 1_048_576
CELL = 32_767
# Integers beyond it are not exact in Excel, whose numbers are IEEE doubles.
EXACT = 1 << 53

# XML 1.0 §2.2; CR is allowed there but read back as LF. `_x000D_` in a text would be read as the
# character that it names (ECMA-376 part 1 §22.9.2.19): its underscore is escaped.
UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
ESCAPE_LIKE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


def write_all(tables: Iterable[tuple[Table, Iterable[pa.RecordBatch]]], path: Path) -> None:
    """Write the tables into the workbook `path`.

    UsageError where openpyxl is not installed, or where a table has more rows than a sheet.
    """
    try:
        from openpyxl import Workbook
    except ImportError as error:
        raise UsageError(
            "xlsx needs openpyxl: pip install openpyxl, or choose another format"
        ) from error
    # Nobody wants to wait for minutes to learn that the last table does not fit.
    fitting = [(table, _fitting(table, rows)) for table, rows in tables]
    book = Workbook(write_only=True)
    try:
        for table, rows in fitting:
            _write(book, table, rows)
        book.save(path)
    except BaseException:
        # Sheets that are left open complain on stderr when they are collected.
        for sheet in book.worksheets:
            with suppress(OSError):
                sheet.close()
        raise


def _fitting(table: Table, rows: Iterable[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Return the rows, if a sheet has room for them."""
    kept: list[pa.RecordBatch] = []
    count = 0
    for batch in rows:
        count += batch.num_rows
        if count >= SHEET:
            raise UsageError(
                f"xlsx: {table.name} has more rows than the {SHEET - 1:,} of a sheet: choose "
                "another format, or connections with -c or --where"
            )
        kept.append(batch)
    return kept


def _write(book: Any, table: Table, rows: list[pa.RecordBatch]) -> None:
    sheet = book.create_sheet(table.name)
    sheet.freeze_panes = "A2"
    sheet.append([_text_cell(sheet, name) for name in table.names])
    for row in _rows(table, rows):
        sheet.append([_cell(sheet, value) for value in row])


def _rows(table: Table, rows: list[pa.RecordBatch]) -> Iterator[tuple[object, ...]]:
    for part in slices(rows):
        cells = [
            _values(column, plain(column, array))
            for column, array in zip(table.columns, part.columns, strict=True)
        ]
        yield from zip(*cells, strict=True)


def _values(column: Column, values: list[Any]) -> list[Any]:
    if column.kind is Kind.LIST:
        return [None if items is None else ", ".join(items) for items in values]
    return values


def _cell(sheet: Any, value: object) -> object:
    if isinstance(value, str):
        return _text_cell(sheet, value)
    if isinstance(value, int) and not -EXACT <= value <= EXACT:
        return _text_cell(sheet, str(value))
    return value


def _text_cell(sheet: Any, text: str) -> Any:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet)
    # Not through `cell.value`: that takes `=1` for a formula and `#N/A` for an error.
    cell._value = _storable(text)
    cell.data_type = "s"
    return cell


def _storable(text: str) -> str:
    """Return text that a cell can hold."""
    text = ESCAPE_LIKE.sub("_x005F_", text)
    text = UNSTORABLE.sub(lambda match: f"\\x{ord(match.group()):02x}", text)
    units = len(text) + sum(character > "\uffff" for character in text)
    if units <= CELL:
        return text
    note = f"… (cut from {len(text)} characters)"
    # A character outside the basic plane counts twice: half as many fit for certain.
    return text[: (CELL - len(note)) // 2] + note
