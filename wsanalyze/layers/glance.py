# cython: language_level=3, wraparound=False, initializedcheck=False
"""A quick look at text: may it hold one of the things that checks look for in messages?"""

from __future__ import annotations

import re

from wsanalyze.buffer import Buffer

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

# What a JWT begins with, a PEM block, the key IDs of AWS, a field for a password; and as many
# digits as a card number has, with one of its first digits.
SUSPICIOUS = re.compile(
    rb"eyJ.|-BEG|A.IA.|[aA].[sS][wW].|(?<![0-9])[3-6][0-9](?:[ -]?[0-9]){11}", re.DOTALL
)

DIGITS = 13


@cython.boundscheck(False)
def glance(buffer: Buffer, start: cython.Py_ssize_t, stop: cython.Py_ssize_t) -> cython.int:
    """Return 1 where `buffer[start:stop]` may hold something of that kind, 0 where it cannot.

    What it says 1 to, `checks.contents` looks into; it looks for the same.
    """
    source: cython.p_const_uchar
    i: cython.Py_ssize_t
    length: cython.Py_ssize_t = stop - start
    hits: cython.uchar = 0
    # The one check that stands for the unchecked loops below.
    if start < 0 or stop > len(buffer.view) or length < 3:
        return 0
    if not cython.compiled:
        return 1 if SUSPICIOUS.search(buffer.view[start:stop]) else 0
    source = cython.address(buffer.view[0]) + start
    # Pairs of bytes first: without branches, the C compiler makes vector instructions of this.
    for i in range(length - 1):
        hits |= (source[i] == 0x79) & (source[i + 1] == 0x4A)
        hits |= (source[i] == 0x2D) & (source[i + 1] == 0x42)
        hits |= (source[i] == 0x49) & (source[i + 1] == 0x41)
        hits |= ((source[i] | 0x20) == 0x73) & ((source[i + 1] | 0x20) == 0x77)
    for i in range(length - 12):
        hits |= (
            (cython.cast(cython.uchar, source[i] - 0x33) < 4)
            & (cython.cast(cython.uchar, source[i + 1] - 0x30) < 10)
            & (cython.cast(cython.uchar, source[i + 2] - 0x30) < 10)
            & (cython.cast(cython.uchar, source[i + 3] - 0x30) < 10)
            & (
                (cython.cast(cython.uchar, source[i + 11] - 0x30) < 10)
                | (cython.cast(cython.uchar, source[i + 12] - 0x30) < 10)
            )
        )
    return look(source, length) if hits else 0


@cython.cfunc
@cython.boundscheck(False)
@cython.exceptval(check=False)
def look(source: cython.p_const_uchar, length: cython.Py_ssize_t) -> cython.int:
    """Return 1 where something of SUSPICIOUS is in these bytes, byte by byte."""
    i: cython.Py_ssize_t
    byte: cython.int
    for i in range(length - 3):
        byte = source[i]
        if byte == 0x65:
            if source[i + 1] == 0x79 and source[i + 2] == 0x4A:
                return 1
        elif byte == 0x2D:
            if source[i + 1] == 0x42 and source[i + 2] == 0x45 and source[i + 3] == 0x47:
                return 1
        elif byte == 0x49:
            if i >= 2 and source[i + 1] == 0x41 and source[i - 2] == 0x41:
                return 1
        elif byte | 0x20 == 0x73:
            if source[i + 1] | 0x20 == 0x77 and i >= 2 and source[i - 2] | 0x20 == 0x61:
                return 1
        elif 0x33 <= byte <= 0x36:
            if (i == 0 or source[i - 1] - 0x30 > 9 or source[i - 1] < 0x30) and card(
                source, i, length
            ):
                return 1
    return 0


@cython.cfunc
@cython.boundscheck(False)
@cython.exceptval(check=False)
def card(
    source: cython.p_const_uchar, at: cython.Py_ssize_t, length: cython.Py_ssize_t
) -> cython.int:
    """Return 1 where 13 to 19 digits begin at `at`, alone or grouped, with a right check digit."""
    digits: cython.int = 0
    digit: cython.int
    even: cython.int = 0
    odd: cython.int = 0
    doubled: cython.int
    while at < length and digits < 20:
        digit = source[at]
        if digit == 0x20 or digit == 0x2D:
            if at + 1 == length or source[at + 1] < 0x30 or source[at + 1] > 0x39:
                break
        elif 0x30 <= digit <= 0x39:
            digit -= 0x30
            doubled = 2 * digit - 9 if digit > 4 else 2 * digit
            # Every second digit from the right is doubled: which ones, is known at the end.
            even += doubled if digits & 1 else digit
            odd += digit if digits & 1 else doubled
            digits += 1
        else:
            break
        at += 1
    if digits < DIGITS or digits > 19:
        return 0
    return (even if digits & 1 else odd) % 10 == 0
