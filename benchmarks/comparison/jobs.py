"""The commands that are compared: ours and the peers'.

In a command, `{file}` is the capture, `{out}` an empty folder for what is written, `{python}` our
interpreter, `{peers_python}` the peers', `{peers}` the folder of the peers' scripts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

OURS = ("{python}", "-m", "wsanalyze")
TSHARK_FIELDS = ("frame.number", "websocket.opcode", "websocket.payload_length", "websocket.mask")

SUMMARY = "summary"
FRAMES_CSV = "export frames csv"


@dataclass(frozen=True)
class Job:
    """One command."""

    name: str
    command: tuple[str, ...]
    packets: int | None = None
    """Run on this many packets from the start of the file, for what is too slow for all of it."""
    accepted: frozenset[int] = frozenset({0})
    """Exit statuses that mean it did its work."""
    module: str | None = None
    """The Python module that the peer's interpreter must have."""


def ours(name: str, *arguments: str, accepted: frozenset[int] = frozenset({0})) -> Job:
    """One of our commands."""
    return Job(name, (*OURS, *arguments), accepted=accepted)


def export(table: str, file_format: str) -> Job:
    """Our export of one table to one file."""
    output = f"{{out}}/{table}.{file_format}"
    arguments = ("export", "{file}", "-t", table, "-f", file_format, "-o", output)
    return ours(f"export {table} {file_format}", *arguments)


def script(module: str, packets: int) -> Job:
    """A peer that is a Python library: its script in `peers/`, on a slice."""
    command = ("{peers_python}", f"{{peers}}/{module}_frames.py", "{file}")
    return Job(module, command, packets=packets, module=module)


def tshark(*fields: str) -> tuple[str, ...]:
    """tshark's command for these fields of the packets with WebSocket in them."""
    chosen = [part for field in fields for part in ("-e", field)]
    return ("tshark", "-n", "-r", "{file}", "-Y", "websocket", "-T", "fields", *chosen)


def pure(job: Job) -> Job:
    """One of our commands, by the interpreter without compiled modules."""
    command = tuple("{pure_python}" if part == "{python}" else part for part in job.command)
    return replace(job, name=f"pure {job.name}", command=command)


OUR_JOBS = (
    ours(SUMMARY, "summary", "{file}"),
    export("frames", "parquet"),
    export("frames", "csv"),
    export("messages", "parquet"),
    # 1: it found something, which is its work.
    ours("check", "check", "{file}", accepted=frozenset({0, 1})),
)

PEER_JOBS = (
    Job("tshark fields", tshark(*TSHARK_FIELDS)),
    Job("tcpflow", ("tcpflow", "-r", "{file}", "-o", "{out}")),
    Job("capinfos -c", ("capinfos", "-c", "{file}")),
    Job("tcpdump -w", ("tcpdump", "-n", "-r", "{file}", "-w", "/dev/null")),
)

# Packets in a slice: some seconds of work for each.
SLOW_JOBS = (script("dpkt", 400_000), script("scapy", 50_000), script("pyshark", 30_000))

STARTUP_JOBS = (
    ours("wsanalyze --version", "--version"),
    Job("python -c pass", ("{python}", "-c", "pass")),
    ours("summary", "summary", "{file}"),
    Job("tshark fields", tshark(*TSHARK_FIELDS)),
)

# The jobs that the others' times are divided by, in tables that have them.
AGAINST = (SUMMARY, FRAMES_CSV, f"pure {SUMMARY}", f"pure {FRAMES_CSV}")

MEMORY_JOBS = (ours(SUMMARY, "summary", "{file}"),)

PURE_JOBS = (
    pure(ours(SUMMARY, "summary", "{file}")),
    pure(export("frames", "csv")),
    ours(SUMMARY, "summary", "{file}"),
    Job("pyshark", ("{peers_python}", "{peers}/pyshark_frames.py", "{file}"), module="pyshark"),
)
