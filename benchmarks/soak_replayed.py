"""Tens of thousands of connections through a live session whose clock we turn: is memory flat?

    python benchmarks/soak_replayed.py --connections 40000

What `soak.py` does in minutes of real traffic, with packets that are made, and the same load at any
time: twenty connections at once, half of them with permessage-deflate, each with twelve messages. A
quarter is never closed, and leaves when it is idle. Every 400 connections it is counted what is
there, and judged as in `soak.py`, with the memory of the process. Ends with status 1 where
something grows.
"""

from __future__ import annotations

import argparse
import io
import itertools
import random
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from soak import TOLERATED, kept, judged  # isort: skip - the module beside this one
from support.packets import ACK, CLIENT, FIN, SERVER, SYN, Packet, pcap_of, segment
from support.played import Clock, Paused, session_of
from support.sessions import CLOSE, DEFLATE, Deflater, frame, masked, request, response

from wsanalyze.limits import Limits
from wsanalyze.monitoring.session import Session
from wsanalyze.recording import Wants

AT_ONCE, EACH_TIME = 20, 400
IDLE = 20.0
# A page in fifty connections is what noise of the allocators makes.
ALL_TOLERATED = TOLERATED | {"memory": 100.0}


def talk(number: int) -> list[Packet]:
    """Return the packets of a connection."""
    chance = random.Random(number)  # noqa: S311 - the same talks each time
    ends = ((CLIENT[0], 1024 + number % 60_000), SERVER)
    places = [1001, 70001]
    packets = [
        segment(*ends, 1000, flags=SYN),
        segment(ends[1], ends[0], 70000, 1001, SYN | ACK),
    ]

    def say(side: int, data: bytes, flags: int = ACK) -> None:
        places_now = places[side], places[1 - side]
        packets.append(segment(ends[side], ends[1 - side], *places_now, flags, data))
        places[side] += len(data)

    deflaters = (Deflater(), Deflater()) if number % 2 else None
    lines = [DEFLATE] if deflaters else []
    say(0, request(*lines))
    say(1, response(*lines))
    for side in (0, 1) * 6:
        payload = chance.randbytes(chance.choice((5, 200, 1000)))
        rsv = 0
        if deflaters:
            payload, rsv = deflaters[side](payload), 4
        say(side, (frame if side else masked)(payload, 2, rsv=rsv))
    if number % 4:
        say(0, masked(b"\x03\xe8", CLOSE))
        say(1, frame(b"\x03\xe8", CLOSE))
        say(1, b"", FIN | ACK)
        say(0, b"", FIN | ACK)
    return packets


def crowd(first: int) -> Iterator[Packet]:
    """Yield the packets of EACH_TIME connections, of which AT_ONCE go on at a time."""
    for start in range(first, first + EACH_TIME, AT_ONCE):
        talks = [talk(number) for number in range(start, start + AT_ONCE)]
        for packets in itertools.zip_longest(*talks):
            yield from (packet for packet in packets if packet is not None)


class Seen:
    """What `soak.kept` asks of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session


def main() -> int:
    """Replay, print what was kept, and judge the second half."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--connections", type=int, default=40_000)
    options = parser.parse_args()
    clock = Clock()
    source = Paused(io.BytesIO(pcap_of([])))
    wants = Wants(observe=True)
    session = session_of(source, wants=wants, limits=Limits(recent=40), idle=IDLE, clock=clock)
    states = []
    for first in range(0, options.connections, EACH_TIME):
        source.go_on(io.BytesIO(pcap_of(list(crowd(first)))))
        before = -1
        while session.taken > before:
            before = session.taken
            session.pump(0)
            clock.now += 0.1
        # Until they are closed or idle; what is remembered of an hour is full before it is judged.
        for _ in range(5):
            clock.now += 30
            session.pump(0)
        states.append(kept(Seen(session)))
        if len(states) % 10 == 0:
            told = ", ".join(f"{name} {count:,}" for name, count in states[-1].items())
            print(told, flush=True)
    session.close()
    return judged(states[len(states) // 2 :], ALL_TOLERATED)


if __name__ == "__main__":
    sys.exit(main())
