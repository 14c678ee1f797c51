"""Captures that are read more than once: what comes through a pipe is copied first."""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO, cast

# Bytes of standard input that are copied at a time.
PIECE = 1 << 20


@contextmanager
def twice(capture: str) -> Iterator[str | BinaryIO]:
    """Yield what can be read twice: of a pipe, a temporary copy that has its name."""
    path = Path(capture)
    if capture != "-" and not path.is_fifo():
        yield capture
        return
    with tempfile.TemporaryFile(prefix="wsanalyze-", buffering=0) as copy:
        if capture == "-":
            copyfileobj(sys.stdin.buffer, copy, PIECE)
        else:
            with path.open("rb") as pipe:
                copyfileobj(pipe, copy, PIECE)
        name = "standard input" if capture == "-" else capture
        yield cast(BinaryIO, _Named(copy.fileno(), name))


class _Named(io.FileIO):
    """A file under another name."""

    def __init__(self, number: int, name: str) -> None:
        super().__init__(number, "rb", closefd=False)
        self.name = name


def rewind(source: str | BinaryIO) -> None:
    """Go back to the beginning of a copy; a path needs nothing."""
    if not isinstance(source, str):
        source.seek(0)
