"""The legs of a proxied connection, from its client to its server, as far as captures have them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Sequence
from dataclasses import replace

from wsanalyze.checks.legs import legs_before
from wsanalyze.layers.connection import Connection
from wsanalyze.recording import Recording
from wsanalyze.story.events import in_order as events_in_order
from wsanalyze.story.model import Event, Leg, Story
from wsanalyze.tables.rows import in_order

# Legs of one connection that are told: behind a proxy that asks itself there are any number.
MOST = 6
# Connections of one key that are looked at before and behind one: legs follow each other closely,
# and a client may send the same key for ever.
NEAR = 64


class Legs:
    """Which connections of a recording are legs of one another."""

    def __init__(self, recording: Recording) -> None:
        """Take a recording; connections are numbered as in its tables."""
        self._connections = in_order(recording.connections)
        self._before = legs_before(self._connections)
        self._behind = {before: place for place, before in self._before.items()}
        self._keys: dict[str, list[int]] = {}
        if len(recording.captures) > 1:
            for number, each in enumerate(self._connections):
                if each.handshake is not None and each.handshake.key:
                    self._keys.setdefault(each.handshake.key, []).append(number)

    def of(self, number: int, among: Container[int] | None = None) -> tuple[int, ...]:
        """Return the legs of a connection in order, itself among them: alone, it is one.

        `among`: those that are told at all (None: every one); a chain ends where one is not.
        """
        found = [number]
        while len(found) < MOST:
            before, behind = self._before.get(found[0]), self._behind.get(found[-1])
            grown = len(found)
            if behind is not None and (among is None or behind in among) and behind not in found:
                found.append(behind)
            if before is not None and (among is None or before in among) and before not in found:
                found.insert(0, before)
            if len(found) == grown:
                break
        if len(found) == 1:
            other = self._elsewhere(number)
            if other is not None and (among is None or other in among):
                found.insert(0 if other < number else 1, other)
        return tuple(found[:MOST])

    def _elsewhere(self, number: int) -> int | None:
        """Return the leg that another capture has: of the same key, at the same time."""
        connection = self._connections[number]
        key = connection.handshake.key if connection.handshake is not None else None
        same = self._keys.get(key or "", [])
        at = bisect_left(same, number)
        for other in same[max(at - NEAR, 0) : at + NEAR]:
            if _may_be_legs(connection, self._connections[other]):
                return other
        return None


def _may_be_legs(one: Connection, other: Connection) -> bool:
    apart = one.started > other.ended or other.started > one.ended
    clients = (one.client_ip, one.client_port), (other.client_ip, other.client_port)
    servers = (one.server_ip, one.server_port), (other.server_ip, other.server_port)
    is_elsewhere = one.capture != other.capture
    return is_elsewhere and not apart and clients[0] != clients[1] and servers[0] != servers[1]


def with_legs(stories: Sequence[Story], place: int, *, by_packet: bool = True) -> Story:
    """Return one of the `stories` of all legs, in order, with the events of all of them.

    `by_packet`: whether they are of one capture, so that packets are in order.
    """
    story = stories[place]
    if len(stories) < 2:
        return story
    events: list[Event] = [
        replace(event, leg=number, connection=each.number)
        for number, each in enumerate(stories)
        for event in each.events
    ]
    # Of the legs in the middle the one behind is the other one.
    is_last = place == len(stories) - 1
    other = stories[place - 1 if is_last else place + 1]
    return replace(
        story,
        proxy=other.server if is_last else story.server,
        other_leg=other.number,
        beyond=other.client if is_last else other.server,
        behind_proxy=is_last,
        legs=tuple(Leg(each.number, each.client, each.server, each.tunnel) for each in stories),
        events=events_in_order(events, by_packet=by_packet),
    )
