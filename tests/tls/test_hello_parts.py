"""Hellos byte by byte: every byte is told once, GREASE where it stands, whatever else comes."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.tls_crafted import client_hello, server_hello, vector

from wsanalyze.tls.hello_parts import GREASE, MOST, HelloPart, hello_parts
from wsanalyze.tls.hellos import RETRY

NAME = (0, vector(2, b"\0" + vector(2, b"chat.example")))
PROTOCOLS = (16, vector(2, vector(1, b"\x0a\x0a") + vector(1, b"h2")))
VERSIONS = (43, vector(1, b"\x1a\x1a\x03\x04\x03\x03"))
GROUPS = (10, vector(2, b"\x2a\x2a\0\x1d\0\x17"))
SHARES = (51, vector(2, b"\x2a\x2a" + vector(2, b"\0") + b"\0\x1d" + vector(2, bytes(32))))
MODES = (45, vector(1, b"\x2a\x01"))
SCHEMES = (13, vector(2, b"\x04\x03"))
STATUS = (5, b"\1\0\0\0\0")
KEYS = (41, vector(2, vector(2, b"ticket") + bytes(4)) + vector(2, vector(1, bytes(32))))
CLIENT = client_hello(
    (0xFAFA, b"\0"), NAME, PROTOCOLS, VERSIONS, GROUPS, SHARES, MODES, SCHEMES, STATUS, KEYS
)
SERVER = server_hello((43, b"\x03\x04"), (51, b"\0\x1d" + vector(2, bytes(32))), suite=0x1302)


def parts(message: bytes) -> tuple[HelloPart, ...]:
    return hello_parts(message[0], message[4:], len(message))


def told(message: bytes) -> list[tuple[str, str, str]]:
    """Return bytes in hex, name and text of each part."""
    return [(each.data.hex(), each.name, each.text) for each in parts(message)]


@pytest.mark.parametrize("message", [CLIENT, SERVER])
def test_all_bytes_are_told_in_order(message: bytes) -> None:
    assert b"".join(each.data for each in parts(message)) == message
    assert not [each for each in parts(message) if not each.name and not each.listed]


@pytest.mark.parametrize("message", [CLIENT, SERVER])
def test_of_a_hello_that_was_cut_the_rest_is_told_as_such(message: bytes) -> None:
    for stop in range(4, len(message)):
        found = hello_parts(message[0], message[4:stop], len(message))
        assert b"".join(each.data for each in found) == message[:stop]


@given(st.sampled_from([1, 2]), st.binary(max_size=200))
@example(1, b"\3\3" + bytes(32) + b"\xff")
@example(2, bytes(35) + b"\x13\1\0\0\1\0")
def test_any_bytes_are_told_in_order(kind: int, body: bytes) -> None:
    found = hello_parts(kind, body, len(body) + 4)
    assert b"".join(each.data for each in found[2:]) == body


def test_the_beginning_of_a_client_hello() -> None:
    names = [name for _, name, _ in told(CLIENT)[:6]]
    assert names == [
        *("message type", "length", "version", "random"),
        *("length of session ID", "length of cipher suites"),
    ]
    assert told(CLIENT)[0] == ("01", "message type", "1, ClientHello")
    assert told(CLIENT)[3][2] == bytes(range(32)).hex()


def test_extensions_and_what_is_in_them() -> None:
    found = told(CLIENT)
    assert ("63686174" + "2e6578616d706c65", "name", "chat.example") in found
    assert ("6832", "protocol", "h2") in found
    assert ("0304", "", "TLS 1.3") in found
    assert ("001d", "", "x25519") in found
    assert ("01", "", "psk_dhe_ke") in found
    assert ("0403", "", "ecdsa_secp256r1_sha256") in found
    assert (b"ticket".hex(), "identity", "a ticket, 6 bytes") in found
    assert ("01", "type", "1, OCSP") in found
    depths = {each.name: each.depth for each in parts(CLIENT)}
    assert (depths["extension server_name (0)"], depths["name"]) == (0, 1)


def test_grease_is_explained_where_it_stands() -> None:
    found = told(CLIENT)
    for value, name in (
        ("1a1a", ""),
        ("2a2a", ""),
        ("2a2a", "group"),
        ("2a", ""),
        ("0a0a", "protocol"),
    ):
        assert (value, name, GREASE) in found
    assert ("00", "key", "no key, 1 byte") in found
    (extension,) = (text for _, name, text in found if name.startswith("extension GREASE 0xfafa"))
    assert "means nothing" in extension
    assert "RFC 8701" in extension


def test_grease_among_cipher_suites() -> None:
    body = bytes(35) + vector(2, b"\x4a\x4a\x13\x01\0\xff") + b"\1\0"
    listed = [(each.data, each.text) for each in hello_parts(1, body, 100) if each.listed]
    assert listed[:3] == [
        (b"\x4a\x4a", GREASE),
        (b"\x13\x01", "TLS_AES_128_GCM_SHA256"),
        (b"\0\xff", "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"),
    ]


def test_a_server_hello() -> None:
    found = told(SERVER)
    assert ("1302", "cipher suite", "TLS_AES_256_GCM_SHA384") in found
    assert ("0304", "version", "TLS 1.3") in found
    assert ("001d", "group", "x25519") in found


def test_a_hello_retry_request() -> None:
    message = b"\2\0\0\0" + b"\3\3" + RETRY + b"\0\x13\1\0" + vector(2, b"\0\x33\0\2\0\x17")
    found = {name: text for _, name, text in told(message)}
    assert found["random"].startswith("these bytes make it a HelloRetryRequest")
    assert found["group"] == "secp256r1"
    assert "shall send a part of the key" in found["extension key_share (51)"]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (CLIENT, "the newest that is named here"),
        (SERVER, "unless the extension supported_versions says another"),
    ],
)
def test_what_the_old_version_field_says_depends_on_who_sent_it(message: bytes, said: str) -> None:
    version = next(text for _, name, text in told(message) if name == "version")
    assert version.startswith("TLS 1.2, ")
    assert said in version


@pytest.mark.parametrize(
    ("kind", "name"), [(17613, "application_settings"), (0xCA34, "trust_anchors")]
)
def test_what_chromium_sends_of_drafts_is_explained(kind: int, name: str) -> None:
    found = {name: text for _, name, text in told(client_hello((kind, b"\0\0")))}
    assert "draft-" in found[f"extension {name} ({kind})"]


def test_a_server_that_could_do_better_says_so() -> None:
    message = b"\2\0\0\0" + b"\3\3" + bytes(24) + b"DOWNGRD\1" + b"\0\xc0\x2f\0"
    assert "the server could do better" in {name: text for _, name, text in told(message)}["random"]


def test_what_is_left_over_is_told() -> None:
    assert told(SERVER + b"more")[-1] == (b"more".hex(), "", "more than belongs here")
    assert told(CLIENT[:-1])[-1][2] == "cannot be read: it ends too soon"


def test_very_many_suites_are_not_all_told() -> None:
    body = bytes(35) + vector(2, b"\x13\x01" * 5000) + b"\1\0"
    found = hello_parts(1, body, len(body) + 4)
    assert len(found) == MOST + 1
    assert b"".join(each.data for each in found[2:]) == body


def test_other_messages_have_none() -> None:
    assert hello_parts(11, b"\0\0\0", 7) == ()
