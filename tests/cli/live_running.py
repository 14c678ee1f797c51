"""`wsanalyze live` as a process that captures on interfaces, and what it leaves."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.live import processes_of

from cli.running import COMMAND, SECONDS, environment
from wsanalyze.capture.source import open_capture

SOURCES = ("dumpcap", "socket")
# Of one round of talking: connections that end, and messages.
ENDED, MESSAGES = 8, 62
# The same command, but parts of tables are written all the time.
OFTEN = """
import sys
from wsanalyze.monitoring import session
session.PART = 0.05
from wsanalyze.cli.main import main
sys.exit(main())
"""


class Running:
    """The command, which captures by now; what it prints goes to files."""

    def __init__(self, folder: Path, *arguments: object, program: list[str] | None = None) -> None:
        self.output, self.errors = folder / "printed", folder / "said"
        with self.output.open("wb") as output, self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [*(program or COMMAND), "live", *map(str, arguments)],
                stdout=output,
                stderr=errors,
                env=environment(),
                start_new_session=True,
            )
        self.until(lambda: b"Ctrl-C ends it" in self.errors.read_bytes())

    def until(self, condition: Any) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert self.process.poll() is None or condition(), self.errors.read_text()
            assert time.monotonic() < deadline, self.errors.read_text()
            time.sleep(0.02)

    def until_told(self, count: int, kind: str) -> None:
        self.until(
            lambda: self.output.read_bytes().count(b'"event": "%b"' % kind.encode()) >= count
        )

    def child(self, name: str) -> int:
        """Return the number of a process that it started: `dumpcap`, or `python` for the leash."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        (leash,) = map(int, children.split())
        if name == "leash":
            return leash
        return int(Path(f"/proc/{leash}/task/{leash}/children").read_text())

    def end(self, how: signal.Signals = signal.SIGTERM) -> list[dict[str, Any]]:
        """End it by a signal; return the events."""
        self.process.send_signal(how)
        return self.ended()

    def ended(self) -> list[dict[str, Any]]:
        self.process.wait(SECONDS)
        return [json.loads(line) for line in self.output.read_text().splitlines()]


@contextlib.contextmanager
def live(folder: Path, *arguments: object, program: list[str] | None = None) -> Iterator[Running]:
    running = Running(folder, *arguments, program=program)
    leash = [each for each in children_of(running.process.pid) if each]
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()
        for number in leash:
            wait_until_gone(number)


def children_of(process: int) -> list[int]:
    return [
        int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()
    ]


def wait_until_gone(session: int) -> None:
    """Wait until nothing is left of a leash and what it holds."""
    deadline = time.monotonic() + SECONDS
    while left := processes_of(session):
        assert time.monotonic() < deadline, f"processes {left} outlive the command"
        time.sleep(0.05)


def of(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [each for each in events if each["event"] == kind]


def packets_of(*paths: Path) -> list[tuple[int, bytes]]:
    """Return the time and bytes of each packet in files."""
    found = []
    for path in paths:
        with open_capture(path) as reader:
            while (batch := reader.next()) is not None:
                found += [(each[1], each[4]) for each in batch.packets()]
    return found
