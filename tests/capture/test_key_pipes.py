"""Key logs that come through a FIFO: as far as they have come, and never without an end."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from test_key_files import appended, begun

from wsanalyze.capture import key_files
from wsanalyze.capture.key_files import REST, KeyLogs
from wsanalyze.capture.key_lines import LONGEST
from wsanalyze.capture.key_pipes import PIPE
from wsanalyze.errors import UsageError
from wsanalyze.limits import Limits
from wsanalyze.pipeline import secrets_of
from wsanalyze.tls import keylog
from wsanalyze.tls.keylog import Secrets


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    """As a shell makes it of `--keylog <(…)`."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"one\ntwo",))
    writer.start()
    logs = KeyLogs([path])
    assert begun(logs) == [[b"one", b"two"]]
    writer.join()
    assert appended(logs) == []


def test_a_fifo_that_is_followed_is_read_as_far_as_it_has_come(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    logs = KeyLogs([path], follows=True)
    assert begun(logs) == []
    assert appended(logs) == []
    for _ in range(2):
        writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        os.write(writer, b"one\ntw")
        assert appended(logs) == [[b"one"]]
        os.write(writer, b"o\n" + b"x" * 3 * LONGEST)
        assert appended(logs) == [[b"two", b"x" * LONGEST]]
        os.write(writer, b"x" * 3 * LONGEST)
        assert appended(logs) == []
        os.write(writer, b"x\nthree\n")
        assert appended(logs) == [[b"three"]]
        os.close(writer)
        assert appended(logs) == []


def test_a_line_without_an_end_is_one_where_its_writer_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    logs = KeyLogs([path], follows=True)
    assert begun(logs) == []
    for word in (b"one", b"two"):
        writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        os.write(writer, word)
        assert appended(logs) == []
        os.close(writer)
        assert appended(logs) == [[word]]


def test_a_fifo_that_may_not_be_read_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def refused(*_arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("wsanalyze.capture.key_files.os.open", refused)
    with pytest.raises(UsageError, match="pipe: cannot be read: "):
        begun(KeyLogs([path], follows=True))


def test_a_fifo_made_anew_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    logs = KeyLogs([path], follows=True)
    assert begun(logs) == []
    old = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    os.write(old, b"one\n")
    path.unlink()
    assert appended(logs) == [[b"one"]]
    os.mkfifo(path)
    assert appended(logs) == []
    new = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    os.write(new, b"two\n")
    assert appended(logs) == [[b"two"]]
    os.close(new)
    os.close(old)


@contextmanager
def flooded(path: Path, line: bytes) -> Iterator[None]:
    """Make a FIFO that somebody writes a line into for ever, as `yes` does."""
    os.mkfifo(path)
    data, over = line * (65536 // len(line)), threading.Event()

    def flood() -> None:
        while not over.is_set():
            try:
                writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # nobody reads yet, or any more
                over.wait(0.005)
                continue
            with suppress(BrokenPipeError), os.fdopen(writer, "wb", buffering=0) as pipe:
                while not over.is_set():
                    if pipe.write(data) is None:
                        over.wait(0.001)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


NOTHING = [b"\n", b"\r\n", b"x\n", b"# a comment\n", b"-----BEGIN PRIVATE KEY-----\n"]
SECRET = b"CLIENT_RANDOM %s %s\n" % (b"11" * 32, b"22" * 48)


@pytest.mark.parametrize("line", NOTHING)
def test_lines_without_an_end_that_say_nothing_are_no_key_log(
    line: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keylog, "MOST_USELESS", 10_000)
    path = tmp_path / "pipe"
    with (
        flooded(path, line),
        pytest.raises(UsageError, match="pipe: too many lines that say nothing"),
    ):
        secrets_of([path], Limits())


def test_nor_are_secrets_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_files, "MOST_STREAMED", 3 * PIPE)
    path = tmp_path / "pipe"
    with (
        flooded(path, SECRET),
        pytest.raises(UsageError, match="pipe: it is no file, and has no end within 3,145,728"),
    ):
        secrets_of([path], Limits())


def test_a_fifo_that_is_followed_and_says_nothing_is_read_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keylog, "MOST_USELESS", 10_000)
    path = tmp_path / "pipe"
    now = itertools.count(step=REST)
    with flooded(path, b"x\n"):
        logs = KeyLogs([path], lambda: next(now), follows=True)
        secrets = secrets_of([path], Limits(), logs=logs)
        while logs.pipes:
            assert secrets.more is not None
            secrets.more()
        assert logs.problems == [f"key log {path}: too many lines that say nothing: it is none"]
        assert secrets.not_understood == 10_001
        assert not secrets.more()


def test_who_floods_a_fifo_waits_until_it_is_read_again(tmp_path: Path) -> None:
    path, now = tmp_path / "pipe", 0.0
    with flooded(path, SECRET):
        logs = KeyLogs([path], lambda: now, follows=True)
        assert begun(logs) == []
        (lines,) = until_full(logs)
        assert len(lines) <= PIPE // len(SECRET) + 1
        assert appended(logs) == []
        now += REST
        (lines,) = until_full(logs)
        assert len(lines) <= PIPE // len(SECRET) + 1
        logs.pipes.clear()


def until_full(logs: KeyLogs) -> list[list[bytes]]:
    """Return what comes with the first look that finds more than is read at a time."""
    while True:
        lines = appended(logs)
        if logs.pipes[0].was_full:
            return lines


@pytest.mark.parametrize("useful", [1, 5])
def test_lines_that_say_something_speak_for_as_many_others(
    useful: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keylog, "MOST_USELESS", 10)
    log = object.__new__(type("Log", (), {}))
    secrets = Secrets(100)
    for _ in range(useful):
        assert secrets.append([SECRET], log)
    assert secrets.append([b""] * (10 + useful), log)
    assert not secrets.append([b""], log)
    assert secrets.append([b""] * 10)


def test_of_a_folder_the_rest_of_a_file_that_says_nothing_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody said that it is a key log."""
    monkeypatch.setattr(keylog, "MOST_USELESS", 10)
    (tmp_path / "access.log").write_bytes(b"GET / 200\n" * 100)
    (tmp_path / "keys.log").write_bytes(SECRET)
    logs = KeyLogs([tmp_path])
    secrets = secrets_of([tmp_path], Limits(), logs=logs)
    assert (secrets.count, secrets.not_understood) == (1, 11)
    with (tmp_path / "access.log").open("ab") as file:
        file.write(b"GET / 200\n")
    assert appended(logs) == []
