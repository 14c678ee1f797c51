"""The way through proxies in an explained connection: by its facts, not by its wording."""

from __future__ import annotations

import re

import pytest
from story.told import told

from wsanalyze.views.escape import cells
from wsanalyze.views.explained import explained_lines


def text(capture: str, number: int, width: int = 100) -> str:
    lines = explained_lines(told(capture, number), width)
    return "\n".join("".join(piece for piece, _ in line) for line in lines)


def section(explained: str, title: str) -> str:
    """Return a section by its title, up to the next heading."""
    found = re.search(rf"^\d+  {title}\n(.*?)(?=^\d+  |\Z)", explained, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def test_socks_is_told_byte_by_byte() -> None:
    way = section(text("socks-tunnels.pcapng", 12), "The way through the proxy")
    for packet in (311, 316, 318, 319, 320, 324):
        assert f"packet {packet} " in way
    assert "6c 6f 63 61 6c 68 6f 73 74" in way
    assert "DST.ADDR: localhost" in way
    assert "DST.PORT: 9060" in way
    assert "SEC-17" in way
    # Neither who logs in, nor with what.
    assert "anna" not in way
    assert "61 6e 6e 61" not in way


def test_a_407_and_the_second_try() -> None:
    way = section(text("connect-tunnels.pcapng", 12), "The way through the proxy")
    assert way.count("CONNECT 127.0.0.1:9060 HTTP/1.1") == 2
    first, _, second = way.partition("407 Proxy Authentication Required")
    assert "Proxy-Authorization" not in first
    assert "Proxy-Authorization" in second
    assert "Proxy-Authenticate: Basic realm" in second
    assert "200 Connection established" in second


def test_what_was_told_at_its_message_is_not_told_again() -> None:
    explained = text("connect-tunnels.pcapng", 12)
    assert explained.count("warning SEC-17") == 2
    assert "What else was found" not in explained or "SEC-17" not in section(
        explained, "What else was found"
    )


def test_sections_come_in_the_order_of_what_is_in_what() -> None:
    def titles(capture: str, number: int) -> list[str]:
        return re.findall(r"^\d+  (.*)$", text(capture, number), re.MULTILINE)[:5]

    asks = "The client asks"
    assert titles("wss-tunnels.pcapng", 0) == [
        "TCP is opened",
        "The way through the proxy",
        "TLS",
        asks,
        "The server answers",
    ]
    assert titles("wss-tunnels.pcapng", 6)[1:] == [
        "TLS, the outer",
        "The way through the proxy",
        "TLS, the inner",
        asks,
    ]
    assert titles("http2-connect.pcapng", 0)[1:4] == [
        "TLS with the proxy",
        "The way through the proxy",
        asks,
    ]
    assert titles("proxy-protocol.pcapng", 1)[1:3] == ["The proxy says who its client is", asks]
    assert titles("chat-ws.pcapng", 0)[:2] == ["TCP is opened", asks]


def test_a_header_of_the_proxy_protocol_names_both_ends() -> None:
    way = section(text("proxy-protocol-tls.pcapng", 3), "The proxy says who its client is")
    assert "client: 127.0.0.1" in way
    assert "client's port: 40883" in way
    assert "TLSv1.2" in way
    assert "chat.example" in way
    assert "proxy → server" in way


def test_arrows_name_who_the_bytes_are_of() -> None:
    explained = text("socks-tunnels.pcapng", 14)
    assert "client → proxy  SYN" in explained
    assert "Frame 0: text, client → server" in explained
    assert "all 3 legs" in explained
    middle = text("socks-tunnels.pcapng", 15)
    assert "proxy → proxy  SYN" in middle


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize(
    ("capture", "number"),
    [
        ("connect-tunnels.pcapng", 12),
        ("http2-connect.pcapng", 2),
        ("proxy-protocol-tls.pcapng", 1),
        ("proxy-protocol.pcapng", 7),
        ("socks-tunnels.pcapng", 10),
        ("socks-tunnels.pcapng", 12),
        ("socks-tunnels.pcapng", 15),
    ],
)
def test_it_fits(capture: str, number: int, width: int) -> None:
    for line in text(capture, number, width).splitlines():
        assert sum(map(cells, line)) <= width, line
