"""Frame headers (FRM): masks, reserved bits and opcodes, lengths."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.checks.check import check
from wsanalyze.checks.facts import Facts, described
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.pipelining import http_among_frames, request_behind
from wsanalyze.checks.redaction import address
from wsanalyze.checks.spans import are, counted, octets
from wsanalyze.observation import Event
from wsanalyze.websocket.faults import shown

RSV = (("RSV1", 4), ("RSV2", 2), ("RSV3", 1))


def certain(facts: Facts, kind: str) -> Iterator[Event]:
    """Yield the events of a kind about frames that are no guess.

    Behind a hole a frame is found by what it looks like: bytes that were taken for a header are no
    evidence against who sent them.
    """
    for event in facts.events(kind):
        if event.certain:
            yield event


@check(
    "FRM-01",
    "unmasked-client-frame",
    "The client sent a frame without a mask",
    severity="error",
    tags=("frame", "masking", "security"),
    references=("RFC 6455 §5.1",),
    explanation=(
        "A client masks every frame with four random bytes, so that nobody who controls the "
        "payload controls the bytes on the wire: proxies that take them for HTTP could be made to "
        "cache what an attacker wrote. A server must close the connection for a frame without."
    ),
    advice=("Use a client that masks. A server that accepted the frame should be made strict."),
    events=("unmasked",),
    example="oddities.pcapng",
)
def unmasked_client_frame(facts: Facts) -> Iterator[Finding]:
    """FRM-01."""
    for event in certain(facts, "unmasked"):
        message = f"a {described(event)} of {octets(event.length)} has no mask"
        yield facts.at(event, message, expected="the MASK bit set")


@check(
    "FRM-02",
    "masked-server-frame",
    "The server sent a masked frame",
    severity="error",
    tags=("frame", "masking"),
    references=("RFC 6455 §5.1",),
    explanation=(
        "A server must not mask: browsers close the connection with 1002 when it does. Programs "
        "that use one piece of code for both ends make this mistake."
    ),
    advice="Turn masking off where the server writes frames.",
    events=("masked",),
    example="oddities.pcapng",
)
def masked_server_frame(facts: Facts) -> Iterator[Finding]:
    """FRM-02."""
    for event in certain(facts, "masked"):
        message = f"a {described(event)} of {octets(event.length)} is masked"
        yield facts.at(event, message, expected="the MASK bit not set")


@check(
    "FRM-03",
    "reserved-bit",
    "A reserved bit is set that no extension owns",
    severity="error",
    tags=("frame", "extension"),
    references=("RFC 6455 §5.2",),
    explanation=(
        "RSV1, RSV2 and RSV3 belong to extensions. Where none that uses the bit was negotiated, "
        "the receiver must fail the connection: it cannot know what the frame means."
    ),
    advice=(
        "RSV1 without permessage-deflate: one end compresses and the other did not agree, often "
        "because a proxy took Sec-WebSocket-Extensions away."
    ),
    events=("rsv",),
    example="oddities.pcapng",
)
def reserved_bit(facts: Facts) -> Iterator[Finding]:
    """FRM-03."""
    for event in certain(facts, "rsv"):
        handshake = facts.handshake
        # Beside RSV2 or RSV3, RSV1 may be permessage-deflate's.
        owned = 4 if handshake is not None and handshake.deflate is not None else 0
        bits = [name for name, bit in RSV if event.value & bit & ~owned]
        are, them = ("is", "it") if len(bits) == 1 else ("are", "them")
        named = ", ".join(bits)
        message = f"{named} {are} set on a {described(event)}, and no extension owns {them}"
        yield facts.at(event, message, expected=f"{named} of 0")


@check(
    "FRM-04",
    "rsv1-on-continuation",
    "RSV1 on a continuation frame",
    severity="error",
    tags=("frame", "deflate", "fragmentation"),
    references=("RFC 7692 §6",),
    explanation=(
        "permessage-deflate compresses messages, not frames: RSV1 stands on the first frame of a "
        "message and on no other."
    ),
    advice="Set RSV1 on the first fragment only.",
    events=("rsv1-continuation",),
)
def rsv1_on_continuation(facts: Facts) -> Iterator[Finding]:
    """FRM-04."""
    for event in certain(facts, "rsv1-continuation"):
        yield facts.at(event, "RSV1 is set on a continuation frame", expected="RSV1 of 0")


@check(
    "FRM-05",
    "rsv1-on-control",
    "RSV1 on a control frame",
    severity="error",
    tags=("frame", "deflate", "control"),
    references=("RFC 7692 §6", "RFC 7692 §6.1"),
    explanation="Control frames are never compressed, so that RSV1 means nothing on them.",
    advice="Leave control frames out of compression.",
    events=("rsv1-control",),
)
def rsv1_on_control(facts: Facts) -> Iterator[Finding]:
    """FRM-05."""
    for event in certain(facts, "rsv1-control"):
        yield facts.at(event, f"RSV1 is set on a {described(event)}", expected="RSV1 of 0")


@check(
    "FRM-06",
    "reserved-opcode",
    "A reserved opcode is used",
    severity="error",
    tags=("frame",),
    references=("RFC 6455 §5.2",),
    explanation=(
        "Opcodes 3 to 7 and 11 to 15 are kept for the future. A receiver that finds one must fail "
        "the connection. Where many come, the stream is probably not WebSocket any more."
    ),
    advice="Find what writes it: a broken sender, or bytes that are no frames at all.",
    events=("opcode",),
    example="oddities.pcapng",
)
def reserved_opcode(facts: Facts) -> Iterator[Finding]:
    """FRM-06."""
    for event in certain(facts, "opcode"):
        message = f"opcode {event.opcode} is reserved"
        yield facts.at(event, message, expected="0, 1, 2, 8, 9 or 10")


@check(
    "FRM-07",
    "length-not-minimal",
    "A payload length is coded in more bytes than it needs",
    severity="error",
    tags=("frame",),
    references=("RFC 6455 §5.2",),
    explanation=(
        "Lengths up to 125 stand in the header's second byte, up to 65,535 in two more, others in "
        "eight. The shortest form must be used, so that each frame can be written in one way only."
    ),
    advice="Choose the form by the length; some senders always write eight bytes.",
    events=("length-form",),
    example="oddities.pcapng",
)
def length_not_minimal(facts: Facts) -> Iterator[Finding]:
    """FRM-07."""
    for event in certain(facts, "length-form"):
        bits = 8 * event.value
        fits = "the second byte" if event.length < 126 else "16 bits"
        message = f"the length {event.length} is coded in {bits} bits"
        yield facts.at(event, message, expected=f"{event.length} in {fits}")


@check(
    "FRM-08",
    "length-top-bit",
    "A 64-bit length has its top bit set",
    severity="error",
    tags=("frame", "security"),
    references=("RFC 6455 §5.2",),
    explanation=(
        "The uppermost bit of a 64-bit length must be 0. Programs that read it as a signed number "
        "get a negative one: this is how receivers are attacked."
    ),
    advice="Treat the peer as hostile or broken; receivers must close with 1002.",
    events=("length-top-bit",),
    example="odd-habits.pcapng",
)
def length_top_bit(facts: Facts) -> Iterator[Finding]:
    """FRM-08."""
    for event in certain(facts, "length-top-bit"):
        message = f"the length {event.length} is beyond 2^63 - 1"
        yield facts.at(event, message, expected="the top bit 0")


@check(
    "FRM-09",
    "large-or-cut-frame",
    "A frame is very large, or ends with the connection inside it",
    severity="warning",
    tags=("frame",),
    references=("RFC 6455 §10.4", "RFC 6455 §7.1.7"),
    explanation=(
        "A receiver has to bound what it accepts: frames above some megabytes are refused by most. "
        "A frame that the end of the connection cut was lost for its receiver."
    ),
    advice="Send large messages in fragments; close with a Close frame when all is sent.",
    events=("large", "cut"),
    example="cut-connections.pcapng",
)
def large_or_cut_frame(facts: Facts) -> Iterator[Finding]:
    """FRM-09: of a frame that was cut FRM-12 tells where it looks like bait."""
    cut = {(each.sender, each.packet, each.frame) for each in certain(facts, "cut")}
    for event in facts.events("large"):
        told = facts.ended and facts.whole(event.sender)
        if told and (event.sender, event.packet, event.frame) in cut:
            # That it was cut says how large it is.
            continue
        if event.length > facts.thresholds.frame and not event.length >> 63:
            message = f"the largest frame of the {event.sender} declares {event.length} bytes"
            yield facts.at(event, message, expected=f"{facts.thresholds.frame} bytes at most")
    for event in certain(facts, "cut"):
        # Where the capture ended first, or bytes are missing, nobody knows. A length with its top
        # bit set (FRM-08) was never to be met.
        if not facts.ended or not facts.whole(event.sender):
            continue
        if event.length >> 63 or _bait_s(facts, event) is not None:
            continue
        size = counted(event.length, "payload byte")
        message = f"the connection ended after {event.value} of the {size}"
        # Where the other end closed first, as it may when a frame is too large, it is not the
        # sender's fault.
        own = facts.observation.endings[0].sender == event.sender
        severity = "error" if own else "warning"
        yield facts.at(event, f"{message} of a {described(event)}", severity=severity)


@check(
    "FRM-10",
    "empty-fragments",
    "Fragments without payload",
    severity="info",
    tags=("frame", "fragmentation"),
    references=("RFC 6455 §5.4",),
    explanation=(
        "A fragment may be empty: senders that stream end a message so. Many of them say that the "
        "sender flushes too often."
    ),
    advice="Nothing is wrong with a few.",
    events=("empty-data",),
    example="fragments.pcapng",
    quotes_samples=True,
)
def empty_fragments(facts: Facts) -> Iterator[Finding]:
    """FRM-10: one finding a side."""
    for sender in ("client", "server"):
        count = facts.observation.count("empty-data", sender)
        first = next((each for each in certain(facts, "empty-data") if each.sender == sender), None)
        if first is not None:
            fragments = facts.side(sender).fragments
            message = f"{count} of the {sender}'s {fragments} fragments {are(count)} empty"
            yield facts.at(first, message)


@check(
    "FRM-11",
    "tiny-fragments",
    "A message of very many tiny fragments",
    severity="warning",
    tags=("frame", "fragmentation", "security"),
    references=("RFC 6455 §10.4",),
    explanation=(
        "Each fragment costs its receiver as much as a message. A message in hundreds of fragments "
        "of a few bytes is a mistake of the sender, or meant to exhaust the receiver."
    ),
    advice=("Bound the number of fragments in receivers; let senders gather what they write."),
    events=("tiny-fragments",),
)
def tiny_fragments(facts: Facts) -> Iterator[Finding]:
    """FRM-11."""
    limits = facts.thresholds
    for event in certain(facts, "tiny-fragments"):
        if event.part <= limits.fragments or event.value >= limits.fragment * event.part:
            continue
        message = f"a message of {event.value} bytes came in {event.part} fragments"
        yield facts.at(event, message)


@check(
    "FRM-12",
    "length-bait",
    "A large length was declared and next to nothing came",
    severity="warning",
    tags=("frame", "security"),
    references=("RFC 6455 §10.4",),
    explanation=(
        "A header that declares megabytes makes careless receivers reserve them at once. A sender "
        "that then goes silent holds that memory for the price of a few bytes."
    ),
    advice="Reserve memory as it arrives, and bound the time that a frame may take.",
    events=("cut",),
)
def length_bait(facts: Facts) -> Iterator[Finding]:
    """FRM-12."""
    for event in certain(facts, "cut"):
        waited = _bait_s(facts, event)
        if waited is not None and facts.whole(event.sender):
            message = (
                f"{octets(event.length)} were declared and {event.value} came in {waited:.1f} s"
            )
            yield facts.at(event, message)


def _bait_s(facts: Facts, event: Event) -> float | None:
    """Return how long a large frame of which hardly anything came was waited for, None if not."""
    few = event.value * 100 < event.length
    if event.length >> 63 or event.length < facts.thresholds.bait or not few:
        return None
    # A receiver that refuses at once, or a sender that dies, has not been kept waiting.
    waited = (facts.connection.ended - event.time) / 1e9
    return waited if waited >= facts.thresholds.bait_s else None


@check(
    "FRM-13",
    "http-among-frames",
    "HTTP is written where frames belong",
    severity="error",
    tags=("frame", "handshake", "security"),
    references=("RFC 9110 §7.8", "RFC 6455 §5.2"),
    explanation=(
        "Behind a 101 the connection speaks WebSocket and nothing else. Here one end writes a "
        "response, or a request, of HTTP into it: a framework that believes it still has to answer "
        "the request, or a program that takes the connection for another one. The other end reads "
        "it as frames that break every rule, which are not told one by one."
    ),
    advice=(
        "Where the server wrote it, keep its HTTP part from answering on a connection that it has "
        "handed over. Where the client did, keep the connection out of its pool, or its proxy's: "
        "behind a 101 no other request may be sent on it."
    ),
    events=("http",),
    example="http-behind-upgrade.pcapng",
)
def http_in_the_place_of_frames(facts: Facts) -> Iterator[Finding]:
    """FRM-13: one finding a side; of a request that came before the 101 HSQ-19 tells."""
    for sender, what in (("client", "a request"), ("server", "a response")):
        event = http_among_frames(facts, sender)
        if event is None or (sender == "client" and request_behind(facts) is not None):
            continue
        begins = event.payload.partition(b"/")[0].partition(b" ")[0].decode("latin-1")
        message = (
            f"behind the 101 the {sender} writes {what} of HTTP: its bytes begin as "
            f"{shown(begins)} does"
        )
        line = event.payload.partition(b"\r\n")[0].decode("latin-1")
        begun = facts.without_secrets(address(line, show=facts.show_secrets))
        yield facts.at(event, message, evidence=shown(begun), expected="frames")
