"""What a fuzz target is: bytes in, an invariant, and a sketch of what came out."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"

Seeds = Sequence[bytes]


@dataclass(frozen=True)
class Target:
    """One room of the package under one invariant.

    `check(data)` raises where the invariant does not hold, whatever the bytes are; what it returns
    is a sketch: inputs whose sketch is new are kept and changed further. Compiled kernels cannot
    be instrumented, and what they say of an input stands for the paths that it took.
    `mutate(data, seeds, chance)` returns changed bytes; `seeds()` are valid inputs to start from.
    """

    name: str
    invariant: str
    seeds: Callable[[], Seeds]
    mutate: Callable[[bytes, Seeds, random.Random], bytes]
    check: Callable[[bytes], Hashable]

    def saved(self) -> list[Path]:
        """Return the inputs that are kept with the tests."""
        return sorted((CORPUS / self.name).glob("*"))


def magnitude(number: int) -> int:
    """Return a number's order of magnitude, for sketches: 0, 1, 2-3, 4-7, …"""
    return number.bit_length()
