"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Names tried for the temporary file beside the one that is written.
TRIES = 100


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a new empty file beside `path`; it takes the place of `path` if the block succeeds.

    An existing file is replaced (where it is a symbolic link: its target), with the permissions
    that a new file gets. If the block raises, nothing is left behind. What is not a regular file (a
    pipe, /dev/null) is yielded as it is. OSError where the folder cannot be written.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file() and not target.is_dir():
        yield target
        return
    if target.is_dir():
        raise IsADirectoryError(21, os.strerror(21), str(path))
    part = _new_file(target)
    try:
        yield part
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _new_file(target: Path) -> Path:
    """Create an empty file beside `target`, that nobody else uses."""
    for attempt in range(TRIES):
        part = target.with_name(f".{target.name}.{os.getpid()}-{attempt}.part")
        try:
            os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except FileExistsError:
            continue
        except OSError as error:
            # The caller knows the file that it asked for, not this one.
            raise type(error)(error.errno, error.strerror, str(target)) from error
        return part
    raise FileExistsError(17, "too many unfinished files beside it", str(target))
