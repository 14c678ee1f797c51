"""How often is a stream that is not WebSocket taken for it, when its beginning is not captured?

    python benchmarks/false_positives.py --streams 100000

Streams of other protocols, cut anywhere, in segments of many sizes, of both directions or one, are
given to the layers as a capture that begins in the middle would. The last column is how many were
taken for WebSocket; the aim is at most one in 100,000. Exit status 1 where it is missed.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

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


def is_taken(source: random.Random, stores: tuple[bytes, bytes], recorder: Recorder) -> bool:
    """Give one stream to the layers; say whether they took it for WebSocket."""
    conversation = Conversation()
    conversation.family = 4
    conversation.low_port, conversation.high_port = 40000, 5432
    layer = Probe(recorder, conversation)
    conversation.layer = layer
    before = recorder.attempts
    sides = source.choice([(0,), (1,), (0, 1), (0, 1), (0, 1)])
    for number in range(source.choice([1, 2, 4, 8])):
        for side in sides:
            for each in segments(source, stores[side], source.randint(1, 3)):
                taken = conversation.layer
                if taken is None or taken.data(side, Buffer(each), 0, len(each), 0, number, number):
                    conversation.layer = None
                    return recorder.attempts > before
    if conversation.layer is not None:
        conversation.layer.finish(0)
    conversation.layer = None
    return recorder.attempts > before


def measure(maker: Maker, streams: int, seed: str) -> int:
    """Return how many of so many streams were taken for WebSocket."""
    source = random.Random(seed)  # noqa: S311
    wants = Wants(connections=0, frames=False, messages=False)
    recorder = Recorder(Recording(wants), Limits())
    recorder.summaries = [CaptureSummary("strangers")]
    taken = 0
    for number in range(streams):
        if number % 2000 == 0:
            stores = (maker(source, STORE, 0), maker(source, STORE, 1))
        taken += is_taken(source, stores, recorder)
    return taken


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description="Streams that are taken for WebSocket, and are not."
    )
    parser.add_argument("--streams", type=int, default=20_000, help="per kind; default 20,000")
    parser.add_argument("--kind", action="append", choices=sorted(STRANGERS), help="default: all")
    options = parser.parse_args()
    total = 0
    kinds = options.kind or list(STRANGERS)
    for kind in kinds:
        begin = time.perf_counter()
        taken = measure(STRANGERS[kind], options.streams, kind)
        total += taken
        seconds = time.perf_counter() - begin
        rate = 1e6 * seconds / options.streams
        print(f"{kind:40} {options.streams:9} streams {rate:6.0f} us each {taken:6}", flush=True)
    share = total / (options.streams * len(kinds))
    print(f"{'all':40} {options.streams * len(kinds):9} streams {'':14} {total:6}  ({share:.1e})")
    return 1 if share > AIM else 0


if __name__ == "__main__":
    sys.exit(main())
