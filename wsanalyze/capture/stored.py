"""The bytes of an input as they are stored: a file, standard input, or an open binary file."""

from __future__ import annotations

import io
import os
import select
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wsanalyze.errors import CaptureError, UsageError

STANDARD_INPUT = "-"
# How long to wait for a non-blocking source that cannot be waited for.
PAUSE_S = 0.01

ReadInto = Callable[[memoryview], "int | None"]


class Stored:
    """An input that is read from front to back, never waiting for more than has arrived.

    `name` is for people; `total_bytes` is None where the input has no size (a pipe);
    `bytes_read` counts what `readinto` gave.
    """

    def __init__(self, name: str, file: Any, *, owned: bool) -> None:
        """Read `file` from where it stands; `close` closes it only if it is `owned`."""
        self.name = name
        self.bytes_read = 0
        self.total_bytes = _size_left(file)
        self._file = file
        self._owned = owned
        self._readinto = _prompt_readinto(name, file)

    def readinto(self, view: memoryview) -> int:
        """Read what is there, at most `len(view)` bytes; 0 at the end. OSError where it fails."""
        while True:
            try:
                count = self._readinto(view)
            except BlockingIOError:
                count = None
            if count is not None:
                self.bytes_read += count
                return count
            self._wait()

    def _wait(self) -> None:
        """Wait until a non-blocking source may have something."""
        try:
            select.select([self._file], [], [])
        except (OSError, TypeError, ValueError):
            time.sleep(PAUSE_S)

    def close(self) -> None:
        """Close the file if it was opened here; may be called twice."""
        if self._owned:
            self._file.close()


def open_stored(source: object) -> Stored:
    """Open a path, "-" for standard input, or take an open binary file as it stands.

    Raises CaptureError where there is nothing to open, UsageError for anything else.
    """
    if source == STANDARD_INPUT:
        return _standard_input()
    if isinstance(source, (str, os.PathLike)):
        return _open_path(Path(source))
    if hasattr(source, "read") or hasattr(source, "readinto"):
        if isinstance(source, io.TextIOBase):
            raise UsageError("the file is open in text mode: open it with mode 'rb'")
        name = getattr(source, "name", None)
        return Stored(name if isinstance(name, str) else "<stream>", source, owned=False)
    raise UsageError(
        f"a capture is a path, '-' or an open binary file, not {type(source).__name__}"
    )


def _open_path(path: Path) -> Stored:
    try:
        file = path.open("rb", buffering=0)
    except IsADirectoryError:
        raise CaptureError(
            str(path), "is a directory", advice="name the captures in it, or expand() it"
        ) from None
    except FileNotFoundError:
        raise CaptureError(str(path), "no such file", advice="check the path") from None
    except PermissionError:
        raise CaptureError(
            str(path), "permission denied", advice="captures made by root belong to root: chown it"
        ) from None
    except (OSError, ValueError) as error:
        raise CaptureError(str(path), f"cannot be opened: {reason(error)}") from None
    return Stored(str(path), file, owned=True)


def _standard_input() -> Stored:
    file = getattr(sys.stdin, "buffer", None)
    if file is None:
        raise CaptureError("standard input", "is closed", advice="pipe a capture into it")
    if file.isatty():
        raise CaptureError(
            "standard input", "is a terminal", advice="pipe a capture into it: tcpdump -w - | …"
        )
    return Stored("standard input", file, owned=False)


def reason(error: BaseException) -> str:
    """Return what an operating system or library error says, in one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())


def _size_left(file: Any) -> int | None:
    """Return how many bytes a regular file has from its position on, None for anything else."""
    try:
        status = os.fstat(file.fileno())
        return max(status.st_size - file.tell(), 0) if stat.S_ISREG(status.st_mode) else None
    except (OSError, AttributeError, TypeError, ValueError):
        return None


def _prompt_readinto(name: str, file: Any) -> ReadInto:
    """Return the `readinto` of `file` that asks the system at most once.

    A buffered reader's own `readinto` and `read` wait until they have everything that was asked
    for, which on a pipe may take for ever.
    """
    if hasattr(file, "readinto1"):
        return file.readinto1  # type: ignore[no-any-return]
    if isinstance(file, io.RawIOBase):
        return file.readinto
    read = getattr(file, "read1", None)
    if read is None and hasattr(file, "readinto"):
        return file.readinto  # type: ignore[no-any-return]
    if read is None:
        read = file.read

    def read_into(view: memoryview) -> int | None:
        data = read(len(view))
        if data is None:
            return None
        if isinstance(data, str):
            raise UsageError(f"{name} gives text: a capture is bytes")
        view[: len(data)] = data
        return len(data)

    return read_into
