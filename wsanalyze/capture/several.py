"""Several captures named at once: directories, rotated files in any order, more than fit in memory.

A file is looked at first (its first packet's time), closed, and opened again when its time comes;
so a thousand rotated files cost no more than the few that overlap.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from wsanalyze.capture.info import CaptureInfo, Problem
from wsanalyze.capture.merge import Front, Merged, Waiting
from wsanalyze.capture.source import GLANCE, Reader, is_capture, open_capture
from wsanalyze.capture.stored import STANDARD_INPUT, reason
from wsanalyze.errors import CaptureError, UsageError
from wsanalyze.limits import Limits


def expand(sources: Iterable[object]) -> list[object]:
    """Return the sources with each directory replaced by the captures in it, sorted by name.

    Captures are recognised by content; subdirectories are not looked into. Everything else is
    handed back as it is. Raises CaptureError for a directory without captures.
    """
    return [each for source in sources for each in _expanded(source)]


def _expanded(source: object) -> list[object]:
    if isinstance(source, (str, Path)) and source != STANDARD_INPUT and Path(source).is_dir():
        return list(_captures_in(Path(source)))
    return [str(source) if isinstance(source, Path) else source]


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


def open_captures(
    sources: Sequence[object], *, limits: Limits | None = None, skip_unreadable: bool = False
) -> Reader | Merged:
    """Open captures (each as `open_capture`, or a directory) as one stream in time order.

    `infos` of what is returned has one item for each capture, in the order given (`expand`);
    `Batch.capture` is its index. Raises CaptureError where one of them cannot be read at all; with
    `skip_unreadable` only where none can, and else says why in that one's info. Raises UsageError
    for a stream that is named twice.
    """
    limits = limits or Limits()
    _refuse_twice(sources)
    found = list(_found(sources, skip_unreadable))
    if len(found) == 1 and not isinstance(found[0], CaptureError):
        return open_capture(found[0], limits=limits)
    infos: list[CaptureInfo] = []
    fronts: list[Front] = []
    waiting: list[Waiting] = []
    errors: list[CaptureError] = []
    try:
        for index, source in enumerate(found):
            reader = _opened(source, limits, skip_unreadable)
            if isinstance(reader, CaptureError):
                errors.append(reader)
                infos.append(_unreadable(reader))
                continue
            infos.append(reader.info)
            if _can_be_opened_again(source, reader):
                waiting.extend(_glance(source, index, reader, limits))
            else:
                fronts.append(Front(reader, index))
        if errors and len(errors) == len(found):
            errors[0].others = errors[1:]
            raise errors[0]
        return Merged(infos, fronts, waiting)
    except BaseException:
        for front in fronts:
            front.close()
        raise


def _refuse_twice(sources: Sequence[object]) -> None:
    streams = [each for each in sources if each == STANDARD_INPUT or not _is_path(each)]
    for i, stream in enumerate(streams):
        if any(stream is other or stream == other == STANDARD_INPUT for other in streams[:i]):
            name = "standard input" if stream == STANDARD_INPUT else getattr(stream, "name", stream)
            raise UsageError(f"{name} is named twice: a stream can be read once")


def _found(sources: Sequence[object], skip_unreadable: bool) -> Iterator[object]:
    """Yield what `expand` gives; with `skip_unreadable` the error in place of what has one."""
    for source in sources:
        try:
            yield from _expanded(source)
        except CaptureError as error:
            if not skip_unreadable:
                raise
            yield error


def _opened(source: object, limits: Limits, skip_unreadable: bool) -> Reader | CaptureError:
    """Open a capture for a glance; with `skip_unreadable` return the error instead of raising."""
    if isinstance(source, CaptureError):
        return source
    try:
        return open_capture(source, limits=limits, window=GLANCE)
    except CaptureError as error:
        if not skip_unreadable:
            raise
        return error


def _unreadable(error: CaptureError) -> CaptureInfo:
    """Return what is known of a capture that cannot be read."""
    info = CaptureInfo(error.capture)
    advice = f" ({error.advice})" if error.advice else ""
    info.problem = Problem(error.what + advice, error.offset)
    return info


def _is_path(source: object) -> bool:
    return isinstance(source, (str, os.PathLike))


def _can_be_opened_again(source: object, reader: Reader) -> bool:
    is_path = _is_path(source) and source != STANDARD_INPUT
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
            info.problem = Problem(f"{error.what}, when it was opened again", error.offset)
            return None

    return [(time_ns, index, reopen)]
