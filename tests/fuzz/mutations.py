"""Changes to bytes of any kind: flipped, cut, repeated, spliced, and numbers that overflow."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

# Where lengths and counters go wrong: around the powers that a field or a C type ends at.
EDGES = sorted({edge + by for bits in (0, 7, 8, 15, 16, 31, 32, 63, 64) for edge in [1 << bits]
                for by in (-2, -1, 0, 1)})  # fmt: skip


def mutated(data: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Return `data` with one to four changes."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 4))):
        data = chance.choice(CHANGES)(data, seeds, chance)
    return data


def flip(data: bytes, _seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Change one bit."""
    changed = bytearray(data or b"\0")
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def replace(data: bytes, _seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Set one byte."""
    changed = bytearray(data or b"\0")
    changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def number(data: bytes, _seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Write a number from the edge of a type over 1, 2, 4 or 8 bytes."""
    width = chance.choice((1, 2, 4, 8))
    value = chance.choice(EDGES) & ((1 << 8 * width) - 1)
    at = chance.randrange(len(data) + 1)
    order = "big" if chance.random() < 0.5 else "little"
    return data[:at] + value.to_bytes(width, order) + data[at + width :]


def add(data: bytes, _seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Let a number that stands there be a little more or less."""
    width = chance.choice((1, 2, 4, 8))
    at = chance.randrange(len(data) + 1)
    order = "big" if chance.random() < 0.5 else "little"
    value = int.from_bytes(data[at : at + width], order) + chance.randint(-16, 16)
    return data[:at] + (value % (1 << 8 * width)).to_bytes(width, order) + data[at + width :]


def stretch(data: bytes, chance: random.Random) -> tuple[int, int]:
    """Return where a part of the data begins and ends, short ones more often."""
    at = chance.randrange(len(data) + 1)
    most = len(data) - at
    return at, at + min(most, chance.choice((1, 2, 4, 16, 64, most)))


def cut(data: bytes, _seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Leave a part out."""
    at, stop = stretch(data, chance)
    return data[:at] + data[stop:]


def shorten(data: bytes, _seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Leave out the end."""
    return data[: chance.randrange(len(data) + 1)]


def repeat(data: bytes, _seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Let a part stand there several times."""
    at, stop = stretch(data, chance)
    times = chance.choice((2, 2, 3, 20))
    return data[:at] + data[at:stop] * times + data[stop:]


def move(data: bytes, _seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Let a part stand elsewhere."""
    at, stop = stretch(data, chance)
    rest = data[:at] + data[stop:]
    to = chance.randrange(len(rest) + 1)
    return rest[:to] + data[at:stop] + rest[to:]


def splice(data: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Go on as another input does."""
    other = chance.choice(seeds)
    return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other) + 1) :]


def insert(data: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Put a part of another input in."""
    other = chance.choice(seeds)
    start, stop = stretch(other, chance)
    at = chance.randrange(len(data) + 1)
    return data[:at] + other[start:stop] + data[at:]


CHANGES: tuple[Callable[[bytes, Sequence[bytes], random.Random], bytes], ...] = (
    flip,
    replace,
    number,
    add,
    cut,
    shorten,
    repeat,
    move,
    splice,
    insert,
)
