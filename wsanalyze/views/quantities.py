"""Numbers as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

from wsanalyze.checks.durations import duration as duration

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
