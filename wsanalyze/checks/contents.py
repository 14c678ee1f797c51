"""What the beginning of a message gives away: secrets, other protocols, the wrong opcode.

Pure functions on bytes. `layers/glance.py` decides, quickly, which messages are worth asking.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from math import log2
from zlib import compress

from wsanalyze.checks.bits import Bytes
from wsanalyze.observation import INNER

# A JSON Web Token: header, payload and signature in base64url (RFC 7519 §3); `eyJ` is `{"`.
# It begins a word: text full of `eyJ` would otherwise be read to its end from each of them.
_JWT = re.compile(
    rb"(?<![A-Za-z0-9_-])(eyJ[A-Za-z0-9_-]{8,})\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}"
)
_PEM = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY-----")
_AWS = re.compile(rb"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])")
# Digits, alone or in groups of four; the networks' numbers begin with 3 to 6 (ISO/IEC 7812).
_CARD = re.compile(
    rb"(?<![0-9A-Za-z.])[3-6][0-9]{3}([ -]?)[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}(?![0-9A-Za-z]|\.[0-9])"
)
# One long number in ten has the right check digit, an identifier of 64 bits, too: what else a
# card's has are the first digits of its network, and the length that they go with.
_NETWORK = re.compile(
    rb"4[0-9]{15}"  # Visa
    rb"|5[1-5][0-9]{14}"  # Mastercard
    rb"|3[47][0-9]{13}"  # American Express
    rb"|3(?:0[0-5]|[689][0-9])[0-9]{11}"  # Diners Club
    rb"|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # JCB
    rb"|6(?:011|4[4-9][0-9]|5[0-9]{2})[0-9]{12}"  # Discover
    rb"|62[0-9]{14,17}"  # UnionPay
    rb"|(?:50(?:18|20|38)|5893|6304|6759|676[123])[0-9]{12,15}"  # Maestro
)
_PASSWORD = re.compile(
    rb"""["']?(?:password|passwd)["']?\s*[:=]\s*["']?([^\s"'&,;}]{4,})""", re.IGNORECASE
)
# What stands in the place of a password where there is none.
_NO_PASSWORD = frozenset((b"null", b"none", b"true", b"false", b"undefined", b"****", b"password"))

_BASE64 = re.compile(rb"[A-Za-z0-9+/]{4,}={0,2}")
_REQUEST_LINE = re.compile(
    rb"(?:GET|POST|PUT|HEAD|DELETE|OPTIONS|PATCH|CONNECT) \S{1,2000} HTTP/1\.[01]\r\n"
)
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-5][0-9][0-9] ")
# TPKT (RFC 1006 §6) around a connection request or confirm of X.224; a handshake record of TLS.
_CLIENT_OR_SERVER_HELLO = re.compile(rb"\x16\x03[\x00-\x04]..[\x01\x02]", re.DOTALL)
_X224 = re.compile(rb"\x03\x00...[\xd0\xe0]", re.DOTALL)
_RFB = re.compile(rb"RFB 00[34]\.[0-9]{3}\n")

# Text of this length that is nothing but base64 is no word.
BASE64_FROM = 64

# What the first message of another protocol begins with.
_FIRST_BYTES = frozenset(bytes((byte,)) for byte in b"SGPHDOC\x03\x05\x16R")

# Bytes that show no order, as encrypted and most compressed ones: of 4,096 at least (fewer cannot
# be so even), each value comes about equally often, and so does each difference to the byte
# before, which a sequence that counts gives away; and DEFLATE does not shorten them, as it does
# wherever something comes again. Random bytes have 7.955 bits a byte, give or take 0.004: by the
# chi-square approximation (2 ln 2 · n · (8 - bits), 255 degrees of freedom) fewer than one sample
# in 10^23 is below DENSE. Fewer than one in 2^31 can be written in SAVED bytes less, by any code.
DENSE_FROM = 4096
DENSE = 7.9
SAVED = 4

Found = tuple[str, int, bytes]


def inspect(payload: bytes, opcode: int, suspicious: bool) -> list[Found]:
    """Return what the beginning of a message gives away, each as (kind, value, bytes).

    `payload` is unmasked, decompressed and may be cut; `opcode` is 1 or 2. `suspicious`: whether a
    quick look says that it may hold a secret. The kinds are those of `observation.KINDS`; the bytes
    are those at fault, and may be a secret.
    """
    found: list[Found] = []
    if suspicious:
        found += [("secret", index, secret) for index, secret in _secrets(payload)]
    inner = _inner_protocol(payload) if payload[:1] in _FIRST_BYTES else None
    if inner is not None:
        found.append(("inner-protocol", inner, payload[:32]))
    if opcode == 2 and len(payload) >= DENSE_FROM and inner is None:
        bits = maybe_dense(payload)
        if bits is not None:
            found.append(("dense", int(bits * 1000), payload[:32]))
    if opcode == 2 and _is_json(payload):
        found.append(("json-in-binary", 0, payload[:32]))
    if opcode == 1 and _is_base64(payload):
        found.append(("base64-in-text", 0, payload[:32]))
    return found


