"""What went to and fro, in order of time: what a ladder diagram draws."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from wsanalyze.checks.finding import SEVERITIES, Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.story.frames import (
    CLOSES,
    Frames,
    Window,
    by_frame,
    close_frames,
    summary,
)
from wsanalyze.story.model import Event, HeadStory, Opening
from wsanalyze.story.opening import FIN, RST, Segments
from wsanalyze.tables.columns import NOTES
from wsanalyze.tables.numbering import Ints
from wsanalyze.tables.objects import Frame, Segment
from wsanalyze.websocket.close import describe
from wsanalyze.websocket.opcodes import opcode_name

# Segments with a note that are shown one by one; further ones of the same kind are counted.
NOTED = 40
# FINs and RSTs that are: an end has two, and a stranger may send any number.
ENDS = 20
# Notes that are no event: none, a copy, and what the label RST says.
_UNTOLD = [0, NOTES.index("duplicate"), NOTES.index("reset")]
# In the order in which they stand in one packet: END_STREAM, and HTTP in the place of frames, are
# behind the frames.
LAYERS = ("tcp", "tls", "proxy", "http", "gap", "websocket", "written", "http2")
# Payload bytes that an event shows, as text and in hex.
PREVIEW, PREVIEW_BYTES = 48, 12


def of_transport(segments: Segments | None, opened: Opening | None) -> list[Event]:
    """Return what TCP did: how it was opened, what it sent again, how it ended."""
    if segments is None:
        return []
    events = [_of_segment(segment, label) for segment, label in _opens(opened)]
    shown = np.array([event.packet or 0 for event in events], dtype=np.int64)
    is_told = ~np.isin(segments.column("packet"), shown)
    is_end = segments.column("flags") & (FIN | RST) > 0
    is_noted = ~is_end & ~np.isin(segments.column("note"), _UNTOLD)
    ends, noted = np.flatnonzero(is_told & is_end), np.flatnonzero(is_told & is_noted)
    for segment in segments.at(np.sort(np.append(ends[:ENDS], noted[:NOTED]))):
        flags = segment.flags.split(",")
        if "RST" in flags or "FIN" in flags:
            label = "RST" if "RST" in flags else "FIN"
            events.append(_of_segment(segment, label + (", ACK" if "ACK" in flags else "")))
        else:
            label = "SYN" if "SYN" in flags else "data" if segment.length else "ACK"
            events.append(_of_segment(segment, label))
    more = np.sort(np.append(ends[ENDS:], noted[NOTED:]))
    if len(more):
        events.append(_of_more(segments, more))
    return events


def _opens(opened: Opening | None) -> list[tuple[Segment, str]]:
    if opened is None:
        return []
    three = ((opened.syn, "SYN"), (opened.answer, "SYN, ACK"), (opened.ack, "ACK"))
    return [(segment, label) for segment, label in three if segment is not None]


def _of_more(segments: Segments, places: Ints) -> Event:
    """Return one event for the segments at these places, counted by kind."""
    note, is_reset = segments.column("note")[places], segments.column("flags")[places] & RST > 0
    # Behind the notes: those without one, a FIN or a RST.
    codes = np.where(note > 0, note, len(NOTES) + is_reset)
    kinds, firsts, counts = np.unique(codes, return_index=True, return_counts=True)
    names = (*NOTES, "FIN", "RST")
    counted = [f"{counts[each]} {names[kinds[each]]}" for each in np.argsort(firsts)]
    first = segments[int(places[0])]
    what = "segment" if len(places) == 1 else "segments"
    return Event(
        layer="tcp",
        sender="",
        time=first.time,
        packet=first.packet,
        ordinal=first.ordinal,
        label=f"{len(places)} more {what} of note from here on",
        detail=", ".join(counted),
    )


def _of_segment(segment: Segment, label: str) -> Event:
    return Event(
        layer="tcp",
        sender=segment.sender,
        time=segment.time,
        packet=segment.packet,
        ordinal=segment.ordinal,
        label=label,
        length=segment.length or None,
        # Of a RST the label says that it is one.
        note=segment.note if segment.note != "reset" else None,
    )


def marked(events: Iterable[Event], findings: Iterable[Finding]) -> list[Event]:
    """Return the events of TCP with the severity of what was found at their packets."""
    at_packet: dict[int, list[Finding]] = {}
    for finding in findings:
        if finding.packet is not None and finding.frame is None:
            at_packet.setdefault(finding.packet, []).append(finding)
    return [
        replace(each, severity=worst(at_packet.get(each.packet or 0, ()))) if each.sender else each
        for each in events
    ]


def of_heads(
    request: HeadStory | None, response: HeadStory | None, connection: Connection
) -> list[Event]:
    """Return the request and the response."""
    handshake = connection.handshake
    events = []
    if request is not None and request.time is not None and handshake is not None:
        label = f"{handshake.method or '?'} {handshake.target or '?'}"
        if handshake.multiplexed:
            label += f" (HTTP/2 stream {connection.http_stream})"
        name = ":authority" if handshake.multiplexed else "Host"
        asked = f"{name}: {handshake.host}" if handshake.host else ""
        events.append(_of_head(request, label, asked))
    if response is not None and response.time is not None and handshake is not None:
        label = f"{handshake.status} {handshake.reason or ''}".strip()
        events.append(_of_head(response, label, ""))
    return events


def _of_head(head: HeadStory, label: str, detail: str) -> Event:
    found = [each for line in head.lines for each in line.findings] + list(head.findings)
    return Event(
        layer="http",
        sender=head.sender,
        time=head.time or 0,
        packet=head.packet,
        ordinal=0,
        label=label,
        detail=detail,
        length=head.length,
        severity=worst(found),
    )


def drawn_frames(frames: Frames, window: Window) -> Ints:
    """Return the numbers of the frames that are events of their own, in order.

    They are those of the window, the first Closes, and each that would be left out alone.
    """
    inside = np.arange(len(frames))[max(window.first, 0) : window.last + 1]
    told = np.union1d(inside, close_frames(frames)[:CLOSES])
    edges = np.concatenate(([-1], told, [len(frames)]))
    # One frame takes as much room as a line that says that one is left out.
    alone = edges[:-1][np.diff(edges) == 2] + 1
    return np.union1d(told, alone)


def of_frames(
    frames: Frames,
    drawn: Ints,
    payloads: Mapping[int, bytes],
    findings: Sequence[Finding],
    inflated: Mapping[int, bytes],
) -> list[Event]:
    """Return the frames with the numbers `drawn`; what is left out between is one event.

    `payloads` by frame are unmasked, `inflated` are those of compressed text in one frame.
    """
    found = by_frame(findings)
    events: list[Event] = []
    before = 0
    for frame in frames.at(drawn):
        number = frame.number
        if number > before:
            events.append(_of_skipped(frames[before:number]))
        payload, about = payloads.get(number, b""), found.get(number, ())
        events.append(_of_frame(frame, payload, about, inflated.get(number)))
        before = number + 1
    if before < len(frames):
        events.append(_of_skipped(frames[before:]))
    return events


def _of_frame(
    frame: Frame, payload: bytes, findings: Sequence[Finding], inflated: bytes | None
) -> Event:
    label = opcode_name(frame.opcode)
    if frame.opcode in (0, 1, 2) and not frame.fin:
        label += " (not the last)"
    detail = ""
    if frame.opcode == 8:
        if frame.close_code is not None:
            label += f" {frame.close_code}"
            detail = describe(frame.close_code)
            if len(payload) > 2:
                detail += f", {payload[2:].decode('utf-8', 'replace')}"
    elif frame.head & 0x40:
        label += " (compressed)"
        if inflated is not None:
            detail = _preview(inflated, len(inflated))
    elif frame.opcode == 1 or (frame.opcode in (9, 10) and payload):
        detail = _preview(payload, frame.length)
    return Event(
        layer="websocket",
        sender=frame.sender,
        time=frame.time,
        packet=frame.packet,
        ordinal=0,
        label=label,
        detail=detail,
        length=frame.length,
        severity=worst(findings),
        frame=frame.number,
    )


def _preview(payload: bytes, length: int) -> str:
    """Return what a payload begins with: text, or bytes in hex where it is none."""
    rest = "…" if length > PREVIEW else ""
    try:
        # A character may be cut where the beginning ends.
        decoder = getincrementaldecoder("utf-8")()
        return decoder.decode(payload[:PREVIEW], final=not rest) + rest
    except UnicodeDecodeError:
        shown = payload[:PREVIEW_BYTES].hex(" ")
        return f"bytes {shown}" + (" …" if length > PREVIEW_BYTES else "")


def _of_skipped(frames: Frames) -> Event:
    first, left = frames[0], summary(frames)
    return Event(
        layer="websocket",
        sender="",
        time=first.time,
        packet=first.packet,
        ordinal=0,
        label=f"frames {left.first} to {left.last}",
        detail=f"{left.client} client, {left.server} server",
        length=left.length,
        frame=left.first,
        until=frames[-1].time_end,
    )


def worst(findings: Iterable[Finding]) -> str | None:
    """Return the worst severity, None for no finding."""
    found = [SEVERITIES.index(each.severity) for each in findings]
    return SEVERITIES[max(found)] if found else None


def in_order(events: Iterable[Event], *, by_packet: bool) -> tuple[Event, ...]:
    """Return events in order: of their packets within one capture, else of their times."""
    numbered = list(events)
    if by_packet:
        return tuple(sorted(numbered, key=_by_packet))
    return tuple(sorted(numbered, key=_by_time))


def _by_packet(event: Event) -> tuple[int, int, int]:
    number = -1 if event.frame is None else event.frame
    return event.packet or 0, LAYERS.index(event.layer), number


def _by_time(event: Event) -> tuple[int, int, int, int]:
    return event.time, *_by_packet(event)
