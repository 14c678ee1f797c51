"""The legs of a proxied connection, from its client to its server, as far as captures have them."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from wsanalyze.checks.legs import legs_before, legs_behind
from wsanalyze.recording import Recording
from wsanalyze.story.events import in_order as events_in_order
from wsanalyze.story.model import Event, Leg, Story
from wsanalyze.tables.rows import in_order

# Legs of one connection that are told: behind a proxy that asks itself there are any number.
MOST = 6


class Legs:
    """Which connections of a recording are legs of one another."""

    def __init__(self, recording: Recording) -> None:
        """Take a recording; connections are numbered as in its tables."""
        self._before = legs_before(in_order(recording.connections), across=True)
        self._behind = legs_behind(self._before)

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
        return tuple(found[:MOST])


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
