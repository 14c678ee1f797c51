# cython: language_level=3, wraparound=False, initializedcheck=False
"""The loop over packets: each is decoded, finds its conversation, and its bytes their reader."""

from __future__ import annotations

from collections.abc import Callable

from wsanalyze.buffer import Buffer
from wsanalyze.capture.batch import Batch
from wsanalyze.layer import Layer
from wsanalyze.limits import Limits
from wsanalyze.tables.columns import SegmentColumns
from wsanalyze.transport.conversation import Conversation, EndingFacts
from wsanalyze.transport.counts import PacketCounts
from wsanalyze.transport.duplicates import Recent
from wsanalyze.transport.flows import FlowTable
from wsanalyze.transport.fragments import COUNTED, Fragments
from wsanalyze.transport.packet import Packet
from wsanalyze.transport.readers import Readers
from wsanalyze.transport.reassembly import Direction

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.transport.checksum import is_unfilled, soundness
    from wsanalyze.transport.conversation import UNSEEN
    from wsanalyze.transport.reassembly import UNSET
    from wsanalyze.transport.sequence import distance

FIN = 0x01
SYN = 0x02
RST = 0x04
ACK = 0x10
# The flags' nine bits; in front of them the field has the data offset.
FLAGS = 0x1FF

# Sequence numbers count modulo 2^32. Named, because a literal above 2^31 would be a Python object.
LOW = 0xFFFFFFFF

# How far a segment may be from what its sender sent: more than receive windows are, and a small
# part of all numbers.
WITHIN = 1 << 26

# FINs and RSTs of a conversation that are kept: a middlebox sends a few, a confused peer many.
MOST_ENDINGS = 16

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


