# cython: language_level=3, wraparound=False, initializedcheck=False
"""One direction of a TCP conversation: from segments in any order to bytes in order.

Offsets count from the first byte after the SYN, unwrapped: they grow past 2^32 and never go back.

The invariant: everything before `next` was handed on, as bytes or as a gap; `pending` holds what
was seen beyond it, sorted, not overlapping, its first chunk at an offset above `next`.
"""

from __future__ import annotations

from bisect import bisect_left

from wsanalyze.buffer import Buffer
from wsanalyze.transport.conflict import SHOWN, Conflict, differing

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# What most directions have of what waits and what is remembered: one for all, never changed, since
# a SYN that nobody answers has two directions, and there may be as many as somebody sends.
NOTHING: list[Chunk] = []
NO_BYTES = bytearray()

# No time: before 1970 times are negative.
UNSET = 0x7FFFFFFFFFFFFFFF

# A pending chunk costs its bytes and about this much around them.
CHUNK_OVERHEAD = 256

# Bytes already handed on that a later copy is compared with: TCP's largest window without scaling.
REMEMBERED = 65536
# Segments of which the same is known: a window of 64 KiB in segments of 64 bytes. What is known of
# one takes about so many bytes.
PARTS = 1024
PART = 192
# Conflicts of one segment that are kept: it may contradict thousands of small ones.
MOST_OF_ONE = 64


@cython.final
@cython.cclass
class Chunk:
    """Bytes [offset, stop) of the stream that came too early, with the packet they came in.

    Of a packet that the capture cut, only the first `len(data)` bytes are known: the rest up to
    `stop` is a gap of known size. `sound`: what `checksum.soundness` said of the packet; `acked`:
    how far the stream had been acknowledged before it; `arrived`: how many segments of its
    direction had come, itself included.
    """

    def __init__(
        self,
        offset: cython.longlong,
        stop: cython.longlong,
        data: bytes,
        time: cython.longlong,
        packet: cython.longlong,
        sound: cython.int,
        acked: cython.longlong,
        arrived: cython.longlong,
    ) -> None:
        self.offset = offset
        self.stop = stop
        self.data = data
        self.time = time
        self.packet = packet
        self.sound = sound
        self.acked = acked
        self.arrived = arrived


