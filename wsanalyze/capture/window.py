"""The stretch of a capture that is in memory: one buffer, refilled again and again."""

from __future__ import annotations

from typing import Protocol

from wsanalyze.buffer import Buffer

# Large enough that system calls do not count (measured: 128 KiB to 4 MiB are equally fast), small
# enough to stay in a processor's second-level cache while the packets are decoded.
SIZE = 512 * 1024


class Stream(Protocol):
    """Where the bytes come from; `readinto` gives what has arrived, 0 at the end."""

    def readinto(self, view: memoryview) -> int:
        """Read up to `len(view)` bytes and return how many."""


class Window:
    """The bytes `[start, stop)` of `buffer` were read and are not used up yet.

    `base` is the offset in the stream of the buffer's first byte. `start` is the caller's to move.
    `error` is what the system said where reading failed.
    """

    def __init__(self, stream: Stream, size: int = SIZE) -> None:
        """Keep `size` bytes of `stream` in memory."""
        self.stream = stream
        self.error: OSError | None = None
        self.start = 0
        self.stop = 0
        self.base = 0
        self._make_buffer(size)

    @property
    def offset(self) -> int:
        """The offset in the stream of the first byte that is not used up."""
        return self.base + self.start

    def fill(self, needed: int = 0) -> bool:
        """Read what has arrived; False at the end of the stream, or where it failed.

        Moves the unused bytes to the front, so what lies in the buffer is gone. The buffer grows
        only where a single record of `needed` bytes does not fit, and only as its bytes arrive: a
        record that lies about its length costs nothing.
        """
        rest = self.stop - self.start
        if rest == len(self._view) and needed > rest:
            used = self._view[self.start : self.stop]
            self._make_buffer(min(needed, 2 * rest))
            self._view[:rest] = used
        elif self.start:
            self._view[:rest] = self._view[self.start : self.stop]
        self.base += self.start
        self.start = 0
        self.stop = rest
        try:
            count = self.stream.readinto(self._view[rest:])
        except OSError as error:
            self.error = error
            return False
        self.stop += count
        return count > 0

    def fill_to(self, needed: int) -> bool:
        """Read until `needed` bytes are there; False where the stream ends before."""
        while self.stop - self.start < needed:
            if not self.fill(needed):
                return False
        return True

    def peek(self, length: int) -> bytes:
        """Return up to `length` of the unused bytes."""
        return bytes(self._view[self.start : min(self.start + length, self.stop)])

    def _make_buffer(self, size: int) -> None:
        self._view = memoryview(bytearray(size))
        self.buffer = Buffer(self._view)
