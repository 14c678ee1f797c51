"""Lines of key logs out of bytes that come in pieces, whatever editor or system wrote them."""

from __future__ import annotations

# More than any line of a key log has; what is longer is cut, and not understood.
LONGEST = 4096

UTF_8 = b"\xef\xbb\xbf"
# What UTF-16 begins with, and which of its two bytes is that of ASCII.
UTF_16 = {b"\xff\xfe": 0, b"\xfe\xff": 1}


class KeyLines:
    """The lines of one source.

    `taken`: bytes of it that belong to lines that were given, `seen` those that were looked at;
    `begun`: what came of a line whose end did not.
    """

    def __init__(self) -> None:
        self.taken = self.seen = 0
        self.begun = b""
        # Whether the line is too long already.
        self._passing_over = False
        # UTF-16: which byte of two counts, and the one whose other half did not come yet.
        self._wide: int | None = None
        self._half = b""
        # The first bytes, while they may be a mark.
        self._mark: bytes | None = b""

    @property
    def passed(self) -> int:
        """Bytes that were looked at since the last line that ended."""
        return self.seen - self.taken

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; return the lines that are whole now, without their ends."""
        self.seen += len(data)
        *ended, begun = (self.begun + self._narrow(data)).split(b"\n")
        if ended:
            self.taken = self.seen - len(self._half) - len(begun) * (1 + (self._wide is not None))
            if self._passing_over:
                # The end of what was cut.
                del ended[0]
                self._passing_over = False
        self.begun = b"" if self._passing_over else begun
        if len(self.begun) > LONGEST:
            ended.append(self.begun)
            self.begun, self._passing_over = b"", True
        return [line if len(line) <= LONGEST else line[:LONGEST] for line in ended]

    def end(self) -> list[bytes]:
        """Return the last line, which has no end; another writer may go on behind it."""
        begun, self.begun, self._passing_over = self.begun, b"", False
        return [begun] if begun else []

    def last(self) -> list[bytes]:
        """Return what came of the last line, where it may be all of it.

        What follows is given once more with its end, but for the beginning and the end of a key.
        Lines within a key have no spaces: of those nobody needs to know before they are whole.
        """
        if self.begun.startswith(b"-----"):
            return self.end() if self.begun.endswith(b"-----") and len(self.begun) > 10 else []
        return [self.begun] if b" " in self.begun else []

    def _narrow(self, data: bytes) -> bytes:
        """Return ASCII: without the mark at the beginning, one byte for two of UTF-16."""
        if self._mark is not None:
            data = self._begin(self._mark + data)
        if self._wide is None:
            return data
        data = self._half + data
        cut = len(data) % 2
        self._half = data[len(data) - cut :]
        data = data[: len(data) - cut]
        low, high = data[self._wide :: 2], data[1 - self._wide :: 2]
        if not any(high):
            return low
        return bytes(one if not other else 0x3F for one, other in zip(low, high, strict=True))

    def _begin(self, data: bytes) -> bytes:
        """Take the first bytes, which may be a mark that says how the rest is encoded."""
        if len(data) < len(UTF_8) and any(mark.startswith(data) for mark in (UTF_8, *UTF_16)):
            self._mark = data
            return b""
        self._mark = None
        if data.startswith(UTF_8):
            return data[len(UTF_8) :]
        self._wide = UTF_16.get(data[:2])
        return data if self._wide is None else data[2:]


def is_text(data: bytes) -> bool:
    """Say whether the beginning of a file may be that of a key log: it has no NUL, or is UTF-16."""
    return data[:2] in UTF_16 or b"\0" not in data
