"""The tables of some connections only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from wsanalyze.recording import Recording
from wsanalyze.tables.rows import Row, connection_rows
from wsanalyze.tables.schema import TABLES

if TYPE_CHECKING:
    import pyarrow as pa

    from wsanalyze.tables.export import Source


def chosen(recording: Recording, numbers: tuple[int, ...], where: str | None) -> set[int] | None:
    """Return the connections that were asked for by number or by `--where`; None for every one.

    With both, a connection has to satisfy both. UsageError for an expression that makes no sense.
    """
    if not numbers and where is None:
        return None
    wanted = set(numbers)
    matches = _matching(where) if where is not None else None
    if matches is None:
        return wanted & set(range(len(recording.connections)))
    return {
        number
        for number, row in enumerate(connection_rows(recording.connections))
        if (not wanted or number in wanted) and matches(row)
    }


def _matching(where: str) -> Callable[[Row], bool]:
    # Reading Python's syntax trees takes some milliseconds to load, as long as a small capture.
    from wsanalyze.tables.where import compiled

    return compiled(where)


class Selection:
    """A source of tables that shows the rows of the connections `numbers`, and all of `summary`."""

    def __init__(self, source: Source, numbers: set[int]) -> None:
        """Take the tables and the numbers of the connections to show."""
        self.source = source
        self.numbers = sorted(numbers)

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of that table that belong to the chosen connections."""
        import numpy as np
        import pyarrow.compute as pc

        from wsanalyze.tables.arrays import plain

        if "connection" not in TABLES[name].names:
            yield from self.source.batches(name)
            return
        numbers = plain(np.array(self.numbers, dtype=np.int64))
        for batch in self.source.batches(name):
            chosen = batch.filter(pc.is_in(batch.column("connection"), numbers))
            if chosen.num_rows:
                yield chosen
