"""Options that mean the same everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.running import PLAIN, run
from wsanalyze.cli.commands import COMMANDS
from wsanalyze.cli.options import limits_of
from wsanalyze.limits import Limits


def test_limits() -> None:
    assert limits_of(()) == Limits()
    assert limits_of((("flows", 5), ("head", 7), ("flows", 6))) == Limits(flows=6, head=7)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_what_means_the_same_everywhere(command: str, tmp_path: Path) -> None:
    arguments = [] if command in ("checks", "doctor") else [PLAIN]
    if command == "export":
        arguments += ["-t", "summary"]
    if command == "report":
        arguments += ["-o", str(tmp_path / "page.html")]
    if command == "live":
        arguments = ["--list"]
    done = run(command, *arguments, "-q", "-v", "--no-color")
    assert (done.returncode, done.stderr) == (0, "")
