"""What a stream's bytes travelled through before they reached the layer that reads them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wsanalyze.layers.tls_connection import TlsConnection


@dataclass(frozen=True, slots=True)
class Route:
    """The carriers of a byte stream, from TCP inwards.

    `scheme` is "wss" within TLS, else "ws". `tunnel` says the way through proxies, the outermost
    first, as the column of `connections` has it; None where there is none. `tls` is the innermost
    TLS connection, and `layers` how many there are in one another. `midstream`: whether the
    beginning of the stream is not there, although no bytes are missing before its first ones.
    """

    scheme: str = "ws"
    tunnel: str | None = None
    tls: TlsConnection | None = None
    layers: int = 0
    midstream: bool = False

    @property
    def alpn(self) -> str | None:
        """The protocol that was negotiated for what is inside TLS, such as `h2`."""
        return self.tls.alpn if self.tls is not None else None

    @property
    def sni(self) -> str | None:
        """The host that the client asked TLS for."""
        return self.tls.sni if self.tls is not None else None

    def within(self, tls: TlsConnection, *, midstream: bool = False) -> Route:
        """Return the route of what is inside a TLS connection on this one."""
        return replace(self, scheme="wss", tls=tls, layers=self.layers + 1, midstream=midstream)


# Straight on TCP.
PLAIN = Route()
