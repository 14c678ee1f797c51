"""Key logs that come through a FIFO while a capture is read."""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path

from wsanalyze.capture.key_lines import KeyLines
from wsanalyze.capture.stored import reason
from wsanalyze.errors import UsageError

# Room of a FIFO, as much as everybody may ask for, and what is read of it at a time.
PIPE = 1 << 20


class Pipe:
    """A FIFO that programs write key logs into, one after another or none yet.

    It is kept open: who opens it for writing would wait otherwise. `was_full`: whether the last
    call of `lines` found more than it takes.
    """

    def __init__(self, path: Path) -> None:
        """Open it without waiting; UsageError where it cannot be read."""
        self.path = path
        self.was_full = False
        self._descriptor = -1
        self._lines = KeyLines()
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise UsageError(f"key log {path}: cannot be read: {reason(error)}") from None
        with suppress(OSError, AttributeError):
            # Room for who writes while nobody asks.
            fcntl.fcntl(self._descriptor, fcntl.F_SETPIPE_SZ, PIPE)

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def lines(self) -> list[bytes]:
        """Return the lines that have come since the last call; PIPE bytes at most."""
        found: list[bytes] = []
        left = PIPE
        while left > 0:
            try:
                data = os.read(self._descriptor, min(PIPE, left))
            except OSError:
                break  # nothing is there, and somebody may write yet
            if not data:
                # Nobody writes at present: who did, ended with this.
                found += self._lines.end()
                break
            left -= len(data)
            found += self._lines.feed(data)
        self.was_full = left <= 0
        return found

    def maybe_anew(self) -> Pipe | None:
        """Return the FIFO that took its place under its name; None where it is the same."""
        try:
            state, mine = self.path.stat(), os.fstat(self._descriptor)
            if not stat.S_ISFIFO(state.st_mode) or os.path.samestat(state, mine):
                return None
            return Pipe(self.path)
        except (OSError, UsageError):
            return None
