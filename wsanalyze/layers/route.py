"""What a stream's bytes travelled through before they reached the layer that reads them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Route:
    """The carriers of a byte stream, from TCP inwards.

    `scheme` is "wss" within TLS, else "ws". `tunnel` says the way through proxies, the outermost
    first, as the column of `connections` has it; None where there is none. `alpn` is the protocol
    that TLS agreed on (RFC 7301), None without one.
    """

    scheme: str = "ws"
    tunnel: str | None = None
    alpn: str | None = None


# Straight on TCP.
PLAIN = Route()
