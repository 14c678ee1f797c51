"""Versions before RFC 6455 (LEG): Hixie-75, Hixie-76 and the HyBi drafts."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import CAPTURE, check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.spans import octets
from wsanalyze.websocket.faults import shown
from wsanalyze.websocket.handshake import Handshake

_LEGACY = ("handshake", "legacy")

# Within this time the same client tries again because of the refusal.
FALLBACK_NS = 10_000_000_000


@check(
    "LEG-01",
    "wrong-challenge-answer",
    "The answer to the challenge of Hixie-76 is wrong or missing",
    severity="error",
    tags=_LEGACY,
    references=(
        "draft-hixie-thewebsocketprotocol-76 §1.3",
        "draft-hixie-thewebsocketprotocol-76 §4.1",
        "draft-hixie-thewebsocketprotocol-76 §5.2",
    ),
    explanation=(
        "In Hixie-76 the client sends two keys with numbers hidden between blanks, and eight bytes "
        "behind the head. The server answers sixteen bytes: the MD5 of both numbers and the eight "
        "bytes. Proxies that do not know it keep the eight bytes for themselves."
    ),
    advice=(
        "Update both ends to RFC 6455. Until then look for a proxy between them that waits for a "
        "body, or does not pass one on."
    ),
    faults=True,
    example="hixie-76.pcapng",
)
def wrong_challenge_answer(facts: Facts) -> Iterator[Finding]:
    """LEG-01."""
    return facts.of_faults("LEG-01")


@check(
    "LEG-02",
    "invalid-challenge-key",
    "A key of Hixie-76 stands for no number",
    severity="error",
    tags=_LEGACY,
    references=("draft-hixie-thewebsocketprotocol-76 §5.2 items 4 to 7",),
    explanation=(
        "The digits of a key are a number that the count of its blanks divides. A key without "
        "blanks, or with a remainder, is no key; a server must abort."
    ),
    advice="Look for who changes the field's blanks on the way: they are part of it.",
    faults=True,
    example="old-failures.pcapng",
)
def invalid_challenge_key(facts: Facts) -> Iterator[Finding]:
    """LEG-02."""
    return facts.of_faults("LEG-02")


@check(
    "LEG-03",
    "wrong-legacy-origin",
    "WebSocket-Origin or WebSocket-Location does not fit the request",
    severity="error",
    tags=_LEGACY,
    references=(
        "draft-hixie-thewebsocketprotocol-76 §4.1",
        "draft-hixie-thewebsocketprotocol-76 §5.2 item 11",
    ),
    explanation=(
        "A server of Hixie repeats the page's origin and the address that was asked for. A client "
        "that finds others must fail the connection: it may be talking to somebody else."
    ),
    advice="Behind a proxy, let the server know the name and scheme that clients use.",
    faults=True,
    example="hixie-76.pcapng",
)
def wrong_legacy_origin(facts: Facts) -> Iterator[Finding]:
    """LEG-03."""
    return facts.of_faults("LEG-03")


@check(
    "LEG-04",
    "broken-legacy-framing",
    "Frames of Hixie could not be read to their end",
    severity="error",
    tags=("frame", "legacy"),
    references=(
        "draft-hixie-thewebsocketprotocol-76 §4.2",
        "draft-hixie-thewebsocketprotocol-76 §5.3",
    ),
    explanation=(
        "Text of Hixie stands between 00 and FF, other frames have a length. Text without its FF, "
        "or a length that nobody can mean, leaves the receiver without a place to go on from."
    ),
    advice="Update both ends to RFC 6455, whose frames say how long they are.",
    events=("hixie-length", "hixie-cut"),
    example="old-failures.pcapng",
)
def broken_legacy_framing(facts: Facts) -> Iterator[Finding]:
    """LEG-04: MSG-04 has what is not UTF-8."""
    handshake = facts.handshake
    record = facts.connection
    # Behind a handshake that is void or unseen, bytes that are no frames are no surprise.
    if handshake is None or record.outcome != "established" or handshake.framing != "hixie":
        return
    for event in facts.events("hixie-length"):
        if not getattr(record, f"{event.sender}_lost_bytes"):
            unread = getattr(record, f"{event.sender}_unread_bytes")
            counted = "1 byte" if unread == 1 else f"{unread} bytes"
            message = (
                f"the length of the frame at offset {event.value} has more than 63 bits; "
                f"{counted} behind it can be no frames of Hixie"
            )
            yield facts.at(event, message, evidence="", expected="a length of 63 bits at most")
    for event in facts.events("hixie-cut"):
        own_fin = (event.sender, "fin")
        closed = [e for e in facts.observation.endings if (e.sender, e.how) == own_fin]
        if closed and not getattr(record, f"{event.sender}_lost_bytes"):
            message = (
                f"the {event.sender} closed the connection, in packet {closed[0].packet}, "
                f"within the frame at offset {event.value}"
            )
            expected = "FF at the end of text" if event.length == 0 else octets(event.length)
            yield facts.at(event, message, evidence="", expected=expected)


@check(
    "LEG-05",
    "hixie-75",
    "Hixie-75: a handshake without any proof",
    severity="warning",
    tags=(*_LEGACY, "security"),
    references=("draft-hixie-thewebsocketprotocol-75",),
    explanation=(
        "The oldest version in use has no key and no challenge: the response does not show that "
        "the server read the request. Pages could make browsers attack other protocols with it."
    ),
    advice="Turn it off on servers; no browser has sent it since 2011.",
    example="hixie-75.pcapng",
    circumstances=("hixie-75",),
)
def hixie_75(facts: Facts) -> Iterator[Finding]:
    """LEG-05."""
    if facts.handshake is not None and facts.handshake.version == "hixie-75":
        yield facts.once("client", "the version is Hixie-75", expected="version 13")


@check(
    "LEG-06",
    "draft-version",
    "A draft before RFC 6455 is spoken",
    severity="warning",
    tags=_LEGACY,
    references=("RFC 6455 §4.1 item 9", "RFC 6455 §4.4"),
    explanation=(
        "Hixie-76 and the HyBi drafts are steps on the way to RFC 6455. Servers take them out; "
        "proxies and firewalls never knew them."
    ),
    advice="Update the client to version 13.",
    example="hybi-drafts.pcapng",
    faults=("HSQ-09",),
    fields=("sec-websocket-key1", "sec-websocket-key2"),
    quotes_samples=True,
)
def draft_version(facts: Facts) -> Iterator[Finding]:
    """LEG-06."""
    handshake = facts.handshake
    if handshake is None or not (handshake.is_hixie or handshake.is_draft):
        return
    if handshake.version != "hixie-75":
        name = "Hixie-76" if handshake.version == "hixie-76" else handshake.version
        message = f"the version is {name}, a draft before RFC 6455"
        fields = ("Sec-WebSocket-Version", "Sec-WebSocket-Draft", "Sec-WebSocket-Key1")
        head = handshake.request_head
        field = next((each for each in fields if head.count(each.lower())), None)
        evidence = None if field is None else f"{field}: {head.value(field.lower())}"[:200]
        yield facts.once("client", message, evidence=evidence, expected="version 13")


@check(
    "LEG-07",
    "mixed-versions",
    "One client asks for two versions",
    severity="info",
    tags=_LEGACY,
    references=("RFC 6455 §4.4",),
    explanation=(
        "A request has the key of RFC 6455 and those of Hixie-76 as well, so that servers of "
        "either may answer; the version that is named counts. Or a client that was refused asks "
        "again at once, for another version."
    ),
    advice="Nothing is wrong; where the server speaks version 13, no other is of any use.",
    scope=CAPTURE,
    example="old-failures.pcapng",
)
def mixed_versions(facts: CaptureFacts) -> Iterator[Finding]:
    """LEG-07."""
    refused: dict[tuple[str | None, ...], Facts] = {}
    if not any(map(_may_tell, facts.distinct)):
        return
    for each in facts.connections:
        handshake = each.handshake
        if handshake is None or not each.has_request:
            continue
        if _has_old_keys(handshake) and handshake.version == "13":
            message = "the request has keys of Hixie-76 beside version 13"
            yield facts.about(each, each.once("client", message))
        failed = each.connection.outcome in _FAILED
        # Where nobody was refused so far, nobody can fall back: most captures are like that.
        if not (refused or failed):
            continue
        client = _client(each, handshake)
        before = refused.pop(client, None)
        if before is not None and (again := _fell_back(before, each)) is not None:
            yield facts.about(each, each.once("client", again))
        if failed:
            refused[client] = each


def _may_tell(facts: Facts) -> bool:
    """Tell whether a connection may have two versions, or be the first of two with one each."""
    if facts.connection.outcome in _FAILED:
        return True
    return facts.handshake is not None and _has_old_keys(facts.handshake)


_FAILED = ("refused", "invalid")
_OLD_KEYS = frozenset(("sec-websocket-key1", "sec-websocket-key2"))


def _client(facts: Facts, handshake: Handshake) -> tuple[str | None, ...]:
    """Return what two attempts of one client for one resource have in common."""
    record = facts.connection
    ends = (record.client_ip, facts.endpoint)
    return (*ends, handshake.host, handshake.target, handshake.user_agent)


def _has_old_keys(handshake: Handshake) -> bool:
    return handshake.request_head.has_any(_OLD_KEYS)


def _fell_back(before: Facts, after: Facts) -> str | None:
    """Say that a client asked for another version than the one it was just refused with."""
    first, second = before.handshake, after.handshake
    then, now = before.connection.responded, after.connection.requested
    if first is None or second is None or then is None or now is None:
        return None
    if first.version == second.version or not 0 <= now - then <= FALLBACK_NS:
        return None
    asked = f"version {shown(second.version)} is asked for"
    refused = before.without_secrets(f"version {shown(first.version)} was refused")
    return f"{after.without_secrets(asked)} {(now - then) / 1e9:.3f} s after {refused}"
