# cython: language_level=3, wraparound=False, initializedcheck=False
"""Bytes and gaps that are held back until it is known who reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer
from wsanalyze.layers.recorder import Recorder

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# What a held piece costs besides its bytes.
OVERHEAD = 256


class Piece(NamedTuple):
    """Bytes of a side, or how many are `missing`; the rest is as a layer's calls have it."""

    side: int
    data: bytes
    missing: int
    time: int
    packet: int
    ordinal: int


@cython.final
@cython.cclass
class Held:
    """What one connection or stream holds back, in the order of reading.

    `size` is what that costs in bytes, for the limit `held`; it counts in `Recorder.held`, too.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.pieces: list[Piece] = []
        self.size = 0

    def add(
        self, side: int, data: bytes, missing: int, time: int, packet: int, ordinal: int
    ) -> None:
        """Hold bytes, or a gap."""
        self.pieces.append(Piece(side, data, missing, time, packet, ordinal))
        self.size += len(data) + OVERHEAD
        self.recorder.held += len(data) + OVERHEAD

    def exceeded(self) -> str | None:
        """Return the limit that is exceeded, here or by all connections together, if one is."""
        limits = self.recorder.limits
        if self.size > limits.held:
            return "held"
        return "held_total" if self.recorder.held > limits.held_total else None

    def release(self) -> list[Piece]:
        """Return what is held, and hold nothing any more."""
        pieces, self.pieces = self.pieces, []
        self.recorder.held -= self.size
        self.size = 0
        return pieces


def length_of(pieces: Sequence[Piece]) -> int:
    """Return how many bytes of the stream the pieces cover, present or missing."""
    return sum(len(piece.data) + abs(piece.missing) for piece in pieces)


def replay(pieces: Sequence[Piece], layer: Layer, passed: Sequence[int] = (0, 0)) -> int:
    """Let a layer read pieces, but for the first bytes of each side that were `passed`.

    Return 1 where the layer wants to see no more of the connection.
    """
    left = list(passed)
    for side, data, missing, time, packet, ordinal in pieces:
        skipped = min(left[side], len(data))
        left[side] -= skipped
        done = 0
        if missing or not data:
            done = layer.gap(side, missing, time, packet, ordinal)
        elif skipped < len(data):
            done = layer.data(side, Buffer(data), skipped, len(data), time, packet, ordinal)
        if done:
            return 1
    return 0
