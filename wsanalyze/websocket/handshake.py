"""The opening handshake of every WebSocket version: its facts, its outcome, its faults.

RFC 6455 §4, the HyBi drafts before it, draft-hixie-thewebsocketprotocol-75 and -76, and the
extended CONNECT of HTTP/2 and HTTP/3 (RFC 8441, RFC 9220). Nothing here raises for what was sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from wsanalyze.websocket.accept import accept_value
from wsanalyze.websocket.challenge import ANSWER_LENGTH, ChallengeSteps, challenge_steps
from wsanalyze.websocket.extension_rules import extension_faults
from wsanalyze.websocket.extensions import Deflate, negotiated, split_elements
from wsanalyze.websocket.faults import Fault
from wsanalyze.websocket.fields import Head
from wsanalyze.websocket.hixie_rules import hixie_faults
from wsanalyze.websocket.request_rules import request_faults
from wsanalyze.websocket.response_rules import response_faults
from wsanalyze.websocket.stream_rules import stream_faults

__all__ = ["Fault", "Handshake", "Request", "Response", "is_interim", "is_upgrade_request"]

# Versions that the HyBi drafts 4 to 12 sent, all with today's accept rule (9 to 12 "were not used
# as valid values", RFC 6455 §4.1 item 9, which does not keep clients from sending them).
DRAFT_VERSIONS = frozenset(str(number) for number in range(4, 13))

# Versions whose challenge is Key1, Key2 and eight bytes of body, or that have none at all.
HIXIE_VERSIONS = frozenset(("hixie-76", "hixie-75", "0", "1", "2", "3"))

# Versions whose frames are not those of RFC 6455, but have opcodes (`wsanalyze.websocket.drafts`).
EARLY_DRAFTS = frozenset(("1", "2", "3", "4", "5", "6"))


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


def has_either(head: Head, one: str, other: str) -> bool:
    """Tell whether a head has a field of one of two names."""
    return head.count(one) > 0 or head.count(other) > 0


def hixie_dialect(response: Head) -> str | None:
    """Return the Hixie version whose server sends such a response; None for no such version."""
    if has_either(response, "sec-websocket-location", "sec-websocket-origin"):
        return "hixie-76"
    return "hixie-75" if has_either(response, "websocket-location", "websocket-origin") else None


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


# Not slotted: a slotted class has no place for the properties that are computed once and kept.
@dataclass(frozen=True)
class Handshake:
    """One attempt: a request, what came before the answer, and the final response if there is one.

    The properties carry the names of the columns of `connections`; None is NA there.

    `challenge` and `answer` are of Hixie-76 and the HyBi drafts 0 to 3 alone: the bytes behind the
    request's head (eight, or fewer where no more came) and behind the 101 (sixteen). None where it
    is not known what they were.
    """

    request_head: Head
    response_head: Head | None = None
    interim_heads: tuple[Head, ...] = ()
    challenge: bytes | None = None
    answer: bytes | None = None

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
        return self.version in HIXIE_VERSIONS and not self.multiplexed

    @property
    def has_challenge(self) -> bool:
        """Whether the request asks for an answer to two keys and eight bytes behind its head."""
        head = self.request_head
        return self.is_hixie and has_either(head, "sec-websocket-key1", "sec-websocket-key2")

    @cached_property
    def challenge_steps(self) -> ChallengeSteps | None:
        """How the answer to the challenge comes about; None where there is none, or not whole."""
        first = self.request_head.value("sec-websocket-key1")
        second = self.request_head.value("sec-websocket-key2")
        if not self.has_challenge or self.challenge is None or first is None or second is None:
            return None
        return challenge_steps(first, second, self.challenge)

    @property
    def framing(self) -> str | None:
        """What the frames behind the handshake look like: `rfc6455`, `draft`, `hixie`.

        None where what follows cannot be frames, or not frames that anybody could read: the
        response names only other protocols in its Upgrade (a missing one says nothing: proxies
        take it away), it answers another version than was asked for, or the whole stream is
        compressed (`deflate-stream` of the HyBi drafts 1 to 10).
        """
        head = self.response_head
        if head is None:
            return self._framing_asked_for
        if self.multiplexed:
            # Extended CONNECT is of 2018: it knows one framing (RFC 8441 §5).
            return "rfc6455"
        accepts = head.count("sec-websocket-accept") > 0
        extended = head.count("sec-websocket-extensions") > 0
        if accepts and not self.is_hixie and not extended and head.value("upgrade") == "websocket":
            return self._framing_asked_for  # a short way for most of them
        named = [name.lower() for name in head.tokens("upgrade")]
        if named and not any(name.startswith("websocket") for name in named):
            return None
        if extended and "deflate-stream" in self.extensions:
            return None
        dialect = hixie_dialect(head)
        if self.has_challenge:
            fits = dialect == "hixie-76"
        elif self.version == "hixie-75":
            fits = dialect == "hixie-75" or (dialect is None and not accepts)
        else:
            # A missing accept value is a fault; but a Hixie server has another answer.
            fits = (accepts or dialect is None) and not self.is_hixie
        return self._framing_asked_for if fits else None

    @property
    def _framing_asked_for(self) -> str:
        if self.version in EARLY_DRAFTS and not self.multiplexed:
            return "draft"
        return "hixie" if self.is_hixie else "rfc6455"

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
        """Sec-WebSocket-Key as sent; where there is a challenge, the bytes behind the head, in hex.

        None for hixie-75. The other parts of a challenge are header fields, as sent.
        """
        if self.is_hixie:
            return self.challenge.hex() if self.has_challenge and self.challenge else None
        return self.request.key

    @property
    def accept(self) -> str | None:
        """Sec-WebSocket-Accept as sent; where there is a challenge, its answer in hex."""
        if self.is_hixie:
            return self.answer.hex() if self.has_challenge and self.answer else None
        response = self.response
        return response.accept if response is not None else None

    @property
    def accept_expected(self) -> str | None:
        """The accept value that answers the key (RFC 6455 §4.2.2 item 5.4; hixie-76 §5.2)."""
        if self.is_hixie:
            steps = self.challenge_steps
            return steps.answer.hex() if steps is not None and steps.answer is not None else None
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
            granted = self.status is not None and 200 <= self.status <= 299
            return granted and self.request.is_extended_connect
        return self.status == 101

    @cached_property
    def outcome(self) -> str:
        """`established`, `refused`, `invalid` or `unanswered`.

        `invalid` is a success response with a fault that is `fatal`: RFC 6455 §4.1 makes the
        client fail the connection, or the request could not be upgraded (§4.2.1). A challenge
        whose answer did not come, or not whole, is `unanswered`, whatever the status.
        """
        if self.response_head is None:
            return "unanswered"
        if not self.succeeded:
            return "refused"
        if self._is_plainly_good:
            return "established"
        if any(fault.fatal for fault in self.faults):
            return "invalid"
        return "established" if self.is_answered else "unanswered"

    @property
    def is_answered(self) -> bool:
        """Whether nothing of a 101 is missing: False only where the answer did not come whole."""
        if not self.has_challenge or self.answer is None:
            return True
        return len(self.answer) >= ANSWER_LENGTH

    @property
    def _is_partly_unknown(self) -> bool:
        heads = (self.request_head, self.response_head)
        found = [each.code for head in heads if head is not None for each in head.oddities]
        return "unknown-entry" in found

    @cached_property
    def _is_plainly_good(self) -> bool:
        head = self.response_head
        return head is not None and plainly_good(self.request_head, head)

    @property
    def is_spotless(self) -> bool:
        """Whether this is one of the many handshakes of which `faults` is known to be empty.

        Only a short way to the answer: False says nothing.
        """
        request, response = self.request_head, self.response_head
        if response is None or not self._is_plainly_good:
            return False
        return not (_remarkable(request) or any(map(response.count, REMARKABLE_IN_RESPONSES)))

    @cached_property
    def faults(self) -> tuple[Fault, ...]:
        """Every rule that failed on either side, as far as the heads alone decide.

        None of a head of HTTP/2 that refers to fields which the capture does not have.
        """
        if self.multiplexed:
            return () if self._is_partly_unknown else connect_faults(self)
        faults = (*request_faults(self), *response_faults(self), *extension_faults(self))
        return (*faults, *hixie_faults(self)) if self.is_hixie else faults


def connect_faults(handshake: Handshake) -> tuple[Fault, ...]:
    """Return what is wrong with an extended CONNECT: RFC 8441's rules and RFC 6455's."""
    rules = (request_faults, response_faults, extension_faults, stream_faults)
    return tuple(fault for rule in rules for fault in rule(handshake))


def plainly_good(request: Head, response: Head) -> bool:
    """Tell whether an HTTP/1.1 handshake is one of the many that no rule can object to.

    Only a short way to the answer: False says nothing. RFC 6455 §4.1, §4.2.1, §4.2.2.
    """
    if request.oddities or response.oddities or request.method != "GET":
        return False
    # A refusal is to be told, whatever fields come with it.
    if response.status != 101:
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


def _remarkable(request: Head) -> bool:
    """Tell whether a request that is plainly good may have a fault that voids nothing."""
    if any(map(request.count, REMARKABLE_IN_REQUESTS)):
        return True
    offered = request.values("sec-websocket-extensions")
    if offered and offered not in _PLAIN_OFFERS:
        return True
    # A browser without an Origin is remarkable; without either field nobody claims to be one.
    if not request.count("origin") and (
        request.count("user-agent") or request.count("sec-fetch-mode")
    ):
        return True
    target = request.target or ""
    host = request.value("host") or ""
    return _PLAIN_TARGET.fullmatch(target) is None or _PLAIN_HOST.fullmatch(host) is None


REMARKABLE_IN_REQUESTS = (
    "sec-websocket-protocol",
    "sec-websocket-accept",
    "sec-websocket-key1",
    "sec-websocket-key2",
    "content-length",
    "transfer-encoding",
)
REMARKABLE_IN_RESPONSES = ("sec-websocket-protocol", "sec-websocket-version")

_PLAIN_OFFERS = (
    ["permessage-deflate"],
    ["permessage-deflate; client_max_window_bits"],
)
_PLAIN_TARGET = re.compile(r"/[^#]*")
_PLAIN_HOST = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]+)?")

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
