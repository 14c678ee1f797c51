"""Blocks of pcapng, byte by byte."""

from __future__ import annotations

from wsanalyze.capture.written import block, enhanced, interface, option, section, statistics


def test_section() -> None:
    assert section().hex() == ("0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000")
    assert section("ws").hex() == (
        "0a0d0d0a280000004d3c2b1a01000000ffffffffffffffff04000200777300000000000028000000"
    )


def test_interface() -> None:
    assert interface(1).hex() == (
        "0100000020000000010000000000000009000100090000000000000020000000"
    )
    assert interface(1, name="lo", snap_length=96, fcs_length=4, offset_s=-1).hex() == (
        "01000000"
        "3c000000"
        "01000000"
        "60000000"
        "02000200"
        "6c6f0000"
        "09000100"
        "09000000"
        "0d000100"
        "04000000"
        "0e000800"
        "ffffffffffffffff"
        "00000000"
        "3c000000"
    )


def test_enhanced_packet() -> None:
    assert enhanced(2, 0x0102030405060708, b"abcde", 9).hex() == (
        "06000000280000000200000004030201080706050500000009000000616263646500000028000000"
    )
    for length in range(9):
        data = bytes(length)
        assert enhanced(0, 0, data, length) == block(
            6, bytes(12) + length.to_bytes(4, "little") * 2 + data
        )


def test_statistics() -> None:
    assert statistics(0, 1, 7, None, 3).hex() == (
        "05000000"
        "34000000"
        "00000000"
        "00000000"
        "01000000"
        "04000800"
        "0700000000000000"
        "07000800"
        "0300000000000000"
        "00000000"
        "34000000"
    )


def test_option() -> None:
    assert option(5, b"abc") == b"\5\0\3\0abc\0"
    assert option(5, b"") == b"\5\0\0\0"
