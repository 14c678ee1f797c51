"""Spans of time, and numbers of bytes and other things, in words, as all that is printed has."""

from __future__ import annotations

MICROSECOND, MILLISECOND, SECOND = 1_000, 1_000_000, 1_000_000_000


def span(ns: int) -> str:
    """Return a span of integer ns in three digits or so: `12 µs`, `1.5 ms`, `2.01 s`, `75.2 s`."""
    if ns < MILLISECOND:
        return f"{ns / MICROSECOND:.0f} µs"
    milliseconds = ns / MILLISECOND
    if milliseconds < 999.5:
        return f"{milliseconds:.{0 if milliseconds >= 99.5 else 1}f} ms"
    seconds = ns / SECOND
    return f"{seconds:.{2 if seconds < 9.995 else 1}f} s"


def octets(count: int) -> str:
    """Return `1 byte`, `2 bytes`."""
    return counted(count, "byte")


def counted(count: int, what: str) -> str:
    """Return `1 frame`, `2 frames`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def are(count: int) -> str:
    """Return `is` for one, `are` for several."""
    return "is" if count == 1 else "are"
