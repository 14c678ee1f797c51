"""What the beginning of a message gives away, and what only looks like it."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256
from zlib import compress

import pytest

from wsanalyze.checks.contents import differences, entropy, inspect, is_luhn, maybe_dense
from wsanalyze.observation import INNER, SECRETS

TEXT, BINARY = 1, 2


def part(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


HEADER = part(b'{"alg":"HS256","typ":"JWT"}')
JWT = b".".join((HEADER, part(b'{"sub":"1234567890"}'), part(bytes(32))))


def secrets(payload: bytes) -> list[str]:
    return [SECRETS[value] for kind, value, _ in inspect(payload, TEXT, True) if kind == "secret"]


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        (b'{"token":"' + JWT + b'"}', "JWT"),
        (b"-----BEGIN RSA PRIVATE KEY-----\nMIIE", "PEM private key"),
        (b"-----BEGIN PRIVATE KEY-----\nMIIE", "PEM private key"),
        (b"key AKIAIOSFODNN7EXAMPLE here", "AWS access key"),
        (b"pay with 4111 1111 1111 1111 please", "card number"),
        (b"5500-0000-0000-0004", "card number"),
        (b'{"card":"378282246310005"}', "card number"),
        (b"30569309025904", "card number"),
        (b"3530111333300000.", "card number"),
        (b"6011111111111117", "card number"),
        (b"6304000000000000", "card number"),
        (b'{"user":"ann","password":"hunter22"}', "password field"),
        (b"user=ann&passwd=hunter22", "password field"),
    ],
)
def test_a_secret(payload: bytes, name: str) -> None:
    assert secrets(payload) == [name]


@pytest.mark.parametrize(
    "payload",
    [
        b"eyJub3QiOiJhIHRva2VuIn0",
        part(b'{"no":"alg in it at all"}') + b"." + part(bytes(20)) + b"." + part(bytes(20)),
        b"-----BEGIN CERTIFICATE-----\nMIIE",
        b"-----BEGIN PUBLIC KEY-----\nMIIE",
        b"AKIA is short",
        b"XAKIAIOSFODNN7EXAMPLEX",
        b"4111 1111 1111 1112",
        b"3333333333333333",
        b'{"time":1700000000123}',
        b"0.4111111111111111",
        b"4111111111111111.5",
        b'{"objectId":"6819567046591271890.4.1"}',
        b'{"id":6819567046591271890}',
        b'{"ean":"4006381333931","as a card":"4000000000006"}',
        b'{"password":null}',
        b'{"password":"****"}',
        b"forgot your password?",
    ],
)
def test_what_is_none(payload: bytes) -> None:
    assert secrets(payload) == []


def test_without_suspicion_nobody_looks() -> None:
    assert inspect(b'{"password":"hunter22"}', TEXT, False) == []


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "TLS"),
        (b"GET /index.html HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "HTTP"),
        (b"\x05\x02\x00\x02", "SOCKS"),
        (b"\x03\x00\x00\x0b\x06\xe0\x00\x00\x00\x00\x00", "RDP"),
        (b"RFB 003.008\n", "VNC"),
    ],
)
def test_another_protocol(payload: bytes, name: str) -> None:
    found = inspect(payload, BINARY, False)
    assert [(kind, INNER[value]) for kind, value, _ in found] == [("inner-protocol", name)]


@pytest.mark.parametrize(
    "payload",
    [
        b"SSH is a protocol",
        b"GET the book",
        b"\x16\x03\x09\x02\x00\x01",
        b"\x05\x01\x09",
        b"\x05\x02\x00",
        b"\x03\x00\x00\xff\x06\xe0\x00\x00\x00\x00\x00",
        b"RFB 009.008\n",
        b"",
    ],
)
def test_no_other_protocol(payload: bytes) -> None:
    assert inspect(payload, BINARY, False) == []


def kinds(payload: bytes, opcode: int) -> list[str]:
    return [kind for kind, _, _ in inspect(payload, opcode, False)]


def test_content_that_fits_the_other_opcode() -> None:
    assert kinds(json.dumps({"a": [1, 2]}).encode(), BINARY) == ["json-in-binary"]
    assert kinds(json.dumps({"a": [1, 2]}).encode(), TEXT) == []
    assert kinds(b"{not json at all}", BINARY) == kinds(b"[]", BINARY) == []
    assert kinds(b64encode(bytes(range(256))), TEXT) == ["base64-in-text"]
    assert kinds(b64encode(bytes(range(256))), BINARY) == []
    assert kinds(b"0123456789abcdef" * 8, TEXT) == []
    assert kinds(b"aWord", TEXT) == []


def chained(seed: bytes, size: int) -> bytes:
    """Return SHA-256 of a counter, as AES in counter mode makes its stream."""
    blocks = (sha256(seed + place.to_bytes(4, "big")).digest() for place in range(size // 32 + 1))
    return b"".join(blocks)[:size]


@pytest.mark.parametrize("seed", [b"one", b"two", b"three"])
def test_bytes_that_show_no_order(seed: bytes) -> None:
    dense = chained(seed, 4096)
    assert kinds(dense, BINARY) == ["dense"]
    assert maybe_dense(dense) == entropy(dense)
    # Fewer bytes cannot say so.
    assert kinds(dense[:4000], BINARY) == []


def test_what_is_compressed_well_shows_none() -> None:
    words = b"".join(
        sha256(bytes([place % 251, place // 251])).hexdigest().encode() for place in range(400)
    )
    assert kinds(compress(words, 9)[:4096], BINARY) == ["dense"]


@pytest.mark.parametrize(
    "payload",
    [
        # Each value as often as any other, 8 bits a byte: and all of it is in order.
        pytest.param(bytes(range(256)) * 16, id="counts"),
        pytest.param(bytes(7 * place & 255 for place in range(4096)), id="counts in steps"),
        pytest.param(
            bytes(place * (place + 1) // 2 & 255 for place in range(4096)), id="steps that grow"
        ),
        pytest.param(chained(b"once", 512) * 8, id="comes again"),
        pytest.param(chained(b"tail", 4000) + bytes(96), id="ends in zeros"),
        pytest.param(b"words of a text " * 256, id="text"),
    ],
)
def test_bytes_that_show_order(payload: bytes) -> None:
    assert kinds(payload, BINARY) == []


def test_differences() -> None:
    assert differences(bytes([5, 7, 3, 255, 0, 128])) == bytes([2, 252, 252, 1, 128])
    assert differences(b"a") == b""


def test_deep_json_ends() -> None:
    assert kinds(b"[" * 4096, BINARY) == []


@pytest.mark.parametrize(
    ("digits", "valid"), [(b"79927398713", True), (b"79927398710", False), (b"0", True)]
)
def test_check_digits(digits: bytes, valid: bool) -> None:
    assert is_luhn(digits) is valid