@cython.final
@cython.cclass
class Direction:
    """What one end sent: where its stream stands, and what of it waits for a hole to be filled.

    - `base`: the sequence number of offset 0; `started`: whether it is known
    - `assumed`: `base` is only what the other end acknowledged before anything of this one was seen
    - `next`: offset of the next byte to be handed on; `highest`: end of what was seen
    - `acked`: how far the other end has acknowledged; `fin`: offset of the FIN, -1 unseen
    - `pending`, `pending_bytes`: chunks that came too early, and what they cost
    - `unfilled`: whether the sender left the checksum of its SYN to its network card
    - `loaded`: segments with payload, copies and retransmissions among them
    - `retransmissions`, `out_of_order`, `keep_alives`, `conflicts`: segments, counted
    - `duplicates`: packets that were seen twice; they count as none of these
    - `recent`, `recent_stop`: the last bytes handed on, where a table of segments is wanted, and
      the offset behind them; `parts`: the segments that brought them, each as (offset behind it,
      packet, soundness, acknowledged before it)
    - `trust`: chunks handed on that had a valid checksum, less those that had a bad one: below 0,
      checksums say nothing (segmentation offload)
    - `contested`: the conflicts that are kept; `charged`: how many of them count for the limit;
      `beyond`: how many of the last segment are not kept
    - `ttl`: TTL or hop limit of its last segment in order, else of its SYN; -1 for none
    - `window_zero`: when it announced a window of 0 that is still in force, UNSET for none;
      `zero_windows`, `zero_ns`: how often, and for how long in all
    - `lost`: bytes of gaps that were handed on, `cut_off` those of them that the snap length cut
    - `ended`: whether the FIN was handed on
    """

    def __init__(self) -> None:
        self.started = self.syn = self.ended = self.reset = self.assumed = 0
        self.unfilled = False
        self.base = 0
        self.next = self.highest = self.acked = 0
        self.fin = -1
        self.pending: list[Chunk] = NOTHING
        self.pending_bytes = 0
        self.segments = self.loaded = self.retransmissions = self.out_of_order = 0
        self.keep_alives = self.conflicts = self.duplicates = self.lost = self.cut_off = 0
        self.passed = -1
        self.recent = NO_BYTES
        self.recent_stop = 0
        self.parts: list[tuple[int, int, int, int]] | None = None
        self.trust = 0
        self.contested: list[Conflict] | None = None
        self.charged = self.beyond = 0
        self.ttl = -1
        self.window_zero = UNSET
        self.zero_windows = self.zero_ns = 0

    def window(self, window: cython.int, time: cython.longlong) -> cython.int:
        """Take note of a window of 0, or of the one that ends it."""
        if window == 0:
            if self.window_zero == UNSET:
                self.window_zero = time
                self.zero_windows += 1
        else:
            if time > self.window_zero:
                self.zero_ns += time - self.window_zero
            self.window_zero = UNSET
        return 0

    def keep(
        self,
        offset: cython.longlong,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        length: cython.longlong,
        time: cython.longlong,
        packet: cython.longlong,
        sound: cython.int = 0,
    ) -> cython.int:
        """Keep a segment of `length` bytes at `offset` > next, of which [start, stop) was captured.

        The first copy of a byte stays, unless the receiver most probably took the other one (see
        `better`). What the capture did not keep of a packet is taken from another, and is known all
        the same. `sound`: what `checksum.soundness` said. Returns 0 for a segment that was all new,
        1 where part of it was known, 2 where that part differs, and 4 more where all of it was
        known.
        """
        end: cython.longlong = offset + length
        at: cython.longlong = offset
        upto: cython.longlong
        edge: cython.longlong
        index: cython.Py_ssize_t = self.first_ending_after(offset)
        known: cython.int = 0
        added: cython.int = 0
        judged: cython.int
        chunk: Chunk
        while at < end:
            upto = end
            if index < len(self.pending):
                chunk = self.pending[index]
                if chunk.offset <= at:
                    known |= 1
                    upto = end if end < chunk.stop else chunk.stop
                    edge = chunk.offset + len(chunk.data)
                    if edge <= at < offset + (stop - start):
                        index = self.cut_out(index, at, upto)
                        self.insert(
                            index, at, upto, offset, buffer, start, stop, time, packet, sound
                        )
                        index += 1
                        at = upto
                        continue
                    if at < edge < upto:
                        upto = edge
                    upto = self.marked(at, upto, chunk.acked)
                    judged = self.judge_pending(
                        chunk, at, upto, buffer, start, stop, offset, packet, sound
                    )
                    if judged & 1:
                        known |= 2
                    if judged & 2:
                        index = self.cut_out(index, at, upto)
                        self.insert(
                            index, at, upto, offset, buffer, start, stop, time, packet, sound
                        )
                        index += 1
                    elif upto == chunk.stop:
                        index += 1
                    at = upto
                    continue
                if chunk.offset < end:
                    upto = chunk.offset
            self.insert(index, at, upto, offset, buffer, start, stop, time, packet, sound)
            added = 1
            index += 1
            at = upto
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
        sound: cython.int,
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
        if self.pending is NOTHING:
            self.pending = []
        self.pending.insert(
            index, Chunk(at, upto, data, time, packet, sound, self.acked, self.segments)
        )
        self.pending_bytes += len(data) + CHUNK_OVERHEAD
        return 0

    def cut_out(
        self, index: cython.Py_ssize_t, at: cython.longlong, upto: cython.longlong
    ) -> cython.Py_ssize_t:
        """Take [at, upto) out of the chunk at `index`; return the index where it would stand."""
        chunk: Chunk = self.pending[index]
        stop: cython.longlong = chunk.stop
        data: bytes = chunk.data
        behind: Chunk
        self.pending_bytes -= len(data) + CHUNK_OVERHEAD
        del self.pending[index]
        if upto < stop:
            behind = Chunk(
                upto,
                stop,
                data[upto - chunk.offset :],
                chunk.time,
                chunk.packet,
                chunk.sound,
                chunk.acked,
                chunk.arrived,
            )
            self.pending.insert(index, behind)
            self.pending_bytes += len(behind.data) + CHUNK_OVERHEAD
        if chunk.offset < at:
            chunk.stop = at
            chunk.data = data[: at - chunk.offset]
            self.pending.insert(index, chunk)
            self.pending_bytes += len(chunk.data) + CHUNK_OVERHEAD
            return index + 1
        return index

    def marked(
        self, at: cython.longlong, upto: cython.longlong, acked: cython.longlong
    ) -> cython.longlong:
        """Return how far from `at` on all bytes are alike: acknowledged, then and now, or not."""
        if at < acked < upto:
            upto = acked
        if at < self.acked < upto:
            upto = self.acked
        return upto

    def judge_pending(
        self,
        chunk: Chunk,
        at: cython.longlong,
        upto: cython.longlong,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        offset: cython.longlong,
        packet: cython.longlong,
        sound: cython.int,
    ) -> cython.int:
        """Compare [at, upto) of the segment at `offset` with what `chunk` holds.

        Returns 1 where they differ, and 2 more where the segment's bytes are to be read.
        """
        better: cython.bint = self.better(at, chunk.sound, sound, chunk.acked)
        first: bytes
        second: bytes
        if upto > chunk.offset + len(chunk.data):
            upto = chunk.offset + len(chunk.data)
        if upto > offset + (stop - start):
            upto = offset + (stop - start)
        if upto <= at:
            return 0
        first = chunk.data[at - chunk.offset : upto - chunk.offset]
        second = buffer.copy(start + (at - offset), start + (upto - offset))
        if first == second:
            return 2 if better else 0
        self.contest(
            at, first, second, chunk.packet, packet, chunk.sound, sound, chunk.acked, False
        )
        return 3 if better else 1

    def better(
        self,
        at: cython.longlong,
        first_sound: cython.int,
        second_sound: cython.int,
        acked: cython.longlong,
    ) -> cython.bint:
        """Say whether the receiver most probably took the second copy of the bytes at `at`.

        It took what it acknowledged before the second came; else the one whose checksum is right,
        where the other's is bad; else the first. `acked`: how far it had acknowledged before the
        first came.
        """
        if acked <= at < self.acked:
            return False
        return self.trust >= 0 and first_sound < 0 and second_sound > 0

    def contest(
        self,
        at: cython.longlong,
        first: bytes,
        second: bytes,
        first_packet: cython.longlong,
        second_packet: cython.longlong,
        first_sound: cython.int,
        second_sound: cython.int,
        acked: cython.longlong,
        handed_on: cython.bint,
    ) -> cython.int:
        """Keep both versions of the bytes at `at`. What was handed on cannot be taken back."""
        better: cython.bint = self.better(at, first_sound, second_sound, acked)
        why = "first"
        if self.contested is None:
            self.contested = []
        if len(self.contested) >= self.charged + MOST_OF_ONE:
            self.beyond += 1
            return 0
        if acked <= at < self.acked:
            why = "acknowledged"
        elif self.trust >= 0 and first_sound * second_sound < 0:
            why = "checksum"
        low, high = differing(first, second)
        self.contested.append(
            Conflict(
                offset=at + low,
                length=high - low,
                first_packet=first_packet,
                second_packet=second_packet,
                first=first[low : min(high, low + SHOWN)],
                second=second[low : min(high, low + SHOWN)],
                used="second" if better and not handed_on else "first",
                why=why,
                late=better and handed_on,
            )
        )
        return 0

    def remember(
        self,
        offset: cython.longlong,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        packet: cython.longlong,
        sound: cython.int,
        acked: cython.longlong,
    ) -> cython.longlong:
        """Remember bytes that are handed on, to compare later copies with them.

        Returns how many bytes more than before that takes; below 0: less.
        """
        excess: cython.longlong = 0
        before: cython.longlong = self.remembered()
        if self.recent_stop != offset or self.parts is None:
            self.recent = bytearray()
            self.parts = []
        self.recent += buffer.copy(start, stop)
        self.recent_stop = offset + (stop - start)
        self.parts.append((self.recent_stop, packet, sound, acked))
        if len(self.recent) > 2 * REMEMBERED:
            excess = len(self.recent) - REMEMBERED
        if len(self.parts) > 2 * PARTS:
            # Bytes whose segment is not known any more are forgotten with it.
            gone, _, _, _ = self.parts[len(self.parts) - PARTS - 1]
            excess = max(excess, len(self.recent) - (self.recent_stop - gone))
            del self.parts[: len(self.parts) - PARTS]
        if excess > 0:
            del self.recent[:excess]
        return self.remembered() - before

    def remembered(self) -> cython.longlong:
        """Return the bytes that what is remembered takes."""
        return 0 if self.parts is None else len(self.recent) + PART * len(self.parts)

    def forget(self) -> cython.longlong:
        """Forget what was remembered; return the bytes that it took."""
        gone: cython.longlong = self.remembered()
        self.recent = NO_BYTES
        self.parts = None
        return gone

    def contradicts(
        self,
        offset: cython.longlong,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        packet: cython.longlong,
        sound: cython.int,
    ) -> cython.bint:
        """Say whether a copy of bytes from `offset` on differs from those that were handed on.

        What differs is kept as conflicts, one for each segment that had brought it.
        """
        first: cython.longlong = self.recent_stop - len(self.recent)
        at: cython.longlong = offset if offset > first else first
        high: cython.longlong = offset + (stop - start)
        upto: cython.longlong
        index: cython.Py_ssize_t
        mine: bytes
        copy: bytes
        if high > self.recent_stop:
            high = self.recent_stop
        if high <= at or self.parts is None:
            return False
        mine = bytes(self.recent[at - first : high - first])
        if mine == buffer.copy(start + (at - offset), start + (high - offset)):
            return False
        index = bisect_left(self.parts, (at + 1,))
        while at < high:
            part, number, its_sound, acked = self.parts[index]
            upto = self.marked(at, min(high, part), acked)
            mine = bytes(self.recent[at - first : upto - first])
            copy = buffer.copy(start + (at - offset), start + (upto - offset))
            if mine != copy:
                self.contest(at, mine, copy, number, packet, its_sound, sound, acked, True)
            if upto == part:
                index += 1
            at = upto
        return True

    def drop_conflicts(self) -> None:
        """Forget the conflicts that the last segment added."""
        self.beyond = 0
        if self.contested is not None:
            del self.contested[self.charged :]

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
        self.trust += chunk.sound
        return chunk
