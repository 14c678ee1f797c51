# cython: language_level=3, wraparound=False
"""Several captures as one stream of packets in time order.

Each capture stays in its own order, even where its clock runs backwards: of the captures' next
packets the earliest goes first, of equal ones that of the capture named first. Packets are handed
on in runs, stretches of a batch that nothing else comes between; captures that do not overlap in
time are handed on batch by batch, untouched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from wsanalyze.capture.batch import Batch

if TYPE_CHECKING:
    from wsanalyze.capture.info import CaptureInfo
    from wsanalyze.capture.source import Reader

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

Waiting = tuple[int, int, "Callable[[], Reader | None]"]
NEVER = 0x7FFFFFFFFFFFFFFF


@cython.final
@cython.cclass
class Front:
    """The next packet of one open capture: item `at` of `batch`, at `time_ns`."""

    def __init__(self, reader: Reader, index: cython.Py_ssize_t) -> None:
        """Stand before the first packet of capture number `index`; `refill` comes next."""
        self.reader = reader
        self.index = index
        self.at = 0
        self.time_ns = 0
        self.batch: Batch  # from the first `refill` on
        self.run: Batch | None = None

    def first_time_ns(self) -> int | None:
        """Read the first packet and return its time, None where there is no packet."""
        return self.time_ns if self.refill() else None

    def close(self) -> None:
        """Close the capture."""
        self.reader.close()

    @cython.cfunc
    @cython.exceptval(True, check=True)
    def refill(self) -> cython.bint:
        """Get the next batch; at the end of the capture close it and return False."""
        batch: Batch | None = self.reader.next()
        if batch is None:
            self.reader.close()
            return False
        batch.capture = self.index
        self.batch = batch
        self.at = 0
        self.time_ns = batch.time_ns[0]
        return True

    @cython.cfunc
    @cython.exceptval(check=False)
    def before(self, time_ns: cython.longlong, index: cython.Py_ssize_t) -> cython.bint:
        """Say whether this packet goes before one of that time and capture."""
        return self.time_ns < time_ns or (self.time_ns == time_ns and self.index < index)

    @cython.cfunc
    def give(self, time_ns: cython.longlong, index: cython.Py_ssize_t) -> Batch:
        """Return the packets that go before one of that time and capture: at least one."""
        start: cython.Py_ssize_t = self.at
        stop: cython.Py_ssize_t = start + 1
        count: cython.Py_ssize_t = self.batch.count
        last: cython.longlong = time_ns if self.index < index else time_ns - 1
        times = self.batch.time_ns
        while stop < count and times[stop] <= last:
            stop += 1
        self.at = stop
        if stop < count:
            self.time_ns = times[stop]
        if stop - start == count:
            return self.batch
        run: Batch | None = self.run
        if run is None:
            run = self.run = Batch(self.batch.buffer, 0)
        run.buffer = self.batch.buffer
        run.capture = self.batch.capture
        run.capacity = run.count = stop - start
        run.start = self.batch.start[start:stop]
        run.stop = self.batch.stop[start:stop]
        run.wire_length = self.batch.wire_length[start:stop]
        run.time_ns = self.batch.time_ns[start:stop]
        run.number = self.batch.number[start:stop]
        run.link = self.batch.link[start:stop]
        return run


@cython.final
@cython.cclass
class Merged:
    """A Reader over several captures; `infos` has one item for each, in the order given.

    `waiting` are captures that are opened when their time comes: `(first time_ns, index, open)`,
    where `open` returns None if it cannot be, and has said so in the info.
    """

    def __init__(
        self,
        infos: list[CaptureInfo],
        fronts: list[Front],
        waiting: list[Waiting],
    ) -> None:
        """Merge the captures of `fronts`, then those that are `waiting`."""
        self.infos = infos
        self.fronts = [front for front in fronts if front.refill()]
        self.waiting = sorted(waiting, key=_time_and_index)
        self.last: Front | None = None

    def next(self) -> Batch | None:
        """Return the next packets (at least one), all of one capture; None at the end.

        Like a Reader's, the Batch is gone with the next call; its arrays are not for writing.
        """
        time_ns: cython.longlong = NEVER
        index: cython.Py_ssize_t = NEVER
        self.settle()
        front: Front | None = self.first(None)
        if front is None:
            return None
        other: Front | None = self.first(front)
        if other is not None:
            time_ns, index = other.time_ns, other.index
        if self.waiting and (self.waiting[0][0], self.waiting[0][1]) < (time_ns, index):
            time_ns, index = self.waiting[0][0], self.waiting[0][1]
        self.last = front
        return front.give(time_ns, index)

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def settle(self) -> cython.int:
        """Move the capture on that gave the last packets, and open those whose time has come."""
        front: Front | None = self.last
        self.last = None
        if front is not None and front.at == front.batch.count and not front.refill():
            self.fronts.remove(front)
        while self.waiting:
            time_ns, index, open_reader = self.waiting[0]
            front = self.first(None)
            if front is not None and front.before(time_ns, index):
                break
            self.waiting.pop(0)
            reader = open_reader()
            if reader is None:
                continue
            self.infos[index] = reader.info
            front = Front(reader, index)
            if front.refill():
                self.fronts.append(front)
        return 0

    @cython.cfunc
    def first(self, but: Front | None) -> Front | None:
        """Return the front whose packet goes first, leaving out `but`; None where there is none."""
        best: Front | None = None
        front: Front
        for front in self.fronts:
            if front is not but and (best is None or front.before(best.time_ns, best.index)):
                best = front
        return best

    def close(self) -> None:
        """Close every capture; may be called at any time, and twice."""
        for front in self.fronts:
            front.close()
        self.fronts = []
        self.waiting = []
        self.last = None

    def __enter__(self) -> Merged:
        """Return itself; `close` is called at the end."""
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Close."""
        self.close()


def _time_and_index(waiting: Waiting) -> tuple[int, int]:
    return waiting[0], waiting[1]


def merge(readers: Sequence[Reader]) -> Merged:
    """Return the packets of open captures in time order; closing it closes them."""
    infos = [reader.info for reader in readers]
    return Merged(infos, [Front(reader, i) for i, reader in enumerate(readers)], [])
