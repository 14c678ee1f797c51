# cython: language_level=3, wraparound=False, initializedcheck=False
"""The short way through a session where nobody wants rows: messages of one whole frame are counted.

It is no second opinion: it gives up on anything else before it has changed anything.
"""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.layers.sender import Sender
from wsanalyze.layers.watch import Watch
from wsanalyze.websocket.masking import Scratch
from wsanalyze.websocket.utf8 import Utf8

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.layers.glance import glance
    from wsanalyze.layers.observer import LOOK
    from wsanalyze.loads import load32
    from wsanalyze.websocket.masking import PIECE

# What request lines of HTTP begin with, as big-endian numbers. Named, so that they have a C type.
LINE_GET = 0x47455420
LINE_POST = 0x504F5354
LINE_HEAD = 0x48454144
LINE_PUT = 0x50555420
LINE_DELETE = 0x44454C45
LINE_OPTIONS = 0x4F505449
LINE_CONNECT = 0x434F4E4E
LINE_TRACE = 0x54524143


@cython.final
@cython.cclass
class Shortcut:
    """Counts messages for sessions: where nobody wants rows, and what most messages are.

    `contents`: whether texts are unmasked and checked; `looks`: whether what may hold a secret is
    left to the long way.
    """

    def __init__(self, scratch: Scratch, contents: cython.bint) -> None:
        self.scratch = scratch
        self.utf8 = Utf8()
        self.contents = contents
        self.looks = False

    @cython.boundscheck(False)
    def count(
        self,
        sender: Sender,
        watch: Watch | None,
        heard: cython.longlong,
        number: cython.longlong,
        buffer: Buffer,
        at: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
    ) -> cython.Py_ssize_t:
        """Count the messages of a single frame that lie whole in `buffer[at:stop]`.

        `watch`: who takes note of them, None where nobody does; `heard`: when the other end last
        sent a frame, for what follows a pause; `number`: that of the first frame.

        Returns where anything else begins: a fragment, a control frame, RSV bits, what is cut, what
        an observer has to look at.
        """
        length: cython.Py_ssize_t
        size: cython.Py_ssize_t
        messages: cython.Py_ssize_t = 0
        payloads: cython.Py_ssize_t = 0
        last: cython.Py_ssize_t = at
        masked: cython.int
        # The one check that stands for the unchecked loads below.
        if at < 0 or stop > len(buffer.view):
            raise IndexError("the frames lie outside their buffer")
        while stop - at >= 4:
            if buffer.view[at] != 0x81 and buffer.view[at] != 0x82:
                break
            masked = buffer.view[at + 1] >> 7
            length = buffer.view[at + 1] & 127
            size = 6 if masked else 2
            if length == 126:
                length = buffer.view[at + 2] << 8 | buffer.view[at + 3]
                size += 2
            if length == 127 and buffer.view[at + 1] & 127 == 127:
                break
            if length > PIECE or stop - at - size < length:
                break
            if watch is not None:
                if masked == sender.role or length == 0:
                    break
                # Headers of 4 and 8 bytes have a length of 16 bits.
                if length < 126 and not size & 2:
                    break
                if self.remarkable(watch, buffer, at, size, length, masked):
                    break
                watch.message(time, length, heard)
            elif self.contents and buffer.view[at] == 0x81:
                sender.invalid_text += not self.is_text(buffer, at + size, length, masked)
            sender.masked += masked
            # A search behind a hole asks what frames looked like.
            sender.reader.head = buffer.view[at]
            messages += 1
            payloads += length
            last = at
            at += size + length
        sender.frames += messages
        sender.messages += messages
        sender.bytes += payloads
        if watch is not None and messages:
            self.watched(watch, buffer, last, number + messages - 1, time, packet)
        return at

    @cython.boundscheck(False)
    def remarkable(
        self,
        watch: Watch,
        buffer: Buffer,
        at: cython.Py_ssize_t,
        size: cython.Py_ssize_t,
        length: cython.Py_ssize_t,
        masked: cython.int,
    ) -> cython.bint:
        """Say whether a message has to be looked at the long way; take note of its key where not.

        Its frame, with a header of `size` bytes, is at `at`; `count` has checked that it is
        there, and masked as its sender has to.
        """
        scratch: Scratch = self.scratch
        start: cython.Py_ssize_t = at + size
        upto: cython.Py_ssize_t = length if length < LOOK else LOOK
        is_text: cython.bint = self.contents and buffer.view[at] == 0x81
        key: cython.longlong
        bits: cython.int
        if not masked:
            if not is_text:
                return False
            if not self.utf8.whole(buffer, start, start + length):
                return True
            return self.looks and glance(buffer, start, start + upto)
        if length >= 5 and asks(buffer, start):
            return True
        key = load32(buffer, start - 4)
        if is_text:
            bits = scratch.unmask(buffer, start, start + length, key, 0)
            if bits >= 128 and not self.utf8.whole(scratch.buffer, 0, length):
                return True
            if self.looks and glance(scratch.buffer, 0, upto):
                return True
        watch.masked_with(key)
        return False

    @cython.boundscheck(False)
    def watched(
        self,
        watch: Watch,
        buffer: Buffer,
        at: cython.Py_ssize_t,
        number: cython.longlong,
        time: cython.longlong,
        packet: cython.longlong,
    ) -> cython.int:
        """Take note of the last one of some messages, whose frame is at `at`."""
        watch.number = number
        watch.time = time
        watch.packet = packet
        watch.head = buffer.view[at]
        watch.second = buffer.view[at + 1]
        watch.length = watch.second & 127
        watch.header_length = 6 if watch.second & 128 else 2
        if watch.length == 126:
            watch.length = buffer.view[at + 2] << 8 | buffer.view[at + 3]
            watch.header_length += 2
        watch.key = watch.last_key if watch.second & 128 else -1
        watch.certain = True
        watch.unsure = False
        if time > watch.latest:
            watch.latest = time
        return 0

    @cython.boundscheck(False)
    def is_text(
        self,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        length: cython.Py_ssize_t,
        masked: cython.int,
    ) -> cython.bint:
        """Say whether the payload at `start`, behind its masking key where masked, is UTF-8."""
        key: cython.longlong
        scratch: Scratch = self.scratch
        if not masked:
            return self.utf8.whole(buffer, start, start + length)
        key = buffer.view[start - 4] << 8 | buffer.view[start - 3]
        key = key << 16 | buffer.view[start - 2] << 8 | buffer.view[start - 1]
        if scratch.unmask(buffer, start, start + length, key, 0) < 128:
            return True
        return self.utf8.whole(scratch.buffer, 0, length)


@cython.cfunc
@cython.boundscheck(False)
@cython.exceptval(check=False)
def asks(buffer: Buffer, at: cython.Py_ssize_t) -> cython.bint:
    """Say whether four bytes of a payload are, on the wire, what request lines of HTTP begin with.

    The caller has checked that they are there.
    """
    first: cython.longlong = load32(buffer, at)
    if first in (LINE_GET, LINE_POST, LINE_HEAD, LINE_PUT):
        return True
    return first in (LINE_DELETE, LINE_OPTIONS, LINE_CONNECT, LINE_TRACE)
