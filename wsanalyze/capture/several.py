"""Several captures named at once: directories, rotated files in any order, more than fit in memory.

A file is looked at first (its first packet's time), closed, and opened again when its time comes;
so a thousand rotated files cost no more than the few that overlap.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from wsanalyze.capture.info import CaptureInfo, Problem
from wsanalyze.capture.merge import Front, Merged, Waiting
from wsanalyze.capture.source import GLANCE, Reader, is_capture, open_capture
from wsanalyze.capture.stored import STANDARD_INPUT, reason
from wsanalyze.errors import CaptureError
from wsanalyze.limits import Limits


def expand(sources: Iterable[object]) -> list[object]:
    """Return the sources with each directory replaced by the captures in it, sorted by name.

    Captures are recognised by content; subdirectories are not looked into. Everything else is
    handed back as it is. Raises CaptureError for a directory without captures.
    """
    expanded: list[object] = []
    for source in sources:
        if isinstance(source, (str, Path)) and source != STANDARD_INPUT and Path(source).is_dir():
            expanded.extend(_captures_in(Path(source)))
        else:
            expanded.append(str(source) if isinstance(source, Path) else source)
    return expanded


def _captures_in(directory: Path) -> list[str]:
    try:
        files = sorted(path for path in directory.iterdir() if path.is_file())
    except OSError as error:
        raise CaptureError(str(directory), f"cannot be read: {reason(error)}") from None
    captures = [str(path) for path in files if is_capture(path)]
    if not captures:
        has = f"{len(files)} other files" if files else "no files"
        raise CaptureError(
            str(directory),
            f"a directory without captures: it has {has}",
            advice="subdirectories are not searched: name them, or DIR/*/",
        )
    return captures


def open_captures(sources: Sequence[object], *, limits: Limits | None = None) -> Reader | Merged:
    """Open captures (each as `open_capture`) as one stream of packets in time order.

    `infos` of what is returned has one item for each source, in the order given; `Batch.capture`
    is its index. Raises CaptureError where one of them cannot be read at all.
    """
    limits = limits or Limits()
    if len(sources) == 1:
        return open_capture(sources[0], limits=limits)
    infos: list[CaptureInfo] = []
    fronts: list[Front] = []
    waiting: list[Waiting] = []
    try:
        for index, source in enumerate(sources):
            reader = open_capture(source, limits=limits, window=GLANCE)
            infos.append(reader.info)
            if _can_be_opened_again(source, reader):
                waiting.extend(_glance(source, index, reader, limits))
            else:
                fronts.append(Front(reader, index))
        return Merged(infos, fronts, waiting)
    except BaseException:
        for front in fronts:
            front.close()
        raise


def _can_be_opened_again(source: object, reader: Reader) -> bool:
    is_path = isinstance(source, (str, os.PathLike)) and source != STANDARD_INPUT
    return is_path and reader.info.total_bytes is not None


def _glance(source: object, index: int, reader: Reader, limits: Limits) -> list[Waiting]:
    """Close a capture and return when to open it again: never, where it has no packets."""
    info = reader.info
    with reader:
        time_ns = Front(reader, index).first_time_ns()
    if time_ns is None:
        return []
    info.packets = info.bytes_read = 0

    def reopen() -> Reader | None:
        try:
            return open_capture(source, limits=limits)
        except CaptureError as error:
            info.problem = Problem(f"{error.what}, when it was opened again", error.offset or 0)
            return None

    return [(time_ns, index, reopen)]
