# cython: language_level=3, wraparound=False, initializedcheck=False
"""Rows of frames and messages, as their sender has them when they end."""

from __future__ import annotations

from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.sender import Sender
from wsanalyze.tables.columns import FrameColumns, MessageColumns
from wsanalyze.websocket.frames import FrameReader
from wsanalyze.websocket.messages import MessageReader

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython


def add_frame(columns: FrameColumns, serial: cython.longlong, sender: Sender) -> cython.int:
    """Append the row of a side's current frame; `serial` is the connection's."""
    reader: FrameReader = sender.reader
    row: cython.Py_ssize_t
    if columns.count == columns.capacity:
        columns.make_room()
    row = columns.count
    columns.connection[row] = serial
    columns.sender[row] = sender.role
    columns.time[row] = sender.time
    columns.time_end[row] = sender.last_time
    columns.packet[row] = sender.packet
    columns.packet_end[row] = sender.last_packet
    columns.ordinal[row] = sender.ordinal
    columns.offset[row] = sender.frame_offset
    columns.head[row] = reader.head
    columns.second[row] = reader.second
    columns.masking_key[row] = reader.key
    columns.header_length[row] = reader.header_length
    columns.length[row] = reader.length
    columns.captured[row] = sender.captured
    columns.message[row] = sender.frame_message
    columns.close_code[row] = sender.frame_close_code
    columns.confidence[row] = sender.confidence
    columns.count = row + 1
    return 0


def add_message(
    columns: MessageColumns, recorder: Recorder, serial: cython.longlong, sender: Sender
) -> cython.int:
    """Append the row of the message of a side that has just ended; `serial` is the connection's."""
    message: MessageReader = sender.message
    row: cython.Py_ssize_t
    # What is out of memory does not count against what is kept.
    if columns.count == columns.capacity and columns.make_room():
        recorder.kept = 0
    row = columns.count
    columns.count = row + 1
    columns.connection[row] = serial
    columns.sender[row] = sender.role
    columns.time[row] = sender.message_time
    columns.packet[row] = sender.message_packet
    columns.ordinal[row] = sender.message_ordinal
    columns.offset[row] = sender.message_offset
    columns.confidence[row] = sender.message_confidence
    columns.opcode[row] = message.opcode
    columns.time_end[row] = sender.last_time
    columns.packet_end[row] = sender.last_packet
    columns.frames[row] = message.frames
    columns.compressed[row] = message.compressed
    columns.wire_length[row] = message.wire_length
    columns.length[row] = message.length
    columns.complete[row] = message.complete
    columns.utf8_valid[row] = message.utf8_valid
    columns.digest[row] = -1
    if message.digest is not None:
        columns.digest[row] = len(columns.digests) // 32
        columns.digests += message.digest
    columns.payload_start[row] = columns.payload_stop[row] = len(columns.payloads)
    if recorder.full and message.length > recorder.keep:
        recorder.reach("payload")
    # An observer may have kept more than rows are to have.
    if len(message.kept) > recorder.keep:
        del message.kept[recorder.keep :]
    if recorder.keep and len(message.kept):
        if recorder.kept + len(message.kept) > recorder.kept_total:
            recorder.reach("payload_total")
            return 0
        recorder.kept += len(message.kept)
        columns.payloads += message.kept
        columns.payload_stop[row] = len(columns.payloads)
    return 0
