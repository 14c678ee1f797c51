"""Two lists of frames laid beside each other: pairs that agree, pairs that differ, and the rest.

In three steps, each linear, so that no traffic makes it slow: what agrees in everything; of the
rest, what agrees in all but the packet; of the rest, what the same sender has in the same packet.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

from wsanalyze.crosscheck.frames import Facts, OurFrame


@dataclass(frozen=True, slots=True)
class TheirFrame:
    """A frame of the other dissector, with the packet that it shows it at."""

    facts: Facts
    packet: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Frames that are not the same; one of them is None where a side has nothing to lay there."""

    ours: OurFrame | None
    theirs: TheirFrame | None

    @property
    def facts(self) -> Facts:
        """The facts of the frame: ours where we have it."""
        frame = self.ours or self.theirs
        if frame is None:
            raise ValueError("a difference has a frame of one side at least")
        return frame.facts

    @property
    def kind(self) -> str:
        """Return `missing` (not in theirs), `extra` (not in ours), `packet` or `fields`."""
        if self.theirs is None:
            return "missing"
        if self.ours is None:
            return "extra"
        return "packet" if self.ours.facts == self.theirs.facts else "fields"


# What a frame of ours, and one of theirs, must have in common.
Keys = tuple[Callable[[OurFrame], Hashable], Callable[[TheirFrame], Hashable]]
STEPS: tuple[Keys, ...] = (
    (lambda mine: (mine.facts, mine.packet_end), lambda other: (other.facts, other.packet)),
    (lambda mine: mine.facts, lambda other: other.facts),
    (
        lambda mine: (mine.facts.stream, mine.facts.port, mine.packet_end),
        lambda other: (other.facts.stream, other.facts.port, other.packet),
    ),
)


def differences(
    ours: Iterable[OurFrame], theirs: Iterable[TheirFrame]
) -> tuple[int, list[Difference]]:
    """Return how many frames agree, and the differences in order of their packets."""
    mine, other = list(ours), list(theirs)
    found: list[Difference] = []
    agree = 0
    for step, (my_key, other_key) in enumerate(STEPS):
        pairs, mine, other = _paired(mine, other, my_key, other_key)
        if step == 0:
            agree = len(pairs)
        else:
            found += (Difference(*pair) for pair in pairs)
    found += (Difference(each, None) for each in mine)
    found += (Difference(None, each) for each in other)
    return agree, sorted(found, key=_place)


def _paired(
    ours: list[OurFrame],
    theirs: list[TheirFrame],
    my_key: Callable[[OurFrame], Hashable],
    other_key: Callable[[TheirFrame], Hashable],
) -> tuple[list[tuple[OurFrame, TheirFrame]], list[OurFrame], list[TheirFrame]]:
    """Return pairs with the same key, first come first served, and what is left of both."""
    waiting: dict[Hashable, deque[int]] = defaultdict(deque)
    for place, other in enumerate(theirs):
        waiting[other_key(other)].append(place)
    pairs = []
    left = []
    taken = set()
    for mine in ours:
        places = waiting.get(my_key(mine))
        if not places:
            left.append(mine)
            continue
        place = places.popleft()
        taken.add(place)
        pairs.append((mine, theirs[place]))
    return pairs, left, [each for place, each in enumerate(theirs) if place not in taken]


def _place(difference: Difference) -> tuple[int, int, int]:
    packet = difference.ours.packet_end if difference.ours is not None else 0
    if difference.theirs is not None and difference.ours is None:
        packet = difference.theirs.packet
    offset = difference.ours.offset if difference.ours is not None else 0
    return difference.facts.stream, packet, offset
