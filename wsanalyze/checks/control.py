"""Control frames (CTL): their form, Pings and their Pongs."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.checks.check import check
from wsanalyze.checks.facts import OTHER, Facts, described
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.frames import certain
from wsanalyze.observation import Event, Spread

SECOND = 1_000_000_000
# Pings of one side from which the evenness of their intervals says something.
EVEN_FROM = 10


@check(
    "CTL-01",
    "control-frame-too-long",
    "A control frame carries more than 125 bytes",
    severity="error",
    tags=("control", "frame"),
    references=("RFC 6455 §5.5",),
    explanation=(
        "Close, Ping and Pong have 125 bytes at most, so that they can be dealt with at once, "
        "between the fragments of a long message."
    ),
    advice="Shorten the Close's reason (123 bytes behind the code) or the Ping's payload.",
    events=("control-length",),
    example="oddities.pcapng",
)
def control_frame_too_long(facts: Facts) -> Iterator[Finding]:
    """CTL-01."""
    for event in certain(facts, "control-length"):
        message = f"a {described(event)} has {event.length} bytes"
        yield facts.at(event, message, expected="125 bytes at most")


@check(
    "CTL-02",
    "fragmented-control-frame",
    "A control frame without FIN",
    severity="error",
    tags=("control", "fragmentation"),
    references=("RFC 6455 §5.5", "RFC 6455 §5.4"),
    explanation="Control frames must not be fragmented: each is whole, with FIN.",
    advice="Send it in one frame.",
    events=("control-fragment",),
    example="oddities.pcapng",
)
def fragmented_control_frame(facts: Facts) -> Iterator[Finding]:
    """CTL-02."""
    for event in certain(facts, "control-fragment"):
        yield facts.at(event, f"a {described(event)} has no FIN", expected="FIN of 1")


@check(
    "CTL-03",
    "unanswered-ping",
    "A Ping was not answered",
    severity="error",
    tags=("control", "keep-alive"),
    references=("RFC 6455 §5.5.2", "RFC 6455 §5.5.3"),
    explanation=(
        "Whoever receives a Ping must send a Pong with the same payload, as soon as that is "
        "practical, unless it has received a Close. Of several Pings only the latest needs an "
        "answer. A Ping without one says that the other end hangs, or that somebody on the way "
        "does not pass control frames on."
    ),
    advice="Compare with a capture at the other end: did the Ping arrive there?",
    events=("ping-unanswered",),
)
def unanswered_ping(facts: Facts) -> Iterator[Finding]:
    """CTL-03."""
    for event in facts.events("ping-unanswered"):
        if event.length > 125 or not event.head & 0x80 or not _was_due(facts, event):
            continue
        waited = event.value / SECOND
        message = f"no Pong came for this Ping in the {waited:.3f} s that were left"
        shown = f"payload {event.payload[:32].hex(' ')}" if event.payload else ""
        yield facts.at(event, message, evidence=shown, expected="a Pong with the same payload")


def _was_due(facts: Facts, ping: Event) -> bool:
    """Whether a Pong must have come: the other end had time, had no Close, and all is there."""
    other = OTHER[ping.sender]
    if not (facts.whole(other) and facts.whole(ping.sender) and ping.certain):
        return False
    close = facts.side(ping.sender).close
    answered = facts.side(other).close
    waited_long = ping.value >= facts.thresholds.pong_s * SECOND
    # A Close that came soon after may have been read together with the Ping.
    for closed in (close, answered):
        if closed is not None and closed.time - ping.time < facts.thresholds.pong_s * SECOND:
            return False
    went_on = _spoke_after(facts, other, ping)
    return waited_long or (facts.ended and went_on)


def _spoke_after(facts: Facts, sender: str, ping: Event) -> bool:
    """Whether an end sent frames later than a second after a Ping, and so was alive."""
    last = facts.side(sender).last
    return last is not None and last.time - ping.time > SECOND


@check(
    "CTL-04",
    "mismatched-pong",
    "A Pong does not repeat the Ping's payload",
    severity="warning",
    tags=("control", "keep-alive"),
    references=("RFC 6455 §5.5.3",),
    explanation=(
        "A Pong that answers a Ping must carry the same bytes. One with others, while a Ping "
        "waits, is a wrong answer; or it is a heartbeat of its own, which is allowed. Where the "
        "Ping never gets its answer it is an error."
    ),
    advice="Echo the payload as it came, without decoding it.",
    events=("pong-mismatched",),
)
def mismatched_pong(facts: Facts) -> Iterator[Finding]:
    """CTL-04."""
    unanswered = {(each.packet, each.frame) for each in facts.events("ping-unanswered")}
    for event in facts.events("pong-mismatched"):
        ping = event.other
        if ping is None or not (facts.whole("client") and facts.whole("server")):
            continue
        got = event.payload[:32].hex(" ") or "no payload"
        due = ping.payload[:32].hex(" ") or "no payload"
        message = f"a Pong with {got} while the Ping in packet {ping.packet} waits for {due}"
        severity = "error" if (ping.packet, ping.frame) in unanswered else "info"
        yield facts.at(event, message, evidence=got, expected=due, severity=severity)


@check(
    "CTL-05",
    "unsolicited-pongs",
    "Pongs that answer nothing",
    severity="info",
    tags=("control", "keep-alive"),
    references=("RFC 6455 §5.5.3",),
    explanation=(
        "A Pong may be sent without a Ping, as a heartbeat in one direction: no answer is "
        "expected. It keeps proxies from cutting an idle connection as a Ping does."
    ),
    advice="Nothing is wrong.",
    example="keepalive.pcap",
)
def unsolicited_pongs(facts: Facts) -> Iterator[Finding]:
    """CTL-05: one finding a side, with the interval."""
    if not (facts.whole("client") and facts.whole("server")):
        return
    for sender in ("client", "server"):
        side = facts.side(sender)
        if not side.unsolicited_pongs:
            continue
        pongs = "1 Pong" if side.unsolicited_pongs == 1 else f"{side.unsolicited_pongs} Pongs"
        every = side.pong_only_ns
        between = f", {every.mean / SECOND:.3f} s apart on average" if every.count else ""
        message = f"the {sender} sent {pongs} that no Ping asked for{between}"
        yield Finding(message, sender=sender)


@check(
    "CTL-06",
    "ping-flood",
    "Very many Pings",
    severity="warning",
    tags=("control", "keep-alive", "security"),
    references=("RFC 6455 §10.4",),
    explanation=(
        "Each Ping makes its receiver answer. Dozens within a second are no keep-alive: they are a "
        "mistake, or meant to keep the other end busy."
    ),
    advice="Bound the rate at which Pings are answered; one in twenty seconds is enough.",
)
def ping_flood(facts: Facts) -> Iterator[Finding]:
    """CTL-06."""
    for sender in ("client", "server"):
        side = facts.side(sender)
        if side.pings_in_second > facts.thresholds.pings:
            message = f"the {sender} sent {side.pings_in_second} Pings within a second"
            yield Finding(message, sender=sender, expected=f"{facts.thresholds.pings} at most")
        elif _are_uneven(side.ping_ns) and facts.whole(sender):
            mean, spread = side.ping_ns.mean / SECOND, side.ping_ns.deviation / SECOND
            message = (
                f"the {sender}'s Pings come unevenly: {mean:.3f} s apart on average, "
                f"with a deviation of {spread:.3f} s"
            )
            yield Finding(message, sender=sender, severity="info")


def _are_uneven(between: Spread) -> bool:
    return between.count >= EVEN_FROM and between.deviation > between.mean / 2


@check(
    "CTL-07",
    "ping-after-close",
    "A Ping after this side's Close",
    severity="warning",
    tags=("control", "close"),
    references=("RFC 6455 §5.5.1",),
    explanation=(
        "After its Close an end must not send data any more. A Ping is no data, but nobody has to "
        "answer it: whoever received the Close may be gone."
    ),
    advice="Stop the keep-alive before closing.",
    events=("ping-after-close",),
    example="oddities.pcapng",
)
def ping_after_close(facts: Facts) -> Iterator[Finding]:
    """CTL-07."""
    for event in certain(facts, "ping-after-close"):
        where = "" if event.other is None else f" in packet {event.other.packet}"
        yield facts.at(event, f"a Ping behind this side's own Close{where}")
