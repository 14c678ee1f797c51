# cython: language_level=3, wraparound=False, initializedcheck=False
"""Packets on their way from a capture to the transport: where they lie in a buffer, and when."""

from __future__ import annotations

from array import array

from wsanalyze.buffer import Buffer

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython


@cython.final
@cython.cclass
class Batch:
    """Up to `capacity` packets of one capture that lie in one buffer, in file order.

    Item i of each array is a fact of packet i, for 0 <= i < `count`:

    - `start` and `stop`: its captured bytes are `buffer.view[start:stop]`;
    - `wire_length`: its length in bytes as it was on the wire (>= stop - start);
    - `time_ns`: its timestamp, integer nanoseconds since 1970-01-01 UTC;
    - `link`: its link type (LINKTYPE_ number), and in the bits from 16 on how many bytes of frame
      check sequence it ends with;
    - `number`: its 1-based number in the capture, the one that Wireshark shows.

    `capture` is the index of the capture that the packets came from. A reader fills the same Batch
    again and again: whoever needs a packet's bytes longer than one call copies them.
    """

    def __init__(self, buffer: Buffer, capacity: cython.Py_ssize_t = 8192) -> None:
        """Make room for `capacity` packets that lie in `buffer`."""
        self.buffer = buffer
        self.capacity = capacity
        self.count = 0
        self.capture = 0
        empty = bytes(8 * capacity)
        self.start = array("q", empty)
        self.stop = array("q", empty)
        self.wire_length = array("q", empty)
        self.time_ns = array("q", empty)
        self.number = array("q", empty)
        self.link = array("i", empty[: 4 * capacity])

    def has_room(self) -> cython.bint:
        """Say whether every array has room for `capacity` packets: who fills them asks once."""
        return (
            0 <= self.capacity <= len(self.start)
            and self.capacity <= len(self.stop)
            and self.capacity <= len(self.wire_length)
            and self.capacity <= len(self.time_ns)
            and self.capacity <= len(self.number)
            and self.capacity <= len(self.link)
        )

    def packet(self, i: cython.Py_ssize_t) -> tuple[int, int, int, int, bytes]:
        """Return packet i as `(number, time_ns, link, wire_length, captured bytes)`."""
        return (
            self.number[i],
            self.time_ns[i],
            self.link[i],
            self.wire_length[i],
            self.buffer.copy(self.start[i], self.stop[i]),
        )

    def packets(self) -> list[tuple[int, int, int, int, bytes]]:
        """Return the packets, each as `packet` does."""
        return [self.packet(i) for i in range(self.count)]
