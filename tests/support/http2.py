"""Frames of HTTP/2 made by hand, and a connection of it that WebSockets travel on."""

from __future__ import annotations

from typing import Any

from hpack import Encoder

from support.sessions import Stage, frame, masked
from wsanalyze.http2.frames import PREFACE
from wsanalyze.layers.tls_connection import TlsConnection

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY = range(8)
WINDOW_UPDATE, CONTINUATION = 8, 9
END_STREAM, END_HEADERS, PADDED, HAS_PRIORITY = 1, 4, 8, 32
CANCEL = 8

Fields = list[tuple[str, str]]

ENABLED = b"\x00\x08\x00\x00\x00\x01"
REQUEST: Fields = [
    (":method", "CONNECT"),
    (":protocol", "websocket"),
    (":scheme", "http"),
    (":path", "/chat"),
    (":authority", "server.example.com"),
    ("sec-websocket-version", "13"),
    ("origin", "http://server.example.com"),
]
GET: Fields = [
    (":method", "GET"),
    (":scheme", "https"),
    (":path", "/style.css"),
    (":authority", "server.example.com"),
]
CLOSE = masked(b"\x03\xe8", 8), frame(b"\x03\xe8", 8)


def h2(kind: int, flags: int = 0, stream: int = 0, body: bytes = b"") -> bytes:
    """Return a frame (RFC 9113 §4.1)."""
    return len(body).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + body


def agreed(alpn: str) -> TlsConnection:
    """Return a TLS connection that agreed on a protocol (RFC 7301)."""
    ends = ("192.0.2.1", 50000, "198.51.100.2", 443)
    return TlsConnection(0, 0, *ends, started=0, version="TLS 1.3", alpn=alpn, decrypted=True)


def changed(fields: Fields, **changes: str | None) -> Fields:
    """Return fields with others' values, or without some; `_x` stands for `:x`, `_` for `-`."""
    found = dict(fields)
    for key, value in changes.items():
        name = (":" + key[1:] if key.startswith("_") else key).replace("_", "-")
        if value is None:
            found.pop(name, None)
        else:
            found[name] = value
    return list(found.items())


class Connection(Stage):
    """A Stage that speaks HTTP/2, with the tables of both ends' encoders."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.encoders = (Encoder(), Encoder())

    def begin(self, settings: bytes = ENABLED) -> Connection:
        """Send the preface and both SETTINGS."""
        self.client(PREFACE + h2(SETTINGS)).server(h2(SETTINGS, 0, 0, settings))
        self.client(h2(SETTINGS, 1)).server(h2(SETTINGS, 1))
        return self

    def block(self, side: int, fields: Fields) -> bytes:
        """Return a field block of a side."""
        return self.encoders[side].encode(fields)

    def headers(
        self, side: int, stream: int, fields: Fields, flags: int = END_HEADERS
    ) -> Connection:
        """Send HEADERS."""
        self.data(side, h2(HEADERS, flags, stream, self.block(side, fields)))
        return self

    def body(self, side: int, stream: int, data: bytes, flags: int = 0) -> Connection:
        """Send DATA."""
        self.data(side, h2(DATA, flags, stream, data))
        return self

    def open(self, stream: int = 1, request: Fields = REQUEST, *answer: Any) -> Connection:
        """Open a WebSocket on a stream."""
        self.headers(0, stream, request)
        return self.headers(1, stream, [(":status", "200"), *answer])

    def talk(self, stream: int, text: bytes) -> Connection:
        """Send a text message each way."""
        return self.body(0, stream, masked(text)).body(1, stream, frame(text))

    def close(self, stream: int) -> Connection:
        """Close a WebSocket as RFC 8441 §5 has it."""
        self.body(0, stream, CLOSE[0]).body(1, stream, CLOSE[1])
        return self.body(1, stream, b"", END_STREAM).body(0, stream, b"", END_STREAM)
