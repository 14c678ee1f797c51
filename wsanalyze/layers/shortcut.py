# cython: language_level=3, wraparound=False, initializedcheck=False
"""The short way through a session where nobody wants rows: messages of one whole frame are counted.

It is no second opinion: it gives up on anything else before it has changed anything.
"""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.layers.observer import Observer
from wsanalyze.layers.recorder import Recorder
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
    from wsanalyze.layers.observer import ALWAYS, LOOK
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
    """Counts messages of both sides of a session for it; `low` and `high` are its senders."""

    def __init__(
        self, recorder: Recorder, observer: Observer | None, low: Sender, high: Sender
    ) -> None:
        self.recorder = recorder
        self.observer = observer
        self.low = low
        self.high = high
        self.utf8 = Utf8()

    @cython.boundscheck(False)
    def count(
        self,
        sender: Sender,
        buffer: Buffer,
        at: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
    ) -> cython.Py_ssize_t:
        """Count the messages of a single frame that lie whole in `buffer[at:stop]`.

        Returns where anything else begins: a fragment, a control frame, RSV bits, what is cut, what
        an observer has to look at.
        """
        length: cython.Py_ssize_t
        size: cython.Py_ssize_t
        messages: cython.Py_ssize_t = 0
        payloads: cython.Py_ssize_t = 0
        last: cython.Py_ssize_t = at
        masked: cython.int
        contents: cython.bint = self.recorder.contents
        watch: Watch | None = None
        # The one check that stands for the unchecked loads below.
        if at < 0 or stop > len(buffer.view):
            raise IndexError("the frames lie outside their buffer")
        if self.observer is not None:
            watch = self.watching(sender, time)
            if watch is None:
                return at
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
                if self.remarkable(sender, watch, buffer, at, size, length, time):
                    break
            elif contents and buffer.view[at] == 0x81:
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
        self.recorder.message_serial += messages
        if watch is not None and messages:
            self.watched(sender, watch, buffer, last, time, packet)
        return at

    def watching(self, sender: Sender, time: cython.longlong) -> Watch | None:
        """Return who is watched, None where the next frame has to be looked at one by one."""
        observer = cython.cast(Observer, self.observer)
        watch: Watch = observer.server if sender.role else observer.client
        if watch.first is None or (watch.looked < ALWAYS and observer.inspect is not None):
            return None
        if sender.closed or time - observer.last_time > observer.longest:
            return None
        # Frames that are numbered otherwise than they are read are noted one by one.
        if observer.late or not observer.strict:
            return None
        return watch

    @cython.boundscheck(False)
    def remarkable(
        self,
        sender: Sender,
        watch: Watch,
        buffer: Buffer,
        at: cython.Py_ssize_t,
        size: cython.Py_ssize_t,
        length: cython.Py_ssize_t,
        time: cython.longlong,
    ) -> cython.bint:
        """Say whether a message has to be looked at the long way; take note of it where not.

        Its frame, with a header of `size` bytes, is at `at`; `count` has checked that it is
        there.
        """
        observer: Observer = cython.cast(Observer, self.observer)
        other: Watch = observer.client if sender.role else observer.server
        scratch: Scratch = self.recorder.scratch
        start: cython.Py_ssize_t = at + size
        upto: cython.Py_ssize_t = length if length < LOOK else LOOK
        key: cython.longlong = -1
        bits: cython.int
        if sender.role == 0:
            key = load32(buffer, start - 4)
            if length >= 5 and asks(buffer, start):
                return True
        if self.recorder.contents and buffer.view[at] == 0x81:
            if key >= 0:
                bits = scratch.unmask(buffer, start, start + length, key, 0)
                if bits >= 128 and not self.utf8.whole(scratch.buffer, 0, length):
                    return True
                if observer.inspect is not None and glance(scratch.buffer, 0, upto):
                    return True
            else:
                if not self.utf8.whole(buffer, start, start + length):
                    return True
                if observer.inspect is not None and glance(buffer, start, start + upto):
                    return True
        if key >= 0:
            watch.masked_with(key)
        watch.uncompressed += 1
        watch.message(time, length, other.time)
        return False

    @cython.boundscheck(False)
    def watched(
        self,
        sender: Sender,
        watch: Watch,
        buffer: Buffer,
        at: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
    ) -> cython.int:
        """Take note of the last one of some messages, whose frame is at `at`."""
        observer: Observer = cython.cast(Observer, self.observer)
        watch.number = self.low.frames + self.high.frames - 1
        watch.time = time
        watch.packet = packet
        watch.head = buffer.view[at]
        watch.second = buffer.view[at + 1]
        watch.length = watch.second & 127
        watch.header_length = 6 if sender.role == 0 else 2
        if watch.length == 126:
            watch.length = buffer.view[at + 2] << 8 | buffer.view[at + 3]
            watch.header_length += 2
        watch.key = load32(buffer, at + watch.header_length - 4) if sender.role == 0 else -1
        watch.certain = True
        watch.unsure = False
        if time > observer.last_time:
            observer.last_time = time
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
        scratch: Scratch = self.recorder.scratch
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
