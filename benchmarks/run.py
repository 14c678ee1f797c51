"""Compare wsanalyze with other tools on the same captures: wall time and peak memory.

    python benchmarks/run.py --profile small-frames --size 500MB --files /tmp/captures

How to read the tables: see README.md in this folder. This program stays small on purpose (no
numpy): Linux counts the memory of the process that starts a command into the command's peak.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from comparison import jobs, slices
from comparison.jobs import Job
from comparison.measure import Measurement, measure
from comparison.results import Row, Table
from sizes import parse_size

HERE = Path(__file__).resolve().parent
PROFILES = ("small-frames", "mixed", "bulk", "noise")
SECTIONS = ("files", "startup", "memory", "pure")
PURE_PACKETS = 10_000


@dataclass(frozen=True)
class Bench:
    """What all measurements of one invocation share."""

    options: argparse.Namespace
    scratch: Path
    pieces: dict[Path, int] = field(default_factory=dict)
    """Slices that were cut, and how many packets they have."""

    def command(self, job: Job, file: Path, out: Path) -> list[str]:
        """The job's command with its places filled in."""
        places = {
            "python": self.options.python,
            "pure_python": self.options.pure_python or "",
            "peers_python": self.options.peers_python,
            "peers": str(HERE / "peers"),
            "file": str(file),
            "out": str(out),
        }
        return [part.format(**places) for part in job.command]

    def run(self, job: Job, file: Path) -> Measurement:
        """Measure the job once, in a fresh folder that is removed afterwards."""
        out = Path(tempfile.mkdtemp(dir=self.scratch))
        try:
            return measure(self.command(job, file, out), out, self.options.timeout)
        finally:
            shutil.rmtree(out, ignore_errors=True)

    def problem(self, job: Job) -> str | None:
        """Why the job cannot run here; None where it can."""
        program = self.command(job, Path(), Path())[0]
        if not program or shutil.which(program) is None:
            return "missing"
        module = job.module or ("wsanalyze" if "wsanalyze" in job.command else None)
        if module is None:
            return None
        found = Job(module, (program, "-c", f"import {module}"))
        return None if self.run(found, Path()).status == 0 else "missing"

    def table(self, title: str, pairs: list[tuple[Job, Path]]) -> Table:
        """Warm up, then run the jobs in turn, `--runs` times."""
        rows = [self.warm_up(job, file) for job, file in pairs]
        for number in range(self.options.runs):
            for row, (job, file) in zip(rows, pairs, strict=True):
                if row.problem is None:
                    say(f"{title}: {job.name}, run {number + 1} of {self.options.runs}")
                    row.runs.append(self.run(job, self.slice_of(job, file)))
        return Table(title, rows, against=jobs.AGAINST)

    def warm_up(self, job: Job, file: Path) -> Row:
        """Run the job once without counting it; the row says whether it works."""
        say(f"warm-up: {job.name} on {file.name}")
        row = Row(job.name, problem=self.problem(job))
        if row.problem:
            return row
        if job.packets is not None:
            piece = self.slice_of(job, file)
            row.packets = self.pieces[piece]
            row.scale = file.stat().st_size / piece.stat().st_size
            row.fixed_seconds = self.run(job, self.first_packet(file)).seconds
        run = self.run(job, self.slice_of(job, file))
        if run.status not in job.accepted:
            row.problem = f"failed (status {run.status}: {run.last_words})"
        return row

    def slice_of(self, job: Job, file: Path) -> Path:
        """The file, or as many packets of it as the job takes; cut once and kept."""
        if job.packets is None:
            return file
        piece = self.scratch / f"{file.name}.{job.packets}"
        if piece not in self.pieces:
            self.pieces[piece] = slices.cut(file, piece, job.packets)
        return piece

    def first_packet(self, file: Path) -> Path:
        """A file with the first packet only."""
        return self.slice_of(Job("first packet", (), packets=1), file)


def say(text: str) -> None:
    """A line of progress on standard error."""
    print(text, file=sys.stderr, flush=True)


def generated(options: argparse.Namespace, profile: str, size: str) -> Path:
    """The profile's file of this size in `--files`, made if it is not there."""
    file: Path = options.files / f"{profile}-{size}.pcap"
    if not file.exists():
        say(f"generating {file}")
        part = file.with_suffix(".part")
        command = [sys.executable, str(HERE / "generate.py"), profile, "--size", size]
        command += ["-o", str(part), "--truth", str(file.with_suffix(".json"))]
        subprocess.run(command, check=True)
        part.rename(file)
    return file


def section_files(bench: Bench) -> Iterator[Table]:
    """Ours and the peers on each file."""
    options = bench.options
    files = list(options.file) or [generated(options, p, options.size) for p in options.profile]
    ours = () if options.peers_only else jobs.OUR_JOBS
    chosen = (*ours, *jobs.PEER_JOBS, *jobs.SLOW_JOBS)
    for file in files:
        title = f"{file.name}, {file.stat().st_size / 1e6:,.0f} MB"
        yield bench.table(title, [(job, file) for job in chosen])


def section_startup(bench: Bench) -> Iterator[Table]:
    """What a command costs before it does anything: the smallest capture that is shipped."""
    captures = [*bench.options.captures.glob("*.pcap"), *bench.options.captures.glob("*.pcapng")]
    if not captures:
        say(f"no captures in {bench.options.captures}: no startup table")
        return
    smallest = min(captures, key=lambda path: path.stat().st_size)
    title = f"Startup: {smallest.name}, {smallest.stat().st_size / 1e3:,.1f} kB"
    yield bench.table(title, [(job, smallest) for job in jobs.STARTUP_JOBS])


