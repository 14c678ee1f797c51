# cython: language_level=3, wraparound=False, initializedcheck=False
"""Growing typed columns: one row per frame, message or segment, appended by the kernels.

A row costs its packed bytes and nothing else. The columns hold what was on the wire; names, times
and categories are made of them when somebody asks for a table (`tables/build.py`). -1 stands for
"not available" in every signed column that can be so.

Columns grow, or, where somebody takes runs of rows (`full`), hand over every RUN rows and begin
anew: so a table can be longer than memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from mmap import mmap
from struct import calcsize
from typing import Any

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

FIRST_ROWS = 256
# Bytes of a column from which on it has pages of its own.
MAPPED = 1 << 16
# Rows that are handed over at once: some 12 MB, enough that the work per run does not count.
RUN = 1 << 17

# Takes a run of full columns, by name; returns whether they are out of memory by then.
Full = Callable[[Mapping[str, Any]], bool]


def _column(typecode: str, capacity: int) -> memoryview:
    """Return a column of zeros. Of a large one, memory that nobody has written to costs nothing.

    Raises MemoryError where there is no room for it.
    """
    size = calcsize(typecode) * capacity
    # A bytearray writes its zeros: a table that has just grown would cost twice what is in it.
    memory: Any = memoryview(_mapped(size) if size >= MAPPED else bytearray(size))
    column: memoryview = memory.cast(typecode)
    return column


def _mapped(size: int) -> mmap:
    try:
        return mmap(-1, size)
    except OSError as error:
        # No file is at fault, which is what its kind would say.
        raise MemoryError(error.strerror) from error


def _grown(column: Any, typecode: str, capacity: int, count: int) -> memoryview:
    """Return a copy of the first `count` items of `column` with room for `capacity`."""
    new = _column(typecode, capacity)
    new[:count] = memoryview(column)[:count]
    return new


@cython.final
@cython.cclass
class FrameColumns:
    """Facts of WebSocket frames; item i of each column belongs to the i-th frame that ended.

    - `connection`: serial of the connection; `sender`: 0 client, 1 server
    - `time`, `time_end`: integer ns of the packets with the first header and last payload byte
    - `packet`, `packet_end`: their numbers; `ordinal`: order in which they became readable
    - `offset`: of the first header byte in the sender's stream
    - `head`: first header byte as sent (FIN, RSV1-3, opcode); `second`: second header byte as sent;
      versions before HyBi draft 7 have here what RFC 6455 has for the same
    - `masking_key`: big-endian integer, 0 where unmasked; `header_length` in bytes
    - `length`: payload length as the header says (unsigned); `captured`: payload bytes seen
    - `message`: serial of the message, -1 for control frames and stray continuations
    - `close_code`: -1 where there is none
    - `confidence`: bits of evidence that a frame begins there, 0 where that is certain
    """

    def __init__(self, full: Full | None = None) -> None:
        self.full = full
        self.spilled = 0
        self.count = 0
        self.capacity = 0
        self.connection = self.message = _column("q", 0)
        self.time = self.time_end = self.packet = self.packet_end = _column("q", 0)
        self.ordinal = self.offset = self.captured = _column("q", 0)
        self.length = _column("Q", 0)
        self.masking_key = _column("I", 0)
        self.close_code = _column("i", 0)
        self.sender = self.head = self.second = self.header_length = _column("B", 0)
        self.confidence = _column("B", 0)
        self.grow(FIRST_ROWS)

    def grow(self, capacity: cython.Py_ssize_t) -> None:
        """Make room for `capacity` rows in all."""
        self.connection = _grown(self.connection, "q", capacity, self.count)
        self.time = _grown(self.time, "q", capacity, self.count)
        self.time_end = _grown(self.time_end, "q", capacity, self.count)
        self.packet = _grown(self.packet, "q", capacity, self.count)
        self.packet_end = _grown(self.packet_end, "q", capacity, self.count)
        self.ordinal = _grown(self.ordinal, "q", capacity, self.count)
        self.offset = _grown(self.offset, "q", capacity, self.count)
        self.captured = _grown(self.captured, "q", capacity, self.count)
        self.message = _grown(self.message, "q", capacity, self.count)
        self.length = _grown(self.length, "Q", capacity, self.count)
        self.masking_key = _grown(self.masking_key, "I", capacity, self.count)
        self.close_code = _grown(self.close_code, "i", capacity, self.count)
        self.sender = _grown(self.sender, "B", capacity, self.count)
        self.head = _grown(self.head, "B", capacity, self.count)
        self.second = _grown(self.second, "B", capacity, self.count)
        self.header_length = _grown(self.header_length, "B", capacity, self.count)
        self.confidence = _grown(self.confidence, "B", capacity, self.count)
        self.capacity = capacity

    def make_room(self) -> cython.int:
        """Make room for another row, by growing or by handing over; 1: a run is out of memory."""
        if self.full is None or self.capacity < RUN:
            self.grow(self.capacity * 2)
            return 0
        gone: cython.int = self.full(self.arrays())
        self.spilled += gone
        self.count = 0
        self.grow(RUN)
        return gone

    def take(self) -> dict[str, Any]:
        """Return all rows so far, as `arrays` does, and begin anew."""
        taken: dict[str, Any] = self.arrays()
        self.count = 0
        self.grow(FIRST_ROWS)
        return taken

    def arrays(self) -> dict[str, memoryview]:
        """Return each column as a memoryview of `count` items, by name."""
        count = self.count
        return {
            name: memoryview(column)[:count]
            for name, column in (
                ("connection", self.connection),
                ("sender", self.sender),
                ("time", self.time),
                ("time_end", self.time_end),
                ("packet", self.packet),
                ("packet_end", self.packet_end),
                ("ordinal", self.ordinal),
                ("offset", self.offset),
                ("head", self.head),
                ("second", self.second),
                ("masking_key", self.masking_key),
                ("header_length", self.header_length),
                ("length", self.length),
                ("captured", self.captured),
                ("message", self.message),
                ("close_code", self.close_code),
                ("confidence", self.confidence),
            )
        }


@cython.final
@cython.cclass
class MessageColumns:
    """Facts of data messages; item i of each column belongs to the i-th message that ended.

    - `connection`, `sender`, `time` … `packet_end`, `ordinal`, `offset`: as for frames, of the
      message's first and last frame
    - `opcode`: 1 text, 2 binary; `frames`: count; `compressed`, `complete`: 0 or 1
    - `wire_length`: sum of the frame payloads in bytes; `length`: after decompression, -1 unknown
    - `utf8_valid`: 1, 0, or -1 (binary, or not to be known)
    - `payload_start`, `payload_stop`: what is kept of the payload, in `payloads`
    - `confidence`: that of its first frame
    - `digest`: serial of its SHA-256 in `digests` (32 bytes each), -1 where there is none
    """

    def __init__(self, full: Full | None = None) -> None:
        self.full = full
        self.spilled = 0
        self.count = 0
        self.capacity = 0
        self.digests = bytearray()
        self.payloads = bytearray()
        self.connection = self.time = self.time_end = _column("q", 0)
        self.packet = self.packet_end = self.ordinal = self.offset = _column("q", 0)
        self.frames = self.wire_length = self.length = _column("q", 0)
        self.payload_start = self.payload_stop = self.digest = _column("q", 0)
        self.sender = self.opcode = self.compressed = self.complete = _column("B", 0)
        self.confidence = _column("B", 0)
        self.utf8_valid = _column("b", 0)
        self.grow(FIRST_ROWS)

    def grow(self, capacity: cython.Py_ssize_t) -> None:
        """Make room for `capacity` rows in all."""
        self.connection = _grown(self.connection, "q", capacity, self.count)
        self.time = _grown(self.time, "q", capacity, self.count)
        self.time_end = _grown(self.time_end, "q", capacity, self.count)
        self.packet = _grown(self.packet, "q", capacity, self.count)
        self.packet_end = _grown(self.packet_end, "q", capacity, self.count)
        self.ordinal = _grown(self.ordinal, "q", capacity, self.count)
        self.offset = _grown(self.offset, "q", capacity, self.count)
        self.frames = _grown(self.frames, "q", capacity, self.count)
        self.wire_length = _grown(self.wire_length, "q", capacity, self.count)
        self.length = _grown(self.length, "q", capacity, self.count)
        self.payload_start = _grown(self.payload_start, "q", capacity, self.count)
        self.payload_stop = _grown(self.payload_stop, "q", capacity, self.count)
        self.digest = _grown(self.digest, "q", capacity, self.count)
        self.sender = _grown(self.sender, "B", capacity, self.count)
        self.opcode = _grown(self.opcode, "B", capacity, self.count)
        self.compressed = _grown(self.compressed, "B", capacity, self.count)
        self.complete = _grown(self.complete, "B", capacity, self.count)
        self.confidence = _grown(self.confidence, "B", capacity, self.count)
        self.utf8_valid = _grown(self.utf8_valid, "b", capacity, self.count)
        self.capacity = capacity

    def make_room(self) -> cython.int:
        """Make room for another row, by growing or by handing over; 1: a run is out of memory."""
        if self.full is None or self.capacity < RUN:
            self.grow(self.capacity * 2)
            return 0
        gone: cython.int = self.full(self.run())
        self.spilled += gone
        self.count = 0
        self.digests = bytearray()
        self.payloads = bytearray()
        self.grow(RUN)
        return gone

    def take(self) -> dict[str, Any]:
        """Return all rows so far, as `run` does, and begin anew."""
        taken = self.run()
        self.count = 0
        self.digests = bytearray()
        self.payloads = bytearray()
        self.grow(FIRST_ROWS)
        return taken

    def run(self) -> dict[str, Any]:
        """Return the columns and the two stores that they refer to."""
        return self.arrays() | {"digests": self.digests, "payloads": self.payloads}

    def arrays(self) -> dict[str, memoryview]:
        """Return each column as a memoryview of `count` items, by name."""
        count = self.count
        return {
            name: memoryview(column)[:count]
            for name, column in (
                ("connection", self.connection),
                ("sender", self.sender),
                ("time", self.time),
                ("time_end", self.time_end),
                ("packet", self.packet),
                ("packet_end", self.packet_end),
                ("ordinal", self.ordinal),
                ("offset", self.offset),
                ("opcode", self.opcode),
                ("frames", self.frames),
                ("compressed", self.compressed),
                ("wire_length", self.wire_length),
                ("length", self.length),
                ("complete", self.complete),
                ("utf8_valid", self.utf8_valid),
                ("payload_start", self.payload_start),
                ("payload_stop", self.payload_stop),
                ("digest", self.digest),
                ("confidence", self.confidence),
            )
        }


@cython.final
@cython.cclass
class SegmentColumns:
    """Facts of TCP segments; item i of each column belongs to the i-th segment that was read.

    - `conversation`: index of the TCP conversation; `ordinal`: place in the order of reading
    - `packet`, `time`: its number and integer ns
    - `direction`: 0 from the lower endpoint of the flow's key, 1 from the other
    - `flags`: the TCP flags (9 bits); `seq`, `ack`: relative to the first of its side, -1 unknown
    - `length`: payload bytes; `window`: as sent, unscaled; `note`: an index into `NOTES`
    """

    def __init__(self, full: Full | None = None) -> None:
        self.full = full
        self.spilled = 0
        self.count = 0
        self.capacity = 0
        self.conversation = self.ordinal = self.packet = self.time = _column("q", 0)
        self.seq = self.ack = self.length = _column("q", 0)
        self.flags = self.window = _column("i", 0)
        self.direction = self.note = _column("B", 0)
        self.grow(FIRST_ROWS)

    def grow(self, capacity: cython.Py_ssize_t) -> None:
        """Make room for `capacity` rows in all."""
        self.conversation = _grown(self.conversation, "q", capacity, self.count)
        self.ordinal = _grown(self.ordinal, "q", capacity, self.count)
        self.packet = _grown(self.packet, "q", capacity, self.count)
        self.time = _grown(self.time, "q", capacity, self.count)
        self.seq = _grown(self.seq, "q", capacity, self.count)
        self.ack = _grown(self.ack, "q", capacity, self.count)
        self.length = _grown(self.length, "q", capacity, self.count)
        self.flags = _grown(self.flags, "i", capacity, self.count)
        self.window = _grown(self.window, "i", capacity, self.count)
        self.direction = _grown(self.direction, "B", capacity, self.count)
        self.note = _grown(self.note, "B", capacity, self.count)
        self.capacity = capacity

    def make_room(self) -> cython.int:
        """Make room for another row, by growing or by handing over; 1: a run is out of memory."""
        if self.full is None or self.capacity < RUN:
            self.grow(self.capacity * 2)
            return 0
        gone: cython.int = self.full(self.arrays())
        self.spilled += gone
        self.count = 0
        self.grow(RUN)
        return gone

    def arrays(self) -> dict[str, memoryview]:
        """Return each column as a memoryview of `count` items, by name."""
        count = self.count
        return {
            name: memoryview(column)[:count]
            for name, column in (
                ("conversation", self.conversation),
                ("ordinal", self.ordinal),
                ("packet", self.packet),
                ("time", self.time),
                ("direction", self.direction),
                ("flags", self.flags),
                ("seq", self.seq),
                ("ack", self.ack),
                ("length", self.length),
                ("window", self.window),
                ("note", self.note),
            )
        }


NOTES = (
    None,
    "retransmission",
    "out-of-order",
    "overlap",
    "overlap-conflict",
    "keep-alive",
    "zero-window",
    "lost-before",
    "reset",
    "duplicate",
)
