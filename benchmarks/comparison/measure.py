"""Runs a command and measures the whole process: wall time, peak memory, exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

# ru_maxrss counts KiB on Linux and bytes on macOS.
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Measurement:
    """One run."""

    seconds: float
    """Wall time from before the start to after the end of the process."""
    peak_bytes: int
    """Largest resident set of the process, or of the largest of its children."""
    status: int
    """Exit status; negative for a signal."""
    last_words: str
    """The last line on standard error."""


def measure(command: list[str], out: Path, timeout_s: float) -> Measurement:
    """Run `command` in the folder `out`, its standard output to a file there.

    Raises FileNotFoundError where there is no such program. After `timeout_s` the process and its
    children are killed; that shows as status -9.
    """
    errors = out / "stderr"
    with (out / "stdout").open("wb") as stdout, errors.open("wb") as stderr:
        begin = time.perf_counter()
        # A session of its own, so that the time limit ends its children too.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd=out,
            start_new_session=True,
        )
        timer = threading.Timer(timeout_s, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            # Ctrl-C: the command has a session of its own and did not hear it.
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            timer.cancel()
        seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss * MAXRSS_UNIT
    return Measurement(seconds, peak, process.returncode, last_line(errors))


def last_line(path: Path) -> str:
    """The last line of a text file that is not empty, at most 200 characters."""
    lines = path.read_text(errors="replace").split("\n")
    return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "")
