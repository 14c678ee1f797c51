"""What a stream's bytes travelled through before they reached the layer that reads them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.observation import ProxyLogin
from wsanalyze.tunnels.way import destination, joined

if TYPE_CHECKING:
    from wsanalyze.layers.attempt import Attempt


@dataclass(frozen=True, slots=True)
class Route:
    """The carriers of a byte stream, from TCP inwards.

    `scheme` is "wss" within TLS with the server, else "ws". `tunnel` says the way through proxies,
    the outermost first, as the column of `connections` has it; None where there is none. `tls` is
    the innermost TLS connection, unless it ends at a proxy, and `layers` how many there are in one
    another. `midstream`: whether the beginning of the stream is not there, although no bytes are
    missing before its first ones. `told_tls`: the version of TLS that the client spoke to a proxy,
    as that one's header of the PROXY protocol says. `logins`: credentials that proxies were given
    in the clear, the outermost first.
    """

    scheme: str = "ws"
    tunnel: str | None = None
    tls: TlsConnection | None = None
    layers: int = 0
    midstream: bool = False
    told_tls: str | None = None
    logins: tuple[ProxyLogin, ...] = ()

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

    def through(self, way: str, login: ProxyLogin | None = None) -> Route:
        """Return the route of what is in a tunnel on this one.

        TLS around a proxy that is asked for a way ends there: what it leads to is as if there was
        none. A header of the PROXY protocol is on the way to a server, in its TLS or before.
        `login`: what the proxy was given, which nobody else can read within TLS.
        """
        logins = self.logins if login is None or self.layers else (*self.logins, login)
        tunnel = joined(self.tunnel, way)
        inside = replace(self, tunnel=tunnel, midstream=False, logins=logins)
        return inside if destination(way) is None else replace(inside, scheme="ws", tls=None)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in its conversation a stream begins that a tunnel carries.

    `offsets`: bytes of side 0 and 1 before it, in the tunnel's own stream. `opened_by`: the side
    that asked for the tunnel, -1 where that is for the conversation to say. `before`: the attempt
    that was read on the conversation before, None for none. `tunnels` is False where none is to be
    looked for: what began as one was none. `blind`: whether the beginning is not in the capture.
    `presumed`: whether the answer that opens the tunnel was not seen.
    """

    offsets: tuple[int, int] = (0, 0)
    opened_by: int = -1
    before: Attempt | None = None
    tunnels: bool = True
    blind: bool = False
    presumed: bool = False


# Straight on TCP.
PLAIN = Route()
# From the first byte on.
BEGINNING = Place()
