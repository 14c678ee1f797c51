"""Heads of HTTP/2 that begin a stream: requests, and answers that came before theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsanalyze.buffer import Buffer
from wsanalyze.http2.field_table import STATIC, UNKNOWN
from wsanalyze.http2.fields import Fields, head_of
from wsanalyze.http2.frames import FrameHeader, Place
from wsanalyze.http2.malformed import content_length
from wsanalyze.layers.http2_early import Early
from wsanalyze.layers.http2_messages import tell
from wsanalyze.layers.http2_stream import WebSocketStream
from wsanalyze.layers.http2_tunnel import maybe_way
from wsanalyze.websocket.handshake import is_upgrade_request
from wsanalyze.websocket.stream_fields import Wrong

if TYPE_CHECKING:
    from wsanalyze.layers.http2 import Http2

EVEN_STREAM = Wrong("the client opens a stream with an even number", "RFC 9113 §5.1.1", "HEADERS")


def learn(http: Http2, side: int, names: set[bytes]) -> None:
    """Find out who is the client."""
    if b":method" in names:
        http.client_side = side
    elif b":status" in names:
        http.client_side = 1 - side


def _may_ask(name: bytes) -> bool:
    """Say whether a field of this name may ask for WebSocket (`is_upgrade_request`)."""
    lower = name.lower()
    return lower in (b":protocol", b"upgrade") or lower.startswith(b"sec-websocket-")


# Names of the fixed table, none of which asks for it.
_USUAL = frozenset(name for name, _ in STATIC)


def may_ask(names: set[bytes]) -> bool:
    """Say whether fields of these names may ask for WebSocket."""
    return not names <= _USUAL and any(map(_may_ask, names))


def take_request(
    http: Http2, opening: FrameHeader, fields: Fields | None, names: set[bytes], place: Place
) -> WebSocketStream | None:
    """Take a request; return its stream where it asks for WebSocket."""
    number = opening.stream
    if number % 2 == 0:
        # Those are not the client's (RFC 9113 §5.1.1); that of 0 is told by its frame.
        if number:
            tell(http, http.client_side, EVEN_STREAM, number, place)
        return None
    is_new, http.highest = number > http.highest, max(http.highest, number)
    if fields is None or (UNKNOWN in names and b":protocol" not in names):
        http.make_guesses()
        return None
    head = head_of(fields, "request") if may_ask(names) else None
    if head is None or not is_upgrade_request(head):
        # Trailers have no method (RFC 9113 §8.1).
        http.shared.requests += b":method" in names
        if http.messages is not None and is_new:
            http.messages.request(number, fields, opening.flags, place)
        early = http.early.take(number)
        if http.guesses is not None:
            http.guesses.exclude(number)
        way = maybe_way(fields, http.route)
        if way is not None:
            http.tunnels.ask(number, way, http.client_side, fields, place)
            for what, _, before, _ in early if is_unbroken(early) else ():
                if isinstance(what, bytes):
                    http.tunnels.ahead(number, what, before)
                elif not isinstance(what, int):
                    http.tunnels.answer(number, what, before)
        return None
    if http.guesses is not None and number in http.guesses.begun:
        # DATA on a stream that is idle ends the connection (RFC 9113 §5.1): this opens nothing.
        return None
    if not http.recorder.has_room():
        http.early.take(number)
        if http.guesses is not None:
            http.guesses.exclude(number)
        return None
    stream = http.open(number, place)
    stream.asked(head)
    stream.said = content_length(fields)
    stream.facts.enabled = http.shared.enabled
    server_side = 1 - http.client_side
    stream.facts.late = http.read_to[server_side] > place[1]
    if number in http.early:
        replay(http, stream)
    elif http.lost_before[server_side] > place[1]:
        # The server is read first, since the client waits for a hole: its answer may be missing.
        stream.lose(server_side)
        stream.attempt.counted = [0] * len(stream.attempt.counted)
    return http.streams.get(number)


def is_early(http: Http2, side: int, number: int) -> bool:
    """Say whether a head of the server is one whose request may still come."""
    return side != http.client_side >= 0 and http.guesses is None and number > http.highest


def replay(http: Http2, stream: WebSocketStream) -> None:
    """Read what the server had sent on a stream before its request was seen."""
    side = 1 - http.client_side
    early = http.early.take(stream.number)
    known = early[0].lost
    for what, ends, place, lost in early:
        if lost != known:
            known = lost
            stream.lose(side)
        if isinstance(what, bytes):
            stream.data(side, Buffer(what), 0, len(what), place)
        elif not isinstance(what, int):
            stream.response(head_of(what, "response"), place)
        elif what:
            stream.gap(side, what, place)
        else:
            stream.lose(side)
        if ends:
            http.end_stream(side, stream, place)
    if known != http.losses[side] and not stream.finished[side]:
        stream.lose(side)


def is_unbroken(early: list[Early]) -> bool:
    """Say whether nothing is missing between the pieces of what was held."""
    return not any(isinstance(each.what, int) or each.lost != early[0].lost for each in early)
