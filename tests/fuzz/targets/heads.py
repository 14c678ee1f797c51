"""HTTP heads: against h11 and llhttp where they accept them, and for sense where they do not."""

from __future__ import annotations

import random
import re
from collections.abc import Hashable, Sequence
from contextlib import suppress
from functools import cache

import h11
import httptools
from support.sessions import DEFLATE, http, request, response

from fuzz.captures import shipped
from fuzz.mutations import mutated
from fuzz.target import Target, magnitude
from wsanalyze.websocket.fields import Head
from wsanalyze.websocket.handshake import Handshake
from wsanalyze.websocket.head import head_end, read_head

LARGEST = 6000
# A line that is not blank, then one that is.
END = re.compile(rb"\n\r?\n")
OUTCOMES = {"established", "refused", "invalid", "unanswered"}

Fields = list[tuple[bytes, bytes]]


def check(data: bytes) -> Hashable:
    """Find its end whole and in pieces, read it, compare it, and ask a handshake everything."""
    end = head_end(data)
    check_end(data, end)
    head = read_head(data)
    assert data.startswith(head.raw)
    codes = tuple(sorted({each.code for each in head.oddities}))
    if end < 0:
        assert "incomplete" in codes or "more-oddities" in codes
    else:
        assert "incomplete" not in codes
        assert len(head.raw) == end
        assert read_head(data[:end]) == head, "bytes behind the head change it"
    check_places(head, data)
    accepted = check_as_h11(head), check_as_llhttp(head)
    check_handshake(head)
    return head.kind, head.http_version, codes, magnitude(len(head.fields)), accepted, end >= 0


def check_end(data: bytes, end: int) -> None:
    """It ends behind the first blank line after a line, wherever the bytes were cut."""
    start = re.match(rb"[\r\n]*", data)
    first = start.end() if start else 0
    if not data[:first].strip(b"\n") or data[:first].count(b"\r\n") * 2 == first:
        match = END.search(data, first)
        assert end == (match.end() if match else -1)
    searched = 0
    step = 1 + len(data) % 13
    for stop in range(step, len(data) + step, step):
        found = head_end(data[:stop], searched)
        if found >= 0:
            assert found == end
            return
        searched = min(stop, len(data))
    assert end == -1


def check_places(head: Head, data: bytes) -> None:
    """Each field stands where it is said to stand, in order."""
    at = 0
    for position, field in enumerate(head.fields):
        assert field.position == position
        assert field.offset >= at
        at = field.offset + field.length
        line = data[field.offset : at]
        assert line.startswith(field.name.encode("latin-1"))
        for word in field.value.encode("latin-1").split():
            assert word in line
    assert all(0 <= each.offset <= len(data) for each in head.oddities)


def given(head: Head) -> Fields:
    """Return the fields as bytes."""
    return [(each.name.encode("latin-1"), each.value.encode("latin-1")) for each in head.fields]


def spaced(fields: Fields) -> Fields:
    """Return fields with single spaces in their values, and their names in lower case."""
    return [(name.lower(), b" ".join(value.split())) for name, value in fields]


def check_as_h11(head: Head) -> bool:
    """What h11 accepts is read as h11 reads it."""
    if head.raw[:1] in (b"\r", b"\n", b""):
        return False
    connection = h11.Connection(h11.SERVER)
    if head.kind == "response":
        connection = h11.Connection(h11.CLIENT)
        connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.receive_data(head.raw)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError:
        return False
    if not isinstance(event, h11.Request | h11.Response | h11.InformationalResponse):
        return False
    if head.count("content-length") < 2:
        # Equal ones are one to h11; and it keeps the whitespace before a fold.
        assert spaced(given(head)) == spaced(event.headers.raw_items())
    assert head.http_version == event.http_version.decode()
    if isinstance(event, h11.Request):
        assert head.method == event.method.decode()
        assert head.target == event.target.decode("latin-1")
    else:
        assert head.status == event.status_code
    return True


class Listener:
    """What llhttp says of a head."""

    def __init__(self) -> None:
        self.fields: Fields = []
        self.whole = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take note of a field."""
        self.fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Take note that it was a head."""
        self.whole = True


def check_as_llhttp(head: Head) -> bool:
    """What llhttp, the parser of Node.js, accepts has the fields that it finds."""
    listener = Listener()
    kind = httptools.HttpResponseParser if head.kind == "response" else httptools.HttpRequestParser
    with suppress(httptools.HttpParserError, httptools.HttpParserUpgrade):
        kind(listener).feed_data(head.raw)
    if not listener.whole:
        return False
    assert spaced(given(head)) == spaced(listener.fields)
    return True


@cache
def partner(kind: str) -> Head:
    """Return a good head to shake hands with."""
    return read_head(response() if kind == "request" else request())


def check_handshake(head: Head) -> None:
    """Whatever the head, a handshake with it answers every question."""
    other = partner(head.kind)
    pair = (head, other) if head.kind == "request" else (other, head)
    for handshake in (Handshake(*pair), Handshake(head)):
        assert handshake.outcome in OUTCOMES
        for name in dir(handshake):
            if not name.startswith("_"):
                getattr(handshake, name)
        for fault in handshake.faults:
            assert fault.code


def seeds() -> Sequence[bytes]:
    """Return upgrade requests and answers, good and odd, of the shipped captures too."""
    found = [
        request(),
        request(DEFLATE, "Origin: http://a", "Sec-WebSocket-Protocol: a, b", 'X: "a, b"'),
        response(DEFLATE),
        http("HTTP/1.1 401 No", "WWW-Authenticate: Basic", "Content-Length: 0"),
        http("GET / HTTP/1.1", "Host: a", "A: b", " folded", "\tagain", "B : c"),
        request().replace(b"\r\n", b"\n"),
        b"\r\n\r\n" + request(),
        http("GET http://a/ HTTP/1.0", "Upgrade: WebSocket", "Sec-WebSocket-Key1: 1 2"),
        request('Sec-WebSocket-Extensions: permessage-deflate; a="\\"", x-y;;b=1,'),
    ]
    for data in shipped():
        found += re.findall(rb"(?:GET|HTTP/1\.1 \d)[ -~]+\r\n(?:[ -~]+\r\n)+\r\n", data)
    return sorted(set(found), key=lambda data: (len(data), data))[:60]


WORDS = (b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b",", b";", b"=", b'"', b"\0", b"\x80", b"HTTP/")
WORDS += (b"Upgrade: websocket\r\n", b"Connection: Upgrade\r\n", b"Sec-WebSocket-Version: 13\r\n")
WORDS += (b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=", b"\r\n\r\n")


def mutate(data: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Change bytes, put in what means something to HTTP, or move, repeat and lose lines."""
    way = chance.random()
    if way < 0.3:
        return mutated(data, seeds, chance)[:LARGEST]
    if way < 0.6:
        at = chance.randrange(len(data) + 1)
        return data[:at] + chance.choice(WORDS) + data[at + chance.choice((0, 0, 1, 2)) :]
    lines = data.split(b"\r\n")
    lines.insert(chance.randrange(len(lines)), chance.choice(lines))
    if way < 0.8:
        del lines[chance.randrange(len(lines))]
        lines.insert(0, lines.pop(0))
    else:
        other = chance.choice(seeds).split(b"\r\n")
        lines.insert(chance.randrange(len(lines)), chance.choice(other))
    return b"\r\n".join(lines)[:LARGEST]


TARGET = Target(
    "heads",
    "A head is read as h11 and llhttp read it where they accept it, and never raises.",
    seeds,
    mutate,
    check,
)