def section_memory(bench: Bench) -> Iterator[Table]:
    """Our summary on files of growing size."""
    for size in bench.options.memory_sizes.split(","):
        file = generated(bench.options, "small-frames", size)
        title = f"Memory: {file.name}, {file.stat().st_size / 1e6:,.0f} MB"
        yield bench.table(title, [(job, file) for job in jobs.MEMORY_JOBS])


def section_pure(bench: Bench) -> Iterator[Table]:
    """Our pure-Python fallback, and pyshark, on a slice."""
    options = bench.options
    whole = [*options.file, *(options.files / f"{p}-{options.size}.pcap" for p in options.profile)]
    file = next((f for f in whole if f.exists()), None)
    file = file or generated(options, options.profile[0], options.size)
    piece = bench.slice_of(Job("", (), packets=PURE_PACKETS), file)
    title = f"Pure Python: the first {PURE_PACKETS:,} packets of {file.name}"
    yield bench.table(title, [(job, piece) for job in jobs.PURE_JOBS])


def machine(bench: Bench) -> dict[str, str]:
    """What ran where: processor, cores, versions."""
    facts = {"system": platform.platform(), "cores": str(os.cpu_count())}
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [x for x in cpuinfo.read_text().splitlines() if x.startswith("model name")]
        facts["processor"] = models[0].partition(": ")[2] if models else platform.machine()
    for name, command in {
        "python": [bench.options.python, "--version"],
        "wsanalyze": [bench.options.python, "-m", "wsanalyze", "--version"],
        "pure": [bench.options.pure_python or "", "-m", "wsanalyze", "--version"],
        "tshark": ["tshark", "--version"],
        "capinfos": ["capinfos", "--version"],
        "tcpdump": ["tcpdump", "--version"],
        "tcpflow": ["tcpflow", "--version"],
    }.items():
        if command[0] and shutil.which(command[0]):
            facts[name] = version(command, bench.scratch)
    # No command can show less: what this program itself holds is counted into it.
    floor = bench.run(Job("true", ("true",)), Path()).peak_bytes
    facts["least peak that can be seen"] = f"{floor / 1e6:.0f} MB"
    return facts


def version(command: list[str], folder: Path) -> str:
    """What a program says its version is, in its own first line about it."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, timeout=60
    )
    # Some write it to standard error, some end with 1 after it; a failed `-m` writes no output.
    text = done.stdout or (done.stderr if done.returncode == 0 else "")
    return next((line for line in text.splitlines() if line.strip()), "missing")


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Compare wsanalyze with other tools.")
    add = parser.add_argument
    add("--sections", default="files,startup", help=f"of {','.join(SECTIONS)}; or `all`")
    add("--profile", action="append", choices=PROFILES, help="default small-frames; repeatable")
    add("--size", default="500MB", help="of the generated files (default 500MB)")
    add("--file", action="append", type=Path, default=[], help="a capture of yours; repeatable")
    add("--files", type=Path, help="folder for generated files, reused (default: temporary)")
    add("--runs", type=int, default=3, help="after one warm-up (default 3)")
    add("--python", default=sys.executable, help="interpreter that has wsanalyze")
    add("--peers-python", default=sys.executable, help="one that has dpkt, scapy, pyshark")
    add("--pure-python", help="one whose wsanalyze has no compiled modules")
    add("--peers-only", action="store_true", help="leave our jobs out of `files`")
    add("--captures", type=Path, default=HERE.parent / "captures", help="for `startup`")
    add("--memory-sizes", default="500MB,4GB", help="for `memory`")
    add("--timeout", type=float, default=1800, help="seconds for each run (default 1800)")
    add("--json", type=Path, help="also write everything measured")
    options = parser.parse_args(arguments)
    options.profile = options.profile or ["small-frames"]
    # Commands run in a folder of their own: a path to an interpreter must not depend on it.
    for name in ("python", "peers_python", "pure_python"):
        setattr(options, name, absolute_program(getattr(options, name)))
    options.file = [file.resolve() for file in options.file]
    check_arguments(parser, options)
    return options


def absolute_program(program: str | None) -> str | None:
    """A program's path from the root, links kept (a venv's python is one); names stay names."""
    return str(Path(program).absolute()) if program and os.sep in program else program


def check_arguments(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Refuse what would fail only after minutes."""
    names = SECTIONS if options.sections == "all" else tuple(options.sections.split(","))
    if unknown := set(names) - set(SECTIONS):
        parser.error(f"unknown sections: {', '.join(sorted(unknown))}")
    options.sections = names
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    for size in (options.size, *options.memory_sizes.split(",")):
        try:
            parse_size(size)
        except ValueError as error:
            parser.error(str(error))
    for file in options.file:
        if not file.is_file():
            parser.error(f"no such file: {file}")


def main() -> int:
    """Run the sections asked for; tables to standard output, progress to standard error."""
    options = parse_arguments()
    # End on a TERM as on Ctrl-C: the running command ended, temporary files removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sections = {
        "files": section_files,
        "startup": section_startup,
        "memory": section_memory,
        "pure": section_pure,
    }
    with tempfile.TemporaryDirectory(prefix="wsanalyze-bench-") as scratch:
        options.files = (options.files or Path(scratch)).resolve()
        options.files.mkdir(parents=True, exist_ok=True)
        bench = Bench(options, Path(scratch))
        facts = machine(bench)
        print("".join(f"- {name}: {value}\n" for name, value in facts.items()))
        tables = []
        for name in options.sections:
            for table in sections[name](bench):
                print(table.text(), flush=True)
                tables.append(table)
    if options.json:
        result = {"machine": facts, "tables": [table.as_json() for table in tables]}
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
