"""Text put piece by piece into room that is there: each function returns where the next one goes.

Compiled kernels take these functions from lettering.pxd, where none makes an object; what stands
here is for kernels that run uncompiled. IndexError where a piece has no room, or is not there.
"""

from __future__ import annotations

from json.encoder import encode_basestring_ascii


def letters(room: bytearray, at: int, text: bytes) -> int:
    """Put `text` at `at`."""
    return _put(room, at, text)


def decimal(room: bytearray, at: int, value: int) -> int:
    """Put a 64-bit integer as decimal digits."""
    return _put(room, at, b"%d" % value)


def nine_digits(room: bytearray, at: int, value: int) -> int:
    """Put the last nine decimal digits of an integer that is not negative, zeros in front."""
    return _put(room, at, b"%09d" % (value % 1_000_000_000))


def hexadecimal(room: bytearray, at: int, source: bytearray, start: int, stop: int) -> int:
    """Put the bytes `source[start:stop]` as two digits each."""
    _check(source, start, stop)
    return _put(room, at, source[start:stop].hex().encode())


def plain_json(room: bytearray, at: int, source: bytearray, start: int, stop: int) -> int:
    """Put `source[start:stop]` as a string of JSON, where all of it is printable ASCII.

    Returns `at`, and puts nothing, where that is not so or a `#` is among it: a CI service may
    obey what stands behind one (see `ascii_json`).
    """
    _check(source, start, stop)
    text = source[start:stop]
    if b"#" in text or not (text.isascii() and text.decode().isprintable()):
        return at
    return _put(room, at, encode_basestring_ascii(text.decode()).encode())


def plain(room: bytearray, at: int, source: bytearray, start: int, stop: int) -> int:
    """Put `source[start:stop]` as it is, where all of it is printable ASCII without a backslash.

    Returns `at`, and puts nothing, where that is not so.
    """
    _check(source, start, stop)
    text = source[start:stop]
    if b"\\" in text or not (text.isascii() and text.decode().isprintable()):
        return at
    return _put(room, at, bytes(text))


def _put(room: bytearray, at: int, text: bytes) -> int:
    if at < 0 or at + len(text) > len(room):
        raise IndexError("no room")
    room[at : at + len(text)] = text
    return at + len(text)


def _check(source: bytearray, start: int, stop: int) -> None:
    if start < 0 or stop < start or stop > len(source):
        raise IndexError("not there")
