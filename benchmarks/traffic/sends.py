"""What the two ends of some conversations say: a table of sends and the bytes they refer to."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .contents import IntArray, starts_of

CLIENT, SERVER = 0, 1
MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000

SEND = np.dtype(
    [
        ("conversation", np.int32),  # index in the cohort; the table is sorted by it
        ("side", np.uint8),  # CLIENT or SERVER
        ("pause", np.int64),  # ns since the packet before it in the conversation
        ("start", np.int64),  # offset in the cohort's bytes
        ("length", np.int64),  # bytes, at least 1
    ]
)

Table = NDArray[np.void]


@dataclass(frozen=True)
class Sends:
    """The sends of a cohort of conversations (`table` is of dtype SEND) and their `data`."""

    table: Table
    data: bytes


@dataclass
class Script:
    """Collects sends one at a time, conversation after conversation."""

    rows: list[tuple[int, int, int]] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)

    def send(self, conversation: int, side: int, pause_ns: float, payload: bytes) -> None:
        """`side` says `payload`, `pause_ns` after what went before."""
        self.rows.append((conversation, side, int(pause_ns)))
        self.payloads.append(payload)

    def finish(self) -> Sends:
        """The table and the bytes of all that was sent."""
        table = np.zeros(len(self.rows), dtype=SEND)
        rows = np.array(self.rows, dtype=np.int64).reshape(-1, 3)
        for column, name in enumerate(("conversation", "side", "pause")):
            table[name] = rows[:, column]
        lengths: IntArray = np.array([len(payload) for payload in self.payloads], dtype=np.int64)
        table["length"] = lengths
        table["start"] = starts_of(lengths)
        return Sends(table, b"".join(self.payloads))


def concatenate(first: Sends, second: Sends) -> Sends:
    """Both, in each conversation the sends of `first` before those of `second`."""
    later = second.table.copy()
    later["start"] += len(first.data)
    both = np.concatenate([first.table, later])
    order = np.argsort(both["conversation"], kind="stable")
    return Sends(both[order], first.data + second.data)
