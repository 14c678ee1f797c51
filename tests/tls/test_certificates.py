"""Certificates: what `cryptography` reads, without it; and nothing that bytes could break."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tls import certificate
from support.tls_crafted import vector

from wsanalyze.tls.certificates import Certificate, maybe_certificate, maybe_leaf

DER = ssl.PEM_cert_to_DER_cert(certificate()[0].decode())
NS = 10**9


def test_what_it_says() -> None:
    assert maybe_certificate(DER) == Certificate(
        "O=Owls\\, Ltd,CN=chat.example",
        "O=Owls\\, Ltd,CN=chat.example",
        1_767_225_600 * NS,
        2_082_758_400 * NS,
    )


def test_the_first_of_a_chain() -> None:
    chain = vector(3, vector(3, DER) + vector(3, b"issuer"))
    assert maybe_leaf(chain, with_context=False) == DER
    entries = vector(3, vector(3, DER) + vector(2, b"extension"))
    assert maybe_leaf(b"\0" + entries, with_context=True) == DER
    assert maybe_leaf(b"\0\0\0", with_context=False) is None


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"260101000000Z", b"500101000000Z", -631_152_000 * NS),
        (b"260101000000Z", b"491231235959Z", 2_524_607_999 * NS),
        (b"260101000000Z", b"2601010000000", None),
        (b"260101000000Z", b"269901000000Z", None),
        (b"260101000000Z", b"260230000000Z", None),
        (b"260101000000Z", b"260101000061Z", None),
    ],
)
def test_times(old: bytes, new: bytes, expected: int | None) -> None:
    """RFC 5280 §4.1.2.5.1: two digits of a year are of 1950 to 2049."""
    found = maybe_certificate(DER.replace(old, new))
    assert (found and found.not_before) == expected


def der(tag: int, data: bytes) -> bytes:
    return (
        bytes([tag])
        + (bytes([len(data)]) if len(data) < 128 else b"\x82" + vector(2, data)[:2])
        + data
    )


def named(kind: str, text: bytes, tag: int = 12) -> str:
    """Return the subject of a certificate with one attribute."""
    attribute = der(0x30, der(6, bytes.fromhex(kind)) + der(tag, text))
    name = der(0x30, der(0x31, attribute))
    times = der(0x30, der(23, b"260101000000Z") * 2)
    inside = der(0x30, der(2, b"\1") + der(0x30, b"") + der(0x30, b"") + times + name)
    found = maybe_certificate(der(0x30, inside))
    assert found is not None
    return found.subject


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("550403", b"a, b+c", "CN=a\\, b\\+c"),
        ("550403", b"#a", "CN=\\#a"),
        ("550403", b" a ", "CN=\\ a\\ "),
        ("550403", b" ", "CN=\\ "),
        ("550403", b"bank.example\0.evil", "CN=bank.example\\00.evil"),
        ("0992268993f22c640119", b"example", "DC=example"),
        ("0992268993f22c640101", b"anna", "UID=anna"),
        ("550405", b"7", "OID.2.5.4.5=7"),
        ("2a864886f70d010901", b"a@b.c", "OID.1.2.840.113549.1.9.1=a@b.c"),
        ("883703", b"x", "OID.2.999.3=x"),
        ("80", b"x", "OID.80=x"),
        ("ff" * 90, b"x", "OID." + "ff" * 64 + "=x"),
    ],
)
def test_names(kind: str, text: bytes, expected: str) -> None:
    """RFC 4514 §2: what could be mistaken for what stands around it is escaped."""
    assert named(kind, text) == expected


def test_a_name_is_as_long_as_it_may_be() -> None:
    assert len(named("550403", b"," * 60_000)) == 1024


def test_every_prefix_and_every_byte_changed() -> None:
    for place in range(len(DER)):
        assert maybe_certificate(DER[:place]) is None
        for bit in (1, 0x80):
            changed = bytearray(DER)
            changed[place] ^= bit
            maybe_certificate(bytes(changed))


@given(st.binary(max_size=200))
def test_anything(data: bytes) -> None:
    maybe_certificate(data)
    maybe_certificate(b"\x30\x81" + vector(1, b"\x30" + data[:200]))
    maybe_leaf(data, with_context=True)
    maybe_leaf(data, with_context=False)
