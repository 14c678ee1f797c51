"""A lenient reader of HTTP/1 heads: it refuses nothing, and says what is wrong (RFC 9112).

h11 and httptools refuse exactly what an auditor wants to be told. Here every head is read, as it
was sent, and each departure from the grammar is an `Oddity`. Codes:

leading-blank-line   empty line before the start line (§2.2)
bad-start-line       not `method SP target SP version`, not `version SP 3DIGIT SP [reason]` (§3, §4)
leading-whitespace   whitespace between the start line and the first field (§2.2)
bare-lf, bare-cr     LF without CR, CR without LF (§2.2)
obs-fold             a field value that goes on in the next line (§5.2)
no-colon             a line that is no field (§5)
empty-name           nothing before the colon (§5)
bad-name             a field name that is no token (§5, RFC 9110 §5.1)
space-before-colon   whitespace between name and colon (§5.1)
nul, control         NUL and other control characters (RFC 9110 §5.5)
incomplete           the blank line at the end is missing (§2.1)
more-oddities        further ones were left out, from here
"""

from __future__ import annotations

import re
from functools import lru_cache

from wsanalyze.websocket.fields import TCHAR, WHITESPACE, Field, Head, Oddity, is_token

__all__ = ["Field", "Head", "Oddity", "head_end", "mentions_websocket", "read_head"]

# Oddities kept of one head: enough to see the pattern; a head made of a limit's worth of bare LF
# would otherwise cost a hundred times its own size.
MAX_ODDITIES = 100

# Evidence bytes kept with one oddity.
MAX_EVIDENCE = 80

# A blank line ends a head only behind a line that is not blank: empty lines before the start line
# are skipped (RFC 9112 §2.2).
_END = re.compile(rb"(?:[^\r\n]|[^\n]\r)\n\r?\n")
_LEADING_BLANK = re.compile(rb"(?:\r?\n)+")

_REQUEST_LINE = re.compile(f"([{TCHAR}]+) ([!-~]+) HTTP/([0-9]\\.[0-9])\r\n")
_STATUS_LINE = re.compile("HTTP/([0-9]\\.[0-9]) ([0-9]{3}) ([\t -~\x80-\xff]*)\r\n")
_STATUS = re.compile("[0-9]{3}")
_HTTP_VERSION = re.compile("HTTP/([0-9]\\.[0-9])")

# One field line without any fault, without its line end.
_FIELD_LINE = re.compile(f"([{TCHAR}]++):[ \t]*+([\t -~\x80-\xff]*+)")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")

# §3: a lenient recipient may split a start line at SP, HTAB, VT, FF and bare CR.
_GAPS = " \t\x0b\x0c\r"
_WORD = re.compile(f"[^{_GAPS}]+")

# A head has a dozen fields, a capture many heads, and most of their lines are the same: of lines up
# to so many characters the latest are remembered, so that those of many heads are one in memory.
SHORT, LINES, LONG_NAME = 256, 4096, 64

_StartLine = tuple[str, str | None, str | None, str | None, int | None, str | None]


def head_end(data: bytes | bytearray, searched: int = 0) -> int:
    """Return the offset just behind the blank line that ends the head in `data`, or -1.

    `searched` is how many bytes an earlier call has looked at in vain; with it, a head that comes
    byte by byte costs one look per byte. Line ends may be CRLF, LF or mixed (RFC 9112 §2.2).
    """
    if data[:1] in (b"\r", b"\n"):
        match = _END.search(data, max(0, searched - 4))
        return match.end() if match else -1
    start = max(0, searched - 2)
    crlf = data.find(b"\n\r\n", start)
    lf = data.find(b"\n\n", start, crlf + 1 if crlf >= 0 else len(data))
    if lf >= 0:
        return lf + 2
    return crlf + 3 if crlf >= 0 else -1


