"""Fuzz the targets for a time, from the folder `tests`: `python -m fuzz --seconds 60 [TARGET…]`.

Prints the executions and failures of each target. Inputs that fail are stored, and the exit status
is 1. `--saved` only runs the inputs that are kept with the tests.
"""

from __future__ import annotations

import argparse
import random
import sys
import traceback
from itertools import accumulate
from pathlib import Path

from fuzz.engine import Outcome, run, stored
from fuzz.target import Target
from fuzz.targets import TARGETS

FAILURES = Path(__file__).resolve().parents[2] / "build" / "fuzz"
# What --keep writes for a target.
KEPT, KEPT_BYTES = 50, 20_000


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=60, help="in all (default 60)")
    parser.add_argument("--seed", type=int, help="of the random numbers (default: a new one)")
    parser.add_argument("--failures", type=Path, default=FAILURES, help="folder for failing inputs")
    parser.add_argument("--keep", type=Path, help="folder for some inputs that were new")
    parser.add_argument("--saved", action="store_true", help="only the saved inputs and the seeds")
    parsed = parser.parse_args(arguments)
    for name in parsed.targets:
        if name not in TARGETS:
            parser.error(f"unknown target {name!r}: it must be one of {', '.join(TARGETS)}")
    return parsed


def report(target: Target, outcome: Outcome, failures: Path) -> None:
    """Print a line of what a target did, and of each failure where its input is."""
    print(
        f"{target.name:12}{outcome.executions:>10,} executions{len(outcome.pool):>7,} sketches"
        f"{len(outcome.failures):>4} failures",
        flush=True,
    )
    for what, data in outcome.failures.items():
        print(f"  {what}: {stored(failures, target, data)}")
        try:
            target.check(data)
        except Exception:  # noqa: BLE001 - the report is what it is caught for
            lines = traceback.format_exc().rstrip().splitlines()
            print("\n".join(f"    {line}" for line in lines[-6:]))


def chosen_of(outcome: Outcome, chance: random.Random) -> list[bytes]:
    """Return some inputs with different sketches, no large ones, and not too much of them."""
    inputs = [data for data in outcome.pool.values() if len(data) < KEPT_BYTES // 8]
    chance.shuffle(inputs)
    del inputs[KEPT:]
    sizes = accumulate(map(len, inputs))
    return [data for data, size in zip(inputs, sizes, strict=True) if size <= KEPT_BYTES]


def main() -> int:
    """Run the command."""
    options = parse_arguments()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    chosen = [TARGETS[name] for name in options.targets or TARGETS]
    print(f"seed {seed}", flush=True)
    failed = False
    for target in chosen:
        chance = random.Random(seed)  # noqa: S311
        seconds = 0.0 if options.saved else options.seconds / len(chosen)
        outcome = run(target, chance, seconds=seconds)
        report(target, outcome, options.failures)
        failed = failed or bool(outcome.failures)
        for data in chosen_of(outcome, chance) if options.keep else ():
            stored(options.keep, target, data)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
