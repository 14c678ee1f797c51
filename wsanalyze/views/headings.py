"""Whom findings are about: the heading of a connection, for people."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import PurePath

from wsanalyze.layers.connection import Connection
from wsanalyze.tunnels.way import address_and_port
from wsanalyze.views.audited import Audited
from wsanalyze.views.escape import visible
from wsanalyze.views.summary import asked_for
from wsanalyze.views.wrapping import Line, labelled, wrapped
from wsanalyze.websocket.addresses import public_part

# Pairs of legs that are named in one sentence.
LEGS = 50


def heading(audited: Audited, place: int, width: int) -> Iterator[Line]:
    """Yield what a connection is: who talks to whom, what was asked for, which leg it is."""
    connection = audited.connections[place]
    text = f"Connection {place}: {_described(connection)}"
    if len(audited.captures) > 1:
        text += f", in {capture_name(connection)}"
    for number, line in enumerate(wrapped(text, width - 2)):
        yield [(f"  {line}" if number else line, "bold")]
    yield from _legs(audited, place, width)


def capture_name(connection: Connection) -> str:
    """Return the file name of a connection's capture, escaped and shortened."""
    return visible(PurePath(connection.capture).name, 60)


def _legs(audited: Audited, place: int, width: int) -> Iterator[Line]:
    """Say which connection is the other leg through a proxy."""
    parts = []
    if place in audited.legs_before:
        parts.append(f"behind a proxy: it passes on connection {audited.legs_before[place]}")
    if place in audited.legs_behind:
        parts.append(f"passed on by a proxy as connection {audited.legs_behind[place]}")
    if parts:
        yield from labelled("  ", "; ".join(parts), width, column=2, style="dim")


def legs_without_heading(
    audited: Audited, told: Collection[int], headed: Collection[int], width: int
) -> Iterator[Line]:
    """Say which are the other legs of connections that are `told` of others, without a heading.

    `headed`: those that have one, and their other legs in it.
    """
    pairs = [
        (front, behind)
        for behind, front in sorted(audited.legs_before.items(), key=_front_first)
        if (front in told or behind in told) and front not in headed and behind not in headed
    ]
    if pairs:
        parts = [f"{front} as {behind}" for front, behind in pairs[:LEGS]]
        rest = ", …" if len(pairs) > LEGS else ""
        text = f"Likewise passed on by a proxy: connection {', '.join(parts)}{rest}."
        yield from ([(each, "")] for each in wrapped(text, width))
        yield []


def _front_first(legs: tuple[int, int]) -> tuple[int, int]:
    return legs[1], legs[0]


def _described(connection: Connection) -> str:
    client = address_and_port(connection.client_ip, connection.client_port)
    server = address_and_port(connection.server_ip, connection.server_port)
    handshake = connection.handshake
    target = "handshake not seen"
    if handshake is not None:
        # Without the query: it is where tokens are, and evidence alone says what may be shown.
        place, mark = public_part(asked_for(connection, handshake))
        target = visible(place + mark, 120)
        target += "…" if mark else ""
        if handshake.status is not None:
            target += f", {handshake.status}"
    return f"{client} → {server}, {target}"
