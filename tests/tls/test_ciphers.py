"""Records: opened where everything fits, None where anything does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tls_crafted import CLIENT_RANDOM, SERVER_RANDOM, Sealer12, Sealer13, secret_of

from wsanalyze.tls.ciphers import Opener13, openers
from wsanalyze.tls.suites import Suite, maybe_suite

MASTER = b"m" * 48
LABEL = "CLIENT_TRAFFIC_SECRET_0"
SUITES = (0x1301, 0x1302, 0x1303, 0x1304, 0x1305, 0xC02F, 0xCCA8, 0xC0AC, 0xC0AE, 0xC009, 0xC024)


def suite_of(number: int) -> Suite:
    suite = maybe_suite(number)
    assert suite is not None
    return suite


def test_tls_1_3() -> None:
    opener, record = Opener13(suite_of(0x1301), secret_of(LABEL)), Sealer13(LABEL)(b"hello")
    assert opener.open(0, record[:5], record[5:]) == b"hello\x17"
    assert opener.open(0, record[:5], memoryview(record)[5:]) == b"hello\x17"
    assert opener.open(1, record[:5], record[5:]) is None
    assert opener.overhead == len(record) - 5 - len(b"hello")


def test_tls_1_2() -> None:
    client, server = openers(
        suite_of(0xC02F), 0x0303, CLIENT_RANDOM, SERVER_RANDOM, MASTER, encrypt_then_mac=False
    )
    for side, opener in enumerate((client, server)):
        record = Sealer12(side, MASTER)(b"hello")
        assert opener.open(0, record[:5], record[5:]) == b"hello"
        assert opener.open(1, record[:5], record[5:]) is None
        # The content type is authenticated, too.
        assert opener.open(0, b"\x16" + record[1:5], record[5:]) is None
    assert client.open(0, record[:5], record[5:]) is None


@pytest.mark.parametrize("number", SUITES)
@given(st.binary(max_size=120))
def test_anything(number: int, body: bytes) -> None:
    suite = suite_of(number)
    header = b"\x17\x03\x03" + len(body).to_bytes(2, "big")
    if suite.is_tls_1_3:
        assert Opener13(suite, bytes(48)).open(0, header, body) is None
        return
    for version in (0x0301, 0x0303):
        for etm in (True, False):
            for opener in openers(
                suite, version, CLIENT_RANDOM, SERVER_RANDOM, MASTER, encrypt_then_mac=etm
            ):
                assert opener.open(0, header, body) is None


def test_suites_and_what_they_mean() -> None:
    suite = suite_of(0xC02F)
    assert (suite.mode, suite.key_length, suite.hash, suite.mac) == ("GCM", 16, "sha256", None)
    suite = suite_of(0xC024)
    assert (suite.mode, suite.key_length, suite.hash, suite.mac) == ("CBC", 32, "sha384", "sha384")
    suite = suite_of(0x002F)
    assert (suite.exchange, suite.hash, suite.mac) == ("RSA", "sha256", "sha1")
    assert suite_of(0x1305).tag_length == suite_of(0xC0AE).tag_length == 8
    for number in (0x000A, 0x0005, 0x0000, 0xFFFF):
        assert maybe_suite(number) is None
