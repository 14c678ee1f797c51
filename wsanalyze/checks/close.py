"""Close frames (CLS): their codes and reasons."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.checks.check import check
from wsanalyze.checks.facts import OTHER, Facts, described
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.pipelining import http_among_frames
from wsanalyze.checks.spans import octets
from wsanalyze.observation import Event
from wsanalyze.websocket.close import describe, may_be_sent, registered
from wsanalyze.websocket.faults import shown

SECOND = 1_000_000_000
SENDERS = ("client", "server")

# Codes that stand for something which was not sent (§7.4.1), or for nothing yet.
NEVER_SENT = {
    1004: "is reserved",
    1005: "stands for a Close without a code",
    1006: "stands for a connection that ended without a Close",
    1015: "stands for a TLS handshake that failed",
}
# Codes that blame what the other end had sent.
BLAMING = (1002, 1003, 1007, 1008, 1009, 1010, 1011)


def both_closes(facts: Facts) -> tuple[Event | None, Event | None]:
    """Return the client's and the server's first Close.

    None for one that is missing or a guess.
    """
    client, server = facts.side("client").close, facts.side("server").close
    return (
        client if client is not None and client.certain else None,
        server if server is not None and server.certain else None,
    )


def code_of(close: Event) -> int | None:
    """Return the status code of a Close, None where it has none (RFC 6455 §5.5.1)."""
    return int.from_bytes(close.payload[:2], "big") if len(close.payload) >= 2 else None


def named(code: int) -> str:
    """Return a status code with its name."""
    entry = registered(code)
    return str(code) if entry is None else f"{code} ({entry.meaning})"


def body(facts: Facts, close: Event) -> str:
    """Return a Close's body as evidence; its code alone where it repeats the handshake's secret."""
    if reason_of(facts, close) != _reason(close):
        return close.payload[:2].hex(" ") + " …"
    return close.payload[:64].hex(" ")


def reason_of(facts: Facts, close: Event) -> str:
    """Return a Close's reason without the secrets of the handshake that it may repeat."""
    return facts.without_repeated(_reason(close))


def _reason(close: Event) -> str:
    return close.payload[2:].decode("utf-8", "replace")


@check(
    "CLS-01",
    "close-of-one-byte",
    "A Close with a body of one byte",
    severity="error",
    tags=("close",),
    references=("RFC 6455 §5.5.1", "RFC 6455 §7.1.5"),
    explanation=(
        "A Close has no body, or one that begins with a code of two bytes. One is no code."
    ),
    advice="Send the code in two bytes, or nothing.",
    example="oddities.pcapng",
    events=("odd-code",),
)
def close_of_one_byte(facts: Facts) -> Iterator[Finding]:
    """CLS-01."""
    for close in facts.closes:
        if close.length == 1:
            message = "the Close has a body of one byte"
            yield facts.at(
                close, message, evidence=body(facts, close), expected="0 or 2 to 125 bytes"
            )


@check(
    "CLS-02",
    "invalid-close-code",
    "A status code that must not be sent",
    severity="error",
    tags=("close",),
    references=("RFC 6455 §7.4.1", "RFC 6455 §7.4.2"),
    explanation=(
        "Codes below 1000 and above 4999 do not exist, 1004, 1005, 1006 and 1015 are never sent, "
        "and the others up to 2999 belong to the protocol. A receiver may fail the connection for "
        "such a code."
    ),
    advice="Use 1000 to close normally, and 4000 to 4999 for codes of your own.",
    example="oddities.pcapng",
    events=("odd-code",),
)
def invalid_close_code(facts: Facts) -> Iterator[Finding]:
    """CLS-02."""
    for close in facts.closes:
        code = code_of(close)
        if code is None or may_be_sent(code):
            continue
        why = NEVER_SENT.get(code)
        if why is None:
            why = "is not registered" if 1000 <= code <= 2999 else "is no status code"
        message = f"the Close has the status code {code}, which {why}"
        if _is_text(close):
            text = shown(close.payload.decode("ascii"))
            message += f": its body is the text {text}, without a code in front"
        yield facts.at(
            close, message, evidence=body(facts, close), expected="1000, or 3000 to 4999"
        )


def _is_text(close: Event) -> bool:
    """Whether the bytes of a code are the beginning of a text: no code that exists looks so."""
    begun = close.payload
    return len(begun) > 2 and begun.isascii() and begun.decode("ascii").isprintable()


@check(
    "CLS-03",
    "close-reason-not-utf8",
    "A Close's reason is not UTF-8",
    severity="error",
    tags=("close", "text"),
    references=("RFC 6455 §5.5.1", "RFC 6455 §8.1"),
    explanation="What stands behind the code is text for people who debug, and must be UTF-8.",
    advice="Cut the reason at a character's end where it is too long.",
    example="oddities.pcapng",
    events=("odd-reason",),
)
def close_reason_not_utf8(facts: Facts) -> Iterator[Finding]:
    """CLS-03."""
    for close in facts.closes:
        if len(close.payload) < close.length:
            continue
        try:
            close.payload[2:].decode("utf-8")
        except UnicodeDecodeError as error:
            message = f"the Close's reason is no UTF-8 from byte {error.start} on"
            yield facts.at(close, message, evidence=body(facts, close), expected="UTF-8")


