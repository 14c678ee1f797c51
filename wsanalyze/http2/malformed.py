"""What RFC 9113 calls malformed, or an error of the connection: frames, and messages of HTTP.

Each is told in words, with its section. Requests for WebSocket have rules of their own
(`wsanalyze/websocket/stream_rules.py`); of what the capture does not have, nothing is said here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from wsanalyze.http2.bodies import ENABLE_PUSH, INITIAL_WINDOW_SIZE, LARGEST_WINDOW, MAX_FRAME_SIZE
from wsanalyze.http2.bodies import settings as settings_of
from wsanalyze.http2.field_table import UNKNOWN
from wsanalyze.http2.fields import Fields
from wsanalyze.http2.frames import (
    ACK,
    CONTINUATION,
    DATA,
    GOAWAY,
    HEADERS,
    PING,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    FrameHeader,
)
from wsanalyze.websocket.stream_fields import Wrong, said, wrong_fields, wrong_pseudo

NAMES = (
    *("DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY"),
    *("WINDOW_UPDATE", "CONTINUATION"),
)
# The sizes that a receiver may name for the largest frame (§6.5.2); the first is the default.
FRAME_SIZES = (1 << 14, (1 << 24) - 1)

_OF_STREAMS = frozenset((DATA, HEADERS, PRIORITY, RST_STREAM, PUSH_PROMISE, CONTINUATION))
_OF_CONNECTION = frozenset((SETTINGS, PING, GOAWAY))
_LENGTHS = {PRIORITY: 5, RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}
_SECTIONS = ("§6.1", "§6.2", "§6.3", "§6.4", "§6.5", "§6.6", "§6.7", "§6.8", "§6.9", "§6.10")
_NUMBER = re.compile(rb"[0-9]{1,18}")


def name_of(kind: int) -> str:
    """Return what a type of frame is called (§6)."""
    return NAMES[kind] if kind < len(NAMES) else f"a frame of type {kind}"


def wrong_header(header: FrameHeader, largest: int) -> Wrong | None:
    """Return what is wrong with a frame by its header; `largest`: what its receiver takes."""
    kind = header.kind
    if kind in (HEADERS, DATA) and header.stream and header.length <= largest:
        return None
    name = name_of(kind)
    if header.length > largest:
        what = f"{name} of {header.length:,} bytes, where {largest:,} are the most"
        return Wrong(what, "RFC 9113 §4.2", name)
    if kind >= len(NAMES):
        # Types that nobody knows are to be passed over (§5.5).
        return None
    section = f"RFC 9113 {_SECTIONS[kind]}"
    if header.stream == 0 and kind in _OF_STREAMS:
        return Wrong(f"{name} on stream 0, where no stream is", section, name)
    if header.stream and kind in _OF_CONNECTION:
        return Wrong(f"{name} on stream {header.stream}, not on 0", section, name)
    length = _LENGTHS.get(kind, header.length)
    if header.length != length:
        return Wrong(f"{name} of {header.length} bytes, not {length}", section, name)
    if kind == GOAWAY and header.length < 8:
        return Wrong(f"GOAWAY of {header.length} bytes, not 8 or more", section, name)
    if kind == SETTINGS and header.length and header.flags & ACK:
        return Wrong(f"SETTINGS with ACK and {header.length} bytes, not empty", section, name)
    if kind == SETTINGS and header.length % 6:
        return Wrong(f"SETTINGS of {header.length} bytes, not 6 for each", section, name)
    return None


def wrong_body(header: FrameHeader, body: bytes) -> Wrong | None:
    """Return what is wrong with what a frame says, whose header is sound."""
    if header.kind == WINDOW_UPDATE and not int.from_bytes(body, "big") & LARGEST_WINDOW:
        return Wrong("WINDOW_UPDATE by 0", "RFC 9113 §6.9", "WINDOW_UPDATE")
    if header.kind != SETTINGS:
        return None
    for identifier, value in settings_of(body) or ():
        what = None
        if identifier == ENABLE_PUSH and value > 1:
            what = f"SETTINGS_ENABLE_PUSH is {value}, not 0 or 1"
        elif identifier == INITIAL_WINDOW_SIZE and value > LARGEST_WINDOW:
            what = f"SETTINGS_INITIAL_WINDOW_SIZE is {value:,}, more than {LARGEST_WINDOW:,}"
        elif identifier == MAX_FRAME_SIZE and not FRAME_SIZES[0] <= value <= FRAME_SIZES[1]:
            what = f"SETTINGS_MAX_FRAME_SIZE is {value:,}, not {FRAME_SIZES[0]:,} or more"
        if what is not None:
            return Wrong(what, "RFC 9113 §6.5.2", "SETTINGS")
    return None


def wrong_message(fields: Fields, kind: str) -> Iterator[Wrong]:
    """Yield what is wrong with a `request`, a `response` or `trailers` (§8.1 to §8.3).

    Nothing of one with entries that the capture does not have.
    """
    if any(UNKNOWN in each for each in fields):
        return
    yield from wrong_pseudo(fields, kind)
    yield from wrong_fields(fields, kind)
    first = dict(reversed(fields))
    if kind == "request":
        yield from _wrong_request(first)
    elif kind == "response":
        status = first.get(b":status")
        if status is None:
            yield Wrong("a response without :status", "RFC 9113 §8.3.2", ":status")
        elif len(status) != 3 or not status.isdigit():
            what = f":status {said(status)}, which is no status code"
            yield Wrong(what, "RFC 9113 §8.3.2", ":status")
    length = first.get(b"content-length")
    if length is not None and not _NUMBER.fullmatch(length):
        what = f"content-length {said(length)}, which is no number"
        yield Wrong(what, "RFC 9110 §8.6", "content-length")


def _wrong_request(first: dict[bytes, bytes]) -> Iterator[Wrong]:
    """Yield which pseudo-header fields are missing, or must not be there (§8.3.1, §8.5)."""
    is_tunnel = first.get(b":method") == b"CONNECT" and b":protocol" not in first
    needed = (b":method", b":authority") if is_tunnel else (b":method", b":scheme", b":path")
    section = "RFC 9113 §8.5" if is_tunnel else "RFC 9113 §8.3.1"
    for name in needed:
        if not first.get(name):
            text = name.decode()
            what = f"{text} is empty" if name in first else f"a request without {text}"
            yield Wrong(what, section, text)
    for name in (b":scheme", b":path"):
        if is_tunnel and name in first:
            yield Wrong(f"a CONNECT with {name.decode()}", section, name.decode())
    if b":protocol" in first and first.get(b":method") != b"CONNECT":
        yield Wrong(":protocol without the method CONNECT", "RFC 8441 §4", ":protocol")
    path = first.get(b":path")
    if path and not is_tunnel and not path.startswith(b"/") and path != b"*":
        what = f":path {said(path)}, and begins with no '/'"
        yield Wrong(what, section, ":path")


def content_length(fields: Fields) -> int | None:
    """Return how much DATA a message says that it has (§8.1.1); None where it does not."""
    values = {value for name, value in fields if name == b"content-length"}
    if len(values) != 1:
        return None
    (value,) = values
    return int(value) if _NUMBER.fullmatch(value) else None


def wrong_length(said: int, came: int) -> Wrong:
    """Return that DATA is not as much as Content-Length had said."""
    what = f"content-length is {said:,}, and {came:,} bytes of DATA came"
    return Wrong(what, "RFC 9113 §8.1.1", "content-length")
