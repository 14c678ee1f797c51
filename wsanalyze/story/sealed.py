"""What one end sent within TLS and no key opened: in the capture, and nobody knows what it says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wsanalyze.layers.connection import Connection
from wsanalyze.observation import Hole
from wsanalyze.story.model import Event
from wsanalyze.story.opening import Segments
from wsanalyze.story.same_tcp import more_segments
from wsanalyze.tables.schema import SENDERS

# Segments of sealed records that are shown one by one; further ones are counted.
SHOWN = 200
LABEL = "sealed"


def holes_of(connection: Connection) -> tuple[Hole, ...]:
    """Return what the capture does not have; what is there, and sealed, is left out."""
    if connection.observation is None:
        return ()
    whole = [each for each in connection.sealed if not _lost(connection, each)]
    return tuple(each for each in connection.observation.holes if each.sender not in whole)


def of_holes(connection: Connection, shown: Sequence[Event]) -> list[Event]:
    """Return what is missing between frames, at the packet that made it known.

    Of an end that has sealed records and lost bytes, too, it is not known which of both it was.
    `shown`: events of sealed segments; what they are about is not said again.
    """
    if connection.observation is None:
        return []
    told = {(each.sender, each.packet) for each in shown}
    return [
        Event(
            layer="gap",
            sender=hole.sender,
            time=hole.time,
            packet=hole.packet,
            ordinal=0,
            label=_label(connection, hole.sender),
            length=abs(hole.length),
        )
        for hole in connection.observation.holes
        if (hole.sender, hole.packet) not in told
    ]


def _label(connection: Connection, sender: str) -> str:
    if sender not in connection.sealed:
        return "not in the capture"
    return f"not in the capture, or {LABEL}" if _lost(connection, sender) else LABEL


def _lost(connection: Connection, sender: str) -> int:
    return connection.client_lost_bytes if sender == "client" else connection.server_lost_bytes


def of_sealed(
    segments: Segments | None, connection: Connection, told: Sequence[Event]
) -> list[Event]:
    """Return the segments of an end without a secret, behind the messages of TLS that were read.

    `told`: events of TLS, none of them of another TLS around it. Of streams of HTTP/2 nobody knows
    whose they are.
    """
    tls = connection.tls
    if segments is None or tls is None or connection.http_stream is not None:
        return []
    events: list[Event] = []
    for sender in tls.keyless:
        last = max((each.time for each in told if each.sender == sender), default=None)
        if last is None:
            continue
        is_sealed = segments.column("sender") == SENDERS.index(sender)
        is_sealed &= (segments.column("length") > 0) & (segments.column("note") == 0)
        places = np.flatnonzero(is_sealed & (segments.column("time") > last))
        events += [
            Event(
                layer="gap",
                sender=sender,
                time=segment.time,
                packet=segment.packet,
                ordinal=segment.ordinal,
                label=LABEL,
                length=segment.length,
            )
            for segment in segments.at(places[:SHOWN])
        ]
        if len(places) > SHOWN:
            events.append(more_segments(segments, places[SHOWN:]))
    return events
