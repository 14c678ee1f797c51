"""Frames and messages of one connection as columns, so that many of them stay small."""

from __future__ import annotations

from base64 import b64encode
from itertools import islice
from typing import Any

from wsanalyze.report.hiding import Hide, in_bytes
from wsanalyze.story.model import Story
from wsanalyze.tables.objects import AnalyzedConnection

# Integers beyond it are not exact in a browser.
EXACT = 1 << 53


def frame_columns(
    read: AnalyzedConnection, story: Story, most: int, began: int, hide: Hide
) -> dict[str, Any]:
    """Return the first `most` frames.

    `payloads` and `headers` have bytes in base64 by number, where they were kept: the payload of
    control frames, the header of the first frames.
    """
    frames = read.frames[:most]
    payloads = {ping.frame: ping.payload for ping in story.pings}
    for told in story.frames:
        if told.opcode >= 8:
            payloads[told.number] = told.payload
    return {
        "total": len(read.frames),
        "shown": len(frames),
        "sender": [int(each.sender == "server") for each in frames],
        "t": [each.time - began for each in frames],
        "packet": [each.packet for each in frames],
        "packet_end": [each.packet_end for each in frames],
        "offset": [each.offset for each in frames],
        "head": [each.head for each in frames],
        "header": [each.header_length for each in frames],
        "length": [_exact(each.length) for each in frames],
        "captured": [each.captured for each in frames],
        "key": [each.masking_key.hex() if each.masking_key else "" for each in frames],
        "message": [each.message for each in frames],
        "code": [each.close_code for each in frames],
        "payloads": {
            number: b64encode(in_bytes(data, hide)[0]).decode()
            for number, data in payloads.items()
            if number < most and data
        },
        "headers": {each.number: each.header.hex() for each in story.frames if each.number < most},
    }


def _exact(value: int) -> int | str:
    return value if value < EXACT else str(value)


def message_columns(
    read: AnalyzedConnection,
    most: int,
    began: int,
    room: int,
    longest: int,
    hide: Hide,
) -> tuple[dict[str, Any], int]:
    """Return the messages that begin in the first `most` frames, and the bytes used of `room`.

    Of each at most `longest` bytes of payload. `hide` replaces secrets, in binary messages, too.
    """
    first: dict[int, int] = {}
    for frame in islice(read.frames, most):
        if frame.message is not None:
            first.setdefault(frame.message, frame.number)
    messages = [each for each in read.messages if each.number in first]
    used, cut, payloads, redacted, kept = 0, 0, [], [], []
    for message in messages:
        sent = read.beginning(message)[: max(min(longest, room - used), 0)]
        data, is_redacted = in_bytes(sent, hide, cut=len(sent) < (message.length or 0))
        used += len(data)
        whole = len(sent) == message.length
        cut += not whole and message.complete
        payloads.append(b64encode(data).decode())
        redacted.append(int(is_redacted))
        kept.append(int(whole))
    columns = {
        "total": len(read.messages),
        "shown": len(messages),
        "cut": cut,
        "frame": [first[each.number] for each in messages],
        "number": [each.number for each in messages],
        "sender": [int(each.sender == "server") for each in messages],
        "text": [int(each.type == "text") for each in messages],
        "t": [each.time - began for each in messages],
        "packet": [each.packet for each in messages],
        "packet_end": [each.packet_end for each in messages],
        "frames": [each.frames for each in messages],
        "compressed": [int(each.compressed) for each in messages],
        "complete": [int(each.complete) for each in messages],
        "wire": [each.wire_length for each in messages],
        "length": [each.length for each in messages],
        "utf8": [each.utf8_valid for each in messages],
        # What was redacted could be guessed from its digest.
        "sha256": [
            None if hidden else each.sha256 for each, hidden in zip(messages, redacted, strict=True)
        ],
        "payload": payloads,
        "redacted": redacted,
        "whole": kept,
    }
    return columns, used
