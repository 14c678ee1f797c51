"""Options that mean the same everywhere."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cli.running import COMMAND, PLAIN, environment, run
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


@pytest.mark.parametrize("command", ["summary", "check", "export", "explain", "report", "live"])
def test_no_command_makes_the_file_that_programs_log_their_secrets_to(
    command: str, tmp_path: Path
) -> None:
    """pyarrow brings a libcurl, which would: as root one that nobody else may write to."""
    log = tmp_path / "keys.log"
    arguments: list[object] = ["-" if command == "live" else PLAIN, "-q"]
    if command in ("export", "report", "live"):
        arguments += ["-o", tmp_path / "written"]
    with PLAIN.open("rb") as stream:
        done = subprocess.run(
            [*COMMAND, command, *map(str, arguments)],
            stdin=stream,
            stdout=subprocess.DEVNULL,
            env=environment(SSLKEYLOGFILE=str(log)),
            timeout=60,
            check=False,
        )
    assert done.returncode in (0, 1)
    assert not log.exists()
