"""Extension negotiation (EXT): what was offered, what was chosen, whether the two fit."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.checks.check import check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding

_EXTENSION = ("handshake", "extension")
_DEFLATE = (*_EXTENSION, "deflate")


@check(
    "EXT-01",
    "extension-not-offered",
    "The server chose an extension that was not offered",
    severity="error",
    tags=_EXTENSION,
    references=("RFC 6455 §4.1 response item 5", "RFC 6455 §9.1"),
    explanation=(
        "An extension changes what frames mean. The server may use only what the client offered; a "
        "client that finds another one must fail the connection."
    ),
    advice=(
        "Look for a proxy that takes Sec-WebSocket-Extensions out of the request and not out of "
        "the response."
    ),
    faults=True,
    example="bad-accept.pcapng",
)
def extension_not_offered(facts: Facts) -> Iterator[Finding]:
    """EXT-01."""
    return facts.of_faults("EXT-01")


@check(
    "EXT-02",
    "conflicting-extensions",
    "Two extensions of the response use the same bit",
    severity="error",
    tags=_EXTENSION,
    references=("RFC 6455 §9.1", "RFC 7692 §5"),
    explanation=(
        "Each extension that marks frames needs reserved bits of its own. Two that use RSV1 cannot "
        "be told apart."
    ),
    advice="Let the server choose one of them.",
    faults=True,
)
def conflicting_extensions(facts: Facts) -> Iterator[Finding]:
    """EXT-02."""
    return facts.of_faults("EXT-02")


@check(
    "EXT-03",
    "unknown-deflate-parameter",
    "permessage-deflate has a parameter that it does not know",
    severity="error",
    tags=_DEFLATE,
    references=("RFC 7692 §7.1",),
    explanation=(
        "permessage-deflate has four parameters. A server must decline an offer with any other, a "
        "client must fail the connection for one in the response."
    ),
    advice=(
        "Correct the spelling; there are server_no_context_takeover, client_no_context_takeover, "
        "server_max_window_bits and client_max_window_bits."
    ),
    faults=True,
)
def unknown_deflate_parameter(facts: Facts) -> Iterator[Finding]:
    """EXT-03."""
    return facts.of_faults("EXT-03")


@check(
    "EXT-04",
    "repeated-deflate-parameter",
    "A parameter of permessage-deflate is repeated",
    severity="error",
    tags=_DEFLATE,
    references=("RFC 7692 §7.1",),
    explanation=(
        "Each parameter may stand once in an offer and once in a response: two values would leave "
        "open which one counts."
    ),
    advice="Send it once.",
    faults=True,
)
def repeated_deflate_parameter(facts: Facts) -> Iterator[Finding]:
    """EXT-04."""
    return facts.of_faults("EXT-04")


@check(
    "EXT-05",
    "takeover-with-value",
    "A no_context_takeover parameter has a value",
    severity="error",
    tags=_DEFLATE,
    references=("RFC 7692 §7.1.1.1", "RFC 7692 §7.1.1.2"),
    explanation=(
        "server_no_context_takeover and client_no_context_takeover say what they say by being "
        "there; they have no value."
    ),
    advice="Leave the value out.",
    faults=True,
)
def takeover_with_value(facts: Facts) -> Iterator[Finding]:
    """EXT-05."""
    return facts.of_faults("EXT-05")


@check(
    "EXT-06",
    "invalid-server-window",
    "server_max_window_bits is not 8 to 15",
    severity="error",
    tags=_DEFLATE,
    references=("RFC 7692 §7.1.2.1",),
    explanation=(
        "The server's window is 2^8 to 2^15 bytes, written as 8 to 15 without leading zeros. "
        "Anything else cannot be agreed upon."
    ),
    advice=(
        "Send a number from 8 to 15 (zlib's raw deflate cannot do 8: most implementations use 9 to "
        "15)."
    ),
    faults=True,
)
def invalid_server_window(facts: Facts) -> Iterator[Finding]:
    """EXT-06."""
    return facts.of_faults("EXT-06")


@check(
    "EXT-07",
    "invalid-client-window",
    "client_max_window_bits is not 8 to 15, or has no value in a response",
    severity="error",
    tags=_DEFLATE,
    references=("RFC 7692 §7.1.2.2",),
    explanation=(
        "In an offer client_max_window_bits may stand without a value: the client lets the server "
        "choose. In a response it must have one, from 8 to 15."
    ),
    advice="Send a number from 8 to 15; an offer may name the parameter without one.",
    faults=True,
)
def invalid_client_window(facts: Facts) -> Iterator[Finding]:
    """EXT-07."""
    return facts.of_faults("EXT-07")


@check(
    "EXT-08",
    "client-window-not-offered",
    "The response limits a window that the client did not offer to limit",
    severity="error",
    tags=_DEFLATE,
    references=("RFC 7692 §7.1.2.2",),
    explanation=(
        "A server may answer client_max_window_bits only where the client's offer has it: other "
        "clients cannot use a smaller window."
    ),
    advice="Leave it out of the response to such clients.",
    faults=True,
)
def client_window_not_offered(facts: Facts) -> Iterator[Finding]:
    """EXT-08."""
    return facts.of_faults("EXT-08")


@check(
    "EXT-09",
    "deflate-offer-not-honoured",
    "The response does not honour what the client asked for",
    severity="error",
    tags=_DEFLATE,
    references=("RFC 7692 §7.1.1.1", "RFC 7692 §7.1.2.1"),
    explanation=(
        "A client asks with server_no_context_takeover or server_max_window_bits for what it can "
        "decompress. A server that accepts the offer must accept these as well, with a window that "
        "is not larger. Not to repeat server_max_window_bits=15 changes nothing, since no window "
        "is larger: that is a remark."
    ),
    advice="Repeat the parameter in the response, or decline the extension.",
    faults=True,
)
def deflate_offer_not_honoured(facts: Facts) -> Iterator[Finding]:
    """EXT-09."""
    return facts.of_faults("EXT-09", harmless="info")


@check(
    "EXT-10",
    "which-offer-was-taken",
    "Several offers of permessage-deflate: which one was taken",
    severity="info",
    tags=_DEFLATE,
    references=("RFC 7692 §5.1",),
    explanation=(
        "A client may offer permessage-deflate several times with other parameters, best first. "
        "The response tells which of them the server took."
    ),
    advice="Nothing is wrong.",
    faults=True,
    example="odd-habits.pcapng",
)
def which_offer_was_taken(facts: Facts) -> Iterator[Finding]:
    """EXT-10."""
    return facts.of_faults("EXT-10")


@check(
    "EXT-11",
    "legacy-extension",
    "An extension is in use that is no standard",
    severity="warning",
    tags=_EXTENSION,
    references=("RFC 6455 §9.1",),
    explanation=(
        "Compression from before RFC 7692 (deflate-frame, x-webkit-deflate-frame, "
        "permessage-bzip2), or somebody's own. Few programs read such frames; proxies and "
        "analyzers do not."
    ),
    advice="Use permessage-deflate.",
    faults=True,
    example="bad-accept.pcapng",
)
def legacy_extension(facts: Facts) -> Iterator[Finding]:
    """EXT-11."""
    return facts.of_faults("EXT-11")
