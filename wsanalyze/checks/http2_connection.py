"""Connections of HTTP/2 as a whole (H2-09, H2-10): what shares one, and what is wrong on it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wsanalyze.checks.check import check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.http2 import with_reaction
from wsanalyze.checks.redaction import redacted
from wsanalyze.checks.spans import counted
from wsanalyze.http2.bodies import NO_ERROR, error_name
from wsanalyze.multiplexing import Malformed, Multiplex
from wsanalyze.websocket.credentials import is_harmless

_H2 = ("http2",)


@check(
    "H2-09",
    "shared-connection",
    "Several WebSockets share one HTTP/2 connection",
    severity="info",
    tags=_H2,
    references=("RFC 8441 §5",),
    explanation=(
        "Each stream is a WebSocket of its own; they share one TCP connection, its losses and its "
        "end. DATA frames have nothing to do with the borders of WebSocket frames."
    ),
    advice="Nothing is wrong. The column http_stream tells the rows apart.",
    example="http2-node.pcapng",
    circumstances=("http2",),
)
def shared_connection(facts: Facts) -> Iterator[Finding]:
    """H2-09: said once for a connection, on the first of its streams."""
    stream, record = facts.observation.stream, facts.connection
    if stream is None or not facts.speaks_for_tcp or stream.shared.opened < 2:
        return
    shared = stream.shared
    numbers = ", ".join(str(each) for each in shared.open_streams[:16])
    numbers += ", ..." if shared.opened > 16 else ""
    # Those for WebSocket that were refused are requests like others.
    count = shared.requests + shared.websockets - shared.opened
    requests = counted(count, "other request")
    data = stream.client_data + stream.server_data
    frames = record.client_frames + record.server_frames
    carry = "carries" if data == 1 else "carry"
    yield Finding(
        f"{shared.opened} WebSockets (streams {numbers}) and {requests} share this connection; "
        f"on stream {stream.number}, {counted(data, 'DATA frame')} {carry} "
        f"{counted(frames, 'WebSocket frame')}",
        time=record.requested,
        packet=record.request_packet,
    )


@check(
    "H2-10",
    "connection-error",
    "Something on the HTTP/2 connection is malformed, or it was given up for an error",
    severity="warning",
    tags=(*_H2, "transport"),
    references=("RFC 9113 §5.4.1", "RFC 9113 §6.8", "RFC 9113 §8.1.1"),
    explanation=(
        "An error in HTTP/2 itself, such as a frame of a wrong size, ends the connection with all "
        "of its streams: a GOAWAY with an error code says so. Requests and answers that are "
        "malformed end their own stream; those that other requests share the connection with may "
        "be somebody's way to slip requests past a proxy. What is wrong with requests for "
        "WebSocket themselves is H2-03's and H2-04's."
    ),
    advice="Look at the error code, and at what its receiver had sent before.",
    fields=(":protocol",),
    example="http2-unruly.pcapng /node-frames",
)
def connection_error(facts: Facts) -> Iterator[Finding]:
    """H2-10: each fault once, at its stream where that is a WebSocket's, else at the first one.

    A GOAWAY or RST_STREAM of the other end behind a fault is its answer: that is one finding.
    """
    told = facts.faults.get("H2-03") or facts.faults.get("H2-04")
    found = _errors(facts)
    return found if told else with_reaction(facts, found)


def _errors(facts: Facts) -> Iterator[Finding]:
    stream = facts.observation.stream
    if stream is None:
        return
    shared = stream.shared
    answered = _answered(shared)
    for fault in shared.faults:
        is_own = fault.stream == stream.number
        if not is_own and (fault.stream in shared.streams or not facts.speaks_for_tcp):
            continue
        where = f" on stream {fault.stream}" if fault.stream and not is_own else ""
        message = f"of the {fault.sender}{where}: {_public(facts, fault.what)}"
        if fault is answered and shared.goaway is not None:
            message += f"; {_given_up(shared.goaway)}, in packet {shared.goaway[4]}"
        yield Finding(
            message,
            sender=fault.sender,
            time=fault.time,
            packet=fault.packet,
            evidence=_evidence(facts, fault),
            reference=fault.section,
            severity="error",
            count=fault.count,
        )
    if answered is None and shared.goaway is not None and facts.speaks_for_tcp:
        sender, code, _, time, packet = shared.goaway
        if code != NO_ERROR:
            yield Finding(
                _given_up(shared.goaway),
                sender=sender,
                time=time,
                packet=packet,
                evidence=f"GOAWAY {code}",
                expected="NO_ERROR",
            )


# What may stand in a fault of any request on the connection, not of the one that is looked at.
_QUERY = re.compile(r"([?#])[^\s'\"]+")
_NAMES = r"(?:cookie|authori[sz]ation|token|api-?key|secret|passw)"
_CREDENTIAL = re.compile(rf"({_NAMES}[^:='\"]{{0,20}}[:=])[^'\"…]+", re.IGNORECASE)


def _evidence(facts: Facts, fault: Malformed) -> str | None:
    """Return what was found where it can be no secret of who asked: names, and words as defined."""
    found = fault.evidence
    if facts.show_secrets or not found or is_harmless(found):
        return found or None
    return _public(facts, found) if found == fault.field else redacted(found)


def _public(facts: Facts, text: str) -> str:
    """Return words of a fault without queries and credentials, whatever its field is called."""
    if facts.show_secrets:
        return text
    return _CREDENTIAL.sub(r"\1 …", _QUERY.sub(r"\1...", facts.without_secrets(text)))


def _answered(shared: Multiplex) -> Malformed | None:
    """Return the fault that a GOAWAY answers: the last one of the other end before it."""
    if shared.goaway is None or shared.goaway[1] == NO_ERROR:
        return None
    sender, time = shared.goaway[0], shared.goaway[3]
    before = [each for each in shared.faults if each.sender != sender and each.time <= time]
    return before[-1] if before else None


def _given_up(goaway: tuple[str, int, int, int, int]) -> str:
    sender, code, last, _, _ = goaway
    return f"the {sender} gave the connection up: {error_name(code)}, behind stream {last}"
