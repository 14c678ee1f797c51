"""Field blocks of HTTP/2, decoded (RFC 7541), and the heads that they are (RFC 9113 §8.3).

The decoder's table is shared by all blocks of a direction: where one is missing, or the beginning
was not captured, entries are unknown. They are named so, and never guessed.
"""

from __future__ import annotations

from hpack import Decoder
from hpack.exceptions import HPACKError, InvalidTableIndex, OversizedHeaderListError
from hpack.table import HeaderTable

from wsanalyze.websocket.fields import Field, Head, Oddity

# Name or value of a field that is a reference to a table entry which the capture does not have.
UNKNOWN = b"(unknown)"

Fields = list[tuple[bytes, bytes]]


class PartialTable(HeaderTable):
    """The decoder's table of a direction: `partial` where older entries may be there unseen.

    New entries stand in front of old ones and old ones leave first (RFC 7541 §2.3.2, §4.4), so that
    the index of what is known never depends on what is not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.partial = False

    @property
    def held(self) -> int:
        """What a table costs beyond the size that everybody has: four times what RFC 7541 says."""
        return 4 * max(self._current_size - self.DEFAULT_SIZE, 0)

    def get_by_index(self, index: int) -> tuple[bytes, bytes]:
        """Return an entry, UNKNOWN for one that was never seen."""
        try:
            name, value = super().get_by_index(index)
        except InvalidTableIndex:
            # An entry is 32 bytes at least (RFC 7541 §4.1); 0 is no index at all (§6.1).
            if not self.partial or not 0 < index <= 61 + self.maxsize // 32:
                raise
            return UNKNOWN, UNKNOWN
        return name, value


class FieldDecoder:
    """Decodes the field blocks of one direction, in order.

    `limit` bounds the size of a list of fields (RFC 9113 §6.5.2), and of the table. `problem` says
    what was wrong with the last block: `bomb` (a list over the limit), `broken`, or nothing.
    """

    def __init__(self, limit: int) -> None:
        self.problem = ""
        self._limit = limit
        self._start()

    def _start(self) -> None:
        self._table = PartialTable()
        self._decoder = Decoder(max_header_list_size=self._limit)
        self._decoder.header_table = self._table
        # How large a table the other end allows is not known where its SETTINGS are not.
        self._decoder.max_allowed_table_size = max(self._limit, HeaderTable.DEFAULT_SIZE)

    @property
    def held(self) -> int:
        """Bytes that the table holds beyond the usual size; of 2,000 small entries some 250 kB."""
        return self._table.held

    @property
    def partial(self) -> bool:
        """Whether entries may be unknown."""
        return self._table.partial

    def lose(self) -> None:
        """Forget the table: a block is missing, and what it added."""
        self._start()
        self._table.maxsize = self._decoder.max_allowed_table_size
        self._table.partial = True

    def decode(self, block: bytes) -> Fields | None:
        """Return the fields of a block, None where it cannot be decoded (see `problem`)."""
        self.problem = ""
        try:
            found = self._decoder.decode(block, raw=True)
        except OversizedHeaderListError:
            self.problem = "bomb"
        except (HPACKError, ValueError, IndexError):
            self.problem = "broken"
        else:
            return [(bytes(name), bytes(value)) for name, value in found]
        # What the rest of the block would have added is not known.
        self.lose()
        return None


def head_of(fields: Fields, kind: str, version: str = "2") -> Head:
    """Return the head of a request or response, its pseudo-header fields among the fields.

    `raw` is what the same fields would be as lines of HTTP/1: HTTP/2 has no start line.
    """
    lines = []
    oddities = []
    raw = bytearray()
    for position, (name, value) in enumerate(fields):
        line = name + b": " + value
        text = (name.decode("latin-1"), value.decode("latin-1").strip(" \t"))
        lines.append(Field(*text, position, len(raw), len(line)))
        if UNKNOWN in (name, value):
            oddities.append(Oddity("unknown-entry", len(raw), b""))
        raw += line + b"\r\n"
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
