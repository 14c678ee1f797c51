"""Connections that open and close on loopback for minutes, watched live: does memory stay flat?

    python benchmarks/soak.py --seconds 600

It wants the right to capture, and the package websockets. Of a quarter of the connections neither
FIN nor RST is captured (the filter leaves them out): those stay until they are idle. After the
first `--warm-up` seconds, in which names of connections pile up (they are kept for four minutes),
what is kept is counted every few seconds: Python's objects, and the bytes that malloc has given
out. How much each connection that came leaves behind is estimated with its 95 % confidence
interval, by least squares over medians of four counts each, beside what each one that is open
takes: how many those are depends on how busy the machine is. Ends with status 1 where one of the
two grows. The memory of the process is told, too: it follows the largest burst so far.
`soak_replayed.py` has the same load at any time, and judges that as well.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import multiprocessing
import resource
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import numpy as np
from support.ports import free_port
from support.talks import everyone

import wsanalyze
from wsanalyze.limits import Limits

EVERY, SHOWN_EVERY = 2.5, 6
# Counts of which a median is taken: a burst more or less evens out.
BLOCK = 4
FEWEST = 10
# A connection that leaves anything behind leaves an object, or some bytes, each time.
TOLERATED = {"objects": 0.1, "malloc": 16.0}
# Rounds of talking a second.
ROUNDS = 3
# Clients whose port has a 0 in both of these bits.
QUARTER = 6
State = dict[str, float]


def talk_for(port: int, seconds: float) -> None:
    """Let clients talk until the time is over, so little that kernels in plain Python keep up."""
    now = start = time.monotonic()
    for number in range(int(seconds * ROUNDS)):
        time.sleep(max(start + number / ROUNDS - now, 0))
        asyncio.run(everyone(port, 2, largest=1000))
        now = time.monotonic()
        if now > start + seconds:
            return


class Mallinfo(ctypes.Structure):
    """struct mallinfo2, mallinfo(3)."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    ]


mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = Mallinfo


def expression(port: int) -> str:
    """Return a filter for the packets of a port, but for the ends of a quarter of connections."""
    ends = "tcp[tcpflags] & (tcp-fin|tcp-rst) != 0"
    to_client = f"(src port {port} and tcp[2:2] & {QUARTER} = 0)"
    from_client = f"(dst port {port} and tcp[0:2] & {QUARTER} = 0)"
    return f"tcp port {port} and not ({ends} and ({to_client} or {from_client}))"


def kept(session: wsanalyze.LiveAnalysis) -> State:
    """Return how much of what has passed is still there."""
    inner = session._session
    run = inner.run
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    given_out = mallinfo()
    return {
        "seen": inner.follower.seen,
        "followed": len(inner.follower.followed),
        "recent": len(inner.follower.recent),
        "flows": run.transport.readers.flows.count,
        "objects": sys.getallocatedblocks(),
        # Without the decoders of permessage-deflate, which the limit `windows` counts.
        "malloc": given_out.uordblks + given_out.hblkhd - run.recorder.windows.held,
        "memory": pages * resource.getpagesize(),
    }


def main() -> int:
    """Soak, print what was kept, and judge it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--warm-up", type=float, default=300)
    parser.add_argument("--source", default="auto")
    parser.add_argument("--idle", type=float, default=20, help="seconds until who is silent leaves")
    parser.add_argument("--recent", type=int, default=40, help="the limit; reached soon")
    options = parser.parse_args()
    port = free_port()
    talking = multiprocessing.Process(target=talk_for, args=(port, options.seconds))
    states: list[State] = []
    with wsanalyze.live(
        "lo",
        filter=expression(port),
        source=options.source,
        limits=Limits(recent=options.recent),
        idle=options.idle,
        duration=options.seconds + 3,
    ) as session:
        print(session.description, flush=True)
        talking.start()
        began = counted = time.monotonic()
        events = idle = counts = 0
        # Not by iterating: that waits for events.
        while not session.finished:
            session._step()
            events += len(session._ready)
            idle += sum(
                each.kind == "ended" and each.facts.ended_by == "idle" for each in session._ready
            )
            session._ready.clear()
            now = time.monotonic()
            if now - counted >= EVERY:
                counted = now
                counts += 1
                state = kept(session)
                if now - began >= options.warm_up:
                    states.append(state)
                if counts % SHOWN_EVERY == 0:
                    told = ", ".join(f"{name} {count:,}" for name, count in state.items())
                    print(f"{now - began:5.0f} s  {events:,} events, {told}", flush=True)
        received = session.statistics
    talking.join()
    print(f"received {received.received:,}, dropped {received.dropped_by_kernel}")
    print(f"{idle:,} connections left because they were silent")
    return judged(states)


def judged(states: list[State], tolerable: dict[str, float] = TOLERATED) -> int:
    """Say how much each connection leaves behind, and whether that is something."""
    if len(states) < FEWEST * BLOCK:
        print("too short to say anything")
        return 1
    grown = []
    resident = medians([state["memory"] for state in states])
    print(f"memory of the process: {', '.join(f'{each / 1e6:.1f}' for each in resident)} MB")
    seen, followed = (medians([state[name] for state in states]) for name in ("seen", "followed"))
    for name, tolerated in tolerable.items():
        counts = medians([state[name] for state in states])
        left, error, of_open = least_squares(seen, followed, counts)
        print(
            f"{name}: {counts[0]:,.0f} to {counts[-1]:,.0f} while {seen[-1] - seen[0]:,.0f} "
            f"connections came, of which each left {left:+.3f} ± {error:.3f} (95 %), and each "
            f"open one took {of_open:,.0f}"
        )
        if left - error > 0 and left > tolerated:
            grown.append(name)
    print("flat" if not grown else f"grew: {', '.join(grown)}")
    return 1 if grown else 0


def medians(samples: list[float]) -> list[float]:
    """Return the median of each BLOCK samples."""
    whole = len(samples) - len(samples) % BLOCK
    return [statistics.median(samples[at : at + BLOCK]) for at in range(0, whole, BLOCK)]


def least_squares(
    seen: list[float], followed: list[float], counts: list[float]
) -> tuple[float, float, float]:
    """Return what each connection leaves, half of its 95 % interval, and what an open one takes."""
    rows = np.column_stack((np.ones(len(seen)), seen, followed))
    found, *_ = np.linalg.lstsq(rows, np.array(counts), rcond=None)
    rest = np.array(counts) - rows @ found
    # Student's t of 95 % for 7 degrees of freedom or more is at most this.
    variance = float(rest @ rest) / (len(counts) - 3)
    errors = 2.37 * np.sqrt(variance * np.diag(np.linalg.pinv(rows.T @ rows)))
    return float(found[1]), float(errors[1]), float(found[2])


if __name__ == "__main__":
    sys.exit(main())
