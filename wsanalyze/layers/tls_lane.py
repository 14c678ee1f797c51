# cython: language_level=3, wraparound=False, initializedcheck=False
"""TLS records that nearly all are: whole in their segment, in order, application data that opens.

And segments amid a large one, which only wait for the rest of it.

Anything else goes the long way (tls.py), which sees it as if there was no short cut.
"""

from __future__ import annotations

from typing import Any

from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

HEADER = 5
APPLICATION_DATA = 23


@cython.cclass
class TlsLane:
    """What the short cut needs of one side; `TlsSender` says what each is."""

    def __init__(self) -> None:
        self.pending = bytearray()
        self.needed = HEADER
        self.opener: Any = None
        self.skipping = self.lost = self.missed = self.skipped = 0
        self.sequence = self.opened = self.sent = 0
        self.seeking = False


@cython.cclass
class TlsLine(Layer):
    """Both sides, as far as the short cut goes.

    `flows`: whether records were opened, nothing is held, and `inner` reads what is in them.
    `records` counts those that took the short cut.
    """

    def __init__(self, one: TlsLane, other: TlsLane) -> None:
        self.one = one
        self.other = other
        self.inner: Layer | None = None
        self.flows = self.is_1_3 = False
        self.is_done = 0
        self.records = 0

    def data(
        self,
        side: cython.int,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.int:
        """Read records one after the other, the short way while they are what nearly all are."""
        lane: TlsLane = self.one if side == 0 else self.other
        at: cython.Py_ssize_t = start
        behind: cython.Py_ssize_t
        length: cython.Py_ssize_t
        content: bytes | None
        inner: Layer | None
        waits: cython.bint = lane.needed > HEADER and not lane.seeking and len(lane.pending) > 0
        if waits and stop - start < lane.needed - len(lane.pending):
            # It was counted whole when it began.
            lane.pending += buffer.copy(start, stop)
            lane.sent += stop - start
            return 0
        while self.flows and stop - at > HEADER:
            if lane.opener is None or lane.seeking or lane.skipping or lane.lost or lane.missed:
                break
            behind = at + HEADER + (buffer.view[at + 3] << 8 | buffer.view[at + 4])
            if buffer.view[at] != APPLICATION_DATA or buffer.view[at + 1] != 3 or behind > stop:
                break
            if len(lane.pending) > 0:
                break
            content = lane.opener.open(
                lane.sequence, buffer.copy(at, at + HEADER), buffer.copy(at + HEADER, behind)
            )
            if content is None:
                break
            length = len(content)
            if self.is_1_3:
                length -= 1
                if length < 0 or content[length] != APPLICATION_DATA:
                    break
            lane.sequence += 1
            lane.opened += 1
            lane.skipped = 0
            lane.sent += behind - at
            self.records += 1
            at = behind
            inner = self.inner
            if length > 0 and inner is not None:
                self.is_done = inner.data(side, Buffer(content), 0, length, time, packet, ordinal)
                if self.is_done:
                    self.finish(1)
                    return 1
        return 0 if at == stop else self.read(side, buffer, at, stop, time, packet, ordinal)

    def read(
        self, side: int, buffer: Buffer, start: int, stop: int, time: int, packet: int, ordinal: int
    ) -> int:
        """Read bytes the long way."""
        raise NotImplementedError
