"""JA3 and JA4, against the vectors that their authors published."""

from __future__ import annotations

import struct

from support.tls_crafted import client_hello, vector

from wsanalyze.tls.fingerprints import ja3, ja3_text, ja4
from wsanalyze.tls.hellos import ClientHello, maybe_client_hello


def numbers(*values: int) -> bytes:
    return b"".join(struct.pack(">H", value) for value in values)


def test_ja3_as_published() -> None:
    """The example of the README of salesforce/ja3."""
    suites = (47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4)
    extensions = ((0, b""), (10, vector(2, numbers(23, 24, 25))), (11, b"\x01\x00"))
    hello = ClientHello(769, bytes(32), b"", suites, extensions)
    assert ja3_text(hello) == (
        "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0"
    )
    assert ja3(hello) == "ada70206e40642a3e4461f35503241d5"


def test_ja3_without_extensions_as_published() -> None:
    hello = ClientHello(769, bytes(32), b"", (4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99), ())
    assert ja3(hello) == "de350869b8c85de67a350c8d186f11e6"


# The example of JA4.md of FoxIO-LLC/ja4.
SUITES = (
    *(0x2A2A, 0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013),
    *(0xC014, 0x009C, 0x009D, 0x002F, 0x0035),
)
KINDS = (
    *(0x3A3A, 0x001B, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002D, 0x000D, 0x0005, 0x0023),
    *(0x0012, 0x002B, 0xFF01, 0x000B, 0x000A, 0x0015),
)
DATA = {
    0x0010: vector(2, vector(1, b"h2") + vector(1, b"http/1.1")),
    0x002B: vector(1, numbers(0x0A0A, 0x0304, 0x0303)),
    0x000D: vector(2, numbers(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)),
}


def chromium(kinds: tuple[int, ...] = KINDS) -> ClientHello:
    pairs = [(kind, DATA.get(kind, b"")) for kind in kinds]
    hello = maybe_client_hello(client_hello(*pairs, suites=SUITES)[4:])
    assert hello is not None
    return hello


def test_ja4_as_published() -> None:
    assert ja4(chromium()) == "t13d1516h2_8daaf6152771_e5627efa2ab1"


def test_ja4_does_not_depend_on_the_order_of_extensions() -> None:
    assert ja4(chromium(tuple(reversed(KINDS)))) == ja4(chromium())


def test_ja4_without_anything() -> None:
    hello = ClientHello(0x0303, bytes(32), b"", (), ())
    assert ja4(hello) == "t12i000000_000000000000_000000000000"


def test_ja4_of_a_protocol_that_is_no_text() -> None:
    hello = ClientHello(0x0303, bytes(32), b"", (), ((16, vector(2, vector(1, b"\xab\xcd"))),))
    assert ja4(hello).startswith("t12i0001ad_")
