"""Hixie's handshakes: the example of draft-hixie-thewebsocketprotocol-76 §1.2, and of 75."""

from __future__ import annotations

BODY, ANSWER = b"^n:ds[4U", b"8jKS'y:G*Co,Wxa-"

ASK = {
    "Host": "example.com",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key2": "12998 5 Y3 1  .P00",
    "Upgrade": "WebSocket",
    "Sec-WebSocket-Key1": "4 @1  46546xW%0l 1 5",
    "Origin": "http://example.com",
}
SWITCH = {
    "Upgrade": "WebSocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Origin": "http://example.com",
    "Sec-WebSocket-Location": "ws://example.com/demo",
}
ASK_75 = {
    "Upgrade": "WebSocket",
    "Connection": "Upgrade",
    "Host": "example.com",
    "Origin": "http://example.com",
}
SWITCH_75 = {
    "Upgrade": "WebSocket",
    "Connection": "Upgrade",
    "WebSocket-Origin": "http://example.com",
    "WebSocket-Location": "ws://example.com/demo",
}

# A field's new value; None takes it away.
Changes = dict[str, str | None]


def head(start: str, fields: dict[str, str], changes: Changes | None = None) -> bytes:
    """Return a head with some fields changed, taken away or added."""
    merged: Changes = {**fields, **(changes or {})}
    lines = [f"{name}: {value}" for name, value in merged.items() if value is not None]
    return "\r\n".join([start, *lines, "", ""]).encode("latin-1")


def ask(changes: Changes | None = None) -> bytes:
    """Return the request of Hixie-76, without the eight bytes behind it."""
    return head("GET /demo HTTP/1.1", ASK, changes)


def switch(changes: Changes | None = None) -> bytes:
    """Return the 101 that answers it, without the sixteen bytes behind it."""
    return head("HTTP/1.1 101 WebSocket Protocol Handshake", SWITCH, changes)


def ask_75(changes: Changes | None = None) -> bytes:
    """Return the request of Hixie-75."""
    return head("GET /demo HTTP/1.1", ASK_75, changes)


def switch_75(changes: Changes | None = None) -> bytes:
    """Return the 101 that answers it."""
    return head("HTTP/1.1 101 Web Socket Protocol Handshake", SWITCH_75, changes)


def text(payload: bytes) -> bytes:
    """Return a text frame."""
    return b"\x00" + payload + b"\xff"


CLOSE = b"\xff\x00"
