# cython: language_level=3, wraparound=False, initializedcheck=False
"""Where do frames go on behind a hole? A search for the chain of headers that chance cannot make.

A header says where the next one is. Whoever begins to read at a wrong place meets, one jump
further, a byte that cannot begin a frame, nine times in ten or more often. Each place behind a hole
is tried, and each chain of headers collects evidence in bits (`plausible.py`):

- what its headers look like, and whether they may follow each other (RFC 6455 §5.4, §5.5.1);
- where it begins (a prior): most applications write a frame at a time, which begins a segment;
- whether its frames end where segments end.

A chain (`chain.py`) is taken when its odds against chance are 2^ACCEPT to 1 or better, from the
frame on that is no accident in front of a true one.

This is evidence against chance, not against design: whoever controls a payload of many segments can
put whole frames into it, and where the header of that payload is lost nothing tells them apart.
What arms against it is to look further ahead before deciding, where no writes are seen to end with
the chain's frames.
"""

from __future__ import annotations

from heapq import heappop, heappush

from wsanalyze.buffer import Buffer
from wsanalyze.websocket.chain import Chain
from wsanalyze.websocket.masking import Scratch
from wsanalyze.websocket.plausible import Header

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.websocket.chain import NOWHERE
    from wsanalyze.websocket.plausible import CUT, POSSIBLE

# In all sums below: bits.
ACCEPT = 24
# How much better than any other chain one has to be.
MARGIN = 10
# Of how much stands behind a chain's beginning, in bytes, where no write is seen to end with it.
LOOKAHEAD = 65536
# Writes that end with frames of the chain, so that it need not be looked further ahead; they say
# something where segments have 2^PUSH_FROM bytes or more on average.
PUSHES = 2
PUSH_FROM = 4

# What is believed of a place before it is looked at. Where segments are few bytes long each of them
# begins somewhere, and most begin no frame: no more is believed then than PER_DOUBLING bits for
# each doubling of their mean length.
PER_DOUBLING = 4
FEW = 63
BEHIND_A_FRAME = 2
BEHIND_A_HOLE = -2
BEHIND_A_WRITE = 0
BEHIND_A_SEGMENT = -5
INSIDE = -14

# Segments shorter than this are never full (RFC 9293 §3.7.1: a sender may always send as much).
FULL = 536
# Chains that are followed at once, and begun inside segments: random bytes have about ten. A chain
# costs so many bytes, which count as held.
MOST_CHAINS = 512
CHAIN = 256
# What a piece costs besides its bytes.
OVERHEAD = 160
# Inside a segment, no chain is begun with less.
FAINT = 3
# More than any chain has: for who wants to know the score alone.
NEVER = 1 << 30

# Bytes of the stream, or how many are missing: offset, bytes, missing, time, packet, ordinal.
Piece = tuple[int, bytes, int, int, int, int]


