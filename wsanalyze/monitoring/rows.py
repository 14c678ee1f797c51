"""A row of the columns of messages as an event, one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wsanalyze.monitoring.events import Message
from wsanalyze.tables.preview import preview

DIGEST = 32
SENDERS = ("client", "server")
TYPES = ("", "text", "binary")


def message_event(
    columns: Mapping[str, Any], place: int, connection: int, number: int, shown: int
) -> Message:
    """Return a message that ended, given the numbers of it and of its connection.

    Its preview is made of its first `shown` bytes, as that of the table is.
    """
    opcode = columns["opcode"][place]
    length = columns["length"][place]
    valid = columns["utf8_valid"][place]
    digest = columns["digest"][place]
    start, stop = columns["payload_start"][place], columns["payload_stop"][place]
    payload = bytes(columns["payloads"][start:stop]) if stop > start else b""
    is_kept = bool(payload) or length == 0
    return Message(
        connection=connection,
        message=number,
        sender=SENDERS[columns["sender"][place]],
        type=TYPES[opcode],
        time=columns["time"][place],
        time_end=columns["time_end"][place],
        packet=columns["packet"][place],
        packet_end=columns["packet_end"][place],
        frames=columns["frames"][place],
        compressed=columns["compressed"][place] != 0,
        wire_length=columns["wire_length"][place],
        length=length if length >= 0 else None,
        complete=columns["complete"][place] != 0,
        utf8_valid=None if valid < 0 else valid == 1,
        sha256=None
        if digest < 0
        else columns["digests"][digest * DIGEST : (digest + 1) * DIGEST].hex(),
        preview=preview(payload[:shown], len(payload), length, opcode),
        confidence=columns["confidence"][place] or None,
        payload=payload if is_kept else None,
    )
