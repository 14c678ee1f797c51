# cython: language_level=3, wraparound=False, initializedcheck=False
"""The loop over packets: each is decoded, finds its conversation, and its bytes their reader."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from wsanalyze.buffer import Buffer
from wsanalyze.capture.batch import Batch
from wsanalyze.layer import Layer
from wsanalyze.limits import Limits
from wsanalyze.tables.columns import SegmentColumns
from wsanalyze.transport.conversation import Conversation
from wsanalyze.transport.duplicates import Recent
from wsanalyze.transport.flows import FlowTable
from wsanalyze.transport.fragments import Datagram, Fragment, Fragments
from wsanalyze.transport.packet import Packet
from wsanalyze.transport.reassembly import Chunk, Direction

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.transport.checksum import soundness
    from wsanalyze.transport.conversation import UNSEEN
    from wsanalyze.transport.sequence import distance

FIN = 0x01
SYN = 0x02
RST = 0x04
ACK = 0x10
# The flags' nine bits; in front of them the field has the data offset.
FLAGS = 0x1FF

# Sequence numbers count modulo 2^32. Named, because a literal above 2^31 would be a Python object.
LOW = 0xFFFFFFFF

# A hole that the other end has acknowledged will not be filled any more: the receiver had the
# bytes. Captures of several interfaces put packets into the file out of order by a few places, so
# the hole is given so many more segments of its direction.
PATIENCE = 64

# Conversations that are closed and still looked at: FINs and data are sent again, and captures of
# several interfaces have the last packets in any order.
LINGERING = 256

# A packet that `Fragments` has counted; other values are those of `Packet.read`.
COUNTED = -1

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
class PacketCounts:
    """Packets of one capture, counted by what `Packet.read` said of them."""

    def __init__(self) -> None:
        self.packets = self.captured_bytes = self.wire_bytes = self.cut = 0
        self.tcp = self.udp = self.other = 0
        self.unknown_link = self.truncated = self.malformed = self.fragments = 0
        self.joined = self.fragment_conflicts = 0
        self.not_ip = self.esp = self.macsec = self.wifi_protected = self.nested = 0
        self.unknown_links: set[int] = set()
        self.conversations = self.duplicates = 0

    def skipped(self, kind: cython.int) -> cython.int:
        """Count a packet that carries no TCP segment to follow."""
        if kind == 1:
            self.udp += 1
        elif kind == 2:
            self.other += 1
        elif kind == 3:
            self.unknown_link += 1
        elif kind == 4:
            self.truncated += 1
        elif kind == 5:
            self.malformed += 1
        elif kind == 6:
            self.fragments += 1
        elif kind == 7:
            self.other += 1
            self.not_ip += 1
        elif kind == 8:
            self.esp += 1
        elif kind == 9:
            self.macsec += 1
        elif kind == 10:
            self.wifi_protected += 1
        else:
            self.nested += 1
        return 0


@cython.final
@cython.cclass
class Transport:
    """Follows every TCP conversation of a stream of packets.

    `opener(conversation)` is called with the first payload byte of a conversation and returns the
    Layer that reads it. `closer(conversation)` is called when it leaves for good. `segments`, where
    given, gets a row per segment of the conversations that somebody reads.
    """

    def __init__(
        self,
        opener: Callable[[Conversation], Layer],
        closer: Callable[[Conversation], None],
        limits: Limits,
        segments: SegmentColumns | None,
        seed: int,
    ) -> None:
        self.opener = opener
        self.closer = closer
        self.limit_flows = limits.flows
        self.limit_followed = limits.followed
        self.limit_pending = limits.out_of_order
        self.limit_pending_all = limits.out_of_order_total
        self.limit_conflicts = limits.conflicts
        self.segments = segments
        self.flows = FlowTable(seed)
        self.packet = Packet()
        self.fragments = Fragments(limits)
        self.recent = Recent()
        self.recent_bare = Recent()
        self.looked = False
        self.counts: PacketCounts = PacketCounts()
        self.conversations = 0
        self.ordinal = 0
        self.pending_bytes = 0
        self.conflicts = self.reached_conflicts = 0
        self.closed: deque[Conversation] = deque()
        self.followed = self.reached_followed = 0
        self.reached_flows = self.reached_pending = self.reached_pending_all = 0
        self.note = 0

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
            kind = self.fragment(buffer, time, number)
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

    def fragment(
        self, buffer: Buffer, time: cython.longlong, number: cython.longlong
    ) -> cython.int:
        """Take a fragment, and the datagram that it makes whole; return what to count it as."""
        packet: Packet = self.packet
        kind: cython.int = 6
        whole: Datagram | None
        # Each datagram that is whole may be a tunnel's, with a fragment inside: `resume` says
        # NESTED before long.
        while kind == 6 and packet.length:
            key = (
                packet.family,
                packet.fragment_id,
                packet.fragment_protocol if packet.family == 4 else 0,
                packet.source_high,
                packet.source_low,
                packet.target_high,
                packet.target_low,
            )
            piece = Fragment(
                packet.fragment_offset,
                packet.length,
                bool(packet.fragment_more),
                packet.fragment_protocol,
                buffer.copy(packet.payload_start, packet.payload_stop),
            )
            whole = self.fragments.add(key, piece, time, self.ordinal, self.counts)
            if whole is None:
                return COUNTED
            buffer = Buffer(whole.captured())
            kind = packet.resume(buffer, whole.length, whole.protocol)
        if kind == 0:
            self.segment(buffer, time, number)
        return kind

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
            if offset == mine.next and mine.pending_bytes == 0:
                mine.next += length
                mine.highest = mine.next
                self.recent.put(packet, conversation.digest, time)
                if self.segments is not None:
                    self.remember(mine, buffer, offset, number)
                self.deliver(
                    conversation,
                    side,
                    mine,
                    buffer,
                    packet.payload_start,
                    packet.payload_stop,
                    length,
                    time,
                    number,
                    self.ordinal,
                )
            else:
                self.irregular(conversation, side, mine, buffer, offset, time, number)
            if mine.fin >= 0 and mine.next >= mine.fin:
                self.end(conversation, side, mine, time, number)
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
            self.leave(conversation, 0)
        elif self.flows.count >= self.limit_flows:
            self.evict()
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

    def deliver(
        self,
        conversation: Conversation,
        side: cython.int,
        mine: Direction,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        length: cython.longlong,
        time: cython.longlong,
        number: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.int:
        """Hand the next `length` bytes on, of which [start, stop) was captured."""
        layer: Layer | None = conversation.layer
        done: cython.int = 0
        if layer is None:
            layer = self.begin(conversation)
        # Who sends on had not reset the connection: somebody else had, or tried to.
        mine.reset = 0
        if stop > start:
            done = layer.data(side, buffer, start, stop, time, number, ordinal)
        if not done and length > stop - start:
            mine.lost += length - (stop - start)
            done = layer.gap(side, length - (stop - start), time, number, ordinal)
        if done:
            self.let_go(conversation)
        conversation.last_data = self.ordinal
        return 0

    def begin(self, conversation: Conversation) -> Layer:
        """Begin to read a conversation; where too many are read, others leave for it."""
        conversation.layer = self.opener(conversation)
        self.followed += 1
        if self.followed > self.limit_followed:
            self.shed(conversation)
        return conversation.layer

    def shed(self, kept: Conversation) -> cython.int:
        """Stop reading an eighth of the conversations, as `worth` has it, but not `kept`."""
        conversation: Conversation
        everyone: list[Conversation] = [
            each for each in self.flows.all() if each.layer is not None and each is not kept
        ]
        everyone.sort(key=worth)
        for conversation in everyone[: max(1, len(everyone) // 8)]:
            if not conversation.closing:
                self.reached_followed += 1
            self.leave(conversation, 0 if conversation.closing else 1)
            conversation.forget()
        return 0

    def let_go(self, conversation: Conversation) -> cython.int:
        """Look at this conversation no more."""
        if conversation.layer is not None:
            self.followed -= 1
        conversation.let_go = 1
        conversation.layer = None
        self.forget_pending(conversation.low)
        self.forget_pending(conversation.high)
        return 0

    def forget_pending(self, mine: Direction) -> cython.int:
        """Drop what waits in a direction that nobody reads any more."""
        self.pending_bytes -= mine.pending_bytes
        mine.pending_bytes = 0
        mine.pending = []
        self.conflicts -= mine.charged
        mine.charged = 0
        mine.contested = None
        return 0

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
        if offset + length <= mine.next:
            repeated = self.repeated(conversation, mine, time)
            # A keep-alive probe repeats the last byte, or sends a byte that nobody reads
            # (RFC 9293 §3.8.4).
            if length == 1 and offset == mine.next - 1:
                if not repeated:
                    mine.keep_alives += 1
                    self.note = KEEP_ALIVE
                return 0
            if not repeated:
                mine.retransmissions += 1
                self.note = RETRANSMISSION
            self.compare(mine, buffer, offset, number)
            return 0
        if offset > mine.highest:
            self.note = LOST_BEFORE
        elif offset < mine.next:
            self.note = OVERLAP
            self.compare(mine, buffer, offset, number)
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
        self.pending_bytes += mine.pending_bytes - before
        if known & 2:
            self.contested(mine)
        elif known & 1 and not known & 4 and self.note != CONFLICT:
            self.note = OVERLAP
        if known & 4:
            self.known(conversation, mine, time)
        elif offset < mine.highest and self.note != LOST_BEFORE:
            mine.out_of_order += 1
            if self.note == 0:
                self.note = OUT_OF_ORDER
        if known & 4 == 0:
            self.recent.put(packet, conversation.digest, time)
        if offset + length > mine.highest:
            mine.highest = offset + length
        self.drain(conversation, side, mine)
        self.bound(conversation, side, mine, time, number)
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
    ) -> cython.int:
        """Take note where a segment that came again is not what was handed on.

        What was handed on is remembered where a table of segments is wanted, and only there.
        """
        packet: Packet = self.packet
        if mine.parts is None:
            return 0
        if mine.contradicts(
            offset,
            buffer,
            packet.payload_start,
            packet.payload_stop,
            number,
            soundness(packet, buffer),
        ):
            self.contested(mine)
        return 0

    def contested(self, mine: Direction) -> cython.int:
        """Charge the conflicts that a segment has just added, as far as there is room."""
        excess: cython.longlong
        self.note = CONFLICT
        if mine.contested is None:
            return 0
        self.conflicts += len(mine.contested) - mine.charged
        excess = self.conflicts - self.limit_conflicts
        if excess > 0:
            self.reached_conflicts += excess
            self.conflicts -= excess
            del mine.contested[len(mine.contested) - excess :]
        mine.charged = len(mine.contested)
        return 0

    def drain(self, conversation: Conversation, side: cython.int, mine: Direction) -> cython.int:
        """Hand on the pending chunks that the stream has reached."""
        before: cython.longlong
        chunk: Chunk | None
        data: Buffer
        while not conversation.let_go:
            before = mine.pending_bytes
            chunk = mine.maybe_take()
            if chunk is None:
                return 0
            self.pending_bytes += mine.pending_bytes - before
            mine.next = chunk.stop
            data = Buffer(chunk.data)
            if self.segments is not None:
                mine.remember(
                    chunk.offset,
                    data,
                    0,
                    len(chunk.data),
                    chunk.packet,
                    chunk.sound,
                    chunk.acked,
                )
            self.deliver(
                conversation,
                side,
                mine,
                data,
                0,
                len(chunk.data),
                chunk.stop - chunk.offset,
                chunk.time,
                chunk.packet,
                self.ordinal,
            )
        return 0

    def bound(
        self,
        conversation: Conversation,
        side: cython.int,
        mine: Direction,
        time: cython.longlong,
        number: cython.longlong,
    ) -> cython.int:
        """Give up a hole that will not be filled, or behind which too much waits."""
        chunk: Chunk
        while mine.pending and not conversation.let_go:
            chunk = mine.pending[0]
            if mine.pending_bytes > self.limit_pending:
                self.reached_pending += 1
            elif self.pending_bytes > self.limit_pending_all:
                self.reached_pending_all += 1
            elif mine.acked < chunk.offset:
                mine.passed = -1
                return 0
            elif mine.passed < 0:
                mine.passed = mine.segments
                return 0
            elif mine.segments - mine.passed < PATIENCE:
                return 0
            self.skip(conversation, side, mine, chunk.offset, time, number)
        return 0

    def skip(
        self,
        conversation: Conversation,
        side: cython.int,
        mine: Direction,
        offset: cython.longlong,
        time: cython.longlong,
        number: cython.longlong,
    ) -> cython.int:
        """Hand on a gap up to `offset`, then what waited behind it."""
        layer: Layer | None = conversation.layer
        length: cython.longlong = offset - mine.next
        mine.passed = -1
        mine.lost += length
        mine.next = offset
        if layer is None:
            layer = self.begin(conversation)
        if layer.gap(side, length, time, number, self.ordinal):
            self.let_go(conversation)
        return self.drain(conversation, side, mine)

    def shut(self, conversation: Conversation) -> cython.int:
        """Put a conversation that both ends have closed, or one has reset, in line to leave."""
        if conversation.closed_at < 0 and (
            conversation.closing & 3 == 3 or conversation.closing & 4
        ):
            conversation.closed_at = self.ordinal
            self.closed.append(conversation)
        return 0

    def release(self) -> cython.int:
        """Let the conversations leave that closed longest ago, except the last LINGERING.

        Only a name stays of them, so that a late packet does not count as a new conversation. One
        that went on after its reset was not closed: somebody else had sent the reset.
        """
        conversation: Conversation
        while len(self.closed) > LINGERING:
            conversation = self.closed.popleft()
            if conversation.let_go == 2:
                continue
            if conversation.closing & 3 != 3 and conversation.last_data > conversation.closed_at:
                conversation.closed_at = -1
                continue
            self.leave(conversation, 0)
            conversation.forget()
        return 0

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
            self.shut(conversation)
            if not mine.reset and conversation.layer is not None:
                mine.reset = 1
                if conversation.layer.end(side, 1, time, number):
                    self.let_go(conversation)
            return 0
        if self.packet.length == 0 and self.repeated(conversation, mine, time):
            return 0
        conversation.closing |= 1 << side
        self.shut(conversation)
        if mine.fin < 0:
            mine.fin = offset + self.packet.length
        if mine.next >= mine.fin:
            self.end(conversation, side, mine, time, number)
        return 0

    def end(
        self,
        conversation: Conversation,
        side: cython.int,
        mine: Direction,
        time: cython.longlong,
        number: cython.longlong,
    ) -> cython.int:
        """Tell the layer, once, that a direction is finished."""
        if mine.ended or conversation.layer is None:
            return 0
        mine.ended = 1
        if conversation.layer.end(side, 0, time, number):
            self.let_go(conversation)
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

    def leave(self, conversation: Conversation, evicted: cython.int) -> cython.int:
        """Let a conversation end here: what waits is handed on, what is missing is a gap."""
        if conversation.let_go == 2:
            return 0
        self.flush(conversation, 0, conversation.low)
        self.flush(conversation, 1, conversation.high)
        if conversation.layer is not None:
            self.followed -= 1
            conversation.layer.finish(evicted)
        self.forget_pending(conversation.low)
        self.forget_pending(conversation.high)
        self.closer(conversation)
        # The layer refers to the conversation: this takes the circle apart.
        conversation.layer = None
        conversation.let_go = 2
        return 0

    def flush(self, conversation: Conversation, side: cython.int, mine: Direction) -> cython.int:
        """Hand on what waits behind holes, and the gap up to what the other end acknowledged."""
        chunk: Chunk
        known: cython.longlong
        time: cython.longlong = conversation.last_time
        number: cython.longlong = conversation.last_packet
        while mine.pending and not conversation.let_go:
            chunk = mine.pending[0]
            self.skip(conversation, side, mine, chunk.offset, time, number)
        if conversation.let_go or conversation.layer is None:
            return 0
        # One byte beyond is the FIN's own number, when the FIN itself was not captured.
        known = mine.fin if mine.fin >= 0 else mine.acked
        if known > mine.next + (0 if mine.fin >= 0 else 1) and known <= mine.acked:
            self.skip(conversation, side, mine, known, time, number)
        if mine.fin >= 0 and mine.next >= mine.fin and not conversation.let_go:
            self.end(conversation, side, mine, time, number)
        return 0

    def evict(self) -> cython.int:
        """Make room: closed conversations leave first, then the ones idle for longest."""
        conversation: Conversation
        everyone: list[Conversation] = self.flows.all()
        everyone.sort(key=worth)
        leaving: cython.Py_ssize_t = max(1, len(everyone) // 8)
        for conversation in everyone[:leaving]:
            if conversation.layer is not None and not conversation.closing:
                self.reached_flows += 1
            self.leave(conversation, 0 if conversation.closing else 1)
        self.flows.keep(everyone[leaving:])
        return 0

    def finish(self) -> None:
        """Let every conversation end: the packets are over."""
        everyone: list[Conversation] = self.flows.all()
        everyone.sort(key=place)
        conversation: Conversation
        for conversation in everyone:
            self.leave(conversation, 0)
        self.flows.keep([])


def place(conversation: Conversation) -> int:
    """Return the index of a conversation, for sorting."""
    return conversation.index


def worth(conversation: Conversation) -> tuple[int, int]:
    """Return what decides who leaves first when the flow table is full; the lowest leaves."""
    if conversation.closing:
        rank = 0
    elif conversation.let_go:
        rank = 1
    elif conversation.layer is None:
        rank = 2
    elif conversation.spoke == 1:
        rank = 4
    else:
        rank = 3
    return rank, conversation.last_ordinal
