"""Rows of the columns of messages as events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wsanalyze.monitoring.events import Message
from wsanalyze.tables.preview import preview

DIGEST = 32
SENDERS = ("client", "server")
TYPES = ("", "text", "binary")
UTF8 = {-1: None, 0: False, 1: True}

_COLUMNS = (
    "sender",
    "opcode",
    "time",
    "time_end",
    "packet",
    "packet_end",
    "frames",
    "compressed",
    "wire_length",
    "length",
    "complete",
    "utf8_valid",
    "confidence",
    "digest",
    "payload_start",
    "payload_stop",
)


def message_events(
    columns: Mapping[str, Any],
    first: int,
    connections: Sequence[int],
    numbers: Sequence[int],
    shown: int,
) -> list[Message]:
    """Return the messages that ended, from a row on, given the numbers of all.

    A preview is made of the first `shown` bytes, as that of the table is.
    """
    rows = zip(
        connections[first:],
        numbers[first:],
        *(columns[name][first:].tolist() for name in _COLUMNS),
        strict=True,
    )
    return [_event(row, columns["digests"], columns["payloads"], shown) for row in rows]


def _event(row: tuple[int, ...], digests: bytearray, payloads: bytearray, shown: int) -> Message:
    connection, number, sender, opcode, time, time_end, packet, packet_end, *rest = row
    frames, compressed, wire_length, length, complete, valid, confidence, *kept = rest
    digest, start, stop = kept
    payload = bytes(payloads[start:stop]) if stop > start else b"" if length == 0 else None
    beginning = None
    if payload is not None:
        beginning = preview(payload[:shown], len(payload), length, opcode)
    return Message(
        connection,
        number,
        SENDERS[sender],
        TYPES[opcode],
        time,
        time_end,
        packet,
        packet_end,
        frames,
        compressed != 0,
        wire_length,
        length if length >= 0 else None,
        complete != 0,
        UTF8[valid],
        digests[digest * DIGEST : (digest + 1) * DIGEST].hex() if digest >= 0 else None,
        beginning,
        confidence or None,
        payload,
    )
