"""Messages (MSG): fragmentation, text, and content that contradicts its opcode."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.checks.check import check
from wsanalyze.checks.facts import Facts, described
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.frames import certain
from wsanalyze.checks.spans import octets
from wsanalyze.observation import Event


@check(
    "MSG-01",
    "continuation-of-nothing",
    "A continuation frame without a message to continue",
    severity="error",
    tags=("message", "fragmentation"),
    references=("RFC 6455 §5.4",),
    explanation=(
        "A message begins with a text or binary frame; the frames that follow it are "
        "continuations, up to the one with FIN. One that continues nothing must make the receiver "
        "fail the connection."
    ),
    advice=(
        "Look at the sender's fragmentation: the first frame has lost its opcode, or FIN came "
        "early."
    ),
    events=("no-message",),
    example="oddities.pcapng",
)
def continuation_of_nothing(facts: Facts) -> Iterator[Finding]:
    """MSG-01: not what goes on with a Ping, Pong or Close that has no FIN, which CTL-02 tells."""
    for event in certain(facts, "no-message"):
        if _continues_control(facts, event):
            continue
        message = f"a continuation frame of {octets(event.length)}, and no message is open"
        yield facts.at(event, message, expected="a text or binary frame")


def _continues_control(facts: Facts, event: Event) -> bool:
    """Whether the sender's frame before this one was a fragment of a control frame."""
    fragments = [each for each in facts.events("control-fragment") if each.sender == event.sender]
    return any(event.frame is not None and each.frame == event.frame - 1 for each in fragments)


@check(
    "MSG-02",
    "message-in-message",
    "A message begins inside another one",
    severity="error",
    tags=("message", "fragmentation"),
    references=("RFC 6455 §5.4",),
    explanation=(
        "The fragments of one message must not be mixed with those of another: until FIN came, "
        "only continuations and control frames may be sent."
    ),
    advice="Two tasks of the sender write at once: let one finish before the other begins.",
    events=("interrupted",),
    example="oddities.pcapng",
)
def message_in_message(facts: Facts) -> Iterator[Finding]:
    """MSG-02."""
    for event in certain(facts, "interrupted"):
        first = event.other
        where = "" if first is None else f" (begun in packet {first.packet}, frame {first.frame})"
        message = f"a {described(event)} although a message is open{where}"
        yield facts.at(event, message, expected="a continuation frame")


@check(
    "MSG-03",
    "unfinished-message",
    "A message was not finished",
    severity="warning",
    tags=("message", "fragmentation"),
    references=("RFC 6455 §5.4",),
    explanation=(
        "The connection ended before the frame with FIN: the receiver never had the message."
    ),
    advice="Finish the message before closing, or say in the Close why not.",
    events=("unfinished",),
)
def unfinished_message(facts: Facts) -> Iterator[Finding]:
    """MSG-03: silent where the capture ended first, or bytes are missing.

    And where the message's first frame is the one that was cut: FRM-08 and FRM-09 tell of it.
    """
    cut = {(each.sender, each.frame) for each in facts.events("cut")}
    for event in certain(facts, "unfinished"):
        if (event.sender, event.frame) in cut:
            continue
        if facts.ended and facts.whole(event.sender):
            message = f"the message that begins here was not finished: {octets(event.value)} came"
            yield facts.at(event, message, expected="a frame with FIN")


@check(
    "MSG-04",
    "text-not-utf8",
    "A text message is not valid UTF-8",
    severity="error",
    tags=("message", "text"),
    references=("RFC 6455 §5.6", "RFC 6455 §8.1", "RFC 3629 §3"),
    explanation=(
        "Text is UTF-8, over the whole message: a character may be split over two fragments. "
        "Overlong forms, surrogates and numbers above U+10FFFF are no UTF-8. A receiver must fail "
        "the connection, with 1007."
    ),
    advice="Send bytes that are no text as binary; encode text before it is cut to size.",
    events=("not-utf8",),
    example="oddities.pcapng",
)
def text_not_utf8(facts: Facts) -> Iterator[Finding]:
    """MSG-04: not of a message with an RSV1 that nobody agreed on, of which FRM-03 tells."""
    for event in certain(facts, "not-utf8"):
        if _has_stray_rsv1(facts, event):
            continue
        fragment = f", in fragment {event.part + 1}" if event.part > 0 else ""
        message = f"text is no UTF-8 from offset {event.value} on{fragment}: {utf8_mistake(event)}"
        yield facts.at(event, message, evidence=event.payload.hex(" "), expected="UTF-8")


