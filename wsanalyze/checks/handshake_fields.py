"""The fields of the opening handshake's request (HSQ) that are WebSocket's own."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.checks.check import check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding

_REQUEST = ("handshake", "request")


@check(
    "HSQ-06",
    "missing-key",
    "Sec-WebSocket-Key is missing",
    severity="error",
    tags=_REQUEST,
    references=("RFC 6455 §4.1 item 7", "RFC 6455 §4.2.1 item 5"),
    explanation=(
        "The client makes sixteen random bytes and sends them as Sec-WebSocket-Key; the server "
        "answers with a hash of it. That proves that the server read this very request, and "
        "understood it. Without a key there is nothing to prove."
    ),
    advice=("Send a fresh key with each request. A server must answer 400 to a request without."),
    faults=True,
)
def missing_key(facts: Facts) -> Iterator[Finding]:
    """HSQ-06."""
    return facts.of_faults("HSQ-06")


@check(
    "HSQ-07",
    "invalid-key",
    "Sec-WebSocket-Key is not sixteen bytes in base64",
    severity="error",
    tags=_REQUEST,
    references=("RFC 6455 §4.1 item 7", "RFC 6455 §4.2.1 item 5", "RFC 4648 §4"),
    explanation=(
        "The key is sixteen bytes in base64: 24 characters, the last two of them =. Servers need "
        "not decode it, so that many let anything pass; strict ones refuse it."
    ),
    advice=("Make the key of 16 random bytes and encode them with the usual alphabet and padding."),
    faults=True,
)
def invalid_key(facts: Facts) -> Iterator[Finding]:
    """HSQ-07."""
    return facts.of_faults("HSQ-07")


@check(
    "HSQ-08",
    "repeated-key",
    "Sec-WebSocket-Key appears more than once",
    severity="error",
    tags=_REQUEST,
    references=("RFC 6455 §11.3.1",),
    explanation=(
        "There must be one key. With two, server and proxy may each take another one, and the "
        "accept value will not fit for somebody."
    ),
    advice=("Look for who adds the second one: the client, or a proxy that rewrites the request."),
    faults=True,
    quotes_samples=True,
)
def repeated_key(facts: Facts) -> Iterator[Finding]:
    """HSQ-08."""
    return facts.of_faults("HSQ-08")


@check(
    "HSQ-09",
    "wrong-version",
    "Sec-WebSocket-Version is missing or not 13",
    severity="error",
    tags=_REQUEST,
    references=("RFC 6455 §4.1 item 9", "RFC 6455 §4.4"),
    explanation=(
        "13 is the version of RFC 6455, and the only one that was ever standardised. Smaller "
        "numbers are the drafts before it."
    ),
    advice=("Update the client. A server says which versions it knows in Sec-WebSocket-Version."),
    faults=True,
)
def wrong_version(facts: Facts) -> Iterator[Finding]:
    """HSQ-09, but for the numbers of drafts, which LEG-06 tells."""
    handshake = facts.handshake
    if handshake is not None and handshake.is_draft:
        return iter(())
    return facts.of_faults("HSQ-09")


@check(
    "HSQ-10",
    "malformed-version",
    "Sec-WebSocket-Version is repeated, or no number from 0 to 255",
    severity="error",
    tags=_REQUEST,
    references=("RFC 6455 §11.3.5", "RFC 6455 §4.3"),
    explanation="The version is one number from 0 to 255, without leading zeros, sent once.",
    advice="Send Sec-WebSocket-Version: 13, once.",
    faults=True,
)
def malformed_version(facts: Facts) -> Iterator[Finding]:
    """HSQ-10."""
    return facts.of_faults("HSQ-10")


@check(
    "HSQ-11",
    "malformed-subprotocols",
    "The subprotocols offered are empty, repeated, or no tokens",
    severity="error",
    tags=(*_REQUEST, "subprotocol"),
    references=("RFC 6455 §4.1 item 10", "RFC 9110 §5.6.1"),
    explanation=(
        "Sec-WebSocket-Protocol lists what the client can speak inside WebSocket, best first: "
        "names without blanks or separators, each once. A server that splits the list otherwise "
        "than meant may choose something that was not offered."
    ),
    advice="Offer each subprotocol once, by its registered name.",
    faults=True,
)
def malformed_subprotocols(facts: Facts) -> Iterator[Finding]:
    """HSQ-11."""
    return facts.of_faults("HSQ-11")


@check(
    "HSQ-12",
    "malformed-extensions",
    "Sec-WebSocket-Extensions does not follow the grammar",
    severity="error",
    tags=("handshake", "extension"),
    references=("RFC 6455 §9.1", "RFC 6455 §4.3"),
    explanation=(
        "Extensions are a comma list, their parameters behind semicolons, each a token or "
        "name=value. What does not follow that grammar must make its receiver fail the connection."
    ),
    advice=("Look at the element named here; most often it is an empty one, or a quoted value."),
    faults=True,
)
def malformed_extensions(facts: Facts) -> Iterator[Finding]:
    """HSQ-12, of either side."""
    return facts.of_faults("HSQ-12")


@check(
    "HSQ-14",
    "accept-in-request",
    "The request carries Sec-WebSocket-Accept",
    severity="warning",
    tags=_REQUEST,
    references=("RFC 6455 §11.3.3",),
    explanation=("Only a server sends Sec-WebSocket-Accept: it is the answer to the client's key."),
    advice="Look at who makes the request: a proxy may echo the fields of a response.",
    faults=True,
)
def accept_in_request(facts: Facts) -> Iterator[Finding]:
    """HSQ-14."""
    return facts.of_faults("HSQ-14")
