"""Key logs as files: what SSLKEYLOGFILE makes browsers and libraries write."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from wsanalyze.capture.stored import reason
from wsanalyze.errors import UsageError

# More than any line of a key log has; what is longer is cut, and not understood.
LONGEST = 1024
# How much of the rest of such a line is read at once.
PASSED_OVER = 1024 * 1024


def lines_of(paths: Sequence[Path]) -> Iterator[Iterator[bytes]]:
    """Yield the lines of each key log; a folder stands for the files in it.

    Raises UsageError where one cannot be read.
    """
    for path in paths:
        for file in _files(path):
            yield _lines(file)


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


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while line := file.readline(LONGEST):
                yield line
                while line and not line.endswith(b"\n"):
                    line = file.readline(PASSED_OVER)
    except OSError as error:
        raise UsageError(f"key log {path}: cannot be read: {reason(error)}") from None
