"""A conversation's segments in any order, against a map of every byte of both streams."""

from __future__ import annotations

import random
import struct
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from support.layers import Tap
from support.packets import ACK, CLIENT, FIN, SERVER, SYN, segment

from fuzz.mutations import mutated
from fuzz.target import Target, magnitude
from wsanalyze.limits import Limits

FIRST_NUMBERS = (0, 5000, 0x7FFFFFF0, 0xFFFFFFF0)
TIGHT = Limits(out_of_order=3000, out_of_order_total=4000)
# Side and kind, which copy of the bytes, offset, length, bytes the capture cut off, ACK.
STEP = struct.Struct(">BBHBBH")
MOST_STEPS = 300


@dataclass
class Stream:
    """What one end sent, byte by byte.

    `owned`: each offset that a segment has covered, with the byte of the first one of which the
    capture has it, None where it cut them all; `passed`: how many bytes the reader was told of;
    `acked` by the other end.
    """

    owned: dict[int, int | None] = field(default_factory=dict)
    passed: int = 0
    acked: int = 0

    def sent(self, offset: int, data: bytes, length: int) -> None:
        """Take note of a segment."""
        for place in range(length):
            at = offset + place
            if at >= self.passed and self.owned.get(at) is None:
                self.owned[at] = data[place] if place < len(data) else None

    def told(self, data: bytes) -> None:
        """Bytes were handed on: they are those of the first copy, and next in the stream."""
        for byte in data:
            assert self.owned.get(self.passed) == byte, f"byte {self.passed} is not what was sent"
            self.passed += 1

    def told_gap(self, length: int, limited: bool, over: bool) -> None:
        """A gap was stated: nothing of it was captured, and it could not be waited for."""
        assert length > 0
        stop = self.passed + length
        for at in range(self.passed, stop):
            assert self.owned.get(at) is None, f"byte {at} was captured"
            was_cut = at in self.owned
            assert was_cut or limited or over or stop <= self.acked, f"given up early: {at}"
        self.passed = stop


def steps(data: bytes) -> Iterator[tuple[int, ...]]:
    """Yield the steps that the bytes stand for."""
    whole = len(data) // STEP.size * STEP.size
    yield from STEP.iter_unpack(data[:whole][: MOST_STEPS * STEP.size])


