# cython: language_level=3, wraparound=False, initializedcheck=False
"""A chain of frame headers, each where the one before it says: what speaks for it, in bits.

A header that repeats one of those before it counts little, because records in a payload do that.
Its first frames may still be an accident in front of a true one: of the 125 places from which a
short frame reaches a given header, one looks like it in 2 % of cases. They are taken from where
the odds against such an accident, over all frames up to there, are 2^HEAD to 1.
"""

from __future__ import annotations

from wsanalyze.websocket.plausible import Header

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# In all sums below: bits.
HEAD = 16
# Headers like the ones before them, in a row or nearly, that count at all.
MOST_REPEATS = 4
LAST_THREE = (1 << 48) - 1
NOWHERE = -1


@cython.final
@cython.cclass
class Chain:
    """Headers that lead from one to the next.

    - `target`: offset of the next header; `last`: of the last one
    - `score`: bits so far; `joined`: bits against its frames being an accident before a true one
    - `anchor`: offset of its first frame that can be taken, -1 none yet, with `bits`: those for it
    - `masked`, `open` (a fragmented message): 1, 0, or -1 unknown; `closed`: a Close was sent
    - `head`, `second`, `key`, `rewarded` of the last frame; `pushes`: writes that ended with frames
    - `recent`: first and second bytes of the last four; `again`: the last is like one of them,
      `repeats`: how many were; `kinds`: bits for the opcodes and lengths that there were
    """

    def __init__(self) -> None:
        self.target = self.last = 0
        self.score = self.bits = self.joined = 0
        self.anchor = NOWHERE
        self.masked = self.open = -1
        self.closed = self.rewarded = self.pushes = self.frames = 0
        self.head = self.second = self.kinds = self.repeats = self.again = self.recent = 0
        self.key = 0

    def repeated(self, header: Header) -> cython.int:
        """Say whether the header just weighed is like one of the last four.

        Records in a payload are alike, zeros and other runs are, masked or not: a fresh key for
        each frame is the rule (§5.3).
        """
        code: cython.ulonglong = code_of(header)
        recent: cython.ulonglong = self.recent
        while recent:
            if recent & 0xFFFF == code:
                return 1 if not self.masked or header.key == self.key else 0
            recent >>= 16
        return 0

    def gain(self, header: Header, bits: cython.int, again: cython.int) -> cython.int:
        """Return what the header just weighed adds to the chain that leads to it, -1 for never."""
        opcode: cython.int = header.head & 15
        if self.closed or header.second >> 7 != self.masked:
            return -1
        # §5.4: a message ends before another one begins, and nothing that has not begun goes on.
        if opcode == 0 and self.open == 0:
            return -1
        if (opcode == 1 or opcode == 2) and self.open == 1:
            return -1
        if bits < 0:
            bits = 0
        if header.masked < 0 and bits:
            bits += 1
        if again and not self.rewarded:
            if self.masked or self.repeats >= MOST_REPEATS:
                bits = 0
            elif bits > 2:
                bits = 2
        return bits

    def join(self, header: Header) -> cython.int:
        """Count what speaks against the newest header being an accident before a true one."""
        form: cython.int = header.second & 127
        self.joined += header.content
        if self.again or header.head == 0:
            self.joined += 1
        elif form < 126:
            self.joined += 5
        elif form == 126:
            self.joined += 12
        else:
            self.joined += 20
        return 0

    def add(self, header: Header, offset: cython.longlong) -> cython.int:
        """Wait for what the newest header, at `offset`, leads to."""
        opcode: cython.int = header.head & 15
        self.head = header.head
        self.second = header.second
        self.key = header.key
        # The first may be an accident, and fragments begin like small integers.
        if self.frames and header.head & 0x80:
            self.kinds |= 1 << opcode
            if header.second & 127 > 125:
                self.kinds |= 1 << 16
        # The newest four, of 16 bits each: uncompiled, integers do not lose the oldest themselves.
        self.recent = (self.recent & LAST_THREE) << 16 | code_of(header)
        self.last = offset
        self.target = offset + header.size + header.length
        self.frames += 1
        self.rewarded = 0
        if opcode < 8:
            self.open = 0 if header.head & 0x80 else 1
        self.closed = opcode == 8
        return self.fasten()

    def fasten(self) -> cython.int:
        """Note the first frame for which there is enough evidence."""
        if self.anchor < 0 and self.joined >= HEAD:
            self.anchor = self.last
            self.bits = self.joined
        return 0

    def reward(self, short: cython.bint, most: cython.int, begins: cython.longlong) -> cython.bint:
        """Count that the last frame ends where a segment does, `most` bits; say if it counts.

        A length of 7 bits is right by chance in one of 128 cases, one of 16 bits more rarely; full
        segments end everywhere, but one that is not full (`short`) is the end of what was written.
        Headers that repeat themselves meet some end, sooner or later: theirs count where the frame
        is the segment, which begins at `begins`. An unmasked fragment (0, then a length) is what
        other protocols' lengths look like.
        """
        bits: cython.int = 6 if short else 4
        if (self.again and self.last != begins) or (self.head == 0 and not self.masked):
            return False
        if self.second & 127 >= 126:
            bits = 9 if short else 5
        self.score += bits if bits < most else most
        self.rewarded = most >= 1
        self.fasten()
        return True


@cython.cfunc
@cython.exceptval(check=False)
def code_of(header: Header) -> cython.int:
    """Return 16 bits that tell the header just weighed from others, mostly."""
    head: cython.int = header.head << 8
    if header.second & 127 < 126:
        return head | header.second
    return head ^ cython.cast(cython.int, header.length & 0x7FFF)
