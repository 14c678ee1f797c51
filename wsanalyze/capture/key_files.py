"""Key logs as files: what SSLKEYLOGFILE makes browsers and libraries write."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from wsanalyze.capture.stored import reason
from wsanalyze.errors import UsageError

# More than any line of a key log has; what is longer is cut, and not understood.
LONGEST = 1024
# Files that are followed at once, and bytes that are read of each at a time.
FOLLOWED, APPENDED = 16, 16 * 1024 * 1024
# Whether files have changed is asked for each connection, which takes some 8 us a file. Where there
# are more files than so many, the next look is so many seconds for each of them in coming.
MANY, PATIENCE = 64, 0.0002
# How much of the rest of such a line is read at once, and how often: a device has no end.
PASSED_OVER, PATIENCE_WITH_LINE = 1024 * 1024, 64


def lines_of(paths: Sequence[Path]) -> Iterator[Iterator[bytes]]:
    """Yield the lines of each key log; a folder stands for the files in it.

    Raises UsageError where one cannot be read.
    """
    for path in paths:
        for file in _files(path):
            yield _lines(file)


class KeyLogs:
    """Key logs that programs may be writing while a capture of them is read."""

    def __init__(self, paths: Sequence[Path], clock: Callable[[], float] = time.monotonic) -> None:
        self.paths = paths
        self.clock = clock
        self.next_look = 0.0
        # Of each file how much was read, up to the end of a line.
        self.read: dict[Path, int] = {}

    def lines(self) -> Iterator[Iterator[bytes]]:
        """Yield the lines of each key log as `lines_of`; UsageError where one cannot be read."""
        for path in self.paths:
            for file in _files(path):
                yield _lines(file, self.read)

    def appended(self) -> Iterator[list[bytes]]:
        """Yield the whole lines that files got since they were read, and those of new files.

        At most FOLLOWED files and APPENDED bytes of each are looked at in one call, those that
        were changed last; none where there are many and the last look was not long ago.
        """
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
            except OSError:
                continue  # it was readable when the pass began: whoever writes it may replace it
            if whole:
                yield [line[:LONGEST] for line in whole.splitlines()]

    def _changed(self) -> list[tuple[Path, int]]:
        found = []
        for path in self.paths:
            try:
                files = _files(path)
                states = [(file, file.stat()) for file in files]
            except (OSError, UsageError):
                continue
            found += [(state.st_mtime_ns, file, state.st_size) for file, state in states]
        if len(found) > MANY:
            self.next_look = self.clock() + PATIENCE * len(found)
        found.sort(reverse=True)
        return [
            (file, size) for _, file, size in found[:FOLLOWED] if size != self.read.get(file, 0)
        ]


@contextmanager
def as_one(paths: Sequence[Path]) -> Iterator[Path | None]:
    """Give all key logs as one file, for who takes a single one; None for none.

    Where there are several, it is a temporary file that nobody else can read, gone at the end.
    """
    files = [file for path in paths for file in _files(path)]
    if len(files) < 2:
        yield files[0].absolute() if files else None
        return
    with tempfile.NamedTemporaryFile(prefix="wsanalyze-keys-") as joined:
        for lines in lines_of(files):
            for line in lines:
                joined.write(line if line.endswith(b"\n") else line + b"\n")
        joined.flush()
        yield Path(joined.name)


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
        with path.open("rb") as file:
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