def content(offset: int, length: int, copy: int) -> bytes:
    """Return the bytes at this place of the stream, in this copy of it."""
    return bytes((at * 131 + at // 256 + copy * 17) & 255 for at in range(offset, offset + length))


def check(data: bytes) -> Hashable:
    """Send segment after segment, and look after each at what the reader was told."""
    if not data:
        return None
    limits = TIGHT if data[0] & 4 else None
    tap = Tap(limits)
    streams = (Stream(), Stream())
    first = FIRST_NUMBERS[data[0] & 3]
    bases = (first + 1, FIRST_NUMBERS[(data[0] & 3) ^ 1] + 1)
    ends = (CLIENT, SERVER)
    tap.feed(
        [
            segment(CLIENT, SERVER, bases[0] - 1, flags=SYN),
            segment(SERVER, CLIENT, bases[1] - 1, bases[0], SYN | ACK),
        ]
    )
    seen = 0
    for kind, copy, offset, length, hidden, acked in steps(data[1:]):
        side, hidden = kind & 1, min(hidden, length) if kind & 2 else 0
        mine, other = streams[side], streams[1 - side]
        payload = content(offset, length, copy if kind & 8 else 0)
        ack = acked if kind & 4 else other.passed
        packet = segment(
            ends[side], ends[1 - side], bases[side] + offset, bases[1 - side] + ack, ACK, payload
        )
        mine.sent(offset, payload[: length - hidden], length)
        other.acked = max(other.acked, ack)
        tap.feed([(packet[: len(packet) - hidden], len(packet))])
        seen = follow(tap, streams, seen, limited=limits is not None)
        for stream in streams:
            assert stream.passed not in stream.owned, "bytes that can be read wait"
    ended = finish(tap, streams, bases)
    seen = follow(tap, streams, seen, over=True)
    for stream in streams:
        assert stream.passed >= max(stream.owned, default=-1) + 1, "captured bytes never came"
    return (
        data[0] & 7,
        ended,
        *(magnitude(stream.passed) for stream in streams),
        magnitude(sum(call[0] == "gap" for witness in tap.witnesses for call in witness.calls)),
    )


def follow(
    tap: Tap, streams: Sequence[Stream], seen: int, *, limited: bool = False, over: bool = False
) -> int:
    """Compare what the reader was told since `seen` calls with the streams."""
    assert len(tap.witnesses) <= 1
    calls = tap.witnesses[0].calls if tap.witnesses else []
    for what, *about in calls[seen:]:
        if what == "data":
            streams[about[0]].told(about[1])
        elif what == "gap":
            streams[about[0]].told_gap(about[1], limited, over)
    return len(calls)


def finish(tap: Tap, streams: Sequence[Stream], bases: tuple[int, int]) -> int:
    """Close the client's side where all of it has come, and end the capture."""
    client = streams[0]
    if client.owned and max(client.owned) < client.passed:
        tap.feed([segment(CLIENT, SERVER, bases[0] + client.passed, bases[1], ACK | FIN)])
        assert ("end", 0, 0) in [call[:3] for call in tap.calls], "a FIN in order ends its side"
        tap.finish()
        return 1
    tap.finish()
    return 0


def seeds() -> Sequence[bytes]:
    """Return conversations in order, reversed, with holes, overlaps and cut segments."""

    def step(side: int, offset: int, length: int, kind: int = 0, hidden: int = 0) -> bytes:
        return STEP.pack(side | kind, 7, offset, length, hidden, 0)

    ordered = [step(i & 1, i // 2 * 50, 50) for i in range(40)]
    overlapping = [step(0, i * 30, 50, kind=8 * (i & 1)) for i in range(30)]
    holes = [step(0, i * 60, 50, 4) for i in range(90)]
    return [
        bytes([isn]) + b"".join(made)
        for isn in (0, 2, 3, 7)
        for made in (
            ordered,
            ordered[::-1],
            overlapping,
            overlapping[::-1],
            [each[:-2] + struct.pack(">H", 6000) for each in holes],
            [step(0, i * 50, 50, 2, 10) for i in range(20)],
        )
    ]


def mutate(data: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Change steps as steps: lost, moved, repeated, with one field changed; bytes now and then."""
    if chance.random() < 0.15:
        return mutated(data, seeds, chance)[: 1 + MOST_STEPS * STEP.size]
    listed = list(steps(data[1:])) or list(steps(seeds[0][1:]))
    for _ in range(chance.choice((1, 1, 2, 4, 10))):
        at = chance.randrange(len(listed))
        way = chance.randrange(5)
        if way == 0 and len(listed) > 1:
            del listed[at]
        elif way == 1:
            listed.insert(chance.randrange(len(listed) + 1), listed.pop(at))
        elif way == 2:
            listed.insert(chance.randrange(at, len(listed)), listed[at])
        else:
            changed = list(listed[at])
            place = chance.randrange(len(changed))
            most = 65535 if place in (2, 5) else 255
            by = chance.choice((-50, -1, 1, 25, chance.randrange(-3000, 3000)))
            changed[place] = min(most, max(0, changed[place] + by))
            listed[at] = tuple(changed)
    head = bytes([chance.randrange(8)]) if chance.random() < 0.1 else data[:1] or b"\0"
    return head + b"".join(STEP.pack(*each) for each in listed[:MOST_STEPS])


TARGET = Target(
    "reassembly",
    "Each byte is handed on once, in order, as its first copy has it, or as part of a stated gap.",
    seeds,
    mutate,
    check,
)
