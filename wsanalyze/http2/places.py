"""Where do frames of HTTP/2 begin, in bytes of which that is not known (RFC 9113 §4.1, §6)?

A header of nine bytes says much: a length within the usual limit, a type of ten, flags that this
type has, a stream that it may be on. Two in a chain, or one that ends where its segment ends, are
taken for what they look like.
"""

from __future__ import annotations

from collections.abc import Container

from wsanalyze.http2.frames import (
    CONTINUATION,
    DATA,
    GOAWAY,
    HEADER_LENGTH,
    HEADERS,
    PING,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    FrameHeader,
    header_at,
)

# The flags that each type has (§6).
FLAGS = {
    DATA: 0x09,
    HEADERS: 0x2D,
    PRIORITY: 0,
    RST_STREAM: 0,
    SETTINGS: 1,
    PUSH_PROMISE: 0x0C,
    PING: 1,
    GOAWAY: 0,
    WINDOW_UPDATE: 0,
    CONTINUATION: 0x04,
}
LENGTHS = {PRIORITY: 5, RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}

# What nearly everybody leaves SETTINGS_MAX_FRAME_SIZE at (§6.5.2).
USUAL_LENGTH = 16384
# Streams that a connection from the middle may be at.
USUAL_STREAM = 1 << 24


def plausible(header: FrameHeader, streams: Container[int] | None) -> bool:
    """Say whether a header is one that is sent; `streams`: which there are, None if unknown."""
    kind = header.kind
    if kind not in FLAGS or header.length > USUAL_LENGTH or header.flags & ~FLAGS[kind]:
        return False
    if kind in LENGTHS and header.length != LENGTHS[kind]:
        return False
    if kind == SETTINGS and (header.length % 6 or (header.flags and header.length)):
        return False
    if kind == GOAWAY and header.length < 8:
        return False
    if kind in (SETTINGS, PING, GOAWAY):
        return header.stream == 0
    if header.stream == 0:
        return kind == WINDOW_UPDATE
    if kind == DATA and streams is not None:
        return header.stream in streams
    return header.stream < USUAL_STREAM and header.stream % 2 == 1


def frames_begin(data: bytes, at: int, streams: Container[int] | None = None) -> bool:
    """Say whether frames begin at `at` in the bytes of a segment."""
    for count in range(3):
        left = len(data) - at
        if left == 0 or (0 < left < HEADER_LENGTH and count == 2):
            return count > 0
        if left < HEADER_LENGTH or data[at + 5] & 0x80:
            return False
        header = header_at(data, at)
        if not plausible(header, streams):
            return False
        at += HEADER_LENGTH + header.length
        if at > len(data):
            return count > 0
    return True


def first_frame(data: bytes, streams: Container[int] | None = None) -> int:
    """Return where the first frames of a segment begin, -1 where there are none."""
    for at in range(len(data) - HEADER_LENGTH + 1):
        # A length of 16384 at most begins with a zero, and its second byte is 64 at most.
        if data[at] == 0 and data[at + 1] <= 64 and frames_begin(data, at, streams):
            return at
    return -1