@check(
    "CLS-07",
    "server-sent-1010",
    "The server closed with 1010",
    severity="error",
    tags=("close", "extension"),
    references=("RFC 6455 §7.4.1",),
    explanation=(
        "1010 says that the server did not agree to an extension that the client needs. A server "
        "has no use for it: it can refuse the handshake."
    ),
    advice="Refuse the upgrade instead.",
    events=("odd-code",),
)
def server_sent_mandatory_extension(facts: Facts) -> Iterator[Finding]:
    """CLS-07."""
    for close in facts.closes:
        if close.sender == "server" and code_of(close) == 1010:
            reason = reason_of(facts, close)
            message = "the server closed with 1010"
            message += f"; its reason is {shown(reason)}" if reason else ""
            yield facts.at(close, message, evidence=body(facts, close))


@check(
    "CLS-11",
    "blaming-close",
    "A Close that blames what the other end had sent",
    severity="info",
    tags=("close",),
    references=("RFC 6455 §7.4.1",),
    explanation=(
        "Codes such as 1002, 1007 and 1009 say that a frame of the other end was wrong, not wanted "
        "or too big. The one named here is the last one before the Close: it is the first to look "
        "at."
    ),
    advice="Look at that frame, and at the other findings about it.",
    events=("odd-code",),
)
def blaming_close(facts: Facts) -> Iterator[Finding]:
    """CLS-11."""
    for sender in SENDERS:
        side = facts.side(sender)
        code = code_of(side.close) if side.close is not None else None
        if side.close is None or not side.close.certain or code not in BLAMING:
            continue
        answered = facts.side(OTHER[sender]).close
        if answered is not None and code_of(answered) == code and answered.time < side.close.time:
            # It only repeats what the other end had said.
            continue
        if sender == "server" and code == 1010:
            # CLS-07 tells of it: a server has nothing to blame with that.
            continue
        provoker = side.before_close
        message = f"the {sender} closed with {named(code)}"
        if code == 1011:
            message += ", for an error of its own"
        written = http_among_frames(facts, OTHER[sender])
        if written is not None and written.time <= side.close.time:
            message += f"; before that the {OTHER[sender]} had written HTTP (FRM-13)"
        elif provoker is not None:
            message += (
                f"; before that the {OTHER[sender]} had sent a {described(provoker)} of "
                f"{octets(provoker.length)} (packet {provoker.packet}, frame {provoker.frame})"
            )
        reason = reason_of(facts, side.close)
        if reason:
            message += f"; its reason is {shown(reason)}"
        yield facts.at(side.close, message, evidence=body(facts, side.close))


@check(
    "CLS-12",
    "close-codes-differ",
    "The two Close frames have different codes",
    severity="info",
    tags=("close",),
    references=("RFC 6455 §5.5.1",),
    explanation=(
        "Whoever answers a Close usually repeats its code. Another one is allowed: two that "
        "crossed on the way, or a peer with a code of its own."
    ),
    advice="Nothing is wrong.",
    events=("codes-differ",),
)
def close_codes_differ(facts: Facts) -> Iterator[Finding]:
    """CLS-12."""
    client, server = both_closes(facts)
    if client is None or server is None:
        return
    first, second = sorted((client, server), key=lambda each: each.time)
    one, other = code_of(first), code_of(second)
    if one == other or any(len(each.payload) < min(each.length, 2) for each in (first, second)):
        return
    # What is wrong with the first one is told, and so is who blames it (CLS-11).
    if other in BLAMING or any(code is not None and not may_be_sent(code) for code in (one, other)):
        return
    said = [named(code) if code is not None else "no code" for code in (one, other)]
    message = f"the {first.sender} closed with {said[0]}, the {second.sender} with {said[1]}"
    yield facts.at(second, message, evidence=body(facts, second), expected=said[0])


@check(
    "CLS-13",
    "uncommon-close-code",
    "A registered or private status code",
    severity="info",
    tags=("close",),
    references=("RFC 6455 §7.4.2", "IANA WebSocket Close Code Number Registry"),
    explanation=(
        "1012 to 1014 were registered later; 3000 to 3999 are for libraries and frameworks, 4000 "
        "to 4999 mean what the two programs agreed upon."
    ),
    advice="Look the code up in the program's documentation.",
    events=("odd-code",),
)
def uncommon_close_code(facts: Facts) -> Iterator[Finding]:
    """CLS-13: of the end that closed first."""
    first = min(facts.closes, key=lambda each: each.time, default=None)
    code = code_of(first) if first is not None else None
    if first is None or code is None or not (code in (1012, 1013, 1014) or 3000 <= code <= 4999):
        return
    name = describe(code)
    reason = reason_of(facts, first)
    said = f", {shown(reason)}" if reason else ""
    message = f"the {first.sender} closed with {code}: {name}{said}"
    yield facts.at(first, message, evidence=body(facts, first))
