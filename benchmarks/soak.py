"""Connections that open and close on loopback for minutes, watched live: does memory stay flat?

    python benchmarks/soak.py --seconds 300

It wants the right to capture (or `tcpdump`, as root) and the package websockets. What is kept is
counted every few seconds: connections that are followed, rows in columns, flows, and the process's
memory. Ends with status 1 where the last third of the time had more of anything than the second.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.talks import everyone, free_port

import wsanalyze
from wsanalyze.limits import Limits

EVERY = 5.0
# Memory of a process that only reuses what it has still varies by some pages.
TOLERATED_MB = 3.0


def talk_for(port: int, seconds: float) -> None:
    """Let clients talk until the time is over, so little that kernels in plain Python keep up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        asyncio.run(everyone(port, 3, largest=1000))


def resident_mb() -> float:
    """Return the memory that this process has in use."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def kept(session: wsanalyze.LiveAnalysis) -> dict[str, float]:
    """Return how much of what has passed is still there."""
    inner = session._session
    run = inner.run
    frames, messages = run.recorder.frames, run.recorder.messages
    return {
        "seen": inner.follower.seen,
        "followed": len(inner.follower.followed),
        "recent": len(inner.follower.recent),
        "sessions": len(run.recorder.sessions),
        "rows": frames.capacity + messages.capacity,
        "flows": run.transport.readers.flows.count,
        "memory_mb": resident_mb(),
    }


def main() -> int:
    """Soak, print what was kept, and judge it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--source", default="auto")
    parser.add_argument("--recent", type=int, default=200, help="the limit; reached soon")
    options = parser.parse_args()
    port = free_port()
    talking = multiprocessing.Process(target=talk_for, args=(port, options.seconds))
    states: list[dict[str, float]] = []
    with wsanalyze.live(
        "lo",
        filter=f"tcp port {port}",
        source=options.source,
        limits=Limits(recent=options.recent),
        duration=options.seconds + 3,
    ) as session:
        print(session.description, flush=True)
        talking.start()
        began = shown = time.monotonic()
        events = 0
        # Not by iterating: that waits for events.
        while not session.finished:
            session._step()
            events += len(session._ready)
            session._ready.clear()
            if time.monotonic() - shown >= EVERY:
                shown = time.monotonic()
                states.append(kept(session))
                state = ", ".join(f"{name} {value:,.0f}" for name, value in states[-1].items())
                print(f"{shown - began:5.0f} s  {events:,} events  {state}", flush=True)
        received = session.statistics
    talking.join()
    print(f"received {received.received:,}, dropped {received.dropped_by_kernel}")
    if received.dropped_by_kernel:
        print("ends of connections were not captured: those stay until they are idle")
    return judged(states)


def judged(states: list[dict[str, float]]) -> int:
    """Compare the last third of the time with the second."""
    third = len(states) // 3
    second, last = states[third : 2 * third], states[2 * third :]
    grown = []
    for name in ("followed", "recent", "sessions", "rows", "memory_mb"):
        before = max(state[name] for state in second)
        after = max(state[name] for state in last)
        allowed = TOLERATED_MB if name == "memory_mb" else 0.5 * before + 16
        if after > before + allowed:
            grown.append(f"{name}: {before:,.1f} → {after:,.1f}")
    print("flat" if not grown else "grew: " + "; ".join(grown))
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
