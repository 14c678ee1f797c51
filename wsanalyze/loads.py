"""Numbers read in place, without a check: the caller has made sure that the bytes are there.

Compiled kernels take these functions from loads.pxd, where each is one instruction; what stands
here is for kernels that run uncompiled.
"""

from __future__ import annotations

from wsanalyze.buffer import Buffer


def load16(buffer: Buffer, at: int) -> int:
    """Return the big-endian 16-bit number at `at`."""
    return buffer.view[at] << 8 | buffer.view[at + 1]


def load32(buffer: Buffer, at: int) -> int:
    """Return the big-endian 32-bit number at `at`."""
    return int.from_bytes(buffer.view[at : at + 4], "big")


def little32(buffer: Buffer, at: int) -> int:
    """Return the little-endian 32-bit number at `at`."""
    return int.from_bytes(buffer.view[at : at + 4], "little")


def word(buffer: Buffer, at: int) -> int:
    """Return the little-endian 64-bit number at `at`."""
    return int.from_bytes(buffer.view[at : at + 8], "little")
