"""Outputs whose reader does not read: waited for while there is time, and given up at the end."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

import pytest

from wsanalyze.cli import patience as module
from wsanalyze.cli.patience import File, Notes, Patience, ReaderStuckError

# More than a pipe has room for.
MUCH = bytes(range(256)) * 4096


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.3)
    monkeypatch.setattr(module, "TICK", 0.02)


@contextlib.contextmanager
def pipe(*, waits: bool = True) -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    os.set_blocking(writing, waits)
    try:
        yield reading, writing
    finally:
        for each in (reading, writing):
            with contextlib.suppress(OSError):
                os.close(each)


def read_all(descriptor: int, into: bytearray, at_a_time: int = 65536) -> None:
    while len(into) < len(MUCH) and (data := os.read(descriptor, at_a_time)):
        into += data


@pytest.mark.parametrize("waits", [True, False], ids=["blocking", "non-blocking"])
def test_who_does_not_read_is_given_up_when_it_is_over(waits: bool) -> None:
    patience = Patience(lambda: True)
    with (
        pipe(waits=waits) as (_, writing),
        patience.of_streams(),
        pytest.raises(ReaderStuckError, match="has stopped reading"),
    ):
        File(writing, patience).write(MUCH)


@pytest.mark.parametrize("waits", [True, False], ids=["blocking", "non-blocking"])
def test_who_reads_later_gets_everything_while_it_is_not_over(waits: bool) -> None:
    asked = 0
    read = bytearray()

    def is_over() -> bool:
        """Let a reader begin when the patience of an end would be used up by far."""
        nonlocal asked
        asked += 1
        if asked == 30:
            reader.start()
        return False

    with pipe(waits=waits) as (reading, writing):
        reader = threading.Thread(target=read_all, args=(reading, read))
        patience = Patience(is_over)
        with patience.of_streams():
            assert File(writing, patience).write(MUCH) == len(MUCH)
        reader.join()
    assert bytes(read) == MUCH


def test_patience_begins_when_it_is_to_end() -> None:
    looks = iter(range(10_000))
    patience = Patience(lambda: next(looks) >= 30)
    with pipe() as (_, writing), patience.of_streams(), pytest.raises(ReaderStuckError):
        File(writing, patience).write(MUCH)
    assert next(looks) > 40


def test_a_slow_reader_is_waited_for_as_long_as_it_reads() -> None:
    """Each look finds that something was taken since the last one."""
    read = bytearray()
    with pipe() as (reading, writing):
        patience = Patience(lambda: len(read) < len(MUCH) and _take(reading, read))
        with patience.of_streams():
            assert File(writing, patience).write(MUCH) == len(MUCH)
        read_all(reading, read)
    assert bytes(read) == MUCH


def _take(descriptor: int, into: bytearray) -> bool:
    into += os.read(descriptor, 8192)
    return True


def test_what_cannot_be_said_is_not_said() -> None:
    patience = Patience(lambda: True)
    with pipe() as (reading, writing), patience.of_streams():
        notes = Notes(writing, patience)
        assert notes.write(MUCH) == len(MUCH)
        os.close(reading)
        assert notes.write(b"nobody reads this") == 17


def test_who_let_patience_end_is_not_waited_for_again() -> None:
    looks = 0

    def is_over() -> bool:
        nonlocal looks
        looks += 1
        return True

    patience = Patience(is_over)
    with pipe() as (_, writing), patience.of_streams():
        file = File(writing, patience)
        with pytest.raises(ReaderStuckError):
            file.write(MUCH)
        before = looks
        with pytest.raises(ReaderStuckError):
            file.write(b"one more")
    assert looks == before


def test_a_reader_that_left_is_told_from_one_that_is_stuck() -> None:
    patience = Patience(lambda: True)
    with pipe() as (reading, writing), patience.of_streams():
        os.close(reading)
        with pytest.raises(BrokenPipeError):
            File(writing, patience).write(b"line\n")


def test_streams_are_patient_within_and_as_before_behind(capfd: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with Patience(lambda: True).of_streams():
        print("told: \udcff")
        print("said", file=sys.stderr)
        assert not sys.stdout.isatty()
    assert (sys.stdout, sys.stderr) == before
    assert capfd.readouterr() == ("told: \\udcff\n", "said\n")
