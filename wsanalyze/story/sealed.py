"""What one end sent within TLS and no key opened: in the capture, and nobody knows what it says."""

from __future__ import annotations

from collections.abc import Sequence

from wsanalyze.layers.connection import Connection
from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.observation import Hole
from wsanalyze.story.model import Event
from wsanalyze.streams import Streams

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
    `shown`: events of what is sealed; what they are about is not said again.
    """
    if connection.observation is None:
        return []
    told = {(each.sender, each.packet) for each in shown}
    whole = {each.sender for each in shown if not _lost(connection, each.sender)}
    return [
        Event(
            layer="gap",
            sender=hole.sender,
            time=hole.time,
            packet=hole.packet,
            ordinal=0,
            label=_label(connection, hole.sender),
            length=abs(hole.length),
            sealed=_label(connection, hole.sender) == LABEL,
        )
        for hole in connection.observation.holes
        if hole.sender not in whole and (hole.sender, hole.packet) not in told
    ]


def _label(connection: Connection, sender: str) -> str:
    if sender not in connection.sealed:
        return "not in the capture"
    return f"not in the capture, or {LABEL}" if _lost(connection, sender) else LABEL


def _lost(connection: Connection, sender: str) -> int:
    return connection.client_lost_bytes if sender == "client" else connection.server_lost_bytes


def of_sealed(
    tls: TlsConnection | None, connection: Connection, streams: Streams | None, which: str = ""
) -> list[Event]:
    """Return where each end of a TLS connection sent what no secret opens, by packets.

    `which` of several TLS connections in one another it is stands in front of the labels. Of what
    is around HTTP/2 nobody knows whose stream it is: every one has it.
    """
    if tls is None or streams is None:
        return []
    label = f"{which}: {LABEL}" if which else LABEL
    detail = "" if connection.http_stream is None else "of any stream"
    sides = streams.sealed.get((connection.conversation, tls.client_random), ((), ()))
    events = [
        Event(
            layer="gap",
            sender="client" if each.sender == connection.client_direction else "server",
            time=each.time,
            packet=each.packet,
            ordinal=each.ordinal,
            label=label if each.packets == 1 else f"{label}, {each.packets:,} packets from here on",
            detail=detail,
            length=each.length,
            sealed=True,
        )
        for side in sides
        for each in side
    ]
    # A forged record does not open, either; behind it those of its end do.
    return [each for each in events if getattr(tls, f"{each.sender}_sealed")]
