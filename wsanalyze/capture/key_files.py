"""Key logs as files: what SSLKEYLOGFILE makes browsers and libraries write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from wsanalyze.capture.stored import reason
from wsanalyze.errors import UsageError

# More than any line of a key log has; what is longer is cut, and not understood.
LONGEST = 1024


def lines_of(paths: Sequence[Path]) -> Iterator[Iterator[bytes]]:
    """Yield the lines of each key log; a folder stands for the files in it.

    Raises UsageError where one cannot be read.
    """
    for path in paths:
        for file in _files(path):
            yield _lines(file)


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
    except OSError as error:
        raise UsageError(f"key log {path}: cannot be read: {reason(error)}") from None
