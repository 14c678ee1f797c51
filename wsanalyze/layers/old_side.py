# cython: language_level=3, wraparound=False, initializedcheck=False
"""One side of a session of a version before HyBi draft 7: its frames as rows like any others."""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.layers.sender import CODE_MISSING, Sender
from wsanalyze.layers.session import Session
from wsanalyze.websocket.drafts import DraftReader
from wsanalyze.websocket.hixie import HixieReader

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.layers.session import KEPT_CONTROL
    from wsanalyze.websocket.hixie import CLOSE, TEXT, terminator

# Where a side of Hixie that lost a frame's end stands: 0xFF ends a frame wherever it comes, since
# no text has it. A text frame is believed to begin behind it where 0x00 comes, and one byte more:
# 0xFF 0x00 with nothing behind may be the closing handshake. 0xFF 0xFF 0x00 can only be that.
NOTHING = 0
ENDED = 1
ENDED_TWICE = 2
BEGAN = 3
# The first byte behind a hole. 0x00 begins a frame there, too: most segments begin with one, and
# hardly a text has the character.
BEHIND_A_HOLE = 4
# What is in a text, from the tabulator on, or ends it.
FIRST_OF_TEXT = 9
# Bits of evidence: fewer than one in 2^16 characters of a text is U+0000.
HARDLY_TEXT = 16


@cython.final
@cython.cclass
class OldSide:
    """One side: the bytes before its frames, a reader, and rows made through `session`.

    - `due`: bytes of the challenge or of its answer that are still to come; `prologue`: those that
      came, None where some were lost
    - `hixie` or `draft`: reads its frames, the other is None
    - `codes`: its Close frames have status codes
    - `text`: in the payload of a frame that ends with 0xFF
    - `seeking`: looks for the end of a frame after a gap, `found` is what of it was seen;
      `alone`: 0xFF 0x00 that was a segment of its own
    - `binary`: it sent frames of Hixie with a length, which may hold any byte
    - `framing`: that of a draft, as in `plausible.py`; `searched`: its frames can be looked for
    """

    def __init__(self, session: Session, sender: Sender) -> None:
        self.session = session
        self.sender = sender
        self.codes = 0
        self.due = 0
        self.prologue: bytes | None = b""
        self.hixie: HixieReader | None = None
        self.draft: DraftReader | None = None
        self.text = self.seeking = self.alone = self.binary = 0
        self.found = 0
        self.framing = 0
        self.searched = 1

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
        if not self.codes and sender.close_code == CODE_MISSING:
            sender.close_code = -1
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

    def seek(
        self,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        at: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.Py_ssize_t:
        """Look on for the end of a frame that a gap cut; return where looking stopped.

        `buffer[start:stop]` is a segment, `sender.offset` that of `start`.
        """
        sender: Sender = self.sender
        byte: cython.int = buffer.view[at]
        offset: cython.longlong = sender.offset + (at - start)
        end: cython.Py_ssize_t
        if self.found == BEGAN:
            return self.begin_text(byte, at)
        if self.found == BEHIND_A_HOLE and byte == 0:
            self.found = BEGAN
            self.alone = 0
            sender.confidence = HARDLY_TEXT
            sender.unread += 1
            self.start_frame(offset, time, packet, ordinal)
            return at + 1
        if self.found == NOTHING or self.found == BEHIND_A_HOLE:
            end = terminator(buffer, at, stop)
            sender.unread += end - at
            self.found = NOTHING
            if end == stop:
                return stop
            self.found = ENDED
            sender.unread += 1
            return end + 1
        sender.unread += 1
        sender.confidence = 0
        if byte == 255:
            self.found = ENDED_TWICE
            self.start_frame(offset, time, packet, ordinal)
        elif byte == 0 and self.found == ENDED:
            self.found = BEGAN
            self.alone = at - 1 == start and at + 1 == stop
            self.start_frame(offset, time, packet, ordinal)
        elif byte == 0:
            sender.last_time = time
            sender.last_packet = packet
            self.begin_close()
        else:
            self.found = NOTHING
        return at + 1

    def begin_text(self, byte: cython.int, at: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Begin a text frame one byte before this one, the first of its text; return its place."""
        self.found = NOTHING
        if self.sender.confidence and byte < FIRST_OF_TEXT:
            self.sender.confidence = 0
            return at
        self.seeking = 0
        self.sender.unread -= 1
        self.begin_frame(TEXT, 0, 1, 0)
        self.text = 1
        return at

    def begin_close(self) -> cython.int:
        """Take 0xFF 0x00, which were passed over, for the closing handshake."""
        self.seeking = 0
        self.found = NOTHING
        self.sender.unread -= 2
        self.begin_frame(CLOSE, 0, 2, 0)
        return self.end_frame()

    def close_at_last(self) -> cython.int:
        """Take 0xFF 0x00 for the closing handshake where it was a segment, and nothing came."""
        if not (self.seeking and self.found == BEGAN and self.alone):
            return 0
        self.sender.frame_offset -= 1
        self.sender.last_time = self.sender.time
        self.sender.last_packet = self.sender.packet
        return self.begin_close()

    def misfits(self) -> cython.bint:
        """Say whether the header of a draft that was just read is none that a sender would send.

        Asked of frames that were found behind a hole, which was the wrong place then.
        """
        reader: DraftReader = cython.cast(DraftReader, self.draft)
        if reader.head & 0x70 or reader.head & 7 > 2:
            return True
        return reader.head & 8 != 0 and (not reader.head & 0x80 or reader.length > 125)
