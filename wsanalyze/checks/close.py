"""The closing handshake (CLS), and who cut a connection that had none."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.checks.check import check
from wsanalyze.checks.ending import known_limit, maybe_cut, sentence
from wsanalyze.checks.facts import OTHER, Facts, described
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.frames import certain
from wsanalyze.observation import Ending, Event
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


def closes(facts: Facts) -> Iterator[Event]:
    """Yield the first Close of each end, where it is RFC 6455's and no guess behind a hole."""
    if facts.has_standard_frames:
        for sender in SENDERS:
            close = facts.side(sender).close
            if close is not None and close.certain:
                yield close


def code_of(close: Event) -> int | None:
    """Return the status code of a Close, None where it has none (RFC 6455 §5.5.1)."""
    return int.from_bytes(close.payload[:2], "big") if len(close.payload) >= 2 else None


def named(code: int) -> str:
    """Return a status code with its name."""
    entry = registered(code)
    return str(code) if entry is None else f"{code} ({entry.meaning})"


def body(close: Event) -> str:
    """Return a Close's body as evidence."""
    return close.payload[:64].hex(" ")


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
    events=("odd-close",),
)
def close_of_one_byte(facts: Facts) -> Iterator[Finding]:
    """CLS-01."""
    for close in closes(facts):
        if close.length == 1:
            message = "the Close has a body of one byte"
            yield facts.at(close, message, evidence=body(close), expected="0 or 2 to 125 bytes")


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
    events=("odd-close",),
)
def invalid_close_code(facts: Facts) -> Iterator[Finding]:
    """CLS-02."""
    for close in closes(facts):
        code = code_of(close)
        if code is None or may_be_sent(code):
            continue
        why = NEVER_SENT.get(code)
        if why is None:
            why = "is not registered" if 1000 <= code <= 2999 else "is no status code"
        message = f"the Close has the status code {code}, which {why}"
        yield facts.at(close, message, evidence=body(close), expected="1000, or 3000 to 4999")


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
    events=("odd-close",),
)
def close_reason_not_utf8(facts: Facts) -> Iterator[Finding]:
    """CLS-03."""
    for close in closes(facts):
        if len(close.payload) < close.length:
            continue
        try:
            close.payload[2:].decode("utf-8")
        except UnicodeDecodeError as error:
            message = f"the Close's reason is no UTF-8 from byte {error.start} on"
            yield facts.at(close, message, evidence=body(close), expected="UTF-8")


@check(
    "CLS-04",
    "data-after-close",
    "Data after this side's Close",
    severity="error",
    tags=("close",),
    references=("RFC 6455 §5.5.1",),
    explanation="An end that has sent a Close must not send any more data frames.",
    advice="Send what is to be sent before the Close.",
    events=("data-after-close",),
    example="oddities.pcapng",
)
def data_after_close(facts: Facts) -> Iterator[Finding]:
    """CLS-04."""
    for event in certain(facts, "data-after-close"):
        where = "" if event.other is None else f" in packet {event.other.packet}"
        yield facts.at(event, f"a {described(event)} behind this side's own Close{where}")


@check(
    "CLS-05",
    "second-close",
    "A second Close of the same side",
    severity="error",
    tags=("close",),
    references=("RFC 6455 §5.5.1",),
    explanation="Each end sends one Close: to begin the closing handshake, or to answer it.",
    advice="Remember that a Close was sent; an answer to the other one is not needed then.",
    events=("close-again",),
    example="oddities.pcapng",
)
def second_close(facts: Facts) -> Iterator[Finding]:
    """CLS-05."""
    for event in certain(facts, "close-again"):
        where = "" if event.other is None else f" behind the one in packet {event.other.packet}"
        yield facts.at(event, f"another Close of the {event.sender}{where}")


