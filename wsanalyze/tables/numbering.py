"""The numbers that rows carry: connections in order of their requests, frames and messages within.

Order is the order of reading (`ordinal`, then `offset` in the sender's stream), never the clock:
captures with clock steps number their frames as they were sent all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from wsanalyze.recording import Recording
from wsanalyze.tables.rows import in_order

Ints = npt.NDArray[np.int64]
Columns = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Order:
    """How the rows of a typed column become rows of a table.

    `rows`: index in the columns of each row of the table, sorted by connection and place;
    `connection`: its connection number.
    """

    rows: Ints
    connection: Ints


@dataclass(slots=True)
class Carry:
    """How far the last connection of a block had come, for the block behind it.

    `latest`: the number of the message that client and server began last.
    """

    connection: int = -1
    rows: int = 0
    messages: int = 0
    latest: list[int] = field(default_factory=lambda: [-1, -1])


def connection_numbers(recording: Recording) -> Ints:
    """Return the connection number of each serial."""
    numbers = np.zeros(len(recording.connections), dtype=np.int64)
    for number, connection in enumerate(in_order(recording.connections)):
        numbers[connection.serial] = number
    return numbers


def order(columns: Mapping[str, Any], numbers: Ints) -> Order:
    """Return the order of frames or messages, given `arrays()` of them and connection numbers."""
    connection = numbers[np.asarray(columns["connection"])]
    ordinal, offset = np.asarray(columns["ordinal"]), np.asarray(columns["offset"])
    rows = in_place(connection, ordinal, offset)
    return Order(rows, connection[rows])


def in_place(owner: Ints, ordinal: Ints, offset: Ints | None) -> Ints:
    """Return the rows sorted by owner, ordinal and offset (where there is one)."""
    rows = np.argsort(_narrow(owner), kind="stable")
    # Most rows come in the order of reading, and that is seen sooner than the order within owners.
    if _forward(ordinal, offset).all():
        return rows
    if is_sorted(owner[rows], ordinal[rows], None if offset is None else offset[rows]):
        return rows
    keys = (ordinal, owner) if offset is None else (offset, ordinal, owner)
    return np.lexsort(keys)


def is_sorted(owner: Ints, ordinal: Ints, offset: Ints | None) -> bool:
    """Tell whether rows that are sorted by owner are sorted within each, too."""
    return bool(np.all((owner[1:] != owner[:-1]) | _forward(ordinal, offset)))


def _forward(ordinal: Ints, offset: Ints | None) -> npt.NDArray[np.bool_]:
    """Return for each row but the first whether it goes behind the one before it."""
    before, then = ordinal[:-1], ordinal[1:]
    forward: npt.NDArray[np.bool_] = then >= before
    if offset is not None:
        forward &= (then > before) | (offset[1:] >= offset[:-1])
    return forward


def _narrow(owner: Ints) -> npt.NDArray[Any]:
    """Return the owners in 16 bits where they fit: numpy sorts those in linear time."""
    if not len(owner):
        return owner
    low = owner.min()
    return (owner - low).astype(np.uint16) if owner.max() - low < 1 << 16 else owner


def places(connection: Ints, carry: Carry | None = None) -> Ints:
    """Return the place of each row within its connection; rows are sorted by connection."""
    result = np.arange(len(connection), dtype=np.int64)
    firsts = starts(connection)
    result -= np.repeat(firsts, np.diff(firsts, append=len(connection)))
    if carry is not None and len(connection):
        if connection[0] == carry.connection:
            result[: np.searchsorted(connection, carry.connection, "right")] += carry.rows
        carry.rows = int(result[-1]) + 1
    return result


def starts(owner: Ints) -> Ints:
    """Return where each stretch of equal owners begins."""
    if not len(owner):
        return np.empty(0, dtype=np.int64)
    return np.concatenate(([0], np.flatnonzero(owner[1:] != owner[:-1]) + 1))


def message_numbers(connection: Ints, columns: Columns, carry: Carry | None = None) -> Ints:
    """Return the number of the message that each frame belongs to, -1 for none.

    Frames are sorted as in their table. The order of their first frames is the order of messages; a
    continuation belongs to what its sender began last (RFC 6455 §5.4).
    """
    carry = carry if carry is not None else Carry()
    opcode, sender = columns["head"] & 0x0F, columns["sender"]
    belongs = columns["message"] >= 0
    begins = belongs & ((opcode == 1) | (opcode == 2))
    count = np.cumsum(begins, dtype=np.int64)
    firsts = starts(connection)
    before = count[firsts] - begins[firsts]
    goes_on = len(firsts) > 0 and connection[0] == carry.connection
    if goes_on:
        before[0] -= carry.messages
    numbers: Ints = count - 1 - np.repeat(before, np.diff(firsts, append=len(connection)))
    carried = carry.latest if goes_on else [-1, -1]
    if len(firsts):
        carry.messages = int(numbers[-1]) + 1
    latest = []
    for role in (0, 1):
        of_sender = sender == role
        began = np.flatnonzero(begins & of_sender)
        here = np.flatnonzero(belongs & ~begins & of_sender)
        # Row -1 stands for "none", whatever is there.
        source = np.append(-1, began)[np.searchsorted(began, here)]
        same = (source >= 0) & (connection[source] == connection[here])
        of_before = np.where(connection[here] == carry.connection, carried[role], -1)
        numbers[here] = np.where(same, numbers[source], of_before)
        kept = carried[role] if goes_on and connection[-1] == carry.connection else -1
        is_of_last = len(began) > 0 and connection[began[-1]] == connection[-1]
        latest.append(int(numbers[began[-1]]) if is_of_last else kept)
    numbers[~belongs] = -1
    if len(firsts):
        carry.connection, carry.latest = int(connection[-1]), latest
    return numbers
