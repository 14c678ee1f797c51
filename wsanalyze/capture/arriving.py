"""A capture that is still being written: its packets as far as they have arrived.

Nothing here waits. Who reads a descriptor waits for it together with all else that may happen.
"""

from __future__ import annotations

import math
import os
from dataclasses import fields

from wsanalyze.capture.batch import Batch
from wsanalyze.capture.compression import compression_of
from wsanalyze.capture.info import CaptureInfo, Problem
from wsanalyze.capture.pcap import FILE_HEADER
from wsanalyze.capture.source import Records, header_length, problem_of, recognise
from wsanalyze.capture.window import Window
from wsanalyze.errors import CaptureError
from wsanalyze.limits import Limits


class Descriptor:
    """The bytes behind a file descriptor; `readinto` gives what is there, and waits if nothing is.

    `bytes_read` counts them.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.bytes_read = 0

    def readinto(self, view: memoryview) -> int:
        """Read up to `len(view)` bytes and return how many, 0 at the end. OSError if it fails."""
        count = os.readv(self.number, [view])
        self.bytes_read += count
        return count


class Arriving:
    """Hands out the packets of a stream of pcap or pcapng, each as soon as it is whole.

    `info` is filled in place. `failure`: why nothing more can be read, one line; None so far.
    """

    def __init__(self, descriptor: int, info: CaptureInfo, limits: Limits) -> None:
        """Read from `descriptor`, which the caller waits for and closes."""
        self.info = info
        self.failure: str | None = None
        self._limits = limits
        self._stored = Descriptor(descriptor)
        self._window = Window(self._stored)
        self._batch = Batch(self._window.buffer)
        self._records: Records | None = None

    @property
    def bytes_read(self) -> int:
        """How many bytes of the stream were read."""
        return self._stored.bytes_read

    def maybe_next(self) -> Batch | None:
        """Return packets that have arrived and were not handed out; the one before is gone."""
        if self.failure is not None or (self._records is None and not self._begin(ended=False)):
            return None
        window, batch, records = self._window, self._batch, self._records
        if records is None:
            return None
        batch.buffer = window.buffer
        window.start = records.index(batch, window.start, window.stop)
        self._note()
        if records.problem is not None:
            self._fail(records.problem)
        return batch if batch.count else None

    def read(self) -> bool:
        """Read once from the descriptor, which must be ready; False at the end of the stream.

        Only to be called after `maybe_next` had nothing: what was handed out is overwritten.
        """
        needed = self._records.needed if self._records is not None else self._head_length()
        return self._window.fill(needed)

    def end(self) -> None:
        """Say in `failure` and `info` what is wrong with where the stream ended, if anything."""
        if self.failure is None and (self._records is not None or self._begin(ended=True)):
            self.maybe_next()
            what = problem_of(self._window, self._records) if self._records is not None else None
            if self.failure is None and what is not None:
                self._fail(what)

    def discard_rest(self) -> None:
        """Forget the beginning of a block of which the rest will not come."""
        self._window.start = self._window.stop

    def _head_length(self) -> int:
        length = header_length(self._window)
        # One that claims more is damaged, which need not be waited for.
        return length if length <= self._limits.packet else FILE_HEADER

    def _begin(self, *, ended: bool) -> bool:
        """Recognise the stream once its header is there; at its end, with what there is."""
        window = self._window
        if not ended and window.stop - window.start < self._head_length():
            return False
        try:
            compression = compression_of(window.peek(window.stop))
            if compression is not None:
                raise CaptureError(
                    self.info.name,
                    f"a stream compressed with {compression}",
                    advice=f"decompress it first: ssh … | {compression} -d | wsanalyze live -",
                )
            self._records, info = recognise(self.info.name, window, None, self._limits)
        except CaptureError as error:
            self.failure = str(error)
            self.info.problem = Problem(error.what, error.offset)
            return False
        for field in fields(info):
            setattr(self.info, field.name, getattr(info, field.name))
        return True

    def _note(self) -> None:
        self.info.bytes_read = self._stored.bytes_read
        if self._records is not None:
            self._records.note(self.info)

    def _fail(self, what: str) -> None:
        self.info.problem = Problem(what, self._window.offset)
        self.failure = f"{self.info.name}: byte {self._window.offset}: {what}"


def milliseconds(seconds: float) -> int:
    """Return how long poll(2) shall wait, rounded up so that it does not come too early."""
    return max(0, math.ceil(seconds * 1000))