@check(
    "CLS-06",
    "unanswered-close",
    "A Close was not answered",
    severity="error",
    tags=("close",),
    references=("RFC 6455 §5.5.1", "RFC 6455 §7.1.2"),
    explanation=(
        "Whoever receives a Close and has not sent one must send one back before TCP is closed. "
        "Without the answer the sender cannot tell whether all that it had sent was read."
    ),
    advice=("Let the library finish its closing handshake; give it some seconds before exiting."),
    events=("one-close",),
)
def unanswered_close(facts: Facts) -> Iterator[Finding]:
    """CLS-06."""
    unclosed = [sender for sender in SENDERS if facts.side(sender).close is None]
    if len(unclosed) != 1 or not (facts.whole("client") and facts.whole("server")):
        return
    other = unclosed[0]
    for close in closes(facts):
        first = next(iter(facts.observation.endings), None)
        until = facts.connection.ended if first is None else first.time
        waited = (until - close.time) / SECOND
        if first is not None and first.sender == other and waited > _crossing_s(facts, close):
            how = {"fin": "closed", "rst": "reset"}[first.how]
            what = "the stream" if first.stream else "TCP"
            message = f"the {other} {how} {what} without answering the {close.sender}'s Close"
        elif waited >= facts.thresholds.close_s:
            message = f"no Close answered this one in {waited:.1f} s"
        else:
            # The sender did not wait for the answer, the capture did not, or TCP had been ended.
            continue
        yield facts.at(close, message, evidence=body(close), expected=f"a Close of the {other}")


def _crossing_s(facts: Facts, close: Event) -> float:
    """Return how long after a Close an end of TCP may come that was sent before the Close arrived.

    That is the way to the other end and back, as far as this capture shows it: the quickest of its
    Pongs, and for a client's Close its connect time.
    """
    pongs = facts.side(close.sender).pong_ns
    way = pongs.least / SECOND if pongs.count else 0.0
    connect_ms = facts.connection.connect_ms
    if close.sender == "client" and connect_ms is not None:
        return max(way, connect_ms / 1000)
    return way


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
    events=("odd-close",),
)
def server_sent_mandatory_extension(facts: Facts) -> Iterator[Finding]:
    """CLS-07."""
    for close in closes(facts):
        if close.sender == "server" and code_of(close) == 1010:
            yield facts.at(close, "the server closed with 1010", evidence=body(close))


@check(
    "CLS-08",
    "cut-without-close",
    "The connection was cut without a Close",
    severity="warning",
    tags=("close", "proxy", "cut"),
    references=("RFC 6455 §7.1.5", "RFC 6455 §7.1.7"),
    explanation=(
        "TCP ended and no Close frame was sent: both ends report 1006 to their programs. A program "
        "that crashed, a device that went to sleep, or an intermediary that lost its patience; the "
        "idle time before it, and who sent the FIN or RST, say which."
    ),
    advice=(
        "Where the idle time is that of a proxy's limit, send Pings more often than that, or raise "
        "the limit. Where one end reset, look at its log at that time."
    ),
    example="cut-connections.pcapng",
)
def cut_without_close(facts: Facts) -> Iterator[Finding]:
    """CLS-08."""
    if not facts.observation.endings:
        return
    cut = maybe_cut(facts)
    if cut is None:
        return
    record = facts.connection
    if not record.client_frames and not record.server_frames and cut.age_s < 1.0:
        # Nothing was said; a client that only looks whether it can connect does so.
        return
    known = known_limit(cut.idle_s, facts) if cut.idle_s is not None else None
    yield Finding(
        sentence(facts, cut),
        sender=cut.by,
        time=cut.time,
        packet=cut.packet,
        evidence=cut.wire,
        expected="a Close frame first" if known is None else "Pings more often than the limit",
    )


@check(
    "CLS-09",
    "tcp-closed-out-of-turn",
    "The client closed TCP first, or a RST followed a clean closing handshake",
    severity="info",
    tags=("close",),
    references=("RFC 6455 §7.1.1",),
    explanation=(
        "After both Close frames the server should close TCP first, so that the client does not "
        "have to keep the port in TIME_WAIT. A RST may throw away what the other end had not read "
        "yet."
    ),
    advice="Let the client wait for the server's FIN some seconds.",
)
def tcp_closed_out_of_turn(facts: Facts) -> Iterator[Finding]:
    """CLS-09: the client first is common and harmless, a RST is not."""
    client, server = facts.side("client").close, facts.side("server").close
    endings = facts.observation.endings
    if client is None or server is None or not endings or facts.multiplexed:
        # Streams leave no port behind, and TCP ends under all of them at once: see H2-07.
        return
    both = max(client.time, server.time)
    first = endings[0]
    resets = [each for each in endings if each.how == "rst" and each.time >= both]
    if first.how == "fin" and resets and not _fins_of_both(endings):
        each = resets[0]
        message = f"the {each.sender} reset TCP after both Close frames"
        yield _about(each, message, "warning")
    elif first.how == "rst" and first.time >= both:
        yield _about(first, f"the {first.sender} reset TCP after both Close frames", "warning")
    elif first.sender == "client" and first.time >= both and not _ended_by_server(facts):
        yield _about(first, "the client closed TCP before the server did", "info")


