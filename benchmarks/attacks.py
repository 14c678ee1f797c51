"""Measure what attacks cost wsanalyze: time and peak memory, before and after each is doubled.

    python benchmarks/attacks.py [--size 1.0] [--json FILE] [NAME…]

How to read the table: see README.md in this folder.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from comparison.measure import Measurement, measure

HERE = Path(__file__).resolve().parent
SUMMARY = ("summary", "{file}")
FRAMES = ("export", "{file}", "-t", "frames", "-f", "csv", "-o", "-")
CHECK = ("check", "{file}")
KEYLOG = ("summary", "{file}", "--keylog", "{file}.keys")
# What is left of a run without the start: below these the ratios say nothing.
LEAST_SECONDS, LEAST_BYTES = 0.1, 4_000_000


@dataclass(frozen=True)
class Attack:
    """One attack: `write` of `module` in hostile/ makes a capture of `count` of what it repeats."""

    name: str
    module: str
    write: str
    count: int
    command: tuple[str, ...] = SUMMARY


ATTACKS = (
    Attack("SYN flood", "conversations", "syn_flood", 500_000),
    Attack("connections that upgrade", "conversations", "upgrades", 15_000),
    Attack("unanswered upgrades", "conversations", "unanswered", 40_000),
    Attack("a segment missing for ever", "conversations", "missing_segments", 100),
    Attack("one-byte segments", "conversations", "one_byte_segments", 500_000),
    Attack("one-byte segments, reversed", "conversations", "reversed_bytes", 8_000),
    Attack("copies over 16,000 chunks", "conversations", "copies_over_chunks", 4_000),
    Attack("IP fragments", "conversations", "ip_fragments", 200_000),
    Attack("endless head", "contents", "endless_head", 20_000),
    Attack("heads by bytes", "contents", "heads_by_bytes", 20),
    Attack("pipelined upgrades", "contents", "pipelined", 200_000),
    Attack("body in one-byte chunks", "contents", "chunks", 500_000),
    Attack("frame of 2^62 bytes", "contents", "huge_frame", 25_000),
    Attack("empty fragments", "contents", "empty_fragments", 500_000),
    Attack("empty messages, exported", "contents", "empty_messages", 150_000, FRAMES),
    Attack("deflate bombs", "contents", "bombs", 10),
    Attack("deflate bombs below notice", "contents", "bombs_alone", 40),
    Attack("deflate windows", "contents", "windows", 8_000),
    Attack("final blocks", "contents", "final_blocks", 100),
    Attack("TLS records of a byte", "carriers", "one_byte_records", 500_000),
    Attack("forged TLS records", "carriers", "forged_records", 2_000, KEYLOG),
    Attack("HTTP/2 streams", "carriers", "streams", 60_000),
    Attack("HTTP/2 requests of a byte", "carriers", "tiny_requests", 230_000, CHECK),
    Attack("HTTP/2 rapid reset", "carriers", "resets", 100_000),
    Attack("holes over HTTP/2 streams", "carriers", "holes", 20_000),
    Attack("windows of HTTP/2 streams", "carriers", "windows", 50_000),
    Attack("pcapng interfaces", "files", "interfaces", 300_000),
    Attack("pcapng sections", "files", "sections", 15_000),
    Attack("pcapng statistics", "files", "statistics", 300_000),
    Attack("pcapng secrets", "files", "secrets", 300_000),
    Attack("gzip bomb", "files", "gzip_bomb", 500_000),
)


@dataclass(frozen=True)
class Result:
    """What an attack cost: as it is, and doubled. `start` is what a run takes for nothing."""

    attack: Attack
    count: int
    bytes: int
    once: Measurement
    twice: Measurement
    start: Measurement

    @property
    def problem(self) -> str:
        """Say which run failed; empty where none did."""
        # 4 is a capture that is damaged or cut; an attack may be one.
        failed = [run for run in (self.once, self.twice) if run.status not in (0, 4)]
        return f"status {failed[0].status}: {failed[0].last_words}" if failed else ""

    def time_ratio(self) -> float | None:
        """Return how many times longer the doubled one took, the start not counted."""
        once, twice = (run.seconds - self.start.seconds for run in (self.once, self.twice))
        return None if max(once, twice) < LEAST_SECONDS or once <= 0 else twice / once

    def memory_ratio(self) -> float | None:
        """Return how many times more memory it took, the start not counted."""
        base = self.start.peak_bytes
        once, twice = (run.peak_bytes - base for run in (self.once, self.twice))
        return None if max(once, twice) < LEAST_BYTES or once <= 0 else twice / once


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure what attacks cost.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="parts of names (default: all)")
    parser.add_argument("--size", type=float, default=1.0, help="times the default (1.0)")
    parser.add_argument("--python", default=sys.executable, help="the one that has wsanalyze")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for one run")
    parser.add_argument("--files", type=Path, help="keep the captures in this folder")
    parser.add_argument("--json", type=Path, help="also write the measurements there")
    parsed = parser.parse_args(arguments)
    if parsed.size <= 0:
        parser.error("--size must be above 0")
    return parsed


def chosen(names: list[str]) -> list[Attack]:
    """Return the attacks whose name has one of `names` in it."""
    if not names:
        return list(ATTACKS)
    return [each for each in ATTACKS if any(name.lower() in each.name.lower() for name in names)]


def results(options: argparse.Namespace, attacks: list[Attack]) -> Iterator[Result]:
    """Measure attack after attack; each capture is removed when it was read."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.files or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        run = runner(options, Path(scratch))
        starts: dict[tuple[str, ...], Measurement] = {}
        for attack in attacks:
            if attack.command not in starts:
                smallest = written(options, Attack("start", "conversations", "upgrades", 1), folder)
                Path(f"{smallest}.keys").touch()
                starts[attack.command] = start = run(attack.command, smallest)
                if start.status:
                    raise SystemExit(f"{options.python}: {start.last_words}")
            count = max(1, round(attack.count * options.size))
            runs = []
            for times in (1, 2):
                file = written(options, attack, folder, count * times)
                size = file.stat().st_size
                runs.append(run(attack.command, file))
                if options.files is None:
                    file.unlink()
            yield Result(attack, 2 * count, size, *runs, starts[attack.command])


