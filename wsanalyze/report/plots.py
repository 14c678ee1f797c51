"""Numbers for the plots of a connection, counted over all of its frames and messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wsanalyze.tables.objects import Frame, Message

# Bars over the time that a connection lasts.
BARS = 120


def throughput(frames: Sequence[Frame], started: int, ended: int) -> dict[str, Any]:
    """Return payload bytes on the wire per bar of `step` ns, by sender.

    A frame counts as a whole in the bar of its last packet, with what was captured of it.
    """
    step = max(-(-(ended - started + 1) // BARS), 1)
    bars = {"client": [0] * BARS, "server": [0] * BARS}
    for frame in frames:
        place = min(max((frame.time_end - started) // step, 0), BARS - 1)
        bars[frame.sender][place] += frame.captured
    return {"step": step, **bars}


def sizes(messages: Sequence[Message]) -> dict[str, Any]:
    """Return how many messages are of each size, by sender.

    Bar 0 is of empty messages, bar n of lengths from 2^(n-1) to 2^n - 1 bytes. `unknown`: messages
    whose length is not known.
    """
    known = [each for each in messages if each.length is not None]
    most = max((each.length.bit_length() for each in known if each.length), default=0)
    bars = {"client": [0] * (most + 1), "server": [0] * (most + 1)}
    for each in known:
        bars[each.sender][(each.length or 0).bit_length()] += 1
    return {"unknown": len(messages) - len(known), **bars}
