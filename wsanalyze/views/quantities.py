"""Numbers as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


def size(count: int) -> str:
    """Return bytes in three digits or so, in powers of 1000: `999 B`, `1.2 kB`, `34 MB`."""
    value = float(count)
    for unit in UNITS:
        if value < 999.5 or unit == UNITS[-1]:
            break
        value /= 1000
    digits = 1 if unit != "B" and value < 9.95 else 0
    return f"{value:.{digits}f} {unit}"


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


def moment(nanoseconds: int) -> str:
    """Return a time in UTC with milliseconds: `2026-01-02 03:04:05.678 UTC`."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{text}.{rest // 1_000_000:03d} UTC"


def since(time: int, start: int) -> str:
    """Return the seconds since `start`, both integer ns, to the microsecond: `0.004509`."""
    sign = "-" if time < start else ""
    seconds, rest = divmod((abs(time - start) + 500) // 1000, 1_000_000)
    return f"{sign}{seconds}.{rest:06d}"


def number(count: int) -> str:
    """Return an integer with its thousands apart: `12,345`."""
    return f"{count:,}"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return `1 frame`, `2 frames`."""
    return f"{number(count)} {noun if count == 1 else plural or noun + 's'}"
