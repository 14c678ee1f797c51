"""A story put together: what a pass recorded, and what a second one kept of the bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from wsanalyze.checks.finding import Finding
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
    left_out,
    message_stories,
    ranges,
)
from wsanalyze.story.lasting import closing, cut, pings, silences
from wsanalyze.story.legs import Legs, with_legs
from wsanalyze.story.model import MessageStory, Story
from wsanalyze.story.multiplexed import ending_events, multiplexed, opening_events
from wsanalyze.story.opening import around, heads, opening, proof, secure
from wsanalyze.story.same_tcp import (
    Attempts,
    attempts_of,
    of_other_data,
    of_others,
    other_requests,
)
from wsanalyze.story.sealed import holes_of, of_holes, of_sealed
from wsanalyze.story.secrets import without_secrets
from wsanalyze.story.way import of_way, way_steps
from wsanalyze.story.written_http import of_written, written
from wsanalyze.streams import Streams
from wsanalyze.tables.build import Tables
from wsanalyze.tables.objects import AnalyzedConnection
from wsanalyze.tables.rows import in_order
from wsanalyze.tunnels.way import address_and_port

# Bytes that a second pass keeps in all.
KEPT = 64 * 1024 * 1024
# Content of messages that it keeps, each.
CONTENT = 1024
# Records of TLS that it keeps of each side: in HTTP/2 a page's other requests come before a frame.
RECORDS = 64

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
    """Return the TLS connections of each conversation: there may be several in one another."""
    found: dict[int, dict[str, TlsConnection]] = {}
    for each in recording.tls:
        if each.client_random is not None:
            found.setdefault(each.conversation, {})[each.client_random] = each
    return found


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
    controls: int | None = None,
    attempts: Attempts | None = None,
) -> Story:
    """Return the story, with the bytes that somebody has read already.

    `contents` is the connection with the beginnings of its messages (it may be `read`), `streams`
    has the bytes of `ranges`; None: the story goes without. `drawn`: the frames that are events of
    their own, `window` or more; of a page, which shows messages itself: the story has none then.
    None: those of `window`. `controls`: how many control frames are looked into (None: all);
    Pings behind them are not told. `layers` is `tls_layers` of the recording, `attempts` is
    `attempts_of` it (None: made here).
    """
    connection = read.facts
    mine = [each for each in findings if each.connection == connection.serial]
    wire = Wire(connection, streams)
    writings = written(connection, mine)
    payloads = control_payloads(read.frames, wire, controls)
    frames = frame_stories(read.frames, window, wire, mine)
    payloads |= {each.number: each.payload for each in frames}
    messages: tuple[MessageStory, ...] = ()
    if drawn is None:
        drawn, messages = window, message_stories(read, contents, window, wire)
    rows = happened.drawn_frames(read.frames, drawn)
    sent, inflated = beginnings(read.frames, rows, contents)
    payloads = sent | payloads
    segments = read.segments if recording.segments is not None else None
    opened = opening(segments, connection) if segments is not None else None
    request, response = heads(connection, mine)
    way = way_steps(connection, streams, mine)
    tls = secure(connection, streams)
    known = layers.get(connection.conversation, {})
    outer = around(connection, streams, known, max((each.depth for each in way), default=0))
    handshake = connection.handshake
    attempts = attempts if attempts is not None else attempts_of(recording)
    others = other_requests(read.number, connection, attempts)
    which = "inner" if outer else ""
    closed = of_sealed(connection.tls, connection, streams, which)
    for each in outer:
        of_outer = known.get(each.client_random or "")
        closed += of_sealed(of_outer, connection, streams, "outer")
    found = [
        *happened.marked(happened.of_transport(segments, opened), mine),
        *of_tls(tls, segments, which),
        *(event for each in outer for event in of_tls(each, segments, "outer")),
        *of_way(way),
        *opening_events(connection),
        *happened.of_heads(request, response, connection),
        *happened.of_frames(read.frames, rows, payloads, mine, inflated),
        *of_written(writings),
        *closed,
        *of_holes(connection, closed),
        *happened.marked(ending_events(connection), mine),
        *of_others(others),
    ]
    found += of_other_data(segments, connection, others, found)
    observation = connection.observation
    notes = read.segment_notes if recording.segments is not None else {}
    is_one_capture = len(recording.captures) == 1
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
        pings=pings(read.frames, payloads, controls),
        closing=closing(connection, read.frames, payloads, by_packet=is_one_capture),
        silences=silences(read.frames, connection),
        holes=holes_of(connection),
        lost={
            "client": connection.client_lost_bytes,
            "server": connection.server_lost_bytes,
        },
        notes=tuple((sender, note, count) for (sender, note), count in notes.items()),
        findings=tuple(mine),
        events=happened.in_order(found, by_packet=is_one_capture),
        cut=cut(connection, mine),
        around=outer,
        way=way,
        multiplexed=multiplexed(connection),
        written=writings,
        unread=connection.client_unread_bytes + connection.server_unread_bytes,
        sealed=connection.sealed,
        sealed_head=connection.sealed_head,
        others=others,
        more_requests=observation.requests_after if observation is not None else 0,
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
    streams = Streams({connection.conversation: sides}, KEPT, records=RECORDS)
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


def tell_all_legs(
    recording: Recording,
    number: int,
    findings: Sequence[Finding],
    *,
    window: Window | None = None,
    again: Again | None = None,
    show_secrets: bool = False,
) -> Story:
    """Return the story of connection `number`, with the events of its other legs, if it has any.

    A proxied connection is two or more; where the capture has them, a diagram shows all. Each goes
    without the secrets of its own handshake: a proxy may have one that its client never sent.
    """
    connections = in_order(recording.connections)
    tables = Tables(recording)

    def one_leg(number: int) -> Story:
        read = AnalyzedConnection(tables, number, connections[number])
        story = tell(read, findings, recording=recording, window=window, again=again)
        return story if show_secrets else without_secrets(story, read.handshake)

    numbers = Legs(recording).of(number)
    stories = [one_leg(each) for each in numbers]
    alone = len(recording.captures) == 1
    return with_legs(stories, numbers.index(number), by_packet=alone)
