"""The frames of an explained connection: bits, bytes, unmasking, fragments, inflating."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import TypeVar

from wsanalyze.story.ends import within
from wsanalyze.story.frames import TAIL
from wsanalyze.story.meanings import opcode_meaning
from wsanalyze.story.model import Compression, FrameStory, MessageStory, Story, Summary, Written
from wsanalyze.views.bits import bits_of, diagram, header_fields
from wsanalyze.views.escape import visible
from wsanalyze.views.explained_parts import (
    INDENT,
    SIDES,
    arrow,
    byte_text,
    finding_lines,
    hexadecimal,
    readable,
    row,
    say,
    since,
)
from wsanalyze.views.quantities import counted, number
from wsanalyze.views.wrapping import Line
from wsanalyze.websocket.opcodes import opcode_name

T = TypeVar("T", FrameStory, MessageStory)

# Bytes of a payload that are shown in hex, and characters of one that is text.
BYTES = 32
TEXT = 200
# Bytes that are unmasked one by one: as many as fit, at most these.
UNMASKED = 16
BLOCKS = {
    0: "stored, not compressed",
    1: "fixed Huffman codes",
    2: "Huffman codes of its own",
    3: "reserved, an error",
}
# First bytes of frames of Hixie.
HIXIE = {
    0x00: "a text frame: UTF-8 until a byte ff",
    0x80: "a binary frame: its length, in groups of 7 bits, then bytes",
    0xFF: "with a length of 0 behind it: the closing handshake",
}


# What a diagram says, for who has never seen one.
LEGEND = (
    "From here on both ends send frames: a header of 2 to 14 bytes, and the payload behind it. A "
    "diagram is that of RFC 6455 §5.2, with the bits as they were sent under their names: 32 in a "
    "row, read from the left, as the digits above count them.",
    "FIN 1: the last frame of its message (TCP's FIN, at the end, is another). RSV1 to RSV3: for "
    "extensions, 0 without one. opcode: what kind of frame it is. MASK 1: the payload is masked. "
    "Payload len: its length in bytes; 126 or 127 say that it stands in the next 2 or 8 bytes.",
    "A client masks all that it sends, so that nobody who gives it the payload can choose the "
    "bytes that a proxy on the way sees (RFC 6455 §10.3). It keeps nothing secret: the key is in "
    "the frame.",
)

# What to say of a frame that is none.
AS_HTTP = (
    "From here on this end writes HTTP. A receiver takes its bytes for headers and payloads of "
    "frames; they are not counted as such here."
)


def frames_lines(story: Story, width: int) -> Iterator[Line]:
    """Yield the frames of the window, and counts of those outside of it."""
    if any(each.header and each.dialect == "rfc6455" for each in story.frames):
        for text in LEGEND:
            yield from say(text, width, style="dim")
        yield []
    first = story.frames[0].number if story.frames else 0
    before = [each for each in story.left_out if each.last < first]
    for summary in before:
        yield from _summary(summary, width)
    first_masked = next((each.number for each in story.frames if each.masking_key), None)
    for frame in story.frames:
        yield from frame_lines(frame, story, width, in_detail=frame.number == first_masked)
        yield []
    for summary in story.left_out:
        if summary not in before:
            yield from _summary(summary, width)
    for writing in story.written:
        yield from _written(writing, story, width)
        yield []


def _written(writing: Written, story: Story, width: int) -> Iterator[Line]:
    yield [
        (" " * INDENT + "HTTP, no frame", "bold"),
        (", ", ""),
        (arrow(writing.sender, within(story)), SIDES[writing.sender]),
        (f", packet {writing.packet}, {since(writing.time, story.started)} s", ""),
    ]
    yield from say(AS_HTTP, width, style="dim")
    yield from row(counted(writing.length, "byte"), visible(writing.text, TEXT), width)
    for finding in writing.findings:
        yield from finding_lines(finding, width, INDENT)


def _summary(summary: Summary, width: int) -> Iterator[Line]:
    kinds = ", ".join(f"{number(count)} {kind}" for kind, count in summary.kinds)
    which = f"Frames {summary.first} to {summary.last}"
    if summary.first == summary.last:
        which = f"Frame {summary.first}"
    text = (
        f"{which}, not told here: {number(summary.client)} of the client, "
        f"{number(summary.server)} of the server; {kinds}; "
        f"{counted(summary.length, 'byte')} of payload. --frame N tells one, --frames A-B several."
    )
    yield from say(text, width, style="dim")


def frame_lines(frame: FrameStory, story: Story, width: int, *, in_detail: bool) -> Iterator[Line]:
    """Yield one frame, and the message that it ends.

    `in_detail`: the first of its bytes is unmasked bit by bit.
    """
    what = f"Frame {frame.number}: {opcode_name(frame.opcode)}"
    place = f"packet {frame.packet}, {since(frame.time, story.started)} s"
    yield [
        (" " * INDENT + what, "bold"),
        (", ", ""),
        (arrow(frame.sender, within(story)), SIDES[frame.sender]),
        (f", {place}", ""),
    ]
    meaning = f"It {opcode_meaning(frame.opcode, frame.dialect)}."
    yield from say(meaning, width, style="dim")
    if not frame.header:
        yield from say("Its bytes were not kept, or are not in the capture.", width, style="dim")
    elif frame.dialect == "rfc6455":
        yield from _standard(frame, width)
    elif frame.dialect == "draft":
        yield from _draft(frame, width)
    else:
        yield from _hixie(frame, width)
    message = _told_at(story.messages, frame.message)
    # A continuation has no type of its own.
    is_text = frame.opcode in (1, 9, 10) or (
        frame.opcode == 0 and (message is None or message.type == "text")
    )
    yield from _payload(frame, width, is_text=is_text, in_detail=in_detail)
    for finding in frame.findings:
        yield from finding_lines(finding, width, INDENT)
    if message is not None and message.frames and message.frames[-1] == frame.number:
        yield from message_lines(message, story, width)


def _told_at(told: Sequence[T], number: int | None) -> T | None:
    """Return what has a number among what is told in order of numbers; None for what is not."""
    if number is None:
        return None
    place = bisect_left(told, number, key=_number)
    return told[place] if place < len(told) and told[place].number == number else None


def _number(one: FrameStory | MessageStory) -> int:
    return one.number


def _standard(frame: FrameStory, width: int) -> Iterator[Line]:
    for line in diagram(header_fields(frame.header, frame.masked)):
        is_bits = line.startswith("|") and set("|") < set(line) <= set("|01 ")
        yield [(" " * INDENT + line, "bold" if is_bits else "dim")]
    head, second = frame.header[0], frame.header[1]
    last = "the message ends here" if head & 0x80 else "more fragments follow"
    if frame.opcode & 8:
        last = "as a control frame must be" if head & 0x80 else "which a control frame must not be"
    fields = f"FIN {head >> 7} ({last}), RSV1-3 {head >> 4 & 7:03b}"
    if head & 0x40:
        fields += " (RSV1: compressed)" if frame.opcode in (1, 2) else " (RSV1 set)"
    fields += f", opcode {head & 15:04b} = {head & 15} ({opcode_name(head & 15)})"
    yield from _bytes(frame.header[:1], fields, width)
    masked = "MASK 1, as from a client" if second & 0x80 else "MASK 0, as from a server"
    if bool(second & 0x80) != (frame.sender == "client"):
        masked = f"MASK {second >> 7}, which a {frame.sender} must not do (§5.1)"
    short = second & 0x7F
    length = f"length {short}"
    if short > 125:
        size = 2 if short == 126 else 8
        length = f"length {short}: it stands in the next {size} bytes"
    yield from _bytes(frame.header[1:2], f"{masked}, {length}", width)
    key_at = len(frame.header) - 4 if second & 0x80 else len(frame.header)
    if key_at > 2:
        text = f"length {number(frame.length)}, the most significant byte first"
        yield from _bytes(frame.header[2:key_at], text, width)
    if second & 0x80:
        text = "masking key, which must be random and new for each frame (§5.3)"
        yield from _bytes(frame.header[key_at:], text, width)


def _bytes(data: bytes, text: str, width: int) -> Iterator[Line]:
    yield from row(data.hex(" "), text, width, column=24 if len(data) > 4 else 13)


def _draft(frame: FrameStory, width: int) -> Iterator[Line]:
    text = (
        "A frame of a HyBi draft from before RFC 6455: other opcodes, and in drafts 1 to 3 the "
        "first bit says that more fragments follow, where FIN now says that none do."
    )
    yield from say(text, width)
    yield from row("header as sent", frame.header.hex(" "), width)
    if frame.masking_key is not None:
        text = "the masking key: all behind it is masked, the rest of the header included"
        yield from _bytes(frame.masking_key, text, width)
    text = f"FIN {frame.head >> 7}, opcode as RFC 6455 has it {frame.opcode}, length {frame.length}"
    yield from row("which says", text, width)


def _hixie(frame: FrameStory, width: int) -> Iterator[Line]:
    yield from say("A frame of Hixie (draft-hixie-76 §4.2): no header bits, no mask.", width)
    text = HIXIE.get(frame.header[0], "a frame of a kind that receivers discard")
    yield from _bytes(frame.header[:1], text, width)
    if len(frame.header) > 1:
        yield from _bytes(frame.header[1:], f"length {frame.length}", width)
    elif frame.header[0] < 0x80 and not frame.length:
        yield from _bytes(b"\xff", "ends it at once", width)
    elif frame.header[0] < 0x80:
        yield from _bytes(
            b"\xff", f"ends it, behind {counted(frame.length, 'byte')} of text", width
        )


def _payload(frame: FrameStory, width: int, *, is_text: bool, in_detail: bool) -> Iterator[Line]:
    if frame.length == 0:
        yield from say("No payload.", width)
        return
    if frame.captured < frame.length:
        text = f"Only {number(frame.captured)} of {number(frame.length)} bytes are in the capture."
        yield from say(text, width, style="yellow")
    if frame.masked and frame.masking_key is not None and frame.dialect == "rfc6455":
        yield from _unmasking(frame, width, in_detail=in_detail)
    if not frame.payload:
        return
    if frame.opcode == 8:
        yield from _close_body(frame, width)
        return
    label = "payload" if frame.masking_key is None else "unmasked"
    if frame.dialect == "rfc6455" and frame.head & 0x40:
        label = f"{label}, compressed"
    yield from row(label, hexadecimal(frame.payload, BYTES), width)
    if is_text and not frame.head & 0x40:
        yield from row("as text", readable(frame.payload, TEXT), width, style="bold")


def _close_body(frame: FrameStory, width: int) -> Iterator[Line]:
    if frame.close_code is None:
        yield from row("body", hexadecimal(frame.payload, BYTES), width)
        return
    yield from row(frame.payload[:2].hex(" "), f"code {frame.close_code}", width, column=13)
    if frame.close_reason:
        text = f"the reason: {readable(frame.payload[2:], TEXT)}"
        yield from row("then", text, width, column=13)


def _unmasking(frame: FrameStory, width: int, *, in_detail: bool) -> Iterator[Line]:
    """Yield the first payload bytes under the key, and what they are together."""
    key = frame.masking_key
    if key is None:
        return
    fits = max((width - INDENT - 14) // 4, 1)
    count = min(len(frame.masked), UNMASKED, fits)
    text = "Unmasking: byte i of the payload XOR byte i mod 4 of the key (§5.3)."
    yield from say(text, width, style="dim")
    sent, plain = frame.masked[:count], frame.payload[:count]
    keys = bytes(key[place % 4] for place in range(count))
    more = "  …" if frame.length > count else ""
    rows = (
        ("as sent", [f"{byte:02x}" for byte in sent], ""),
        ("key", [f"{byte:02x}" for byte in keys], "dim"),
        ("XOR", [f"{byte:02x}" for byte in plain], "bold"),
        ("in ASCII", [byte_text(byte) for byte in plain], "dim"),
    )
    for label, cells, style in rows:
        yield [
            (f"{' ' * INDENT}{label:<12}", "dim"),
            ("".join(f"{cell:>4}" for cell in cells) + more, style),
        ]
    if in_detail:
        one, other, result = bits_of(sent[:1]), bits_of(keys[:1]), bits_of(plain[:1])
        text = f"The first byte, bit by bit: {one} XOR {other} = {result}"
        yield from say(f"{text}. Equal bits give 0, different ones 1.", width, style="dim")


def message_lines(message: MessageStory, story: Story, width: int) -> Iterator[Line]:
    """Yield a message behind its last frame: put together of fragments, and inflated."""
    if message.fragments < 2 and message.compression is None:
        return
    text = f"Message {message.number}: {message.type}"
    if message.fragments > 1:
        listed = ", ".join(map(str, message.frames[:12]))
        listed += ", …" if len(message.frames) > 12 else ""
        text += f" of {message.fragments} fragments, frames {listed}"
    yield from say(text, width, style="bold")
    if message.fragments > 1:
        yield from _fragments(message, story, width)
    if message.compression is not None:
        yield from _inflating(message.compression, message, width)
    if not message.complete:
        yield from say("It is not whole in the capture.", width, style="yellow")
    if message.type == "text":
        yield from row("the message", readable(message.content, TEXT), width, style="bold")
    else:
        yield from row("the message", hexadecimal(message.content, BYTES), width, style="bold")
    if message.length is not None:
        yield from row("", f"{counted(message.length, 'byte')} in all", width)


def _fragments(message: MessageStory, story: Story, width: int) -> Iterator[Line]:
    text = "Fragments of one message are joined in order; control frames may come between (§5.4)."
    yield from say(text, width, style="dim")
    for place, each in enumerate(message.frames[:12]):
        frame = _told_at(story.frames, each)
        if frame is None:
            yield from row(f"+ frame {each}", "outside of what is told here", width)
            continue
        joint = "  frame" if place == 0 else "+ frame"
        shown = hexadecimal(frame.payload, 16)
        if message.type == "text" and message.compression is None:
            shown = readable(frame.payload, 60)
        fin = "FIN 1: the last" if frame.fin else "FIN 0"
        text = f"{shown} ({counted(frame.length, 'byte')}, opcode {frame.opcode}, {fin})"
        yield from row(f"{joint} {each}", text, width)


def _inflating(compression: Compression, message: MessageStory, width: int) -> Iterator[Line]:
    text = (
        "Inflating (RFC 7692 §7.2.2): put back the four bytes that the sender took off the end, "
        "then read it as DEFLATE (RFC 1951)."
    )
    yield from say(text, width, style="dim")
    shown = hexadecimal(compression.before, BYTES)
    yield from row("before", f"{shown} ({counted(compression.wire_length, 'byte')})", width)
    if compression.block is not None:
        final, block = int(bool(compression.final)), compression.block
        text = f"BFINAL {final}, BTYPE {block:02b}: {BLOCKS[block]}"
        yield from row("its first block", text, width)
    yield from row("+ tail", TAIL.hex(" "), width)
    if message.length is None:
        yield from row("inflated", "it does not inflate", width, style="red")
    else:
        shown = hexadecimal(compression.after, BYTES)
        yield from row("inflated", f"{shown} ({counted(message.length, 'byte')})", width)
    yield from row("context", _context(compression), width)


def _context(compression: Compression) -> str:
    if not compression.takeover:
        agreed = "none: the sender agreed to compress each message alone (no_context_takeover)"
        if compression.alone is False and compression.length is not None:
            return f"{agreed}, but this one cannot be read without earlier ones"
        return agreed
    allowed = f"the last {1 << compression.window_bits:,} bytes of the sender's earlier messages"
    if compression.alone is None:
        return f"may refer to {allowed}"
    if compression.alone:
        return f"may refer to {allowed}; this one can be read without them"
    return f"refers into {allowed}: without them it cannot be read"
