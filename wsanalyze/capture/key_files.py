"""Key logs as files, compressed or not: what SSLKEYLOGFILE makes browsers and libraries write."""

from __future__ import annotations

import io
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from wsanalyze.capture.compression import MAGIC_LENGTH, Decompressed, compression_of
from wsanalyze.capture.key_lines import KeyLines, is_text
from wsanalyze.capture.key_pipes import Pipe
from wsanalyze.capture.stored import Stored, reason
from wsanalyze.errors import CaptureError, UsageError

# Files that are followed at once, and bytes that are read of all of them at a time.
FOLLOWED, APPENDED = 16, 4 * 1024 * 1024
# Bytes at the beginning of a file of a folder in which a NUL says that it is no text.
LOOKED_AT = 1024
# Bytes that a compressed key log may have; what is behind them is not read.
MOST_UNPACKED = 1024 * 1024 * 1024
# Bytes of what is no file, which need not have an end: more than all secrets that are kept.
MOST_STREAMED = 256 * 1024 * 1024
# Whether files have changed is asked for each connection, which takes some 8 us a file. Where there
# are more files than so many, the next look is so many seconds for each of them in coming.
MANY, PATIENCE = 64, 0.0002
# Bytes that are read at once, and how many a line may have until its end: a device has none.
CHUNK, PATIENCE_WITH_LINE = 1024 * 1024, 64 * 1024 * 1024
# Bytes in front of the place up to which a file was read that tell whether it is still the same.
TAIL = 256
# Seconds until more is read of a FIFO that had more than is read at a time.
REST = 0.25


def lines_of(paths: Sequence[Path]) -> Iterator[Iterator[bytes]]:
    """Yield the lines of each key log; a folder stands for the text files in it.

    Raises UsageError where one cannot be read.
    """
    for path in paths:
        for file in _logs(path):
            yield _lines(file)


