"""Keys from secrets, against published vectors."""

from __future__ import annotations

import pytest

from wsanalyze.tls.schedule import expand_label, key_block, next_secret, prf

# RFC 8448 §3: secret, key, IV.
TRACES = {
    "server handshake": (
        "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38",
        "3fce516009c21727d0f2e4e86ee403bc",
        "5d313eb2671276ee13000b30",
    ),
    "client application": (
        "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
        "17422dda596ed5d9acd890e3c63f5051",
        "5b78923dee08579033e523d9",
    ),
}


@pytest.mark.parametrize("name", TRACES)
def test_traffic_keys(name: str) -> None:
    secret, key, iv = map(bytes.fromhex, TRACES[name])
    assert expand_label(secret, b"key", b"", 16, "sha256") == key
    assert expand_label(secret, b"iv", b"", 12, "sha256") == iv


def test_more_than_one_block_begins_with_the_first() -> None:
    secret = bytes(range(32))
    long = expand_label(secret, b"x", b"context", 100, "sha256")
    assert len(long) == 100
    # The length is part of what is hashed: a shorter one is another.
    assert not long.startswith(expand_label(secret, b"x", b"context", 32, "sha256"))


def test_a_key_update_keeps_the_length() -> None:
    assert len(next_secret(bytes(32), "sha256")) == 32
    assert len(next_secret(bytes(48), "sha384")) == 48
    assert next_secret(bytes(32), "sha256") != bytes(32)


def test_prf_of_tls_1_2() -> None:
    """The test vector for P_SHA256 that was published on the IETF's TLS list in 2009."""
    found = prf(
        bytes.fromhex("9bbe436ba940f017b17652849a71db35"),
        b"test label",
        bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c"),
        100,
        "sha256",
    )
    assert found.hex() == (
        "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
        "6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab"
        "4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
        "87347b66"
    )


def test_the_key_block_is_bound_to_both_randoms() -> None:
    master, client, server = b"m" * 48, b"c" * 32, b"s" * 32
    block = key_block(master, client, server, 104, "sha256")
    assert block == prf(master, b"key expansion", server + client, 104, "sha256")
    assert block != key_block(master, server, client, 104, "sha256")
    # The wss-suites capture has TLS 1.0 and 1.1 of OpenSSL.
    assert len(key_block(master, client, server, 104, "md5+sha1")) == 104
