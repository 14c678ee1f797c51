"""WebSocket over HTTP/2 (H2): settings, the extended CONNECT, and the end of a stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from wsanalyze.checks.check import check
from wsanalyze.checks.ending import maybe_cut
from wsanalyze.checks.facts import OTHER, Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.spans import span
from wsanalyze.checks.ways_to_end import reset_for_fault
from wsanalyze.http2.bodies import CANCEL, NO_ERROR, PROTOCOL_ERROR, STREAM_CLOSED, error_name

SECOND = 1_000_000_000
_H2 = ("http2",)

# The fields of HTTP/1 that nobody reads here, and nothing forbids (RFC 8441 §5).
_KEY, _ACCEPT = "sec-websocket-key", "sec-websocket-accept"

# What of the handshake voids it on a stream as it does in HTTP/1.
NEGOTIATED = ("HSR-05", "HSR-06", "HSR-07", "HSQ-12")


@check(
    "H2-01",
    "connect-not-enabled",
    ":protocol before the server had enabled extended CONNECT",
    severity="error",
    tags=(*_H2, "handshake", "request"),
    references=("RFC 8441 §3",),
    explanation=(
        "A client may use :protocol when the server's SETTINGS have said that it understands it: "
        "SETTINGS_ENABLE_CONNECT_PROTOCOL with the value 1. A server that does not would take the "
        "request for a malformed one, or for a tunnel."
    ),
    advice="Wait for the server's SETTINGS, and use HTTP/1.1 where they do not enable it.",
    fields=(":protocol",),
)
def connect_not_enabled(facts: Facts) -> Iterator[Finding]:
    """H2-01: not where the server's SETTINGS may be what the capture does not have."""
    stream, requested = facts.observation.stream, facts.connection.requested
    if stream is None or stream.enabled != 0 or requested is None:
        return
    settings = stream.shared.connect
    # Captures of several interfaces have packets in another order than time.
    if any(each.value == 1 and each.time <= requested for each in settings):
        return
    later = next((each for each in settings if each.value == 1), None)
    if later is None and not stream.shared.whole:
        # It may turn out late that bytes are missing: when nothing fills the hole any more.
        return
    if later is not None:
        late = span(later.time - requested)
        why = f"it was enabled {late} later, in packet {later.packet}"
    elif settings:
        why = f"the server's SETTINGS say {settings[-1].value}"
    else:
        why = "the server's SETTINGS do not name it"
        if not stream.shared.settings:
            if "server" in facts.connection.sealed:
                # They may be in what no key opened.
                return
            why = "no SETTINGS of the server had come"
    message = f"stream {stream.number} uses :protocol, and {why}"
    expected = "SETTINGS_ENABLE_CONNECT_PROTOCOL = 1 first"
    yield facts.once("client", message, evidence=":protocol", expected=expected)


@check(
    "H2-02",
    "wrong-connect-setting",
    "SETTINGS_ENABLE_CONNECT_PROTOCOL has a wrong value, or was taken back",
    severity="error",
    tags=(*_H2, "settings"),
    references=("RFC 8441 §3",),
    explanation=(
        "The setting is 0 or 1. Once it was 1 it must not become 0: the client may have sent a "
        "request already that depends on it."
    ),
    advice="Send the setting once, in the first SETTINGS.",
    fields=(":protocol",),
)
def wrong_connect_setting(facts: Facts) -> Iterator[Finding]:
    """H2-02: said once for a connection, on the first of its streams."""
    stream = facts.observation.stream
    if stream is None or not facts.speaks_for_tcp:
        return
    enabled = False
    for each in stream.shared.connect:
        what = None
        if each.value > 1:
            what = f"SETTINGS_ENABLE_CONNECT_PROTOCOL is {each.value}"
        elif each.value == 0 and enabled:
            what = "SETTINGS_ENABLE_CONNECT_PROTOCOL is 0 after it was 1"
        enabled = enabled or each.value == 1
        if what is not None:
            evidence = f"0x0008 = {each.value}"
            yield Finding(
                what,
                sender="server",
                time=each.time,
                packet=each.packet,
                evidence=evidence,
                expected="0 or 1, and 1 for good",
            )


