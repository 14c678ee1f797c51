"""Fuzz one target with atheris, which looks at the paths taken: `python -m fuzz.guided TARGET`.

It sees into Python only: run it where the kernels are not compiled. Options behind `--` go to
libFuzzer, whose help is `-help=1`. It stops at the first failure and stores the input.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

import atheris

# What the targets import is instrumented on its way in.
with atheris.instrument_imports(include=["wsanalyze"]):
    from fuzz.__main__ import FAILURES
    from fuzz.targets import TARGETS


def main() -> None:
    """Run the command; libFuzzer ends the process."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.guided", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--failures", type=Path, default=FAILURES)
    options, rest = parser.parse_known_args()
    target = TARGETS[options.target]
    seeds = list(target.seeds())
    folder = options.failures / target.name
    folder.mkdir(parents=True, exist_ok=True)

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        return target.mutate(data, seeds, random.Random(seed))[:max_size]  # noqa: S311

    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate([*seeds, *(path.read_bytes() for path in target.saved())]):
            (Path(corpus) / str(number)).write_bytes(data)
        given = [sys.argv[0], corpus, f"-max_total_time={options.seconds}"]
        given += [f"-artifact_prefix={folder}/", "-max_len=65536", *rest]
        atheris.Setup(given, target.check, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
