# cython: language_level=3, wraparound=False, initializedcheck=False
"""Rows of segments: what a packet says, and what it is beside those before it."""

from __future__ import annotations

from wsanalyze.tables.columns import SegmentColumns
from wsanalyze.transport.conversation import Conversation
from wsanalyze.transport.packet import Packet
from wsanalyze.transport.reassembly import Direction

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.transport.sequence import distance

FIN = 0x01
SYN = 0x02
RST = 0x04
ACK = 0x10
# The flags' nine bits; in front of them the field has the data offset.
FLAGS = 0x1FF

# Notes of the segments table, as indices into tables.columns.NOTES.
RETRANSMISSION = 1
OUT_OF_ORDER = 2
OVERLAP = 3
CONFLICT = 4
KEEP_ALIVE = 5
ZERO_WINDOW = 6
LOST_BEFORE = 7
RESET = 8
DUPLICATE = 9


def add_segment(
    rows: SegmentColumns,
    packet: Packet,
    conversation: Conversation,
    side: cython.int,
    other: Direction,
    offset: cython.longlong,
    time: cython.longlong,
    number: cython.longlong,
    ordinal: cython.longlong,
    note: cython.int,
) -> cython.int:
    """Append the row of a segment; `other` is the direction that it acknowledges."""
    row: cython.Py_ssize_t
    flags: cython.int = packet.control
    if rows.count == rows.capacity:
        rows.make_room()
    row = rows.count
    if note == 0 and packet.window == 0 and flags & (SYN | FIN | RST) == 0:
        note = ZERO_WINDOW
    rows.conversation[row] = conversation.index
    rows.ordinal[row] = ordinal
    rows.packet[row] = number
    rows.time[row] = time
    rows.direction[row] = side
    rows.flags[row] = flags & FLAGS
    # Relative numbers as Wireshark counts them: the SYN is 0, the first byte 1.
    rows.seq[row] = 0 if flags & SYN else offset + 1
    rows.ack[row] = -1
    if flags & ACK and other.started:
        rows.ack[row] = other.acked + distance(packet.acknowledgment, other.base + other.acked) + 1
    rows.length[row] = packet.length
    rows.window[row] = packet.window
    rows.note[row] = note
    rows.count = row + 1
    return 0
