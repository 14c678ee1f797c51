"""The process between us and dumpcap, with a shell script in its place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.live import processes_of, until

from wsanalyze.capture.dumpcap import LEASH

SCRIPT = """#!/bin/sh
trap 'echo stopped "$@"; exit 3' INT
echo its words >&2
echo started "$@"
while :; do sleep 0.05; done
"""


@pytest.fixture
def leash(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    program = tmp_path / "program"
    program.write_text(SCRIPT)
    program.chmod(0o755)
    order = {"command": [str(program), "-w", "-"], "interfaces": [["-i", "lo"], ["-i", "eth0"]]}
    with subprocess.Popen(
        [sys.executable, "-I", "-S", str(LEASH), json.dumps(order), str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    ) as child:
        yield child
        if child.stdin is not None:
            child.stdin.close()
        until(lambda: not processes_of(child.pid))


def say(child: subprocess.Popen[bytes], line: str) -> None:
    assert child.stdin is not None
    child.stdin.write(line.encode() + b"\n")


def heard(child: subprocess.Popen[bytes]) -> bytes:
    assert child.stdout is not None
    return child.stdout.readline()


def test_it_starts_and_stops_as_often_as_it_is_told(leash: subprocess.Popen[bytes]) -> None:
    assert leash.stderr is not None
    say(leash, "run 1 0")
    assert heard(leash) == b"started -w - -i eth0 -i lo\n"
    # Nothing is started twice.
    say(leash, "run 0")
    say(leash, "stop")
    assert heard(leash) == b"stopped -w - -i eth0 -i lo\n"
    assert leash.stderr.readline() == b"its words\n"
    assert leash.stderr.readline() == b"\0 3\n"
    say(leash, "stop")
    say(leash, "nonsense")
    say(leash, "run 0")
    assert heard(leash) == b"started -w - -i lo\n"


def test_the_end_of_its_input_ends_both(leash: subprocess.Popen[bytes]) -> None:
    say(leash, "run 0")
    heard(leash)
    assert len(processes_of(leash.pid)) >= 2
    assert leash.stdin is not None
    leash.stdin.close()
    assert leash.wait(20) == 0


def test_a_program_that_cannot_be_started(leash: subprocess.Popen[bytes], tmp_path: Path) -> None:
    assert leash.stderr is not None
    (tmp_path / "program").unlink()
    say(leash, "run 0")
    assert leash.stderr.readline() == b"dumpcap: cannot be started: No such file or directory\n"
    assert leash.stderr.readline() == b"\0 127\n"
