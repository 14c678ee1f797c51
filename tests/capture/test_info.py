"""How large a packet may be is the interface's word, within the limit."""

from __future__ import annotations

import pytest

from wsanalyze.capture.info import Interface


@pytest.mark.parametrize(
    ("link", "snap", "largest"),
    [
        (1, None, 262_144),
        (1, 96, 262_144),
        (1, 300_000, 300_000),
        (1, 2_000_000, 1_000_000),
        (189, 96, 1_000_000),
    ],
)
def test_the_largest_packet(link: int, snap: int | None, largest: int) -> None:
    assert Interface("", link, snap, 10**6).largest_packet(1_000_000) == largest
