# cython: language_level=3, wraparound=False, initializedcheck=False
"""What one end of a session has sent: where its stream stands, its open message, its counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsanalyze.layers.connection import Connection
from wsanalyze.websocket.frames import FrameReader
from wsanalyze.websocket.messages import MessageReader
from wsanalyze.websocket.resync import Search

if TYPE_CHECKING:
    from wsanalyze.layers.held import Held

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# A Close whose length has room for a code, of which a byte is not in the capture or was not read.
CODE_MISSING = -2


@cython.final
@cython.cclass
class Sender:
    """What one end has sent: where its stream stands, its open message, its counts.

    - `role`: 0 client, 1 server; `offset`: bytes of its stream so far
    - `in_frame`: a header was read and its frame has not ended
    - `time`, `packet`, `ordinal`, `frame_offset`: of the current frame's first header byte
    - `last_time`, `last_packet`: of the latest byte of the current frame
    - `message_time`, `_packet`, `_ordinal`, `_offset`: of the open message's first frame
    - `reset`: this side's RST is what ended the connection, as far as is known
    - `close_code` of its first Close: -1 none, CODE_MISSING one that is not known
    - `captured`: payload bytes of the current frame that were seen; `broken`: some were not
    - `http`: HTTP stands where its frames belong, from some place on, or may: `held` has then what
      that is to be told by; `judged`: the next frame begins as HTTP may, and is none
    - `lost`: where the next header is, is not known any more; `unread`: bytes passed over since
    - `search`: who looks for it; `resyncs`: how often it was found; `confidence`: bits of evidence
      that frames are where they are read, 0 where that is certain
    """

    def __init__(self, role: cython.int, offset: cython.longlong, message: MessageReader) -> None:
        self.role = role
        self.offset = offset
        self.reader = FrameReader()
        self.message = message
        self.control = bytearray()
        self.in_frame = self.lost = self.broken = self.reset = 0
        self.time = self.packet = self.ordinal = self.frame_offset = 0
        self.last_time = self.last_packet = 0
        self.captured = self.unread = 0
        self.serial = self.frame_message = -1
        self.message_time = self.message_packet = 0
        self.message_ordinal = self.message_offset = self.message_confidence = 0
        self.frames = self.messages = self.bytes = 0
        self.pings = self.pongs = self.masked = self.invalid_text = self.incomplete = 0
        self.closed = self.http = self.judged = 0
        self.held: Held | None = None
        self.close_code = -1
        self.close_reason: str | None = None
        self.frame_close_code = -1
        self.search: Search | None = None
        self.resyncs = self.confidence = 0

    def masks(self) -> cython.int:
        """Say whether a side masks its frames: as it should, but for one that never did."""
        if self.role == 0:
            return 0 if self.frames and not self.masked else 1
        return 1 if self.frames and self.masked == self.frames else 0

    def misfits(self, deflate: cython.int) -> cython.int:
        """Say whether the header just read is none that a sender would send.

        Asked of frames that were found behind a hole, which was the wrong place then, and where the
        request was not seen, which asked for another version then.
        """
        reader: FrameReader = self.reader
        opcode: cython.int = reader.head & 15
        if reader.head & (0x30 if deflate else 0x70) or reader.masked != self.masks():
            return 1
        if opcode & 7 > 2:
            return 1
        return opcode & 8 and (not reader.head & 0x80 or reader.length > 125)

    def report(self, connection: Connection, prefix: str) -> None:
        """Write the counts to the attributes of a record that begin with `prefix`."""
        counts = {
            "frames": self.frames,
            "messages": self.messages,
            "bytes": self.bytes,
            "pings": self.pings,
            "pongs": self.pongs,
            "invalid_text_messages": self.invalid_text,
            "incomplete_messages": self.incomplete,
            "unread_bytes": self.unread,
            "resyncs": self.resyncs,
        }
        for name, count in counts.items():
            setattr(connection, prefix + name, count)
        if self.close_code == CODE_MISSING:
            setattr(connection, prefix + "close_code_missing", True)
        if self.closed and self.close_code >= 0:
            setattr(connection, prefix + "close_code", self.close_code)
            setattr(connection, prefix + "close_reason", self.close_reason)
