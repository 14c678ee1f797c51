# cython: language_level=3, wraparound=False, initializedcheck=False
"""One direction of a TCP conversation: from segments in any order to bytes in order.

Offsets count from the first byte after the SYN, unwrapped: they grow past 2^32 and never go back.

The invariant: everything before `next` was handed on, as bytes or as a gap; `pending` holds what
was seen beyond it, sorted, not overlapping, its first chunk at an offset above `next`.
"""

from __future__ import annotations

from wsanalyze.buffer import Buffer

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# A pending chunk costs its bytes and about this much around them.
CHUNK_OVERHEAD = 256

# Bytes already handed on that a later copy is compared with: TCP's largest window without scaling.
REMEMBERED = 65536


@cython.final
@cython.cclass
class Chunk:
    """Bytes [offset, stop) of the stream that came too early, with the packet they came in.

    Of a packet that the capture cut, only the first `len(data)` bytes are known: the rest up to
    `stop` is a gap of known size.
    """

    def __init__(
        self,
        offset: cython.longlong,
        stop: cython.longlong,
        data: bytes,
        time: cython.longlong,
        packet: cython.longlong,
    ) -> None:
        self.offset = offset
        self.stop = stop
        self.data = data
        self.time = time
        self.packet = packet


@cython.final
@cython.cclass
class Direction:
    """What one end sent: where its stream stands, and what of it waits for a hole to be filled.

    - `base`: the sequence number of offset 0; `started`: whether it is known
    - `assumed`: `base` is only what the other end acknowledged before anything of this one was seen
    - `next`: offset of the next byte to be handed on; `highest`: end of what was seen
    - `acked`: how far the other end has acknowledged; `fin`: offset of the FIN, -1 unseen
    - `pending`, `pending_bytes`: chunks that came too early, and what they cost
    - `retransmissions`, `out_of_order`, `keep_alives`, `conflicts`: segments, counted
    - `duplicates`: packets that were seen twice; they count as none of these
    - `recent`, `recent_stop`: the last bytes handed on, where a table of segments is wanted, and
      the offset behind them
    - `lost`: bytes of gaps that were handed on; `ended`: whether the FIN was handed on
    """

    def __init__(self) -> None:
        self.started = self.syn = self.ended = self.reset = self.assumed = 0
        self.base = 0
        self.next = self.highest = self.acked = 0
        self.fin = -1
        self.pending: list[Chunk] = []
        self.pending_bytes = 0
        self.segments = self.retransmissions = self.out_of_order = 0
        self.keep_alives = self.conflicts = self.duplicates = self.lost = 0
        self.passed = -1
        self.recent = bytearray()
        self.recent_stop = 0

    def keep(
        self,
        offset: cython.longlong,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        length: cython.longlong,
        time: cython.longlong,
        packet: cython.longlong,
    ) -> cython.int:
        """Keep a segment of `length` bytes at `offset` > next, of which [start, stop) was captured.

        The first copy of a byte wins: only what no pending chunk holds is added. Returns 0 for a
        segment that was all new, 1 where part of it was known, 2 where that part differs, and 4
        more where all of it was known.
        """
        end: cython.longlong = offset + length
        at: cython.longlong = offset
        upto: cython.longlong
        index: cython.Py_ssize_t = self.first_ending_after(offset)
        known: cython.int = 0
        added: cython.int = 0
        chunk: Chunk
        while at < end:
            upto = end
            if index < len(self.pending):
                chunk = self.pending[index]
                if chunk.offset <= at:
                    known |= 1
                    upto = end if end < chunk.stop else chunk.stop
                    if self.differs(chunk, at, upto, buffer, start, stop, offset):
                        known |= 2
                    at = upto
                    index += 1
                    continue
                if chunk.offset < end:
                    upto = chunk.offset
            self.insert(index, at, upto, offset, buffer, start, stop, time, packet)
            added = 1
            index += 1
            at = upto
        if known & 2:
            self.conflicts += 1
        return known if added else known | 4

    def first_ending_after(self, offset: cython.longlong) -> cython.Py_ssize_t:
        """Return the index of the first pending chunk that ends behind `offset`."""
        low: cython.Py_ssize_t = 0
        high: cython.Py_ssize_t = len(self.pending)
        middle: cython.Py_ssize_t
        chunk: Chunk
        while low < high:
            middle = (low + high) >> 1
            chunk = self.pending[middle]
            if chunk.stop <= offset:
                low = middle + 1
            else:
                high = middle
        return low

    def insert(
        self,
        index: cython.Py_ssize_t,
        at: cython.longlong,
        upto: cython.longlong,
        offset: cython.longlong,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
    ) -> cython.int:
        """Insert the part [at, upto) of the segment that starts at `offset`."""
        first: cython.Py_ssize_t = start + (at - offset)
        last: cython.Py_ssize_t = start + (upto - offset)
        data: bytes
        if first > stop:
            first = stop
        if last > stop:
            last = stop
        data = buffer.copy(first, last)
        self.pending.insert(index, Chunk(at, upto, data, time, packet))
        self.pending_bytes += len(data) + CHUNK_OVERHEAD
        return 0

    def differs(
        self,
        chunk: Chunk,
        at: cython.longlong,
        upto: cython.longlong,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        offset: cython.longlong,
    ) -> cython.bint:
        """Say whether [at, upto) of the segment at `offset` differs from what `chunk` holds."""
        if upto > chunk.offset + len(chunk.data):
            upto = chunk.offset + len(chunk.data)
        if upto > offset + (stop - start):
            upto = offset + (stop - start)
        if upto <= at:
            return False
        mine: bytes = chunk.data[at - chunk.offset : upto - chunk.offset]
        return mine != buffer.copy(start + (at - offset), start + (upto - offset))

    def remember(
        self,
        offset: cython.longlong,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
    ) -> cython.int:
        """Remember bytes that are handed on, to compare later copies with them."""
        if self.recent_stop != offset:
            self.recent = bytearray()
        self.recent += buffer.copy(start, stop)
        self.recent_stop = offset + (stop - start)
        if len(self.recent) > 2 * REMEMBERED:
            del self.recent[: len(self.recent) - REMEMBERED]
        return 0

    def contradicts(
        self,
        offset: cython.longlong,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
    ) -> cython.bint:
        """Say whether a copy of bytes from `offset` on differs from those that were handed on."""
        first: cython.longlong = self.recent_stop - len(self.recent)
        low: cython.longlong = offset if offset > first else first
        high: cython.longlong = offset + (stop - start)
        if high > self.recent_stop:
            high = self.recent_stop
        if high <= low:
            return False
        mine: bytes = bytes(self.recent[low - first : high - first])
        return mine != buffer.copy(start + (low - offset), start + (high - offset))

    def maybe_take(self) -> Chunk | None:
        """Remove and return the first pending chunk if the stream has reached it, else None."""
        chunk: Chunk
        if not self.pending:
            return None
        chunk = self.pending[0]
        if chunk.offset > self.next:
            return None
        del self.pending[0]
        self.pending_bytes -= len(chunk.data) + CHUNK_OVERHEAD
        return chunk
