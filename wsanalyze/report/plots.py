"""Numbers for the plots of a connection, counted over all of its frames and messages."""

from __future__ import annotations

from typing import Any

import numpy as np

from wsanalyze.tables.lazy_rows import LazyRows
from wsanalyze.tables.objects import Frame, Message

# Bars over the time that a connection lasts.
BARS = 120
# Frames that are put into bars at once: a few bytes for each of millions would be many.
AT_ONCE = 1 << 16


def throughput(frames: LazyRows[Frame], started: int, ended: int) -> dict[str, Any]:
    """Return payload bytes on the wire per bar of `step` ns, by sender.

    A frame counts as a whole in the bar of its last packet, with what was captured of it.
    """
    step = max(-(-(ended - started + 1) // BARS), 1)
    bars = np.zeros((2, BARS), dtype=np.int64)
    for first in range(0, len(frames), AT_ONCE):
        some = frames[first : first + AT_ONCE]
        place = np.clip((some.column("time_end") - started) // step, 0, BARS - 1)
        np.add.at(bars, (some.column("sender"), place), some.column("captured"))
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
