"""Layers in one another, said by hand: HTTP/2 or HTTP/1.1, in TLS, behind what opens a tunnel."""

from __future__ import annotations

from collections.abc import Callable

from support.dialogues import header2, methods, reply4, reply5, request4, request5
from support.http2 import REQUEST, Connection, changed
from support.sessions import Stage, frame, http, masked, request, response
from support.tls import TLS_1_2, TLS_1_3, Flight, Pair, contexts

SUITES = {
    "TLS 1.3": (TLS_1_3, ""),
    "AES-GCM": (TLS_1_2, "ECDHE-ECDSA-AES128-GCM-SHA256"),
    "AES-CBC": (TLS_1_2, "ECDHE-ECDSA-AES128-SHA"),
}
TEXTS = [b"%d of them" % each for each in range(8)]
SECURE = changed(REQUEST, _scheme="https")


class Script(Connection):
    """A connection of HTTP/2 that is written down, and sent by others."""

    def __init__(self) -> None:
        super().__init__()
        self.flights: list[Flight] = []

    def data(self, side: int, data: bytes) -> Stage:
        self.flights.append((side, data))
        return self


def http2_script() -> list[Flight]:
    """Two WebSockets on streams of one connection."""
    script = Script()
    script.begin().open(1, SECURE).open(3, SECURE)
    for each in TEXTS:
        script.talk(1, each).talk(3, each * 20)
    script.close(1).close(3)
    return script.flights


def websocket_script() -> list[Flight]:
    """A WebSocket over HTTP/1.1."""
    found: list[Flight] = [(0, request()), (1, response())]
    for each in TEXTS:
        found += [(0, masked(each)), (1, frame(each))]
    return [*found, (0, masked(b"\x03\xe8", 8)), (1, frame(b"\x03\xe8", 8))]


def encrypted(said: list[Flight], suite: str = "TLS 1.3", alpn: str = "http/1.1") -> Pair:
    """Return a TLS connection in which this was said."""
    both = contexts(*SUITES[suite])
    for each in both:
        each.set_alpn_protocols([alpn])
    pair = Pair(both).shake_hands()
    for side, data in said:
        pair.send(side, data)
    return pair.close(1).close(0)


def through_connect(target: bytes = b"chat.example:443") -> list[Flight]:
    asked = http(f"CONNECT {target.decode()} HTTP/1.1", f"Host: {target.decode()}")
    return [(0, asked), (1, http("HTTP/1.1 200 Connection established"))]


def through_socks5() -> list[Flight]:
    return [(0, methods(0)), (1, b"\5\0"), (0, request5(port=443)), (1, reply5())]


def through_socks4() -> list[Flight]:
    return [(0, request4(port=443)), (1, reply4())]


def through_proxy_protocol() -> list[Flight]:
    return [(0, header2())]


WAYS: dict[str, Callable[[], list[Flight]]] = {
    "CONNECT chat.example:443": through_connect,
    "SOCKS5 chat.example:443": through_socks5,
    "SOCKS4 198.51.100.2:443": through_socks4,
    "PROXY 192.0.2.1:5000": through_proxy_protocol,
}
