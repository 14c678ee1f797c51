"""How far the reading is: one line on stderr, on a terminal only."""

from __future__ import annotations

import sys
import time

from wsanalyze.views.quantities import size

# Seconds between two changes of the line; before the first, nothing is shown.
EVERY = 0.2


class Progress:
    """Shows bytes read: call it with (bytes_read, bytes_in_all or None), and `close()` it."""

    def __init__(self) -> None:
        """Begin, with nothing shown."""
        self.started = self.shown = time.monotonic()
        self.width = 0

    def __call__(self, done: int, whole: int | None) -> None:
        """Show how far it is, unless it was shown just now."""
        now = time.monotonic()
        if now - self.shown < EVERY:
            return
        self.shown = now
        line = self.line(done, whole)
        sys.stderr.write("\r" + line.ljust(self.width))
        sys.stderr.flush()
        self.width = len(line)

    def line(self, done: int, whole: int | None) -> str:
        """Return what is shown."""
        rate = size(int(done / (self.shown - self.started))) + "/s"
        share = f" of {size(whole)}, {min(done / whole, 1):.0%}" if whole else ""
        return f"wsanalyze: read {size(done)}{share}, {rate}"

    def close(self) -> None:
        """Take the line away."""
        if self.width:
            sys.stderr.write("\r" + " " * self.width + "\r")
            sys.stderr.flush()
            self.width = 0
