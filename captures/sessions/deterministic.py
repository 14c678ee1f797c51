"""Payloads that are the same in each recording."""

from __future__ import annotations

import hashlib


def noise(length: int) -> bytes:
    """Return `length` bytes that do not compress."""
    blocks = (
        hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(length // 32 + 1)
    )
    return b"".join(blocks)[:length]


def prose(length: int) -> str:
    """Return `length` characters of numbered lines."""
    lines = (f"line {number:06d} of a long text\n" for number in range(length // 26 + 1))
    return "".join(lines)[:length]
