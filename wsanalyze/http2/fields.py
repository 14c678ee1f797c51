"""Field blocks of HTTP/2, decoded (RFC 7541), and the heads that they are (RFC 9113 §8.3).

The static table and the Huffman code are the package hpack's. Its decoder is not used: it takes ten
times as long for a field, and a stranger's capture has one in each byte.
"""

from __future__ import annotations

from hpack.exceptions import HPACKDecodingError
from hpack.huffman_table import decode_huffman

from wsanalyze.http2.field_table import ENTRY, UNKNOWN, USUAL, FieldTable, Pair
from wsanalyze.websocket.fields import Field, Head, Oddity

Fields = list[Pair]

# Fields of one list that are read: servers take 100 to 250 (Envoy, Apache: 100, Node 128), and a
# byte names one of them, which costs a hundred.
MOST_FIELDS = 512
# Blocks that are kept to know them again, and how long they are: some 15 kB at most, of requests
# that name what the table has. Floods repeat one, and so does who asks again and again.
KEPT_BLOCKS, SHORT_BLOCK = 32, 32
# The largest number of a prefix and what follows: lengths and indices are none of them longer.
LARGEST = 1 << 32


class FieldDecoder:
    """Decodes the field blocks of one direction, in order.

    `limit` bounds the size of a list of fields (RFC 9113 §6.5.2), MOST_FIELDS their number, `room`
    what is kept of the table. `problem` says what was wrong with the last block: `bomb` (a list
    over one of those), `broken`, or nothing.
    """

    def __init__(self, limit: int, room: int) -> None:
        self.problem = ""
        self._limit = limit
        self._room = room
        # How large a table the other end allows is not known where its SETTINGS are not.
        self._allowed = max(limit, USUAL)
        self._table = FieldTable(room)
        # Blocks by their bytes, and of which state of the table they are.
        self._seen: dict[bytes, Fields] = {}
        self._seen_at = 0

    @property
    def held(self) -> int:
        """Bytes that the table holds beyond the usual size; of 2,000 small entries some 250 kB."""
        return self._table.held

    @property
    def partial(self) -> bool:
        """Whether entries may be unknown."""
        return self._table.partial

    @property
    def overflowed(self) -> bool:
        """Whether they are for want of room."""
        return self._table.overflowed

    def seen(self, block: bytes) -> Fields | None:
        """Return the fields of a block that was decoded before, if it says the same again."""
        if self._seen_at != self._table.changes:
            return None
        return self._seen.get(block)

    def _see(self, block: bytes, fields: Fields) -> None:
        """Keep what a block says until the table changes."""
        if self._seen_at != self._table.changes or len(self._seen) >= KEPT_BLOCKS:
            self._seen, self._seen_at = {}, self._table.changes
        self._seen[block] = fields

    def allow(self, size: int) -> None:
        """Let the table be so large: the other end said so (SETTINGS_HEADER_TABLE_SIZE)."""
        self._allowed = max(self._allowed, size)

    def lose(self) -> None:
        """Forget the table: a block is missing, and what it added."""
        self._table = FieldTable(self._room, self._allowed, partial=True)
        self._seen = {}

    def begin(self) -> None:
        """Begin with an empty table: no block was sent before the next."""
        self._table = FieldTable(self._room)
        self._seen = {}

    def decode(self, block: bytes) -> Fields | None:
        """Return the fields of a block, None where it cannot be decoded (see `problem`)."""
        self.problem = ""
        table, changes = self._table, self._table.changes
        try:
            found = self._read(block)
        except OverflowError:
            self.problem = "bomb"
        except (HPACKDecodingError, IndexError, ValueError):
            self.problem = "broken"
        else:
            if len(block) <= SHORT_BLOCK and table.changes == changes:
                self._see(block, found)
            return found
        # What the rest of the block would have added is not known.
        self.lose()
        return None

    def _read(self, block: bytes) -> Fields:
        """Read one field after the other (RFC 7541 §6).

        Raises IndexError, ValueError or HPACKDecodingError for what is none, OverflowError for a
        list that is over the limit.
        """
        table = self._table
        found: Fields = []
        at, size, stop, most = 0, 0, len(block), self._limit
        while at < stop:
            octet = block[at]
            if octet & 0x80:
                if octet == 0xFF:
                    index, at = _number(block, at, 0x7F)
                else:
                    index, at = octet & 0x7F, at + 1
                pair = table.entry(index)
            elif octet & 0xE0 == 0x20:
                if found:
                    # It stands at the beginning of a block (§4.2).
                    raise ValueError
                largest, at = _number(block, at, 0x1F)
                if largest > self._allowed:
                    raise ValueError
                table.resize(largest)
                continue
            else:
                index, at = _number(block, at, 0x3F if octet & 0x40 else 0x0F)
                if index:
                    name = table.entry(index)[0]
                else:
                    name, at = _string(block, at)
                value, at = _string(block, at)
                pair = name, value
                if octet & 0x40:
                    table.add(pair)
            size += len(pair[0]) + len(pair[1]) + ENTRY
            if size > most or len(found) == MOST_FIELDS:
                raise OverflowError
            found.append(pair)
        return found


def _number(block: bytes, at: int, mask: int) -> tuple[int, int]:
    """Return a number behind a prefix, and where it ends (RFC 7541 §5.1)."""
    number = block[at] & mask
    at += 1
    if number < mask:
        return number, at
    shift = 0
    while True:
        octet = block[at]
        at += 1
        number += (octet & 0x7F) << shift
        shift += 7
        if not octet & 0x80:
            return number, at
        if number > LARGEST or shift > 63:
            raise ValueError


def _string(block: bytes, at: int) -> tuple[bytes, int]:
    """Return a string, and where it ends (RFC 7541 §5.2)."""
    huffman = block[at] & 0x80
    length, begin = _number(block, at, 0x7F)
    stop = begin + length
    if stop > len(block):
        raise IndexError
    data = block[begin:stop]
    return (decode_huffman(data) if huffman else data), stop


def head_of(fields: Fields, kind: str, version: str = "2") -> Head:
    """Return the head of a request or response, its pseudo-header fields among the fields.

    `raw` is what the same fields would be as lines of HTTP/1: HTTP/2 has no start line.
    """
    lines = []
    oddities = []
    raw = bytearray()
    # A byte names an entry once more, thousands of times where somebody floods: its text is shared.
    told: dict[Pair, tuple[str, str, bytes]] = {}
    for position, pair in enumerate(fields):
        known = told.get(pair)
        if known is None:
            name, value = pair
            known = told[pair] = (
                name.decode("latin-1"),
                value.decode("latin-1").strip(" \t"),
                name + b": " + value + b"\r\n",
            )
        line = known[2]
        lines.append(Field(known[0], known[1], position, len(raw), len(line) - 2))
        if UNKNOWN in pair:
            oddities.append(Oddity("unknown-entry", len(raw), b""))
        raw += line
    first = dict(reversed(fields))

    def text_of(name: bytes) -> str | None:
        value = first.get(name)
        return None if value is None or value == UNKNOWN else value.decode("latin-1")

    status = text_of(b":status") or ""
    number = int(status) if len(status) == 3 and status.isascii() and status.isdigit() else None
    method, target = text_of(b":method"), text_of(b":path")
    return Head(
        kind, method, target, version, number, None, tuple(lines), tuple(oddities[:100]), bytes(raw)
    )
