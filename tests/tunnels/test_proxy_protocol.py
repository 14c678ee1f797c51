"""The PROXY protocol, versions 1 and 2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.dialogues import SIGNATURE, header2, refuses

from wsanalyze.tunnels.dialogue import MORE, NONE, OPEN
from wsanalyze.tunnels.proxy_protocol import LINE, ProxyHeader, declared

TLVS = b"\x02\x00\x0cchat.example" + b"\x03\x00\x04\xfd\x16\x9a\x1f" + b"\x04\x00\x02\x00\x00"
HEADERS: list[tuple[bytes, str]] = [
    (b"PROXY TCP4 192.0.2.1 198.51.100.2 5000 80\r\n", "PROXY 192.0.2.1:5000"),
    (b"PROXY TCP6 2001:db8::1 2001:db8::2 5000 80\r\n", "PROXY [2001:db8::1]:5000"),
    (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "PROXY 255.255.255.255:65535"),
    (b"PROXY UNKNOWN\r\n", "PROXY UNKNOWN"),
    (b"PROXY UNKNOWN " + b"f" * 91 + b"\r\n", "PROXY UNKNOWN"),
    (header2(), "PROXY 192.0.2.1:5000"),
    (header2("2001:db8::1"), "PROXY [2001:db8::1]:5000"),
    (header2(tlvs=TLVS), "PROXY 192.0.2.1:5000"),
    (header2(command=0), "PROXY LOCAL"),
    (SIGNATURE + b"\x20\x00\x00\x00", "PROXY LOCAL"),
    (SIGNATURE + b"\x21\x00\x00\x00", "PROXY UNKNOWN"),
    (SIGNATURE + b"\x21\x00\x00\x03abc", "PROXY UNKNOWN"),
    (SIGNATURE + b"\x21\x31\x00\xd8" + bytes(216), "PROXY UNIX"),
]


@pytest.mark.parametrize(("header", "way"), HEADERS)
def test_a_header(header: bytes, way: str) -> None:
    dialogue = ProxyHeader()
    for size in range(len(header)):
        assert dialogue.take(header[:size]) == MORE, size
    assert dialogue.take(header + b"GET / HTTP/1.1\r\n") == len(header)
    assert (dialogue.state, dialogue.way, dialogue.code) == (OPEN, way, None)


def ssl(flags: int = 7, *inside: tuple[int, bytes]) -> bytes:
    """Return the TLV of TLS, §2.2.6."""
    value = bytes((flags, 0, 0, 0, 0)) + b"".join(tlv(*each) for each in inside)
    return tlv(0x20, value)


def tlv(kind: int, value: bytes) -> bytes:
    return bytes((kind,)) + len(value).to_bytes(2, "big") + value


VERSION, NAME, CIPHER = (0x21, b"TLSv1.3"), (0x22, b"anna"), (0x23, b"TLS_AES_256_GCM_SHA384")


@pytest.mark.parametrize(
    ("header", "tls"),
    [
        (header2(tlvs=ssl(1, VERSION, CIPHER)), "TLSv1.3"),
        (header2("2001:db8::1", tlvs=TLVS + ssl(7, NAME, VERSION)), "TLSv1.3"),
        (header2(tlvs=ssl(1, CIPHER)), "TLS"),
        (header2(tlvs=ssl(1, (0x21, b"\x1b[31m"))), "TLS"),
        # The client spoke no TLS, or the proxy speaks for itself.
        (header2(tlvs=ssl(0, VERSION)), None),
        (header2(command=0, tlvs=ssl(1, VERSION)), None),
        (header2(tlvs=TLVS), None),
        # Lengths that are none.
        (header2(tlvs=ssl(1, VERSION)[:-1]), None),
        (header2(tlvs=b"\x20\x00\x04\x01\0\0\0"), None),
        (header2(tlvs=tlv(0x20, b"\x01\0\0\0\0\x21\xff\xffTLSv1.3")), "TLS"),
        (b"PROXY TCP4 192.0.2.1 198.51.100.2 5000 80\r\n", None),
    ],
)
def test_what_is_said_of_tls(header: bytes, tls: str | None) -> None:
    dialogue = ProxyHeader()
    assert dialogue.take(header) == len(header)
    assert dialogue.tls == tls


@pytest.mark.parametrize(
    "data",
    [
        b"POST / HTTP/1.1\r\n",
        b"PROXY / HTTP/1.1\r\n",
        b"PROXY \r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 5000\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 5000 80 90\r\n",
        b"PROXY TCP4  192.0.2.1 198.51.100.2 5000 80\r\n",
        b"PROXY TCP4 2001:db8::1 2001:db8::2 5000 80\r\n",
        b"PROXY TCP6 192.0.2.1 198.51.100.2 5000 80\r\n",
        b"PROXY TCP6 fe80::1%eth0 fe80::2 5000 80\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 05000 80\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 65536 80\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 -1 80\r\n",
        b"PROXY UDP4 192.0.2.1 198.51.100.2 5000 80\r\n",
        b"PROXY UNKNOWN " + b"f" * 92 + b"\r\n",
        b"PROXY UNKNOWN " + b"f" * (LINE - 14),
        b"\r\n\r\nGET / HTTP/1.1\r\n",
        SIGNATURE + b"\x11\x11\x00\x0c" + bytes(12),
        SIGNATURE + b"\x22\x11\x00\x0c" + bytes(12),
        SIGNATURE + b"\x21\x41\x00\x0c" + bytes(12),
        SIGNATURE + b"\x21\x13\x00\x0c" + bytes(12),
        header2(length=11),
        header2("2001:db8::1", length=35),
    ],
)
def test_no_header(data: bytes) -> None:
    assert refuses(ProxyHeader(), data)


def test_a_length_is_told_before_what_it_counts_is_there() -> None:
    assert declared(SIGNATURE + b"\x21\x11\xff") == 0
    assert declared(SIGNATURE + b"\x21\x11\xff\xff") == 16 + 65535
    assert declared(b"PROXY TCP4 192.0.2.1 198.51.100.2 5000 80\r\n") == 0


@given(st.binary(max_size=200), st.sampled_from((b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE)))
def test_whatever_comes(data: bytes, first: bytes) -> None:
    size = ProxyHeader().take(first + data)
    assert size in (MORE, NONE) or 0 < size <= len(first + data)


@given(st.ip_addresses(), st.integers(0, 65535), st.binary(max_size=100))
def test_what_was_written_is_read(source: object, port: int, tlvs: bytes) -> None:
    host = f"[{source}]" if ":" in str(source) else str(source)
    family = "TCP6" if ":" in str(source) else "TCP4"
    line = f"PROXY {family} {source} {source} {port} 80\r\n".encode()
    for header in (line, header2(str(source), port, tlvs=tlvs)):
        dialogue = ProxyHeader()
        assert dialogue.take(header + tlvs) == len(header)
        assert dialogue.way == f"PROXY {host}:{port}"
