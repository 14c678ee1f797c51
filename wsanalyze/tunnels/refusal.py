"""A proxy that did not open the way it was asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a proxy refused, whom, and how; `conversation` is the index of the TCP connection.

    `way` is what the column `tunnel` would have: `CONNECT chat.example:80`, or the kind alone
    where the proxy refused before it was told where to. `outer` is the tunnel that the proxy was
    reached through, None for none. `code` is the status code of a CONNECT, the reply of a SOCKS
    proxy. Time (integer ns) and packet are those of the answer.
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

    @property
    def where(self) -> str:
        """The host and port that were asked for; "" where that is not known."""
        return self.way.partition(" ")[2]