@cython.final
@cython.cclass
class Transport:
    """Follows every TCP conversation of a stream of packets.

    `opener(conversation)` is called with the first payload byte of a conversation and returns the
    Layer that reads it. `closer(conversation)` is called when it leaves for good. `segments`, where
    given, gets a row per segment of the conversations that somebody reads. Where `whose` is a list,
    `feed` appends an item for each packet: its conversation, None where it has none.
    """

    def __init__(
        self,
        opener: Callable[[Conversation], Layer],
        closer: Callable[[Conversation], None],
        limits: Limits,
        segments: SegmentColumns | None,
        seed: int,
    ) -> None:
        self.limit_flows = limits.flows
        self.segments = segments
        self.flows = FlowTable(seed)
        self.readers = Readers(opener, closer, limits, self.flows, segments is not None)
        self.packet = Packet()
        self.fragments = Fragments(limits)
        self.recent = Recent()
        self.recent_bare = Recent()
        self.recent_conflicts = Recent()
        self.looked = False
        self.counts: PacketCounts = PacketCounts()
        self.conversations = 0
        self.ordinal = 0
        self.note = 0
        self.whose: list[Conversation | None] | None = None
        self.owner: Conversation | None = None

    @cython.boundscheck(False)
    def feed(self, batch: Batch, counts: PacketCounts) -> None:
        """Follow the packets of one batch, counting them into `counts`."""
        i: cython.Py_ssize_t
        start: cython.Py_ssize_t
        stop: cython.Py_ssize_t
        kind: cython.int
        packet: Packet = self.packet
        buffer: Buffer = batch.buffer
        captured: cython.longlong = 0
        wire: cython.longlong = 0
        followed: cython.longlong = 0
        # The check that stands for the unchecked loads of the loop.
        if batch.count > batch.capacity or not batch.has_room():
            raise IndexError("the batch counts more packets than it holds")
        self.counts = counts
        self.capture = batch.capture
        self.release()
        for i in range(batch.count):
            start = batch.start[i]
            stop = batch.stop[i]
            captured += stop - start
            wire += batch.wire_length[i]
            if stop - start < batch.wire_length[i]:
                counts.cut += 1
            kind = packet.read(buffer, start, stop, batch.wire_length[i], batch.link[i])
            self.ordinal += 1
            if kind == 0:
                followed += 1
                self.segment(buffer, batch.time_ns[i], batch.number[i])
            else:
                self.unusual(kind, buffer, batch.link[i], batch.time_ns[i], batch.number[i])
            if self.whose is not None:
                self.whose.append(self.owner)
                self.owner = None
        counts.packets += batch.count
        counts.tcp += followed
        counts.captured_bytes += captured
        counts.wire_bytes += wire

    def unusual(
        self,
        kind: cython.int,
        buffer: Buffer,
        link: cython.int,
        time: cython.longlong,
        number: cython.longlong,
    ) -> cython.int:
        """Take a packet that is not simply one TCP segment."""
        if kind == 12:
            kind = self.several(buffer, time, number)
        elif kind == 6:
            kind, whole = self.fragments.read(self.packet, buffer, time, self.ordinal, self.counts)
            if kind == 0:
                self.segment(whole, time, number)
        if kind == 3:
            self.counts.unknown_links.add(link & 0xFFFF)
        if kind == 0:
            self.counts.tcp += 1
        elif kind != COUNTED:
            self.counts.skipped(kind)
        return 0

    def several(self, buffer: Buffer, time: cython.longlong, number: cython.longlong) -> cython.int:
        """Take the packets that one frame aggregates; return what to count the frame as.

        IP fragments among them are not put together: they come in aggregates of 802.11 only.
        """
        counted: cython.int = 13
        kind: cython.int = self.packet.part(buffer)
        while kind != 13:
            if kind == 0:
                self.segment(buffer, time, number)
            if counted == 13 or kind == 0:
                counted = kind
            kind = self.packet.part(buffer)
        return 5 if counted == 13 else counted

    def segment(self, buffer: Buffer, time: cython.longlong, number: cython.longlong) -> cython.int:
        """Take the segment that `self.packet` describes to its conversation."""
        packet: Packet = self.packet
        flags: cython.int = packet.control
        side: cython.int = self.side(packet)
        conversation: Conversation = self.conversation(packet, side, time)
        mine: Direction
        other: Direction
        offset: cython.longlong
        sequence: cython.longlong = packet.sequence
        conversation.last_time = time
        conversation.last_ordinal = self.ordinal
        conversation.last_packet = number
        if self.whose is not None:
            self.owner = conversation
        if conversation.let_go:
            if flags & (FIN | RST):
                conversation.closing |= 4 if flags & RST else 1 << side
            return 0
        if side:
            mine = conversation.high
            other = conversation.low
        else:
            mine = conversation.low
            other = conversation.high
        mine.segments += 1
        if (packet.window == 0 or mine.window_zero != UNSET) and flags & (SYN | FIN | RST) == 0:
            mine.window(packet.window, time)
        self.note = 0
        self.looked = False
        if flags & SYN:
            self.synchronize(conversation, mine, side, flags, time)
            sequence += 1
        elif not mine.started:
            mine.started = 1
            mine.base = sequence
        elif mine.assumed:
            self.correct(mine, sequence)
        if (
            flags & (ACK | RST) == ACK and (packet.acknowledgment - other.base - other.acked) & LOW
        ) or not other.started:
            self.acknowledge(other, packet.acknowledgment, flags)
            if other.acked > other.highest + 1 and not self.is_near(mine):
                other.acked = other.highest + 1
        if packet.length == 0 and flags & (FIN | RST) == 0 and self.segments is None:
            if mine.passed >= 0:
                self.bare(conversation, mine, time)
            return 0
        length: cython.longlong = packet.length
        if flags & RST:
            # Text in a reset explains it and is no part of the stream (RFC 9293 §3.5.2).
            length = 0
        offset = mine.next
        if (sequence - mine.base - offset) & LOW:
            offset += distance(sequence, mine.base + offset)
        if length > 0:
            mine.loaded += 1
            if offset == mine.next and mine.pending_bytes == 0:
                mine.next += length
                mine.highest = mine.next
                mine.ttl = packet.ttl
                self.recent.put(packet, conversation.digest, time)
                if self.segments is not None:
                    self.remember(mine, buffer, offset, number)
                self.readers.deliver(
                    conversation,
                    side,
                    mine,
                    buffer,
                    packet.payload_start,
                    packet.payload_stop,
                    length,
                    time,
                    number,
                )
            else:
                self.irregular(conversation, side, mine, buffer, offset, time, number)
            if mine.fin >= 0 and mine.next >= mine.fin:
                self.readers.end(conversation, side, mine, time, number)
        elif (
            flags & (SYN | FIN | RST) == 0
            and not self.bare(conversation, mine, time)
            and offset == mine.next - 1
        ):
            self.note = KEEP_ALIVE
        if flags & (FIN | RST):
            self.closing(conversation, side, mine, offset, flags, time, number)
        if self.segments is not None and not conversation.let_go:
            self.record(conversation, side, other, offset, time, number)
        return 0

    def side(self, packet: Packet) -> cython.int:
        """Return 0 where the sender is the low end of the conversation, else 1."""
        if packet.source_high != packet.target_high:
            return 0 if packet.source_high < packet.target_high else 1
        if packet.source_low != packet.target_low:
            return 0 if packet.source_low < packet.target_low else 1
        return 0 if packet.source_port <= packet.target_port else 1

    def conversation(self, packet: Packet, side: cython.int, time: cython.longlong) -> Conversation:
        """Return the conversation of the packet, a new one where it begins one."""
        conversation: Conversation | None = self.flows.find(packet, side)
        index: cython.longlong = self.conversations
        reused: cython.int
        if conversation is not None:
            if not packet.control & SYN:
                return conversation
            reused = self.reuses(conversation, packet, side)
            # A copy of a SYN may come when the connection is over: captures whose clocks differ.
            if reused == 0 or self.recent.has(packet, conversation.digest, time):
                return conversation
            if reused == 2:
                index = conversation.index
            self.readers.leave(conversation, 0, self.ordinal)
        elif self.flows.count >= self.limit_flows:
            self.readers.evict(self.ordinal)
            self.flows.find(packet, side)
        conversation = self.flows.add(packet, side)
        conversation.index = index
        conversation.capture = self.capture
        conversation.first_time = time
        if index == self.conversations:
            self.conversations += 1
        self.counts.conversations += 1
        return conversation

    def reuses(self, conversation: Conversation, packet: Packet, side: cython.int) -> cython.int:
        """Say whether a SYN begins another connection on the same addresses and ports.

        Returns 0 where it does not, 1 where Wireshark counts a new stream (a SYN with a number
        other than the first of its side), 2 where it does not though the connection is another
        one: its bytes must not be mixed with those of the one before.
        """
        mine: Direction
        base: cython.longlong = conversation.high_base if side else conversation.low_base
        same: cython.bint
        if conversation.let_go != 2:
            mine = conversation.high if side else conversation.low
            if not mine.started:
                return 0
            base = mine.base
        same = base >= 0 and distance(packet.sequence + 1, base) == 0
        if packet.control & ACK:
            return 2 if not same and conversation.closing else 0
        if not same:
            return 1
        return 2 if conversation.let_go == 2 or conversation.closing & 3 == 3 else 0

    def synchronize(
        self,
        conversation: Conversation,
        mine: Direction,
        side: cython.int,
        flags: cython.int,
        time: cython.longlong,
    ) -> cython.int:
        """Take note of a SYN or SYN/ACK: the numbering of this direction begins."""
        if flags & ACK:
            if conversation.answer_time == UNSEEN:
                conversation.answer_time = time
            if conversation.opened_by < 0:
                conversation.opened_by = 1 - side
        else:
            if conversation.syn_time == UNSEEN:
                conversation.syn_time = time
            conversation.opened_by = side
        if self.repeated(conversation, mine, time):
            return 0
        if mine.syn:
            mine.retransmissions += 1
            self.note = RETRANSMISSION
        elif mine.next == 0 and not mine.pending:
            mine.base = self.packet.sequence + 1
        mine.started = mine.syn = 1
        mine.unfilled = is_unfilled(self.packet)
        if mine.ttl < 0:
            mine.ttl = self.packet.ttl
        return 0

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

    def correct(self, mine: Direction, sequence: cython.longlong) -> cython.int:
        """Let a stream begin where its first data does, if that is before what was assumed.

        A capture may have an ACK before the data that it acknowledges. A keep-alive probe, which
        repeats one byte, is no data.
        """
        behind: cython.longlong = distance(mine.base, sequence)
        if mine.next != 0 or mine.pending:
            mine.assumed = 0
        elif behind > 0 and self.packet.length > 0 and (behind > 1 or self.packet.length > 1):
            mine.base = sequence
            mine.acked += behind
            mine.assumed = 0
        return 0

    def acknowledge(
        self, other: Direction, number: cython.longlong, flags: cython.int
    ) -> cython.int:
        """Take note of how far the other direction was received."""
        offset: cython.longlong
        if flags & (ACK | RST) != ACK:
            return 0
        if not other.started:
            other.started = other.assumed = 1
            other.base = number
            return 0
        offset = other.acked + distance(number, other.base + other.acked)
        if offset > other.acked:
            other.acked = offset
        return 0

    def is_near(self, mine: Direction) -> cython.bint:
        """Say whether this segment's number fits what was read of its sender.

        A late segment of an earlier connection on the same ports acknowledges anything, but its own
        number fits nothing, either (RFC 9293 §3.10.7.4: it is to be acceptable before that).
        """
        ahead: cython.longlong = distance(self.packet.sequence, mine.base + mine.next)
        return -WITHIN <= ahead <= WITHIN

    def remember(
        self, mine: Direction, buffer: Buffer, offset: cython.longlong, number: cython.longlong
    ) -> cython.int:
        """Remember the bytes of the segment in order that is handed on."""
        packet: Packet = self.packet
        return mine.remember(
            offset,
            buffer,
            packet.payload_start,
            packet.payload_stop,
            number,
            soundness(packet, buffer),
            mine.acked,
        )

    def irregular(
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

    def closing(
        self,
        conversation: Conversation,
        side: cython.int,
        mine: Direction,
        offset: cython.longlong,
        flags: cython.int,
        time: cython.longlong,
        number: cython.longlong,
    ) -> cython.int:
        """Take note of a FIN or RST and tell the layer, a FIN when all before it was handed on."""
        if flags & RST:
            if self.bare(conversation, mine, time):
                return 0
            conversation.closing |= 4
            self.note = RESET
            self.note_ending(conversation, side, mine, offset, time, number)
            self.readers.shut(conversation)
            if not mine.reset and conversation.layer is not None:
                mine.reset = 1
                if conversation.layer.end(side, 1, time, number):
                    self.readers.let_go(conversation)
            return 0
        if self.packet.length == 0 and self.repeated(conversation, mine, time):
            return 0
        conversation.closing |= 1 << side
        self.note_ending(conversation, side, mine, offset, time, number)
        self.readers.shut(conversation)
        if mine.fin < 0:
            mine.fin = offset + self.packet.length
        if mine.next >= mine.fin:
            self.readers.end(conversation, side, mine, time, number)
        return 0

    def note_ending(
        self,
        conversation: Conversation,
        side: cython.int,
        mine: Direction,
        offset: cython.longlong,
        time: cython.longlong,
        number: cython.longlong,
    ) -> cython.int:
        """Keep the facts of a FIN or RST: do they fit its sender?"""
        packet: Packet = self.packet
        endings: list[EndingFacts] | None = conversation.endings
        if endings is None:
            endings = conversation.endings = []
        if len(endings) < MOST_ENDINGS:
            endings.append(
                (
                    side,
                    1 if packet.control & RST else 0,
                    time,
                    number,
                    packet.ttl,
                    mine.ttl,
                    packet.identification if packet.family == 4 else -1,
                    offset - mine.next,
                    packet.window,
                    packet.control & ACK != 0,
                    packet.length,
                    conversation.low.next,
                    conversation.high.next,
                )
            )
        return 0

    def record(
        self,
        conversation: Conversation,
        side: cython.int,
        other: Direction,
        offset: cython.longlong,
        time: cython.longlong,
        number: cython.longlong,
    ) -> cython.int:
        """Append the row of this segment to the segments table."""
        packet: Packet = self.packet
        rows: SegmentColumns | None = self.segments
        row: cython.Py_ssize_t
        flags: cython.int = packet.control
        if rows is None:
            return 0
        if rows.count == rows.capacity:
            rows.make_room()
        row = rows.count
        if self.note == 0 and packet.window == 0 and flags & (SYN | FIN | RST) == 0:
            self.note = ZERO_WINDOW
        rows.conversation[row] = conversation.index
        rows.ordinal[row] = self.ordinal
        rows.packet[row] = number
        rows.time[row] = time
        rows.direction[row] = side
        rows.flags[row] = flags & FLAGS
        # Relative numbers as Wireshark counts them: the SYN is 0, the first byte 1.
        rows.seq[row] = 0 if flags & SYN else offset + 1
        rows.ack[row] = -1
        if flags & ACK and other.started:
            rows.ack[row] = (
                other.acked + distance(packet.acknowledgment, other.base + other.acked) + 1
            )
        rows.length[row] = packet.length
        rows.window[row] = packet.window
        rows.note[row] = self.note
        rows.count = row + 1
        return 0

    def release(self) -> cython.int:
        """Let conversations leave that were closed long ago."""
        return self.readers.release(self.ordinal)

    def finish(self) -> None:
        """Let every conversation end: the packets are over."""
        self.readers.finish(self.ordinal)
