"""WebSocket frames that begin and end with DATA of a stream (RFC 8441 §5), whatever is in them.

What a frame carries says nothing here, so runs of one letter do not hurt. Whoever sends a message
hands it to HTTP/2 whole, in one piece or in several: the frame ends where DATA ends. A header whose
length leads there says as much as the length has bits.
"""

from __future__ import annotations

from collections import deque

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
OPCODES = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
FIN, COMPRESSED, RESERVED, MASK = 0x80, 0x40, 0x30, 0x80
KEY = 4
# Lengths that are believed where nothing speaks for a frame yet, and at all.
USUAL, LONGEST = 256 * 1024, 1 << 26
# Bits of evidence of a frame that is all of one DATA, or of several: with a masking key that is
# another one than before, between its length and its payload; without one, where many protocols
# have a type and a length in a byte each; and with a longer length, which stands behind 126 or 127.
MASKED, SHORT, LONG = 12, 4, 16
# What DATA takes away that ends within a header, or within the second of its frames.
ASTRAY = 16
# For both sides: what each has to have, and both together.
EACH_MASKED, EACH_UNMASKED, BOTH = 24, 8, 40
# For one side alone, that masks or not: types and lengths of ASN.1 and MQTT look like a server's
# short frames, but for control frames between them.
ALONE_MASKED, ALONE_UNMASKED, ALONE_LONG = 48, 60, 48
# Beginnings of frames that are remembered.
STARTS = 64


class Alignment:
    """A chain of frames in the DATA of one side of a stream.

    `bits`: how much speaks for it, `long_bits` those of longer lengths; `masks`: whether its
    frames are masked, `kinds` their opcodes; `starts`: offsets in the stream at which the last of
    its frames began.
    """

    __slots__ = (
        "_at",
        "_begun",
        "_ended",
        "_fresh",
        "_head",
        "_key",
        "_left",
        "_started",
        "_weight",
        "bits",
        "kinds",
        "long_bits",
        "masks",
        "starts",
    )

    def __init__(self) -> None:
        self._head = bytearray()
        self._fresh = False
        self.lose()

    def lose(self) -> None:
        """Begin anew with the next DATA: bytes are missing, or what was read is no frame."""
        self.bits = self.long_bits = self._weight = self._left = 0
        self.masks: bool | None = None
        self.kinds: set[int] = set()
        self.starts: deque[int] = deque(maxlen=STARTS)
        self._at = -1
        self._key = b""
        # Whether a message is to be continued; frames that began and ended since DATA last ended
        # with one.
        self._begun = False
        self._started = self._ended = 0
        self._head.clear()

    def data(self, data: bytes | memoryview, offset: int, *, first: bool, last: bool) -> None:
        """Take the next bytes of the side; `first`, `last`: whether DATA begins and ends with them.

        `offset`: where they stand in the stream.
        """
        self._fresh |= first
        if self._fresh and len(data) > 0:
            self._fresh = False
            if self._at < 0:
                self._at = offset
        at = 0
        while self._at >= 0 and at < len(data):
            at = self._read(data, at, offset)
        if last and self._at >= 0:
            self._end()

    def _end(self) -> None:
        """Take the end of DATA into account."""
        if self._head or (self._left and self._ended):
            self.bits = max(self.bits - ASTRAY, 0)
            self._ended = 0
            if not self.bits:
                self.lose()
        elif not self._left:
            if self._started == 1:
                self.bits += self._weight
                self.long_bits += self._weight if self._weight == LONG else 0
            self._started = self._ended = 0

    def _read(self, data: bytes | memoryview, at: int, offset: int) -> int:
        """Read on in a payload or a header; return where that ends in `data`."""
        if self._left:
            step = min(self._left, len(data) - at)
            self._left -= step
            self._ended += not self._left
            return at + step
        if not self._head:
            self._at = offset + at
        self._head.append(data[at])
        if len(self._head) >= 2:
            self._take_header()
        return at + 1

    def _take_header(self) -> None:
        """Take a header, where it is whole; begin anew where it is none."""
        head = self._head
        code = head[1] & 0x7F
        size = {126: 2, 127: 8}.get(code, 0)
        masks = bool(head[1] & MASK)
        if not self._fits(head[0], code, masks):
            self.lose()
            return
        if len(head) < 2 + size + (KEY if masks else 0):
            return
        length = int.from_bytes(head[2 : 2 + size], "big") if size else code
        most = LONGEST if self.bits else USUAL
        if length > most or (size and length < (126 if size == 2 else 65_536)):
            self.lose()
            return
        opcode = head[0] & 0x0F
        if opcode < CLOSE:
            self._begun = not head[0] & FIN
        key = bytes(head[2 + size :])
        self._weight = max(MASKED if masks else SHORT, LONG if size else 0)
        if masks and key == self._key:
            # Runs have the same everywhere.
            self._weight = 0
        self._key = key
        self.masks = masks
        self.kinds.add(opcode)
        self.starts.append(self._at)
        self._left = length
        self._started += 1
        self._ended += not length
        head.clear()

    def _fits(self, first: int, code: int, masks: bool) -> bool:
        """Say whether the first two bytes of a header are those of the next frame."""
        opcode, final = first & 0x0F, bool(first & FIN)
        if opcode not in OPCODES or first & RESERVED or (self.masks not in (None, masks)):
            return False
        if opcode >= CLOSE:
            return final and code < 126 and not first & COMPRESSED and (opcode, code) != (CLOSE, 1)
        if opcode == CONTINUATION:
            return self._begun and not first & COMPRESSED
        return not self._begun

    @property
    def is_enough(self) -> bool:
        """Whether it is WebSocket, whatever the other side says."""
        if self.masks:
            return self.bits >= ALONE_MASKED
        with_control = max(self.kinds, default=0) >= CLOSE > min(self.kinds, default=CLOSE)
        return self.long_bits >= ALONE_LONG or (self.bits >= ALONE_UNMASKED and with_control)


def client_of(sides: tuple[Alignment, Alignment]) -> int:
    """Return which side is the client of a WebSocket connection, -1 where it may be none."""
    one, other = sides
    if not (one.bits and other.bits):
        found = 0 if one.bits else 1
        if not sides[found].is_enough:
            return -1
        return found if sides[found].masks else 1 - found
    if one.masks == other.masks or one.bits + other.bits < BOTH:
        return -1
    client = 0 if one.masks else 1
    is_enough = sides[client].bits >= EACH_MASKED and sides[1 - client].bits >= EACH_UNMASKED
    return client if is_enough else -1
