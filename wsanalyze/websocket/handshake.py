"""The opening handshake of every WebSocket version: its facts, its outcome, its faults.

RFC 6455 §4, the HyBi drafts before it, draft-hixie-thewebsocketprotocol-75 and -76, and the
extended CONNECT of HTTP/2 and HTTP/3 (RFC 8441, RFC 9220). Nothing here raises for what was sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from wsanalyze.websocket.accept import accept_value
from wsanalyze.websocket.extension_rules import extension_faults
from wsanalyze.websocket.extensions import Deflate, negotiated, split_elements
from wsanalyze.websocket.faults import Fault
from wsanalyze.websocket.fields import Head
from wsanalyze.websocket.request_rules import request_faults
from wsanalyze.websocket.response_rules import response_faults

__all__ = ["Fault", "Handshake", "Request", "Response", "is_interim", "is_upgrade_request"]

# Versions that the HyBi drafts 4 to 12 sent, all with today's accept rule (9 to 12 "were not used
# as valid values", RFC 6455 §4.1 item 9, which does not keep clients from sending them).
DRAFT_VERSIONS = frozenset(str(number) for number in range(4, 13))

# Versions whose challenge is Key1, Key2 and eight bytes of body, or that have none at all.
HIXIE_VERSIONS = frozenset(("hixie-76", "hixie-75", "0", "1", "2", "3"))


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
        # The pseudo-header field cannot come from HTTP/1, whatever version a start line claims.
        return self.head.http_version in ("2", "3") and self.head.value(":protocol") is not None

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


# Not slotted: a slotted class has no place for the properties that are computed once and kept.
@dataclass(frozen=True)
class Handshake:
    """One attempt: a request, what came before the answer, and the final response if there is one.

    The properties carry the names of the columns of `connections`; None is NA there.
    """

    request_head: Head
    response_head: Head | None = None
    interim_heads: tuple[Head, ...] = ()

    @property
    def request(self) -> Request:
        """The facts of the request."""
        return Request(self.request_head)

    @property
    def response(self) -> Response | None:
        """The facts of the final response."""
        return Response(self.response_head) if self.response_head is not None else None

    @cached_property
    def version(self) -> str | None:
        """`13`, `8` … `0`, `hixie-76`, `hixie-75`; any other number as sent; None if not said."""
        version = self.request.version
        if version is None and self.response_head is not None and self.succeeded:
            # Only a hixie-75 server answers with these (§5.2 there), and only without an accept.
            names = {field.name.lower() for field in self.response_head.fields}
            asked = {field.name.lower()[:14] for field in self.request_head.fields}
            if "websocket-location" in names and "sec-websocket-" not in asked:
                return "hixie-75"
        return version

    @property
    def is_hixie(self) -> bool:
        """Whether the version is one from before Sec-WebSocket-Key."""
        return self.version in HIXIE_VERSIONS

    @property
    def is_draft(self) -> bool:
        """Whether the version is one of the HyBi drafts that shook hands as RFC 6455 does."""
        return self.version in DRAFT_VERSIONS

    @property
    def multiplexed(self) -> bool:
        """Whether this is an extended CONNECT over HTTP/2 or HTTP/3."""
        return self.request.multiplexed

    @property
    def method(self) -> str | None:
        """The method as sent."""
        return self.request_head.method

    @property
    def target(self) -> str | None:
        """The request target as sent; `:path` in HTTP/2 and HTTP/3."""
        return self.request_head.target

    @property
    def http_version(self) -> str | None:
        """The HTTP version of the request: `1.1` for `HTTP/1.1`."""
        return self.request_head.http_version

    @property
    def host(self) -> str | None:
        """Host as sent."""
        return self.request.host

    @property
    def origin(self) -> str | None:
        """Origin as sent, or Sec-WebSocket-Origin of the drafts."""
        return self.request.origin

    @property
    def user_agent(self) -> str | None:
        """User-Agent as sent."""
        return self.request_head.value("user-agent")

    @property
    def status(self) -> int | None:
        """The status code of the final response."""
        return self.response_head.status if self.response_head is not None else None

    @property
    def reason(self) -> str | None:
        """The reason phrase as sent; None where it is absent or empty."""
        return (self.response_head.reason or None) if self.response_head is not None else None

    @property
    def server(self) -> str | None:
        """The response's Server field."""
        return self.response_head.value("server") if self.response_head is not None else None

    @property
    def key(self) -> str | None:
        """Sec-WebSocket-Key as sent; None for hixie versions."""
        return None if self.is_hixie else self.request.key

    @property
    def accept(self) -> str | None:
        """Sec-WebSocket-Accept as sent; None for hixie versions."""
        response = self.response
        return response.accept if response is not None and not self.is_hixie else None

    @property
    def accept_expected(self) -> str | None:
        """The accept value that answers the key (RFC 6455 §4.2.2 item 5.4)."""
        key = self.key
        return accept_value(key) if key is not None and not self.multiplexed else None

    @property
    def accept_valid(self) -> bool | None:
        """Whether the accept value is the expected one; None where either is missing."""
        accept, expected = self.accept, self.accept_expected
        return None if accept is None or expected is None else accept == expected

    @property
    def subprotocols_offered(self) -> list[str]:
        """The subprotocols of the request, as sent, in order."""
        return self.request.subprotocols

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol of the response, as sent."""
        return self.response.subprotocol if self.response is not None else None

    @property
    def extensions_offered(self) -> list[str]:
        """The extensions of the request, each with its parameters as sent."""
        return self.request.extensions

    @property
    def extensions(self) -> list[str]:
        """The extensions of the response, each with its parameters as sent."""
        return self.response.extensions if self.response is not None else []

    @cached_property
    def deflate(self) -> Deflate | None:
        """The compression in use, None where the handshake did not succeed or chose none."""
        if not self.succeeded:
            return None
        return negotiated(self.extensions_offered, self.extensions)

    @property
    def succeeded(self) -> bool:
        """Whether the final response says that the protocol is switched, rightly or not.

        101 (RFC 6455 §4.1), or 2xx for an extended CONNECT (RFC 8441 §5).
        """
        if self.multiplexed:
            return self.status is not None and 200 <= self.status <= 299
        return self.status == 101

    @cached_property
    def outcome(self) -> str:
        """`established`, `refused`, `invalid` or `unanswered`.

        `invalid` is a success response with a fault that is `fatal`: RFC 6455 §4.1 makes the
        client fail the connection, or the request could not be upgraded (§4.2.1).
        """
        if self.response_head is None:
            return "unanswered"
        if not self.succeeded:
            return "refused"
        if plainly_good(self.request_head, self.response_head):
            return "established"
        return "invalid" if any(fault.fatal for fault in self.faults) else "established"

    @cached_property
    def faults(self) -> tuple[Fault, ...]:
        """Every rule that failed on either side, as far as the heads alone decide."""
        return (*request_faults(self), *response_faults(self), *extension_faults(self))


def plainly_good(request: Head, response: Head) -> bool:
    """Tell whether an HTTP/1.1 handshake is one of the many that no rule can object to.

    Only a short way to the answer: False says nothing. RFC 6455 §4.1, §4.2.1, §4.2.2.
    """
    if request.oddities or response.oddities or request.method != "GET":
        return False
    if request.http_version != "1.1" or response.http_version != "1.1":
        return False
    once = _single_values(
        request, ("host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version")
    )
    back = _single_values(response, ("upgrade", "connection", "sec-websocket-accept"))
    if once is None or back is None or not once[0] or once[4] != "13":
        return False
    if once[1].lower() != "websocket" or back[0].lower() != "websocket":
        return False
    if once[2].lower() not in PLAIN_CONNECTION or back[1].lower() not in PLAIN_CONNECTION:
        return False
    if _PLAIN_KEY.fullmatch(once[3]) is None or back[2] != accept_value(once[3]):
        return False
    if response.count("content-length") or response.count("transfer-encoding"):
        return False
    chosen = response.values("sec-websocket-protocol")
    if chosen and (len(chosen) > 1 or chosen[0] not in request.tokens("sec-websocket-protocol")):
        return False
    return _plain_extensions(request, response)


PLAIN_CONNECTION = frozenset(("upgrade", "keep-alive, upgrade"))

# 22 base64 characters, the last with its four unused bits zero, and the padding.
_PLAIN_KEY = re.compile(r"[A-Za-z0-9+/]{21}[AQgw]==")


def _single_values(head: Head, names: tuple[str, ...]) -> list[str] | None:
    """Return the value of each field, None unless each stands in the head exactly once."""
    found = [head.values(name) for name in names]
    return [values[0] for values in found] if all(len(each) == 1 for each in found) else None


def _plain_extensions(request: Head, response: Head) -> bool:
    """Tell whether the server chose no extension, or the one that is common, without parameters."""
    chosen = response.values("sec-websocket-extensions")
    if not chosen:
        return True
    offered = request.value("sec-websocket-extensions") or ""
    return chosen == ["permessage-deflate"] and offered in (
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
    )
