"""Numbers and vectors read from bytes that may end too soon (RFC 8446 §3)."""

from __future__ import annotations

from collections.abc import Iterator


class MalformedError(Exception):
    """Bytes that are not what they should be; caught where a message is read."""


class Cursor:
    """A place in bytes; each call takes what is next, or raises MalformedError."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    @property
    def left(self) -> int:
        """How many bytes there are still."""
        return len(self.data) - self.at

    def take(self, length: int) -> bytes:
        """Return the next `length` bytes."""
        if length > self.left:
            raise MalformedError(f"{length} bytes announced, {self.left} there")
        start, self.at = self.at, self.at + length
        return self.data[start : self.at]

    def number(self, length: int) -> int:
        """Return an unsigned number of so many bytes."""
        return int.from_bytes(self.take(length), "big")

    def vector(self, length: int) -> bytes:
        """Return a vector whose own length takes `length` bytes."""
        return self.take(self.number(length))

    def numbers(self, length: int) -> tuple[int, ...]:
        """Return the 16-bit numbers of a vector whose own length takes `length` bytes."""
        data = self.vector(length)
        if len(data) % 2:
            raise MalformedError("an odd number of bytes where pairs belong")
        return tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))

    def extensions(self) -> Iterator[tuple[int, bytes]]:
        """Yield the extensions that are left, as (type, data); none where nothing is left."""
        if not self.left:
            return
        inside = Cursor(self.vector(2))
        while inside.left:
            yield inside.number(2), inside.vector(2)
