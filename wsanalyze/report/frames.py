"""Frames and messages of one connection as columns, so that many of them stay small."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from wsanalyze.report.hiding import Hide, in_bytes
from wsanalyze.story.frames import CONTROL_BIT
from wsanalyze.story.model import Story
from wsanalyze.tables.build import Tables
from wsanalyze.tables.lazy_rows import LazyRows
from wsanalyze.tables.objects import AnalyzedConnection, Frame, Message

# Integers beyond it are not exact in a browser.
EXACT = 1 << 53


def frame_columns(
    read: AnalyzedConnection, story: Story, most: int, began: int, hide: Hide
) -> dict[str, Any]:
    """Return the first `most` frames.

    `payloads` and `headers` have bytes in base64 by number, where they were kept: the payload of
    control frames, the header of the first frames. `written`: HTTP in the place of frames.
    """
    frames = read.frames[:most]
    payloads = {ping.frame: ping.payload for ping in story.pings if ping.frame < most}
    for told in story.frames:
        if told.opcode >= 8 and told.number < most:
            payloads[told.number] = told.payload
    return {
        "total": len(read.frames),
        "shown": len(frames),
        "sender": frames.column("sender").tolist(),
        "t": (frames.column("time") - began).tolist(),
        "packet": frames.column("packet").tolist(),
        "packet_end": frames.column("packet_end").tolist(),
        "offset": frames.column("offset").tolist(),
        "head": frames.column("head").tolist(),
        "header": frames.column("header_length").tolist(),
        "length": [_exact(each) for each in frames.column("length").tolist()],
        "captured": frames.column("captured").tolist(),
        "key": _keys(frames),
        "message": _or_none(frames.column("message")),
        "code": _or_none(frames.column("close_code")),
        "payloads": {
            number: b64encode(in_bytes(data, hide)[0]).decode()
            for number, data in payloads.items()
            if data
        },
        "headers": {each.number: each.header.hex() for each in story.frames if each.number < most},
        "written": [
            {
                "sender": each.sender,
                "packet": each.packet,
                "length": each.length,
                "text": hide(each.text),
            }
            for each in story.written
        ],
    }


def _exact(value: int) -> int | str:
    return value if value < EXACT else str(value)


def _keys(frames: LazyRows[Frame]) -> list[str]:
    """Return the masking keys as eight hex digits, empty where unmasked."""
    keys, seconds = frames.column("masking_key").tolist(), frames.column("second").tolist()
    return [
        f"{key:08x}" if second & 0x80 else "" for key, second in zip(keys, seconds, strict=True)
    ]


def _or_none(column: npt.NDArray[Any]) -> list[int | None]:
    """Return numbers, None where there is -1 for none."""
    return [each if each >= 0 else None for each in column.tolist()]


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
    numbers, first = np.unique(read.frames[:most].column("message"), return_index=True)
    is_known = (numbers >= 0) & (numbers < len(read.messages))
    numbers, first = numbers[is_known], first[is_known]
    used, cut, payloads, redacted, kept = 0, 0, [], [], []
    messages: list[Message] = []
    for message in read.messages.at(numbers):
        messages.append(message)
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
        "frame": first.tolist(),
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


def frame_totals(tables: Tables, every: Sequence[AnalyzedConnection]) -> dict[str, int]:
    """Count the frames of connections and their payload in bytes, control frames by themselves."""
    columns = tables.frame_arrays
    numbers = np.array([each.number for each in every], dtype=np.int64)
    # By connection first: a byte for each frame is all that this takes.
    is_theirs = np.isin(tables.numbers, numbers)[columns["connection"]]
    is_control = (columns["head"] & CONTROL_BIT > 0) & is_theirs
    captured = columns["captured"]
    return {
        "frames": int(is_theirs.sum()),
        "bytes": int(captured.sum(where=is_theirs)),
        "controls": int(is_control.sum()),
        "control_bytes": int(captured.sum(where=is_control)),
    }
