# cython: language_level=3, wraparound=False, initializedcheck=False
"""Is a text message valid UTF-8? Asked piece by piece, without keeping the text."""

from __future__ import annotations

from wsanalyze.buffer import Buffer

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.loads import word

# What is set in none of eight ASCII characters. Named: as a literal it would be a Python object.
HIGH = 0x8080808080808080


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def character(
    source: cython.p_const_uchar, at: cython.Py_ssize_t, stop: cython.Py_ssize_t
) -> cython.int:
    """Return the length of the character of several bytes at `at`, 0 where it is not one."""
    lead: cython.int = source[at]
    second: cython.int
    if at + 1 >= stop:
        return 0
    second = source[at + 1]
    if lead <= 0xDF:
        return 2 if lead >= 0xC2 and second & 0xC0 == 0x80 else 0
    if at + 2 >= stop or second & 0xC0 != 0x80 or source[at + 2] & 0xC0 != 0x80:
        return 0
    if lead <= 0xEF:
        if (lead == 0xE0 and second < 0xA0) or (lead == 0xED and second > 0x9F):
            return 0
        return 3
    if at + 3 >= stop or source[at + 3] & 0xC0 != 0x80 or lead > 0xF4:
        return 0
    if (lead == 0xF0 and second < 0x90) or (lead == 0xF4 and second > 0x8F):
        return 0
    return 4


@cython.final
@cython.cclass
class Utf8:
    """The state between two pieces: how many continuation bytes are due, and within what bounds.

    Overlong forms, surrogates and numbers above U+10FFFF are told by the bounds of the first
    continuation byte. Source: RFC 3629 §3 and §4; RFC 6455 §8.1.

    `valid` turns 0 at the first wrong byte, whose offset in the message is `wrong_at`.
    """

    def __init__(self) -> None:
        self.start()

    def start(self) -> cython.int:
        """Begin a new message."""
        self.valid = True
        self.due = 0
        self.lowest = 0x80
        self.highest = 0xBF
        self.length = 0
        self.wrong_at = -1
        return 0

    def feed(self, buffer: Buffer, start: cython.Py_ssize_t, stop: cython.Py_ssize_t) -> cython.int:
        """Read the next piece, `buffer[start:stop]`."""
        at: cython.Py_ssize_t = start
        # The one check that stands for the unchecked loops of `plain`.
        if start < 0 or stop > len(buffer.view):
            raise IndexError("the piece lies outside its buffer")
        while at < stop and self.valid:
            if self.due == 0:
                at = self.plain(buffer, at, stop)
                if at == stop:
                    break
                self.due = self.lead(buffer.view[at])
                self.valid = self.due > 0
            else:
                self.valid = self.lowest <= buffer.view[at] <= self.highest
                self.lowest = 0x80
                self.highest = 0xBF
                self.due -= 1
            at += 1
        if not self.valid and self.wrong_at < 0:
            self.wrong_at = self.length + (at - start) - 1
        self.length += stop - start
        return 0

    @cython.boundscheck(False)
    def plain(
        self, buffer: Buffer, at: cython.Py_ssize_t, stop: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        """Pass over whole characters; return where something is wrong, or not whole, or `stop`.

        What is left goes byte by byte. Uncompiled, nothing is passed over but ASCII.
        """
        source: cython.p_const_uchar
        size: cython.int
        if not cython.compiled:
            while at < stop and buffer.view[at] < 128:
                at += 1
            return at
        source = cython.address(buffer.view[0])
        while at < stop:
            while at + 8 <= stop and word(buffer, at) & HIGH == 0:
                at += 8
            while at < stop and source[at] < 128:
                at += 1
            while at < stop and source[at] >= 128:
                size = character(source, at, stop)
                if size == 0:
                    return at
                at += size
        return at

    def lead(self, byte: cython.int) -> cython.int:
        """Begin a character of several bytes; return how many are due, -1 where none may be."""
        if 0xC2 <= byte <= 0xDF:
            return 1
        if 0xE0 <= byte <= 0xEF:
            if byte == 0xE0:
                self.lowest = 0xA0
            elif byte == 0xED:
                self.highest = 0x9F
            return 2
        if 0xF0 <= byte <= 0xF4:
            if byte == 0xF0:
                self.lowest = 0x90
            elif byte == 0xF4:
                self.highest = 0x8F
            return 3
        return -1

    def whole(
        self, buffer: Buffer, start: cython.Py_ssize_t, stop: cython.Py_ssize_t
    ) -> cython.bint:
        """Say whether `buffer[start:stop]` is a valid text as it stands."""
        self.start()
        self.feed(buffer, start, stop)
        return self.finish()

    def finish(self) -> cython.bint:
        """Say whether the whole message was valid: no character may be left unfinished."""
        if self.valid and self.due:
            self.valid = False
            self.wrong_at = self.length
        return self.valid


def is_utf8(payload: bytes) -> bool:
    """Say whether `payload` is valid UTF-8, as RFC 6455 §8.1 asks of a whole text message."""
    checker = Utf8()
    checker.feed(Buffer(payload), 0, len(payload))
    return bool(checker.finish())
