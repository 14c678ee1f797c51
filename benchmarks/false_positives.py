"""How often is a stream that is not WebSocket taken for it, when its beginning is not captured?

    python benchmarks/false_positives.py --streams 100000
    python benchmarks/false_positives.py --streams 5000 --captures /tmp/strangers/*.pcap

Streams of other protocols, cut anywhere, in segments of many sizes, of both directions or one, are
given to the layers as a capture that begins in the middle would: streams that were made, or those
of captures (`record_strangers.py` makes some), with their own segments, of which some are lost.
The last column is how many were taken for WebSocket; the aim is at most one in 100,000. Exit status
1 where it is missed.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from losses.conversations import Piece, any_cut, talks
from losses.strangers import STRANGERS, Maker

from wsanalyze.buffer import Buffer
from wsanalyze.layers.probe import Probe
from wsanalyze.layers.recorder import Recorder
from wsanalyze.limits import Limits
from wsanalyze.recording import Recording, Wants
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.transport.conversation import Conversation

# What a stream is cut from: making bytes costs more than reading them.
STORE = 200_000
AIM = 1e-5


def segments(source: random.Random, store: bytes, count: int) -> list[bytes]:
    """Return consecutive segments from anywhere in `store`: full ones, and shorter ones."""
    at = source.randrange(len(store) // 2)
    found = []
    for _ in range(count):
        size = 1448 if source.random() < 0.5 else source.randint(1, 300)
        found.append(store[at : at + size])
        at += size
    return [each for each in found if each]


def made(source: random.Random, stores: tuple[bytes, bytes]) -> Iterable[Piece]:
    """Yield the segments of a stream that is cut from what was made."""
    sides = source.choice([(0,), (1,), (0, 1), (0, 1), (0, 1)])
    for _ in range(source.choice([1, 2, 4, 8])):
        for side in sides:
            for each in segments(source, stores[side], source.randint(1, 3)):
                yield side, each


def is_taken(pieces: Iterable[Piece], recorder: Recorder) -> bool:
    """Give one stream to the layers; say whether they took it for WebSocket."""
    conversation = Conversation()
    conversation.family = 4
    conversation.low_port, conversation.high_port = 40000, 5432
    conversation.layer = Probe(recorder, conversation)
    before = recorder.attempts
    for number, (side, what) in enumerate(pieces):
        layer = conversation.layer
        if isinstance(what, int):
            done = layer.gap(side, what, 0, number, number)
        else:
            done = layer.data(side, Buffer(what), 0, len(what), 0, number, number)
        if done or recorder.attempts > before:
            break
    else:
        conversation.layer.finish(0)
    conversation.layer = None
    recorder.held = 0
    return recorder.attempts > before


def recorder_of_nothing() -> Recorder:
    """Return what the layers write to."""
    recorder = Recorder(Recording(Wants(connections=0, frames=False, messages=False)), Limits())
    recorder.summaries = [CaptureSummary("strangers")]
    return recorder


def measure(maker: Maker, streams: int, seed: str) -> int:
    """Return how many of so many streams were taken for WebSocket."""
    source = random.Random(seed)  # noqa: S311
    recorder = recorder_of_nothing()
    taken = 0
    for number in range(streams):
        if number % 2000 == 0:
            stores = (maker(source, STORE, 0), maker(source, STORE, 1))
        taken += is_taken(made(source, stores), recorder)
    return taken


def measure_capture(path: Path, streams: int, verbose: bool) -> tuple[int, int]:
    """Return how many distinct streams of a capture were given, and how many of them taken."""
    source = random.Random(path.name)  # noqa: S311
    recorder = recorder_of_nothing()
    found = talks(path)
    # Long conversations have more places to cut, but a short one is tried as well.
    weights = [min(talk.size, 1_000_000) ** 0.5 for talk in found]
    cuts = set()
    taken = 0
    for talk in source.choices(found, weights, k=streams) if found else ():
        cut = any_cut(talk, source)
        if (talk.name, cut) in cuts:
            continue
        cuts.add((talk.name, cut))
        if is_taken(cut.pieces(talk, source), recorder):
            taken += 1
            if verbose:
                print(f"  {talk.name} {talk.ports} {cut}")
    return len(cuts), taken


def line(label: str, streams: int, begin: float, taken: int) -> str:
    """Return a row of the table."""
    rate = 1e6 * (time.perf_counter() - begin) / max(1, streams)
    return f"{label:40} {streams:9} streams {rate:6.0f} us each {taken:6}"


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Streams that are taken for WebSocket, and are not."
    )
    parser.add_argument("--streams", type=int, default=20_000, help="per kind; default 20,000")
    parser.add_argument("--kind", action="append", choices=sorted(STRANGERS), help="default: all")
    parser.add_argument(
        "--captures", nargs="+", type=Path, default=[], help="captures of anything but WebSocket"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="say which were taken")
    return parser.parse_args()


def main() -> int:
    """Run the command."""
    options = parse_arguments()
    streams = total = 0
    for path in options.captures:
        begin = time.perf_counter()
        tried, taken = measure_capture(path, options.streams, options.verbose)
        print(line(path.stem, tried, begin, taken), flush=True)
        streams, total = streams + tried, total + taken
    for kind in () if options.captures else options.kind or STRANGERS:
        begin = time.perf_counter()
        taken = measure(STRANGERS[kind], options.streams, kind)
        print(line(kind, options.streams, begin, taken), flush=True)
        streams, total = streams + options.streams, total + taken
    share = total / max(1, streams)
    print(f"{'all':40} {streams:9} streams {'':14} {total:6}  ({share:.1e})")
    return 1 if share > AIM else 0


if __name__ == "__main__":
    sys.exit(main())
