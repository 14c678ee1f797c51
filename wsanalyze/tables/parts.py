"""Tables that grow while packets come: folders of Parquet files, each whole or not there.

    DIR/messages/part-000001.parquet, part-000002.parquet, …

`pandas.read_parquet("DIR/messages")` reads the parts as one table; so does everything that takes a
folder of Parquet files. A part is written under another name (which begins with a point: readers
pass over it), brought to the disk and renamed. Whatever happens, at most what came since the last
parts is missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from wsanalyze.errors import UsageError
from wsanalyze.layers.connection import Connection
from wsanalyze.tables.arrays import rows_of
from wsanalyze.tables.batches import frame_rows, header_rows, message_rows
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.tables.declaration import Table
from wsanalyze.tables.formats import parquet
from wsanalyze.tables.numbering import Ints
from wsanalyze.tables.output import replacing
from wsanalyze.tables.rows import Row, connection_row, summary_row
from wsanalyze.tables.runs import take, whole_columns
from wsanalyze.tables.schema import TABLES

# The tables that grow; segments are not kept, and summary has one row that is written anew.
GROWING = ("connections", "frames", "messages", "headers", "findings", "tls")
# Rows of a part: enough that thousands of parts are few, 20 MB of frames in memory.
MOST_ROWS = 1 << 17


@dataclass(slots=True)
class _Growing:
    """One table: the rows that wait for the next part, and how many parts there are."""

    table: Table
    waiting: list[pa.RecordBatch]
    rows: list[Row]
    parts: int = 0

    def count(self) -> int:
        waiting = [int(each.num_rows) for each in self.waiting]
        return len(self.rows) + sum(waiting)


class Parts:
    """The tables of one session, in a folder.

    `problem`: why a part could not be written, as text, until somebody takes note; `lost`: rows
    that were to be in such parts. Raises UsageError where the folder has parts of another session,
    and OSError where it cannot be made.
    """

    def __init__(self, folder: Path, preview_length: int) -> None:
        self.folder = folder
        self.preview_length = preview_length
        self.problem: str | None = None
        self.lost = 0
        self._tables = {name: _Growing(TABLES[name], [], []) for name in GROWING}
        for name in (*GROWING, "summary"):
            place = folder / name
            place.mkdir(parents=True, exist_ok=True)
            if any(place.glob("*.parquet")):
                raise UsageError(f"{folder}: has tables already: name another folder")

    def frames(
        self,
        owners: memoryview,
        numbers: memoryview,
        messages: memoryview,
        columns: Mapping[str, Any],
    ) -> None:
        """Take frames: the numbers of their connections, their own and those of their messages.

        64-bit integers all; -1 where a frame belongs to no message.
        """
        number, message, owner = np.asarray(numbers), np.asarray(messages), np.asarray(owners)
        arrays = whole_columns(columns)
        order = np.lexsort((number, owner))
        rows = frame_rows(owner[order], number[order], message[order], take(arrays, order))
        self._take("frames", rows)

    def messages(self, owners: memoryview, numbers: memoryview, columns: Mapping[str, Any]) -> None:
        """Take messages, likewise."""
        number: Ints = np.asarray(numbers)
        arrays = whole_columns(columns)
        order = np.lexsort((number, np.asarray(owners)))
        owner = np.asarray(owners)[order]
        rows = message_rows(owner, number[order], take(arrays, order), self.preview_length)
        self._take("messages", rows)

    def connection(self, number: int, connection: Connection) -> None:
        """Take a connection that is over, and its header fields."""
        self._tables["connections"].rows.append(connection_row(connection, number))
        self._tables["headers"].rows += header_rows([(number, connection)])

    def rows(self, name: str, rows: Iterable[Row]) -> None:
        """Take rows of `findings` or `tls` as plain cells."""
        self._tables[name].rows += rows

    def full(self) -> bool:
        """Say whether a part is due, however long it took."""
        return any(each.count() >= MOST_ROWS for each in self._tables.values())

    def write(self, summary: CaptureSummary) -> None:
        """Write what waits as a part of each table, and the summary as it is by now."""
        for name, each in self._tables.items():
            if each.rows:
                each.waiting.append(rows_of(each.table, each.rows))
                each.rows = []
            if not each.waiting:
                continue
            each.parts += 1
            lost = self._write(each.table, each.waiting, self._place(name, each.parts))
            self.lost += lost
            each.parts -= lost > 0
            each.waiting = []
        table = TABLES["summary"]
        self._write(table, [rows_of(table, [summary_row(summary)])], self._place("summary", 1))

    def _take(self, name: str, rows: pa.RecordBatch) -> None:
        self._tables[name].waiting.append(rows)

    def _place(self, name: str, part: int) -> Path:
        return self.folder / name / f"part-{part:06d}.parquet"

    def _write(self, table: Table, batches: list[pa.RecordBatch], place: Path) -> int:
        """Write a part; return how many rows were lost."""
        try:
            with replacing(place) as path, path.open("wb") as file:
                parquet.write(table, batches, file)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self.problem = f"{place}: {error.strerror or error}"
            return sum(each.num_rows for each in batches)
        return 0