def _has_stray_rsv1(facts: Facts, event: Event) -> bool:
    """Whether the message of an event is compressed, as it seems, and no extension owns RSV1."""
    if event.frame is None:
        return False
    # Between its fragments control frames and those of the other end may stand.
    first = event.frame - (4 * event.part if event.part > 0 else 0)
    return any(
        each.sender == event.sender
        and each.head & 0x40
        and each.frame is not None
        and first <= each.frame <= event.frame
        for each in facts.events("rsv")
    )


def utf8_mistake(event: Event) -> str:
    """Say what is wrong at the place that a `not-utf8` event is about (RFC 3629 §3)."""
    around = event.payload
    if not around:
        return "its last character is not finished"
    try:
        around.decode("utf-8")
    except UnicodeDecodeError as error:
        # Of a character that is wrong, the wrong byte is there, and is told of first.
        if error.reason == "unexpected end of data":
            return "its last character is not finished"
        at = error.start
        return _mistake_of(around[at], around[at + 1] if at + 1 < len(around) else 0)
    return _mistake_of(around[0], 0)


# The first byte of a character, the lowest and the highest second byte that are wrong behind it.
_BOUNDED = (
    (0xE0, 0x80, 0x9F, "an overlong form"),
    (0xF0, 0x80, 0x8F, "an overlong form"),
    (0xED, 0xA0, 0xBF, "a surrogate"),
    (0xF4, 0x90, 0xBF, "a number above U+10FFFF"),
)


def _mistake_of(lead: int, second: int) -> str:
    for first, lowest, highest, mistake in _BOUNDED:
        if lead == first and lowest <= second <= highest:
            return mistake
    if lead in (0xC0, 0xC1):
        return "an overlong form"
    if 0xF5 <= lead <= 0xF7:
        return "a number above U+10FFFF"
    if lead >= 0xF8:
        return f"the byte {lead:02x}, which UTF-8 never has"
    if lead & 0xC0 == 0x80:
        return f"a continuation byte {lead:02x} where none may be"
    return f"the character that begins with {lead:02x} is not finished"


@check(
    "MSG-05",
    "content-contradicts-opcode",
    "Content that fits the other opcode better",
    severity="info",
    tags=("message",),
    references=("RFC 6455 §5.6",),
    explanation=(
        "Binary messages that are JSON, or text that is base64 and nothing else: it works, and "
        "costs. Base64 takes a third more bytes; JSON as binary is not checked to be UTF-8, and "
        "pages have to decode it."
    ),
    advice="Send JSON as text, and bytes as binary.",
    events=("json-in-binary", "base64-in-text"),
    example="odd-habits.pcapng",
)
def content_contradicts_opcode(facts: Facts) -> Iterator[Finding]:
    """MSG-05: one finding for each side and kind."""
    for kind, what in (
        ("json-in-binary", "a binary message is JSON"),
        ("base64-in-text", "a text message is base64 and nothing else"),
    ):
        told = set()
        for event in certain(facts, kind):
            if event.sender not in told:
                told.add(event.sender)
                yield facts.at(event, what, evidence="")


@check(
    "MSG-06",
    "control-between-fragments",
    "Control frames between the fragments of a message",
    severity="info",
    tags=("message", "fragmentation", "control"),
    references=("RFC 6455 §5.4",),
    explanation=(
        "A Ping, Pong or Close may stand between two fragments: that is why there are fragments, "
        "and every receiver must cope. Some do not."
    ),
    advice="Nothing is wrong. Where a receiver fails at this place, it is the receiver.",
    events=("interleaved",),
    example="fragments.pcapng",
    quotes_samples=True,
    measures=True,
)
def control_between_fragments(facts: Facts) -> Iterator[Finding]:
    """MSG-06: one finding a side."""
    told = set()
    for event in certain(facts, "interleaved"):
        if event.sender in told:
            continue
        told.add(event.sender)
        count = facts.side(event.sender).interleaved
        if count == 1 and event.opcode == 8:
            # No fragment follows it: that is MSG-03.
            continue
        times = "once" if count == 1 else f"{count} times"
        yield facts.at(event, f"a control frame stands between fragments {times}")
