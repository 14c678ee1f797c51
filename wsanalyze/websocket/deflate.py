"""permessage-deflate (RFC 7692): the messages of one side, decompressed one after another."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from wsanalyze.websocket.distances import Reach

# Every compressed message had these four bytes taken from its end (RFC 7692 §7.2.1).
TAIL = b"\x00\x00\xff\xff"
# An empty stored block, the last one (RFC 1951 §3.2.4).
LAST_BLOCK = b"\x01\x00\x00\xff\xff"
# The longest window there is: a smaller agreed one refers to a part of it.
WINDOW = 32768
# Output is handed on in pieces of this many bytes.
PIECE = 65536
# Below this output the ratio says nothing: a megabyte of spaces is somebody's log file.
RATIO_FROM = 16 * 1024 * 1024
# Blocks with BFINAL in one message. Senders that use them set one per message or fragment; each
# costs a new zlib stream here.
MOST_FINAL_BLOCKS = 4096
# What zlib says of a reference to what is not in the window.
TOO_FAR = "invalid distance too far back"

# Compressed bytes of one message that are kept to see what it refers to.
WATCHED = 1024 * 1024

# What zlib keeps of one stream: its tables and the longest window.
DECODER = 40 * 1024


def _said(error: zlib.error) -> str:
    """Return what zlib found wrong, without the words that are in every error."""
    return str(error).rpartition(": ")[2]


class Memory:
    """What all decoders together keep between their messages, in bytes, and how much they may."""

    __slots__ = ("held", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0


class Inflater:
    """Decompresses the messages of one side, keeping the window between them where agreed.

    Where a message cannot be decompressed (`broken`), or bytes of one are missing, the window is
    lost: the next message is tried with an empty one. A reference to what is not in the window is
    an error in zlib, so that a message which comes through is right, whatever came before.

    `resumed` is True of the first one that comes through behind some that did not.

    `limit` bounds the output of one message, `ratio` output bytes per input byte over all messages
    (checked above 16 MiB of output); beyond them `cut` names the limit, and the rest of the
    message is not decompressed.

    Without `takeover`, a message of up to WATCHED bytes that refers to those before it all the same
    is decompressed, and `reached` says so. With `watched`, what a sender can break of the agreement
    is found out to the byte, which takes three times as long as decompressing: with `window_bits`
    below 15 `distance` is how far back a message refers beyond that window, and without `takeover`
    `reached` how far it refers into messages before it (0: it does not).

    `memory` is shared by many: where it is used up, messages that would need a decoder more are
    `cut` by the limit `windows`. `close` gives back what this one took.

    With `proven`, compression was not agreed on as far as is known: a message is `broken` as well
    where its data does not end at the end of a block, as RFC 7692 §7.2.1 makes all messages end.
    Bytes that were never compressed do not get that far.
    """

    __slots__ = (
        "_decoder",
        "_failed",
        "_fresh",
        "_held",
        "_input",
        "_window",
        "broken",
        "cut",
        "distance",
        "final_blocks",
        "input_length",
        "is_watched",
        "keeps",
        "limit",
        "memory",
        "output_length",
        "problem",
        "proven",
        "ratio",
        "reached",
        "resumed",
        "takeover",
        "total_input",
        "total_output",
        "window_bits",
    )

    def __init__(
        self,
        *,
        takeover: bool,
        limit: int,
        ratio: int,
        memory: Memory | None = None,
        proven: bool = False,
        window_bits: int = 15,
        watched: bool = False,
    ) -> None:
        self.memory = memory
        self.window_bits = window_bits
        self.is_watched = watched and not proven and (window_bits < 15 or not takeover)
        self.keeps = self.is_watched or not (takeover or proven)
        self._held = 0
        self.takeover = takeover
        self.proven = proven
        self.limit = limit
        self.ratio = ratio
        self.total_input = 0
        self.total_output = 0
        self._failed = False
        self._forget()
        self._begin()

    def _forget(self) -> None:
        self._window = b""
        self._renew()

    def _renew(self) -> None:
        """Begin with an empty window; keep what was sent before where somebody may refer to it."""
        # At most half of the memory is for messages that refer to what they must not.
        if not self.keeps or self._is_short():
            self._window = b""
        self._decoder: zlib._Decompress | None = None
        self._fresh = True
        self._input: bytearray | None = None
        self._hold()

    def close(self) -> None:
        """Forget everything: no message will come."""
        self._forget()

    def _hold(self) -> None:
        """Count what is kept now."""
        memory = self.memory
        if memory is None:
            return
        size = len(self._window)
        if self._decoder is not None:
            size += DECODER
        if self._input is not None:
            size += len(self._input)
        memory.held += size - self._held
        self._held = size

    def _opened(self) -> zlib._Decompress | None:
        """Return the decoder, a new one where there is none; None where memory is used up."""
        if self._decoder is None:
            memory = self.memory
            if memory is not None and memory.held + DECODER > memory.limit:
                self._spare()
                if memory.held + DECODER > memory.limit:
                    self.cut = "windows"
                    return None
            self._decoder = zlib.decompressobj(-15)
            self._hold()
        return self._decoder

    def _is_short(self) -> bool:
        """Say whether more than half of the memory is in use, with the window of this one."""
        memory = self.memory
        if memory is None:
            return False
        return 2 * (memory.held - self._held + len(self._window)) > memory.limit

    def _spare(self) -> None:
        """Give back what is kept only for messages that refer to what they must not."""
        self._input = None
        if not self.takeover:
            self._window = b""
        self._hold()

    def _begin(self) -> None:
        self.final_blocks = 0
        self.broken = False
        self.problem = ""
        self.resumed = False
        self.distance = self.reached = 0
        self._input = bytearray() if self.keeps else None
        self.cut = ""
        self.input_length = 0
        self.output_length = 0

    def start(self) -> None:
        """Begin a message."""
        if self.broken or self.cut:
            self._forget()
        elif not (self.takeover or self._fresh):
            self._renew()
        self._begin()

    def lose(self) -> None:
        """Learn that bytes of this side are missing: nothing earlier can be referred to."""
        self._forget()
        self.broken = True

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the next payload bytes of the message decompress to, in pieces."""
        self._fresh = False
        self.input_length += len(data)
        self.total_input += len(data)
        if self._input is not None:
            self._watch(data)
        decoder = self._opened() if data else None
        while decoder is not None and data and not self.broken and not self.cut:
            try:
                piece = decoder.decompress(data, PIECE)
            except zlib.error as error:
                yield from self._refused(_said(error))
                return
            data = decoder.unconsumed_tail
            if piece:
                yield from self._account(piece)
            if decoder.eof:
                data = decoder.unused_data
                decoder = self._next_stream()
            elif not data:
                # What zlib holds back because PIECE was full comes with no further input.
                data = b""
                if len(piece) < PIECE:
                    return
                yield from self._held_back(decoder)

    def finish(self) -> Iterator[bytes]:
        """Yield what is left of the message, giving back the four bytes taken from its end."""
        yield from self.feed(TAIL)
        self.input_length -= len(TAIL)
        if self.proven and not self.broken and not self._at_block_end():
            self.broken = True
        if self._input is not None and not self.broken:
            if self.is_watched:
                self._judge(bytes(self._input))
            self._input = None
            self._hold()
        if self.problem:
            self._failed = True
        elif self._failed and not self.broken and not self.cut:
            self._failed = False
            self.resumed = True
        if not self.takeover:
            self._renew()

    def _watch(self, data: bytes) -> None:
        """Keep a message's data, unless it is too much."""
        memory = self.memory
        full = memory is not None and memory.held + len(data) > memory.limit
        if self._input is not None and not full and len(self._input) + len(data) <= WATCHED:
            self._input += data
        else:
            self._input = None
        self._hold()

    def _judge(self, data: bytes) -> None:
        """Find out whether a whole message refers to what it must not."""
        reach = Reach(data)
        if reach.broken:
            return
        if not self.takeover:
            self.reached = reach.beyond
        if reach.largest > 1 << self.window_bits:
            self.distance = reach.largest

    def _refused(self, problem: str) -> Iterator[bytes]:
        """Go on where zlib refused a message: with the window that it must not use, or not at all.

        Yields what that gives beyond the output so far, never more than a piece at once.
        """
        before = self._window[: max(len(self._window) - self.output_length, 0)]
        may_try = not self.takeover and not self.reached and bool(before) and TOO_FAR in problem
        if not may_try or self._input is None:
            self.broken = True
            self.problem = problem
            return
        self.reached = 1
        self.final_blocks = 0
        self._decoder = decoder = zlib.decompressobj(-15, zdict=before)
        data = bytes(self._input)
        known = self.output_length
        while not self.broken and not self.cut:
            try:
                piece = decoder.decompress(data, PIECE)
            except zlib.error:
                self.broken = True
                self.problem = problem
                return
            data = decoder.unconsumed_tail
            if len(piece) > known:
                yield from self._account(piece[known:])
            known = max(known - len(piece), 0)
            if decoder.eof:
                data = decoder.unused_data
                decoder = self._next_stream()
            elif len(piece) < PIECE:
                return

    def _at_block_end(self) -> bool:
        """Say whether a block could begin here: an empty last one ends the stream at once."""
        if self._decoder is None:
            return False
        decoder = self._decoder.copy()
        try:
            return decoder.decompress(LAST_BLOCK) == b"" and decoder.eof
        except zlib.error:
            return False

    def _held_back(self, decoder: zlib._Decompress) -> Iterator[bytes]:
        while not self.broken and not self.cut:
            try:
                piece = decoder.decompress(b"", PIECE)
            except zlib.error as error:
                self.broken = True
                self.problem = _said(error)
                return
            if not piece:
                return
            yield from self._account(piece)

    def _account(self, piece: bytes) -> Iterator[bytes]:
        self.output_length += len(piece)
        self.total_output += len(piece)
        if self.takeover or self.keeps:
            self._window = (
                (self._window + piece)[-WINDOW:] if len(piece) < WINDOW else piece[-WINDOW:]
            )
            self._hold()
        if self.output_length > self.limit:
            self.cut = "message"
            return
        most = self.ratio * max(self.total_input, 1)
        if self.total_output > RATIO_FROM and self.total_output > most:
            self.cut = "inflate_ratio"
            return
        yield piece

    def _next_stream(self) -> zlib._Decompress:
        """Go on behind a block with BFINAL set (RFC 7692 §7.2.3.4), which ends zlib's stream."""
        self.final_blocks += 1
        if self.final_blocks > MOST_FINAL_BLOCKS:
            self.cut = "message"
        window = self._window if self.takeover else b""
        decoder = zlib.decompressobj(-15, zdict=window) if window else zlib.decompressobj(-15)
        self._decoder = decoder
        return decoder
