# cython: language_level=3, wraparound=False, initializedcheck=False
"""The loop over packets: each is decoded, finds its conversation, and its bytes their reader."""

from __future__ import annotations

from collections.abc import Callable

from wsanalyze.buffer import Buffer
from wsanalyze.capture.batch import Batch
from wsanalyze.layer import Layer
from wsanalyze.limits import Limits
from wsanalyze.tables.columns import SegmentColumns
from wsanalyze.transport.conversation import Conversation
from wsanalyze.transport.counts import PacketCounts
from wsanalyze.transport.flows import FlowTable
from wsanalyze.transport.fragments import COUNTED, Fragments
from wsanalyze.transport.irregular import Irregular
from wsanalyze.transport.packet import Packet
from wsanalyze.transport.readers import Readers
from wsanalyze.transport.reassembly import Direction

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.transport.checksum import is_unfilled
    from wsanalyze.transport.conversation import UNSEEN
    from wsanalyze.transport.reassembly import UNSET
    from wsanalyze.transport.segment_rows import KEEP_ALIVE, RESET, RETRANSMISSION, add_segment
    from wsanalyze.transport.sequence import distance

FIN = 0x01
SYN = 0x02
RST = 0x04
ACK = 0x10

# Sequence numbers count modulo 2^32. Named, because a literal above 2^31 would be a Python object.
LOW = 0xFFFFFFFF

# How far a segment may be from what its sender sent: more than receive windows are, and a small
# part of all numbers.
WITHIN = 1 << 26

# Stands for the other side of a conversation of which only the SYN was seen, and changes nothing:
# most of those that stay so are a flood.
UNHEARD = Direction()


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
        self.irregular = Irregular(self.packet, self.readers)
        self.recent = self.irregular.recent
        self.counts: PacketCounts = PacketCounts()
        self.conversations = 0
        self.ordinal = 0
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
        self.counts = self.irregular.counts = counts
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
                if (
                    stop - start == batch.wire_length[i]
                    and packet.length > packet.payload_stop - packet.payload_start
                ):
                    # `editcap -L -s` says of a packet that it cuts that it was no longer.
                    counts.cut += 1
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
        irregular: Irregular = self.irregular
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
        if mine is UNHEARD:
            mine = self.put(conversation, side, Direction())
        elif flags & (SYN | ACK | FIN | RST) == SYN and packet.length == 0:
            if mine.segments == 0 and not other.started:
                self.put(conversation, 1 - side, UNHEARD)
        elif other is UNHEARD:
            other = self.put(conversation, 1 - side, Direction())
        mine.segments += 1
        if (packet.window == 0 or mine.window_zero != UNSET) and flags & (SYN | FIN | RST) == 0:
            mine.window(packet.window, time)
        irregular.note = 0
        irregular.looked = False
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
                irregular.bare(conversation, mine, time)
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
                    irregular.remember(mine, buffer, offset, number)
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
                irregular.take(conversation, side, mine, buffer, offset, time, number)
            if mine.fin >= 0 and mine.next >= mine.fin:
                self.readers.end(conversation, side, mine, time, number)
        elif (
            flags & (SYN | FIN | RST) == 0
            and not irregular.bare(conversation, mine, time)
            and offset == mine.next - 1
        ):
            irregular.note = KEEP_ALIVE
        if flags & (FIN | RST):
            self.closing(conversation, side, mine, offset, flags, time, number)
        if self.segments is not None and not conversation.let_go:
            add_segment(
                self.segments,
                packet,
                conversation,
                side,
                other,
                offset,
                time,
                number,
                self.ordinal,
                irregular.note,
            )
        return 0

    def put(self, conversation: Conversation, side: cython.int, direction: Direction) -> Direction:
        """Let a side of a conversation be that one, and return it."""
        if side:
            conversation.high = direction
        else:
            conversation.low = direction
        return direction

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
            reused = conversation.reused_by(packet, side)
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
        if self.irregular.repeated(conversation, mine, time):
            return 0
        if mine.syn:
            mine.retransmissions += 1
            self.irregular.note = RETRANSMISSION
        elif mine.next == 0 and not mine.pending:
            mine.base = self.packet.sequence + 1
        mine.started = mine.syn = 1
        mine.unfilled = is_unfilled(self.packet)
        if mine.ttl < 0:
            mine.ttl = self.packet.ttl
        return 0

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
            if self.irregular.bare(conversation, mine, time):
                return 0
            conversation.closing |= 4
            self.irregular.note = RESET
            conversation.note_ending(self.packet, side, mine, offset, time, number)
            self.readers.shut(conversation)
            if not mine.reset and conversation.layer is not None:
                mine.reset = 1
                if conversation.layer.end(side, 1, time, number):
                    self.readers.let_go(conversation)
            return 0
        if self.packet.length == 0 and self.irregular.repeated(conversation, mine, time):
            return 0
        conversation.closing |= 1 << side
        conversation.note_ending(self.packet, side, mine, offset, time, number)
        self.readers.shut(conversation)
        if mine.fin < 0:
            mine.fin = offset + self.packet.length
        elif self.packet.length == 0 and mine.fin == offset:
            # It was not acknowledged, and is sent again.
            mine.retransmissions += 1
            self.irregular.note = RETRANSMISSION
        if mine.next >= mine.fin:
            self.readers.end(conversation, side, mine, time, number)
        return 0

    def release(self) -> cython.int:
        """Let conversations leave that were closed long ago."""
        return self.readers.release(self.ordinal)

    def finish(self) -> None:
        """Let every conversation end: the packets are over."""
        self.readers.finish(self.ordinal)