def _secrets(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each kind of secret, once: its index in `observation.SECRETS`, and its bytes."""
    for index, look in enumerate((_jwt, _pem, _aws, _card, _password)):
        secret = look(payload)
        if secret is not None:
            yield index, secret


def _jwt(payload: bytes) -> bytes | None:
    for match in _JWT.finditer(payload):
        encoded = match[1]
        try:
            header = json.loads(urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4)))
        except (ValueError, Base64Error, RecursionError):
            continue
        if isinstance(header, dict) and "alg" in header:
            return match[0]
    return None


def _pem(payload: bytes) -> bytes | None:
    match = _PEM.search(payload)
    return match[0] if match else None


def _aws(payload: bytes) -> bytes | None:
    match = _AWS.search(payload)
    return match[0] if match else None


def _card(payload: bytes) -> bytes | None:
    for match in _CARD.finditer(payload):
        digits = bytes(byte for byte in match[0] if 0x30 <= byte <= 0x39)
        if _NETWORK.fullmatch(digits) and len(set(digits)) > 1 and is_luhn(digits):
            return match[0]
    return None


def is_luhn(digits: bytes) -> bool:
    """Tell whether ASCII digits end with the right check digit (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, byte in enumerate(reversed(digits)):
        digit = byte - 0x30
        if place % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10 == 0


def _password(payload: bytes) -> bytes | None:
    for match in _PASSWORD.finditer(payload):
        if match[1].lower() not in _NO_PASSWORD and not match[1].startswith(b"***"):
            return match[0]
    return None


def _inner_protocol(payload: bytes) -> int | None:
    """Return the index in INNER of the protocol whose first bytes these are, None for none."""
    name = None
    if payload.startswith((b"SSH-2.0-", b"SSH-1.")):
        name = "SSH"
    elif _CLIENT_OR_SERVER_HELLO.match(payload):
        name = "TLS"
    elif _REQUEST_LINE.match(payload) or _STATUS_LINE.match(payload):
        name = "HTTP"
    elif _is_socks(payload):
        name = "SOCKS"
    elif _X224.match(payload) and int.from_bytes(payload[2:4], "big") == len(payload):
        name = "RDP"
    elif _RFB.match(payload):
        name = "VNC"
    return INNER.index(name) if name else None


def _is_socks(payload: bytes) -> bool:
    """Tell whether these are a client's first bytes of SOCKS 5 (RFC 1928 §3), and nothing else."""
    if not 3 <= len(payload) <= 12 or payload[0] != 5 or payload[1] != len(payload) - 2:
        return False
    methods = payload[2:]
    return len(set(methods)) == len(methods) and all(method in (0, 1, 2) for method in methods)


def maybe_dense(payload: bytes) -> float | None:
    """Return the entropy of bytes that show no order, in bits a byte; None of all others.

    What it cannot tell: how they came about. A generator that is made for simulations passes.
    """
    bits = entropy(payload)
    if bits <= DENSE or entropy(differences(payload)) <= DENSE:
        return None
    return bits if len(compress(payload, 9)) > len(payload) - SAVED else None


def differences(payload: bytes) -> bytes:
    """Return each byte less the one before it, modulo 256."""
    size = len(payload)
    # As two long numbers: the top bit of each byte stands apart, so that nothing is borrowed.
    ones = int.from_bytes(b"\x80" * size, "big")
    this = int.from_bytes(payload, "big")
    before = this >> 8
    apart = (this | ones) - (before & ~ones)
    return (apart ^ ((this ^ ~before) & ones)).to_bytes(size, "big")[1:]


def entropy(payload: bytes) -> float:
    """Return Shannon's entropy of the bytes, in bits a byte."""
    size = len(payload)
    return -sum(n / size * log2(n / size) for n in Bytes(payload).counts if n)


def _is_json(payload: bytes) -> bool:
    """Tell whether a whole binary message is a JSON object or array that is not empty."""
    if len(payload) < 8 or payload[:1] not in (b"{", b"["):
        return False
    try:
        return bool(json.loads(payload))
    except (ValueError, RecursionError):
        return False


def _is_base64(payload: bytes) -> bool:
    if len(payload) < BASE64_FROM or len(payload) % 4 or not _BASE64.fullmatch(payload):
        return False
    # Hexadecimal digits and words of one case are no base64.
    kinds = (rb"[A-Z]", rb"[a-z]", rb"[0-9]")
    return all(re.search(kind, payload) for kind in kinds)
