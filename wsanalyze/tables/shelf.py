"""Where rows wait until everything is read: in memory up to a limit, then in a temporary file."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from wsanalyze.errors import StorageError
from wsanalyze.tables.columns import Full
from wsanalyze.tables.numbering import Ints
from wsanalyze.tables.runs import Arrays, HeldRun, Run, Stretches, sorted_columns

# Who the rows of a table are about: what runs are sorted by.
OWNERS = {"frames": "connection", "messages": "connection", "segments": "conversation"}

# Who takes full columns of a table, by its name; they return whether those left memory.
Takers = Mapping[str, Full]

# Runs that may wait for the thread that sorts and writes them.
WAITING = 2


class Shelf:
    """Takes the runs of the tables, and has them when everything is read.

    Runs are sorted, and beyond `limit` rows written to a temporary file, by a thread of its own
    while the reading goes on. To be closed, which removes the file.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self._thread = ThreadPoolExecutor(1)
        self._runs: dict[str, list[Future[Run]]] = {name: [] for name in OWNERS}
        self._waiting: list[Future[Run]] = []
        self._spool: Spool | None = None

    def __enter__(self) -> Shelf:
        return self

    def __exit__(self, *_error: object) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
        if self._spool is not None:
            self._spool.close()

    def takers(self) -> Takers:
        """Return who takes full columns of each table."""
        return {name: partial(self.take, name) for name in OWNERS}

    def take(self, name: str, columns: Mapping[str, Any]) -> bool:
        """Take full columns; return whether they go to the file.

        StorageError where what was taken before could not be written.
        """
        while len(self._waiting) >= WAITING:
            self._waiting.pop(0).result()
        count = len(columns["ordinal"])
        is_beyond = self.held + count > self.limit
        self.held += 0 if is_beyond else count
        run = self._thread.submit(self._written if is_beyond else HeldRun.of, columns, OWNERS[name])
        self._runs[name].append(run)
        self._waiting.append(run)
        return is_beyond

    def runs(self, name: str) -> list[Run]:
        """Return the runs of a table; StorageError where one could not be written."""
        return [each.result() for each in self._runs[name]]

    def _written(self, columns: Mapping[str, Any], owner: str) -> Run:
        try:
            if self._spool is None:
                self._spool = Spool()
            return StoredRun(sorted_columns(columns, owner), owner, self._spool)
        except OSError as error:
            place = tempfile.gettempdir()
            raise StorageError(
                f"{place}: {error.strerror or error}: the rows of a capture this long need room "
                "there (TMPDIR names another place, --limit rows=N holds more of them in memory)"
            ) from error


class Spool:
    """A temporary file without a name, which threads may write to and read from."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="wsanalyze-", buffering=0)  # noqa: SIM115
        self._turn = threading.Lock()
        self._end = 0

    def close(self) -> None:
        """Close the file, which is gone then."""
        self._file.close()

    def write(self, data: memoryview) -> int:
        """Write bytes at the end and return where that is."""
        with self._turn:
            place = self._file.seek(self._end)
            while data:
                data = data[self._file.write(data) :]
            self._end = self._file.tell()
        return place

    def read(self, place: int, data: memoryview) -> None:
        """Fill `data` with the bytes from `place` on."""
        with self._turn:
            self._file.seek(place)
            while data:
                count = self._file.readinto(data)
                if not count:
                    raise StorageError(f"{tempfile.gettempdir()}: a temporary file was cut")
                data = data[count:]


class StoredRun:
    """A run in a file: each column in one piece, of texts of any length their ends before them."""

    def __init__(self, columns: Arrays, owner: str, spool: Spool) -> None:
        self.stretches = Stretches.of(columns[owner])
        self.spool = spool
        self.places: dict[str, tuple[int, Any, tuple[int, ...]]] = {}
        for name, column in columns.items():
            if isinstance(column, pa.Array):
                ends, data = _ends(column), column.buffers()[2]
                self._write(f"{name} ends", ends - ends[0])
                stretch = np.frombuffer(data or b"", dtype=np.uint8)[ends[0] : ends[-1]]
                self._write(f"{name} data", stretch)
            else:
                self._write(name, column)

    def read(self, start: int, stop: int, names: Sequence[str] | None = None) -> Arrays:
        """Return rows, as `Run` has it."""
        wanted = names or list(dict.fromkeys(name.split()[0] for name in self.places))
        return {
            name: self._read(name, start, stop)
            if name in self.places
            else self._read_texts(name, start, stop)
            for name in wanted
        }

    def _write(self, name: str, column: Any) -> None:
        column = np.ascontiguousarray(column)
        place = self.spool.write(_bytes(column))
        self.places[name] = (place, column.dtype, column.shape[1:])

    def _read(self, name: str, start: int, stop: int) -> Any:
        place, dtype, shape = self.places[name]
        column = np.empty((stop - start, *shape), dtype=dtype)
        if column.size:
            self.spool.read(place + start * (column.nbytes // len(column)), _bytes(column))
        return column

    def _read_texts(self, name: str, start: int, stop: int) -> Any:
        ends = self._read(f"{name} ends", start, stop + 1)
        data = self._read(f"{name} data", int(ends[0]), int(ends[-1]))
        buffers = [None, pa.py_buffer(ends - ends[0]), pa.py_buffer(data)]
        return pa.Array.from_buffers(pa.large_binary(), stop - start, buffers)


def _bytes(column: Any) -> memoryview:
    """Return the memory of an array."""
    return memoryview(column.reshape(-1).view(np.uint8))


def _ends(texts: pa.Array) -> Ints:
    """Return where each text of an array begins in its data, and where the last one ends."""
    ends: Ints = np.frombuffer(texts.buffers()[1], dtype=np.int64)
    return ends[texts.offset : texts.offset + len(texts) + 1]
