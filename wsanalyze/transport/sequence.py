# cython: language_level=3, wraparound=False, initializedcheck=False
"""Arithmetic on TCP sequence numbers, which count modulo 2^32 (RFC 9293 §3.4)."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# Named, because a literal above 2^31 would be a Python object in the compiled code.
MODULUS = 0x100000000
HALF = 0x80000000
LOW = 0xFFFFFFFF


def distance(sequence: cython.longlong, reference: cython.longlong) -> cython.longlong:
    """Return how far `sequence` lies ahead of `reference`: -2^31 <= result < 2^31.

    Both may be unwrapped (any 64-bit number): only their low 32 bits count.
    """
    ahead: cython.longlong = (sequence - reference) & LOW
    if ahead >= HALF:
        return ahead - MODULUS
    return ahead
