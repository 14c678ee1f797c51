# cython: language_level=3, wraparound=False, initializedcheck=False
"""Segments that are not simply the next ones: copies, retransmissions, early ones, conflicts."""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.transport.conversation import Conversation
from wsanalyze.transport.counts import PacketCounts
from wsanalyze.transport.duplicates import Recent
from wsanalyze.transport.packet import Packet
from wsanalyze.transport.readers import Readers
from wsanalyze.transport.reassembly import Direction

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.transport.checksum import soundness
    from wsanalyze.transport.segment_rows import (
        CONFLICT,
        DUPLICATE,
        KEEP_ALIVE,
        LOST_BEFORE,
        OUT_OF_ORDER,
        OVERLAP,
        RETRANSMISSION,
    )


@cython.final
@cython.cclass
class Irregular:
    """Says what the segment in `packet` is beside those that came before it.

    `note` is what the table of segments says of it, 0 while nothing is special; `looked`, whether
    it was looked up among the `recent` ones. Whoever takes the next segment sets both back.
    `counts` are those of its capture.
    """

    def __init__(self, packet: Packet, readers: Readers) -> None:
        self.packet = packet
        self.readers = readers
        self.recent = Recent()
        self.recent_bare = Recent()
        self.recent_conflicts = Recent()
        self.counts: PacketCounts = PacketCounts()
        self.note = 0
        self.looked = False

    def repeated(
        self,
        conversation: Conversation,
        mine: Direction,
        time: cython.longlong,
    ) -> cython.bint:
        """Say whether this segment is a packet that was seen before; count it, or remember it."""
        if self.looked:
            return self.note == DUPLICATE
        self.looked = True
        if not self.recent.has(self.packet, conversation.digest, time):
            self.recent.put(self.packet, conversation.digest, time)
            return False
        mine.duplicates += 1
        # PATIENCE counts packets, not their copies.
        mine.segments -= 1
        self.counts.duplicates += 1
        self.note = DUPLICATE
        return True

    def bare(
        self,
        conversation: Conversation,
        mine: Direction,
        time: cython.longlong,
    ) -> cython.bint:
        """Say the same of a segment without payload, SYN or FIN; these are not counted."""
        recent: Recent = self.recent_bare
        if not recent.has(self.packet, conversation.digest, time):
            recent.put(self.packet, conversation.digest, time)
            return False
        mine.segments -= 1
        self.note = DUPLICATE
        return True

    def remember(
        self, mine: Direction, buffer: Buffer, offset: cython.longlong, number: cython.longlong
    ) -> cython.int:
        """Remember the bytes of the segment in order that is handed on."""
        packet: Packet = self.packet
        return self.readers.remember(
            mine,
            offset,
            buffer,
            packet.payload_start,
            packet.payload_stop,
            number,
            soundness(packet, buffer),
            mine.acked,
        )

    def take(
        self,
        conversation: Conversation,
        side: cython.int,
        mine: Direction,
        buffer: Buffer,
        offset: cython.longlong,
        time: cython.longlong,
        number: cython.longlong,
    ) -> cython.int:
        """Take a segment that is not simply the next one: old, early, or filling a hole."""
        packet: Packet = self.packet
        start: cython.Py_ssize_t = packet.payload_start
        length: cython.longlong = packet.length
        before: cython.longlong
        known: cython.int
        repeated: cython.bint
        differs: cython.bint = False
        if offset + length <= mine.next:
            repeated = self.repeated(conversation, mine, time)
            # A keep-alive probe repeats the last byte, or sends a byte that nobody reads
            # (RFC 9293 §3.8.4).
            if length == 1 and offset == mine.next - 1:
                if not repeated:
                    mine.keep_alives += 1
                    self.note = KEEP_ALIVE
                return 0
            if repeated and length == 1:
                # A copy of such a probe, perhaps: its byte says nothing now, either.
                return 0
            if not repeated:
                mine.retransmissions += 1
                self.note = RETRANSMISSION
            if self.compare(mine, buffer, offset, number):
                self.contradicted(conversation, mine, time)
            return 0
        if offset > mine.highest:
            self.note = LOST_BEFORE
        elif offset < mine.next:
            differs = self.compare(mine, buffer, offset, number)
            if not self.repeated(conversation, mine, time):
                self.note = OVERLAP
            start += mine.next - offset
            length -= mine.next - offset
            offset = mine.next
            if start > packet.payload_stop:
                start = packet.payload_stop
        before = mine.pending_bytes
        known = mine.keep(
            offset,
            buffer,
            start,
            packet.payload_stop,
            length,
            time,
            number,
            soundness(packet, buffer),
        )
        self.readers.pending_bytes += mine.pending_bytes - before
        if known & 2 or differs:
            self.contradicted(conversation, mine, time)
        elif known & 1 and not known & 4 and not self.repeated(conversation, mine, time):
            self.note = OVERLAP
        if known & 4:
            self.known(conversation, mine, time)
        elif offset < mine.highest and self.note != LOST_BEFORE and self.note != DUPLICATE:
            mine.out_of_order += 1
            if self.note == 0:
                self.note = OUT_OF_ORDER
        if known & 4 == 0:
            self.recent.put(packet, conversation.digest, time)
        if offset + length > mine.highest:
            mine.highest = offset + length
        self.readers.drain(conversation, side, mine)
        self.readers.bound(conversation, side, mine)
        return 0

    def known(
        self,
        conversation: Conversation,
        mine: Direction,
        time: cython.longlong,
    ) -> cython.int:
        """Count a segment of which all waits already."""
        note: cython.int = self.note
        if not self.repeated(conversation, mine, time):
            mine.retransmissions += 1
            self.note = RETRANSMISSION
        if note == CONFLICT:
            self.note = CONFLICT
        return 0

    def compare(
        self, mine: Direction, buffer: Buffer, offset: cython.longlong, number: cython.longlong
    ) -> cython.bint:
        """Say whether a segment that came again is not what was handed on.

        What was handed on is remembered where a table of segments is wanted, and only there.
        """
        packet: Packet = self.packet
        if mine.parts is None:
            return False
        return mine.contradicts(
            offset,
            buffer,
            packet.payload_start,
            packet.payload_stop,
            number,
            soundness(packet, buffer),
        )

    def contradicted(
        self, conversation: Conversation, mine: Direction, time: cython.longlong
    ) -> cython.int:
        """Count a segment that contradicts an earlier one, unless it is a copy of such a one."""
        recent: Recent = self.recent_conflicts
        if recent.has(self.packet, conversation.digest, time):
            mine.drop_conflicts()
            return 0
        recent.put(self.packet, conversation.digest, time)
        mine.conflicts += 1
        self.note = CONFLICT
        return self.readers.charge(mine)
