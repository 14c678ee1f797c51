"""Control frames (CTL): their form, Pings and their Pongs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wsanalyze.checks.check import check
from wsanalyze.checks.facts import OTHER, Facts, described
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.frames import certain
from wsanalyze.observation import Event, Spread
from wsanalyze.websocket.faults import shown

SECOND = 1_000_000_000
# Answered Pings of one side from which their times are more than a chance.
SEVERAL = 3
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
    """CTL-03: an error where the other end had all the time; a warning where the Ping's sender had
    enough, and closed.

    RFC 6455 §5.5.2 names no time, and a Close that is read before the Ping is dealt with ends the
    duty: whoever was given a second may have been busy. Where another Pong came, CTL-04 tells.
    """
    mismatched = [each.other for each in facts.events("pong-mismatched")]
    told = {(ping.packet, ping.frame) for ping in mismatched if ping is not None}
    for event in facts.events("ping-unanswered"):
        other = OTHER[event.sender]
        if (event.packet, event.frame) in told:
            continue
        if event.length > 125 or not event.head & 0x80 or not event.certain:
            continue
        if not (facts.whole(other) and facts.whole(event.sender)):
            continue
        shown = f"payload {event.payload[:32].hex(' ')}" if event.payload else ""
        expected = "a Pong with the same payload"
        if _was_due(facts, event):
            message = (
                f"no Pong came for this Ping in the {event.value / SECOND:.3f} s that were left"
            )
            yield facts.at(event, message, evidence=shown, expected=expected)
        elif (waited := _given_up(facts, event)) is not None:
            message = (
                f"no Pong came for this Ping in the {waited / SECOND:.3f} s until "
                f"the {event.sender} closed"
            )
            yield facts.at(event, message, evidence=shown, expected=expected, severity="warning")


def _given_up(facts: Facts, ping: Event) -> int | None:
    """Return the ns after which a Ping's sender closed and the other end ended without a Pong.

    None where that was too soon, is not known, or the other end had something to send first.
    """
    other = OTHER[ping.sender]
    close, answered = facts.side(ping.sender).close, facts.side(other).close
    if close is None or (answered is not None and answered.time < close.time):
        return None
    waited = close.time - ping.time
    if waited < facts.thresholds.answer_s * SECOND or not facts.ended_itself(other):
        return None
    return None if facts.may_be_within_a_frame(other) else waited


def _was_due(facts: Facts, ping: Event) -> bool:
    """Whether a Pong must have come: the other end had time, and no Close."""
    other = OTHER[ping.sender]
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
        if ping is None or not facts.in_order:
            continue
        got, due = _payload(event), _payload(ping)
        message = f"a Pong with {got} while the Ping in packet {ping.packet} waits for {due}"
        severity = "error" if (ping.packet, ping.frame) in unanswered else "info"
        bytes_of = [each.payload[:32].hex(" ") or "no payload" for each in (event, ping)]
        yield facts.at(
            event, message, evidence=bytes_of[0], expected=bytes_of[1], severity=severity
        )


def _payload(frame: Event) -> str:
    """Return a payload as people read it: text where it is that, else hex."""
    begun = frame.payload[:32]
    if not begun:
        return "no payload"
    readable = begun.isascii() and begun.decode("ascii").isprintable()
    return shown(begun.decode("ascii")) if readable else begun.hex(" ")


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
    circumstances=("unsolicited-pongs",),
    quotes_samples=True,
)
def unsolicited_pongs(facts: Facts) -> Iterator[Finding]:
    """CTL-05: one finding a side, with the interval."""
    if not facts.in_order:
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
    circumstances=("pings",),
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


@check(
    "CTL-08",
    "ping-round-trips",
    "How long Pongs took",
    severity="info",
    tags=("control", "keep-alive"),
    references=("RFC 6455 §5.5.2", "RFC 6455 §5.5.3"),
    explanation=(
        "The time from a Ping to the Pong with its payload, as this capture has them: the way from "
        "where it was taken to the other end and back, and what that end needed to answer. Most "
        "that are far above the least say that somebody on the way, or the other end, holds frames "
        "back."
    ),
    advice="Nothing is wrong. Compare with the connect time, which no program takes part in.",
    example="keepalive.pcap",
    circumstances=("pongs",),
    measures=True,
)
def ping_round_trips(facts: Facts) -> Iterator[Finding]:
    """CTL-08: one finding for each side whose Pings were answered several times."""
    for sender in ("client", "server"):
        took = facts.side(sender).pong_ns
        # Where a Pong may be missing, one with the same payload may be taken for it.
        if took.count < SEVERAL or not facts.in_order:
            continue
        least, mean, most = (each / 1e6 for each in (took.least, took.mean, took.most))
        # That of the first ones, where there are thousands.
        times = facts.side(sender).pong_times
        middle = f"{_median(times) / 1e6:.3f} ms in the median, " if times else ""
        message = (
            f"{took.count} Pings of the {sender} were answered, after {least:.3f} ms at least, "
            f"{middle}{mean:.3f} ms on average and {most:.3f} ms at most"
        )
        yield Finding(message, sender=sender)


def _median(times: Sequence[int]) -> float:
    # That of the module statistics takes as long to import as this whole file.
    ordered, half = sorted(times), len(times) // 2
    return ordered[half] if len(times) % 2 else (ordered[half - 1] + ordered[half]) / 2
