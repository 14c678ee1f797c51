"""How far the body of an HTTP/1 message goes (RFC 9112 §6, §7).

Oddity codes of `body_framing`: `te-and-cl` (§6.1, §6.3 item 3), `te-not-chunked` (item 4),
`te-below-1.1` (§6.1), `bad-content-length`, `unequal-content-lengths`, `repeated-content-length`
(item 5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from wsanalyze.websocket.fields import WHITESPACE, Field, Head, Oddity

# One line of chunk size and extensions, h11 allows 20 hex digits in all, llhttp 16 KiB.
MAX_CHUNK_LINE = 4096

# All trailer lines together: as much as one head.
MAX_TRAILERS = 64 * 1024

# §6.3: a length that does not fit 64 bits is no length that anybody sent.
_LENGTH = re.compile("0*([0-9]{1,18})")
_CHUNK_SIZE = re.compile(rb"0*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00]*)?")


@dataclass(frozen=True, slots=True)
class Framing:
    """Where the body of a message ends.

    `kind` is `none`, `length` (then `length` counts its bytes), `chunked`, `until-close`, or
    `tunnel` (what follows a CONNECT that succeeded is no HTTP). `length` is None for the others.
    """

    kind: str
    length: int | None
    oddities: tuple[Oddity, ...]


def body_framing(request_method: str | None, head: Head) -> Framing:
    """Return how the body behind `head` is framed (RFC 9112 §6.3).

    `request_method` is the method of the request that a response answers (None where it was not
    seen); for a request it is not looked at. Where the fields contradict each other, a response is
    taken to reach to the end of the connection and a request to have no body.
    """
    if head.kind == "response":
        status = head.status or 0
        # Item 1: "cannot contain a message body or trailer section".
        if request_method == "HEAD" or 100 <= status <= 199 or status in (204, 304):
            return Framing("none", None, ())
        # Item 2: "becomes a tunnel immediately after the empty line".
        if request_method == "CONNECT" and 200 <= status <= 299:
            return Framing("tunnel", None, ())
    codings = head.tokens("transfer-encoding")
    if head.count("transfer-encoding"):
        return _transfer_encoding(head, codings)
    if head.count("content-length"):
        return _content_length(head)
    # Items 7 and 8.
    return Framing("none" if head.kind == "request" else "until-close", None, ())


def _transfer_encoding(head: Head, codings: list[str]) -> Framing:
    """Decide the framing of a message with Transfer-Encoding (§6.3 items 3 and 4)."""
    field = head.lines("transfer-encoding")[0]
    oddities = []
    if head.count("content-length"):
        oddities.append(_oddity("te-and-cl", head.lines("content-length")[0]))
    if head.http_version in ("1.0", "0.9"):
        # §6.1: "MUST treat the message as if the framing is faulty".
        oddities.append(_oddity("te-below-1.1", field))
    if codings and codings[-1].lower() == "chunked":
        return Framing("chunked", None, tuple(oddities))
    if head.kind == "request":
        # Item 4: a request whose last coding is not chunked has no length that can be known.
        oddities.append(_oddity("te-not-chunked", field))
        return Framing("none", None, tuple(oddities))
    return Framing("until-close", None, tuple(oddities))


def _content_length(head: Head) -> Framing:
    """Decide the framing of a message with Content-Length alone (§6.3 items 5 and 6)."""
    lines = head.lines("content-length")
    elements = [part.strip(WHITESPACE) for line in lines for part in line.value.split(",")]
    lengths = {int(m.group(1)) if (m := _LENGTH.fullmatch(text)) else -1 for text in elements}
    if len(lengths) == 1 and -1 not in lengths:
        # Item 5: a list of equal values may be taken as that one value.
        again = (_oddity("repeated-content-length", lines[-1]),) if len(elements) > 1 else ()
        return Framing("length", lengths.pop(), again)
    code = "bad-content-length" if -1 in lengths else "unequal-content-lengths"
    kind = "none" if head.kind == "request" else "until-close"
    return Framing(kind, None, (_oddity(code, lines[0]),))


def _oddity(code: str, field: Field) -> Oddity:
    return Oddity(code, field.offset, f"{field.name}: {field.value}".encode("latin-1", "replace"))


class ChunkedReader:
    """Follows a chunked body (RFC 9112 §7.1) to its end without keeping any of it.

    `done` says that the body has ended. `broken` is None, or why the body cannot be followed any
    further: `bad-chunk-size`, `bad-chunk-end`, `chunk-line-too-long`, `trailers-too-long`.
    `remaining` is how many bytes from here are chunk data, which need not be looked at: they may
    be fed, or passed over with `skip`. `bare_lf` counts lines that ended without CR.
    """

    __slots__ = ("_line", "_state", "_trailers", "bare_lf", "broken", "done", "remaining")

    def __init__(self) -> None:
        """Begin in front of the first chunk size."""
        self.done = False
        self.broken: str | None = None
        self.remaining = 0
        self.bare_lf = 0
        self._state = "size"
        self._line = bytearray()
        self._trailers = 0

    def feed(self, data: bytes | bytearray | memoryview, start: int, stop: int) -> int:
        """Go through the bytes [start, stop); return where the body ended or broke, else `stop`.

        After `done` or `broken`, `start` comes back: nothing of it belongs to the body.
        """
        position = start
        while position < stop and not self.done and self.broken is None:
            if self.remaining:
                taken = min(self.remaining, stop - position)
                self.remaining -= taken
                position += taken
            else:
                position = self._take_line(data, position, stop)
        return position

    def skip(self, length: int) -> int:
        """Pass over up to `length` bytes of chunk data unseen; return how many those were."""
        taken = max(0, min(self.remaining, length))
        self.remaining -= taken
        return taken

    def _take_line(self, data: bytes | bytearray | memoryview, start: int, stop: int) -> int:
        """Take what [start, stop) has of the current line, and act on the line once it is whole."""
        window = min(stop, start + MAX_CHUNK_LINE)
        if isinstance(data, memoryview):
            found = bytes(data[start:window]).find(b"\n")
            end = start + found if found >= 0 else -1
        else:
            end = data.find(b"\n", start, window)
        taken = window if end < 0 else end + 1
        self._line += data[start:taken]
        if len(self._line) > MAX_CHUNK_LINE:
            self.broken = "chunk-line-too-long"
        elif self._state == "end" and not b"\r\n".startswith(self._line) and self._line != b"\n":
            self.broken = "bad-chunk-end"
            return start
        elif end >= 0:
            line = bytes(self._line)
            self._line.clear()
            self._whole_line(line)
        return taken

    def _whole_line(self, line: bytes) -> None:
        """Act on one line, its LF included."""
        if not line.endswith(b"\r\n"):
            self.bare_lf += 1
        text = line.rstrip(b"\r\n")
        if self._state == "end":
            self._state = "size"
        elif self._state == "size":
            match = _CHUNK_SIZE.fullmatch(text)
            if match is None:
                self.broken = "bad-chunk-size"
                return
            self.remaining = int(match.group(1), 16)
            self._state = "end" if self.remaining else "trailers"
        elif not text:
            self.done = True
        else:
            self._trailers += len(line)
            if self._trailers > MAX_TRAILERS:
                self.broken = "trailers-too-long"
