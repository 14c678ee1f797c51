"""What the fields of a message of HTTP/2 and HTTP/3 must be (RFC 9113 §8.2, §8.3).

Fields are names and values as sent. Whoever knows what the message is for adds what that asks for:
`stream_rules.py` of an extended CONNECT, `wsanalyze/http2/malformed.py` of all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wsanalyze.websocket.credentials import is_credential, is_harmless, name_alone
from wsanalyze.websocket.faults import shown
from wsanalyze.websocket.fields import Head

Pair = tuple[bytes, bytes]

# RFC 9113 §8.2.2: what is about a connection, which a stream is none of.
CONNECTION_FIELDS = ("connection", "upgrade", "keep-alive", "proxy-connection", "transfer-encoding")
REQUEST_PSEUDO = (":method", ":scheme", ":authority", ":path", ":protocol")
RESPONSE_PSEUDO = (":status",)
BLANKS = b" \t"

# `te` is likewise, but for one value.
CONNECTION = (*CONNECTION_FIELDS, "te")

_CONNECTION = frozenset(name.encode() for name in CONNECTION_FIELDS)
# §8.2.1: a name is a token (RFC 9110 §5.1), in small letters.
_SOUND_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_CAPITAL = re.compile(rb"[A-Z]")
_FORBIDDEN = re.compile(rb"[\x00\r\n]")


class Wrong(NamedTuple):
    """A rule that a field breaks: in words, its section, the field's name, what was found."""

    what: str
    section: str
    field: str
    evidence: str = ""


def pairs_of(head: Head) -> list[Pair]:
    """Return the fields of a head as they were sent, blanks included where the head has them."""
    found = []
    for each in head.fields:
        name, value = each.name.encode("latin-1"), each.value.encode("latin-1")
        line = head.raw[each.offset : each.offset + each.length]
        begin = name + b": "
        found.append((name, line[len(begin) :] if line.startswith(begin) else value))
    return found


def wrong_fields(fields: Sequence[Pair], kind: str) -> Iterator[Wrong]:
    """Yield what is wrong with regular fields of a `request`, a `response` or `trailers`."""
    for name, value in fields:
        if name.startswith(b":"):
            continue
        if not _SOUND_NAME.fullmatch(name):
            yield _of_name(name)
        if name in _CONNECTION:
            what = f"{_text(name)} in HTTP/2, where the stream stands for the connection"
            yield Wrong(what, "RFC 9113 §8.2.2", _text(name), _text(value))
        elif name == b"te" and kind == "request" and value.strip(BLANKS).lower() != b"trailers":
            what = f"te {said(value)}, and in HTTP/2 'trailers' or nothing"
            yield Wrong(what, "RFC 9113 §8.2.2", "te", _text(value))
    yield from wrong_values(fields)


def wrong_values(fields: Sequence[Pair]) -> Iterator[Wrong]:
    """Yield values with blanks around them, or with bytes that could end a line (§8.2.1)."""
    for name, value in fields:
        if value != value.strip(BLANKS):
            what = f"the value of {shown(_text(name))} has blanks around it"
            yield Wrong(what, "RFC 9113 §8.2.1", _text(name), _visible(name, value))
        if _FORBIDDEN.search(value):
            what = f"the value of {shown(_text(name))} has a NUL, CR or LF in it"
            yield Wrong(what, "RFC 9113 §8.2.1, §10.3", _text(name), _visible(name, value))


def _visible(name: bytes, value: bytes) -> str:
    """Return a value with its blanks between quotes; of secrets there is nothing to see."""
    return "" if is_credential(_text(name)) else shown(_text(value))


def _of_name(name: bytes) -> Wrong:
    text = name_alone(_text(name))
    if not name:
        what = "a field has no name"
    elif _SOUND_NAME.fullmatch(name.lower()) and _CAPITAL.search(name):
        what = f"the field name {shown(text)} is not in lower case"
    else:
        what = f"the field name {shown(text)} has characters that no name has"
    return Wrong(what, "RFC 9113 §8.2.1", text)


def wrong_pseudo(fields: Sequence[Pair], kind: str) -> Iterator[Wrong]:
    """Yield what is wrong with the order and the choice of pseudo-header fields (§8.3).

    Which of them are missing, and what they say, depends on the message.
    """
    known = {"request": REQUEST_PSEUDO, "response": RESPONSE_PSEUDO}.get(kind, ())
    regular = ""
    counts: dict[str, int] = {}
    for name, value in fields:
        text = _text(name)
        if not name.startswith(b":"):
            regular = regular or text
            continue
        counts[text] = counts.get(text, 0) + 1
        if counts[text] > 1:
            continue
        if text not in known:
            where = "trailers" if kind == "trailers" else f"a {kind}"
            what = f"{shown(text)} is no pseudo-header field of {where}"
            yield Wrong(what, "RFC 9113 §8.3", text, _text(value))
        elif regular:
            what = f"{text} comes behind {shown(regular)}, a regular field"
            yield Wrong(what, "RFC 9113 §8.3", text, _text(value))
    for text, count in counts.items():
        if count > 1 and text in known:
            yield Wrong(f"{text} appears {count} times", "RFC 9113 §8.3", text)


def said(value: bytes) -> str:
    """Say what a value is; not of one that may be anything, a secret of somebody's too."""
    text = _text(value)
    return f"is {shown(text)}" if is_harmless(text) else f"has a value of {len(value)} bytes"


def _text(data: bytes) -> str:
    return data.decode("latin-1")
