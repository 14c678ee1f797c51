"""The opening of an explained connection: TCP, request and answer, and the accept value."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.story.ends import of_tcp
from wsanalyze.story.meanings import status_meaning
from wsanalyze.story.model import HeadStory, Proof, Story
from wsanalyze.tables.objects import Segment
from wsanalyze.views.escape import visible
from wsanalyze.views.explained_http2 import EXTENDED_CONNECT
from wsanalyze.views.explained_parts import (
    INDENT,
    SIDES,
    arrow,
    finding_lines,
    row,
    say,
    since,
)
from wsanalyze.views.quantities import counted, duration, size
from wsanalyze.views.wrapping import Line, wrapped
from wsanalyze.websocket.accept import GUID, accept_mistake
from wsanalyze.websocket.challenge import ChallengeSteps, KeyNumber, answer_mistake

# Characters of a start line and of a field's value that are shown.
START_LINE = 300
VALUE = 400
# Fields of one head, and interim responses, that are shown.
FIELDS = 100
INTERIMS = 10

# What `accept_mistake` and `answer_mistake` name.
MISTAKES = {
    "whitespace": "there is whitespace inside the value",
    "case": "letters of the wrong case",
    "truncated": "its end is missing",
    "unpadded": "the = at its end is missing",
    "url-safe": "base64 in the alphabet for URLs",
    "hex": "the digest in hex instead of base64",
    "hex-base64": "the digest's hex digits in base64, instead of its bytes",
    "key": "the key itself, said back",
    "no-key": "the hash of the GUID alone, as if the key were empty",
    "no-guid": "the hash of the key alone, without the GUID",
    "empty": "it is empty",
    "no-body": "the MD5 of the two numbers alone, as if the eight bytes had not come",
    "little-endian": "the numbers in the wrong order of bytes",
    "frame": "no answer at all: a frame stands there",
}


def opening_lines(story: Story, width: int) -> Iterator[Line]:
    """Yield how TCP was opened."""
    opened = story.opening
    if opened is None:
        return
    segments = (opened.syn, opened.answer, opened.ack)
    if not any(segments[:2]):
        text = "The handshake of TCP is not in the capture: it began when the connection was open."
        yield from say(text, width)
        return
    text = "Three segments open a TCP connection (RFC 9293 §3.5): each end says where its numbering"
    text += " begins (SYN), and confirms the other's (ACK). seq and ack count from there, as in"
    text += " Wireshark."
    yield from say(text, width)
    for segment, name in zip(segments, ("SYN", "SYN, ACK", "ACK"), strict=True):
        if segment is None:
            yield from say(f"The {name} is not in the capture.", width)
        else:
            yield _segment(segment, name, story)
    if opened.connect_ns is not None:
        text = f"From SYN to SYN, ACK: {duration(opened.connect_ns)}, one round trip from where"
        text += f" the packets were captured to the {of_tcp(story)[1]} and back."
        yield from say(text, width)


def _segment(segment: Segment, name: str, story: Story) -> Line:
    numbers = f"seq {segment.seq}" if segment.seq is not None else ""
    if segment.ack is not None and name != "SYN":
        numbers += f", ack {segment.ack}"
    text = f"packet {segment.packet:<6} {since(segment.time, story.started):>10}  "
    return [
        (" " * INDENT + text, ""),
        (arrow(segment.sender, of_tcp(story)), SIDES[segment.sender]),
        (f"  {name:<9} {numbers}", ""),
    ]


def request_lines(story: Story, width: int) -> Iterator[Line]:
    """Yield the request, field by field."""
    head = story.request
    if story.sealed_head == "request":
        text = "The request could not be read: no key that is known opens what the client sent."
        yield from say(text, width)
        return
    if head is None or not (head.start_line or head.lines):
        yield from say("The request is not in the capture.", width)
        return
    if story.multiplexed is not None:
        yield from say(EXTENDED_CONNECT, width)
    yield from _head_lines(head, story, width)


def response_lines(story: Story, width: int) -> Iterator[Line]:
    """Yield the response, field by field, and what came before it."""
    for interim in story.interims[:INTERIMS]:
        yield from say(f"First an interim response: {visible(interim, START_LINE)}", width)
    head = story.response
    if head is None:
        text = "There is no answer in the capture."
        if story.sealed_head == "answer":
            there = ", if there is one," if story.outcome == "unanswered" else ""
            text = f"The answer{there} could not be read: no key that is known opens what the "
            text += "server sent."
        yield from say(text, width)
        return
    yield from _head_lines(head, story, width)
    if story.deflate is not None:
        yield from _deflate(story, width)


def _head_lines(head: HeadStory, story: Story, width: int) -> Iterator[Line]:
    place = []
    if head.packet is not None:
        place.append(f"packet {head.packet}")
    if head.time is not None:
        place.append(f"{since(head.time, story.started)} s")
    if head.length is not None:
        place.append(f"{size(head.length)} of text, each line ended by CR LF, the last one empty")
    else:
        place.append(f"in the compressed fields of HTTP/2, stream {story.http_stream}")
    yield from say(", ".join(place), width, style="dim")
    if head.start_line:
        for line in wrapped(visible(head.start_line, START_LINE), width - INDENT):
            yield [(" " * INDENT, ""), (line, "bold")]
    status = None if head.sender == "client" else _status(story)
    if status is not None:
        yield from say(status, width, indent=INDENT + 4, style="dim")
    for field in head.lines[:FIELDS]:
        text = f"{visible(field.name, 100)}: {visible(field.value, VALUE)}"
        yield from say(text, width)
        if field.meaning is not None:
            yield from say(field.meaning, width, indent=INDENT + 4, style="dim")
        for finding in field.findings:
            yield from finding_lines(finding, width, INDENT + 4)
    if len(head.lines) > FIELDS:
        left = counted(len(head.lines) - FIELDS, "field")
        yield from say(f"… and {left} more", width, style="dim")
    for finding in head.findings:
        yield from finding_lines(finding, width, INDENT)


def _status(story: Story) -> str | None:
    if story.response is None:
        return None
    words = story.response.start_line.split()
    status = words[1] if len(words) > 1 else ""
    return status_meaning(int(status)) if status.isascii() and status.isdigit() else None


def _deflate(story: Story, width: int) -> Iterator[Line]:
    agreed = story.deflate
    if agreed is None:
        return
    name = visible(agreed.name, 80)
    yield from say(f"So messages may be compressed with {name} (RFC 7692):", width)
    for side, alone, bits in (
        ("client", agreed.client_no_context_takeover, agreed.client_max_window_bits),
        ("server", agreed.server_no_context_takeover, agreed.server_max_window_bits),
    ):
        context = "compresses each message alone" if alone else "may refer to its earlier messages"
        text = f"{context}, up to {1 << bits:,} bytes back (window bits {bits})"
        yield from row(f"the {side}", text, width)


def proof_lines(story: Story, width: int) -> Iterator[Line]:
    """Yield how the accept value comes about, or why there is none."""
    proof = story.proof
    if proof is None:
        return
    if story.sealed_head == "request":
        yield from say("The key is in the request, which could not be read.", width)
        return
    if proof.kind == "accept":
        yield from _accept(proof, width, sealed=story.sealed_head == "answer")
    elif proof.kind == "challenge" and proof.challenge is not None:
        yield from _challenge(proof, proof.challenge, width)
    else:
        yield from say(f"{proof.why[:1].upper()}{proof.why[1:]}.", width)


def _accept(proof: Proof, width: int, *, sealed: bool) -> Iterator[Line]:
    steps = proof.steps
    if steps is None:
        return
    text = (
        "The client makes the random key; the server answers with a hash of it, which only who has "
        "read the request and knows WebSocket can make (RFC 6455 §4.2.2 item 5.4). It proves "
        "nothing about who the server is."
    )
    yield from say(text, width)
    yield from row("key as sent", visible(steps.key, VALUE), width)
    yield from row("the GUID, always this", GUID.decode("ascii"), width)
    yield from row("one behind the other", visible(steps.concatenation, VALUE), width)
    yield from row("SHA-1 of it, in hex", steps.digest, width)
    yield from row("its 20 bytes in base64", steps.accept, width, style="bold")
    if proof.sent is None:
        unseen = "what could not be read" if sealed else proof.why or "nothing"
        yield from row("the server sent", unseen, width)
        return
    yield from row("the server sent", visible(proof.sent, VALUE), width)
    verdict = "the same: the client goes on"
    if not proof.right:
        verdict = "not the same: the client must fail the connection (§4.1)"
        mistake = MISTAKES.get(accept_mistake(steps.key, proof.sent) or "")
        verdict += f"; {mistake}" if mistake else ""
    yield from row("compared", verdict, width, style="green" if proof.right else "red")


def _challenge(proof: Proof, steps: ChallengeSteps, width: int) -> Iterator[Line]:
    text = (
        "Hixie-76 hides two numbers in text: the digits of each key, read as one number, divided "
        "by how many spaces it has. Eight random bytes follow the request's head. The client makes "
        "all three; the server answers with the MD5 of them (draft-hixie-76 §5.2)."
    )
    yield from say(text, width)
    for name, number in (("Key1", steps.first), ("Key2", steps.second)):
        yield from _number(name, number, width)
    yield from row("eight bytes", steps.body.hex(" "), width)
    if steps.challenge is None or steps.answer is None:
        yield from say("So there is no answer: the server must refuse.", width)
        return
    yield from row("4 + 4 + 8 bytes", steps.challenge.hex(" "), width)
    yield from row("MD5 of them", steps.answer.hex(" "), width, style="bold")
    if proof.sent is None:
        yield from row("the server sent", "nothing that is in the capture", width)
        return
    sent = bytes.fromhex(proof.sent)
    yield from row("the server sent", sent.hex(" "), width)
    verdict = "the same: the client goes on"
    if not proof.right:
        mistake = MISTAKES.get(answer_mistake(steps, sent) or "")
        verdict = "not the same: the client must fail the connection"
        verdict += f"; {mistake}" if mistake else ""
    yield from row("compared", verdict, width, style="green" if proof.right else "red")


def _number(name: str, number: KeyNumber, width: int) -> Iterator[Line]:
    yield from row(f"{name} as sent", visible(number.key, VALUE), width)
    if number.part is None:
        yield from row("", f"{name} {visible(number.mistake or '', VALUE)}", width, style="red")
        return
    spaces = counted(number.spaces, "space")
    text = f"{number.number} from its digits, / {spaces} = {number.part}"
    yield from row("", f"{text} = 0x{number.part:08x}", width)
