"""WebSockets on a connection of HTTP/2, its flights changed: rows add up, work is bounded."""

from __future__ import annotations

import random
from collections.abc import Hashable, Sequence
from functools import cache

from support.http2 import (
    CANCEL,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GET,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PRIORITY,
    REQUEST,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Connection,
    changed,
    h2,
)
from support.invariants import check as check_rows
from support.sessions import DEFLATE, Deflater, Stage, frame, masked

from fuzz.mutations import mutated
from fuzz.target import Target, magnitude
from fuzz.targets.pipeline import calls_of
from fuzz.targets.tls import GAP, LARGEST, flights_of, packed
from fuzz.targets.tls import mutate as lose_or_change
from wsanalyze.layers.connection import Connection as Row
from wsanalyze.limits import Limits
from wsanalyze.multiplexing import KEPT_FAULTS
from wsanalyze.recording import Wants

CALLS, CALLS_PER_BYTE = 60_000, 400
LIMITS = Limits(held=60_000, head=4096, streams=32, resync=4096, midstream=8192)
EXTENSION = ("sec-websocket-extensions", DEFLATE.partition(": ")[2])


class Kept(Connection):
    """A connection whose flights are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.flights: list[tuple[int, bytes]] = []

    def data(self, side: int, data: bytes) -> Stage:
        """Keep them; nobody reads."""
        self.flights.append((side, data))
        return self


def several() -> Kept:
    """Return three streams at once, an ordinary request among them, a stream that is reset."""
    kept = Kept()
    kept.begin().open(1).open(3, changed(REQUEST, _path="/other"))
    kept.headers(0, 5, GET, END_HEADERS | END_STREAM)
    kept.headers(1, 5, [(":status", "200"), ("content-length", "4")]).body(
        1, 5, b"page", END_STREAM
    )
    for number in range(3):
        kept.talk(1, b"one %d" % number).talk(3, b"three " * 20 * number)
    kept.data(0, h2(PING, 0, 0, bytes(8)) + h2(WINDOW_UPDATE, 0, 1, b"\0\0\1\0"))
    kept.data(0, h2(RST_STREAM, 0, 3, CANCEL.to_bytes(4, "big")))
    kept.talk(1, b"goes on").close(1)
    kept.data(1, h2(GOAWAY, 0, 0, bytes(8)))
    return kept


def governed() -> Kept:
    """Return what is about the connection: SETTINGS, windows, priorities, lengths, CONTINUATION.

    Three frames of it are malformed.
    """
    kept = Kept()
    kept.begin(b"\0\3\0\0\0\x64\0\4\0\0\1\0\0\5\0\0\x40\0\0\x08\0\0\0\1").open(1)
    kept.data(0, h2(SETTINGS, 0, 0, b"\0\4\0\0\2\0") + h2(SETTINGS, 1))
    post = [(":method", "POST"), *GET[1:], ("content-length", "6")]
    kept.headers(0, 3, post).body(0, 3, b"abc").body(0, 3, b"def", END_STREAM)
    block = kept.block(0, [*GET, ("x-long", "y" * 40)])
    kept.data(0, h2(HEADERS, PADDED | END_STREAM, 5, b"\2" + block[:9] + bytes(2)))
    parts = [h2(CONTINUATION, 0, 5, block[at : at + 5]) for at in range(9, len(block), 5)]
    kept.data(0, b"".join(parts) + h2(CONTINUATION, END_HEADERS, 5))
    kept.data(0, h2(PRIORITY, 0, 7, bytes(5)) + h2(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"))
    kept.talk(1, b"between")
    kept.data(1, h2(WINDOW_UPDATE, 0, 1, bytes(4)) + h2(PING, 0, 1, bytes(8)))
    kept.headers(1, 3, [(":status", "200"), ("connection", "close")], END_HEADERS | END_STREAM)
    kept.data(1, h2(GOAWAY, 0, 0, bytes(7) + b"\x0b"))
    return kept


def compressed() -> Kept:
    """Return a stream whose messages are compressed, fragmented, and cut by frames of HTTP/2."""
    kept, deflate = Kept(), Deflater()
    block = kept.begin().block(0, [*REQUEST, EXTENSION])
    kept.data(0, h2(HEADERS, 0, 1, block[:9]) + h2(CONTINUATION, END_HEADERS, 1, block[9:]))
    kept.headers(1, 1, [(":status", "200"), EXTENSION])
    for text in (b"first " * 30, b"second " * 30):
        whole = masked(deflate(text), rsv=4)
        for at in range(0, len(whole), 11):
            kept.body(0, 1, whole[at : at + 11])
    kept.data(1, h2(DATA, PADDED, 1, b"\x03" + frame(b"begins", fin=False) + bytes(3)))
    kept.body(1, 1, frame(b", ends", 0))
    return kept


@cache
def seeds() -> Sequence[bytes]:
    """Return connections of each kind: whole, with holes, and from the middle."""
    found = []
    for kept in (several(), compressed(), governed()):
        flights = kept.flights
        found += [packed(flights), packed(flights[6:])]
        lost = [
            (side + GAP * (number % 7 == 6), data) for number, (side, data) in enumerate(flights)
        ]
        found.append(packed(lost))
    return tuple(found)


def mutate(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Change flights as those of TLS are, or one frame's header."""
    if chance.randrange(3):
        return lose_or_change(data, others, chance)
    flights = list(flights_of(data))
    if not flights:
        return mutated(data, others, chance)[:LARGEST]
    place = chance.randrange(len(flights))
    side, content = flights[place]
    head = bytearray(content[:9])
    if head:
        head[chance.randrange(len(head))] = chance.choice((0, 1, 2, 3, 4, 5, 8, 9, 255))
    flights[place] = (side, bytes(head) + content[9:])
    return packed(flights)[:LARGEST]


