"""The frame around every command: exit statuses, streams, errors of one line."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from cli.running import COMMAND, PLAIN, ROOT, assert_one_line, environment, run
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


@pytest.mark.parametrize(("given", "found"), [({}, "1"), ({"OPENBLAS_NUM_THREADS": "2"}, "2")])
def test_no_threads_for_linear_algebra(given: dict[str, str], found: str) -> None:
    """Unless somebody wants them; a program that calls `main` with arguments is left alone."""
    program = (
        "import os, sys; from wsanalyze.cli.main import main\n"
        "sys.argv = ['wsanalyze', '--version']; name = 'OPENBLAS_NUM_THREADS'\n"
        "before = os.environ.get(name); main(['--version'])\n"
        "assert os.environ.get(name) == before\n"
        "main(); print(os.environ[name])"
    )
    inherited = {k: v for k, v in environment().items() if k != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=inherited | given,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == found


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


def test_several_of_which_some_can_be_read(tmp_path: Path) -> None:
    text, missing, empty = tmp_path / "bad.txt", tmp_path / "missing.pcap", tmp_path / "empty"
    text.write_text("hello there")
    empty.mkdir()
    done = run(text, missing, PLAIN, empty)
    assert done.returncode == 4
    assert "established" in done.stdout
    lines = done.stderr.splitlines()
    for line, path, what in zip(
        lines,
        (text, missing, empty),
        ("byte 0: not a capture: text", "no such file", "a directory without captures"),
        strict=True,
    ):
        assert line.startswith(f"wsanalyze: {path}: {what}")
        assert what.split(":")[-1] in done.stdout
    none = run(text, missing, empty)
    assert (none.returncode, none.stdout, none.stderr) == (3, "", done.stderr)
    quiet = run("-q", text, PLAIN)
    assert (quiet.returncode, quiet.stderr) == (4, "")
    table = tmp_path / "t.csv"
    assert run("export", text, PLAIN, "-t", "summary", "-o", table).returncode == 4
    assert [line.split(",")[0] for line in table.read_text().splitlines()[1:]] == [
        str(text),
        str(PLAIN),
    ]


def test_standard_input_is_read_once() -> None:
    assert_one_line(run("-", PLAIN, "-"), 2, "standard input is named twice")


def with_streams(redirections: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run wsanalyze from a shell, which can close streams."""
    words = " ".join(shlex.quote(str(word)) for word in (*COMMAND, *arguments))
    return subprocess.run(
        ["sh", "-c", f"{words} {redirections}"],
        capture_output=True,
        encoding="utf-8",
        env=environment(),
        cwd=ROOT,
        timeout=60,
        check=False,
    )


def test_standard_input_is_closed() -> None:
    assert_one_line(with_streams("<&-", "-"), 3, "standard input: is closed")


@pytest.mark.parametrize(
    "arguments",
    [
        ["summary", PLAIN],
        ["summary", PLAIN, "-f", "json"],
        ["export", PLAIN, "-t", "frames"],
        ["export", PLAIN, "-t", "frames", "-f", "parquet"],
        ["--version"],
        ["--help"],
        ["doctor"],
    ],
)
def test_standard_output_that_cannot_be_written(arguments: list[object]) -> None:
    if Path("/dev/full").exists():
        assert_one_line(with_streams(">/dev/full", *arguments), 74, "No space left on device")
    assert_one_line(with_streams(">&-", *arguments), 74, "standard output is closed")


def test_without_standard_error_nobody_is_told(tmp_path: Path) -> None:
    done = with_streams("2>&-", "nothing.pcap")
    assert (done.returncode, done.stdout) == (3, "")
    path = tmp_path / "frames.csv"
    assert with_streams(">&- 2>&-", "export", PLAIN, "-o", path, "-t", "frames").returncode == 0
    assert path.read_text().startswith("connection,")


def test_a_standard_error_that_is_full_changes_nothing_else(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    done = with_streams("2>/dev/full", "nothing.pcap")
    assert (done.returncode, done.stdout) == (3, "")
    assert with_streams(">/dev/full 2>/dev/full", "doctor").returncode == 74
    path = tmp_path / "frames.csv"
    assert with_streams("2>/dev/full", "export", PLAIN, "-o", path, "-t", "frames").returncode == 0
    assert path.read_text().startswith("connection,")
    assert with_streams("2>/dev/full", "--nonsense").returncode == 2


def test_a_full_disk() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    for how in (["-t", "frames"], ["-t", "frames", "-f", "arrow"], ["-f", "sqlite"]):
        done = run("export", PLAIN, *how, "-o", "/dev/full")
        assert_one_line(done, 74, "full" if "sqlite" in how else "No space left on device")


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
        wait_for_sleep(process.pid, process.stdin.fileno())
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.decode() == "wsanalyze: interrupted: this is what was read until then\n"
    assert b"1 established; 18 frames" in output


def wait_for_sleep(process: int, pipe: int) -> None:
    """Wait until a process has read a pipe empty and waits for more."""
    status = Path(f"/proc/{process}/stat")
    if not status.exists():
        time.sleep(3)
        return
    for _ in range(1000):
        left = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0\0\0\0"))[0]
        if not left and status.read_text().rpartition(")")[2].split()[0] == "S":
            return
        time.sleep(0.01)
    raise AssertionError("the pipe is not read")


def test_a_pipe_with_a_name_that_is_still_written(tmp_path: Path) -> None:
    path = tmp_path / "live.pcapng"
    os.mkfifo(path)
    data = PLAIN.read_bytes()
    with subprocess.Popen(
        [*COMMAND, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        with path.open("wb", buffering=0) as file:
            file.write(data[:1000])
            wait_for_sleep(process.pid, file.fileno())
            file.write(data[1000:])
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, b"")
    assert b"1 established; 18 frames" in output


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


def test_memory_that_does_not_suffice_is_no_internal_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_arguments: list[str]) -> int:
        raise MemoryError

    monkeypatch.setattr(entry, "_run", fail)
    assert entry.main(["x"]) == 71
    assert capsys.readouterr().err == (
        "wsanalyze: not enough memory for what was asked; `summary` and `check` need little\n"
    )


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
