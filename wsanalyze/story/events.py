"""What went to and fro, in order of time: what a ladder diagram draws."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from wsanalyze.checks.finding import SEVERITIES, Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.story.frames import Window, is_http
from wsanalyze.story.model import Event, HeadStory, Opening
from wsanalyze.tables.objects import Frame, Segment
from wsanalyze.websocket.close import describe
from wsanalyze.websocket.opcodes import opcode_name

# Segments with a note that are shown one by one; further ones of the same kind are counted.
NOTED = 40
# FINs and RSTs that are: an end has two, and a stranger may send any number.
ENDS = 20
# In the order in which they stand in one packet: END_STREAM is behind the frames.
LAYERS = ("tcp", "tls", "http", "gap", "websocket", "http2")
# Payload bytes that an event shows, as text and in hex.
PREVIEW, PREVIEW_BYTES = 48, 12


def of_transport(segments: Sequence[Segment], opened: Opening | None) -> list[Event]:
    """Return what TCP did: how it was opened, what it sent again, how it ended."""
    events = []
    if opened is not None:
        for segment, label in (
            (opened.syn, "SYN"),
            (opened.answer, "SYN, ACK"),
            (opened.ack, "ACK"),
        ):
            if segment is not None:
                events.append(_of_segment(segment, label))
    shown = {event.packet for event in events}
    ends = noted = 0
    more: list[Segment] = []
    for segment in segments:
        flags = segment.flags.split(",")
        if segment.packet in shown:
            continue
        if "RST" in flags or "FIN" in flags:
            ends += 1
            if ends > ENDS:
                more.append(segment)
                continue
            label = "RST" if "RST" in flags else "FIN"
            events.append(_of_segment(segment, label + (", ACK" if "ACK" in flags else "")))
        elif segment.note is not None and segment.note not in ("duplicate", "reset"):
            noted += 1
            if noted > NOTED:
                more.append(segment)
                continue
            label = "SYN" if "SYN" in flags else "data" if segment.length else "ACK"
            events.append(_of_segment(segment, label))
    if more:
        events.append(_of_more(more))
    return events


def _of_more(segments: Sequence[Segment]) -> Event:
    kinds: dict[str, int] = {}
    for segment in segments:
        kind = segment.note or ("RST" if "RST" in segment.flags.split(",") else "FIN")
        kinds[kind] = kinds.get(kind, 0) + 1
    first = segments[0]
    return Event(
        layer="tcp",
        sender="",
        time=first.time,
        packet=first.packet,
        ordinal=first.ordinal,
        label=f"{len(segments)} more segments of note from here on",
        detail=", ".join(f"{count} {kind}" for kind, count in kinds.items()),
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


def of_frames(
    frames: Sequence[Frame],
    window: Window,
    payloads: Mapping[int, bytes],
    findings: Sequence[Finding],
    inflated: Mapping[int, bytes],
    http: Mapping[str, int],
) -> list[Event]:
    """Return the frames of the window and every Close; what is left out between is one event.

    `payloads` by frame are unmasked, `inflated` are those of compressed text in one frame; `http`
    is `http_from` of the connection.
    """
    by_frame: dict[int, list[Finding]] = {}
    for finding in findings:
        if finding.frame is not None:
            by_frame.setdefault(finding.frame, []).append(finding)
    events: list[Event] = []
    skipped: list[Frame] = []
    for frame in frames:
        written = is_http(frame, http)
        if window.has(frame.number) or (frame.opcode == 8 and not written):
            if skipped:
                events.append(_of_skipped(skipped))
                skipped = []
            found = by_frame.get(frame.number, ())
            number = frame.number
            payload = payloads.get(number, b"")
            if written:
                events.append(_of_http(frame, payload, found))
            else:
                events.append(_of_frame(frame, payload, found, inflated.get(number)))
        else:
            skipped.append(frame)
    if skipped:
        events.append(_of_skipped(skipped))
    return events


def _of_http(frame: Frame, payload: bytes, findings: Sequence[Finding]) -> Event:
    """Return what is HTTP in the place of a frame, by its bytes as text: header and payload."""
    header = bytes((frame.head, frame.second))
    text = header + payload if frame.header_length == 2 else payload
    return Event(
        layer="websocket",
        sender=frame.sender,
        time=frame.time,
        packet=frame.packet,
        ordinal=0,
        label="HTTP, no frame",
        detail=_preview(text, frame.header_length + frame.length),
        length=frame.header_length + frame.captured,
        severity=worst(findings),
        frame=frame.number,
    )


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
        detail = "compressed"
        if inflated is not None:
            label += " (compressed)"
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


def _of_skipped(frames: Sequence[Frame]) -> Event:
    first, last = frames[0], frames[-1]
    client = sum(each.sender == "client" for each in frames)
    label = f"frames {first.number} to {last.number}"
    if first.number == last.number:
        label = f"frame {first.number}"
    return Event(
        layer="websocket",
        sender="",
        time=first.time,
        packet=first.packet,
        ordinal=0,
        label=label,
        detail=f"{client} client, {len(frames) - client} server",
        length=sum(each.length for each in frames),
        frame=first.number,
        until=last.time_end,
    )


def of_holes(connection: Connection) -> list[Event]:
    """Return what the capture does not have, at the packet that made it known."""
    if connection.observation is None:
        return []
    return [
        Event(
            layer="gap",
            sender=hole.sender,
            time=hole.time,
            packet=hole.packet,
            ordinal=0,
            label="not in the capture",
            length=abs(hole.length),
        )
        for hole in connection.observation.holes
    ]


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
