"""Who the two ends of a connection are, with proxies on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from story.told import told
from wsanalyze.story.ends import announced, of_tcp, within

DIRECT = ("client", "server")


@pytest.mark.parametrize(
    ("capture", "number", "tcp", "inside"),
    [
        ("chat-ws.pcapng", 0, DIRECT, DIRECT),
        # A proxy that answers itself: all of a leg is between it and one end.
        ("nginx-proxy.pcapng", 0, ("client", "proxy"), ("client", "proxy")),
        ("nginx-proxy.pcapng", 1, ("proxy", "server"), ("proxy", "server")),
        # A tunnel: TCP is with the proxy, what is inside with the server, on every leg.
        ("connect-tunnels.pcapng", 0, ("client", "proxy"), DIRECT),
        ("connect-tunnels.pcapng", 1, ("proxy", "server"), DIRECT),
        ("socks-tunnels.pcapng", 14, ("client", "proxy"), DIRECT),
        ("socks-tunnels.pcapng", 15, ("proxy", "proxy"), DIRECT),
        ("socks-tunnels.pcapng", 16, ("proxy", "server"), DIRECT),
        # A proxy that says who its client is.
        ("proxy-protocol.pcapng", 1, ("proxy", "server"), ("proxy", "server")),
    ],
)
def test_ends(capture: str, number: int, tcp: tuple[str, str], inside: tuple[str, str]) -> None:
    story = told(capture, number)
    assert (of_tcp(story), within(story)) == (tcp, inside)


def test_a_header_tells_of_a_proxy_whose_other_leg_is_not_there() -> None:
    alone = replace(told("proxy-protocol.pcapng", 1), legs=())
    assert announced(alone.tunnel) == "127.0.0.1:40153"
    assert of_tcp(alone) == ("proxy", "server")


@pytest.mark.parametrize(
    ("tunnel", "source"),
    [
        (None, None),
        ("CONNECT a:80", None),
        ("CONNECT a:80, PROXY 192.0.2.1:1", None),
        ("PROXY 192.0.2.1:1, CONNECT a:80", "192.0.2.1:1"),
        ("PROXY UNKNOWN", ""),
        # One that asks for itself is the client.
        ("PROXY LOCAL", None),
    ],
)
def test_for_whom_a_proxy_says_that_it_asks(tunnel: str | None, source: str | None) -> None:
    assert announced(tunnel) == source
