"""The opening handshake of every WebSocket version: its facts, its outcome, its faults.

RFC 6455 §4, the HyBi drafts before it, draft-hixie-thewebsocketprotocol-75 and -76, and the
extended CONNECT of HTTP/2 and HTTP/3 (RFC 8441, RFC 9220). Nothing here raises for what was sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from wsanalyze.lazy import lazy
from wsanalyze.websocket.accept import accept_value
from wsanalyze.websocket.challenge import ANSWER_LENGTH, ChallengeSteps, challenge_steps
from wsanalyze.websocket.extension_rules import extension_faults
from wsanalyze.websocket.extensions import Deflate, negotiated
from wsanalyze.websocket.faults import Fault
from wsanalyze.websocket.fields import Head
from wsanalyze.websocket.hixie_rules import hixie_faults
from wsanalyze.websocket.plain_handshake import REMARKABLE_IN_RESPONSES, plainly_good, remarkable
from wsanalyze.websocket.request_rules import request_faults
from wsanalyze.websocket.response_rules import response_faults
from wsanalyze.websocket.sides import (
    Request,
    Response,
    is_interim,
    is_upgrade_request,
    names_websocket,
)
from wsanalyze.websocket.stream_rules import stream_faults

__all__ = [
    "Fault",
    "Handshake",
    "Request",
    "Response",
    "hixie_dialect",
    "is_interim",
    "is_upgrade_request",
    "names_websocket",
]

# Versions that the HyBi drafts 4 to 12 sent, all with today's accept rule (9 to 12 "were not used
# as valid values", RFC 6455 §4.1 item 9, which does not keep clients from sending them).
DRAFT_VERSIONS = frozenset(str(number) for number in range(4, 13))

# Versions whose challenge is Key1, Key2 and eight bytes of body, or that have none at all.
HIXIE_VERSIONS = frozenset(("hixie-76", "hixie-75", "0", "1", "2", "3"))

# Versions whose frames are not those of RFC 6455, but have opcodes (`wsanalyze.websocket.drafts`).
EARLY_DRAFTS = frozenset(("1", "2", "3", "4", "5", "6"))


def has_either(head: Head, one: str, other: str) -> bool:
    """Tell whether a head has a field of one of two names."""
    return head.count(one) > 0 or head.count(other) > 0


def hixie_dialect(response: Head) -> str | None:
    """Return the Hixie version whose server sends such a response; None for no such version."""
    if has_either(response, "sec-websocket-location", "sec-websocket-origin"):
        return "hixie-76"
    return "hixie-75" if has_either(response, "websocket-location", "websocket-origin") else None


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

    @lazy
    def request(self) -> Request:
        """The facts of the request."""
        return Request(self.request_head)

    @lazy
    def response(self) -> Response | None:
        """The facts of the final response."""
        return Response(self.response_head) if self.response_head is not None else None

    @lazy
    def version(self) -> str | None:
        """`13`, `8` … `0`, `hixie-76`, `hixie-75`; any other number as sent; None if not said."""
        return "13" if self.is_plainly_good else self._version_by_rules

    @property
    def _version_by_rules(self) -> str | None:
        version = self.request.version
        if version is None and self.response_head is not None and self.succeeded:
            # Only a hixie-75 server answers with these (§5.2 there), and only without an accept.
            names = {field.name.lower() for field in self.response_head.fields}
            asked = {field.name.lower()[:14] for field in self.request_head.fields}
            if "websocket-location" in names and "sec-websocket-" not in asked:
                return "hixie-75"
        return version

    @lazy
    def is_hixie(self) -> bool:
        """Whether the version is one from before Sec-WebSocket-Key."""
        if self.is_plainly_good:
            return False
        return self.version in HIXIE_VERSIONS and not self.multiplexed

    @property
    def has_challenge(self) -> bool:
        """Whether the request asks for an answer to two keys and eight bytes behind its head."""
        head = self.request_head
        return self.is_hixie and has_either(head, "sec-websocket-key1", "sec-websocket-key2")

    @lazy
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
        return "rfc6455" if self.is_plainly_good else self._framing_by_rules(head)

    def _framing_by_rules(self, head: Head) -> str | None:
        if self.multiplexed:
            # Extended CONNECT is of 2018: it knows one framing (RFC 8441 §5).
            return "rfc6455"
        accepts = head.count("sec-websocket-accept") > 0
        extended = head.count("sec-websocket-extensions") > 0
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

    @lazy
    def target(self) -> str | None:
        """The request target as sent; `:path` in HTTP/2 and HTTP/3."""
        return self.request_head.target

    @property
    def http_version(self) -> str | None:
        """The HTTP version of the request: `1.1` for `HTTP/1.1`."""
        return self.request_head.http_version

    @lazy
    def host(self) -> str | None:
        """Host as sent."""
        return self.request.host

    @lazy
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
        return self.request_head.value("sec-websocket-key")

    @property
    def accept(self) -> str | None:
        """Sec-WebSocket-Accept as sent; where there is a challenge, its answer in hex."""
        if self.is_hixie:
            return self.answer.hex() if self.has_challenge and self.answer else None
        head = self.response_head
        return head.value("sec-websocket-accept") if head is not None else None

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

    @lazy
    def subprotocols_offered(self) -> list[str]:
        """The subprotocols of the request, as sent, in order."""
        return self.request.subprotocols

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol of the response, as sent."""
        return self.response.subprotocol if self.response is not None else None

    @lazy
    def extensions_offered(self) -> list[str]:
        """The extensions of the request, each with its parameters as sent."""
        return self.request.extensions

    @property
    def extensions(self) -> list[str]:
        """The extensions of the response, each with its parameters as sent."""
        return self.response.extensions if self.response is not None else []

    @lazy
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

    @lazy
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
        if self.is_plainly_good:
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

    @lazy
    def is_plainly_good(self) -> bool:
        """Whether this is one of the many that are established by RFC 6455, without a fatal fault.

        Only a short way to the answer: False says nothing.
        """
        head = self.response_head
        return head is not None and plainly_good(self.request_head, head)

    @lazy
    def is_spotless(self) -> bool:
        """Whether this is one of the many handshakes of which `faults` is known to be empty.

        Only a short way to the answer: False says nothing.
        """
        request, response = self.request_head, self.response_head
        if response is None or not self.is_plainly_good:
            return False
        return not (remarkable(request) or response.has_any(REMARKABLE_IN_RESPONSES))

    @lazy
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
