"""`wsanalyze live` on what somebody pipes in: events at once, ends, signals, exit statuses."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pytest
from test_tls import keylog_of, without_secrets

import wsanalyze
from cli.running import (
    CAPTURES,
    COMMAND,
    PLAIN,
    REFUSED,
    ROOT,
    SECONDS,
    assert_one_line,
    environment,
    run,
)
from wsanalyze.cli.live import FEW

CHAT = CAPTURES / "aiohttp-chat.pcapng"
# One with more messages than a terminal shows of a moment.
TALK = CAPTURES / "fifty-clients.pcap.gz"


@contextlib.contextmanager
def running(
    *arguments: object, program: Sequence[str] = COMMAND, **streams: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `wsanalyze live - ARGUMENTS` with an open pipe as its input; kill it in the end."""
    given = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(
        [*program, "live", "-", *map(str, arguments)],
        cwd=ROOT,
        **{"env": environment()} | given | streams,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(BrokenPipeError):
                if stream is not None:
                    stream.close()


def feed(process: subprocess.Popen[bytes], capture: Path) -> None:
    assert process.stdin is not None
    process.stdin.write(capture.read_bytes())
    process.stdin.flush()


def piped(capture: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    with capture.open("rb") as file:
        return subprocess.run(
            [*COMMAND, "live", "-", *map(str, arguments)],
            stdin=file,
            capture_output=True,
            encoding="utf-8",
            env=environment(),
            cwd=ROOT,
            timeout=SECONDS,
            check=False,
        )


def until_written(path: Path, size: int) -> None:
    """Wait until the packets that came were read and kept."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if path.exists() and path.stat().st_size >= size:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} does not grow")


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def lines_until(stream: IO[bytes] | None, word: bytes) -> bytes:
    """Read lines until one has the word."""
    assert stream is not None
    read = b""
    for line in stream:
        read += line
        if word in line:
            return read
    raise AssertionError(read)


def test_each_event_is_an_object_with_the_columns_of_the_tables() -> None:
    done = piped(PLAIN, "-f", "jsonl", "-q")
    assert (done.returncode, done.stderr) == (0, "")
    events = objects(done.stdout)
    assert [each["event"] for each in events][:3] == ["requested", "established", "message"]
    assert [each["event"] for each in events][-2:] == ["ended", "summary"]
    analysis = wsanalyze.analyze(PLAIN)
    messages = [each for each in events if each.pop("event") == "message"]
    expected = io.BytesIO()
    analysis.export(expected, table="messages", format="jsonl")
    written = sorted(messages, key=lambda each: (each["connection"], each["message"]))
    assert written == objects(expected.getvalue().decode())


def test_the_end_of_a_connection_has_its_row() -> None:
    told = objects(piped(CHAT, "-f", "jsonl").stdout)
    ended = [each | {"capture": str(CHAT)} for each in told if each["event"] == "ended"]
    expected = io.BytesIO()
    wsanalyze.analyze(CHAT).export(expected, table="connections", format="jsonl")
    for row, event in zip(objects(expected.getvalue().decode()), ended, strict=True):
        assert {name: event[name] for name in row} == row


def test_events_can_be_chosen() -> None:
    done = piped(REFUSED, "-f", "jsonl", "--events", "refused,ended")
    assert {each["event"] for each in objects(done.stdout)} == {"refused", "ended", "summary"}


def test_what_is_no_event_is_refused() -> None:
    assert_one_line(run("live", "-", "--events", "messages"), 2, "messages", "message, close")
    # It is none to choose.
    assert_one_line(run("live", "-", "--events", "ended,summary"), 2, "the summary comes always")


def test_without_a_terminal_the_log_is_plain_lines_and_a_summary() -> None:
    done = piped(PLAIN)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "requested ws://" in done.stdout
    assert "ended client-close 4000" in done.stdout
    assert "received" in done.stdout
    assert "dropped" in done.stdout
    assert [line for line in done.stdout.splitlines() if line != line.rstrip()] == []


def test_without_a_terminal_every_message_has_its_line(tmp_path: Path) -> None:
    unpacked = tmp_path / "unpacked.pcap"
    unpacked.write_bytes(gzip.decompress(TALK.read_bytes()))
    shown = re.findall(
        r"^[\d:.]{12} +#\d+  [↑↓] (?:text|binary) ", piped(unpacked).stdout, re.MULTILINE
    )
    assert len(shown) == len(wsanalyze.analyze(TALK).messages) > FEW


def test_what_was_captured_cannot_steer_a_terminal() -> None:
    done = piped(CAPTURES / "odd-habits.pcapng")
    assert done.stdout.replace("\n", "").isprintable()


def test_events_come_while_the_input_is_open() -> None:
    with running("-f", "jsonl") as process:
        feed(process, PLAIN)
        read = lines_until(process.stdout, b'"close"')
        assert b'"requested"' in read
        assert process.poll() is None


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_it_with_all_that_was_received(number: int, status: int) -> None:
    with running("-f", "jsonl") as process:
        feed(process, PLAIN)
        lines_until(process.stdout, b'"close"')
        process.send_signal(number)
        rest, errors = process.communicate(timeout=SECONDS)
        assert process.returncode == status
    events = objects(rest.decode())
    assert [each["event"] for each in events][-2:] == ["ended", "summary"]
    assert b"received: " in errors
    assert b"Traceback" not in errors


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_it_in_the_background_of_a_script_too(number: int, status: int) -> None:
    """Shells start with SIGINT ignored there."""
    with running("-f", "jsonl", program=ignoring(signal.SIGINT, signal.SIGTERM)) as process:
        feed(process, PLAIN)
        lines_until(process.stdout, b'"close"')
        process.send_signal(number)
        rest, _ = process.communicate(timeout=SECONDS)
        assert process.returncode == status
    assert objects(rest.decode())[-1]["event"] == "summary"


INTERRUPTED_EARLY = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.{before})
sys.meta_path.insert(0, Interrupting())
sys.argv = ["wsanalyze", "live", "-"]
from wsanalyze.cli.main import main
sys.exit(main())
"""


@pytest.mark.parametrize("before", ["SIG_IGN", "default_int_handler"])
@pytest.mark.parametrize("module", ["wsanalyze.cli.commands", "wsanalyze.monitoring.session"])
def test_a_signal_that_comes_while_it_starts_ends_it(module: str, before: str) -> None:
    program = INTERRUPTED_EARLY.format(module=module, before=before)
    done = subprocess.run(
        [sys.executable, "-c", program],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment(),
        cwd=ROOT,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, b"")
    assert done.stderr == b"wsanalyze: interrupted\n"


def test_what_nohup_has_switched_off_stays_so() -> None:
    with running("-f", "jsonl", program=ignoring(signal.SIGHUP)) as process:
        feed(process, PLAIN)
        lines_until(process.stdout, b'"close"')
        status = Path(f"/proc/{process.pid}/status").read_text()
        (ignored,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigIgn:")]
        assert int(ignored, 16) & 1 << (signal.SIGHUP - 1)


def ignoring(*numbers: int) -> list[str]:
    """Return the command, started with signals ignored."""
    names = " ".join(signal.Signals(number).name.removeprefix("SIG") for number in numbers)
    return ["/bin/sh", "-c", f"""trap '' {names}; exec "$@\"""", "sh", *COMMAND]


def test_a_second_ctrl_c_ends_it_at_once() -> None:
    read, write = os.pipe()
    # Nobody reads what it writes: it waits in a write, where nothing but a signal wakes it.
    os.set_blocking(write, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write, bytes(65536))
    os.set_blocking(write, True)
    with running("-f", "jsonl", stdout=write) as process:
        feed(process, PLAIN)
        deadline = time.monotonic() + SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        assert process.returncode in (130, -signal.SIGINT)
    os.close(read)
    os.close(write)


def test_a_connection_that_is_silent_for_long_ends() -> None:
    with running("-q", "--idle", 1) as process:
        feed(process, CAPTURES / "capture-ends-open.pcap")
        assert b"ended idle" in lines_until(process.stdout, b"ended")
    assert_one_line(run("live", "-", "--idle", "0.5"), 2, "--idle", "0.5")


def test_a_reader_that_leaves_ends_it_quietly() -> None:
    with running("-f", "jsonl", "-q") as process:
        assert process.stdout is not None
        feed(process, PLAIN)
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        with contextlib.suppress(BrokenPipeError):
            for _ in range(50):
                feed(process, CAPTURES / "keepalive.pcap")
        _, errors = process.communicate(timeout=SECONDS)
        assert process.returncode == 141
        assert errors == b""


def test_tables_grow_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    done = piped(CHAT, "-o", folder)
    assert done.returncode == 0
    assert f"tablesin{folder}" in "".join(done.stdout.split())
    assert len(pd.read_parquet(folder / "connections")) == 2
    again = piped(CHAT, "-o", folder)
    assert_one_line(again, 2, str(folder), "has tables already")


def test_a_standard_output_that_is_full_is_one_line() -> None:
    if not os.access("/dev/full", os.W_OK):
        pytest.skip("there is no /dev/full")
    with PLAIN.open("rb") as file, Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "live", "-", "-f", "jsonl"],
            stdin=file,
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            timeout=SECONDS,
            check=False,
        )
    assert done.returncode == 74
    assert b"No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_stream_that_is_cut_was_read_in_part(tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(CHAT.read_bytes()[:-10])
    done = piped(cut, "-f", "jsonl")
    assert done.returncode == 4
    assert objects(done.stdout)[-1]["event"] == "summary"


def test_what_is_no_capture_is_one_line(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no capture")
    assert_one_line(piped(text, "-q"), 3, "not a capture")


def test_an_interface_that_is_not_there_is_one_line() -> None:
    assert_one_line(run("live", "nosuch0"), 3, "nosuch0", "--list")


def test_an_interface_is_to_be_named() -> None:
    assert_one_line(run("live"), 2, "--list")


@pytest.mark.parametrize("option", ["--duration", "--idle", "--rotate-size", "--rotate-time"])
@pytest.mark.parametrize("value", ["nan", "inf", "0", "-1"])
def test_what_cannot_be_counted_to_is_refused(option: str, value: str) -> None:
    assert_one_line(run("live", "nosuch0", "-w", "kept.pcapng", option, value), 2, option, value)


def test_packets_do_not_go_where_the_log_goes() -> None:
    assert_one_line(run("live", "nosuch0", "-w", "-"), 2, "-w -", "name a file")


@pytest.mark.parametrize("how", ["the path", "a link", "another name of standard input"])
def test_packets_do_not_go_where_they_come_from(how: str, tmp_path: Path) -> None:
    capture, link = tmp_path / "capture.pcapng", tmp_path / "link.pcapng"
    capture.write_bytes(CHAT.read_bytes())
    link.symlink_to(capture)
    name = {"the path": capture, "a link": link}.get(how, Path("/dev/stdin"))
    assert_one_line(piped(capture, "-w", name), 2, str(name), "name another file")
    assert capture.read_bytes() == CHAT.read_bytes()


def test_nor_where_secrets_or_the_events_are(tmp_path: Path) -> None:
    log = tmp_path / "keys.log"
    log.write_bytes(b"# secrets\n")
    assert_one_line(piped(CHAT, "-w", log, "--keylog", log), 2, "keys.log", "name another file")
    assert log.read_bytes() == b"# secrets\n"
    assert_one_line(piped(CHAT, "-w", "/dev/stdout"), 2, "/dev/stdout", "name another file")


@pytest.mark.parametrize("option", ["-o", "-w"])
def test_what_cannot_be_written_is_told_of_at_once(option: str, tmp_path: Path) -> None:
    """As of every command's output."""
    (tmp_path / "file").touch()
    done = piped(CHAT, option, tmp_path / "file" / "kept")
    assert_one_line(done, 74, "file/kept", "Not a directory")


def test_the_interfaces_are_listed() -> None:
    done = run("live", "--list")
    assert (done.returncode, done.stderr) == (0, "")
    assert any(line.split()[0] == "lo" for line in done.stdout.splitlines())


def test_a_number_of_packets_ends_it_and_what_came_beyond_them_is_counted() -> None:
    done = piped(CHAT, "-f", "jsonl", "--count", 10)
    assert done.returncode == 0
    summary = objects(done.stdout)[-1]
    assert (summary["packets"], summary["analysed"]) == (10, 10)
    assert summary["received"] > 10
    beyond = f"{summary['received'] - 10} more came before the capturing stopped"
    said = [line for line in done.stderr.splitlines() if "analysed: " in line]
    assert said == [f"wsanalyze: analysed: 10 packets: --count ended it; {beyond}"]


def test_of_packets_that_are_kept_there_are_no_more_than_are_analysed(tmp_path: Path) -> None:
    kept = tmp_path / "kept.pcapng"
    done = piped(CHAT, "--count", 10, "-w", kept)
    assert done.returncode == 0
    assert int(wsanalyze.analyze(kept).summary.packets.iloc[0]) == 10


def test_all_that_is_received_is_analysed_where_it_does_not_end_by_a_number_of_packets() -> None:
    for options in ([], ["--count", 1_000_000]):
        done = piped(CHAT, "-f", "jsonl", *options)
        summary = objects(done.stdout)[-1]
        assert summary["analysed"] == summary["received"] == summary["packets"]
        assert "analysed" not in done.stderr


@pytest.mark.parametrize("how", ["it is empty", "it is not there", "SSLKEYLOGFILE names it"])
def test_a_key_log_that_is_written_after_the_session_began(how: str, tmp_path: Path) -> None:
    """The client's flight and its server's are there already when its lines come."""
    wss, log = CAPTURES / "chat-wss.pcapng", tmp_path / "keys.log"
    if how == "it is empty":
        log.write_bytes(b"")
    capture = without_secrets(wss.read_bytes())
    half = len(capture) // 2
    options = ["-f", "jsonl", "-w", tmp_path / "kept.pcapng"]
    usual = {}
    if how == "SSLKEYLOGFILE names it":
        usual = {"env": environment(SSLKEYLOGFILE=str(log))}
    else:
        options += ["--keylog", log]
    with running(*options, **usual) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(capture[:half])
        process.stdin.flush()
        until_written(tmp_path / "kept.pcapng", half // 2)
        log.write_bytes(keylog_of(wss))
        process.stdin.write(capture[half:])
        process.stdin.close()
        rows = objects(process.stdout.read().decode())
        assert process.stderr is not None
        waits = f"wsanalyze: key log {log}: is not there yet; it is read when it is\n"
        assert (waits.encode() in process.stderr.read()) == (how != "it is empty")
    expected = objects(piped(wss, "-f", "jsonl").stdout)
    said = [[row for row in each if row["event"] == "message"] for each in (rows, expected)]
    assert said[0] == said[1]
    assert len(said[0]) == 14
