"""How far the packets had come some time ago: time by our own clock, never by that of packets.

The clocks of packets step, back as well. What is idle or has been closed for so long is told by the
place that the order of reading had reached then.
"""

from __future__ import annotations

from collections import deque


class Places:
    """Remembers places in the order of reading for `seconds`, one in each `step` of seconds."""

    def __init__(self, seconds: float, step: float) -> None:
        self.seconds = seconds
        self.step = step
        self._marks: deque[tuple[float, int]] = deque()
        self._before = -1

    def note(self, now: float, ordinal: int) -> int:
        """Take note of a place at a time; return the place of `seconds` ago, -1 for none."""
        if not self._marks or now - self._marks[-1][0] >= self.step:
            self._marks.append((now, ordinal))
        while self._marks and self._marks[0][0] <= now - self.seconds:
            self._before = self._marks.popleft()[1]
        return self._before
