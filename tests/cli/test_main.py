"""The frame around every command: exit statuses, streams, errors of one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.running import COMMAND, PLAIN, assert_one_line, environment, run
from wsanalyze.cli import main as entry


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version(flag: str) -> None:
    done = run(flag)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("wsanalyze 0.")
    assert "compiled" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--version"], {"click", "rich", "numpy", "pandas", "pyarrow", "typing"}),
        (["--help"], {"rich", "numpy", "pandas", "pyarrow"}),
        (["summary", str(PLAIN)], {"numpy", "pandas", "pyarrow"}),
        (["summary", str(PLAIN), "--where", "status == 101"], {"numpy", "pandas", "pyarrow"}),
    ],
)
def test_what_is_not_imported(arguments: list[str], absent: set[str]) -> None:
    program = (
        "import sys; from wsanalyze.cli.main import main; status = main(sys.argv[1:]);"
        "print(*sys.modules, file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program, *arguments]
        if arguments == ["--version"]
        else [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
    )
    assert not absent & set(done.stderr.split())


def test_help_names_every_command() -> None:
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for command in ("summary", "export", "doctor"):
        assert f"  {command} " in done.stdout
        assert run(command, "--help").returncode == 0


def test_no_arguments_are_wrong_usage() -> None:
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage:" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["frobnicate"], "no such command or file: frobnicate"),
        (["--frobnicate"], "--frobnicate"),
        (["summary"], "CAPTURE"),
        (["summary", "--frobnicate", PLAIN], "--frobnicate"),
        (["summary", PLAIN, "-f", "yaml"], "yaml"),
        (["summary", PLAIN, "-c", "-1"], "-1"),
        (["summary", PLAIN, "-c", "x"], "x"),
        (["summary", PLAIN, "--where", "colour == 1"], "no column colour"),
        (["summary", PLAIN, "--limit", "colour=1"], "is no limit"),
        (["summary", PLAIN, "--limit", "flows=0"], "positive"),
        (["summary", PLAIN, "--limit", "flows=٣"], "positive"),
        (["summary", PLAIN, "--limit", "flows"], "positive"),
    ],
)
def test_wrong_usage(arguments: list[object], word: str) -> None:
    assert_one_line(run(*arguments), 2, word)


def test_what_strangers_write_is_escaped_in_errors() -> None:
    assert_one_line(run("summary", "\x1b[31m\u202e.pcap"), 3, "\\x1b[31m\\u202e.pcap")


def test_not_there() -> None:
    assert_one_line(run("missing.pcap"), 3, "missing.pcap")


def test_not_a_capture(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(b"this is no capture, and never was one")
    assert_one_line(run(path), 3, str(path))


def test_read_in_part(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcapng"
    path.write_bytes(PLAIN.read_bytes()[:-50])
    done = run(path)
    assert done.returncode == 4
    assert "established" in done.stdout
    assert done.stderr.startswith(f"wsanalyze: {path}: ")
    assert done.stderr.count("\n") == 1
    quiet = run("-q", path)
    assert (quiet.returncode, quiet.stderr) == (4, "")


def test_a_reader_that_left_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    for arguments in (
        ["summary"],
        ["export", "-t", "frames"],
        ["export", "-t", "frames", "-f", "parquet"],
    ):
        done = subprocess.run(
            [*COMMAND, *arguments, str(PLAIN)],
            stdout=writing,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
        )
        assert (done.returncode, done.stderr) == (141, b"")
    os.close(writing)


def test_ctrl_c_delivers_what_was_read() -> None:
    data = PLAIN.read_bytes()
    with subprocess.Popen(
        [*COMMAND, "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdin is not None
        process.stdin.write(data)
        process.stdin.flush()
        # Until it waits for more, there is nothing to see from outside.
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.decode().startswith("wsanalyze: interrupted")
    assert b"Traceback" not in errors
    assert b"capture" in output


@pytest.mark.parametrize("verbose", [False, True])
def test_an_internal_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verbose: bool
) -> None:
    def fail(_arguments: list[str]) -> int:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(entry, "_run", fail)
    assert entry.main(["x", "-v"] if verbose else ["x"]) == 70
    shown = capsys.readouterr().err
    assert "internal error, please report it: RuntimeError: two lines" in shown
    assert ("Traceback" in shown) is verbose
    assert verbose or shown.count("\n") == 1


def test_a_terminal_without_unicode() -> None:
    done = run(PLAIN, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u2192" in done.stdout


def test_no_traceback_when_interrupted_early(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "_run", interrupt)
    assert entry.main(["x"]) == 130
    assert capsys.readouterr().err == "wsanalyze: interrupted\n"
