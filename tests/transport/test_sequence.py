"""Sequence numbers count modulo 2^32: how far one lies ahead of another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.transport.sequence import distance

TOP = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("sequence", "reference", "ahead"),
    [
        (0, 0, 0),
        (TOP, TOP, 0),
        (5, 3, 2),
        (3, 5, -2),
        (0, TOP, 1),
        (TOP, 0, -1),
        (9, TOP - 9, 19),
        (0x7FFFFFFF, 0, 0x7FFFFFFF),
        # The farthest there is counts as behind.
        (0x80000000, 0, -0x80000000),
        (0, 0x80000000, -0x80000000),
        (0x80000001, 0, -0x7FFFFFFF),
        # Unwrapped numbers: only the low 32 bits count.
        (7, (5 << 32) + 3, 4),
        (7, (5 << 32) + TOP, 8),
        ((1 << 40) + 1, 0, 1),
        (0, -1, 1),
        (TOP, -1, 0),
    ],
)
def test_distance(sequence: int, reference: int, ahead: int) -> None:
    assert distance(sequence, reference) == ahead


@given(st.integers(0, 1 << 60), st.integers(-(1 << 31), (1 << 31) - 1))
def test_distance_is_the_inverse_of_going_ahead(reference: int, ahead: int) -> None:
    assert distance((reference + ahead) & TOP, reference) == ahead
