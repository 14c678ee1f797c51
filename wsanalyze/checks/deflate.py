"""permessage-deflate (PMD, EXT-13): whether messages inflate, into how much, for what gain."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.checks.check import check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.frames import certain
from wsanalyze.checks.spans import are, octets
from wsanalyze.observation import Event
from wsanalyze.websocket.faults import shown

SENDERS = ("client", "server")
_DEFLATE = ("deflate", "message")


@check(
    "EXT-13",
    "deflate-agreement-broken",
    "A message refers to what was agreed not to be kept",
    severity="error",
    tags=(*_DEFLATE, "extension"),
    references=("RFC 7692 §7.1.1", "RFC 7692 §7.1.2"),
    explanation=(
        "Compression repeats what was sent before by pointing back at it. The two ends agree how "
        "far that may be (max_window_bits), and whether into earlier messages "
        "(no_context_takeover). A receiver that keeps only what was agreed cannot read a message "
        "that points farther."
    ),
    advice=(
        "Let the sender's compressor use the window and the context that its end has agreed to."
    ),
    events=("window", "context"),
)
def deflate_agreement_broken(facts: Facts) -> Iterator[Finding]:
    """EXT-13."""
    handshake = facts.handshake
    agreed = handshake.deflate if handshake is not None else None
    for event in facts.events("window"):
        if agreed is None or not event.certain:
            continue
        bits = agreed.server_max_window_bits
        if event.sender == "client":
            bits = agreed.client_max_window_bits
        message = f"a message refers {event.value} bytes back, {1 << bits} were agreed upon"
        expected = f"{event.sender}_max_window_bits={bits}"
        yield facts.at(event, message, evidence="", expected=expected)
    for event in facts.events("context"):
        if event.certain:
            message = "a message refers into the one before it"
            # One byte is said where no more is known than that it does.
            if event.value > 1:
                message += f", {event.value} bytes behind its own beginning"
            expected = f"{event.sender}_no_context_takeover"
            yield facts.at(event, message, evidence="", expected=expected)


@check(
    "PMD-01",
    "message-does-not-inflate",
    "A compressed message does not inflate",
    severity="error",
    tags=_DEFLATE,
    references=("RFC 7692 §7.2.2",),
    explanation=(
        "The message has RSV1 and is no DEFLATE data, or refers to what was never sent. Its "
        "receiver must fail the connection. Most often the sender lost its state, or set RSV1 on a "
        "message that is not compressed."
    ),
    advice=(
        "Look at the sender's compressor: is it used by two tasks at once, or reset by mistake?"
    ),
    events=("not-inflated",),
)
def message_does_not_inflate(facts: Facts) -> Iterator[Finding]:
    """PMD-01: silent where bytes of that side are missing, of which the context may need some."""
    for event in facts.events("not-inflated"):
        if facts.whole(event.sender) and event.certain:
            why = shown(event.payload.decode("ascii", "replace"))
            yield facts.at(event, f"a compressed message does not inflate: {why}")


@check(
    "PMD-02",
    "inflates-too-much",
    "A message inflates to very many times its size",
    severity="warning",
    tags=(*_DEFLATE, "security"),
    references=("RFC 7692 §8", "RFC 6455 §10.4"),
    explanation=(
        "A few kilobytes can stand for megabytes of zeros. A receiver that does not bound what it "
        "inflates can be brought down by one message."
    ),
    advice=("Bound the length of inflated messages in receivers. Here it was bounded by a limit."),
    events=("inflate-ratio", "inflate-cut"),
)
def inflates_too_much(facts: Facts) -> Iterator[Finding]:
    """PMD-02."""
    for event in certain(facts, "inflate-cut"):
        message = f"a message inflates to more than {event.value} bytes; the rest was not looked at"
        yield facts.at(event, message)
    for event in certain(facts, "inflate-ratio"):
        if event.value > facts.thresholds.inflate_ratio * event.part:
            ratio = event.value // max(event.part, 1)
            message = f"{event.part} bytes inflate to {event.value}, {ratio} times as many"
            yield facts.at(event, message)


@check(
    "PMD-03",
    "partly-compressed",
    "Some messages are compressed and others are not",
    severity="info",
    tags=_DEFLATE,
    references=("RFC 7692 §6",),
    explanation=(
        "Each message may be compressed or not; many senders leave short ones as they are. How "
        "much was saved says whether compression is worth its memory: 32 KiB and more for each "
        "side."
    ),
    advice="Nothing is wrong.",
    fields=("sec-websocket-extensions",),
    example="ws-ipv6.pcapng",
)
def partly_compressed(facts: Facts) -> Iterator[Finding]:
    """PMD-03: one finding for each side that mixes both."""
    for sender in SENDERS:
        side = facts.side(sender)
        total = side.compressed + side.uncompressed
        if not side.compressed or not side.uncompressed:
            continue
        saved = side.compressed_length - side.compressed_wire
        did = f"saved {saved}" if saved >= 0 else f"cost {-saved}"
        did = f"{are(side.compressed)} compressed, which {did} of {octets(side.compressed_length)}"
        message = f"{side.compressed} of the {sender}'s {total} messages {did}"
        yield Finding(message, sender=sender)


# Messages of a side that must have grown to be worth a remark.
MANY = 20


@check(
    "PMD-04",
    "grown-messages",
    "Messages that compression made longer",
    severity="info",
    tags=_DEFLATE,
    references=("RFC 7692 §7.2.1",),
    explanation=(
        "Short messages and those that are compressed already grow by a few bytes. It is allowed; "
        "such messages could be sent as they are."
    ),
    advice="Leave short messages, images and archives uncompressed.",
    events=("grew",),
)
def grown_messages(facts: Facts) -> Iterator[Finding]:
    """PMD-04: one finding for each side in which nearly all messages grew, and in the end more was
    sent than there was to send.
    """
    for sender in SENDERS:
        count = facts.observation.count("grew", sender)
        side = facts.side(sender)
        first = next((each for each in certain(facts, "grew") if each.sender == sender), None)
        # Of a few short messages it is what everybody's compressor does.
        if first is None or count < MANY or count * 10 < side.compressed * 9:
            continue
        more = side.compressed_wire - side.compressed_length
        if more > 0:
            message = (
                f"{count} of the {sender}'s {side.compressed} compressed messages grew: "
                f"{side.compressed_wire} bytes were sent for {side.compressed_length}"
            )
            yield facts.at(first, message, evidence="")


@check(
    "PMD-05",
    "unusual-deflate",
    "Compressed in a way that is rare, and that receivers fail at",
    severity="info",
    tags=_DEFLATE,
    references=("RFC 7692 §7.2.3.4", "RFC 7692 §7.2.3.6"),
    explanation=(
        "An empty message in other bytes than 00, or blocks that say they are the last of their "
        "stream: both are allowed, and some receivers fail at them. One that has no byte at all is "
        "a warning: an empty message is the byte 00."
    ),
    advice=(
        "Where a receiver fails at bytes that are allowed, mend the receiver. Let the sender send "
        "empty messages as 00, or uncompressed."
    ),
    events=("empty-compressed", "final-block"),
    quotes_samples=True,
)
def unusual_deflate(facts: Facts) -> Iterator[Finding]:
    """PMD-05: one finding for each side and kind."""
    told = set()
    for event in (*certain(facts, "empty-compressed"), *certain(facts, "final-block")):
        if (event.kind, event.sender) in told:
            continue
        told.add((event.kind, event.sender))
        count = facts.observation.count(event.kind, event.sender)
        if event.kind == "final-block":
            messages = "1 message has" if count == 1 else f"{count} messages have"
            what = f"{messages} a block that is the last of its stream"
        elif event.value:
            what = f"an empty message came in {octets(event.value)}"
        else:
            what = (
                "an empty message came compressed in no bytes at all: with the tail that its "
                "receiver appends that is no whole block, and zlib fails at the message behind it"
            )
            yield facts.at(event, what, expected="00", severity="warning")
            continue
        yield facts.at(event, what)


_MISSING = ("lost", "unread")


@check(
    "PMD-06",
    "context-lost",
    "Messages behind a gap could not be inflated",
    severity="warning",
    tags=(*_DEFLATE, "capture"),
    references=("RFC 7692 §7.1.1",),
    explanation=(
        "Compressed messages refer to earlier ones. Where the capture misses some, those behind it "
        "cannot be inflated until one comes that stands alone; its text is right, and so is that "
        "of all that follow."
    ),
    advice="Start before the connection is opened, and capture without losses (see TRN-01).",
    example="overrun.pcap",
    events=("not-inflated",),
)
def context_lost(facts: Facts) -> Iterator[Finding]:
    """PMD-06: one finding for each side that misses bytes and has messages that did not inflate.

    A remark where none were lost: the capture began in the middle, which TRN-05 says.
    """
    for sender in SENDERS:
        if facts.whole(sender) or not facts.observation.count("not-inflated", sender):
            continue
        count = facts.observation.count("not-inflated", sender)
        messages = "1 message" if count == 1 else f"{count} messages"
        first = next(each for each in facts.events("not-inflated") if each.sender == sender)
        lost = any(getattr(facts.connection, f"{sender}_{what}_bytes") for what in _MISSING)
        why = "bytes before are missing" if lost else "they refer to what was before the capture"
        message = f"{messages} of the {sender} could not be inflated, since {why}"
        severity = "" if lost else "info"
        yield facts.at(first, message + regained(facts, first), evidence="", severity=severity)


def regained(facts: Facts, failed: Event) -> str:
    """Say from where content is right again behind a message that did not inflate."""
    behind = facts.observation.events[facts.observation.events.index(failed) :]
    for event in behind:
        if event.kind == "inflated-again" and event.sender == failed.sender:
            where = f"packet {event.packet}" if event.frame is None else f"frame {event.frame}"
            return f"; from {where} on content is right again"
    if facts.observation.count("inflated-again", failed.sender):
        return ""
    return "; nor could any after that"
