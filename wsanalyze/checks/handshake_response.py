"""The opening handshake's response (HSR): what a 101 must say, and what comes with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from wsanalyze.checks.check import check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.intermediaries import stripped_of_response
from wsanalyze.websocket.faults import shown

_RESPONSE = ("handshake", "response")


def stripped(facts: Facts) -> list[str]:
    """Return what an intermediary took out of the 101: nothing of that is the server's fault."""
    handshake = facts.handshake
    if handshake is None or handshake.response_head is None:
        return []
    valid = handshake.accept_valid is True
    return stripped_of_response(handshake.response_head, accept_valid=valid)


@check(
    "HSR-01",
    "wrong-upgrade",
    "The 101's Upgrade is not websocket",
    severity="error",
    tags=_RESPONSE,
    references=("RFC 6455 §4.1 response item 2", "RFC 6455 §4.2.2 item 5.2"),
    explanation=(
        "A 101 says in Upgrade which protocol goes on: websocket, in any letter case. Without it, "
        "or with another name, the client must fail the connection."
    ),
    advice="Let the server answer Upgrade: websocket; look for a proxy that takes it away.",
    faults=True,
    example="bad-accept.pcapng",
)
def wrong_upgrade(facts: Facts) -> Iterator[Finding]:
    """HSR-01: not where it was taken away on the way back, which PRX-02 tells."""
    return iter(()) if "Upgrade" in stripped(facts) else facts.of_faults("HSR-01")


@check(
    "HSR-02",
    "response-without-connection-upgrade",
    "The 101's Connection does not list Upgrade",
    severity="error",
    tags=_RESPONSE,
    references=("RFC 6455 §4.1 response item 3", "RFC 6455 §4.2.2 item 5.3"),
    explanation=(
        "The response must say Connection: Upgrade: its Upgrade is meant for this hop. A client "
        "that does not find it must fail the connection."
    ),
    advice=("Let the server answer Connection: Upgrade; look for a proxy that takes it away."),
    faults=True,
)
def response_without_connection_upgrade(facts: Facts) -> Iterator[Finding]:
    """HSR-02: not where it was taken away on the way back, which PRX-02 tells."""
    return iter(()) if "Connection: Upgrade" in stripped(facts) else facts.of_faults("HSR-02")


@check(
    "HSR-03",
    "missing-accept",
    "The 101 has no Sec-WebSocket-Accept",
    severity="error",
    tags=_RESPONSE,
    references=("RFC 6455 §4.1 response item 4",),
    explanation=(
        "Sec-WebSocket-Accept is the server's answer to the client's key. A 101 without it proves "
        "nothing: it may come from a server that never heard of WebSocket, or from a cache."
    ),
    advice="Answer base64(SHA-1(key + 258EAFA5-E914-47DA-95CA-C5AB0DC85B11)).",
    faults=True,
    example="bad-accept.pcapng",
)
def missing_accept(facts: Facts) -> Iterator[Finding]:
    """HSR-03."""
    return facts.of_faults("HSR-03")


@check(
    "HSR-04",
    "wrong-accept",
    "Sec-WebSocket-Accept does not answer the key",
    severity="error",
    tags=(*_RESPONSE, "security"),
    references=("RFC 6455 §4.1 response item 4", "RFC 6455 §4.2.2 item 5.4"),
    explanation=(
        "The server appends a fixed GUID to the client's key, hashes that with SHA-1 and sends the "
        "digest in base64. A client compares it with what it expects, and must fail the connection "
        "where it differs: the answer belongs to another request, or comes from somebody who does "
        "not know the protocol."
    ),
    advice=(
        "What kind of mistake it is, is said in the finding: a key that was trimmed or "
        "lower-cased, hex instead of base64, an answer to another key (a cache or a proxy that "
        "mixes up two)."
    ),
    faults=True,
    example="bad-accept.pcapng",
)
def wrong_accept(facts: Facts) -> Iterator[Finding]:
    """HSR-04."""
    handshake = facts.handshake
    expected = handshake.accept_expected if handshake is not None else None
    for finding in facts.of_faults("HSR-04"):
        yield replace(finding, expected=expected)


