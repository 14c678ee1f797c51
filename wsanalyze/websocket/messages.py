# cython: language_level=3, wraparound=False, initializedcheck=False
"""The data messages of one side: fragments put together, text checked, content hashed."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from wsanalyze.buffer import Buffer
from wsanalyze.websocket.deflate import Inflater
from wsanalyze.websocket.masking import Scratch
from wsanalyze.websocket.utf8 import Utf8

if TYPE_CHECKING:
    from _hashlib import HASH

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.websocket.masking import PIECE

# Bytes of a payload up to which a copy takes less time than a view.
SMALL = 4096
# The digest of no bytes.
EMPTY = sha256().digest()
_CONTINUATIONS = bytes(range(0x80, 0xC0))


def _last_characters(text: bytes) -> bytes:
    """Return the last four bytes of a text, without the end of a character that began before."""
    return text[len(text) - 4 if len(text) > 4 else 0 :].lstrip(_CONTINUATIONS)


@cython.final
@cython.cclass
class MessageReader:
    """The message that one side is sending, from its first fragment to its last.

    `keep` is how many bytes of each payload are kept (in `kept`), `hashes` whether it is hashed,
    `contents` whether it is looked at all: without, `length` and `utf8_valid` say nothing.
    The payload is never held as a whole.

    - `open`: whether a message has begun and not ended; `opcode`: 1 text, 2 binary
    - `compressed`: whether permessage-deflate applies to it (RFC 7692 §6)
    - `frames`, `wire_length`: fragments so far, and the sum of their payloads
    - `whole`: 0 once bytes of it are known to be missing
    - `wrong`, where `utf8_valid` is 0: up to four bytes before the first that is not UTF-8, from
      a character's first one on, and four from it on, as far as they came in one piece (but a
      character that began in another one is there from its beginning); of a message that ends
      within a character, its last four; `wrong_frame`: the fragment it is in, from 0
    - after `finish`: `length` after decompression (-1 unknown), `utf8_valid` (1, 0, -1 unknown or
      binary), `digest` (32 bytes or None), `complete`
    """

    def __init__(
        self, keep: cython.longlong, hashes: cython.bint, contents: cython.bint = True
    ) -> None:
        self.contents = contents
        self.keep = keep
        self.hashes = hashes
        self.open = self.opcode = self.compressed = self.whole = self.complete = 0
        self.frames = self.wire_length = self.length = 0
        self.utf8_valid = -1
        self.utf8 = Utf8()
        self.hasher: HASH | None = None
        self.digest: bytes | None = None
        self.kept = bytearray()
        self.wrong = b""
        self.wrong_frame = 0
        self.inflater: Inflater | None = None
        self.wanted = 0

    def start(self, opcode: cython.int, compressed: cython.bint) -> cython.int:
        """Begin a message with its first frame's opcode and RSV1."""
        self.open = self.whole = 1
        self.opcode = opcode
        self.compressed = compressed
        self.frames = 0
        self.wire_length = self.length = 0
        if opcode == 1:
            self.utf8.start()
            self.wrong = b""
        if len(self.kept):
            self.kept = bytearray()
        self.hasher = None
        if compressed and self.inflater is not None:
            self.inflater.start()
        self.wanted = self.contents and (opcode == 1 or compressed or self.hashes or self.keep > 0)
        return 0

    def feed(
        self,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        masked: cython.bint,
        key: cython.longlong,
        at: cython.Py_ssize_t,
        scratch: Scratch,
    ) -> cython.int:
        """Take payload bytes `buffer[start:stop]`, at offset `at` (modulo 4) of their frame."""
        size: cython.Py_ssize_t
        bits: cython.int
        self.wire_length += stop - start
        if not self.wanted or not self.whole:
            return 0
        if not masked:
            return self.plain(buffer, start, stop, 128)
        while start < stop:
            size = stop - start if stop - start < PIECE else PIECE
            bits = scratch.unmask(buffer, start, start + size, key, at)
            self.plain(scratch.buffer, 0, size, bits)
            start += size
            at += size
        return 0

    def plain(
        self,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        bits: cython.int,
    ) -> cython.int:
        """Take unmasked bytes; `bits` is the OR of them all, or 128 where nobody looked."""
        inflater = self.inflater
        if self.compressed and inflater is not None:
            for piece in inflater.feed(buffer.copy(start, stop)):
                self.content(Buffer(piece), 0, len(piece), 128)
            return 0
        return self.content(buffer, start, stop, bits)

    def content(
        self,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        bits: cython.int,
    ) -> cython.int:
        """Take bytes of the application's payload."""
        room: cython.longlong
        self.length += stop - start
        if self.opcode == 1:
            if bits < 128 and self.utf8.due == 0:
                self.utf8.length += stop - start
            elif self.utf8.valid:
                self.text(buffer, start, stop)
        if self.hashes:
            self.hash(buffer, start, stop)
        if self.keep:
            room = self.keep - len(self.kept)
            if room > 0:
                self.kept += buffer.copy(start, stop if stop - start < room else start + room)
            elif self.opcode == 2 and not self.hashes and not self.compressed:
                # Nobody asks for the rest: its length is that on the wire.
                self.wanted = 0
        return 0

    def hash(self, buffer: Buffer, start: cython.Py_ssize_t, stop: cython.Py_ssize_t) -> cython.int:
        """Take bytes of the application's payload to hash."""
        # Most messages come in one piece, and a hasher that begins with it saves a call.
        if self.hasher is not None:
            self.hasher.update(buffer.view[start:stop])
        elif stop - start <= SMALL:
            self.hasher = sha256(buffer.copy(start, stop))
        else:
            self.hasher = sha256(buffer.view[start:stop])
        return 0

    def text(self, buffer: Buffer, start: cython.Py_ssize_t, stop: cython.Py_ssize_t) -> cython.int:
        """Check text, and keep the bytes around the first one that is wrong."""
        at: cython.Py_ssize_t = start - self.utf8.length
        # A character may have begun in an earlier piece.
        last = self.wrong if self.utf8.due else b""
        self.utf8.feed(buffer, start, stop)
        if not self.utf8.valid:
            at += self.utf8.wrong_at
            self.wrong_frame = self.frames
            last += buffer.copy(at - 4 if at - 4 > start else start, at)
            self.wrong = _last_characters(last) + buffer.copy(at, at + 4 if at + 4 < stop else stop)
        elif self.utf8.due:
            # The message may end here, within a character, which has four bytes at most.
            last += buffer.copy(stop - 4 if stop - 4 > start else start, stop)
            self.wrong = _last_characters(last)
        return 0

    def miss(self) -> cython.int:
        """Learn that bytes are missing: what follows cannot be told from other content."""
        self.whole = 0
        # Only compressed messages go through the window (RFC 7692 §7.2.2).
        if self.open and self.compressed and self.inflater is not None:
            self.inflater.lose()
        return 0

    def finish(self, complete: cython.bint) -> cython.int:
        """End the message, by its last frame or because no more of it will come."""
        ok: cython.bint = complete and self.whole != 0
        inflater = self.inflater if self.compressed else None
        if inflater is not None:
            if ok:
                for piece in inflater.finish():
                    self.content(Buffer(piece), 0, len(piece), 128)
                ok = not (inflater.broken or inflater.cut)
            else:
                inflater.lose()
        if inflater is not None and (inflater.broken or inflater.cut or not self.whole):
            self.length = -1
        elif not self.wanted or not self.whole:
            self.length = self.wire_length
        self.complete = complete and self.whole and (ok or not self.compressed)
        self.utf8_valid = -1
        if self.opcode == 1 and not (self.compressed and self.length < 0):
            if ok:
                self.wrong_frame = self.frames - 1 if self.utf8.valid else self.wrong_frame
                self.utf8_valid = self.utf8.finish()
            elif not self.utf8.valid:
                self.utf8_valid = 0
        self.digest = None
        if ok and self.hashes and self.wanted:
            self.digest = EMPTY if self.hasher is None else self.hasher.digest()
        self.hasher = None
        self.open = 0
        return 0
