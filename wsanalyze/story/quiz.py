"""Questions about one connection, with answers that are computed from its capture."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha1

from wsanalyze.story.model import FrameStory, HeadStory, Story
from wsanalyze.story.question import Question, yes_or_no
from wsanalyze.story.quiz_carriers import of_carriers
from wsanalyze.story.quiz_end import of_end, of_lasting
from wsanalyze.websocket.opcodes import opcode_name


def questions(story: Story) -> list[Question]:
    """Return every question that this story has an answer to, in the order of the story."""
    return [
        *of_carriers(story),
        *_of_handshake(story),
        *_of_frames(story),
        *_of_faults(story),
        *of_lasting(story),
        *of_end(story),
    ]


def _of_handshake(story: Story) -> Iterator[Question]:
    proof, response = story.proof, story.response
    if proof is not None and proof.steps is not None:
        steps = proof.steps
        key = steps.key.encode("latin-1")
        wrong = (
            b64encode(sha1(key, usedforsecurity=False).digest()).decode("ascii"),
            b64encode(steps.digest.encode("ascii")).decode("ascii"),
            steps.key,
        )
        yield Question(
            "accept",
            f"The client sent Sec-WebSocket-Key: {steps.key}. What must Sec-WebSocket-Accept be?",
            (),
            f"SHA-1 of key and GUID is {steps.digest}, and its 20 bytes in base64 are "
            f"{steps.accept}",
            (steps.accept, *dict.fromkeys(each for each in wrong if each != steps.accept)),
        )
        yield Question(
            "who-makes-the-key",
            "Who made up the random bytes of this handshake, the client or the server?",
            ("client", "theclient"),
            "the client makes the key, the server only answers with a hash of it (RFC 6455 §4.1)",
        )
    if proof is not None and proof.challenge is not None:
        first = proof.challenge.first
        if first.part is not None:
            yield Question(
                "key-number",
                f"Sec-WebSocket-Key1 is {first.key!r}. Its digits are the number {first.number}. "
                "Which number does it stand for?",
                (str(first.part),),
                f"it has {first.spaces} spaces, and {first.number} / {first.spaces} = {first.part}",
            )
    yield from _of_answer(story, response)
    if response is not None and story.outcome == "established":
        status = "101" if response.start_line else "200"
        yield Question(
            "status",
            "Which status code said that the connection is WebSocket from here on?",
            (status,),
            "HTTP/1.1 has 101 (RFC 6455 §4.2.2), an extended CONNECT 200 (RFC 8441 §5)",
        )


def _of_answer(story: Story, response: HeadStory | None) -> Iterator[Question]:
    """Ask what the server chose, or with which status it refused."""
    if response is None:
        return
    words = response.start_line.split(" ")
    if story.outcome == "refused" and len(words) > 1 and words[1].isdigit():
        yield Question(
            "refused",
            "The server refused. With which status code?",
            (words[1],),
            f"its answer begins with {response.start_line}",
        )
    chosen = [line for line in response.lines if line.name.lower() == "sec-websocket-protocol"]
    if chosen and chosen[0].value and story.outcome == "established":
        yield Question(
            "subprotocol",
            "Which of the client's subprotocols did the server choose?",
            (chosen[0].value,),
            f"its answer has {chosen[0].name}: {chosen[0].value} (RFC 6455 §4.2.2)",
        )


def _of_faults(story: Story) -> Iterator[Question]:
    """Ask which frame is wrong, where one alone of those that are told is."""
    wrong = [
        each for each in story.frames if any(found.severity != "info" for found in each.findings)
    ]
    faults = [each for frame in wrong for each in frame.findings if each.severity == "error"]
    # What is a warning may break a rule, too: then there are two.
    if len(wrong) != 1 or not faults or len(story.frames) < 3:
        return
    frame, fault = wrong[0], faults[0]
    yield Question(
        "fault",
        f"One of the frames {story.frames[0].number} to {story.frames[-1].number} breaks a rule. "
        "Which one?",
        (str(frame.number),),
        f"frame {frame.number}: {fault.message} ({fault.check})",
    )


def _of_frames(story: Story) -> Iterator[Question]:
    standard = [each for each in story.frames if each.header and each.dialect == "rfc6455"]
    if not standard:
        return
    ping = next((each for each in story.pings), None)
    seen = f"; here the {ping.sender} does so in frame {ping.frame}" if ping else ""
    yield Question(
        "alive",
        "Which opcode would a client use to test that the server is alive? The number, please.",
        ("9", "1001", "ping"),
        f"9 is Ping, and the server must answer with a Pong (RFC 6455 §5.5.2){seen}",
    )
    yield Question(
        "who-masks",
        "Which end must mask what it sends, the client or the server?",
        ("client", "theclient"),
        "frames of the client are masked, those of the server must not be (RFC 6455 §5.1)",
    )
    for frame in standard:
        yield from _of_frame(frame)
    compressed = next((each for each in story.messages if each.compression is not None), None)
    if compressed is not None:
        yield Question(
            "tail",
            f"Message {compressed.number} is compressed. Which four bytes, in hex, does the "
            "receiver put behind it before inflating?",
            ("0000ffff",),
            "the sender took 00 00 ff ff off the end of the block (RFC 7692 §7.2.1, §7.2.2)",
        )
    whole = (each for each in story.messages if each.fragments > 1 and each.complete)
    joined = next(whole, None)
    if joined is not None:
        yield Question(
            "fragments",
            f"Message {joined.number} begins in frame {joined.frames[0]}, which has FIN 0. In how "
            "many frames was it sent?",
            (str(joined.fragments),),
            f"the last one, with FIN 1, is frame {joined.frames[-1]} (RFC 6455 §5.4)",
        )


def _of_frame(frame: FrameStory) -> Iterator[Question]:
    header = frame.header.hex(" ")
    which = f"Frame {frame.number} begins with the bytes {header}"
    names = ("text", "binary", "ping", "pong", "close", "continuation")
    name = opcode_name(frame.opcode)
    if name in names:
        yield Question(
            "kind",
            f"{which}. What kind of frame is it?",
            (),
            f"the low four bits of {header[:2]} are {frame.opcode:04b}, opcode {frame.opcode}",
            (name, *(each for each in names if each != name)),
        )
    # A control frame is never a part of a message, whatever its FIN says.
    if frame.opcode in (0, 1, 2):
        yield Question(
            "fin",
            f"{which}. Is it the last frame of its message, yes or no?",
            yes_or_no(right=frame.fin),
            f"the first bit of {header[:2]} is FIN {int(frame.fin)} (RFC 6455 §5.2)",
        )
    is_masked = bool(frame.second & 0x80)
    must = "as it must be" if is_masked == (frame.sender == "client") else "which must not be"
    yield Question(
        "mask-bit",
        f"{which}. Is it masked, yes or no?",
        yes_or_no(right=is_masked),
        f"the first bit of the second byte, {header[3:5]}, is MASK {int(is_masked)}, {must} of a "
        f"{frame.sender} (RFC 6455 §5.1, §5.2)",
    )
    short = frame.second & 0x7F
    where = "the low seven bits of its second byte"
    if short > 125:
        where = f"those bits are {short}, so that the next {2 if short == 126 else 8} bytes"
    yield Question(
        "length",
        f"{which}. How many bytes of payload does it announce?",
        (str(frame.length),),
        f"{where} say so: {frame.length} (RFC 6455 §5.2)",
    )
    yield Question(
        "header-length",
        f"{which.partition(' begins')[0]} begins with {frame.header[:2].hex(' ')}. How many bytes "
        "long is its header?",
        (str(frame.header_length),),
        f"2 bytes, {frame.header_length - 2 - 4 * (frame.second >> 7)} more for the length, and "
        f"{4 * (frame.second >> 7)} for the masking key",
    )
    if frame.masking_key is not None and len(frame.masked) > 4:
        place = 4 + frame.number % min(len(frame.masked) - 4, 8)
        used = frame.masking_key[place % 4]
        sent, result = frame.masked[place], frame.payload[place]
        yield Question(
            "mask-byte",
            f"{which}. Which byte of the key, in hex, masks byte {place} of its payload (counted "
            "from 0)?",
            (f"{used:02x}",),
            f"{place} mod 4 is {place % 4} (RFC 6455 §5.3)",
        )
        yield Question(
            "unmask",
            f"{which}. Byte {place} of its payload was sent as {sent:02x}. What is it, in hex, "
            "without the mask?",
            (f"{result:02x}",),
            f"{sent:02x} XOR {used:02x}, byte {place % 4} of the key, is {result:02x}",
        )
