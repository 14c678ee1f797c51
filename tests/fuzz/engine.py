"""The loop: take an input, change it, check it; keep what is new and what fails."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path

from fuzz.target import Target

# Attempts at making a failing input smaller.
SHRINKING = 400
# Inputs that are changed further; beyond it a random one makes room.
POOL = 2000


@dataclass
class Outcome:
    """What a run of one target did: inputs tried, sketches seen, failures by what was raised."""

    executions: int = 0
    pool: dict[Hashable, bytes] = field(default_factory=dict)
    failures: dict[str, bytes] = field(default_factory=dict)


def run(
    target: Target,
    chance: random.Random,
    *,
    seconds: float | None = None,
    executions: int | None = None,
) -> Outcome:
    """Fuzz a target for so long, or so often, seeds and saved inputs first.

    Each kind of failure is kept once, made smaller. Only Exception is caught: a time limit or an
    interpreter that dies is for whoever called.
    """
    outcome = Outcome()
    end = None if seconds is None else time.monotonic() + seconds
    seeds = list(target.seeds())
    for data in (*seeds, *(path.read_bytes() for path in target.saved())):
        attempt(target, data, outcome, chance)
    while (end is None or time.monotonic() < end) and (
        executions is None or outcome.executions < executions
    ):
        data = chance.choice(list(outcome.pool.values()) or seeds)
        if chance.random() < 0.1:
            data = chance.choice(seeds)
        attempt(target, target.mutate(data, seeds, chance), outcome, chance)
    return outcome


def attempt(target: Target, data: bytes, outcome: Outcome, chance: random.Random) -> None:
    """Check one input and put it where it belongs."""
    outcome.executions += 1
    try:
        sketch = target.check(data)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
        what = name_of(error)
        if what not in outcome.failures:
            outcome.failures[what] = shrunk(data, lambda less: fails_as(target, less, what))
        return
    known = outcome.pool.get(sketch)
    if known is None and len(outcome.pool) >= POOL:
        outcome.pool.pop(chance.choice(list(outcome.pool)))
    if known is None or len(data) < len(known):
        outcome.pool[sketch] = data


def name_of(error: BaseException) -> str:
    """Return what was raised and where, the same for each input that fails alike."""
    trace, places = error.__traceback__, []
    while trace is not None:
        places.append(f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return f"{type(error).__name__} at {places[-1]}"


def fails_as(target: Target, data: bytes, what: str) -> bool:
    """Say whether this input fails in the same way."""
    try:
        target.check(data)
    except Exception as error:  # noqa: BLE001 - see attempt
        return name_of(error) == what
    return False


def shrunk(data: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """Return the smallest input found that still fails, by leaving out ever smaller stretches."""
    tries, size = SHRINKING, len(data) // 2
    while size and tries > 0:
        at = 0
        while at < len(data) and tries > 0:
            less = data[:at] + data[at + size :]
            tries -= 1
            if fails(less):
                data = less
            else:
                at += size
        size //= 2
    return data


def stored(folder: Path, target: Target, data: bytes) -> Path:
    """Write an input under the name of its hash and return where."""
    path = folder / target.name / hashlib.sha256(data).hexdigest()[:12]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
