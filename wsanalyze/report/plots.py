"""Numbers for the plots of a connection, counted over all of its frames and messages."""

from __future__ import annotations

from typing import Any

import numpy as np

from wsanalyze.tables.lazy_rows import LazyRows
from wsanalyze.tables.objects import Frame, Message

# Bars over the time that a connection lasts.
BARS = 120


def throughput(frames: LazyRows[Frame], started: int, ended: int) -> dict[str, Any]:
    """Return payload bytes on the wire per bar of `step` ns, by sender.

    A frame counts as a whole in the bar of its last packet, with what was captured of it.
    """
    step = max(-(-(ended - started + 1) // BARS), 1)
    place = np.clip((frames.column("time_end") - started) // step, 0, BARS - 1)
    sender, captured = frames.column("sender"), frames.column("captured")
    bars = np.zeros((2, BARS), dtype=np.int64)
    np.add.at(bars, (sender, place), captured)
    client, server = bars.tolist()
    return {"step": step, "client": client, "server": server}


def sizes(messages: LazyRows[Message]) -> dict[str, Any]:
    """Return how many messages are of each size, by sender.

    Bar 0 is of empty messages, bar n of lengths from 2^(n-1) to 2^n - 1 bytes. `unknown`: messages
    whose length is not known.
    """
    sender, length = messages.column("sender"), messages.column("length")
    is_known = length >= 0
    # Not with logarithms: those of large numbers are not exact.
    bits = np.array([each.bit_length() for each in length[is_known].tolist()], dtype=np.int64)
    most = int(bits.max(initial=0))
    counts = np.bincount(sender[is_known] * (most + np.int64(1)) + bits, minlength=2 * (most + 1))
    client, server = counts.reshape(2, most + 1).tolist()
    return {"unknown": int((~is_known).sum()), "client": client, "server": server}
