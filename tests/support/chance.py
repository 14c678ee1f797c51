"""Randomness that is the same in every run."""

from __future__ import annotations

import random


def chance(seed: int | str) -> random.Random:
    """Return a source of random numbers."""
    return random.Random(seed)  # noqa: S311
