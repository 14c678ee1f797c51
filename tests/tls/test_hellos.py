"""Hellos: fields as sent, and nothing that any bytes could break."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tls_crafted import client_hello, extensions, server_hello, vector

from wsanalyze.tls.hellos import (
    NOT_OFFERED,
    RETRY,
    ClientHello,
    chosen_protocol,
    disagreements,
    is_grease,
    maybe_client_hello,
    maybe_server_hello,
    version_name,
)

NAME = (0, vector(2, b"\0" + vector(2, b"chat.example")))
PROTOCOLS = (16, vector(2, vector(1, b"h2") + vector(1, b"http/1.1")))
VERSIONS = (43, vector(1, b"\x1a\x1a\x03\x04\x03\x03"))
CLIENT = client_hello(NAME, PROTOCOLS, VERSIONS, (10, vector(2, b"\0\x1d\0\x17")))[4:]
SERVER = server_hello((43, b"\x03\x04"), (22, b""), suite=0x1302)[4:]


def test_a_client_hello() -> None:
    hello = maybe_client_hello(CLIENT)
    assert hello is not None
    assert (hello.sni, hello.alpn) == ("chat.example", ("h2", "http/1.1"))
    assert hello.versions == (0x1A1A, 0x0304, 0x0303)
    assert hello.suites == (0x1301, 0xC02F)
    assert hello.groups == (0x1D, 0x17)
    assert (hello.random, hello.sends_early_data) == (bytes(range(32)), False)


def test_a_client_hello_without_extensions() -> None:
    hello = maybe_client_hello(b"\x03\x01" + bytes(32) + b"\0\0\x02\0\x2f\x01\0")
    assert hello is not None
    assert (hello.sni, hello.alpn, hello.versions, hello.groups) == (None, (), (0x0301,), ())


def test_a_server_hello() -> None:
    hello = maybe_server_hello(SERVER)
    assert hello is not None
    assert (hello.version, hello.legacy_version, hello.suite) == (0x0304, 0x0303, 0x1302)
    assert (hello.encrypts_then_macs, hello.takes_key, hello.is_retry) == (True, False, False)
    assert hello.alpn is None


def hello_of(*pairs: tuple[int, bytes]) -> ClientHello:
    found = maybe_client_hello(client_hello(*pairs)[4:])
    assert found is not None
    return found


DOWNGRADED = bytes(24) + b"DOWNGRD\x01"


@pytest.mark.parametrize(
    ("offered", "chosen", "expected"),
    [
        ([VERSIONS], {}, []),
        (
            [VERSIONS],
            {"random": DOWNGRADED},
            ["TLS 1.2 was chosen by a server that speaks TLS 1.3"],
        ),
        ([], {"random": DOWNGRADED}, []),
        ([(43, b"\x02\x03\x04")], {}, ["the version TLS 1.2 was not offered"]),
        (
            [],
            {"suite": 0x009C},
            ["the cipher suite TLS_RSA_WITH_AES_128_GCM_SHA256 was not offered"],
        ),
        ([(0xFE0D, b"hidden")], {"suite": 0x009C}, []),
    ],
)
def test_choices_that_cannot_be(
    offered: list[tuple[int, bytes]], chosen: dict[str, Any], expected: list[str]
) -> None:
    server = maybe_server_hello(server_hello(**{"suite": 0xC02F, **chosen})[4:])
    assert server is not None
    assert list(disagreements(hello_of(*offered).kept(), server)) == expected


def test_a_protocol_that_was_not_offered() -> None:
    server = maybe_server_hello(server_hello(PROTOCOLS, suite=0xC02F)[4:])
    assert server is not None
    assert disagreements(hello_of(PROTOCOLS).kept(), server) == ()
    assert disagreements(hello_of().kept(), server) == (NOT_OFFERED,)


def test_a_retry() -> None:
    hello = maybe_server_hello(server_hello(random=RETRY)[4:])
    assert hello is not None
    assert hello.is_retry


def test_what_the_server_chose_in_secret() -> None:
    assert chosen_protocol(extensions((16, vector(2, vector(1, b"h2"))))) == "h2"
    assert chosen_protocol(extensions()) is None
    assert chosen_protocol(b"\0\x05\0") is None


@pytest.mark.parametrize("data", [CLIENT, SERVER], ids=["client", "server"])
def test_every_prefix(data: bytes) -> None:
    read = maybe_client_hello if data is CLIENT else maybe_server_hello
    for stop in range(len(data)):
        hello = read(data[:stop])
        # A hello may end where its extensions would begin.
        assert hello is None or hello.extensions == ()


def test_extensions_that_are_malformed_say_nothing() -> None:
    hello = maybe_client_hello(
        client_hello((0, b"\xff"), (16, b"\0\x05\x04a"), (43, b"\x03\1"))[4:]
    )
    assert hello is not None
    assert (hello.sni, hello.alpn, hello.versions) == (None, (), (0x0303,))


@given(st.binary(max_size=300))
def test_anything(data: bytes) -> None:
    for head in (b"", CLIENT[:34], SERVER[:34]):
        client, server = maybe_client_hello(head + data), maybe_server_hello(head + data)
        if client is not None:
            assert (client.sni, client.alpn, client.point_formats) is not None
            assert all(0 <= each < 65_536 for each in (*client.versions, *client.groups))
        if server is not None:
            assert 0 <= server.version < 65_536
    chosen_protocol(data)


def test_numbers_that_mean_nothing() -> None:
    grease = [each for each in range(65_536) if is_grease(each)]
    assert grease == [0x0A0A + 0x1010 * step for step in range(16)]


def test_names_of_versions() -> None:
    assert [version_name(each) for each in (0x0303, 0x7F1C)] == ["TLS 1.2", "0x7f1c"]
