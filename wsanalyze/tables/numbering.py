"""The numbers that rows carry: connections in order of their requests, frames and messages within.

Order is the order of reading (`ordinal`, then `offset` in the sender's stream), never the clock:
captures with clock steps number their frames as they were sent all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from wsanalyze.recording import Recording
from wsanalyze.tables.rows import in_order

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Order:
    """How the rows of a typed column become rows of a table.

    `rows`: index in the columns of each row of the table, sorted by connection and place;
    `connection`: its connection number; `number`: its place within the connection, from 0.
    """

    rows: Ints
    connection: Ints
    number: Ints

    def by_serial(self) -> Ints:
        """Return the number of each item of the columns, by index in the columns."""
        numbers = np.empty(len(self.rows), dtype=np.int64)
        numbers[self.rows] = self.number
        return numbers


def connection_numbers(recording: Recording) -> Ints:
    """Return the connection number of each serial."""
    numbers = np.zeros(len(recording.connections), dtype=np.int64)
    for number, connection in enumerate(in_order(recording.connections)):
        numbers[connection.serial] = number
    return numbers


def order(columns: dict[str, Any], numbers: Ints) -> Order:
    """Return the order of frames or messages, given `arrays()` of them and connection numbers."""
    connection = numbers[np.asarray(columns["connection"])]
    ordinal, offset = np.asarray(columns["ordinal"]), np.asarray(columns["offset"])
    rows = np.argsort(_narrow(connection, len(numbers)), kind="stable")
    if not _is_sorted(connection[rows], ordinal[rows], offset[rows]):
        rows = np.lexsort((offset, ordinal, connection))
    connection = connection[rows]
    return Order(rows, connection, _places(connection, len(numbers)))


def message_numbers(recording: Recording, numbers: Ints, frames: Order) -> Ints:
    """Return the message number of each message serial.

    Where the pass kept no messages, their numbers come from the frames: the order of a message's
    first frame is the order of messages.
    """
    if recording.messages is not None:
        return order(recording.messages.arrays(), numbers).by_serial()
    if recording.frames is None or not recording.frames.count:
        return np.empty(0, dtype=np.int64)
    message = np.asarray(recording.frames.arrays()["message"])[frames.rows]
    serials, first = np.unique(message, return_index=True)
    serials, first = serials[serials >= 0], first[serials >= 0]
    by_place = np.argsort(first)
    result = np.full(int(message.max()) + 1, -1, dtype=np.int64)
    places = _places(frames.connection[first[by_place]], len(numbers))
    result[serials[by_place]] = places
    return result


def _narrow(connection: Ints, count: int) -> npt.NDArray[Any]:
    """Return the numbers in 16 bits where they fit: numpy sorts those in linear time."""
    return connection.astype(np.uint16) if count <= 1 << 16 else connection


def _is_sorted(connection: Ints, ordinal: Ints, offset: Ints) -> bool:
    """Tell whether rows that are sorted by connection are sorted within each, too."""
    same = connection[1:] == connection[:-1]
    later = ordinal[1:] > ordinal[:-1]
    further = (ordinal[1:] == ordinal[:-1]) & (offset[1:] >= offset[:-1])
    return bool(np.all(~same | later | further))


def _places(connection: Ints, count: int) -> Ints:
    """Return the place of each row within its connection; rows are sorted by connection."""
    starts = np.searchsorted(connection, np.arange(count))
    places: Ints = np.arange(len(connection), dtype=np.int64) - starts[connection]
    return places