def mentions_websocket(data: bytes | bytearray) -> bool:
    """Tell whether a head can have to do with WebSocket at all, without reading it.

    Every `Upgrade: websocket` and every `Sec-WebSocket-*` field has the word in it.
    """
    return b"websocket" in data.lower()


def read_head(data: bytes | bytearray) -> Head:
    """Read one head, up to and including its blank line, whatever it looks like.

    `data` begins where the message begins; bytes behind the blank line are not looked at. Nothing
    is raised: bytes that are no head give a request without fields and with oddities.
    """
    raw = bytes(data)
    return _HeadReader(raw).read()


class _HeadReader:
    """Reads one head line by line; the state is the position and what was found so far."""

    __slots__ = ("fields", "left_out", "oddities", "position", "raw", "text")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.text = raw.decode("latin-1")
        self.position = 0
        self.fields: list[Field] = []
        self.oddities: list[Oddity] = []
        self.left_out = False

    def read(self) -> Head:
        """Return the head."""
        if self.raw[:1] in (b"\r", b"\n"):
            blank = _LEADING_BLANK.match(self.raw)
            if blank is not None:
                self.odd("leading-blank-line", 0, blank.end())
                self.position = blank.end()
        start_line = self.start_line()
        self.field_lines()
        oddities = tuple(sorted(self.oddities, key=_offset)) if self.oddities else ()
        return Head(*start_line, tuple(self.fields), oddities, self.raw[: self.position])

    def start_line(self) -> _StartLine:
        """Read the start line: kind, method, target, version, status, reason."""
        match = _REQUEST_LINE.match(self.text, self.position)
        if match is not None:
            self.position = match.end()
            method, target, version = match.groups()
            return "request", method, target, version, None, None
        match = _STATUS_LINE.match(self.text, self.position)
        if match is not None:
            self.position = match.end()
            version, status, reason = match.groups()
            return "response", None, None, version, int(status), reason
        start = self.position
        line = self.line()
        if line[:5].upper() == "HTTP/":
            return self.odd_status_line(line, start)
        return self.odd_request_line(line, start)

    def odd_status_line(self, line: str, start: int) -> _StartLine:
        """Make the best of a status line that is not, or not certainly, as RFC 9112 §4 has it."""
        version, _, rest = line.partition(" ")
        status, space, reason = rest.strip(WHITESPACE).partition(" ")
        number = int(status) if _STATUS.fullmatch(status) else None
        # §4 wants the space in front of an absent reason phrase, too; many servers leave it out
        # and every client lets them.
        regular = rest in (status, f"{status} ") if not space else rest.startswith(status)
        if number is None or not regular or not _HTTP_VERSION.fullmatch(version):
            self.odd("bad-start-line", start, start + len(line))
        return "response", None, None, _version(version), number, reason.strip(WHITESPACE)

    def odd_request_line(self, line: str, start: int) -> _StartLine:
        """Make the best of a request line that is not, or not certainly, as RFC 9112 §3 has it."""
        if not _REQUEST_LINE.fullmatch(f"{line}\r\n"):
            self.odd("bad-start-line", start, start + len(line))
        words = list(_WORD.finditer(line))
        if not words:
            return "request", None, None, None, None, None
        first, last = words[0], words[-1]
        stop, version = len(line), None
        # A target that holds spaces reaches from the method to the version.
        if len(words) > 1 and (last.group()[:5].upper() == "HTTP/" or len(words) > 2):
            stop, version = last.start(), _version(last.group())
        target = line[first.end() : stop].strip(_GAPS)
        return "request", first.group(), target or None, version, None, None

    def field_lines(self) -> None:
        """Read the fields up to the blank line."""
        text, size, fields = self.text, len(self.text), self.fields
        start = self.position
        while start < size:
            end = text.find("\n", start) - 1
            # What begins with whitespace goes on with the line before it.
            if end >= start and text[end] == "\r" and not text.startswith((" ", "\t"), end + 2):
                read = _known_field if end - start <= SHORT else _field
                field = read(text[start:end], len(fields), start)
                if field is not None:
                    fields.append(field)
                    start = end + 2
                    continue
            self.position = start
            if self.blank_line():
                return
            self.odd_line()
            start = self.position
        self.position = size
        self.odd("incomplete", size, size)

    def blank_line(self) -> bool:
        """Take the blank line that ends the head, if it is next."""
        if self.text.startswith("\r\n", self.position):
            self.position += 2
            return True
        if self.text.startswith("\n", self.position):
            self.odd("bare-lf", self.position, self.position + 1)
            self.position += 1
            return True
        return False

    def odd_line(self) -> None:
        """Read one line that is no plain field, and the lines folded onto it."""
        start = self.position
        line = self.line()
        if line[:1] in (" ", "\t"):
            # §2.2: such lines are consumed "without further processing".
            code = "obs-fold" if self.fields else "leading-whitespace"
            self.odd(code, start, start + len(line))
            return
        end = start + len(line)
        folds = []
        while self.text[self.position : self.position + 1] in (" ", "\t"):
            fold_start = self.position
            fold = self.line()
            end = fold_start + len(fold)
            self.odd("obs-fold", fold_start, end)
            folds.append(fold.strip(WHITESPACE))
        name, colon, value = line.partition(":")
        if not colon:
            self.odd("no-colon", start, start + len(line))
            return
        self.name_oddities(name, start)
        value = " ".join([value.strip(WHITESPACE), *folds]).strip(WHITESPACE)
        field = Field(name.rstrip(WHITESPACE), value, len(self.fields), start, end - start)
        self.fields.append(field)

    def name_oddities(self, name: str, start: int) -> None:
        """Record what is wrong with a field name."""
        trimmed = name.rstrip(WHITESPACE)
        if trimmed != name:
            # §5.1: "No whitespace is allowed between the field name and colon."
            self.odd("space-before-colon", start, start + len(name) + 1)
        if not trimmed:
            self.odd("empty-name", start, start + len(name) + 1)
        elif not is_token(trimmed):
            self.odd("bad-name", start, start + len(trimmed))

    def line(self) -> str:
        """Take the next line, without its line end, and record what is wrong with its bytes."""
        start = self.position
        stop = self.text.find("\n", start)
        if stop < 0:
            stop = self.position = len(self.text)
        else:
            self.position = stop + 1
            if stop > start and self.text[stop - 1] == "\r":
                stop -= 1
            else:
                self.odd("bare-lf", stop, stop + 1)
        for match in _CONTROL.finditer(self.text, start, stop):
            code = {"\r": "bare-cr", "\x00": "nul"}.get(match.group(), "control")
            self.odd(code, match.start(), match.end())
        return self.text[start:stop]

    def odd(self, code: str, start: int, stop: int) -> None:
        """Record an oddity of the bytes [start, stop)."""
        if len(self.oddities) < MAX_ODDITIES:
            evidence = self.raw[start : min(stop, start + MAX_EVIDENCE)]
            self.oddities.append(Oddity(code, start, evidence))
        elif not self.left_out:
            self.left_out = True
            self.oddities.append(Oddity("more-oddities", start, b""))


def _field(line: str, position: int, start: int) -> Field | None:
    """Return the field of a line without any fault; None for every other line."""
    match = _FIELD_LINE.fullmatch(line)
    if match is None:
        return None
    name, value = match.groups()
    name = _known_name(name) if len(name) <= LONG_NAME else name
    return Field(name, value.rstrip(WHITESPACE), position, start, len(line))


_known_field = lru_cache(maxsize=LINES)(_field)


@lru_cache(maxsize=LINES)
def _known_name(name: str) -> str:
    """Return the same name as the same object, where the line around it is new."""
    return name


def _version(text: str) -> str:
    """Return `1.1` for `HTTP/1.1`, any other word as sent."""
    return text[5:] if text[:5].upper() == "HTTP/" else text


def _offset(oddity: Oddity) -> int:
    return oddity.offset
