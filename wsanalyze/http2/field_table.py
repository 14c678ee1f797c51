"""The table that field blocks of HTTP/2 refer to: a fixed part, and what was sent (RFC 7541 §2.3).

All blocks of a direction share it: where one is missing, or the beginning was not captured, entries
are unknown. They are named so, and never guessed.
"""

from __future__ import annotations

from collections import deque

from hpack.table import HeaderTable

# Name or value of a field that is a reference to a table entry which the capture does not have.
UNKNOWN = b"(unknown)"

Pair = tuple[bytes, bytes]

STATIC: tuple[Pair, ...] = HeaderTable.STATIC_TABLE
# What an entry costs besides its bytes (§4.1), and the size of a table of which nothing was said.
ENTRY, USUAL = 32, 4096


class FieldTable:
    """The table of one direction, of which the newest entries are kept, `room` bytes of them.

    `most`: how large it is at most, as far as is known. `partial`: whether there may be older
    entries than those that are kept; `overflowed`: because there was no room for them.

    `changes` counts what may have changed an index.

    New entries stand in front of old ones, and old ones leave first (RFC 7541 §2.3.2, §4.4): the
    index of what is known never depends on what is not.
    """

    __slots__ = ("_entries", "_size", "changes", "most", "overflowed", "partial", "room")

    def __init__(self, room: int, most: int = USUAL, *, partial: bool = False) -> None:
        self.room = room
        self.most = most
        self.partial = partial
        self.overflowed = False
        self._entries: deque[Pair] = deque()
        self._size = 0
        self.changes = 0

    @property
    def held(self) -> int:
        """What a table costs beyond the size that everybody has: four times what RFC 7541 says."""
        return 4 * max(self._size - USUAL, 0)

    def entry(self, index: int) -> Pair:
        """Return an entry, UNKNOWN for one that is not there to be seen.

        Raises IndexError where nobody can have it: 0 is no index at all (RFC 7541 §6.1).
        """
        if 0 < index <= len(STATIC):
            return STATIC[index - 1]
        index -= len(STATIC) + 1
        if 0 <= index < len(self._entries):
            return self._entries[index]
        if self.partial and 0 <= index < self.most // ENTRY:
            return UNKNOWN, UNKNOWN
        raise IndexError(index)

    def add(self, pair: Pair) -> None:
        """Put an entry in front; one that is larger than the table empties it (RFC 7541 §4.4)."""
        self._entries.appendleft(pair)
        self._size += len(pair[0]) + len(pair[1]) + ENTRY
        self._evict()

    def resize(self, most: int) -> None:
        """Take another largest size (RFC 7541 §6.3)."""
        self.most = most
        self._evict()

    def _evict(self) -> None:
        self.changes += 1
        if self._size > self.most:
            # What is older than the oldest that is kept, has left before it.
            self.partial = False
        bound = min(self.most, self.room)
        while self._size > bound:
            if self._size <= self.most:
                self.partial = self.overflowed = True
            name, value = self._entries.pop()
            self._size -= len(name) + len(value) + ENTRY
