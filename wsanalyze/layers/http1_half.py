# cython: language_level=3, wraparound=False, initializedcheck=False
"""One side of an HTTP/1 connection: where in which message it stands."""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.layers.http1_lines import may_begin, names_http
from wsanalyze.websocket.body import ChunkedReader, body_framing
from wsanalyze.websocket.fields import Head
from wsanalyze.websocket.head import head_end

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# What the next byte of a side belongs to; ENDED: the message is over, what follows is to be said.
HEAD = 0
LENGTH = 1
CHUNKED = 2
UNTIL_CLOSE = 3
HELD = 4
LOST = 5
EARLY = 6
CHALLENGE = 7
ENDED = 8

# What `Half.add` says of a head that did not end.
GOES_ON = -1
NO_HEAD = -2
TOO_LONG = -3


@cython.final
@cython.cclass
class Half:
    """Where one side's stream stands: within which message, and how much of it is to come.

    `time`, `packet`, `ordinal` are those of the first byte of the head in `head`, `before` is the
    time of what came last before it. `offset` counts the bytes of the stream that were read.
    """

    def __init__(self) -> None:
        self.mode = HEAD
        self.head = bytearray()
        self.searched = 0
        self.remaining = 0
        self.offset = 0
        self.time = self.packet = self.ordinal = 0
        self.before = 0
        self.begun = 0
        self.chunked: ChunkedReader  # while `mode` is CHUNKED

    def between(
        self, buffer: Buffer, at: cython.Py_ssize_t, stop: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        """Skip the empty lines before a message (RFC 9112 §2.2), and count them."""
        while at < stop and (buffer.view[at] == 13 or buffer.view[at] == 10):
            at += 1
            self.offset += 1
        return at

    def begin(
        self,
        before: cython.longlong,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.int:
        """Begin a head with bytes of this packet."""
        self.before = before
        self.time = time
        self.packet = packet
        self.ordinal = ordinal
        self.searched = self.begun = 0
        return 0

    def add(
        self,
        buffer: Buffer,
        at: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        limit: cython.Py_ssize_t,
        blind: cython.int,
    ) -> cython.Py_ssize_t:
        """Take more of a head; return how long it is where it ends here, else what it is."""
        before: cython.Py_ssize_t = len(self.head)
        upto: cython.Py_ssize_t
        end: cython.Py_ssize_t
        upto = stop if stop - at <= limit + 4 - before else at + (limit + 4 - before)
        self.head += buffer.copy(at, upto)
        end = head_end(self.head, self.searched)
        if end > limit or (end < 0 and len(self.head) > limit):
            return TOO_LONG
        if not self.begins_well(blind):
            return NO_HEAD
        if end >= 0:
            return end
        self.searched = len(self.head)
        self.offset += upto - at
        return GOES_ON

    def begins_well(self, blind: cython.int) -> cython.bint:
        """Say whether what is in `head` can be the beginning of a head."""
        if self.begun:
            return True
        if not may_begin(self.head, blind=blind != 0):
            return False
        line = self.head.find(b"\n", self.searched)
        if line < 0:
            return True
        self.begun = 1
        return names_http(self.head[:line])

    def begin_body(self, method: str | None, head: Head | None) -> None:
        """Set the mode for what follows a head; `method`: what a response answers."""
        kind = "none"
        length = 0
        if head is not None:
            framing = body_framing(method, head)
            kind = framing.kind
            length = framing.length or 0
        if kind == "length" and length > 0:
            self.mode = LENGTH
            # A length beyond what an integer holds is a body that never ends.
            self.remaining = min(length, 1 << 62)
        elif kind == "chunked":
            self.mode = CHUNKED
            self.chunked = ChunkedReader()
        elif kind == "until-close":
            self.mode = UNTIL_CLOSE
        else:
            self.mode = ENDED

    def step(
        self, buffer: Buffer, at: cython.Py_ssize_t, stop: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        """Step over bytes of a body, or take the eight of a challenge; return where it stopped."""
        if self.mode == CHUNKED:
            return self.chunks(buffer, at, stop)
        size: cython.longlong = self.remaining if self.remaining < stop - at else stop - at
        if self.mode == CHALLENGE:
            self.head += buffer.copy(at, at + size)
        self.remaining -= size
        if self.remaining == 0 and self.mode == LENGTH:
            self.mode = ENDED
        return at + size

    def chunks(
        self, buffer: Buffer, at: cython.Py_ssize_t, stop: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        """Read on in a chunked body; return where it ended, or `stop`."""
        chunked = self.chunked
        at = chunked.feed(memoryview(buffer.view), at, stop)
        if chunked.broken:
            self.mode = LOST
        elif chunked.done:
            self.mode = ENDED
        return at

    def skip(self, length: cython.longlong) -> cython.bint:
        """Step over missing bytes of a body of known length; say whether all were within it."""
        if self.mode == LENGTH and self.remaining >= length:
            self.remaining -= length
            if self.remaining == 0:
                self.mode = ENDED
            return True
        if self.mode == CHUNKED:
            return self.chunked.skip(length) == length
        return False
