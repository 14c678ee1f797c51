"""What is in frames that are no DATA (RFC 9113 §6); None where a body is malformed."""

from __future__ import annotations

from wsanalyze.http2.frames import HEADERS, PADDED, PUSH_PROMISE, FrameHeader

HAS_PRIORITY = 0x20

# SETTINGS_* (§6.5.2; RFC 8441 §3)
HEADER_TABLE_SIZE = 1
ENABLE_PUSH = 2
INITIAL_WINDOW_SIZE = 4
MAX_FRAME_SIZE = 5
ENABLE_CONNECT_PROTOCOL = 8

SETTINGS_NAMES = {
    HEADER_TABLE_SIZE: "HEADER_TABLE_SIZE",
    ENABLE_PUSH: "ENABLE_PUSH",
    3: "MAX_CONCURRENT_STREAMS",
    INITIAL_WINDOW_SIZE: "INITIAL_WINDOW_SIZE",
    MAX_FRAME_SIZE: "MAX_FRAME_SIZE",
    6: "MAX_HEADER_LIST_SIZE",
    ENABLE_CONNECT_PROTOCOL: "ENABLE_CONNECT_PROTOCOL",
    9: "NO_RFC7540_PRIORITIES",
}

# The largest window (§6.9.1).
LARGEST_WINDOW = (1 << 31) - 1

# Error codes (§7).
NO_ERROR, PROTOCOL_ERROR, STREAM_CLOSED, CANCEL = 0, 1, 5, 8
ERRORS = (
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
)


def fragment(header: FrameHeader, body: bytes) -> bytes | None:
    """Return the part of a field block that is in HEADERS, PUSH_PROMISE or CONTINUATION."""
    start, stop = 0, len(body)
    if header.kind in (HEADERS, PUSH_PROMISE) and header.flags & PADDED:
        if not body:
            return None
        start, stop = 1, stop - body[0]
    if header.kind == HEADERS and header.flags & HAS_PRIORITY:
        start += 5
    if header.kind == PUSH_PROMISE:
        start += 4
    return body[start:stop] if start <= stop else None


def settings(body: bytes) -> list[tuple[int, int]] | None:
    """Return identifiers and values of SETTINGS, in order (§6.5.1)."""
    if len(body) % 6:
        return None
    return [
        (int.from_bytes(body[at : at + 2], "big"), int.from_bytes(body[at + 2 : at + 6], "big"))
        for at in range(0, len(body), 6)
    ]


def number(body: bytes, at: int = 0) -> int | None:
    """Return the 32 bits at `at`: an error code, an increment, a stream."""
    return int.from_bytes(body[at : at + 4], "big") if len(body) >= at + 4 else None


def error_name(code: int) -> str:
    """Return what an error code is called (§7)."""
    return ERRORS[code] if code < len(ERRORS) else f"error {code}"


def setting_name(identifier: int) -> str:
    """Return what a setting is called (IANA, HTTP/2 Settings), `0x4242` where it has no name."""
    return SETTINGS_NAMES.get(identifier, f"0x{identifier:04x}")
