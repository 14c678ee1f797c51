"""The TCP conversations of a capture as their bytes came, and parts of them, with losses."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

from wsanalyze.buffer import Buffer
from wsanalyze.capture.source import open_capture
from wsanalyze.layer import Layer
from wsanalyze.limits import Limits
from wsanalyze.transport.conversation import Conversation
from wsanalyze.transport.counts import PacketCounts
from wsanalyze.transport.tcp import Transport

# A side, and the payload of a segment, or how many bytes are missing.
Piece = tuple[int, bytes | int]

# Of a conversation as much is kept, in bytes: more of the same kind adds little.
MOST = 32_000_000


@dataclass
class Talk:
    """One conversation: its place in the capture, its ports, its segments in order."""

    name: str
    ports: tuple[int, int]
    pieces: list[Piece] = field(default_factory=list)
    size: int = 0


class Listener(Layer):
    """Writes the segments of a conversation down."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk

    def data(
        self,
        side: int,
        buffer: Buffer,
        start: int,
        stop: int,
        *_place: int,
    ) -> int:
        """Keep a segment."""
        self.talk.pieces.append((side, buffer.copy(start, stop)))
        self.talk.size += stop - start
        return int(self.talk.size > MOST)

    def gap(self, side: int, length: int, *_place: int) -> int:
        """Keep how much is missing."""
        self.talk.pieces.append((side, length))
        return 0


def talks(path: Path) -> list[Talk]:
    """Return the conversations of a capture that say something."""
    found: list[Talk] = []

    def listen(conversation: Conversation) -> Layer:
        ports = (conversation.low_port, conversation.high_port)
        talk = Talk(f"{path.name} {conversation.index}", ports)
        found.append(talk)
        return Listener(talk)

    transport = Transport(listen, lambda _conversation: None, Limits(), None, 0)
    with open_capture(path) as reader:
        while (batch := reader.next()) is not None:
            transport.feed(batch, PacketCounts())
    transport.finish()
    return [talk for talk in found if talk.size > 1]


@dataclass(frozen=True)
class Cut:
    """A part of a conversation: from where on, which sides, what of it is lost.

    `skipped`: bytes of the first segment that are not there; `count` segments are looked at.
    """

    first: int
    skipped: int
    sides: tuple[int, ...]
    count: int
    lost: float

    def pieces(self, talk: Talk, source: random.Random) -> list[Piece]:
        """Return what is left of the conversation, a hole as one number."""
        found: list[Piece] = []
        missing = {0: 0, 1: 0}
        for side, what in talk.pieces[self.first : self.first + self.count]:
            if side not in self.sides:
                continue
            if isinstance(what, int) or (self.lost and source.random() < self.lost):
                missing[side] += what if isinstance(what, int) else len(what)
                continue
            if missing[side]:
                found.append((side, missing[side]))
                missing[side] = 0
            found.append((side, what[self.skipped :] if not found else what))
        return [piece for piece in found if piece[1]]


def any_cut(talk: Talk, source: random.Random) -> Cut:
    """Return a part that begins anywhere; one side alone as often as both."""
    first = source.randrange(len(talk.pieces))
    what = talk.pieces[first][1]
    inside = isinstance(what, bytes) and source.random() < 0.3
    return Cut(
        first=first,
        skipped=source.randrange(len(what)) if inside and isinstance(what, bytes) else 0,
        sides=source.choice([(0,), (1,), (0, 1), (0, 1)]),
        count=source.choice([2, 6, 20, 60, 200]),
        lost=source.choice([0, 0, 0.02, 0.2]),
    )
