"""Standard output and standard error of who must come to an end, whoever reads them or does not.

A pipe whose reader does not read gets full, and then who writes waits. While a session goes on that
is right: a pager is read at leisure. When it is to end, nobody may keep it from that.
"""

from __future__ import annotations

import errno
import io
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TextIO

# Seconds for a reader to take something, once the session is to end.
PATIENCE = 5.0
# Seconds for that where another reader has used up the patience: it may be the same one.
LAST = 1.0
# Seconds between two looks at whether it is.
TICK = 0.25


class ReaderStuckError(OSError):
    """Nobody reads what is written, and it is time to end."""

    def __init__(self) -> None:
        """Say what happened."""
        super().__init__(errno.ETIMEDOUT, "who reads it has stopped reading")


class Patience:
    """How long a write may take.

    `is_over` says whether the session is to end. While it does not, a write waits for its reader;
    from then on for PATIENCE since the reader last took something, or since it was to end. Who has
    let it end is not waited for again.
    """

    def __init__(self, is_over: Callable[[], bool]) -> None:
        """Take who says that it is time to end."""
        self.is_over = is_over
        self._stuck: set[int] = set()
        # Since when a write waits, None where none does.
        self._since: float | None = None

    @contextmanager
    def of_streams(self) -> Iterator[None]:
        """Write to `sys.stdout` and `sys.stderr` with this patience, where they are files.

        A signal of a timer (SIGALRM) interrupts what waits, so this is for the main thread.
        """
        before = sys.stdout, sys.stderr, signal.signal(signal.SIGALRM, self._tick)
        try:
            sys.stdout, sys.stderr = (
                _patient(sys.stdout, self, File),
                _patient(sys.stderr, self, Notes),
            )
            yield
        finally:
            sys.stdout, sys.stderr = before[:2]
            signal.signal(signal.SIGALRM, before[2])

    def write(self, descriptor: int, data: memoryview) -> None:
        """Write all of it. Raises OSError, ReaderStuckError where patience ends."""
        if descriptor in self._stuck:
            raise ReaderStuckError
        left = data
        self._since = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
        try:
            while left:
                if written := self._some(descriptor, left):
                    left = left[written:]
                    self._since = time.monotonic()
        except ReaderStuckError:
            self._stuck.add(descriptor)
            raise
        finally:
            self._since = None
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _some(self, descriptor: int, data: memoryview) -> int:
        try:
            # A signal ends it with what was written until then, or raises.
            return os.write(descriptor, data)
        except BlockingIOError:
            # Who shares it with us made it one that does not wait.
            room = select.poll()
            room.register(descriptor, select.POLLOUT)
            room.poll(TICK * 1000)
            self._look()
            return 0

    def _tick(self, _number: int, _frame: FrameType | None) -> None:
        self._look()

    def _look(self) -> None:
        """Raise where a write has waited for too long."""
        if self._since is None:
            return
        if not self.is_over():
            self._since = time.monotonic()
        elif time.monotonic() - self._since >= (LAST if self._stuck else PATIENCE):
            raise ReaderStuckError


class File(io.FileIO):
    """An open file that is written with patience: all, or OSError is raised."""

    def __init__(self, descriptor: int, patience: Patience) -> None:
        """Take an open descriptor, which stays open."""
        super().__init__(descriptor, "w", closefd=False)
        self._patience = patience

    def write(self, data: Any) -> int:
        """Write all of it."""
        view = memoryview(data).cast("B")
        self._patience.write(self.fileno(), view)
        return len(view)


class Notes(File):
    """Standard error: what cannot be said is not said."""

    def write(self, data: Any) -> int:
        """Write it, if it can be written."""
        try:
            return super().write(data)
        except OSError:
            return len(data)


def _patient(stream: TextIO, patience: Patience, kind: type[File]) -> TextIO:
    """Return a stream that writes where this one does; this one, where it is no file."""
    try:
        descriptor = stream.fileno()
    except OSError:
        return stream
    stream.flush()
    return io.TextIOWrapper(
        # All is written at once: nothing waits to be written when the process ends.
        kind(descriptor, patience),
        encoding=stream.encoding,
        errors="backslashreplace",
        write_through=True,
    )