@check(
    "HSR-05",
    "repeated-response-field",
    "Accept, Protocol or Extensions is repeated in the response",
    severity="error",
    tags=_RESPONSE,
    references=("RFC 6455 §11.3.2", "RFC 6455 §11.3.3", "RFC 6455 §11.3.4"),
    explanation=(
        "These fields must not appear more than once in a response: which one would count?"
    ),
    advice="Look for who adds the second one: often a proxy that passes the server's on.",
    faults=True,
)
def repeated_response_field(facts: Facts) -> Iterator[Finding]:
    """HSR-05: no error of Sec-WebSocket-Extensions, of which RFC 6455 says both."""
    for finding in facts.of_faults("HSR-05"):
        both = (finding.evidence or "").startswith("Sec-WebSocket-Extensions:")
        yield replace(finding, severity="warning") if both else finding


@check(
    "HSR-06",
    "subprotocol-not-offered",
    "The server chose a subprotocol that was not offered",
    severity="error",
    tags=(*_RESPONSE, "subprotocol"),
    references=("RFC 6455 §4.1 response item 6", "RFC 6455 §4.2.2 item 4"),
    explanation=(
        "The server takes one of the subprotocols that the client offered, letter by letter, or "
        "none. A client that finds another one must fail the connection."
    ),
    advice="Compare letter case and spelling with the offer; send nothing where none fits.",
    faults=True,
    example="subprotocols.pcapng",
)
def subprotocol_not_offered(facts: Facts) -> Iterator[Finding]:
    """HSR-06."""
    return facts.of_faults("HSR-06")


@check(
    "HSR-07",
    "several-subprotocols",
    "The response names several subprotocols",
    severity="error",
    tags=(*_RESPONSE, "subprotocol"),
    references=("RFC 6455 §4.2.2 item 5.5", "RFC 6455 §11.3.4"),
    explanation=("A server chooses one subprotocol. Servers that echo the offer name all of them."),
    advice="Choose one, and send that alone.",
    faults=True,
)
def several_subprotocols(facts: Facts) -> Iterator[Finding]:
    """HSR-07."""
    return facts.of_faults("HSR-07")


@check(
    "HSR-08",
    "no-subprotocol-chosen",
    "Subprotocols were offered and none was chosen",
    severity="info",
    tags=(*_RESPONSE, "subprotocol"),
    references=("RFC 6455 §4.2.2 item 4",),
    explanation=(
        "A server may choose no subprotocol. Many clients then close the connection, browsers "
        "among them when the page asked for one."
    ),
    advice="Where the client goes away at once, let the server choose.",
    faults=True,
    example="subprotocols.pcapng",
)
def no_subprotocol_chosen(facts: Facts) -> Iterator[Finding]:
    """HSR-08."""
    return facts.of_faults("HSR-08")


@check(
    "HSR-09",
    "upgraded-invalid-request",
    "101 to a request that cannot be upgraded",
    severity="error",
    tags=_RESPONSE,
    references=("RFC 6455 §4.2.1", "RFC 6455 §4.2.2", "RFC 9110 §7.8"),
    explanation=(
        "A server must not switch for a request that is no valid handshake: not a GET, HTTP/1.0, "
        "no key, another version. One that does can be made to believe things by pages in "
        "browsers."
    ),
    advice=("Check all of RFC 6455 §4.2.1 before answering 101; answer 400 or 426 otherwise."),
    faults=True,
)
def upgraded_invalid_request(facts: Facts) -> Iterator[Finding]:
    """HSR-09."""
    return facts.of_faults("HSR-09")


@check(
    "HSR-13",
    "101-with-body-fields",
    "101 with Content-Length or Transfer-Encoding",
    severity="warning",
    tags=(*_RESPONSE, "proxy"),
    references=("RFC 9110 §8.6", "RFC 9112 §6.1"),
    explanation=(
        "A 101 has no body, so it must not announce one. Some clients and proxies wait for it, or "
        "take the first frames for it."
    ),
    advice="Find who adds the field: frameworks and proxies do so for every response.",
    faults=True,
)
def switch_with_body_fields(facts: Facts) -> Iterator[Finding]:
    """HSR-13."""
    return facts.of_faults("HSR-13")


@check(
    "HSR-14",
    "101-in-old-http",
    "101 with HTTP version 1.0",
    severity="error",
    tags=_RESPONSE,
    references=("RFC 9110 §7.8", "RFC 9110 §15.2.2"),
    explanation="HTTP/1.0 has no 101 and no Upgrade. Clients of RFC 6455 fail the connection.",
    advice="Answer with HTTP/1.1.",
    faults=True,
)
def switch_in_old_http(facts: Facts) -> Iterator[Finding]:
    """HSR-14."""
    return facts.of_faults("HSR-14")