@cython.final
@cython.cclass
class Search:
    """Looks for frames in one side's stream, from a place where none is known.

    `masked` is 1 or 0 as the sender's frames are, -1 unknown; `compression` says whether RSV1 may
    be set; `usual` is a first byte that its frames often have, -1 unknown; `aligned` says that a
    frame had just ended before the hole; `limit` bounds the bytes that are held; `framing` is that
    of the version (`plausible.py`).

    `take`, `skip` and `finish` return 1 when frames were found: the first at `anchor`, with odds of
    2^`bits` to 1, in `pieces`, all that is held of the stream: `stored` bytes, `held` with the
    chains. `dropped` counts bytes that are held no more. `stop` is the offset behind all that
    was seen, `score` the best chain's evidence so far, `accept` what it takes to be found.

    `claimed` is where somebody has found frames already, with odds of 2^`claimed_bits` to 1, and
    said so: there they are, where nothing is better by the end, or before they are held no more.
    """

    def __init__(
        self,
        masked: cython.int,
        compression: cython.bint,
        usual: cython.int,
        aligned: cython.bint,
        limit: cython.longlong,
        scratch: Scratch,
        framing: cython.int = 0,
    ) -> None:
        self.header = Header(masked, compression, usual, scratch, framing)
        self.limit = limit
        self.accept = ACCEPT
        self.pieces: list[Piece] = []
        self.held = self.stored = self.dropped = 0
        self.segments = self.seen = 0
        self.rest = b""
        self.waiting: dict[int, Chain] = {}
        self.targets: list[int] = []
        self.stuck: list[int] = []
        self.leader: Chain | None = None
        self.nearest = NOWHERE
        self.start_prior = BEHIND_A_FRAME if aligned else BEHIND_A_HOLE
        self.next_prior = self.start_prior
        self.marked = NOWHERE
        self.marked_prior = 0
        self.largest = FULL
        self.stop = 0
        self.anchor = self.claimed = NOWHERE
        self.bits = self.claimed_bits = 0

    @property
    def score(self) -> int:
        """The evidence of the best chain that goes on, in bits."""
        leader: Chain | None = self.best()
        return leader.score if leader is not None else INSIDE

    @property
    def variety(self) -> int:
        """How many kinds of headers the best chain has: opcodes, and longer lengths.

        A text counts twice: what it holds was seen to be one.
        """
        leader: Chain | None = self.best()
        kinds = int(leader.kinds) if leader is not None else 0
        return kinds.bit_count() + (kinds >> 1 & 1)

    @property
    def chain_masked(self) -> int:
        """Whether the frames of the best chain are masked: 1, 0, -1 unknown."""
        leader: Chain | None = self.best()
        return leader.masked if leader is not None else -1

    def take(
        self,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        offset: cython.longlong,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.int:
        """Look at `buffer[start:stop]`, one segment, which stands at `offset`; 1 when found."""
        data: bytes = buffer.copy(start, stop)
        short: cython.bint = stop - start < self.largest
        self.pieces.append((offset, data, 0, time, packet, ordinal))
        self.stored += len(data) + OVERHEAD
        self.segments += 1
        self.seen += len(data)
        self.stop = offset + len(data)
        if not self.rest:
            self.marked = offset
            self.marked_prior = self.next_prior
        self.start = offset
        self.start_prior = self.next_prior
        self.scan(self.rest + data, offset - len(self.rest), False)
        self.reward(self.stop, short)
        self.next_prior = min(
            BEHIND_A_WRITE if short else BEHIND_A_SEGMENT, INSIDE + PER_DOUBLING * self.spacing()
        )
        if stop - start > self.largest:
            self.largest = stop - start
        return self.settle()

    def spacing(self) -> cython.int:
        """Return how many bits it says at most that something stands where a segment ends.

        That is the binary logarithm of the segments' mean length, and more for the first FEW of
        them, which are not many tries.
        """
        mean: cython.longlong = self.seen // self.segments if self.segments else 0
        tries: cython.longlong = self.segments
        bits: cython.int = 0
        while mean > 1:
            mean >>= 1
            bits += 1
        while tries < FEW:
            tries = tries * 2 + 1
            bits += 1
        return bits

    def count(self) -> cython.int:
        """Bring `held` up to date."""
        self.held = self.stored + CHAIN * len(self.waiting)
        return 0

    def settle(self) -> cython.int:
        """Decide, and hold no more than the limit."""
        found: cython.int = self.decide(self.stored > self.limit)
        if not found and self.stored > self.limit:
            self.shrink(self.limit // 2)
        self.count()
        return found

    def skip(
        self,
        length: cython.longlong,
        offset: cython.longlong,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.int:
        """Learn that `length` bytes at `offset` are missing; 1 when frames were found before them.

        A chain goes on behind them where they lie within the payload of its last frame.
        """
        end: cython.longlong = offset + length
        leader: Chain | None
        if not self.pieces:
            self.stop = end
            return 0
        self.scan(self.rest, offset - len(self.rest), True)
        self.rest = b""
        leader = self.best()
        if leader is not None and leader.target < end and self.decide(True):
            return 1
        for target in self.stuck:
            del self.waiting[target]
        self.stuck = []
        self.leader = None
        self.pieces.append((offset, b"", length, time, packet, ordinal))
        self.stored += OVERHEAD
        while self.targets and self.targets[0] < end:
            del self.waiting[heappop(self.targets)]
        self.nearest = self.targets[0] if self.targets else NOWHERE
        self.reward(end, False)
        self.next_prior = BEHIND_A_HOLE
        self.stop = end
        if self.stored > self.limit:
            self.shrink(self.limit // 2)
        self.count()
        return 0

    def finish(self) -> cython.int:
        """Decide with what there is: nothing more will come for now."""
        self.scan(self.rest, self.stop - len(self.rest), True)
        self.rest = b""
        return self.decide(True)

    def shrink(self, most: cython.longlong) -> cython.int:
        """Store at most `most` bytes: the oldest are given up; of none, no chain is left either."""
        chain: Chain
        place: cython.Py_ssize_t = 0
        first: cython.longlong
        while place < len(self.pieces) and self.stored > most:
            self.dropped += len(self.pieces[place][1])
            self.stored -= len(self.pieces[place][1]) + OVERHEAD
            place += 1
        del self.pieces[:place]
        first = self.pieces[0][0] if self.pieces else self.stop
        if self.stop - len(self.rest) < first:
            self.rest = b""
        for chain in self.waiting.values():
            if chain.anchor < first:
                chain.anchor = NOWHERE
        if not self.pieces:
            self.waiting = {}
            self.targets = []
            self.stuck = []
            self.leader = None
            self.nearest = NOWHERE
        self.count()
        return 0

    def scan(self, data: bytes, base: cython.longlong, final: cython.bint) -> cython.int:
        """Try each place of `data`, which stands at offset `base`, for a header."""
        buffer: Buffer = Buffer(data)
        header: Header = self.header
        at: cython.Py_ssize_t = 0
        size: cython.Py_ssize_t = len(data)
        bits: cython.int
        arriving: Chain | None
        while at < size:
            arriving = None
            if base + at == self.nearest:
                arriving = self.waiting[self.nearest]
            elif not header.prefixed and header.weights[buffer.view[at]] < 0:
                at += 1
                continue
            bits = header.weigh(buffer, at, size)
            if bits == CUT:
                if not final:
                    break
                # Such a chain ends here; it is decided about with the others.
                if arriving is not None:
                    self.stuck.append(heappop(self.targets))
                    self.nearest = self.targets[0] if self.targets else NOWHERE
                at += 1
                continue
            if arriving is not None:
                del self.waiting[heappop(self.targets)]
                self.nearest = self.targets[0] if self.targets else NOWHERE
            self.place(base + at, bits, arriving)
            at += 1
        self.rest = data[at:]
        return 0

    def place(
        self, offset: cython.longlong, bits: cython.int, arriving: Chain | None
    ) -> cython.int:
        """Let the header at `offset` continue the chain that leads to it, or begin one."""
        gain: cython.int = -1
        again: cython.int = 0
        prior: cython.int = INSIDE
        chain: Chain
        if arriving is not None:
            if bits > POSSIBLE:
                again = arriving.repeated(self.header)
                gain = arriving.gain(self.header, bits, again)
            if gain < 0 and arriving is self.leader:
                self.leader = None
        if bits <= POSSIBLE:
            return 0
        if offset == self.start:
            prior = self.start_prior
        elif offset == self.marked:
            prior = self.marked_prior
        if arriving is not None and gain >= 0 and arriving.score + gain >= prior + bits:
            chain = arriving
            chain.score += gain
            chain.again = again
            chain.repeats += again
            chain.join(self.header)
        else:
            if arriving is not None and arriving is self.leader:
                self.leader = None
            if prior == INSIDE and (bits < FAINT or len(self.waiting) >= MOST_CHAINS):
                return 0
            if len(self.waiting) >= 2 * MOST_CHAINS:
                return 0
            chain = Chain()
            chain.score = prior + bits
            chain.joined = prior - INSIDE
            chain.join(self.header)
            chain.masked = self.header.second >> 7
        self.lead_on(chain, offset)
        return 0

    def lead_on(self, chain: Chain, offset: cython.longlong) -> cython.int:
        """Let a chain wait for what its newest header, at `offset`, leads to."""
        other: Chain
        chain.add(self.header, offset)
        if self.leader is not None and chain.score > self.leader.score:
            self.leader = chain
        if chain.target in self.waiting:
            other = self.waiting[chain.target]
            if other.score >= chain.score:
                if chain is self.leader:
                    self.leader = other
                return 0
            if other is self.leader:
                self.leader = chain
        else:
            heappush(self.targets, chain.target)
            self.nearest = self.targets[0]
        self.waiting[chain.target] = chain
        return 0

    def reward(self, offset: cython.longlong, short: cython.bint) -> cython.int:
        """Give the chain whose frame ends at `offset`, where a segment does, what that is worth."""
        chain: Chain
        most: cython.int
        if offset not in self.waiting:
            return 0
        chain = self.waiting[offset]
        most = self.spacing()
        if not chain.reward(short, most, self.start):
            return 0
        if short and most >= PUSH_FROM:
            chain.pushes += 1
        if self.leader is not None and chain.score > self.leader.score:
            self.leader = chain
        return 0

    def best(self) -> Chain | None:
        """Return the chain with most evidence."""
        chain: Chain
        if self.leader is None:
            for chain in self.waiting.values():
                if self.leader is None or chain.score > self.leader.score:
                    self.leader = chain
        return self.leader

    def decide(self, final: cython.bint) -> cython.int:
        """Say whether frames are found; `final` where there is no more to look at."""
        if self.lead(final):
            return 1
        if not final or self.claimed < 0 or not self.pieces or self.claimed < self.pieces[0][0]:
            return 0
        self.anchor = self.claimed
        self.bits = self.claimed_bits
        return 1

    def lead(self, final: cython.bint) -> cython.int:
        """Say whether the best chain is taken."""
        chain: Chain
        leader: Chain | None = self.best()
        if leader is None or leader.score < self.accept or leader.anchor < 0:
            return 0
        if not final and leader.pushes < PUSHES and self.stop - leader.anchor < LOOKAHEAD:
            return 0
        for chain in self.waiting.values():
            if chain is not leader and chain.score > leader.score - MARGIN:
                return 0
        self.anchor = leader.anchor
        self.bits = leader.bits
        return 1
