"""Rows of columns as objects that are made when somebody looks: a million cost no memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, overload

import numpy as np
import numpy.typing as npt

from wsanalyze.tables.numbering import Ints

T = TypeVar("T")

# Objects that are made at once where somebody goes through all of them.
AT_ONCE = 4096


class LazyRows(Sequence[T]):
    """Some rows of columns, in order; item i is made of row i each time that it is asked for.

    `columns` are those of all rows, of which these are `rows`; `own` has more columns, of these
    rows alone. `make(number, cells)` returns the object of the row with that number, counted from
    0 within the sequence that this one may be a part of. Two objects of one row are equal, not one.
    """

    def __init__(
        self,
        columns: Mapping[str, npt.NDArray[Any]],
        rows: Ints,
        make: Callable[[int, dict[str, int]], T],
        *,
        own: Mapping[str, npt.NDArray[Any]] | None = None,
        numbers: range | None = None,
    ) -> None:
        self._columns = columns
        self._rows = rows
        self._span = _span_of(rows)
        self._make = make
        self._own = own if own is not None else {}
        self.numbers = numbers if numbers is not None else range(len(rows))

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return one column of these rows, as the recording has it (not to be written to)."""
        own = self._own.get(name)
        if own is not None:
            return own
        column = self._columns[name]
        # Of one connection alone rows are one behind the other: nothing needs to be copied.
        return column[self._rows] if self._span is None else column[self._span]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> LazyRows[T]: ...

    def __getitem__(self, place: int | slice) -> T | LazyRows[T]:
        """Return the object of a row, or some rows, of which nothing is copied."""
        if isinstance(place, slice):
            return LazyRows(
                self._columns,
                self._rows[place],
                self._make,
                own={name: column[place] for name, column in self._own.items()},
                numbers=self.numbers[place],
            )
        row, number = self._rows[place], self.numbers[place]
        cells = {name: column[row].item() for name, column in self._columns.items()}
        cells |= {name: column[place].item() for name, column in self._own.items()}
        return self._make(number, cells)

    def at(self, places: Ints) -> Iterator[T]:
        """Yield the objects of the rows at these places, in their order."""
        for first in range(0, len(places), AT_ONCE):
            some = places[first : first + AT_ONCE]
            rows = self._rows[some]
            cells = {name: column[rows].tolist() for name, column in self._columns.items()}
            cells |= {name: column[some].tolist() for name, column in self._own.items()}
            names = tuple(cells)
            for place, row in zip(some.tolist(), zip(*cells.values(), strict=True), strict=True):
                yield self._make(self.numbers[place], dict(zip(names, row, strict=True)))

    def __iter__(self) -> Iterator[T]:
        """Yield the objects, some thousands of them made at once."""
        return self.at(np.arange(len(self)))

    def __eq__(self, other: object) -> bool:
        """Tell whether another sequence has equal objects."""
        if not isinstance(other, Sequence) or len(other) != len(self):
            return False
        return all(one == another for one, another in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return how many there are, and the first of them."""
        return f"<{len(self)} rows: {self[0]!r} …>" if len(self) else "<no rows>"


def _span_of(rows: Ints) -> slice | None:
    """Return rows that are one behind the other as a slice; None where they are not."""
    if not len(rows) or rows[-1] - rows[0] != len(rows) - 1:
        return None
    # A row comes once: rows that ascend, as many as from the first to the last, are all of these.
    is_ascending = bool((rows[1:] > rows[:-1]).all())
    return slice(int(rows[0]), int(rows[-1]) + 1) if is_ascending else None
