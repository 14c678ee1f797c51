"""The `segments` table: the TCP segments of conversations that have WebSocket connections."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalyze.layers.connection import Connection
from wsanalyze.recording import Recording
from wsanalyze.tables.dtypes import coded, empty, frame
from wsanalyze.tables.numbering import Ints
from wsanalyze.tables.rows import in_order
from wsanalyze.tables.schema import SEGMENTS

# In the order of their bits (RFC 9293 §3.1; NS: RFC 3540), which is how `SYN,ACK` reads, too.
FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "NS")
FLAG_TEXTS = [
    ",".join(name for bit, name in enumerate(FLAGS) if flags >> bit & 1)
    for flags in range(1 << len(FLAGS))
]


def build(recording: Recording) -> pd.DataFrame:
    """Return the table; without rows where the pass kept no segments.

    Several connections on one conversation share its segments by the order of reading: a segment
    belongs to the last connection that was requested before it, and what came before the first
    request belongs to the first.
    """
    kept = recording.segments
    if kept is None or not kept.count or not recording.connections:
        return empty(SEGMENTS)
    columns = {name: np.asarray(column) for name, column in kept.arrays().items()}
    owners = _Owners(in_order(recording.connections))
    rows = np.flatnonzero(np.isin(columns["conversation"], owners.conversations))
    number = owners.of(columns["conversation"][rows], columns["ordinal"][rows])
    place = np.lexsort((columns["ordinal"][rows], number))
    rows, number = rows[place], number[place]
    return _table({name: column[rows] for name, column in columns.items()}, number, owners)


class _Owners:
    """Which connection a segment belongs to; connections are given by number."""

    def __init__(self, connections: list[Connection]) -> None:
        self.client_direction = np.array([each.client_direction for each in connections])
        conversation = np.array([each.conversation for each in connections], dtype=np.int64)
        requested = np.array([each.requested_ordinal for each in connections], dtype=np.int64)
        self.conversations, dense = np.unique(conversation, return_inverse=True)
        self.numbers = np.lexsort((requested, dense))
        self.dense, self.requested = dense[self.numbers], requested[self.numbers]
        self.first = np.searchsorted(self.dense, np.arange(len(self.conversations)))

    def of(self, conversation: Ints, ordinal: Ints) -> Ints:
        """Return the connection number of each segment."""
        dense = np.searchsorted(self.conversations, conversation)
        # One number that sorts as (conversation, ordinal) does.
        span = int(max(self.requested.max(), ordinal.max(initial=0))) + 1
        keys = self.dense * span + self.requested
        place = np.searchsorted(keys, dense * span + ordinal, side="right") - 1
        numbers: Ints = self.numbers[np.maximum(place, self.first[dense])]
        return numbers


def _table(columns: dict[str, npt.NDArray[Any]], number: Ints, owners: _Owners) -> pd.DataFrame:
    is_server = columns["direction"] != owners.client_direction[number]
    flags = pd.array(FLAG_TEXTS, dtype=pd.StringDtype()).take(columns["flags"] & 0x1FF)
    return frame(
        SEGMENTS,
        {
            "connection": number,
            "packet": columns["packet"],
            "time": columns["time"],
            "sender": coded(SEGMENTS.column("sender"), is_server),
            "flags": flags,
            "seq": _nullable(columns["seq"]),
            "ack": _nullable(columns["ack"]),
            "length": columns["length"],
            "window": columns["window"].astype(np.int64),
            # Note 0 is "nothing", which is NA.
            "note": coded(SEGMENTS.column("note"), columns["note"].astype(np.int8) - 1),
        },
    )


def _nullable(values: npt.NDArray[Any]) -> pd.arrays.IntegerArray:
    return pd.arrays.IntegerArray(values, values < 0)