@check(
    "H2-03",
    "malformed-extended-connect",
    "The extended CONNECT lacks pseudo-header fields, or has wrong ones",
    severity="error",
    tags=(*_H2, "handshake", "request"),
    references=("RFC 8441 §4", "RFC 8441 §5", "RFC 9113 §8.3"),
    explanation=(
        "A request for WebSocket over HTTP/2 has the method CONNECT and, unlike any other CONNECT, "
        ":protocol, :scheme, :path and :authority, each once, in front of all other fields and no "
        "further ones with a colon. The scheme is https for wss and http for ws. A request that "
        "is not so is malformed: servers reset its stream."
    ),
    advice="Use a library that knows RFC 8441; it is not a GET with an Upgrade.",
    faults=True,
)
def malformed_extended_connect(facts: Facts) -> Iterator[Finding]:
    """H2-03."""
    return with_reaction(facts, facts.of_faults("H2-03"))


def with_reaction(facts: Facts, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Say with the first finding about the request that the server reset the stream for it."""
    reset = reset_for_fault(facts)
    for finding in findings:
        if reset is not None and finding.sender == "client" and finding.severity != "warning":
            code, packet = error_name(reset.code or 0), reset.packet
            message = f"{finding.message}; the server reset the stream ({code}, packet {packet})"
            yield replace(finding, message=message)
            reset = None
        else:
            yield finding


@check(
    "H2-04",
    "field-of-http1",
    "A field that HTTP/2 does not have, or does not have so",
    severity="error",
    tags=(*_H2, "handshake"),
    references=("RFC 8441 §5", "RFC 9113 §8.2.1", "RFC 9113 §8.2.2", "RFC 9113 §8.3.1"),
    explanation=(
        "Upgrade and Connection are about a connection, and a stream is none: a message with them "
        "is malformed, as is one with a TE that says anything but trailers. Sec-WebSocket-Key and "
        "Accept are not used, since HTTP/2 itself shows that the server understood. Names are in "
        "lower case, and values have no blanks around them and no line ends in them: a proxy that "
        "writes them out as HTTP/1 would make other fields of those."
    ),
    advice="Look for a proxy that translates HTTP/1 to HTTP/2 field by field.",
    faults=True,
    example="http2-haproxy.pcapng",
    quotes_samples=True,
)
def field_of_http1(facts: Facts) -> Iterator[Finding]:
    """H2-04: a warning for what nobody needs to reject; HAProxy passes the key of HTTP/1 on.

    A server that answers the key does what the client began: that is one finding.
    """
    asked = facts.handshake is not None and facts.handshake.request_head.count(_KEY)
    answered = [each for each in facts.faults.get("H2-04", ()) if each.field == _ACCEPT]
    for finding in with_reaction(facts, facts.of_faults("H2-04")):
        evidence = finding.evidence or ""
        if evidence.startswith(f"{_ACCEPT}:"):
            if not asked:
                yield replace(finding, severity="warning")
        elif evidence.startswith(f"{_KEY}:"):
            message = finding.message
            if answered:
                message += f"; the server answers it with {_ACCEPT}"
            yield replace(finding, message=message, severity="warning")
        else:
            yield finding


@check(
    "H2-05",
    "wrong-status",
    "101, no status, or pseudo-header fields of a request, in an answer",
    severity="error",
    tags=(*_H2, "handshake", "response"),
    references=("RFC 8441 §5", "RFC 9113 §8.6", "RFC 9113 §8.3.2"),
    explanation=(
        "Over HTTP/2 a 2xx status accepts the WebSocket; whatever else is final refuses it (see "
        "HSR-10). 101 Switching Protocols does not exist there."
    ),
    advice="Answer 200.",
    faults=True,
)
def wrong_status(facts: Facts) -> Iterator[Finding]:
    """H2-05."""
    return facts.of_faults("H2-05")


@check(
    "H2-06",
    "void-negotiation",
    "One stream's handshake is void, and others share its connection",
    severity="info",
    tags=(*_H2, "handshake", "response"),
    references=("RFC 8441 §5", "RFC 6455 §4.1"),
    explanation=(
        "RFC 8441 keeps the rules of RFC 6455 for subprotocols and extensions: what the server "
        "chooses must have been offered, once. The rule that is broken is told by its own check. "
        "The client must fail this stream; the others of its connection have nothing to do with it."
    ),
    advice="Reset the stream (RST_STREAM with CANCEL), and let the connection stand.",
    circumstances=("http2",),
)
def void_negotiation(facts: Facts) -> Iterator[Finding]:
    """H2-06: one finding for the stream."""
    stream = facts.observation.stream
    others = 0 if stream is None else stream.sharing[0]
    if stream is None or others < 1:
        return
    broken = [
        code
        for code, faults in facts.faults.items()
        if (code in NEGOTIATED or code.startswith("EXT-"))
        and any(fault.fatal and fault.sender == "server" for fault in faults)
    ]
    if broken:
        share = "1 other WebSocket shares" if others == 1 else f"{others} other WebSockets share"
        void = "voids" if len(broken) == 1 else "void"
        message = f"{' and '.join(broken)} {void} stream {stream.number} alone"
        yield facts.once("server", f"{message}; {share} the connection")


@check(
    "H2-07",
    "stream-ended-out-of-turn",
    "A stream was reset, or ended without a Close",
    severity="warning",
    tags=(*_H2, "close"),
    references=("RFC 8441 §5", "RFC 9113 §8.1"),
    explanation=(
        "After both Close frames each end finishes its half of the stream with END_STREAM, as TCP "
        "would with a FIN. RST_STREAM with CANCEL stands for a TCP connection that was reset. "
        "Other error codes say what went wrong in HTTP/2 itself. A stream that was cut without any "
        "Close frame is CLS-08's."
    ),
    advice="Look at the error code, and at the log of whoever sent it at that time.",
    circumstances=("http2",),
)
def stream_ended_out_of_turn(facts: Facts) -> Iterator[Finding]:
    """H2-07: the first END_STREAM, and every RST_STREAM but a quiet one after both Close frames.

    The one that cut a session without any Close is CLS-08's, one that answers a Close is CLS-06's;
    a client that fails the handshake resets the stream as it should.
    """
    stream = facts.observation.stream
    if stream is None or not facts.established:
        return
    cut = maybe_cut(facts)
    told = None if cut is None else (cut.by, cut.packet)
    closed = {each for each in ("client", "server") if facts.side(each).close is not None}
    for sender, code, time, packet in stream.resets:
        if _is_usual(facts, sender, code, closed) or (sender, packet) == told:
            continue
        after = "after both Close frames" if len(closed) == 2 else "without the closing handshake"
        yield Finding(
            f"the {sender} reset stream {stream.number} {after}: {error_name(code)}",
            sender=sender,
            time=time,
            packet=packet,
            evidence=f"RST_STREAM {code}",
            expected="END_STREAM after both Close frames",
        )
    for sender, time, packet in stream.finished[:1]:
        if closed or not facts.whole(sender) or (sender, packet) == told:
            continue
        if facts.connection.outcome == "invalid":
            continue
        yield Finding(
            f"the {sender} ended stream {stream.number} without a Close frame",
            sender=sender,
            time=time,
            packet=packet,
            evidence="END_STREAM",
            expected="a Close frame first",
        )


def _is_usual(facts: Facts, sender: str, code: int, closed: set[str]) -> bool:
    """Whether a RST_STREAM tells nothing that is not known, or not as it should be."""
    if len(closed) == 2:
        # Who has forgotten a stream answers what still comes on it so (RFC 9113 §5.1).
        return code in (NO_ERROR, CANCEL, STREAM_CLOSED)
    if facts.connection.outcome == "invalid":
        return sender == "client" and code in (CANCEL, PROTOCOL_ERROR)
    return closed == {OTHER[sender]} and code in (NO_ERROR, CANCEL)


@check(
    "H2-08",
    "flow-control-stall",
    "A frame had to wait for a WINDOW_UPDATE",
    severity="warning",
    tags=(*_H2, "timing"),
    references=("RFC 9113 §5.2", "RFC 9113 §6.9"),
    explanation=(
        "A sender of DATA may send as much as the receiver's windows allow, on the stream and on "
        "the connection. Where they were used up within a WebSocket frame, the rest of it waited "
        "for more than a second: the receiver does not read, or forgets to say so."
    ),
    advice="Look at the receiver: windows are to be opened as data is read, or made larger.",
    circumstances=("http2",),
)
def flow_control_stall(facts: Facts) -> Iterator[Finding]:
    """H2-08."""
    stream = facts.observation.stream
    if stream is None:
        return
    for stall in stream.stalls:
        end = "until a WINDOW_UPDATE" if stall.ended else "and no WINDOW_UPDATE came"
        yield Finding(
            f"a frame of the {stall.sender} waited {stall.waited_ns / SECOND:.1f} s on stream "
            f"{stream.number}, its window used up, {end}",
            sender=stall.sender,
            time=stall.time,
            packet=stall.packet,
            expected="WINDOW_UPDATE",
        )
