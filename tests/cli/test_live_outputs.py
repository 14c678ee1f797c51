"""`wsanalyze live` whose outputs fail: each alone, told of in a line, and by the exit status."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import wsanalyze
from cli.running import CAPTURES, COMMAND, environment
from cli.test_live import feed, lines_until, running, until_written

CHAT = CAPTURES / "aiohttp-chat.pcapng"
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
FORMATS = (["-f", "text"], ["-f", "jsonl"])


@contextlib.contextmanager
def full_pipe() -> Iterator[int]:
    """Yield the end to write of a pipe that is full, and that nobody reads."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write, bytes(4096))
    os.set_blocking(write, True)
    try:
        yield write
    finally:
        os.close(read)
        os.close(write)


def shell(streams: str, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    """Run `wsanalyze live - ARGUMENTS < CHAT` with streams as a shell opens them."""
    command = ["/bin/sh", "-c", f'"$@" {streams}', "sh", *COMMAND, "live", "-"]
    with CHAT.open("rb") as file:
        return subprocess.run(
            [*command, *map(str, arguments)],
            stdin=file,
            capture_output=True,
            env=environment(),
            timeout=60,
            check=False,
        )


def assert_all_is_there(tables: Path, packets: Path) -> None:
    """Assert that tables and packets are those of a whole session, its open ends included."""
    given = wsanalyze.analyze(CHAT)
    for name in ("connections", "messages", "frames"):
        assert len(pd.read_parquet(tables / name)) == len(given.table(name))
    assert len(wsanalyze.analyze(packets).frames) == len(given.frames)
    assert pd.read_parquet(tables / "summary").packets.to_list() == given.summary.packets.to_list()


@pytest.mark.parametrize("how", FORMATS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_reader_that_does_not_read_cannot_keep_it_from_ending(
    how: list[str], number: int, tmp_path: Path
) -> None:
    tables, packets = tmp_path / "tables", tmp_path / "kept.pcapng"
    with full_pipe() as pipe, running(*how, "-o", tables, "-w", packets, stdout=pipe) as process:
        feed(process, CHAT)
        until_written(packets, CHAT.stat().st_size // 2)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 74
    lines = errors.decode().splitlines()
    assert lines[1] == (
        "wsanalyze: standard output: who reads it has stopped reading: nothing more is told there"
    )
    assert lines[2].startswith("wsanalyze: received: ")
    assert_all_is_there(tables, packets)


def test_nor_from_ending_after_a_time() -> None:
    with full_pipe() as pipe, running("-f", "jsonl", "--duration", 1, stdout=pipe) as process:
        feed(process, CHAT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 74
    assert b"has stopped reading" in errors


def test_nor_where_both_streams_go_there(tmp_path: Path) -> None:
    tables, packets = tmp_path / "tables", tmp_path / "kept.pcapng"
    options = ["-q", "-f", "jsonl", "-o", tables, "-w", packets]
    with full_pipe() as pipe, running(*options, stdout=pipe, stderr=pipe) as process:
        feed(process, CHAT)
        until_written(packets, CHAT.stat().st_size // 2)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 74
    assert_all_is_there(tables, packets)


def test_nor_a_terminal_that_is_stopped() -> None:
    """Nothing is written to it between Ctrl-S and Ctrl-Q."""
    master, slave = pty.openpty()
    with running(stdout=slave) as process:
        feed(process, CHAT)
        os.read(master, 1)
        termios.tcflow(slave, termios.TCOOFF)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 74
    assert b"has stopped reading" in errors
    os.close(master)
    os.close(slave)


def test_who_reads_late_gets_all_of_a_stream_that_ended() -> None:
    """A pager is read at leisure."""
    with running("-f", "jsonl", "-q") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        feed(process, CHAT)
        process.stdin.close()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(7)
        assert process.stdout.read().splitlines()[-1].startswith(b'{"event": "summary"')
        assert process.wait(60) == 0


@needs_full
@pytest.mark.parametrize("how", FORMATS)
@pytest.mark.parametrize("streams", [">/dev/full", ">&-"])
def test_a_standard_output_that_fails_costs_neither_tables_nor_packets(
    streams: str, how: list[str], tmp_path: Path
) -> None:
    tables, packets = tmp_path / "tables", tmp_path / "kept.pcapng"
    done = shell(streams, *how, "-o", tables, "-w", packets)
    assert done.returncode == 74
    lines = done.stderr.decode().splitlines()
    why = "No space left on device" if "full" in streams else "is closed"
    assert [why in line for line in lines].count(True) == 1
    assert any(line.startswith("wsanalyze: received: ") for line in lines)
    assert_all_is_there(tables, packets)


@needs_full
@pytest.mark.parametrize("how", FORMATS)
def test_where_nothing_else_is_kept_it_ends(how: list[str]) -> None:
    with FULL.open("wb") as full, running(*how, "-q", stdout=full) as process:
        feed(process, CHAT)
        # Its input stays open.
        assert process.wait(60) == 74
        assert process.stderr is not None
        assert process.stderr.read() == (
            b"wsanalyze: standard output: No space left on device: nothing more is told there\n"
        )


def test_a_reader_that_leaves_costs_neither_tables_nor_packets(tmp_path: Path) -> None:
    tables, packets = tmp_path / "tables", tmp_path / "kept.pcapng"
    with running("-f", "jsonl", "-o", tables, "-w", packets) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        feed(process, CHAT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 141
    assert len(errors.splitlines()) == 1
    assert_all_is_there(tables, packets)


@needs_full
@pytest.mark.parametrize("streams", ["2>/dev/full", "2>&-"])
@pytest.mark.parametrize("how", FORMATS)
def test_without_standard_error_it_is_the_same(
    streams: str, how: list[str], tmp_path: Path
) -> None:
    tables, packets = tmp_path / "tables", tmp_path / "kept.pcapng"
    done = shell(streams, *how, "-o", tables, "-w", packets)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"client-close" in done.stdout
    assert_all_is_there(tables, packets)


def test_packets_that_find_no_place_cost_neither_tables_nor_events(tmp_path: Path) -> None:
    tables, packets = tmp_path / "tables", tmp_path / "kept.pcapng"
    (tmp_path / "kept_00002.pcapng").mkdir()
    options = ["-o", tables, "-w", packets, "--rotate-size", 0.001]
    done = shell("", "-f", "jsonl", *options)
    assert done.returncode == 74
    assert done.stdout.count(b"kept_00002.pcapng: cannot be written: Is a directory") == 1
    given = wsanalyze.analyze(CHAT)
    assert len(pd.read_parquet(tables / "messages")) == len(given.messages)
    assert done.stdout.count(b'"event": "message"') == len(given.messages)
    assert done.stdout.splitlines()[-1].startswith(b'{"event": "summary"')


def test_what_was_not_written_counts_more_than_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "kept_00002.pcapng").mkdir()
    options = ["-w", tmp_path / "kept.pcapng", "--rotate-size", 0.001]
    with running("-f", "jsonl", *options) as process:
        feed(process, CHAT)
        lines_until(process.stdout, b'"problem"')
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 74
