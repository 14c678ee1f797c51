# cython: language_level=3, wraparound=False, initializedcheck=False
"""A quick look at messages: may they hold one of the things that checks look for in them?"""

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
    rb"eyJ|-B.G|A.IA|[aA][sS][sS][wW]|(?<![0-9])[3-6][0-9](?:[ -]?[0-9]){11}", re.DOTALL
)

# A card's number has 13 to 19 digits, alone or in groups of four with one byte between.
DIGITS = 13
MOST_DIGITS = 19
ZERO = 0x30
THREE = 0x33

# What other protocols begin with (SSH, HTTP, RDP, SOCKS, TLS, VNC), and JSON.
BEGINNINGS = b"SGPHDOC\x03\x05\x16R"
JSON = b"{["
BASE64 = re.compile(rb"[A-Za-z0-9+/]{4}")
BASE64_FROM = 64
# Bytes from which a binary message may be as random as what is encrypted.
DENSE_FROM = 4096


def glance(buffer: Buffer, start: cython.Py_ssize_t, stop: cython.Py_ssize_t) -> cython.bint:
    """Say whether `buffer[start:stop]` holds something of SUSPICIOUS.

    Card numbers count only with the right check digit where this is compiled.
    """
    length: cython.Py_ssize_t = stop - start
    # The one check that stands for the unchecked loops.
    if start < 0 or stop > len(buffer.view) or length < 4:
        return False
    if not cython.compiled:
        return SUSPICIOUS.search(buffer.view[start:stop]) is not None
    return is_suspicious(cython.address(buffer.view[0]) + start, length)


def glance_at(kept: bytearray, length: cython.Py_ssize_t) -> cython.bint:
    """Say whether the first `length` bytes kept of a message hold something of SUSPICIOUS."""
    source: cython.p_const_uchar
    if length < 4 or length > len(kept):
        return False
    if not cython.compiled:
        return SUSPICIOUS.search(kept, 0, length) is not None
    source = kept  # type: ignore[assignment]  # its bytes, where this is compiled
    return is_suspicious(source, length)


def is_telling(kept: bytearray, opcode: cython.int) -> cython.bint:
    """Say whether the beginning of a message may tell something else than what SUSPICIOUS has.

    That it is of another protocol, that it is encrypted, that its opcode is the wrong one: nearly
    every message tells by its first bytes that it is nothing of that.
    """
    if len(kept) == 0:
        return False
    if kept[0] in BEGINNINGS:
        return True
    if opcode == 2:
        return len(kept) >= DENSE_FROM or kept[0] in JSON
    if len(kept) < BASE64_FROM or len(kept) & 3:
        return False
    return BASE64.match(kept) is not None


@cython.cfunc
@cython.exceptval(check=False)
def is_suspicious(source: cython.p_const_uchar, length: cython.Py_ssize_t) -> cython.bint:
    """Say whether something of SUSPICIOUS is in these bytes, four at least."""
    if has_pair(source, length) and look(source, length):
        return True
    if length < DIGITS or not may_have_digits(source, length):
        return False
    return has_digits(source, length) and find_card(source, length)


@cython.cfunc
@cython.exceptval(check=False)
def has_pair(source: cython.p_const_uchar, length: cython.Py_ssize_t) -> cython.bint:
    """Say whether two bytes follow each other as in SUSPICIOUS.

    Looked at in blocks of sixteen places, the last of which goes over some once more: what is left
    over takes as long as all the blocks of a short message, one by one.
    """
    places: cython.Py_ssize_t = length - 1
    if places < 16:
        return nearest_pair(source, places) == 0
    if nearest_pair(source, places & -16) == 0:
        return True
    return places & 15 != 0 and nearest_pair(source + (places - 16), 16) == 0


@cython.cfunc
@cython.inline
@cython.boundscheck(False)
@cython.exceptval(check=False)
def nearest_pair(source: cython.p_const_uchar, places: cython.Py_ssize_t) -> cython.uchar:
    """Return the least difference from a pair of SUSPICIOUS, 0 where one begins at a place.

    Written without a branch: the C compiler makes vector instructions of it, which look at sixteen
    places at once.
    """
    i: cython.Py_ssize_t
    least: cython.uchar = 255
    one: cython.uchar
    for i in range(places):
        one = (source[i] ^ 0x79) | (source[i + 1] ^ 0x4A)
        least = one if one < least else least
        one = (source[i] ^ 0x2D) | (source[i + 1] ^ 0x42)
        least = one if one < least else least
        one = (source[i] ^ 0x49) | (source[i + 1] ^ 0x41)
        least = one if one < least else least
        one = (source[i] ^ 0x73 | source[i + 1] ^ 0x77) & 0xDF
        least = one if one < least else least
    return least


@cython.cfunc
@cython.exceptval(check=False)
def may_have_digits(source: cython.p_const_uchar, length: cython.Py_ssize_t) -> cython.bint:
    """Say whether there are digits at some of the places of `has_digits`: a shorter look."""
    places: cython.Py_ssize_t = length - DIGITS + 1
    if places < 16:
        return nearest_digits(source, places) < 10
    if nearest_digits(source, places & -16) < 10:
        return True
    return places & 15 != 0 and nearest_digits(source + (places - 16), 16) < 10


@cython.cfunc
@cython.inline
@cython.boundscheck(False)
@cython.exceptval(check=False)
def nearest_digits(source: cython.p_const_uchar, places: cython.Py_ssize_t) -> cython.uchar:
    """Return a number below 10 where three digits of a card's number may begin at a place."""
    i: cython.Py_ssize_t
    least: cython.uchar = 255
    most: cython.uchar
    one: cython.uchar
    for i in range(places):
        one = source[i] - THREE
        most = 255 if one > 3 else 0
        one = source[i + 3] - ZERO
        most = one if one > most else most
        one = source[i + 6] - ZERO
        most = one if one > most else most
        least = most if most < least else least
    return least


@cython.cfunc
@cython.boundscheck(False)
@cython.exceptval(check=False)
def has_digits(source: cython.p_const_uchar, length: cython.Py_ssize_t) -> cython.bint:
    """Say whether digits stand where those of a card's number do, the first from 3 to 6."""
    i: cython.Py_ssize_t
    least: cython.uchar = 255
    most: cython.uchar
    one: cython.uchar
    for i in range(length - DIGITS + 1):
        one = source[i] - THREE
        most = 255 if one > 3 else 0
        one = source[i + 1] - ZERO
        most = one if one > most else most
        one = source[i + 2] - ZERO
        most = one if one > most else most
        one = source[i + 3] - ZERO
        most = one if one > most else most
        one = source[i + 5] - ZERO
        most = one if one > most else most
        one = source[i + 6] - ZERO
        most = one if one > most else most
        one = source[i + 8] - ZERO
        most = one if one > most else most
        one = source[i + 10] - ZERO
        most = one if one > most else most
        one = source[i + 12] - ZERO
        most = one if one > most else most
        least = most if most < least else least
    return least < 10


@cython.cfunc
@cython.boundscheck(False)
@cython.exceptval(check=False)
def look(source: cython.p_const_uchar, length: cython.Py_ssize_t) -> cython.bint:
    """Say whether something of SUSPICIOUS but a number is in these bytes."""
    i: cython.Py_ssize_t
    first: cython.int
    for i in range(length - 2):
        first = source[i]
        if first == 0x65 and source[i + 1] == 0x79 and source[i + 2] == 0x4A:
            return True
        if i + 4 > length:
            break
        if first == 0x2D and source[i + 1] == 0x42 and source[i + 3] == 0x47:
            return True
        if first == 0x41 and source[i + 2] == 0x49 and source[i + 3] == 0x41:
            return True
        if first | 0x20 != 0x61 or source[i + 3] | 0x20 != 0x77:
            continue
        if source[i + 1] | 0x20 == 0x73 and source[i + 2] | 0x20 == 0x73:
            return True
    return False


@cython.cfunc
@cython.boundscheck(False)
@cython.exceptval(check=False)
def find_card(source: cython.p_const_uchar, length: cython.Py_ssize_t) -> cython.bint:
    """Say whether a card's number with the right check digit begins anywhere in these bytes."""
    i: cython.Py_ssize_t
    for i in range(length - DIGITS + 1):
        if source[i] < 0x33 or source[i] > 0x36:
            continue
        if i > 0 and (is_of_word(source[i - 1]) or source[i - 1] == 0x2E):
            continue
        if card(source, i, length):
            return True
    return False


@cython.cfunc
@cython.exceptval(check=False)
def is_of_word(byte: cython.int) -> cython.bint:
    """Say whether this is a digit or letter, which no card's number stands beside."""
    return 0x30 <= byte <= 0x39 or 0x41 <= byte <= 0x5A or 0x61 <= byte <= 0x7A


@cython.cfunc
@cython.boundscheck(False)
@cython.exceptval(check=False)
def card(
    source: cython.p_const_uchar, at: cython.Py_ssize_t, length: cython.Py_ssize_t
) -> cython.bint:
    """Say whether 13 to 19 digits with a right check digit stand at `at`, as a card's do.

    In groups of four with one byte between, or without any; what follows is not of them.
    """
    digits: cython.int = 0
    digit: cython.int
    even: cython.int = 0
    odd: cython.int = 0
    doubled: cython.int
    between: cython.int = 0
    i: cython.Py_ssize_t = at
    if source[at + 4] == 0x20 or source[at + 4] == 0x2D:
        between = source[at + 4]
    while i < length and digits < 20:
        digit = source[i]
        if between and digit == between and (digits == 4 or digits == 8 or digits == 12):
            i += 1
            if i == length:
                break
            digit = source[i]
        elif between and (digits == 4 or digits == 8 or digits == 12):
            break
        if digit < 0x30 or digit > 0x39:
            break
        digit -= 0x30
        doubled = 2 * digit - 9 if digit > 4 else 2 * digit
        # Every second digit from the right is doubled: which ones, is known at the end.
        even += doubled if digits & 1 else digit
        odd += digit if digits & 1 else doubled
        digits += 1
        i += 1
    if digits < DIGITS or digits > MOST_DIGITS or (i < length and is_of_word(source[i])):
        return False
    return (even if digits & 1 else odd) % 10 == 0
