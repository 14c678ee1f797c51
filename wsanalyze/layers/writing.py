"""What an end writes where frames are due, and is none: HTTP, told by how it begins."""

from __future__ import annotations

import re

from wsanalyze.buffer import Buffer
from wsanalyze.observation import Event

# What a response begins with (RFC 9112 §4).
RESPONSE = b"HTTP/1."
# What the preface of HTTP/2 begins with (RFC 9113 §3.4).
PREFACE = b"PRI * HTTP/2.0"
# What a request begins with: a method, a blank, a target (RFC 9112 §3).
METHODS = (b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"CONNECT", b"TRACE")
REQUEST = re.compile(rb"(?:%s) [!-~]" % b"|".join(METHODS))
# As many bytes as are asked for.
LONGEST = len(PREFACE)
# As many are kept: a start line and some fields.
KEPT = 1024


def maybe_http(role: int, begun: bytes) -> bool | None:
    """Say whether a client (0) or server (1) begins to write HTTP; None where more has to come.

    Two bytes, which a frame's header has, would not do: who put them into one would hide what is
    wrong with all that follows.
    """
    if role:
        return begun.startswith(RESPONSE) or _still_open(begun, RESPONSE)
    if REQUEST.match(begun) is not None or begun.startswith(PREFACE):
        return True
    return _still_open(begun, PREFACE, *(method + b" " for method in METHODS))


def _still_open(begun: bytes, *wholes: bytes) -> bool | None:
    """Return None where what has begun may become one of the wholes, else False."""
    return None if any(whole.startswith(begun) for whole in wholes) else False


class Writing:
    """HTTP as an end writes it: how it begins, how long it is. `sender` is `client` or `server`."""

    __slots__ = ("length", "packet", "sender", "text", "time")

    def __init__(self, sender: str, time: int, packet: int) -> None:
        self.sender = sender
        self.time = time
        self.packet = packet
        self.text = bytearray()
        self.length = 0

    def take(self, buffer: Buffer, start: int, stop: int) -> None:
        """Take what comes next."""
        self.length += stop - start
        if len(self.text) < KEPT:
            self.text += buffer.copy(start, min(stop, start + KEPT - len(self.text)))

    def event(self) -> Event:
        """Return the event about it."""
        return Event(
            "http",
            self.sender,
            self.time,
            self.packet,
            None,
            length=self.length,
            payload=bytes(self.text),
        )
