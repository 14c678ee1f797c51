"""Spans of time in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.checks.spans import are, counted, octets, span
from wsanalyze.views.quantities import duration


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 µs"),
        (30_000, "30 µs"),
        (2_001_800_000, "2.00 s"),
        (2_010_000_000, "2.01 s"),
        (50_000_000, "50.0 ms"),
        (250_000_000, "250 ms"),
        (3_600_000_000_000, "3600.0 s"),
    ],
)
def test_words(ns: int, text: str) -> None:
    assert span(ns) == text


@given(st.integers(0, 59_000_000_000))
def test_below_a_minute_they_are_those_of_the_views(ns: int) -> None:
    assert span(ns) == duration(ns)


def test_bytes() -> None:
    assert [octets(count) for count in (0, 1, 2)] == ["0 bytes", "1 byte", "2 bytes"]


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 frames are"), (1, "1 frame is"), (2, "2 frames are")]
)
def test_numbers_of_things(count: int, text: str) -> None:
    assert f"{counted(count, 'frame')} {are(count)}" == text
