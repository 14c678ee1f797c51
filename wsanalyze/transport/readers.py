# cython: language_level=3, wraparound=False, initializedcheck=False
"""Those who read conversations: what they are told, and who leaves when there are too many."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer
from wsanalyze.limits import Limits
from wsanalyze.transport.conversation import Conversation
from wsanalyze.transport.flows import FlowTable
from wsanalyze.transport.reassembly import Chunk, Direction

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# A hole that the other end has acknowledged will not be filled any more: the receiver had the
# bytes. Captures of several interfaces put packets into the file out of order by a few places, so
# the hole is given so many more segments of its direction.
PATIENCE = 64

# Conversations that are closed and still looked at: FINs and data are sent again, and captures of
# several interfaces have the last packets in any order.
LINGERING = 256

# Why a conversation leaves before it is over: how `Layer.finish` is told of it.
LIMIT = 1
IDLE = 2


@cython.final
@cython.cclass
class Readers:
    """Hands conversations to the layers that read them, and lets them leave.

    `opener` and `closer` are those of `Transport`. `remembering`: whether later copies are to be
    compared with what was handed on. `narrow`: whether the capture that is read keeps less of each
    packet than another one that is read with it. `pending_bytes`, `conflicts`, `remembered` (in
    bytes), `followed`: what all conversations together keep; `reached_…`: how often a limit of
    these was reached. The place in the order of reading is that of the conversation's last packet,
    or of the one that makes it leave.
    """

    def __init__(
        self,
        opener: Callable[[Conversation], Layer],
        closer: Callable[[Conversation], None],
        limits: Limits,
        flows: FlowTable,
        remembering: bool,
    ) -> None:
        self.opener = opener
        self.closer = closer
        self.flows = flows
        self.remembering = remembering
        self.narrow = 0
        self.limit_followed = limits.followed
        self.limit_pending = limits.out_of_order
        self.limit_pending_all = limits.out_of_order_total
        self.limit_conflicts = limits.conflicts
        self.limit_remembered = limits.remembered
        self.pending_bytes = 0
        self.conflicts = self.reached_conflicts = 0
        self.remembered = self.reached_remembered = 0
        self.closed: deque[Conversation] = deque()
        self.followed = self.reached_followed = 0
        self.reached_flows = self.reached_pending = self.reached_pending_all = 0

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
    ) -> cython.int:
        """Hand the next `length` bytes on, of which [start, stop) was captured."""
        layer: Layer | None = conversation.layer
        done: cython.int = 0
        if layer is None:
            layer = self.begin(conversation)
        # Who sends on had not reset the connection: somebody else had, or tried to.
        mine.reset = 0
        if stop > start:
            done = layer.data(side, buffer, start, stop, time, number, conversation.last_ordinal)
        if not done and length > stop - start:
            done = self.cut(conversation, side, mine, layer, length - (stop - start), time, number)
        if done:
            self.let_go(conversation)
        conversation.last_data = conversation.last_ordinal
        return 0

    def cut(
        self,
        conversation: Conversation,
        side: cython.int,
        mine: Direction,
        layer: Layer,
        length: cython.longlong,
        time: cython.longlong,
        number: cython.longlong,
    ) -> cython.int:
        """Tell the layer of bytes that the capture cut off; wait where a copy may have them."""
        if self.narrow and mine.duplicates:
            mine.next -= length
            return 0
        mine.lost += length
        mine.cut_off += length
        return layer.gap(side, length, time, number, conversation.last_ordinal)

    def begin(self, conversation: Conversation) -> Layer:
        """Begin to read a conversation; where too many are read, others leave for it."""
        conversation.layer = self.opener(conversation)
        self.followed += 1
        if self.followed > self.limit_followed:
            self.shed(conversation)
        return conversation.layer

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
        self.remembered -= mine.forget()
        self.conflicts -= mine.charged
        mine.charged = 0
        mine.contested = None
        return 0

    def remember(
        self,
        mine: Direction,
        offset: cython.longlong,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        packet: cython.longlong,
        sound: cython.int,
        acked: cython.longlong,
    ) -> cython.int:
        """Remember bytes that are handed on; where that is too much in all, the direction's go."""
        self.remembered += mine.remember(offset, buffer, start, stop, packet, sound, acked)
        if self.remembered > self.limit_remembered:
            self.remembered -= mine.forget()
            self.reached_remembered += 1
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
            if self.remembering:
                self.remember(
                    mine,
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
            )
        return 0

    def bound(self, conversation: Conversation, side: cython.int, mine: Direction) -> cython.int:
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
            elif self.narrow and mine.segments - chunk.arrived >= PATIENCE:
                # Each packet that was cut leaves a hole: they wait together.
                mine.passed = -1
            elif mine.passed < 0:
                mine.passed = mine.segments
                return 0
            elif mine.segments - mine.passed < PATIENCE:
                return 0
            self.skip(conversation, side, mine, chunk.offset, chunk.time, chunk.packet)
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
        """Hand on a gap up to `offset`, then what waited behind it.

        `time`, `number`: of the packet behind the gap, else of the one that made it known.
        """
        layer: Layer | None = conversation.layer
        length: cython.longlong = offset - mine.next
        mine.passed = -1
        mine.lost += length
        mine.next = offset
        if layer is None:
            layer = self.begin(conversation)
        if layer.gap(side, length, time, number, conversation.last_ordinal):
            self.let_go(conversation)
        return self.drain(conversation, side, mine)

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

    def flush(self, conversation: Conversation, side: cython.int, mine: Direction) -> cython.int:
        """Hand on what waits behind holes, and the gap up to what the other end acknowledged."""
        chunk: Chunk
        known: cython.longlong
        time: cython.longlong = conversation.last_time
        number: cython.longlong = conversation.last_packet
        while mine.pending and not conversation.let_go:
            chunk = mine.pending[0]
            self.skip(conversation, side, mine, chunk.offset, chunk.time, chunk.packet)
        if conversation.let_go or conversation.layer is None:
            return 0
        if mine.highest > mine.next:
            # What the capture did not keep of the last packets, and no copy brought.
            self.skip(conversation, side, mine, mine.highest, time, number)
            if conversation.let_go:
                return 0
        # One byte beyond is the FIN's own number, when the FIN itself was not captured.
        known = mine.fin if mine.fin >= 0 else mine.acked
        if known > mine.next + (0 if mine.fin >= 0 else 1) and known <= mine.acked:
            self.skip(conversation, side, mine, known, time, number)
        if mine.fin >= 0 and mine.next >= mine.fin and not conversation.let_go:
            self.end(conversation, side, mine, time, number)
        return 0

    def leave(
        self, conversation: Conversation, evicted: cython.int, ordinal: cython.longlong
    ) -> cython.int:
        """Let a conversation end here: what waits is handed on, what is missing is a gap."""
        if conversation.let_go == 2:
            return 0
        conversation.last_ordinal = ordinal
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
            self.leave(conversation, 0 if conversation.closing else LIMIT, kept.last_ordinal)
            conversation.forget()
        return 0

    def evict(self, ordinal: cython.longlong) -> cython.int:
        """Make room: closed conversations leave first, then the ones idle for longest."""
        conversation: Conversation
        everyone: list[Conversation] = self.flows.all()
        everyone.sort(key=worth)
        leaving: cython.Py_ssize_t = max(1, len(everyone) // 8)
        for conversation in everyone[:leaving]:
            if conversation.layer is not None and not conversation.closing:
                self.reached_flows += 1
            self.leave(conversation, 0 if conversation.closing else LIMIT, ordinal)
        self.flows.keep(everyone[leaving:])
        return 0

    def shut(self, conversation: Conversation) -> cython.int:
        """Put a conversation that both ends have closed, or one has reset, in line to leave."""
        if conversation.closed_at < 0 and (
            conversation.closing & 3 == 3 or conversation.closing & 4
        ):
            conversation.closed_at = conversation.last_ordinal
            self.closed.append(conversation)
        return 0

    def release(self, ordinal: cython.longlong) -> cython.int:
        """Let the conversations leave that closed longest ago, except the last LINGERING.

        Only a name stays of them, so that a late packet does not count as a new conversation. One
        that went on after its reset was not closed: somebody else had sent the reset.
        """
        while len(self.closed) > LINGERING:
            self.bury(self.closed.popleft(), ordinal)
        return 0

    def bury(self, conversation: Conversation, ordinal: cython.longlong) -> cython.int:
        """Let a conversation leave that was closed, unless it was not."""
        if conversation.let_go == 2:
            return 0
        if conversation.closing & 3 != 3 and conversation.last_data > conversation.closed_at:
            conversation.closed_at = -1
            return 0
        self.leave(conversation, 0, ordinal)
        conversation.forget()
        return 0

    def leave_closed(self, place: cython.longlong, ordinal: cython.longlong) -> None:
        """Let the conversations leave that were closed at a place in the order of reading.

        Or before it. A capture is read as fast as it can be, and time says nothing; packets that
        come as they are sent do not wait until LINGERING others have closed.
        """
        conversation: Conversation
        while self.closed:
            conversation = self.closed[0]
            if conversation.let_go != 2 and conversation.closed_at > place:
                return
            self.closed.popleft()
            self.bury(conversation, ordinal)

    def leave_holes(self, place: cython.longlong) -> None:
        """Give up the holes behind which something waits since that packet, or one before it.

        Where the receiver has acknowledged what is behind them. For packets of one capture that
        come as they are sent: on a quiet connection PATIENCE would take for ever.
        """
        conversation: Conversation
        side: cython.int
        mine: Direction
        chunk: Chunk
        for conversation in self.flows.all():
            for side in range(2):
                if conversation.layer is None:
                    break
                mine = conversation.high if side else conversation.low
                while mine.pending and not conversation.let_go:
                    chunk = mine.pending[0]
                    if chunk.packet > place or mine.acked < chunk.offset:
                        break
                    self.skip(
                        conversation,
                        side,
                        mine,
                        chunk.offset,
                        conversation.last_time,
                        conversation.last_packet,
                    )

    def leave_idle(
        self,
        named: cython.longlong,
        read: cython.longlong,
        unread: cython.longlong,
        session: cython.longlong,
        ordinal: cython.longlong,
    ) -> None:
        """Let the conversations leave whose last packet is at a place or before it.

        `named` is that place for those of which only a name is kept, that are closing, or of which
        one end was never heard; `session` for those that speak WebSocket, `read` for others whose
        bytes are read, `unread` for those of which nobody reads any.
        """
        conversation: Conversation
        place: cython.longlong
        everyone: list[Conversation] = self.flows.all()
        staying: list[Conversation] = []
        for conversation in everyone:
            place = unread
            if conversation.let_go == 2 or conversation.closing:
                place = named
            elif conversation.layer is not None:
                place = session if conversation.spoke == 1 else read
            elif not conversation.let_go and not (
                conversation.low.started and conversation.high.started
            ):
                place = named
            if conversation.last_ordinal > place:
                staying.append(conversation)
            else:
                self.leave(conversation, 0 if conversation.closing else IDLE, ordinal)
        if len(staying) < len(everyone):
            self.flows.keep(staying)

    def charge(self, mine: Direction) -> cython.int:
        """Charge the conflicts that a segment has just added, as far as there is room."""
        excess: cython.longlong
        if mine.contested is None:
            return 0
        self.reached_conflicts += mine.beyond
        mine.beyond = 0
        self.conflicts += len(mine.contested) - mine.charged
        excess = self.conflicts - self.limit_conflicts
        if excess > 0:
            self.reached_conflicts += excess
            self.conflicts -= excess
            del mine.contested[len(mine.contested) - excess :]
        mine.charged = len(mine.contested)
        return 0

    def finish(self, ordinal: cython.longlong) -> None:
        """Let every conversation end: the packets are over."""
        everyone: list[Conversation] = self.flows.all()
        everyone.sort(key=place)
        conversation: Conversation
        for conversation in everyone:
            self.leave(conversation, 0, ordinal)
        self.flows.keep([])


def place(conversation: Conversation) -> int:
    """Return the index of a conversation, for sorting."""
    return conversation.index


def worth(conversation: Conversation) -> int:
    """Return what decides who leaves first when the flow table is full; the lowest leaves.

    One number, not two: a table of 131,072 is sorted for every 16,384 that come new.
    """
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
    return rank << 56 | conversation.last_ordinal