class KeyLogs:
    """Key logs that programs may be writing while a capture of them is read.

    `follows`: a FIFO is not waited for and read to its end, but read as far as it has come, each
    time that somebody asks what was appended; who writes it later need not be there yet, nor need
    a file: browsers make it when they are started.

    - `missing`: paths that were not there so far
    - `problems`: why what came later cannot be read, one line each, until somebody takes them
    """

    def __init__(
        self,
        paths: Sequence[Path],
        clock: Callable[[], float] = time.monotonic,
        *,
        follows: bool = False,
    ) -> None:
        self.paths = paths
        self.clock = clock
        self.follows = follows
        self.pipes: list[Pipe] = []
        self.next_look = 0.0
        self.followed: dict[Path, Followed] = {}
        # Compressed files, which nobody appends to, and captures and the like in folders.
        self.left_out: set[Path] = set()
        self.missing: list[Path] = []
        self.problems: list[str] = []
        self._told: set[Path] = set()
        # When a FIFO may be read again.
        self._rests: dict[Pipe, float] = {}

    def lines(self) -> Iterator[tuple[object, Iterator[bytes]]]:
        """Yield each key log, and its lines as `lines_of`; UsageError where one cannot be read."""
        for path in self.paths:
            if self.follows and not _is_there(path):
                self.missing.append(path)
                continue
            for file in _files(path):
                if self.follows and file.is_fifo():
                    self.pipes.append(Pipe(file))
                    continue
                if _compression(file) is not None:
                    self.left_out.add(file)
                if path != file and _is_binary(file):
                    self.left_out.add(file)
                else:
                    followed = self.followed[file] = Followed()
                    yield followed, _lines(file, followed)

    def appended(self) -> Iterator[tuple[object, Iterable[bytes]]]:
        """Yield key logs and the whole lines that they got since they were read, and new files.

        At most FOLLOWED files and APPENDED bytes of them are looked at in one call, those that
        were changed last; none where there are many and the last look was not long ago. What is
        yielded with the lines is another object where a log was begun anew.
        """
        for path in [each for each in self.missing if _is_there(each)]:
            self.missing.remove(path)
            yield from self._come(path)
        yield from self._piped()
        if self.clock() < self.next_look:
            return
        left = APPENDED
        for file in self._changed():
            if left <= 0:
                return
            try:
                with file.open("rb") as stream:
                    followed = self._followed(file, stream)
                    data = stream.read(left)
                    left -= len(data)
            except OSError as error:
                # Whoever writes it may replace it; but one that came late may be somebody else's.
                if file in self.paths and file not in self.followed and file not in self._told:
                    self._told.add(file)
                    self.problems.append(f"key log {file}: cannot be read: {reason(error)}")
                continue
            if not followed.lines.seen and file not in self.paths and not is_text(data[:LOOKED_AT]):
                self.left_out.add(file)
            elif lines := followed.take(data):
                yield followed, lines

    def give_up(self, log: object) -> str | None:
        """Read no further in a log that says nothing; return why, None for a file of a folder.

        Of those it is not said that they are key logs.
        """
        piped = [pipe for pipe in self.pipes if pipe is log]
        self.pipes = [pipe for pipe in self.pipes if pipe is not log]
        files = [file for file, followed in self.followed.items() if followed is log]
        self.left_out.update(files)
        named = [path for path in (*files, *(pipe.path for pipe in piped)) if path in self.paths]
        return f"key log {named[0]}: too many lines that say nothing: it is none" if named else None

    def _piped(self) -> Iterator[tuple[object, list[bytes]]]:
        """Yield FIFOs and the lines that came through them; who floods one has to wait."""
        now = self.clock()
        for pipe in list(self.pipes):
            if now < self._rests.get(pipe, now):
                continue
            lines = pipe.lines()
            if not lines and (anew := pipe.maybe_anew()) is not None:
                self.pipes[self.pipes.index(pipe)] = anew
                self._rests.pop(pipe, None)
                pipe, lines = anew, anew.lines()
            if pipe.was_full:
                self._rests[pipe] = now + REST
            if lines:
                yield pipe, lines

    def _come(self, path: Path) -> Iterator[tuple[object, Iterable[bytes]]]:
        """Begin with one that was missing; what is plain text counts as appended from then on."""
        try:
            if path.is_fifo():
                self.pipes.append(Pipe(path))
            elif _compression(path) is not None:
                self.left_out.add(path)
                followed = self.followed[path] = Followed()
                yield followed, self._readable(path)
        except UsageError as error:
            self.problems.append(str(error))

    def _readable(self, path: Path) -> Iterator[bytes]:
        """Yield the lines of a file as far as it can be read."""
        try:
            yield from _lines(path)
        except UsageError as error:
            self.problems.append(str(error))

    def _followed(self, file: Path, stream: BinaryIO) -> Followed:
        """Return how far a file was read, and go there; to its beginning if it was begun anew."""
        state = os.fstat(stream.fileno())
        followed = self.followed.get(file)
        if followed is None or not followed.is_same(stream, state):
            followed = self.followed[file] = Followed()
        followed.note(state)
        stream.seek(followed.lines.seen)
        return followed

    def _changed(self) -> list[Path]:
        """Return the files that are not what they were when they were looked at."""
        found = []
        for path in self.paths:
            try:
                files = [file for file in _files(path) if file not in self.left_out]
                states = [(file, file.stat()) for file in files]
            except (OSError, UsageError):
                continue
            found += [
                (state.st_mtime_ns, file, state)
                for file, state in states
                if stat.S_ISREG(state.st_mode)
            ]
        if len(found) > MANY:
            self.next_look = self.clock() + PATIENCE * len(found)
        found.sort(key=lambda each: each[:2], reverse=True)
        seen = self.followed
        return [
            file
            for _, file, state in found[:FOLLOWED]
            if (seen[file].differs(state) if file in seen else state.st_size)
        ]


