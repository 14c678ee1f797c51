"""Frames one by one with their bytes, the messages they make, and what compression did to them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wsanalyze.checks.finding import Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.story.model import Compression, FrameStory, MessageStory, Summary
from wsanalyze.streams import Range, Streams
from wsanalyze.tables.objects import AnalyzedConnection, Frame, Message
from wsanalyze.websocket.drafts import masking_key_of_connection, scan_draft_frames
from wsanalyze.websocket.masking import unmask
from wsanalyze.websocket.opcodes import is_control, opcode_name

# Payload bytes of one frame that are looked at, and those of a control frame (RFC 6455 §5.5).
SHOWN = 4096
CONTROL = 125
# RFC 7692 §7.2.2: what the sender took away and the receiver puts back.
TAIL = b"\x00\x00\xff\xff"
# What a message is inflated to, to see whether it can be without those before it.
TRIED = 65_536
# Bytes of a message that a row of a diagram begins with, and some more to see that it goes on.
BEGUN = 64


@dataclass(frozen=True, slots=True)
class Window:
    """Frames that are told in full: numbers `first` to `last`, both included."""

    first: int = 0
    last: int = 11

    def has(self, number: int) -> bool:
        """Say whether a frame is told in full."""
        return self.first <= number <= self.last


def ranges(frames: Iterable[Frame], window: Window) -> tuple[list[Range], list[Range]]:
    """Return the offsets of bytes worth keeping in the streams of client and server.

    Of frames in the window header and first payload, of control frames everything.
    """
    wanted: tuple[list[Range], list[Range]] = ([], [])
    for frame in frames:
        if window.has(frame.number):
            most = SHOWN
        elif is_control(frame.opcode):
            most = CONTROL
        else:
            continue
        stop = frame.offset + frame.header_length + min(frame.length, most)
        wanted[frame.sender == "server"].append((frame.offset, stop))
    return wanted


class Wire:
    """The bytes of one connection's frames as they were sent, as far as they were kept."""

    def __init__(self, connection: Connection, streams: Streams | None) -> None:
        self.connection = connection
        self.streams = streams
        self.stream = connection.http_stream or 0
        self.dialect = dialect(connection)
        handshake = connection.handshake
        self.version = handshake.version if handshake is not None else None
        self.secret = b""
        if self.version == "4" and handshake is not None:
            nonce = handshake.request_head.value("sec-websocket-nonce") or ""
            self.secret = masking_key_of_connection(handshake.key or "", nonce)

    def of(self, frame: Frame, most: int = SHOWN) -> tuple[bytes, bytes, bytes]:
        """Return header, payload as sent, and payload unmasked; empty where not kept.

        Bytes are taken from where they fit what was read of the frame: a stream in TLS in a tunnel
        is one of several with such an offset.
        """
        if self.streams is None:
            return b"", b"", b""
        index = self.connection.conversation
        direction = self.connection.client_direction
        side = direction if frame.sender == "client" else 1 - direction
        stop = frame.offset + frame.header_length + min(frame.length, most)
        for depth in self.streams.depths(index, self.stream):
            wire = self.streams.bytes_at(index, depth, self.stream, side, frame.offset, stop)
            header = wire[: frame.header_length]
            if len(header) == frame.header_length and self._fits(header, frame):
                masked = wire[frame.header_length :]
                return header, masked, self._unmasked(frame, wire, masked)
        return b"", b"", b""

    def _fits(self, header: bytes, frame: Frame) -> bool:
        if self.dialect == "rfc6455":
            return header[:2] == bytes((frame.head, frame.second))
        if self.dialect == "draft" and frame.masking_key is not None:
            return header[:4] == frame.masking_key
        return True

    def _unmasked(self, frame: Frame, wire: bytes, masked: bytes) -> bytes:
        if frame.masking_key is None or self.dialect == "hixie":
            return masked
        if self.dialect == "rfc6455":
            return unmask(masked, frame.masking_key)
        scanned = scan_draft_frames(wire, int(self.version or 0), frame.sender, self.secret)
        return next((each.payload for each in scanned), b"")


