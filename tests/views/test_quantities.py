"""Numbers as people read them."""

from __future__ import annotations

import pytest

from wsanalyze.views.quantities import counted, duration, moment, number, size


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9949, "9.9 kB"),
        (9950, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (2**64, "18 EB"),
    ],
)
def test_size(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0 µs"),
        (999_000, "999 µs"),
        (1_500_000, "1.5 ms"),
        (120_000_000, "120 ms"),
        (999_600_000, "1.00 s"),
        (1_500_000_000, "1.50 s"),
        (59_900_000_000, "59.9 s"),
        (60_000_000_000, "1 min 00 s"),
        (3_599_900_000_000, "1 h 00 min"),
        (172_800_000_000_000, "2 d 00 h"),
        (-1_500_000, "-1.5 ms"),
    ],
)
def test_duration(nanoseconds: int, text: str) -> None:
    assert duration(nanoseconds) == text


def test_moment() -> None:
    assert moment(1_767_323_045_678_999_999) == "2026-01-02 03:04:05.678 UTC"
    assert moment(-1) == "1969-12-31 23:59:59.999 UTC"
    assert moment(2**63 - 1) == "2262-04-11 23:47:16.854 UTC"


def test_counts() -> None:
    assert number(1234567) == "1,234,567"
    assert [counted(count, "frame") for count in (0, 1, 2)] == ["0 frames", "1 frame", "2 frames"]
    assert counted(2, "entry", "entries") == "2 entries"
