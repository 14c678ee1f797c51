"""What a certificate says of itself: subject, issuer, and from when to when it is valid.

X.509 (RFC 5280 §4.1) in DER (X.690), as far as the table needs it; nothing is verified.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass

from wsanalyze.tls.cursor import Cursor, MalformedError

SEQUENCE, SET, OBJECT_ID, UTC_TIME, GENERALIZED_TIME, VERSION = 0x30, 0x31, 6, 23, 24, 0xA0
# Universal strings whose bytes are not UTF-8: T61String, IA5String are near enough.
BMP_STRING = 30
# Short names of attribute types, RFC 4514 §3.
ATTRIBUTES = {
    b"\x55\x04\x03": "CN",
    b"\x55\x04\x06": "C",
    b"\x55\x04\x07": "L",
    b"\x55\x04\x08": "ST",
    b"\x55\x04\x09": "STREET",
    b"\x55\x04\x0a": "O",
    b"\x55\x04\x0b": "OU",
    bytes.fromhex("0992268993f22c640101"): "UID",
    bytes.fromhex("0992268993f22c640119"): "DC",
}
# Longest name that is kept: names are for people, and a stranger wrote them.
LONGEST_NAME = 1024
LONGEST_OID = 64
NS_PER_S = 1_000_000_000
TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z", re.ASCII)
LARGEST_NS = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Certificate:
    """Names as RFC 4514 writes them, the most specific last; times in ns, None beyond 2262."""

    subject: str
    issuer: str
    not_before: int | None
    not_after: int | None


def maybe_leaf(body: bytes, *, with_context: bool) -> bytes | None:
    """Return the first certificate of a Certificate message; None where there is none.

    `with_context`: TLS 1.3 (RFC 8446 §4.4.2), else RFC 5246 §7.4.2.
    """
    cursor = Cursor(body)
    try:
        if with_context:
            cursor.vector(1)
        return Cursor(cursor.vector(3)).vector(3) or None
    except MalformedError:
        return None


def maybe_certificate(data: bytes) -> Certificate | None:
    """Read a certificate in DER; None where it is none."""
    try:
        outside = Cursor(_value(Cursor(data), SEQUENCE))
        inside = Cursor(_value(outside, SEQUENCE))
        kind, _ = _next(inside)
        if kind == VERSION:
            _next(inside)  # serial number
        _value(inside, SEQUENCE)  # signature algorithm
        issuer = _name(_value(inside, SEQUENCE))
        validity = Cursor(_value(inside, SEQUENCE))
        begin, end = _time(*_next(validity)), _time(*_next(validity))
        return Certificate(_name(_value(inside, SEQUENCE)), issuer, begin, end)
    except (MalformedError, ValueError):
        return None


def _next(cursor: Cursor) -> tuple[int, bytes]:
    """Return the tag and contents of the next element."""
    tag, length = cursor.number(1), cursor.number(1)
    if length & 0x80:
        if not 0 < length & 0x7F <= 4:
            raise MalformedError("a length of more than four bytes, or of none")
        length = cursor.number(length & 0x7F)
    return tag, cursor.take(length)


def _value(cursor: Cursor, expected: int) -> bytes:
    tag, value = _next(cursor)
    if tag != expected:
        raise MalformedError(f"tag {tag} where {expected} belongs")
    return value


def _name(data: bytes) -> str:
    parts, sets = [], Cursor(data)
    while sets.left:
        attributes = Cursor(_value(sets, SET))
        while attributes.left:
            pair = Cursor(_value(attributes, SEQUENCE))
            kind = _value(pair, OBJECT_ID)
            tag, text = _next(pair)
            name = ATTRIBUTES.get(kind) or _dotted(kind)
            parts.append(f"{name}={_text(tag, text)}")
    return ",".join(parts)[:LONGEST_NAME]


def _dotted(data: bytes) -> str:
    """Return an object identifier as `OID.2.5.4.5`, in hex where it is none (X.690 §8.19)."""
    numbers, number = [], 0
    for byte in data[:LONGEST_OID]:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(number)
            number = 0
    if not data or len(data) > LONGEST_OID or data[-1] & 0x80:
        return "OID." + data[:LONGEST_OID].hex()
    first = min(numbers[0] // 40, 2)
    return ".".join(("OID", str(first), *map(str, (numbers[0] - 40 * first, *numbers[1:]))))


def _text(tag: int, data: bytes) -> str:
    encoding = "utf-16-be" if tag == BMP_STRING else "utf-8"
    text = data[: 4 * LONGEST_NAME].decode(encoding, "replace")
    escaped = "".join("\\" + each if each in ',+"\\<>;' else each for each in text)
    if text.endswith(" "):
        escaped = escaped[:-1] + "\\ "
    if text.startswith(("#", " ")) and text != " ":
        escaped = "\\" + escaped
    # RFC 4514 §2.4: what ends a string in C ends no name.
    return escaped.replace("\0", "\\00")


def _time(tag: int, data: bytes) -> int | None:
    """Return a time in ns since 1970; ValueError where it is none."""
    text = data.decode("ascii")
    if tag == UTC_TIME:
        # RFC 5280 §4.1.2.5.1: 50 to 99 are of the twentieth century.
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != GENERALIZED_TIME:
        raise MalformedError(f"tag {tag} where a time belongs")
    match = TIME.fullmatch(text)
    if match is None:
        raise MalformedError("a time that is not in seconds of UTC")
    year, month, day, hour, *rest = numbers = tuple(map(int, match.groups()))
    if not 0 < day <= calendar.monthrange(year, month)[1] or hour > 23 or max(rest) > 59:
        raise MalformedError("a time that there is not")
    found = calendar.timegm(numbers) * NS_PER_S
    return found if -LARGEST_NS <= found <= LARGEST_NS else None
