"""A proxy that did not open the way it was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from wsanalyze.tunnels.answers import NO_METHOD, refusal_meaning

# What a client needs not take for an answer: it may ask again, with credentials.
CHALLENGE = 407

# Who asked which proxy, through what, for what.
Wish = tuple[str, str, int, str | None, str]


@dataclass(slots=True)
class Refusal:
    """What a proxy refused, whom, and how; `conversation` is the index of the TCP connection.

    `way` is what the column `tunnel` would have: `CONNECT chat.example:80`, or the kind alone
    where the proxy refused before it was told where to. `outer` is the tunnel that the proxy was
    reached through, None for none. `code` is the status code of a CONNECT (None where the answer
    has none), the reply of a SOCKS proxy, its status of a login, or 255 where it took no method.
    Time (integer ns) and packet are those of the answer. `client_side` is the client's direction
    in the conversation. `kept_open`: whether the connection to the proxy was to go on;
    `tried_again`: whether a 407 had a second try, on the same connection or, where that was not to
    go on, on another one: that has an answer of its own.
    """

    conversation: int
    capture: str
    client_ip: str
    proxy_ip: str
    proxy_port: int
    outer: str | None
    way: str
    code: int | None
    time: int
    packet: int
    client_port: int = 0
    client_side: int = 0
    kept_open: bool = True
    tried_again: bool = False

    @property
    def kind(self) -> str:
        """The protocol: `CONNECT`, `SOCKS4`, `SOCKS4a` or `SOCKS5`."""
        return self.way.partition(" ")[0]

    @property
    def where(self) -> str:
        """The host and port that were asked for; "" where that is not known."""
        return self.way.partition(" ")[2]

    @property
    def named_code(self) -> str:
        """The code by the name of its field: `403`, `reply 5`, `status 2`; "" for none.

        Of a SOCKS login all but 0 is a failure, and no more is said by it (RFC 1929 §2).
        """
        if self.code is None or self.kind == "CONNECT":
            return "" if self.code is None else str(self.code)
        if self.where or self.kind != "SOCKS5":
            return f"reply {self.code}"
        return f"{'method' if self.code == NO_METHOD else 'status'} {self.code}"

    @property
    def meaning(self) -> str:
        """What the code says."""
        return refusal_meaning(self.way, self.code)

    @property
    def wish(self) -> Wish:
        """What is the same where a client tries again."""
        return self.client_ip, self.proxy_ip, self.proxy_port, self.outer, self.way