@check(
    "HSR-15",
    "version-with-101",
    "Sec-WebSocket-Version in a 101",
    severity="warning",
    tags=_RESPONSE,
    references=("RFC 6455 §11.3.5", "RFC 6455 §4.4"),
    explanation=(
        "A server names its versions when it refuses one. In a 101 the field means nothing."
    ),
    advice="Leave it out of successful responses.",
    faults=True,
)
def version_with_switch(facts: Facts) -> Iterator[Finding]:
    """HSR-15."""
    return facts.of_faults("HSR-15")


@check(
    "HSR-16",
    "frames-with-101",
    "Server frames in the same segment as the 101",
    severity="info",
    tags=_RESPONSE,
    references=("RFC 6455 §4.2.2",),
    explanation=(
        "A server may send frames right behind its 101, and TCP may bring both in one segment. "
        "Clients that throw away what they read behind the head lose the first message."
    ),
    advice=("Nothing is wrong. If the first message goes missing at the client, this is why."),
    example="frames-with-101.pcap",
    circumstances=("with-response",),
)
def frames_with_switch(facts: Facts) -> Iterator[Finding]:
    """HSR-16."""
    count = facts.observation.with_response
    if count and facts.has_request:
        frames = "1 frame" if count == 1 else f"{count} frames"
        yield facts.once("server", f"{frames} of the server came in the same segment as the 101")


@check(
    "HSR-17",
    "frames-after-void-handshake",
    "Frames were sent although the handshake is void",
    severity="error",
    tags=("handshake",),
    references=("RFC 6455 §4.1", "RFC 6455 §7.1.7"),
    explanation=(
        "The response breaks a rule for which the client must fail the connection. Somebody went "
        "on all the same: a client that does not verify, or a server that did not wait to be told."
    ),
    advice=("Use a client that verifies the response; see the other findings for what is wrong."),
    events=("frame-after-refusal",),
)
def frames_after_void_handshake(facts: Facts) -> Iterator[Finding]:
    """HSR-17."""
    record = facts.connection
    if record.outcome != "invalid":
        return
    if not record.client_frames:
        # A server cannot know yet that its answer will be refused.
        return
    events = facts.events("frame-after-refusal")
    first = next((event for event in events if event.sender == "client"), None)
    if first is None:
        return
    # The client had to end it; a server that is not told so answers.
    message = f"the client sent {_frames(record.client_frames)} after a handshake that is void"
    if record.server_frames:
        message += f", and the server {_frames(record.server_frames)}"
    # Headers from before RFC 6455 have other parts than an event can give back.
    evidence = None if facts.has_standard_frames else ""
    yield facts.at(first, message, evidence=evidence, expected="the connection is failed")


def _frames(count: int) -> str:
    return "1 frame" if count == 1 else f"{count} frames"


@check(
    "HSR-20",
    "insecure-cookie-set",
    "A cookie without Secure is set over plain ws",
    severity="warning",
    tags=(*_RESPONSE, "security", "privacy"),
    references=("RFC 6265 §4.1.2.5", "RFC 6455 §10.6"),
    explanation=(
        "The response sets a cookie on a connection that anybody on the way can read, and without "
        "Secure the browser will send it in the clear again."
    ),
    advice="Use wss, and set cookies with Secure and HttpOnly.",
    fields=("set-cookie",),
    example="cross-site.pcapng",
)
def insecure_cookie_set(facts: Facts) -> Iterator[Finding]:
    """HSR-20."""
    handshake = facts.handshake
    if handshake is None or handshake.response_head is None or facts.connection.scheme != "ws":
        return
    if not handshake.succeeded:
        return
    for cookie in handshake.response_head.values("set-cookie"):
        pair, *attributes = cookie.split(";")
        name, _, value = (part.strip() for part in pair.partition("="))
        # RFC 6265 §5.2.5: whatever value Secure has. An empty cookie is how one is taken back.
        names = [each.partition("=")[0].strip().lower() for each in attributes]
        if value and "secure" not in names:
            message = f"the response sets the cookie {shown(name)} without Secure"
            evidence = f"Set-Cookie: {name[:80]}={facts.secret(value)}"[:200]
            yield facts.once("server", message, evidence=evidence, expected="Secure")
