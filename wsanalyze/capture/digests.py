"""Which file was looked at: size and SHA-256 of captures, so that others can tell that it was it.

They are those of the file as it is stored, compressed or not. A file that changes while it is read
has none: what was read of it is no longer there to compare with.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from hashlib import file_digest
from pathlib import Path
from stat import S_ISREG
from typing import Any

from wsanalyze.capture.several import expand
from wsanalyze.capture.stored import STANDARD_INPUT
from wsanalyze.errors import CaptureError

# Size in bytes, SHA-256 in hex.
Digest = tuple[int, str]
# What a change of a file changes: device, inode, size, time of the last modification in ns.
Mark = tuple[int, int, int, int]


def marks_of(sources: Iterable[object]) -> dict[str, Mark]:
    """Return how each file among the sources is now, by path; directories as `expand` does."""
    found = {}
    for source in sources:
        try:
            paths = [each for each in expand([source]) if isinstance(each, str)]
        except CaptureError:
            continue
        for path in paths:
            mark = _mark(path)
            if mark is not None:
                found[path] = mark
    return found


def digests_of(
    captures: Iterable[str], sources: Sequence[object], before: Mapping[str, Mark]
) -> list[Digest | None]:
    """Return size and SHA-256 of captures; None for what is no file, or has changed.

    `captures` are the names of what was read, one for each of the sources as `expand` gives them,
    in their order: a file may have the name that a stream goes by. `before` is `marks_of` from
    before they were read. Of sources that are open files and can be read again, such as the copy
    of a pipe, it is that of their contents.
    """
    names, entries = list(captures), _entries(sources)
    if len(names) != len(entries):
        return [None] * len(names)
    return [_of(name, entry, before) for name, entry in zip(names, entries, strict=True)]


def _entries(sources: Sequence[object]) -> list[object]:
    """Return what was read, in order; None for a directory that cannot be."""
    found: list[object] = []
    for source in sources:
        try:
            found.extend(expand([source]))
        except CaptureError:
            found.append(None)
    return found


def _of(name: str, entry: object, before: Mapping[str, Mark]) -> Digest | None:
    if entry is None or entry == STANDARD_INPUT:
        return None
    if isinstance(entry, str):
        # Names are those of opened files: without a leading "./".
        same = "\0" not in entry and str(Path(entry)) == name
        return _of_path(entry, before.get(entry)) if same else None
    return _of_file(entry)


def _mark(path: str) -> Mark | None:
    try:
        stat = os.stat(path)  # noqa: PTH116 - "-" is no path, and stays a word
    except (OSError, ValueError):
        return None
    if not S_ISREG(stat.st_mode):
        return None
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


def _of_path(path: str, before: Mark | None) -> Digest | None:
    if before is None or _mark(path) != before:
        return None
    try:
        with Path(path).open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
    return (before[2], digest) if _mark(path) == before else None


def _of_file(file: Any) -> Digest | None:
    try:
        place = file.tell()
        file.seek(0)
        digest = file_digest(file, "sha256").hexdigest()
        size = file.seek(0, os.SEEK_END)
        file.seek(place)
    except (AttributeError, OSError, ValueError):
        return None
    return size, digest
