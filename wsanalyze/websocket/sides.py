"""The two sides of an opening handshake: what a request asks for, what a response answers.

RFC 6455 §4, RFC 8441 §4, and the versions before them. Nothing here raises for what was sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from wsanalyze.websocket.extensions import split_elements
from wsanalyze.websocket.fields import Head


def is_upgrade_request(head: Head) -> bool:
    """Tell whether a head is a connection attempt, a row of `connections`.

    A request, whatever its method, whose Upgrade names websocket or that carries any
    Sec-WebSocket-* field (a proxy may have stripped the rest); or an extended CONNECT with
    `:protocol` websocket (RFC 8441 §4).
    """
    if head.kind != "request":
        return False
    if any(field.name[:14].lower() == "sec-websocket-" for field in head.fields):
        return True
    protocol = head.value(":protocol")
    return names_websocket(head) or (protocol is not None and protocol.lower() == "websocket")


def names_websocket(head: Head) -> bool:
    """Tell whether Upgrade lists websocket, in any letter case, with or without a version.

    RFC 9110 §7.8: `protocol-name [ "/" protocol-version ]`.
    """
    return any(name.lower().split("/")[0] == "websocket" for name in head.tokens("upgrade"))


def is_interim(head: Head) -> bool:
    """Tell whether a final response is still to come: 1xx, but not 101 (RFC 9110 §15.2)."""
    return head.status is not None and 100 <= head.status <= 199 and head.status != 101


@dataclass(frozen=True, slots=True)
class Request:
    """What a request asks for; None where it does not say."""

    head: Head

    @property
    def multiplexed(self) -> bool:
        """Whether this came over HTTP/2 or HTTP/3, where RFC 8441 replaces the upgrade."""
        if self.head.http_version not in ("2", "3"):
            return False
        # A pseudo-header field cannot come from HTTP/1, whatever version a start line claims.
        return any(field.name.startswith(":") for field in self.head.fields)

    @property
    def is_extended_connect(self) -> bool:
        """Whether this names a protocol as RFC 8441 §4 has it, rightly or not."""
        return self.multiplexed and self.head.count(":protocol") > 0

    @property
    def names_websocket(self) -> bool:
        """Whether Upgrade lists websocket (RFC 6455 §4.2.1 item 3)."""
        return names_websocket(self.head)

    @property
    def version(self) -> str | None:
        """The protocol version, as far as the request alone tells (see `Handshake.version`)."""
        head = self.head
        declared = head.value("sec-websocket-version")
        if declared is not None:
            return declared or None
        if head.count("sec-websocket-key1") or head.count("sec-websocket-key2"):
            # The HyBi drafts 1 to 3 kept the hixie challenge and numbered it in this field.
            return head.value("sec-websocket-draft") or "hixie-76"
        return "hixie-75" if self._is_hixie_75() else None

    def _is_hixie_75(self) -> bool:
        """Tell whether this is hixie-75: no Sec-WebSocket-*, and what only that version sends."""
        head = self.head
        if any(field.name[:14].lower() == "sec-websocket-" for field in head.fields):
            return False
        if head.count("websocket-protocol"):
            return names_websocket(head)
        # Hixie-75 §4.1: these two lines come first, byte for byte; an Origin always comes.
        first = [(field.name, field.value) for field in head.fields[:2]]
        fixed = [("Upgrade", "WebSocket"), ("Connection", "Upgrade")]
        return first == fixed and head.count("origin") > 0

    @property
    def host(self) -> str | None:
        """Host, or `:authority` in HTTP/2 and HTTP/3."""
        return self.head.value("host") or self.head.value(":authority")

    @property
    def origin(self) -> str | None:
        """Origin; the HyBi drafts 4 to 10 called it Sec-WebSocket-Origin."""
        origin = self.head.value("origin")
        return origin if origin is not None else self.head.value("sec-websocket-origin")

    @property
    def key(self) -> str | None:
        """The first Sec-WebSocket-Key."""
        return self.head.value("sec-websocket-key")

    @property
    def subprotocols(self) -> list[str]:
        """The subprotocols offered, in order of preference (hixie-75: WebSocket-Protocol)."""
        if self.version in ("1", "2", "3"):
            # The HyBi drafts 1 to 3 put spaces between them.
            return " ".join(self.head.values("sec-websocket-protocol")).split()
        offered = self.head.tokens("sec-websocket-protocol")
        return offered or self.head.tokens("websocket-protocol")

    @property
    def extensions(self) -> list[str]:
        """The extensions offered, each with its parameters as sent."""
        return split_elements(self.head.values("sec-websocket-extensions"))


@dataclass(frozen=True, slots=True)
class Response:
    """What a final response answers; None where it does not say."""

    head: Head

    @property
    def accept(self) -> str | None:
        """The first Sec-WebSocket-Accept."""
        return self.head.value("sec-websocket-accept")

    @property
    def subprotocol(self) -> str | None:
        """The first Sec-WebSocket-Protocol (hixie-75: WebSocket-Protocol), as sent."""
        chosen = self.head.value("sec-websocket-protocol")
        return chosen if chosen is not None else self.head.value("websocket-protocol")

    @property
    def extensions(self) -> list[str]:
        """The extensions chosen, each with its parameters as sent."""
        return split_elements(self.head.values("sec-websocket-extensions"))
