"""Key logs as files, compressed or not: what SSLKEYLOGFILE makes browsers and libraries write."""

from __future__ import annotations

import fcntl
import io
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from wsanalyze.capture.compression import MAGIC_LENGTH, Decompressed, compression_of
from wsanalyze.capture.stored import Stored, reason
from wsanalyze.errors import CaptureError, UsageError

# More than any line of a key log has; what is longer is cut, and not understood.
LONGEST = 4096
# Files that are followed at once, and bytes that are read of each at a time.
FOLLOWED, APPENDED = 16, 16 * 1024 * 1024
# Bytes at the beginning of a file of a folder in which a NUL says that it is no text.
LOOKED_AT = 1024
# Bytes that a compressed key log may have; what is behind them is not read.
MOST_UNPACKED = 1024 * 1024 * 1024
# Whether files have changed is asked for each connection, which takes some 8 us a file. Where there
# are more files than so many, the next look is so many seconds for each of them in coming.
MANY, PATIENCE = 64, 0.0002
# How much of the rest of such a line is read at once, and how often: a device has no end.
PASSED_OVER, PATIENCE_WITH_LINE = 1024 * 1024, 64
# Room of a FIFO, as much as everybody may ask for, and what is read of it at a time.
PIPE = 1 << 20


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
        # Of each file how much was read, up to the end of a line.
        self.read: dict[Path, int] = {}
        # Compressed files, which nobody appends to, and captures and the like in folders.
        self.left_out: set[Path] = set()
        self.missing: list[Path] = []
        self.problems: list[str] = []
        self._told: set[Path] = set()

    def lines(self) -> Iterator[Iterator[bytes]]:
        """Yield the lines of each key log as `lines_of`; UsageError where one cannot be read."""
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
                    yield _lines(file, self.read)

    def appended(self) -> Iterator[list[bytes]]:
        """Yield the whole lines that files got since they were read, and those of new files.

        At most FOLLOWED files and APPENDED bytes of each are looked at in one call, those that
        were changed last; none where there are many and the last look was not long ago.
        """
        for path in [each for each in self.missing if _is_there(each)]:
            self.missing.remove(path)
            yield from self._come(path)
        for pipe in self.pipes:
            if lines := pipe.lines():
                yield lines
        if self.clock() < self.next_look:
            return
        for file, size in self._changed():
            start = self.read.get(file, 0)
            try:
                with file.open("rb") as stream:
                    # A file that is shorter than it was, was begun anew.
                    stream.seek(start if start <= size else 0)
                    data = stream.read(APPENDED)
                    whole = data[: data.rfind(b"\n") + 1]
                    self.read[file] = stream.tell() - len(data) + len(whole)
            except OSError as error:
                # Whoever writes it may replace it; but one that came late may be somebody else's.
                if file in self.paths and file not in self.read and file not in self._told:
                    self._told.add(file)
                    self.problems.append(f"key log {file}: cannot be read: {reason(error)}")
                continue
            if start == 0 and file not in self.paths and b"\0" in data[:LOOKED_AT]:
                self.left_out.add(file)
            elif whole:
                yield [line[:LONGEST] for line in whole.splitlines()]

    def _come(self, path: Path) -> Iterator[list[bytes]]:
        """Begin with one that was missing; what is plain text counts as appended from then on."""
        try:
            if path.is_fifo():
                self.pipes.append(Pipe(path))
            elif _compression(path) is not None:
                self.left_out.add(path)
                yield list(_lines(path))
        except UsageError as error:
            self.problems.append(str(error))

    def _changed(self) -> list[tuple[Path, int]]:
        found = []
        for path in self.paths:
            try:
                files = [file for file in _files(path) if file not in self.left_out]
                states = [(file, file.stat()) for file in files]
            except (OSError, UsageError):
                continue
            found += [
                (state.st_mtime_ns, file, state.st_size)
                for file, state in states
                if stat.S_ISREG(state.st_mode)
            ]
        if len(found) > MANY:
            self.next_look = self.clock() + PATIENCE * len(found)
        found.sort(reverse=True)
        return [
            (file, size) for _, file, size in found[:FOLLOWED] if size != self.read.get(file, 0)
        ]


class Pipe:
    """A FIFO that programs write key logs into, one after another or none yet.

    It is kept open: who opens it for writing would wait otherwise.
    """

    def __init__(self, path: Path) -> None:
        """Open it without waiting; UsageError where it cannot be read."""
        self._descriptor = -1
        # What came of a line whose end did not, and whether the line is too long already.
        self._begun = b""
        self._passing_over = False
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise UsageError(f"key log {path}: cannot be read: {reason(error)}") from None
        with suppress(OSError, AttributeError):
            # Room for who writes while nobody asks.
            fcntl.fcntl(self._descriptor, fcntl.F_SETPIPE_SZ, PIPE)

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def lines(self) -> list[bytes]:
        """Return the lines that have come since the last call; PIPE bytes at most."""
        found: list[bytes] = []
        left = PIPE
        while left > 0:
            try:
                data = os.read(self._descriptor, min(PIPE, left))
            except OSError:
                break  # nothing is there, and somebody may write yet
            if not data:
                # Nobody writes at present: who did, ended with this.
                found += self._whole(b"\n") if self._begun else []
                break
            left -= len(data)
            found += self._whole(data)
        return found

    def _whole(self, data: bytes) -> list[bytes]:
        """Return the whole lines, and keep the beginning of the next one."""
        *ended, begun = (self._begun + data).split(b"\n")
        if ended and self._passing_over:
            # The end of what was cut.
            del ended[0]
            self._passing_over = False
        self._begun = b"" if self._passing_over else begun
        if len(self._begun) > LONGEST:
            ended.append(self._begun)
            self._begun, self._passing_over = b"", True
        return [line[:LONGEST] for line in ended]


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
                joined.write(line if line.endswith(b"\n") else line + b"\n")
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
            return b"\0" in _unpacked(file, path).read(LOOKED_AT)
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


def _lines(path: Path, read: dict[Path, int] | None = None) -> Iterator[bytes]:
    """Yield the lines of a file; `read` takes where the last one ended that has an end."""
    try:
        with path.open("rb") as opened:
            file = _unpacked(opened, path)
            while line := file.readline(LONGEST):
                yield line
                for _ in range(PATIENCE_WITH_LINE):
                    if line.endswith(b"\n") or not line:
                        break
                    line = file.readline(PASSED_OVER)
                else:
                    raise UsageError(f"key log {path}: a line without an end: it is none")
                if line and read is not None and file.seekable():
                    read[path] = file.tell()
    except OSError as error:
        raise UsageError(f"key log {path}: cannot be read: {reason(error)}") from None
