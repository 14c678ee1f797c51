# cython: language_level=3, wraparound=False, initializedcheck=False
"""One side of a session of a version before HyBi draft 7: its frames as rows like any others."""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.layers.sender import Sender
from wsanalyze.layers.session import Session
from wsanalyze.websocket.drafts import DraftReader
from wsanalyze.websocket.hixie import HixieReader

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.layers.session import KEPT_CONTROL


@cython.final
@cython.cclass
class OldSide:
    """One side: the bytes before its frames, a reader, and rows made through `session`.

    - `due`: bytes of the challenge or of its answer that are still to come; `prologue`: those that
      came, None where some were lost
    - `hixie` or `draft`: reads its frames, the other is None
    - `codes`: its Close frames have status codes
    - `text`: in the payload of a frame that ends with 0xFF
    - `seeking`: looks for the end of a frame after a gap, `found` is what of it was seen
    """

    def __init__(self, session: Session, sender: Sender) -> None:
        self.session = session
        self.sender = sender
        self.codes = 0
        self.due = 0
        self.prologue: bytes | None = b""
        self.hixie: HixieReader | None = None
        self.draft: DraftReader | None = None
        self.text = self.seeking = 0
        self.found = 0

    def start_frame(
        self,
        offset: cython.longlong,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.int:
        """Take note of where a frame begins."""
        sender: Sender = self.sender
        sender.frame_offset = offset
        sender.time = time
        sender.packet = packet
        sender.ordinal = ordinal
        return 0

    def begin_frame(
        self,
        head: cython.int,
        second: cython.int,
        header_length: cython.int,
        length: cython.ulonglong,
    ) -> cython.int:
        """Begin a frame with these facts."""
        sender: Sender = self.sender
        sender.reader.head = head
        sender.reader.second = second
        sender.reader.masked = second >> 7
        sender.reader.header_length = header_length
        sender.reader.length = length
        sender.reader.remaining = length
        self.session.begin_frame(sender)
        return 0

    def payload(
        self, buffer: Buffer, start: cython.Py_ssize_t, stop: cython.Py_ssize_t
    ) -> cython.int:
        """Take payload bytes of the current frame, unmasked."""
        sender: Sender = self.sender
        room: cython.Py_ssize_t
        if stop <= start:
            return 0
        sender.captured += stop - start
        sender.bytes += stop - start
        if sender.frame_message >= 0:
            sender.message.feed(buffer, start, stop, False, 0, 0, self.session.recorder.scratch)
        elif sender.reader.head & 8 and not sender.broken:
            room = KEPT_CONTROL - len(sender.control)
            sender.control += buffer.copy(start, stop if stop - start < room else start + room)
        return 0

    def counted(
        self, buffer: Buffer, at: cython.Py_ssize_t, stop: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        """Take payload of a frame with a length; return where it ends."""
        sender: Sender = self.sender
        upto: cython.Py_ssize_t = stop
        if sender.reader.remaining < cython.cast(cython.ulonglong, stop - at):
            upto = at + cython.cast(cython.Py_ssize_t, sender.reader.remaining)
        self.payload(buffer, at, upto)
        sender.reader.remaining -= upto - at
        if sender.reader.remaining == 0:
            self.end_frame()
        return upto

    def end_frame(self) -> cython.int:
        """End a frame; before draft 6, what a Close holds is no status code."""
        sender: Sender = self.sender
        if not self.codes and sender.control:
            sender.control = bytearray()
        self.session.end_frame(sender)
        return 0

    def miss_payload(self, length: cython.longlong) -> cython.int:
        """Go on behind missing payload of a frame with a length."""
        sender: Sender = self.sender
        if sender.frame_message >= 0:
            sender.message.miss()
        sender.broken = 1
        sender.bytes += length
        sender.reader.remaining -= length
        if sender.reader.remaining == 0:
            self.end_frame()
        return 0

    def end_text(self) -> cython.int:
        """End a frame whose length is what there was of it."""
        sender: Sender = self.sender
        self.text = 0
        sender.reader.length = sender.captured
        self.session.end_frame(sender)
        return 0

    def cut_text(self) -> cython.int:
        """End a frame whose 0xFF was not seen."""
        sender: Sender = self.sender
        sender.message.miss()
        sender.broken = 1
        return self.end_text()
