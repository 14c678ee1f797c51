"""Recorded captures that lost packets or begin later: what is found was there, and most of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.chance import chance

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

from losses.truth import (  # noqa: E402
    Capture,
    Kept,
    analyzed,
    complete_messages,
    identities,
    load,
    shifts,
)

SMALL = (
    "websockets-plain.pcapng",
    "websockets-deflate.pcapng",
    "aiohttp-chat.pcapng",
    "ws-ipv6.pcapng",
    "mixed-peers.pcapng",
    "fragments.pcapng",
    "keepalive.pcap",
    "lossy-path-server.pcapng",
)


@pytest.fixture(scope="module", params=SMALL)
def capture(request: pytest.FixtureRequest) -> Capture:
    """A recorded capture and all that is in it."""
    return load(ROOT / "captures" / request.param)


def compare(capture: Capture, kept: list[Kept]) -> tuple[int, int]:
    """Return how many frames are whole in what is left, and how many of them were found."""
    recording = analyzed(capture.written(kept))
    shifted = shifts(capture, recording, kept)
    found = set(identities(recording, shifted))
    assert found <= capture.all_frames
    assert set(complete_messages(recording, shifted)) <= capture.messages
    whole = capture.whole(kept)
    return len(whole), len(whole & found)


def test_packets_lost_at_random(capture: Capture) -> None:
    source = chance(capture.name)
    whole = found = 0
    for _ in range(6):
        counts = compare(
            capture, [Kept(n) for n in range(len(capture.packets)) if source.random() > 0.03]
        )
        whole, found = whole + counts[0], found + counts[1]
    assert found >= 0.9 * whole


def test_a_capture_that_begins_at_any_packet(capture: Capture) -> None:
    count = len(capture.packets)
    whole = found = 0
    for first in range(0, count, 1 + count // 60):
        counts = compare(capture, [Kept(n) for n in range(first, count)])
        whole, found = whole + counts[0], found + counts[1]
    assert found >= 0.8 * whole


def test_one_packet_lost_of_a_long_session() -> None:
    """All that is whole is found, whichever packet is missing, but for what stands next to it."""
    capture = load(ROOT / "captures" / "chromium.pcapng")
    missed = []
    for lost in range(0, len(capture.packets), 7):
        whole, found = compare(capture, [Kept(n) for n in range(len(capture.packets)) if n != lost])
        missed.append(whole - found)
    assert max(missed) <= 3
