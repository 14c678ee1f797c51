"""Client randoms of a key log that no connection had yet, in the order of its lines."""

from __future__ import annotations

from collections.abc import Iterator

# How many may have been taken away before those that are left are written anew.
SPARSE = 64


class Unused:
    """Client randoms; walking over them costs what is left of them, not what there was."""

    def __init__(self) -> None:
        self._randoms: dict[bytes, None] = {}
        self._gone = 0

    def __len__(self) -> int:
        return len(self._randoms)

    def __contains__(self, random: bytes) -> bool:
        return random in self._randoms

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._randoms)

    def add(self, random: bytes) -> None:
        """Add one at the end, unless it is there."""
        self._randoms.setdefault(random)

    def discard(self, random: bytes) -> None:
        """Take one away, where it is there."""
        if random not in self._randoms:
            return
        del self._randoms[random]
        self._gone += 1
        # A dict keeps the places of what was deleted, and walks over them.
        if self._gone > SPARSE + len(self._randoms):
            self._randoms, self._gone = dict.fromkeys(list(self._randoms)), 0
