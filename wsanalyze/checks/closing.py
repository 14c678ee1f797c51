"""The closing handshake (CLS): who broke it off, and who cut a connection that had none."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.checks.both_legs import BothLegs, legs_of, proxy_at, spoken_for
from wsanalyze.checks.check import check
from wsanalyze.checks.close import SECOND, SENDERS, body, both_closes
from wsanalyze.checks.ending import Cut, last_place, limit_of, maybe_cut, sentence, was_a_try
from wsanalyze.checks.facts import OTHER, Facts, described
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.frames import certain
from wsanalyze.checks.pipelining import http_among_frames
from wsanalyze.observation import Ending, Event
from wsanalyze.tunnels.way import address_and_port

# What says how a stream of HTTP/2 ends, by the names of its ends.
REFERENCES = {
    "END_STREAM": "RFC 8441 §5; RFC 6455 §7.1.5",
    "RST_STREAM": "RFC 8441 §5; RFC 6455 §7.1.5",
    "GOAWAY": "RFC 9113 §5.4.1; RFC 6455 §7.1.5",
}


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
    if http_among_frames(facts, other) is not None:
        # Its answer is HTTP, and FRM-13 tells of it.
        return
    if facts.observation.count("cut", other):
        # It ended within a frame, where no Close can be: that is FRM-09.
        return
    for close in facts.closes:
        first = next(iter(facts.observation.endings), None)
        if first is not None and first.sender == other and first.behind > 0:
            # What it had sent before, be it the FIN alone, is not in the capture.
            return
        if first is not None and first.sender == other and _misses_end(facts, close.sender):
            # Who sent the Close may have ended TCP before, and not have waited for an answer.
            return
        until = facts.connection.ended if first is None else first.time
        waited = (until - close.time) / SECOND
        if first is not None and first.sender == other and waited > _crossing_s(facts, close):
            how = {"fin": "closed", "rst": "reset"}[first.how]
            what = "the stream" if first.stream else "TCP"
            message = f"the {other} {how} {what} without answering the {close.sender}'s Close"
        elif waited >= facts.thresholds.close_s:
            message = f"no Close answered this one in {waited:.1f} s"
        elif first is not None and _ended_unasked(facts, close, waited):
            message = (
                f"no Close answered this one in {waited:.1f} s: the {close.sender} gave up, "
                f"and the {other} ended TCP"
            )
        else:
            # The sender did not wait for the answer, the capture did not, or TCP had been ended.
            continue
        yield facts.at(
            close, message, evidence=body(facts, close), expected=f"a Close of the {other}"
        )


def _ended_unasked(facts: Facts, close: Event, waited: float) -> bool:
    """Whether an end that had been given time for a Close of its own ended TCP without one.

    RFC 6455 §5.5.1: it must send one, and may finish its message first.
    """
    other = OTHER[close.sender]
    if waited < max(facts.thresholds.answer_s, _crossing_s(facts, close)):
        return False
    busy = facts.may_be_within_a_frame(other) or facts.observation.count("unfinished", other)
    return facts.ended_itself(other) and not busy


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
    "CLS-08",
    "cut-without-close",
    "The connection was cut without a Close",
    severity="warning",
    tags=("close", "proxy", "cut"),
    references=("RFC 6455 §7.1.5", "RFC 6455 §7.1.7"),
    explanation=(
        "TCP ended and no Close frame was sent: both ends report 1006 to their programs. Among the "
        "causes are programs that crashed, were ended, or close the socket without a Close; "
        "devices that went away; intermediaries that lost their patience. The idle time before "
        "it, and who sent the FIN or RST, often tell them apart."
    ),
    advice=(
        "Where the idle time is that of a proxy's limit, send Pings more often than that, or raise "
        "the limit. Where one end reset, or closed right after a frame, look at its log at that "
        "time: a program that ends should send a Close (1001) first."
    ),
    example="cut-connections.pcapng",
    circumstances=("unclosed",),
    quotes_samples=True,
    measures=True,
    instead_of=("CLS-08",),
)
def cut_without_close(facts: Facts) -> Iterator[Finding]:
    """CLS-08."""
    if not facts.observation.endings:
        return
    cut = maybe_cut(facts)
    if cut is None:
        return
    proxy, legs = proxy_at(facts, cut.began), legs_of(facts)
    closer = proxy_at(facts, cut.by)
    who = f"the proxy at {closer}" if closer else ""
    known = limit_of(facts, cut, is_proxy=proxy is not None)
    yield Finding(
        sentence(facts, cut, who, _of_the_other(facts, legs), is_proxy=proxy is not None),
        sender=cut.by,
        time=cut.time,
        packet=cut.packet,
        evidence=cut.wire + last_place(cut) + _other_leg(facts, legs),
        expected="a Close frame first" if known is None else "Pings more often than the limit",
        reference=REFERENCES.get(cut.wire, ""),
        concerns=_spoken_for(facts, legs),
        cause=_cause(facts, cut, proxy),
        # Who only looks whether it can connect does so.
        severity="info" if was_a_try(facts, cut) else "",
    )


def _spoken_for(facts: Facts, legs: BothLegs | None) -> tuple[int, ...]:
    if legs is None or facts.among is None or not legs.speaks(facts):
        return ()
    return spoken_for(legs, facts.among)


def _of_the_other(facts: Facts, legs: BothLegs | None) -> str:
    """Say what became of the other leg of a connection through a proxy."""
    if legs is None:
        return ""
    if legs.began_at(facts):
        return "the proxy then ended the other leg"
    return "it ended both legs" if legs.by == "proxy" else f"the {legs.by} had ended the other leg"


def _other_leg(facts: Facts, legs: BothLegs | None) -> str:
    """Name the other leg and the end of it, behind other evidence; nothing where there is none."""
    if legs is None:
        return ""
    other, cut = legs.other(facts)
    ends = other.connection
    return (
        f"; {cut.wire} in packet {cut.packet} of the leg from "
        f"{address_and_port(ends.client_ip, ends.client_port)} to "
        f"{address_and_port(ends.server_ip, ends.server_port)}"
    )


def _cause(facts: Facts, cut: Cut, proxy: str | None) -> str:
    """Say who cut how, in the same words for all connections of which that is true."""
    did = {"fin": "closed", "rst": "reset"}[cut.how]
    server = facts.endpoint
    what = "a stream" if cut.wire in REFERENCES else "TCP"
    if cut.wire == "GOAWAY":
        did, what = "gave up", "an HTTP/2 connection"
    if cut.signs and cut.how == "rst":
        return f"something between the client and {server} reset TCP"
    how = f"{did} {what} ({cut.wire})"
    to, then = "to", ""
    if cut.began != cut.by:
        how, to, then = "ended TLS (close_notify)", "with", f", and the {cut.by} then {how}"
    known = limit_of(facts, cut, is_proxy=proxy is not None)
    after = "" if known is None else f", idle for a time that fits {known}"
    if proxy is not None:
        return f"the proxy at {proxy} {how}{then}{after}"
    if cut.began == "server":
        return f"the server at {server} {how}{then}{after}"
    at_once = " at once, before any frame" if was_a_try(facts, cut) else ""
    return f"the client {how} {to} {server}{then}{after}{at_once}"


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
    circumstances=("client-first", "reset"),
)
def tcp_closed_out_of_turn(facts: Facts) -> Iterator[Finding]:
    """CLS-09: the client first is common and harmless, a RST is not."""
    client, server = both_closes(facts)
    endings = facts.observation.endings
    if client is None or server is None:
        return
    if facts.multiplexed:
        yield from _reset_below(facts, max(client.time, server.time))
        return
    if not endings:
        return
    both = max(client.time, server.time)
    first = endings[0]
    resets = [each for each in endings if each.how == "rst" and each.time >= both]
    if first.how == "fin" and resets and not _fins_of_both(endings):
        yield _reset(facts, resets[0])
    elif first.how == "rst" and first.time >= both:
        yield _reset(facts, first)
    elif first.sender == "client" and first.time >= both and not _may_be_ended_by_server(facts):
        yield _about(first, "the client closed TCP before the server did", "info")


def _reset_below(facts: Facts, both: int) -> Iterator[Finding]:
    """Tell of a RST of TCP below a stream, once for all streams; how those end is H2-07's.

    Who closes TCP first leaves no port behind: it ends under all streams at once.
    """
    stream = facts.observation.stream
    if stream is None or not facts.speaks_for_tcp:
        return
    for sender, how, time, packet in stream.shared.tcp_ends:
        if how != "rst" or time < both:
            continue
        over = len(stream.finished) == 2 or bool(stream.resets)
        when = "and the end of the stream" if over else f"on stream {stream.number}"
        yield Finding(
            f"the {sender} reset TCP after both Close frames {when}",
            sender=sender,
            time=time,
            packet=packet,
            evidence="RST",
            severity="info" if over else "warning",
        )
        return


def _reset(facts: Facts, reset: Ending) -> Finding:
    """Tell of a RST behind both Close frames; one behind a close_notify throws nothing away.

    Who has closed its socket answers whatever still comes so (RFC 9293 §3.5.2).
    """
    message = f"the {reset.sender} reset TCP after both Close frames"
    tls = facts.connection.tls
    if tls is not None and tls.closed_by == OTHER[reset.sender] and tls.closed_at is not None:
        message += f", in answer to the {tls.closed_by}'s close_notify in packet {tls.closed_at[1]}"
        return _about(reset, message, "info")
    if tls is not None and set(tls.notified) == set(SENDERS):
        return _about(reset, message + " and both close_notify alerts", "info")
    other = OTHER[reset.sender]
    if tls is not None and (_misses_end(facts, other) or _answers_what_is_missing(facts, reset)):
        message += f"; a close_notify of the {other} may be among what is not in the capture"
        return _about(reset, message, "info")
    return _about(reset, message, "warning")


def _misses_end(facts: Facts, sender: str) -> bool:
    """Say whether a close_notify of an end may be among what the capture does not have."""
    return facts.end_missing(sender) or not facts.whole(sender)


def _answers_what_is_missing(facts: Facts, reset: Ending) -> bool:
    """Say whether a RST answers a segment that the capture does not have.

    Who has ended its side answers whatever still comes so, without ACK (RFC 9293 §3.5.2).
    """
    observation = facts.observation
    sender = reset.sender
    came = observation.client_after_end if sender == "server" else observation.server_after_end
    has_ended = any(each.how == "fin" and each.sender == sender for each in observation.endings)
    return has_ended and came == 0 and not reset.has_ack


def _may_be_ended_by_server(facts: Facts) -> bool:
    """Say whether the server may have ended TCP or TLS first, which the client's FIN answers."""
    if facts.observation.server_end_missing:
        return True
    tls = facts.connection.tls
    return tls is not None and (tls.closed_by == "server" or not facts.whole("server"))


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
    circumstances=("lingering",),
)
def tcp_left_open(facts: Facts) -> Iterator[Finding]:
    """CLS-10."""
    client, server = both_closes(facts)
    if client is None or server is None:
        return
    endings = facts.observation.endings
    until = min((each.time for each in endings), default=facts.connection.ended)
    left = (until - max(client.time, server.time)) / SECOND
    if left > facts.thresholds.linger_s:
        what = "the stream" if facts.multiplexed else "TCP"
        most = f"{facts.thresholds.linger_s:g} s"
        message = f"{what} stayed open for {left:.1f} s after both Close frames, longer than {most}"
        yield facts.at(server, message, evidence=body(facts, server), expected=f"{most} at most")
