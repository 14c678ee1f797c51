"""What else went over the TCP connection of a request: other requests, and HTTP of nobody's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from wsanalyze.layers.connection import Connection
from wsanalyze.recording import Recording
from wsanalyze.story.model import Event, OtherRequest
from wsanalyze.story.opening import Segments
from wsanalyze.tables.numbering import Ints
from wsanalyze.tables.rows import in_order

# Other requests, and segments of other HTTP, that are told of one connection.
OTHERS, SEGMENTS = 20, 40
# Outcomes behind which there are no frames.
NO_SESSION = ("refused", "unanswered")

# The connections on each TCP connection that has several, with their numbers.
Attempts = Mapping[int, Sequence[tuple[int, Connection]]]


def attempts_of(recording: Recording) -> Attempts:
    """Return which connections share a TCP connection; of streams of HTTP/2 that is told apart."""
    found: dict[int, list[tuple[int, Connection]]] = {}
    for number, each in enumerate(in_order(recording.connections)):
        if each.http_stream is None:
            found.setdefault(each.conversation, []).append((number, each))
    return {conversation: each for conversation, each in found.items() if len(each) > 1}


def other_requests(
    number: int, connection: Connection, attempts: Attempts
) -> tuple[OtherRequest, ...]:
    """Return the requests for WebSocket before and behind that of connection `number`."""
    if connection.http_stream is not None:
        return ()
    others = (each for each in attempts.get(connection.conversation, ()) if each[0] != number)
    found = [_other(*each) for each in others if each[1].request_packet is not None]
    before = [each for each in found if each.number < number][-OTHERS:]
    return (*before, *[each for each in found if each.number > number][:OTHERS])


def _other(number: int, connection: Connection) -> OtherRequest:
    handshake = connection.handshake
    return OtherRequest(
        number=number,
        time=connection.requested or 0,
        packet=connection.request_packet or 0,
        responded=connection.responded,
        response_packet=connection.response_packet,
        method=handshake.method if handshake is not None else None,
        status=handshake.status if handshake is not None else None,
        outcome=connection.outcome,
        frames=connection.client_frames + connection.server_frames,
        ended=connection.ended,
    )


def of_others(others: Iterable[OtherRequest]) -> list[Event]:
    """Return the heads of other requests as events, and their frames as one.

    What they asked for stays untold: this connection's story knows their secrets not.
    """
    return [event for each in others for event in _of_other(each)]


def _of_other(other: OtherRequest) -> Iterator[Event]:
    whose = f"connection {other.number}"
    yield Event(
        layer="http",
        sender="client",
        time=other.time,
        packet=other.packet,
        ordinal=0,
        label=f"{other.method or 'a request'}, {whose}",
        connection=other.number,
    )
    if other.responded is None:
        return
    status = "an answer" if other.status is None else str(other.status)
    yield Event(
        layer="http",
        sender="server",
        time=other.responded,
        packet=other.response_packet,
        ordinal=0,
        label=f"{status}, {whose}",
        connection=other.number,
    )
    if other.frames:
        yield Event(
            layer="websocket",
            sender="",
            time=other.responded,
            packet=other.response_packet,
            ordinal=0,
            label=f"{whose} goes on",
            detail="1 frame" if other.frames == 1 else f"{other.frames:,} frames",
            until=other.ended,
            connection=other.number,
        )


def of_other_data(
    segments: Segments | None,
    connection: Connection,
    others: Sequence[OtherRequest],
    told: Sequence[Event],
) -> list[Event]:
    """Return segments with payload that no event of `told` is about: bodies, and other HTTP.

    Of a session those before its request; all that is behind the response is told as frames.
    Nothing where there is TLS, or where the way through a proxy is not told: they are its bytes.
    """
    if segments is None or connection.requested is None or connection.http_stream is not None:
        return []
    layers = {each.layer for each in told}
    if connection.tls is not None or "tls" in layers:
        return []
    if connection.tunnel is not None and "proxy" not in layers:
        return []
    packets = np.array([each.packet or 0 for each in told], dtype=np.int64)
    is_other = (segments.column("length") > 0) & (segments.column("note") == 0)
    is_other &= ~np.isin(segments.column("packet"), packets)
    ordinal, time = segments.column("ordinal"), segments.column("time")
    if connection.outcome not in NO_SESSION or connection.client_frames + connection.server_frames:
        is_other &= ordinal < connection.requested_ordinal
    for each in others:
        if each.frames and each.responded is not None:
            is_other &= time < each.responded
    places = np.flatnonzero(is_other)
    heads = [(each.time, each.sender) for each in told if each.layer == "http" and each.sender]
    events = list(_of_segments(segments, places[:SEGMENTS], sorted(heads), connection.requested))
    if len(places) > SEGMENTS:
        events.append(more_segments(segments, places[SEGMENTS:]))
    return events


def _of_segments(
    segments: Segments, places: Ints, heads: Sequence[tuple[int, str]], requested: int
) -> Iterator[Event]:
    at, sender = 0, ""
    for segment in segments.at(places):
        while at < len(heads) and heads[at][0] <= segment.time:
            sender = heads[at][1]
            at += 1
        # HTTP led to the request; what comes behind a refusal may be anything.
        label = "other HTTP" if segment.time < requested else "other data"
        if segment.sender == sender:
            label = "data behind the request" if sender == "client" else "data behind the answer"
        # What the other end has begun since is no part of it.
        sender = sender if segment.sender == sender else ""
        yield Event(
            layer="tcp",
            sender=segment.sender,
            time=segment.time,
            packet=segment.packet,
            ordinal=segment.ordinal,
            label=label,
            length=segment.length,
        )


def more_segments(segments: Segments, places: Ints) -> Event:
    """Return one event for the segments with data at these places, counted."""
    first = segments[int(places[0])]
    count = len(places)
    return Event(
        layer="tcp",
        sender="",
        time=first.time,
        packet=first.packet,
        ordinal=first.ordinal,
        label="1 more segment with data" if count == 1 else f"{count:,} more segments with data",
        length=int(segments.column("length")[places].sum()),
    )
