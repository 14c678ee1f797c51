"""Frames of HTTP/2 that are about the connection, or end a stream (RFC 9113 §6.4 to §6.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsanalyze.http2.bodies import (
    ENABLE_CONNECT_PROTOCOL,
    HEADER_TABLE_SIZE,
    INITIAL_WINDOW_SIZE,
    LARGEST_WINDOW,
    MAX_FRAME_SIZE,
    NO_ERROR,
    number,
    settings,
)
from wsanalyze.http2.frames import Place
from wsanalyze.layers.http2_unknown import conclude
from wsanalyze.multiplexing import KEPT_OPENING, KEPT_SETTINGS, Settings

if TYPE_CHECKING:
    from wsanalyze.layers.http2 import Http2


def take_settings(http: Http2, side: int, body: bytes, place: Place) -> None:
    """Take SETTINGS of a side (RFC 9113 §6.5)."""
    found = settings(body)
    if found is None:
        return
    if len(http.shared.opening) < KEPT_OPENING and http.client_side >= 0:
        sender = "client" if side == http.client_side else "server"
        values = tuple(found[:KEPT_SETTINGS])
        http.shared.opening.append(Settings(sender, place[0], place[1], values))
    if side != http.client_side:
        http.shared.settings = True
        http.shared.enable(
            [value for identifier, value in found if identifier == ENABLE_CONNECT_PROTOCOL],
            *place[:2],
        )
    for identifier, value in found:
        if identifier == HEADER_TABLE_SIZE:
            http.halves[1 - side].allow(value)
    sizes = [value for identifier, value in found if identifier == INITIAL_WINDOW_SIZE]
    frames = [value for identifier, value in found if identifier == MAX_FRAME_SIZE]
    if frames:
        # When the other end has heard of it is not known: no limit takes hold that is lower.
        http.largest[side] = max(http.largest[side], *frames)
    if sizes:
        http.flow.initial(side, sizes[-1], place)


def take_update(http: Http2, side: int, number_of: int, body: bytes, place: Place) -> None:
    """Take a WINDOW_UPDATE of a side."""
    increment = number(body)
    if increment is None:
        return
    http.flow.update(side, number_of, increment & LARGEST_WINDOW, place)


def take_reset(http: Http2, side: int, number_of: int, body: bytes, place: Place) -> None:
    """Take a RST_STREAM (RFC 9113 §6.4)."""
    code = number(body)
    conclude(http, number_of)
    stream = http.streams.get(number_of)
    if number_of in http.tunnels:
        http.tunnels.end(side, number_of, 1, place)
    if http.messages is not None:
        http.messages.forget(number_of)
    if stream is None or code is None:
        return
    stream.last_time = place[0]
    stream.facts.resets.append((stream.role(side), code, place[0], place[1]))
    stream.end(side, 1, place[:2], code=code)
    if http.conversation.direction(1 - side).pending:
        # What the other end sent before is read when nobody waits for a hole in it any more.
        http.late[1 - side][number_of] = place[1]
        return
    http.settle(stream)


def take_goaway(http: Http2, side: int, body: bytes, place: Place) -> None:
    """Take a GOAWAY (RFC 9113 §6.8)."""
    last, code = number(body), number(body, 4)
    if last is None or code is None:
        return
    last &= LARGEST_WINDOW
    known = http.shared.goaway
    if known is None or (known[1] == NO_ERROR and code != NO_ERROR):
        sender = "client" if side == http.client_side else "server"
        http.shared.goaway = (sender, code, last, place[0], place[1])
    if code == NO_ERROR or (known is not None and known[1] != NO_ERROR):
        # Streams that are there go on (§6.8); or have been ended, which costs a call for each.
        return
    # A connection error: its sender closes TCP next, whoever is quicker (§5.4.1).
    for stream in http.streams.values():
        stream.end(side, 1, place[:2], code=code, last=last)
