"""Packets from standard input, written by somebody else's `tcpdump -U -w -`, as they come."""

from __future__ import annotations

import fcntl
import os
import select
import sys
import time

from wsanalyze.capture.arriving import Arriving, milliseconds
from wsanalyze.capture.batch import Batch
from wsanalyze.capture.info import CaptureInfo
from wsanalyze.capture.live import Received
from wsanalyze.errors import CaptureError
from wsanalyze.limits import Limits

# What a pipe holds where the system does not say.
PIPE = 64 * 1024


class StreamSource:
    """A `LiveSource` over a descriptor on which pcap or pcapng arrives."""

    def __init__(self, descriptor: int, name: str, limits: Limits) -> None:
        """Read from `descriptor`, which stays the caller's."""
        self.description = name
        info = CaptureInfo(name)
        self.infos = [info]
        self.problems: list[str] = []
        self.ended = False
        self.failure: str | None = None
        self._descriptor = descriptor
        self._arriving = Arriving(descriptor, info, limits)
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        # Bytes that are still read after `stop`: what was in the pipe by then. None: not stopped.
        self._left: int | None = None

    def next(self, seconds: float) -> Batch | None:
        """Return the next packets, see `LiveSource`."""
        deadline = time.monotonic() + seconds
        while not self.ended:
            batch = self._arriving.maybe_next()
            if batch is not None:
                return batch
            if self._arriving.failure is not None:
                self._end()
            elif not self._poll.poll(self._patience(deadline)):
                if self._left is None:
                    return None
                self.ended = True
            else:
                self._read()
        return None

    def _patience(self, deadline: float) -> int:
        return 0 if self._left is not None else milliseconds(deadline - time.monotonic())

    def _read(self) -> None:
        before = self._arriving.bytes_read
        if self._left is not None and self._left <= 0:
            self.ended = True
        elif not self._arriving.read():
            self._end()
        elif self._left is not None:
            self._left -= max(1, self._arriving.bytes_read - before)

    def _end(self) -> None:
        self._arriving.end()
        self.failure = self._arriving.failure
        self.ended = True

    def stop(self) -> None:
        """Read no further than what is in the pipe already."""
        if self._left is None:
            self._left = _pipe_size(self._descriptor)

    def statistics(self) -> Received:
        """Return the counts, see `LiveSource`; losses are what the stream says."""
        info = self.infos[0]
        return Received(info.packets, info.dropped, None)

    def close(self) -> None:
        """Read no more."""
        self.ended = True


def open_standard_input(limits: Limits) -> StreamSource:
    """Return what comes on standard input. Raises CaptureError where that is no stream."""
    try:
        descriptor = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        raise CaptureError("standard input", "is closed", advice="pipe a capture into it") from None
    if os.isatty(descriptor):
        advice = "pipe a capture into it: tcpdump -U -w - | wsanalyze live -"
        raise CaptureError("standard input", "is a terminal", advice=advice)
    return StreamSource(descriptor, "standard input", limits)


def _pipe_size(descriptor: int) -> int:
    try:
        return fcntl.fcntl(descriptor, fcntl.F_GETPIPE_SZ)
    except (OSError, AttributeError):
        return PIPE
