"""The command line as a user has it: a process, its two streams, its exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import wsanalyze

ROOT = Path(__file__).parents[2]
CAPTURES = ROOT / "captures"
PLAIN = CAPTURES / "websockets-plain.pcapng"
REFUSED = CAPTURES / "refused-upgrades.pcapng"

# The package that the tests import, installed or not, and never the checkout just because of `-m`.
PACKAGE = Path(wsanalyze.__file__).parents[1]
# What is kept of our environment; the last ones are for kernels with sanitizers (`sanitize.py`).
KEPT = ("PATH", "HOME", "LD_PRELOAD", "PYTHONMALLOC", "ASAN_OPTIONS", "UBSAN_OPTIONS")
# Until a test says that something hangs: on a busy machine a start alone may take half a minute.
SECONDS = 180
COMMAND = [sys.executable, "-P", "-m", "wsanalyze"]


def environment(**changes: str) -> dict[str, str]:
    """Return an environment in which the package is found and nothing else is set by chance."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | {"PYTHONPATH": str(PACKAGE)} | changes


def run(*arguments: object, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run wsanalyze with the arguments and with changes of the environment."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        env=environment(**changes),
        cwd=ROOT,
        timeout=SECONDS,
        check=False,
    )


def assert_one_line(done: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    """Assert that a run failed with `status` and one line on stderr that has the words."""
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    assert done.stderr.startswith("wsanalyze: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr
