# cython: language_level=3, wraparound=False, initializedcheck=False
"""What everything that reads a byte stream answers to: the four calls of a layer."""

from __future__ import annotations

from wsanalyze.buffer import Buffer

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython


@cython.cclass
class Layer:
    """A reader of one connection's two byte streams, from the first byte to the last.

    `side` is 0 or 1, the direction of the TCP conversation (which of the two is the client is for
    the layer to find out). `time` (integer ns) and `packet` (its number in its capture) are those
    of the packet that the bytes came in. `ordinal` is the place, in the order of reading, of the
    packet that made them readable: the one that filled the hole before them, where there was one.
    Layers that carry others call the same four.

    Each call returns 0, or 1 when the layer wants to see no more of this connection.
    """

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
        """Take the next bytes of `side`: `buffer[start:stop]`, valid only during the call."""
        return 0

    def gap(
        self,
        side: cython.int,
        length: cython.longlong,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.int:
        """Learn that the next `length` bytes of `side` are not in the capture.

        A negative length says that there are not more than `-length`, and how many is not known:
        what was encrypted does not always tell.
        Time and packet are those of the packet behind them, as the sender had it; where none was
        captured, of the one that made it known.
        """
        return 0

    def end(
        self, side: cython.int, how: cython.int, time: cython.longlong, packet: cython.longlong
    ) -> cython.int:
        """Learn that `side` sent its FIN (`how` 0, all its data delivered) or a RST (`how` 1)."""
        return 0

    def finish(self, evicted: cython.int) -> cython.int:
        """Learn that nothing more will come.

        The capture ended (`evicted` 0), a limit was reached (1), or no packet came for long (2).
        """
        return 0
