"""Take packets out of captures, at random and otherwise, and count what is found of the rest.

    python benchmarks/lost_packets.py --seeds 20 captures/*.pcap*

Each line: of the frames that are whole in what is left (all their bytes are in packets that are
there), how many were found; frames and complete messages that were never sent must be none. What
the ways to lose are: see README.md in this folder. Exit status 1 where a complete message was
invented.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from losses.truth import (
    Capture,
    Identity,
    Kept,
    analyzed,
    complete_messages,
    identities,
    load,
    shifts,
)

Way = Callable[[Capture, random.Random], list[Kept]]


@dataclass
class Score:
    """What was counted, over some runs."""

    runs: int = 0
    whole: int = 0
    found: int = 0
    invented: int = 0
    messages: int = 0
    invented_messages: int = 0

    def add(self, other: Score) -> None:
        """Add another one's counts."""
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def line(self, label: str) -> str:
        """Return the counts as a line of the table."""
        share = 100 * self.found / self.whole if self.whole else 100.0
        return (
            f"{label:42} {self.runs:6} {self.whole:10} {share:8.3f} % "
            f"{self.invented:8} {self.messages:10} {self.invented_messages:8}"
        )


def at_random(share: float) -> Way:
    """Each packet is lost with the same probability."""

    def lose(capture: Capture, source: random.Random) -> list[Kept]:
        return [Kept(n) for n in range(len(capture.packets)) if source.random() >= share]

    return lose


def in_bursts(share: float, length: int) -> Way:
    """As many packets are lost, several in a row."""

    def lose(capture: Capture, source: random.Random) -> list[Kept]:
        kept, burst = [], 0
        for number in range(len(capture.packets)):
            if burst == 0 and source.random() < share / length:
                burst = length
            if burst:
                burst -= 1
            else:
                kept.append(Kept(number))
        return kept

    return lose


def cut_at(most: int) -> Way:
    """Each packet is cut at a snap length: the sizes of the holes are known."""

    def lose(capture: Capture, _source: random.Random) -> list[Kept]:
        sizes = [len(data) for _, _, data in capture.packets]
        return [Kept(n, max(0, size - most)) for n, size in enumerate(sizes)]

    return lose


def one_direction(share: float) -> Way:
    """Only what one end sent was captured, of each conversation, and some of that is lost."""

    def lose(capture: Capture, source: random.Random) -> list[Kept]:
        side = source.randrange(2)
        return [
            Kept(number)
            for number in range(len(capture.packets))
            if number in capture.segments
            and capture.segments[number][0][1] == side
            and source.random() >= share
        ]

    return lose


def from_the_middle(share: float) -> Way:
    """The capture begins later, and some of the rest is lost."""

    def lose(capture: Capture, source: random.Random) -> list[Kept]:
        first = source.randrange(len(capture.packets))
        rest = range(first, len(capture.packets))
        return [Kept(number) for number in rest if source.random() >= share]

    return lose


WAYS: dict[str, Way] = {
    "1 % at random": at_random(0.01),
    "5 % at random": at_random(0.05),
    "1 % in bursts of 5": in_bursts(0.01, 5),
    "5 % in bursts of 20": in_bursts(0.05, 20),
    "cut at 96 bytes": cut_at(96),
    "cut at 200 bytes": cut_at(200),
    "one direction, 1 % lost": one_direction(0.01),
    "from the middle": from_the_middle(0),
    "from the middle, 1 % lost": from_the_middle(0.01),
}


def score(capture: Capture, kept: Sequence[Kept], missed: list[object] | None = None) -> Score:
    """Analyze what is left of a capture and compare."""
    recording = analyzed(capture.written(kept))
    shifted = shifts(capture, recording, kept)
    whole = capture.whole(kept)
    found = identities(recording, shifted)
    messages = complete_messages(recording, shifted)
    if missed is not None:
        missed += sorted(whole - set(found))
    return Score(
        runs=1,
        whole=len(whole),
        found=len(whole & set(found)),
        invented=sum(1 for each in found if not known(capture, each)),
        messages=len(messages),
        invented_messages=sum(
            1
            for each in messages
            if each not in capture.messages and each[0][0] not in capture.unframed
        ),
    )


def known(capture: Capture, identity: Identity) -> bool:
    """Say whether a frame is one that the full capture has, or none that can be told from one."""
    return identity in capture.all_frames or identity[0][0] in capture.unframed


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="What is found in captures that lost packets.")
    parser.add_argument("captures", nargs="+", type=Path)
    parser.add_argument("--seeds", type=int, default=20, help="runs per capture; default 20")
    parser.add_argument("--way", action="append", choices=sorted(WAYS), help="default: all")
    parser.add_argument("-v", "--verbose", action="store_true", help="a line per capture, too")
    return parser.parse_args(arguments)


def main() -> int:
    """Run the command."""
    options = parse_arguments()
    captures = [load(path) for path in options.captures]
    print(
        f"{'':42} {'runs':>6} {'whole':>10} {'found':>10} {'invented':>8} "
        f"{'messages':>10} {'invented':>8}"
    )
    invented = 0
    for name in options.way or WAYS:
        total = Score()
        for capture in captures:
            mine = Score()
            seeds = 1 if name.startswith("cut") else options.seeds
            for seed in range(seeds):
                source = random.Random(f"{capture.name} {name} {seed}")  # noqa: S311
                mine.add(score(capture, WAYS[name](capture, source)))
            total.add(mine)
            if options.verbose:
                print(mine.line(f"  {capture.name}"), flush=True)
        print(total.line(name), flush=True)
        invented += total.invented_messages
    return 1 if invented else 0


if __name__ == "__main__":
    sys.exit(main())
