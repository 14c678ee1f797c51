"""Frames one by one with their bytes, the messages they make, and what compression did to them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wsanalyze.checks.finding import Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.story.model import Compression, FrameStory, MessageStory, Summary
from wsanalyze.streams import Range, Streams
from wsanalyze.tables.lazy_rows import LazyRows
from wsanalyze.tables.numbering import Ints
from wsanalyze.tables.objects import AnalyzedConnection, Frame, Message
from wsanalyze.websocket.drafts import masking_key_of_connection, scan_draft_frames
from wsanalyze.websocket.masking import unmask
from wsanalyze.websocket.opcodes import opcode_name

# Payload bytes of one frame that are looked at, and those of a control frame (RFC 6455 §5.5).
SHOWN = 4096
CONTROL = 125
# The opcodes of control frames have it, and no others (RFC 6455 §5.2).
CONTROL_BIT = 0x08
# Close frames that are told of a connection, which should have two (RFC 6455 §5.5.1).
CLOSES = 100
# RFC 7692 §7.2.2: what the sender took away and the receiver puts back.
TAIL = b"\x00\x00\xff\xff"
# What a message is inflated to, to see whether it can be without those before it.
TRIED = 65_536
# Bytes of a message that a row of a diagram begins with, and some more to see that it goes on.
BEGUN = 64


Ranges = list[Range]


@dataclass(frozen=True, slots=True)
class Window:
    """Frames that are told in full: numbers `first` to `last`, both included."""

    first: int = 0
    last: int = 11

    def has(self, number: int) -> bool:
        """Say whether a frame is told in full."""
        return self.first <= number <= self.last


# The frames of a connection: objects where somebody looks, else columns.
Frames = LazyRows[Frame]


def control_frames(frames: Frames) -> Ints:
    """Return the numbers of the control frames."""
    return np.flatnonzero(frames.column("head") & CONTROL_BIT)


def close_frames(frames: Frames) -> Ints:
    """Return the numbers of the Close frames."""
    return np.flatnonzero(frames.column("head") & 0x0F == 8)


def ranges(frames: Frames, window: Window, controls: int | None = None) -> tuple[Ranges, Ranges]:
    """Return the offsets of bytes worth keeping in the streams of client and server.

    Of frames in the window header and first payload, of control frames everything: of the first
    `controls` of them (None: of all). Ranges that touch are one.
    """
    places = control_frames(frames)[:controls]
    inside = range(len(frames))[max(window.first, 0) : window.last + 1]
    is_inside = (places >= inside.start) & (places < inside.stop)
    places = np.concatenate((np.asarray(inside, dtype=np.int64), places[~is_inside]))
    start = frames.column("offset")[places]
    most = np.where(np.arange(len(places)) < len(inside), SHOWN, CONTROL).astype(np.uint64)
    payload = np.minimum(frames.column("length")[places], most).astype(np.int64)
    stop = start + frames.column("header_length")[places] + payload
    is_server = frames.column("sender")[places] == 1
    client, server = (joined(start[mine], stop[mine]) for mine in (~is_server, is_server))
    return client, server


def joined(start: Ints, stop: Ints) -> list[Range]:
    """Return ranges sorted, those that touch made one."""
    if not len(start):
        return []
    by_start = np.argsort(start, kind="stable")
    start, stop = start[by_start], np.maximum.accumulate(stop[by_start])
    firsts = np.append(0, np.flatnonzero(start[1:] > stop[:-1]) + 1)
    lasts = np.append(firsts[1:], len(start)) - 1
    return list(zip(start[firsts].tolist(), stop[lasts].tolist(), strict=True))


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


def by_frame(findings: Iterable[Finding]) -> dict[int, list[Finding]]:
    """Return findings by the number of the frame that they are about."""
    found: dict[int, list[Finding]] = {}
    for finding in findings:
        if finding.frame is not None:
            found.setdefault(finding.frame, []).append(finding)
    return found


def frame_stories(
    frames: Frames,
    window: Window,
    wire: Wire,
    findings: Sequence[Finding],
) -> tuple[FrameStory, ...]:
    """Return the frames of the window, each with its bytes and what is wrong with it."""
    found = by_frame(findings)
    parts = _parts(frames, window)
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
                findings=tuple(found.get(frame.number, ())),
            )
        )
    return tuple(told)


def _reason(frame: Frame, payload: bytes) -> str | None:
    if frame.opcode != 8 or frame.close_code is None:
        return None
    return payload[2:].decode("utf-8", "replace")


def _parts(frames: Frames, window: Window) -> dict[int, tuple[int, int]]:
    """Return by frame of the window which fragment of how many it is; of messages with several."""
    found = {}
    for places in _messages_in(frames, window).values():
        inside = np.flatnonzero((places >= window.first) & (places <= window.last))
        for place in inside.tolist() if len(places) > 1 else ():
            found[int(places[place])] = (place + 1, len(places))
    return found


def _messages_in(frames: Frames, window: Window) -> dict[int, Ints]:
    """Return the numbers of the frames of each message that has one in the window."""
    message = frames.column("message")
    wanted = np.unique(message[max(window.first, 0) : window.last + 1])
    wanted = wanted[wanted >= 0]
    places = np.flatnonzero(np.isin(message, wanted))
    of = message[places]
    # Two messages are in one another where both ends send.
    by_message = np.argsort(of, kind="stable")
    starts = np.searchsorted(of[by_message], wanted).tolist()
    parts = np.split(places[by_message], starts[1:]) if starts else []
    return dict(zip(wanted.tolist(), parts, strict=True))


def message_stories(
    read: AnalyzedConnection,
    contents: AnalyzedConnection | None,
    window: Window,
    wire: Wire,
) -> tuple[MessageStory, ...]:
    """Return the messages that have a frame in the window; `contents` has what they say."""
    if contents is None:
        return ()
    told = []
    for number, places in _messages_in(read.frames, window).items():
        # A pass that was ended early has fewer.
        if number < len(contents.messages):
            message = contents.messages[number]
            content = contents.beginning(message)
            told.append(_message_story(message, read.frames, places, content, wire))
    return tuple(told)


def beginnings(
    frames: Frames, drawn: Ints, contents: AnalyzedConnection | None
) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """Return by frame how the text messages that begin in those frames begin: as sent, inflated.

    Inflated are those of one frame. They come of the messages, so that no byte is read again.
    """
    sent: dict[int, bytes] = {}
    inflated: dict[int, bytes] = {}
    if contents is None:
        return sent, inflated
    is_text = frames.column("head")[drawn] & 0x0F == 1
    of, firsts = np.unique(
        np.where(is_text, frames.column("message")[drawn], -1), return_index=True
    )
    # A second pass may have been ended earlier.
    is_known = (of >= 0) & (of < len(contents.messages))
    begun = frames.at(drawn[firsts[is_known]])
    for begins, message in zip(begun, contents.messages.at(of[is_known]), strict=True):
        content = contents.beginning(message)[:BEGUN]
        if not message.compressed:
            sent[begins.number] = content[: begins.length]
        elif message.length is not None and message.frames == 1:
            inflated[begins.number] = content
    return sent, inflated


def _message_story(
    message: Message, frames: Frames, places: Ints, content: bytes, wire: Wire
) -> MessageStory:
    deflated = _compression(message, frames, places, content, wire) if message.compressed else None
    return MessageStory(
        number=message.number,
        sender=message.sender,
        type=message.type,
        frames=tuple(places.tolist()),
        fragments=message.frames,
        length=message.length,
        wire_length=message.wire_length,
        complete=message.complete,
        utf8_valid=message.utf8_valid,
        content=content,
        compression=deflated,
    )


def _compression(
    message: Message, frames: Frames, places: Ints, content: bytes, wire: Wire
) -> Compression:
    before = b"".join(wire.of(each)[2] for each in frames.at(places[:64]))
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


def left_out(frames: Frames, window: Window) -> tuple[Summary, ...]:
    """Return what is before and behind the window, counted."""
    return tuple(
        summary(part)
        for part in (frames[: max(window.first, 0)], frames[window.last + 1 :])
        if part
    )


def summary(frames: Frames) -> Summary:
    """Return frames counted; there is one at least."""
    opcodes = np.bincount(frames.column("head") & 0x0F, minlength=16).tolist()
    kinds: dict[str, int] = {}
    for opcode, count in enumerate(opcodes):
        if count:
            kinds[opcode_name(opcode)] = kinds.get(opcode_name(opcode), 0) + count
    server = int(frames.column("sender").sum())
    return Summary(
        first=frames.numbers.start,
        last=frames.numbers.stop - 1,
        client=len(frames) - server,
        server=server,
        kinds=tuple(sorted(kinds.items(), key=_most_first)),
        length=total(frames.column("length")),
    )


def total(lengths: npt.NDArray[np.uint64]) -> int:
    """Return the exact sum: a frame may declare 2^64 - 1 bytes."""
    high, low = lengths >> np.uint64(32), lengths & np.uint64(0xFFFFFFFF)
    return (int(high.sum()) << 32) + int(low.sum())


def _most_first(kind: tuple[str, int]) -> tuple[int, str]:
    return -kind[1], kind[0]


def control_payloads(frames: Frames, wire: Wire, controls: int | None = None) -> dict[int, bytes]:
    """Return the unmasked payload of the first control frames by number, b"" where not kept.

    `controls`: how many frames those are; None for all.
    """
    places = control_frames(frames)[:controls]
    found: dict[int, bytes] = {}
    before = b""
    for each in frames.at(places):
        payload = wire.of(each, CONTROL)[2]
        # Most programs say the same in each Ping: one object is enough for all of these.
        before = before if payload == before else payload
        found[each.number] = before
    return found
