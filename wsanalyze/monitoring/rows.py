# cython: language_level=3, wraparound=False, initializedcheck=False
"""Rows that were taken out of the columns of frames and messages, and messages as events."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any

from wsanalyze.monitoring.events import Message
from wsanalyze.tables.preview import preview

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

DIGEST = 32
SENDERS = ("client", "server")
TYPES = ("", "text", "binary")
UTF8 = {-1: None, 0: False, 1: True}


def _numbers(count: int) -> memoryview:
    return memoryview(array("q", bytes(8 * count)))


@cython.final
@cython.cclass
class FrameRows:
    """Frames that ended, in the order in which they did; see `FrameColumns`.

    `owners`, `numbers` and `messages` are numbers in the tables, for numbering.py to give: of the
    connection, the frame and its message (-1: of none).
    """

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self.columns = columns
        self.count = len(columns["connection"])
        self.connection = columns["connection"]
        self.ordinal = columns["ordinal"]
        self.offset = columns["offset"]
        self.message = columns["message"]
        self.sender = columns["sender"]
        self.head = columns["head"]
        self.owners = _numbers(self.count)
        self.numbers = _numbers(self.count)
        self.messages = _numbers(self.count)

    def given(self) -> tuple[memoryview, memoryview, memoryview]:
        """Return `owners`, `numbers` and `messages`, 64-bit integers."""
        return memoryview(self.owners), memoryview(self.numbers), memoryview(self.messages)


@cython.final
@cython.cclass
class MessageRows:
    """Messages that ended, in the order in which they did; see `MessageColumns`.

    `owners` and `numbers` as of frames. A preview is made of the first `shown` bytes.
    """

    def __init__(self, columns: Mapping[str, Any], shown: int) -> None:
        self.columns = columns
        self.count = len(columns["connection"])
        self.shown = shown
        self.connection = columns["connection"]
        self.time = columns["time"]
        self.time_end = columns["time_end"]
        self.packet = columns["packet"]
        self.packet_end = columns["packet_end"]
        self.ordinal = columns["ordinal"]
        self.offset = columns["offset"]
        self.frames = columns["frames"]
        self.wire_length = columns["wire_length"]
        self.length = columns["length"]
        self.payload_start = columns["payload_start"]
        self.payload_stop = columns["payload_stop"]
        self.digest = columns["digest"]
        self.sender = columns["sender"]
        self.opcode = columns["opcode"]
        self.compressed = columns["compressed"]
        self.complete = columns["complete"]
        self.confidence = columns["confidence"]
        self.utf8_valid = columns["utf8_valid"]
        self.digests = columns["digests"]
        self.payloads = columns["payloads"]
        self.owners = _numbers(self.count)
        self.numbers = _numbers(self.count)

    def given(self) -> tuple[memoryview, memoryview]:
        """Return `owners` and `numbers`, 64-bit integers."""
        return memoryview(self.owners), memoryview(self.numbers)

    def preview(self, i: cython.Py_ssize_t) -> str | None:
        """Return the preview of a message, as that of the table is."""
        start: cython.Py_ssize_t = self.payload_start[i]
        stop: cython.Py_ssize_t = self.payload_stop[i]
        kept: cython.Py_ssize_t = max(stop - start, 0)
        beginning = bytes(self.payloads[start : start + min(kept, self.shown)])
        return preview(beginning, kept, self.length[i], self.opcode[i])

    def sha256(self, i: cython.Py_ssize_t) -> str | None:
        """Return the digest of a message in hexadecimal; None where none was made."""
        place: cython.Py_ssize_t = self.digest[i]
        if place < 0:
            return None
        digest: str = self.digests[place * DIGEST : (place + 1) * DIGEST].hex()
        return digest

    def event(self, i: cython.Py_ssize_t) -> Message:
        """Return a message as an event."""
        start: cython.Py_ssize_t = self.payload_start[i]
        stop: cython.Py_ssize_t = self.payload_stop[i]
        payload = None
        if stop > start:
            payload = bytes(self.payloads[start:stop])
        elif self.length[i] == 0:
            payload = b""
        return Message(
            self.owners[i],
            self.numbers[i],
            SENDERS[self.sender[i]],
            TYPES[self.opcode[i]],
            self.time[i],
            self.time_end[i],
            self.packet[i],
            self.packet_end[i],
            self.frames[i],
            self.compressed[i] != 0,
            self.wire_length[i],
            self.length[i] if self.length[i] >= 0 else None,
            self.complete[i] != 0,
            UTF8[self.utf8_valid[i]],
            self.sha256(i),
            self.preview(i),
            self.confidence[i] or None,
            payload,
        )

    def is_in_order(self) -> bool:
        """Say whether they are in the order of the packets with which they ended."""
        i: cython.Py_ssize_t
        backwards: cython.Py_ssize_t = 0
        for i in range(1, self.count):
            if self.packet_end[i] < self.packet_end[i - 1]:
                backwards += 1
        return backwards == 0
