"""Rows of a table in sorted runs, in memory or in a temporary file, put together in order.

While captures are read, full columns are handed over: each becomes a run, sorted by who it is
about. When everything is read and numbered, blocks of whole connections are put together of what
each run has of them. So the rows come out in the same order however many there are, and beyond a
number of rows memory does not grow with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from wsanalyze.tables.arrays import plain
from wsanalyze.tables.columns import RUN
from wsanalyze.tables.numbering import Ints, in_place, is_sorted, starts

DIGEST = 32

# Arrays of one length, by name: numpy arrays, and an Arrow array of binaries for payloads.
Arrays = dict[str, Any]


class Run(Protocol):
    """Rows sorted by owner, ordinal and offset, and where the rows of each owner are."""

    stretches: Stretches

    def read(self, start: int, stop: int, names: Sequence[str] | None = None) -> Arrays:
        """Return the rows from `start` to `stop`; of all columns, or of those named."""
        ...


@dataclass(frozen=True, slots=True)
class Stretches:
    """Neighbouring rows with one owner each: rows `start` to `stop` of the run `run`."""

    owner: Ints
    run: Ints
    start: Ints
    stop: Ints

    def __len__(self) -> int:
        return len(self.owner)

    def __getitem__(self, rows: Any) -> Stretches:
        return Stretches(self.owner[rows], self.run[rows], self.start[rows], self.stop[rows])

    @classmethod
    def of(cls, owner: Ints) -> Stretches:
        """Return the stretches of one run, whose place is not known yet, by its owners."""
        firsts = starts(owner)
        return cls(owner[firsts], np.zeros_like(firsts), firsts, np.append(firsts[1:], len(owner)))


class HeldRun:
    """A run in memory."""

    def __init__(self, columns: Arrays, owner: str) -> None:
        self.columns = columns
        self.stretches = Stretches.of(columns[owner])

    @classmethod
    def of(cls, columns: Mapping[str, Any], owner: str) -> HeldRun:
        """Return full columns, as they are handed over, as a run."""
        return cls(sorted_columns(columns, owner), owner)

    def read(self, start: int, stop: int, names: Sequence[str] | None = None) -> Arrays:
        """Return rows, as `Run` has it; nothing is copied."""
        return {name: self.columns[name][start:stop] for name in names or self.columns}


def sorted_columns(columns: Mapping[str, Any], owner: str) -> Arrays:
    """Return full columns sorted by `owner`, ordinal and offset, each with what it refers to.

    Of messages, `digest` becomes rows of 32 bytes, with `hashed` to say where there is one, and
    `payload` an array of binaries, null where nothing of a payload that is not empty was kept.
    """
    whole = whole_columns(columns)
    rows = in_place(whole[owner], whole["ordinal"], whole.get("offset"))
    return take(whole, rows)


def whole_columns(columns: Mapping[str, Any]) -> Arrays:
    """Return columns as arrays in their order, each with what it refers to."""
    whole = {name: np.asarray(column) for name, column in columns.items() if name not in _STORES}
    if "digests" in columns:
        whole |= _contents(whole, columns["digests"], columns["payloads"])
    return whole


_STORES = ("digests", "payloads")


def _contents(columns: Arrays, digests: bytearray, payloads: bytearray) -> Arrays:
    """Return the columns of messages that hold what others point to, by row."""
    serial = columns.pop("digest")
    start, stop = columns.pop("payload_start"), columns.pop("payload_stop")
    table = np.frombuffer(digests, dtype=np.uint8).reshape(-1, DIGEST)
    hashed = serial >= 0
    if not len(table):
        # Runs are put together, and another one may have digests.
        table = np.zeros((1, DIGEST), dtype=np.uint8)
    digest = table[np.where(hashed, serial, 0)]
    return {"digest": digest, "hashed": hashed, "payload": _payloads(start, stop, payloads)}


def _payloads(start: Ints, stop: Ints, store: bytearray) -> pa.Array:
    """Return the stretches of the store as an array of binaries."""
    stop = np.where(start >= 0, np.maximum(start, stop), 0)
    start = np.maximum(start, 0)
    data: Any = pa.py_buffer(store)
    if not np.array_equal(start[1:], stop[:-1]):
        # Not one behind the other, as the pass writes them.
        sizes = stop - start
        ends = np.cumsum(sizes)
        places = np.arange(sizes.sum()) + np.repeat(start - (ends - sizes), sizes)
        data = pa.py_buffer(np.frombuffer(store, dtype=np.uint8)[places])
        start, stop = ends - sizes, ends
    offsets = pa.py_buffer(np.append(start[:1], stop).astype(np.int64))
    array: Any = pa.Array.from_buffers(pa.large_binary(), len(start), [None, offsets, data])
    return array


def join(parts: list[Any]) -> Any:
    """Return arrays one behind the other."""
    if len(parts) == 1:
        return parts[0]
    return pa.concat_arrays(parts) if isinstance(parts[0], pa.Array) else np.concatenate(parts)


def take(columns: Arrays, rows: Ints) -> Arrays:
    """Return those rows of each column."""
    return {
        name: column.take(plain(rows))
        if isinstance(column, pa.Array)
        else column.take(rows, axis=0)
        for name, column in columns.items()
    }


def numbered(runs: Sequence[Run], numbers: Ints) -> Stretches:
    """Return the stretches of all runs, their owners (serials) replaced by `numbers`."""
    return together(runs, lambda stretches: numbers[stretches.owner])


def together(runs: Sequence[Run], number: Any) -> Stretches:
    """Return the stretches of all runs, with the numbers that `number` gives their owners."""
    parts = [
        Stretches(number(mine), np.full(len(mine), place), mine.start, mine.stop)
        for place, mine in enumerate(each.stretches for each in runs)
    ]
    return concatenated(parts)


def concatenated(parts: Sequence[Stretches]) -> Stretches:
    """Return the stretches of all parts."""
    none: list[Any] = [np.empty(0, dtype=np.int64)]
    return Stretches(
        *(
            np.concatenate(none + [getattr(part, name) for part in parts])
            for name in ("owner", "run", "start", "stop")
        )
    )


def blocks(
    runs: Sequence[Run], stretches: Stretches, size: int = RUN
) -> Iterator[tuple[Ints, Arrays]]:
    """Yield blocks of about `size` rows in order: the number of each row's owner, and the columns.

    `stretches` have the numbers by which to sort. A connection with more rows than that comes in
    several blocks.
    """
    if not len(stretches):
        return
    rows = np.lexsort((stretches.start, stretches.run, stretches.owner))
    stretches = stretches[rows]
    firsts = starts(stretches.owner)
    bounds = np.append(firsts, len(stretches))
    ends = np.cumsum(np.add.reduceat(stretches.stop - stretches.start, firsts))
    at = done = 0
    while at < len(firsts):
        upto = max(int(np.searchsorted(ends, done + size, "right")), at + 1)
        mine = stretches[bounds[at] : bounds[upto]]
        if ends[at] - done > size:
            for part in _split(runs, mine, size):
                yield _block(runs, part)
        else:
            yield _block(runs, mine)
        done, at = int(ends[upto - 1]), upto


def _split(runs: Sequence[Run], mine: Stretches, size: int) -> Iterator[Stretches]:
    """Yield the stretches of one owner in parts of about `size` rows, cut at an ordinal.

    A run holds what was complete at one time: of what is cut here, the other runs have few rows.
    """
    start, stop = mine.start.copy(), mine.stop

    def ordinals(place: Any, first: Any, last: Any) -> Ints:
        found: Ints = runs[int(mine.run[place])].read(first, last, ("ordinal",))["ordinal"]
        return found

    heads = np.array(
        [ordinals(place, start[place], start[place] + 1)[0] for place in range(len(mine))]
    )
    for place in range(len(mine)):
        while start[place] < stop[place]:
            upto = min(start[place] + size, stop[place])
            border = ordinals(place, upto - 1, upto)[0]
            chosen = np.flatnonzero((heads <= border) & (start < stop))
            cut = start.copy()
            for each in chosen:
                ahead = ordinals(each, start[each], stop[each])
                cut[each] += np.searchsorted(ahead, border, "right")
                if cut[each] < stop[each]:
                    heads[each] = ahead[cut[each] - start[each]]
            yield Stretches(mine.owner, mine.run, start, cut)[chosen]
            start = cut


def _block(runs: Sequence[Run], mine: Stretches) -> tuple[Ints, Arrays]:
    """Return the rows of the stretches, sorted by owner, ordinal and offset."""
    stored = np.lexsort((mine.start, mine.run))
    parts = [runs[run].read(start, stop) for run, start, stop in _ranges(mine[stored])]
    columns = {name: join([part[name] for part in parts]) for name in parts[0]}
    sizes = mine.stop - mine.start
    owner = np.repeat(mine.owner, sizes)
    if not np.array_equal(stored, np.arange(len(stored))):
        places = np.empty(len(mine), dtype=np.int64)
        places[stored] = np.cumsum(sizes[stored]) - sizes[stored]
        before = np.cumsum(sizes) - sizes
        columns = take(columns, np.repeat(places - before, sizes) + np.arange(sizes.sum()))
    offset = columns.get("offset")
    if not is_sorted(owner, columns["ordinal"], offset):
        keys = (
            (columns["ordinal"], owner) if offset is None else (offset, columns["ordinal"], owner)
        )
        columns = take(columns, np.lexsort(keys))
    return owner, columns


def _ranges(mine: Stretches) -> Iterator[tuple[int, int, int]]:
    """Yield run, start and stop of the stretches, neighbours as one."""
    apart = (mine.run[1:] != mine.run[:-1]) | (mine.start[1:] != mine.stop[:-1])
    firsts = np.concatenate(([0], np.flatnonzero(apart) + 1))
    lasts = np.append(firsts[1:], len(mine)) - 1
    yield from zip(
        mine.run[firsts].tolist(),
        mine.start[firsts].tolist(),
        mine.stop[lasts].tolist(),
        strict=True,
    )