def stage_of(data: bytes, pieces: int | None) -> Stage:
    """Read a connection."""
    wants = Wants(payloads="full", observe=True)
    stage = Stage(pieces=pieces, limits=LIMITS, wants=wants)
    for side, content in flights_of(data):
        if side >= GAP:
            stage.gap(side - GAP, len(content))
        elif content:
            stage.data(side, content)
    stage.finish()
    return stage


def rows_of(stage: Stage) -> list[tuple[object, ...]]:
    """Return what does not depend on how bytes are cut into packets.

    Where a request is not known, or what came was no frame, it is evidence that tells frames, and
    how much of it there is at a time.
    """
    return [
        (row.http_stream, row.outcome, bytes_of(row, "client"), bytes_of(row, "server"))
        for row in stage.connections
        if row.outcome != "unseen" or row.handshake is not None
    ]


def bytes_of(row: Row, role: str) -> int | None:
    """Return how much payload a side sent, None where its frames had to be looked for."""
    if getattr(row, f"{role}_resyncs") or getattr(row, f"{role}_unread_bytes"):
        return None
    length: int = getattr(row, f"{role}_bytes")
    return length


def faults_of(stage: Stage) -> list[tuple[object, ...]]:
    """Return what is malformed on the connections, however bytes are cut into packets."""
    found = []
    for row in stage.connections:
        if row.handshake is None:
            continue
        stream = None if row.observation is None else row.observation.stream
        if stream is not None and stream.shared.whole:
            faults = stream.shared.faults
            assert len(faults) <= KEPT_FAULTS
            assert sum(each.count for each in faults) <= stream.shared.malformed
            found += [(each.what, each.sender, each.stream, each.count) for each in faults]
    return found


def check(data: bytes) -> Hashable:
    """Read it, and count what that costs."""
    outcome: list[Stage] = []
    calls = calls_of(lambda: outcome.append(stage_of(data, None)))
    assert calls <= CALLS + CALLS_PER_BYTE * len(data), f"{calls} calls for {len(data)} bytes"
    (stage,) = outcome
    assert stage.recorder.held == 0
    stage.recording.captures[:] = stage.recorder.summaries
    check_rows(stage.recording)
    for row in stage.connections:
        told = row.handshake is not None or row.client_frames or row.server_frames
        assert told, f"WebSocket without a request and without a frame on stream {row.http_stream}"
    is_whole = all(side < GAP for side, _ in flights_of(data))
    cut = stage_of(data, 13) if is_whole else stage
    if not any((*stage.recorder.reached.values(), *cut.recorder.reached.values())):
        assert rows_of(cut) == rows_of(stage), "packets that are cut elsewhere"
        assert faults_of(cut) == faults_of(stage), "what is malformed in packets cut elsewhere"
    rows = ((row.outcome, row.ended_by, magnitude(row.client_frames)) for row in stage.connections)
    return tuple(rows), stage.conversation.spoke


TARGET = Target(
    "http2",
    "Rows of WebSockets on HTTP/2 add up whatever its frames say, do not depend on how packets are "
    "cut, and cost a bounded number of calls.",
    seeds,
    mutate,
    check,
)
