"""A story put together: what a pass recorded, and what a second one kept of the bytes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from wsanalyze.checks.finding import Finding
from wsanalyze.checks.legs import legs_before
from wsanalyze.layers.connection import Connection
from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.recording import Recording, Wants
from wsanalyze.story import events as happened
from wsanalyze.story.events_tls import of_tls
from wsanalyze.story.frames import (
    Window,
    Wire,
    beginnings,
    control_payloads,
    frame_stories,
    http_from,
    is_http,
    left_out,
    message_stories,
    ranges,
)
from wsanalyze.story.lasting import closing, cut, pings, silences
from wsanalyze.story.model import Event, Story
from wsanalyze.story.multiplexed import ending_events, multiplexed, opening_events
from wsanalyze.story.opening import around, heads, opening, proof, secure
from wsanalyze.story.secrets import without_secrets
from wsanalyze.streams import Streams
from wsanalyze.tables.build import Tables
from wsanalyze.tables.objects import AnalyzedConnection
from wsanalyze.tables.rows import in_order
from wsanalyze.tunnels.way import address_and_port

# Bytes that a second pass keeps in all.
KEPT = 64 * 1024 * 1024
# Content of messages that it keeps, each.
CONTENT = 1024

# Reads the same captures again, keeping what `Streams` wants; None where that cannot be.
Again = Callable[[Streams, Wants], Recording | None]


def tell(
    read: AnalyzedConnection,
    findings: Sequence[Finding],
    *,
    recording: Recording,
    window: Window | None = None,
    again: Again | None = None,
) -> Story:
    """Return the story of a connection of `recording`, with `findings` of the whole recording.

    `again` reads the captures once more for bytes; without it the story has none. `window`: which
    frames are told in full.
    """
    window = window if window is not None else Window()
    contents, streams = _bytes(read.facts, ranges(read.frames, window), again)
    return told(
        read,
        findings,
        window,
        recording=recording,
        layers=tls_layers(recording),
        contents=contents,
        streams=streams,
    )


# TLS connections by conversation, and by client random in hex.
TlsLayers = Mapping[int, Mapping[str, TlsConnection]]


def tls_layers(recording: Recording) -> TlsLayers:
    """Return the TLS connections of each conversation that has several in one another."""
    found: dict[int, dict[str, TlsConnection]] = {}
    for each in recording.tls:
        if each.client_random is not None:
            found.setdefault(each.conversation, {})[each.client_random] = each
    return {conversation: layers for conversation, layers in found.items() if len(layers) > 1}


def told(
    read: AnalyzedConnection,
    findings: Sequence[Finding],
    window: Window,
    *,
    recording: Recording,
    layers: TlsLayers,
    contents: AnalyzedConnection | None,
    streams: Streams | None,
    drawn: Window | None = None,
) -> Story:
    """Return the story, with the bytes that somebody has read already.

    `contents` is the connection with the beginnings of its messages (it may be `read`), `streams`
    has the bytes of `ranges`; None: the story goes without. `drawn`: the frames that are events of
    their own, `window` or more (None: `window`). `layers` is `tls_layers` of the recording.
    """
    drawn = drawn if drawn is not None else window
    connection = read.facts
    mine = [each for each in findings if each.connection == connection.serial]
    wire = Wire(connection, streams)
    payloads = dict(control_payloads(read.frames, wire))
    http = http_from(connection)
    frames = frame_stories(read.frames, window, wire, mine, http)
    payloads |= {each.number: each.payload for each in frames}
    messages = message_stories(read, contents, window, wire)
    inflated = {
        each.frames[0]: each.content
        for each in messages
        if each.compression and each.length is not None
        if each.type == "text" and len(each.frames) == 1
    }
    if drawn != window:
        sent, unpacked = beginnings(read.frames, drawn, contents)
        payloads, inflated = sent | payloads, unpacked | inflated
    segments = read.turning_segments if recording.segments is not None else ()
    opened = opening(segments, connection) if recording.segments is not None else None
    request, response = heads(connection, mine)
    tls = secure(connection, streams)
    outer = around(connection, streams, layers.get(connection.conversation, {}))
    handshake = connection.handshake
    found = [
        *happened.marked(happened.of_transport(segments, opened), mine),
        *of_tls(tls, segments, "inner" if outer else ""),
        *(event for each in outer for event in of_tls(each, segments, "outer")),
        *opening_events(connection),
        *happened.of_heads(request, response, connection),
        *happened.of_frames(read.frames, drawn, payloads, mine, inflated, http),
        *happened.of_holes(connection),
        *happened.marked(ending_events(connection), mine),
    ]
    observation = connection.observation
    true = [each for each in read.frames if not is_http(each, http)] if http else read.frames
    notes = read.segment_notes if recording.segments is not None else {}
    return Story(
        number=read.number,
        capture=connection.capture,
        client=address_and_port(connection.client_ip, connection.client_port),
        server=address_and_port(connection.server_ip, connection.server_port),
        scheme=connection.scheme,
        target=handshake.target if handshake is not None else None,
        tunnel=connection.tunnel,
        version=handshake.version if handshake is not None else None,
        http_version=connection.http_version or (handshake.http_version if handshake else None),
        http_stream=connection.http_stream,
        outcome=connection.outcome,
        started=connection.started,
        ended=connection.ended,
        opening=opened,
        secure=tls,
        request=request,
        interims=tuple(head.start_line for head in handshake.interim_heads) if handshake else (),
        response=response,
        proof=proof(handshake),
        deflate=handshake.deflate if handshake is not None else None,
        frame_count=len(read.frames),
        frames=frames,
        left_out=left_out(read.frames, window),
        messages=messages,
        pings=pings(true, payloads),
        closing=closing(connection, true, payloads),
        silences=silences(read.frames, connection),
        holes=tuple(observation.holes) if observation is not None else (),
        lost={
            "client": connection.client_lost_bytes,
            "server": connection.server_lost_bytes,
        },
        notes=tuple((sender, note, count) for (sender, note), count in notes.items()),
        findings=tuple(mine),
        events=happened.in_order(found, by_packet=len(recording.captures) == 1),
        cut=cut(connection, mine),
        around=outer,
        multiplexed=multiplexed(connection),
    )


def _bytes(
    connection: Connection,
    wanted: tuple[list[tuple[int, int]], list[tuple[int, int]]],
    again: Again | None,
) -> tuple[AnalyzedConnection | None, Streams | None]:
    """Return the connection with the contents of its messages, and its bytes, of a second pass."""
    if again is None:
        return None, None
    client, server = wanted
    sides = (client, server) if connection.client_direction == 0 else (server, client)
    streams = Streams({connection.conversation: sides}, KEPT)
    wants = Wants(hashes=False, payloads="preview", preview_length=CONTENT, tls=True)
    recording = again(streams, wants)
    if recording is None:
        return None, None
    tables = Tables(recording)
    for number, each in enumerate(in_order(recording.connections)):
        same = each.conversation == connection.conversation
        same = same and each.http_stream == connection.http_stream
        if same and each.requested_ordinal == connection.requested_ordinal:
            return AnalyzedConnection(tables, number, each), streams
    return None, streams


def tell_both_legs(
    recording: Recording,
    number: int,
    findings: Sequence[Finding],
    *,
    window: Window | None = None,
    again: Again | None = None,
    show_secrets: bool = False,
) -> Story:
    """Return the story of connection `number`, with the events of its other leg, if there is one.

    A proxied connection is two; where the capture has both, a diagram can show both. Each leg goes
    without the secrets of its own handshake: a proxy may have one that its client never sent.
    """
    connections = in_order(recording.connections)
    tables = Tables(recording)

    def one_leg(number: int) -> Story:
        read = AnalyzedConnection(tables, number, connections[number])
        story = tell(read, findings, recording=recording, window=window, again=again)
        return story if show_secrets else without_secrets(story, read.handshake)

    story = one_leg(number)
    leg = other_leg(recording, connections[number])
    if leg is None:
        return story
    other, front = leg
    alone = len(recording.captures) == 1
    return with_other_leg(story, one_leg(other), front=front, by_packet=alone)


def other_leg(recording: Recording, connection: Connection) -> tuple[int, bool] | None:
    """Return the number of the other leg of a proxied connection, and whether it is the front one.

    Both have the same Sec-WebSocket-Key, overlap in time, and one's server is not the other's; the
    one that asked first is the front. Of proxies that translate, `translated_legs` knows.
    """
    return leg_among(same_keys(recording), connection)


class Keys(NamedTuple):
    """Connections by their Sec-WebSocket-Key, with their numbers, in order.

    `translated` has the other leg, as `other_leg` gives it, of those that have no key in common.
    """

    by_key: dict[str, list[tuple[int, Connection]]]
    translated: dict[int, tuple[int, bool]]


# Connections of one key that are looked at before and behind one: legs follow each other closely,
# and a client may send the same key for ever.
NEAR = 64


def same_keys(recording: Recording) -> Keys:
    """Return the connections of a recording by key."""
    connections = in_order(recording.connections)
    found: dict[str, list[tuple[int, Connection]]] = {}
    for number, each in enumerate(connections):
        if each.handshake is not None and each.handshake.key:
            found.setdefault(each.handshake.key, []).append((number, each))
    translated: dict[int, tuple[int, bool]] = {}
    has_streams = any(each.http_stream is not None for each in connections)
    for behind, front in legs_before(connections).items() if has_streams else ():
        one, other = connections[behind].handshake, connections[front].handshake
        if one is not None and other is not None and one.key != other.key:
            translated[connections[behind].serial] = front, True
            translated[connections[front].serial] = behind, False
    return Keys(found, translated)


def leg_among(keys: Keys, connection: Connection) -> tuple[int, bool] | None:
    """Return what `other_leg` does, of connections that were put in order by key before."""
    if connection.serial in keys.translated:
        return keys.translated[connection.serial]
    key = connection.handshake.key if connection.handshake is not None else None
    same = keys.by_key.get(key or "", [])
    at = bisect_left(same, connection.requested_ordinal, key=lambda each: each[1].requested_ordinal)
    ends = (connection.client_ip, connection.client_port)
    for number, each in same[max(at - NEAR, 0) : at + NEAR]:
        if each is connection or (each.client_ip, each.client_port) == ends:
            continue
        apart = each.started > connection.ended or connection.started > each.ended
        server = (each.server_ip, each.server_port)
        if apart or server == (connection.server_ip, connection.server_port):
            continue
        return number, each.requested_ordinal < connection.requested_ordinal
    return None


def with_other_leg(story: Story, other: Story, *, front: bool, by_packet: bool = True) -> Story:
    """Return a story whose events have both legs of a proxied connection.

    `front`: whether `other` is the leg in front, with the real client.
    """
    first, second = (other, story) if front else (story, other)
    events: list[Event] = [
        *(replace(each, leg=0, connection=first.number) for each in first.events),
        *(replace(each, leg=1, connection=second.number) for each in second.events),
    ]
    return replace(
        story,
        proxy=first.server,
        other_leg=other.number,
        beyond=other.client if front else other.server,
        behind_proxy=front,
        events=happened.in_order(events, by_packet=by_packet),
    )