def runner(
    options: argparse.Namespace, scratch: Path
) -> Callable[[tuple[str, ...], Path], Measurement]:
    """Return what measures a command of wsanalyze on a file."""

    def run(command: tuple[str, ...], file: Path) -> Measurement:
        words = [part.format(file=file) for part in command]
        full = [options.python, "-m", "wsanalyze", *words]
        return measure(full, scratch, options.timeout)

    return run


def written(options: argparse.Namespace, attack: Attack, folder: Path, count: int = 1) -> Path:
    """Write an attack's capture, in another process, and return where.

    Linux counts the memory of the process that starts a command into the command's peak.
    """
    path = folder / f"{attack.write}-{count}"
    if path.exists():
        return path
    code = (
        f"import sys; sys.path.insert(0, {str(HERE)!r}); from pathlib import Path; "
        f"from hostile.{attack.module} import {attack.write} as write; "
        f"write(Path(sys.argv[1]), {count})"
    )
    command = [sys.executable, "-c", code, str(path.resolve())]
    done = measure(command, folder, options.timeout)
    if done.status:
        raise SystemExit(f"{attack.name}: {done.last_words}")
    return path


HEADINGS = ("attack", "doubled to", "MB", "s", "s x2", "MB peak", "MB x2", "time", "memory")
ROW = "{:<28}{:>12}{:>8}{:>8}{:>8}{:>9}{:>8}{:>7}{:>8}"


def row(result: Result) -> str:
    """Return a result as a line of the table."""
    if result.problem:
        return f"{result.attack.name:<28}{result.problem}"
    times, memory = result.time_ratio(), result.memory_ratio()
    return ROW.format(
        result.attack.name,
        f"{result.count:,}",
        f"{result.bytes / 1e6:.1f}",
        f"{result.once.seconds:.2f}",
        f"{result.twice.seconds:.2f}",
        f"{result.once.peak_bytes / 1e6:.0f}",
        f"{result.twice.peak_bytes / 1e6:.0f}",
        "-" if times is None else f"{times:.1f}",
        "-" if memory is None else f"{memory:.1f}",
    )


def main() -> int:
    """Run the command; the exit status is 1 where a run failed."""
    options = parse_arguments()
    print(ROW.format(*HEADINGS), flush=True)
    found = []
    for result in results(options, chosen(options.names)):
        found.append(result)
        print(row(result), flush=True)
    if found:
        start = found[0].start
        print(f"start: {start.seconds:.2f} s, {start.peak_bytes / 1e6:.0f} MB")
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in found], indent=2) + "\n")
    return int(any(each.problem for each in found))


if __name__ == "__main__":
    sys.exit(main())
