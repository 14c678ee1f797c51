"""Spans of time as people read them: in findings, and in all that is printed."""

from __future__ import annotations


def duration(nanoseconds: int) -> str:
    """Return a span of time in three digits or so: `12 µs`, `1.50 s`, `3 h 07 min`."""
    if nanoseconds < 0:
        return "-" + duration(-nanoseconds)
    if nanoseconds < 1_000_000:
        return f"{nanoseconds / 1000:.0f} µs"
    milliseconds = nanoseconds / 1e6
    if milliseconds < 999.5:
        return f"{milliseconds:.{0 if milliseconds >= 99.5 else 1}f} ms"
    seconds = nanoseconds / 1e9
    if seconds < 59.95:
        return f"{seconds:.{2 if seconds < 9.995 else 1}f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min"
    return f"{hours // 24} d {hours % 24:02d} h"