def _ended_by_server(facts: Facts) -> bool:
    """Say whether the server ended TLS first: the client's FIN is its answer."""
    tls = facts.connection.tls
    return tls is not None and tls.closed_by == "server"


def _fins_of_both(endings: list[Ending]) -> bool:
    return {each.sender for each in endings if each.how == "fin"} == set(SENDERS)


def _about(ending: Ending, message: str, severity: str) -> Finding:
    return Finding(
        message,
        sender=ending.sender,
        time=ending.time,
        packet=ending.packet,
        evidence=ending.how.upper(),
        severity=severity,
    )


@check(
    "CLS-10",
    "tcp-left-open",
    "TCP stayed open after both Close frames",
    severity="warning",
    tags=("close",),
    references=("RFC 6455 §7.1.1",),
    explanation=(
        "When both ends have sent a Close, the server must close TCP at once. Connections that "
        "stay open use up memory and ports for nothing."
    ),
    advice=("Close the socket when the closing handshake is over, after a time limit in any case."),
)
def tcp_left_open(facts: Facts) -> Iterator[Finding]:
    """CLS-10."""
    client, server = facts.side("client").close, facts.side("server").close
    if client is None or server is None:
        return
    endings = facts.observation.endings
    until = endings[0].time if endings else facts.connection.ended
    left = (until - max(client.time, server.time)) / SECOND
    if left > facts.thresholds.linger_s:
        what = "the stream" if facts.multiplexed else "TCP"
        message = f"{what} stayed open for {left:.1f} s after both Close frames"
        yield facts.at(server, message, evidence=body(server))


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
    events=("odd-close",),
)
def blaming_close(facts: Facts) -> Iterator[Finding]:
    """CLS-11."""
    for sender in SENDERS:
        side = facts.side(sender)
        code = code_of(side.close) if side.close is not None else None
        if side.close is None or code not in BLAMING:
            continue
        answered = facts.side(OTHER[sender]).close
        if answered is not None and code_of(answered) == code and answered.time < side.close.time:
            # It only repeats what the other end had said.
            continue
        provoker = side.before_close
        message = f"the {sender} closed with {named(code)}"
        if provoker is not None:
            message += (
                f"; before that the {OTHER[sender]} had sent a {described(provoker)} of "
                f"{provoker.length} bytes (packet {provoker.packet}, frame {provoker.frame})"
            )
        reason = side.close.payload[2:].decode("utf-8", "replace")
        if reason:
            message += f"; its reason is {shown(reason)}"
        yield facts.at(side.close, message, evidence=body(side.close))


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
    client, server = facts.side("client").close, facts.side("server").close
    if client is None or server is None:
        return
    first, second = sorted((client, server), key=lambda each: each.time)
    one, other = code_of(first), code_of(second)
    if one == other:
        return
    said = [named(code) if code is not None else "no code" for code in (one, other)]
    message = f"the {first.sender} closed with {said[0]}, the {second.sender} with {said[1]}"
    yield facts.at(second, message, evidence=body(second), expected=said[0])


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
    events=("odd-close",),
)
def uncommon_close_code(facts: Facts) -> Iterator[Finding]:
    """CLS-13: of the end that closed first."""
    first = min(closes(facts), key=lambda each: each.time, default=None)
    code = code_of(first) if first is not None else None
    if first is None or code is None or not (code in (1012, 1013, 1014) or 3000 <= code <= 4999):
        return
    name = describe(code)
    reason = first.payload[2:].decode("utf-8", "replace")
    said = f", {shown(reason)}" if reason else ""
    message = f"the {first.sender} closed with {code}: {name}{said}"
    yield facts.at(first, message, evidence=body(first))
