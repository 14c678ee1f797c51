"""SQLite: one database file, a table for each table, an index on `connection` in each.

Times are ISO 8601 text, lists JSON text, booleans 0 and 1, NA is NULL. Unsigned numbers of 64 bits,
which SQLite does not have, are text.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pyarrow as pa

from wsanalyze.tables.declaration import Column, Kind, Table
from wsanalyze.tables.formats.ahead import ahead
from wsanalyze.tables.formats.cells import plain, slices

_TYPES = {
    Kind.FLOAT: "REAL",
    Kind.STRING: "TEXT",
    Kind.CATEGORY: "TEXT",
    Kind.TIME: "TEXT",
    Kind.LIST: "TEXT",
    Kind.UNSIGNED: "TEXT",
}


def write_all(tables: Iterable[tuple[Table, Iterable[pa.RecordBatch]]], path: Path) -> None:
    """Write the tables into the database file `path`, which is empty or not there.

    OSError where it cannot be written.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            # Nobody else sees the file before it is complete: no journal is needed.
            database.execute("PRAGMA journal_mode = OFF")
            database.execute("PRAGMA synchronous = OFF")
            database.execute("BEGIN")
            for table, rows in tables:
                _write(database, table, rows)
            database.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise OSError(f"SQLite: {error}") from error


def _write(database: sqlite3.Connection, table: Table, rows: Iterable[pa.RecordBatch]) -> None:
    columns = ", ".join(f'"{each.name}" {_type(each)}' for each in table.columns)
    database.execute(f'CREATE TABLE "{table.name}" ({columns})')
    marks = ", ".join("?" * len(table.columns))
    insert = f'INSERT INTO "{table.name}" VALUES ({marks})'
    for part in slices(ahead(rows)):
        cells = [
            _cells(column, plain(column, array))
            for column, array in zip(table.columns, part.columns, strict=True)
        ]
        database.executemany(insert, zip(*cells, strict=True))
    if "connection" in table.names:
        database.execute(f'CREATE INDEX "{table.name}_connection" ON "{table.name}" (connection)')


def _type(column: Column) -> str:
    declared = _TYPES.get(column.kind, "INTEGER")
    return declared if column.missing else f"{declared} NOT NULL"


def _cells(column: Column, values: list[object]) -> list[object]:
    if column.kind is Kind.LIST:
        return [None if items is None else json.dumps(items) for items in values]
    if column.kind is Kind.UNSIGNED:
        return [None if value is None else str(value) for value in values]
    return values