class Followed:
    """How far a file was read that may get more, and what tells that it was begun anew."""

    def __init__(self) -> None:
        self.lines = KeyLines()
        self._state: tuple[int, ...] = ()
        # The last bytes that were read.
        self._tail = b""

    def note(self, state: os.stat_result) -> None:
        """Remember what the file is now."""
        self._state = _state_of(state)

    def differs(self, state: os.stat_result) -> bool:
        """Say whether the file is not what it was, or was not read to its end."""
        return _state_of(state) != self._state or state.st_size > self.lines.seen

    def is_same(self, stream: BinaryIO, state: os.stat_result) -> bool:
        """Say whether what was read of a file still stands there: nobody emptied or replaced it."""
        if self._state and state.st_ino != self._state[0]:
            return False
        stream.seek(max(self.lines.seen - len(self._tail), 0))
        return stream.read(len(self._tail)) == self._tail

    def take(self, data: bytes) -> list[bytes]:
        """Take the next bytes; return the lines that are whole now."""
        self._tail = (self._tail + data)[-TAIL:]
        return self.lines.feed(data)


def _state_of(state: os.stat_result) -> tuple[int, ...]:
    return state.st_ino, state.st_size, state.st_mtime_ns


@contextmanager
def as_one(paths: Sequence[Path]) -> Iterator[Path | None]:
    """Give all key logs as one file, for who takes a single one; None for none.

    Where there are several, it is a temporary file that nobody else can read, gone at the end.
    """
    files = [file for path in paths for file in _logs(path)]
    if not files or (len(files) == 1 and _compression(files[0]) is None):
        yield files[0].absolute() if files else None
        return
    with tempfile.NamedTemporaryFile(prefix="wsanalyze-keys-") as joined:
        for lines in lines_of(files):
            for line in lines:
                joined.write(line + b"\n")
        joined.flush()
        yield Path(joined.name)


def _is_there(path: Path) -> bool:
    """Say whether there is anything of this name; yes, where it is not permitted to know."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _logs(path: Path) -> list[Path]:
    """Return a key log, or those of a folder: captures and whatever else is no text are none."""
    if not path.is_dir():
        return [path]
    return [file for file in _files(path) if not _is_binary(file)]


def _is_binary(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return not is_text(_unpacked(file, path).read(LOOKED_AT))
    except (OSError, UsageError):
        return False  # who reads it says what is wrong


def _compression(path: Path) -> str | None:
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            return compression_of(file.read(MAGIC_LENGTH))
    except OSError:
        return None  # likewise


class _Unpacking(io.RawIOBase):
    """The bytes of a compressed file, up to MOST_UNPACKED."""

    def __init__(self, stored: Stored, compression: str) -> None:
        self._data = Decompressed(stored, compression, b"")
        self._left = MOST_UNPACKED

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Give what comes next; 0 at the end, also where the data is damaged."""
        view = memoryview(buffer).cast("B")
        count = self._data.readinto(view[: min(len(view), self._left)]) if self._left else 0
        self._left -= count
        return count


def _unpacked(file: io.BufferedReader, path: Path) -> BinaryIO:
    """Return what gives the bytes of a file, unpacked where it is compressed; or UsageError."""
    compression = compression_of(file.peek(MAGIC_LENGTH))
    if compression is None:
        return file
    try:
        return io.BufferedReader(_Unpacking(Stored(str(path), file, owned=False), compression))
    except CaptureError as error:
        raise UsageError(f"key log {error}") from None


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    try:
        return sorted(each for each in path.iterdir() if each.is_file())
    except OSError as error:
        raise UsageError(f"key log {path}: cannot be read: {reason(error)}") from None


def _lines(path: Path, followed: Followed | None = None) -> Iterator[bytes]:
    """Yield the lines of a file; of one that is followed the last may get its end later."""
    may_grow, followed = followed is not None, followed or Followed()
    try:
        with path.open("rb") as opened:
            file = _unpacked(opened, path)
            state = os.fstat(opened.fileno())
            may_grow = may_grow and stat.S_ISREG(state.st_mode)
            followed.note(state)
            while data := file.read(CHUNK):
                yield from followed.take(data)
                if followed.lines.passed > PATIENCE_WITH_LINE:
                    raise UsageError(f"key log {path}: a line without an end: it is none")
                if followed.lines.seen >= MOST_STREAMED and not stat.S_ISREG(state.st_mode):
                    what = f"no file, and has no end within {MOST_STREAMED:,} bytes"
                    raise UsageError(f"key log {path}: it is {what}")
            yield from followed.lines.last() if may_grow else followed.lines.end()
    except OSError as error:
        raise UsageError(f"key log {path}: cannot be read: {reason(error)}") from None