def dialect(connection: Connection) -> str:
    """Return what the frames look like: `rfc6455`, `draft` or `hixie`."""
    handshake = connection.handshake
    framing = handshake.framing if handshake is not None else None
    return framing or "rfc6455"


def http_from(connection: Connection) -> dict[str, int]:
    """Return by sender the number of its first frame that is HTTP in truth, as all behind it are.

    A response that was written as if there was no upgrade, for example (FRM-13).
    """
    observation = connection.observation
    if observation is None:
        return {}
    begun = {sender: observation.http(sender) for sender in ("client", "server")}
    return {
        sender: event.frame
        for sender, event in begun.items()
        if event is not None and event.frame is not None
    }


def is_http(frame: Frame, begun: Mapping[str, int]) -> bool:
    """Say whether a frame is none but HTTP; `begun` is `http_from` of its connection."""
    return frame.sender in begun and frame.number >= begun[frame.sender]


def frame_stories(
    frames: Sequence[Frame],
    window: Window,
    wire: Wire,
    findings: Sequence[Finding],
    http: Mapping[str, int],
) -> tuple[FrameStory, ...]:
    """Return the frames of the window, each with its bytes and what is wrong with it.

    `http` is `http_from` of the connection.
    """
    by_frame: dict[int, list[Finding]] = {}
    for finding in findings:
        if finding.frame is not None:
            by_frame.setdefault(finding.frame, []).append(finding)
    parts = _parts(frames)
    told = []
    for frame in frames[max(window.first, 0) : window.last + 1]:
        header, masked, payload = wire.of(frame)
        part, of = parts.get(frame.number, (0, 0))
        told.append(
            FrameStory(
                number=frame.number,
                sender=frame.sender,
                time=frame.time,
                packet=frame.packet,
                packet_end=frame.packet_end,
                offset=frame.offset,
                dialect=wire.dialect,
                head=frame.head,
                second=frame.second,
                header=header,
                header_length=frame.header_length,
                length=frame.length,
                captured=frame.captured,
                masking_key=frame.masking_key,
                masked=masked,
                payload=payload,
                message=frame.message,
                part=part,
                parts=of,
                close_code=frame.close_code,
                close_reason=_reason(frame, payload),
                is_http=is_http(frame, http),
                findings=tuple(by_frame.get(frame.number, ())),
            )
        )
    return tuple(told)


def _reason(frame: Frame, payload: bytes) -> str | None:
    if frame.opcode != 8 or frame.close_code is None:
        return None
    return payload[2:].decode("utf-8", "replace")


def _parts(frames: Iterable[Frame]) -> dict[int, tuple[int, int]]:
    """Return by frame which fragment of how many it is; only of messages with several."""
    by_message: dict[int, list[int]] = {}
    for frame in frames:
        if frame.message is not None:
            by_message.setdefault(frame.message, []).append(frame.number)
    return {
        number: (place, len(numbers))
        for numbers in by_message.values()
        if len(numbers) > 1
        for place, number in enumerate(numbers, 1)
    }


def message_stories(
    read: AnalyzedConnection,
    contents: AnalyzedConnection | None,
    window: Window,
    wire: Wire,
) -> tuple[MessageStory, ...]:
    """Return the messages that have a frame in the window; `contents` has what they say."""
    if contents is None:
        return ()
    by_message: dict[int, list[Frame]] = {}
    for frame in read.frames:
        if frame.message is not None:
            by_message.setdefault(frame.message, []).append(frame)
    told = []
    for message in contents.messages:
        frames = by_message.get(message.number, [])
        if any(window.has(each.number) for each in frames):
            content = contents.beginning(message)
            told.append(_message_story(message, frames, content, wire))
    return tuple(told)


