"""A TLS connection with known secrets, its flights changed: nothing comes out that was not said."""

from __future__ import annotations

import random
import struct
from collections.abc import Hashable, Iterator, Sequence
from functools import cache

from support.sessions import Stage
from support.tls import Flight, stage_of
from support.tls_crafted import KEY_UPDATE, Crafted13, crafted_secrets, message, request_of

from fuzz.mutations import mutated
from fuzz.target import Target, magnitude
from fuzz.targets.pipeline import calls_of
from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer
from wsanalyze.layers.tls import Tls
from wsanalyze.limits import Limits

LARGEST = 60_000
# Sides 2 and 3 are bytes of side 0 and 1 that are missing.
GAP = 2
# What an input may cost: the tries are bounded by themselves, and by what was sent.
CALLS, CALLS_PER_BYTE = 400_000, 200
SAID = [b"question %d" % number * (1 + 40 * (number % 3)) for number in range(8)]


class Spy(Layer):
    """Keeps what comes out, side by side."""

    def __init__(self) -> None:
        self.contents: tuple[list[bytes], list[bytes]] = ([], [])
        self.missing = [0, 0]

    def data(self, side: int, buffer: Buffer, start: int, stop: int, *_place: int) -> int:
        """Keep it."""
        self.contents[side].append(buffer.copy(start, stop))
        return 0

    def gap(self, side: int, length: int, *_place: int) -> int:
        """Add it up, where it is known."""
        self.missing[side] += max(length, 0)
        return 0


def packed(flights: Sequence[Flight]) -> bytes:
    """Return flights as an input."""
    return b"".join(struct.pack(">BH", side, len(data)) + data for side, data in flights)


def flights_of(data: bytes) -> Iterator[Flight]:
    """Yield the flights of an input, whatever it is."""
    at = 0
    while at + 3 <= len(data):
        side, length = struct.unpack_from(">BH", data, at)
        yield side % 4, data[at + 3 : at + 3 + length]
        at += 3 + length


@cache
def seeds() -> Sequence[bytes]:
    """Return connections of every kind that can be sealed by hand."""
    found = []
    for early in (b"", request_of()):
        crafted = Crafted13()
        flights = crafted.handshake(early)
        flights.append((1, crafted.server(message(4, bytes(60)), 22)))
        for number, each in enumerate(SAID):
            side = number % 2
            sealer = crafted.server if side else crafted.client
            flights.append((side, sealer(each, padding=number)))
            if number in (3, 4):
                flights.append((side, sealer(KEY_UPDATE, 22)))
                sealer.update()
        flights.append((1, crafted.server(b"\x01\x00", 21)))
        found.append(packed(flights))
        found.append(packed(flights[:6] + [(side + GAP, data) for side, data in flights[6:8]]))
        found[-1] += packed(flights[8:])
        found.append(packed(flights[5:]))
    return tuple(found)


def mutate(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Lose, repeat, move, cut or join flights, or change bytes."""
    flights = list(flights_of(data))
    way = chance.randrange(6)
    if way == 0 or not flights:
        return mutated(data, others, chance)[:LARGEST]
    place = chance.randrange(len(flights))
    side, content = flights[place]
    if way == 1:
        flights[place] = ((side & 1) + GAP, content)
    elif way == 2:
        flights.insert(chance.randrange(len(flights)), flights[place])
    elif way == 3:
        flights.insert(chance.randrange(len(flights)), flights.pop(place))
    elif way == 4:
        at = chance.randrange(len(content) + 1)
        flights[place : place + 1] = [(side, content[:at]), (side, content[at:])]
    else:
        flights[place] = (side, mutated(content, others, chance)[:2000])
    return packed(flights)[:LARGEST]


def contents_of(data: bytes) -> tuple[Stage, Spy]:
    """Return what came out of a connection."""
    stage, spy = stage_of(crafted_secrets(), limits=Limits(held=3000)), Spy()
    stage.layer = Tls(
        stage.recorder, stage.conversation, [0, 0], inside=lambda _route, _client: spy
    )
    for side, content in flights_of(data):
        if side >= GAP:
            stage.gap(side - GAP, len(content))
        elif content:
            stage.data(side, content)
    stage.finish()
    return stage, spy


def check(data: bytes) -> Hashable:
    """Read it, and count what that costs."""
    outcome = []
    calls = calls_of(lambda: outcome.append(contents_of(data)))
    assert calls <= CALLS + CALLS_PER_BYTE * len(data), f"{calls} calls for {len(data)} bytes"
    ((stage, spy),) = outcome
    assert stage.recorder.held == 0
    for side, contents in enumerate(spy.contents):
        said = [request_of(), *SAID] if side == 0 else SAID
        places = [said.index(each) for each in contents]
        assert places == sorted(set(places)), "in another order than it was said"
        assert spy.missing[side] <= len(data)
    (tls,) = stage.recording.tls
    counts = (tls.records, tls.bad_records, sum(map(len, spy.contents)), *spy.missing)
    return tuple(magnitude(each) for each in counts), tls.reason, tls.decrypted, tls.version


TARGET = Target(
    "tls",
    "Of a TLS connection with known secrets nothing comes out that was not said, in its order, "
    "for a bounded number of calls.",
    seeds,
    mutate,
    check,
)
