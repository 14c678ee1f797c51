"""`wsanalyze live` on a terminal: a table that follows its size, a log above, no steering."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest

from cli.running import CAPTURES, COMMAND, ROOT, SECONDS, environment

# What rich writes to move the cursor, to hide it and to colour: nothing else may be there.
RICH = re.compile(rb"\x1b\[[0-9;]*[ABJKm]|\x1b\[2K|\x1b\[\?25[lh]")


def widest(shown: bytes) -> int:
    """Return the length of the longest whole line."""
    lines = re.split(rb"[\r\n]+", RICH.sub(b"", shown))[1:-1]
    return max((len(line.decode()) for line in lines), default=0)


class Terminal:
    """A terminal of a size, in which `wsanalyze live -` runs with an open pipe as its input."""

    def __init__(self, columns: int, rows: int) -> None:
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        self.shown = b""
        self.process = subprocess.Popen(
            [*COMMAND, "live", "-"],
            stdin=subprocess.PIPE,
            stdout=slave,
            stderr=subprocess.DEVNULL,
            env=environment(TERM="xterm-256color"),
            cwd=ROOT,
        )
        os.close(slave)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def feed(self, capture: Path) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(capture.read_bytes())
        self.process.stdin.flush()

    def until(self, word: bytes, *, since: int = 0) -> bytes:
        """Read until the word was shown behind a place, and return all behind it."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if word in self.shown[since:]:
                return self.shown[since:]
            if select.select([self.master], [], [], 0.1)[0]:
                self.shown += self._read()
        raise AssertionError(self.shown[since:])

    def until_wider(self, columns: int, *, since: int) -> None:
        """Read until something wider was shown behind a place."""
        deadline = time.monotonic() + SECONDS
        while widest(self.shown[since:]) <= columns:
            assert time.monotonic() < deadline, self.shown[since:]
            if select.select([self.master], [], [], 0.1)[0]:
                self.shown += self._read()

    def rest(self) -> bytes:
        """Close the input, and return all that was shown by the end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        while data := self._read():
            self.shown += data
        self.process.wait(SECONDS)
        return self.shown

    def _read(self) -> bytes:
        try:
            return os.read(self.master, 65536)
        except OSError:  # the other end is closed
            return b""

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()
        os.close(self.master)


@pytest.mark.parametrize("columns", [80, 200])
def test_the_table_and_the_log_fit_the_terminal(columns: int) -> None:
    terminal = Terminal(columns, 30)
    try:
        terminal.feed(CAPTURES / "aiohttp-chat.pcapng")
        terminal.until(b"not ended of 2 connections")
        shown = terminal.rest()
    finally:
        terminal.close()
    assert terminal.process.returncode == 0
    assert b"requested ws://" in shown
    assert b"received" in shown
    for line in re.split(rb"[\r\n]+", RICH.sub(b"", shown)):
        assert len(line.decode()) <= columns


def test_nothing_but_what_rich_writes_can_steer_the_terminal() -> None:
    terminal = Terminal(100, 30)
    try:
        terminal.feed(CAPTURES / "odd-habits.pcapng")
        terminal.until(b"not ended of")
        shown = terminal.rest()
    finally:
        terminal.close()
    assert b"\x1b" not in RICH.sub(b"", shown)


def test_a_terminal_that_is_resized_gets_a_table_of_its_new_width() -> None:
    terminal = Terminal(80, 30)
    try:
        terminal.feed(CAPTURES / "capture-ends-open.pcap")
        terminal.until(b"client \xe2\x86\x92 server")
        terminal.resize(200, 30)
        # What was drawn before may not have been read yet.
        terminal.until_wider(80, since=len(terminal.shown))
        terminal.until(b"not ended of", since=len(terminal.shown))
    finally:
        terminal.close()