def beginnings(
    frames: Sequence[Frame], window: Window, contents: AnalyzedConnection | None
) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """Return by frame how the text messages that begin in the window begin: as sent, inflated.

    Inflated are those of one frame. They come of the messages, so that no byte is read again.
    """
    sent: dict[int, bytes] = {}
    inflated: dict[int, bytes] = {}
    if contents is None:
        return sent, inflated
    first: dict[int, Frame] = {}
    for frame in frames[max(window.first, 0) : window.last + 1]:
        if frame.opcode == 1 and frame.message is not None:
            first.setdefault(frame.message, frame)
    for message in contents.messages:
        begins = first.get(message.number)
        if begins is None:
            continue
        content = contents.beginning(message)[:BEGUN]
        if not message.compressed:
            sent[begins.number] = content[: begins.length]
        elif message.length is not None and message.frames == 1:
            inflated[begins.number] = content
    return sent, inflated


def _message_story(
    message: Message, frames: Sequence[Frame], content: bytes, wire: Wire
) -> MessageStory:
    return MessageStory(
        number=message.number,
        sender=message.sender,
        type=message.type,
        frames=tuple(each.number for each in frames),
        fragments=message.frames,
        length=message.length,
        wire_length=message.wire_length,
        complete=message.complete,
        utf8_valid=message.utf8_valid,
        content=content,
        compression=_compression(message, frames, content, wire) if message.compressed else None,
    )


def _compression(
    message: Message, frames: Sequence[Frame], content: bytes, wire: Wire
) -> Compression:
    before = b"".join(wire.of(each)[2] for each in frames[:64])
    whole = len(before) == message.wire_length
    handshake = wire.connection.handshake
    deflate = handshake.deflate if handshake is not None else None
    takeover, bits = True, 15
    if deflate is not None and message.sender == "client":
        takeover = not deflate.client_no_context_takeover
        bits = deflate.client_max_window_bits
    elif deflate is not None:
        takeover = not deflate.server_no_context_takeover
        bits = deflate.server_max_window_bits
    return Compression(
        before=before,
        whole=whole,
        wire_length=message.wire_length,
        after=content,
        length=message.length,
        final=bool(before[0] & 1) if before else None,
        block=before[0] >> 1 & 3 if before else None,
        alone=_inflates_alone(before, content) if whole else None,
        takeover=takeover,
        window_bits=bits,
    )


def _inflates_alone(before: bytes, content: bytes) -> bool:
    """Say whether a message inflates to what it is without the messages before it."""
    try:
        found = zlib.decompressobj(-15).decompress(before + TAIL, TRIED)
    except zlib.error:
        return False
    return found[: len(content)] == content[: len(found)]


def left_out(frames: Sequence[Frame], window: Window) -> tuple[Summary, ...]:
    """Return what is before and behind the window, counted."""
    return tuple(
        _summary(part)
        for part in (frames[: max(window.first, 0)], frames[window.last + 1 :])
        if part
    )


def _summary(frames: Sequence[Frame]) -> Summary:
    kinds: dict[str, int] = {}
    for frame in frames:
        kinds[opcode_name(frame.opcode)] = kinds.get(opcode_name(frame.opcode), 0) + 1
    client = sum(each.sender == "client" for each in frames)
    return Summary(
        first=frames[0].number,
        last=frames[-1].number,
        client=client,
        server=len(frames) - client,
        kinds=tuple(sorted(kinds.items(), key=_most_first)),
        length=sum(each.length for each in frames),
    )


def _most_first(kind: tuple[str, int]) -> tuple[int, str]:
    return -kind[1], kind[0]


def control_payloads(frames: Iterable[Frame], wire: Wire) -> Mapping[int, bytes]:
    """Return the unmasked payload of each control frame by its number, b"" where not kept."""
    return {each.number: wire.of(each, CONTROL)[2] for each in frames if is_control(each.opcode)}
