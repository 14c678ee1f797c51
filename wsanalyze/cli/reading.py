"""Captures read for a command: progress, notes, and what the exit status says of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from wsanalyze.cli.kernels import kernels, state
from wsanalyze.cli.notes import say
from wsanalyze.cli.progress import Progress
from wsanalyze.cli.status import DONE, INTERRUPTED, PARTLY, UNREADABLE, Failure
from wsanalyze.limits import Limits
from wsanalyze.recording import Recording, Wants
from wsanalyze.views.quantities import counted

if TYPE_CHECKING:
    from wsanalyze.tables.shelf import Takers

# From here on it is worth saying that compiled kernels would be some twenty times faster.
LARGE = 50_000_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read, and the exit status that says how much of it."""

    recording: Recording
    status: int


def read_captures(
    captures: Sequence[str | BinaryIO],
    wants: Wants,
    limits: Limits,
    *,
    quiet: bool,
    full: Takers | None = None,
    keylogs: Sequence[Path] = (),
) -> Reading:
    """Read captures, showing progress on a terminal, and noting what went wrong.

    `full`: who takes runs of rows, so that a table can be longer than memory. `keylogs`: where
    secrets of TLS connections are.
    After Ctrl-C the reading is what was found so far. Raises CaptureError where nothing of any
    input can be read.
    """
    if not quiet:
        _note_slowness(captures)
    progress = Progress() if not quiet and sys.stderr.isatty() else None
    try:
        reading = _read(captures, wants, limits, progress, full, keylogs)
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        raise Failure(f"{name}{error.strerror or error}", UNREADABLE) from error
    finally:
        if progress is not None:
            progress.close()
    if reading.status == INTERRUPTED:
        say("interrupted: this is what was read until then")
    if not quiet:
        _note_what_is_no_key_log(reading.recording, keylogs)
        for capture in reading.recording.captures:
            if capture.problem:
                say(f"{capture.capture}: {capture.problem}")
    return reading


def _read(
    captures: Sequence[str | BinaryIO],
    wants: Wants,
    limits: Limits,
    progress: Progress | None,
    full: Takers | None,
    keylogs: Sequence[Path],
) -> Reading:
    from wsanalyze.pipeline import read

    try:
        recording = read(
            captures,
            wants=wants,
            limits=limits,
            progress=progress,
            skip_unreadable=True,
            full=full,
            keylogs=keylogs,
        )
    except KeyboardInterrupt as interrupt:
        # The pipeline hands over what it has; before it began there is nothing.
        so_far = getattr(interrupt, "recording", None)
        if so_far is None:
            raise
        return Reading(so_far, INTERRUPTED)
    damaged = any(capture.problem for capture in recording.captures)
    return Reading(recording, PARTLY if damaged else DONE)


def _note_what_is_no_key_log(recording: Recording, keylogs: Sequence[Path]) -> None:
    """Say that a certificate or a capture was given, say, in the place of a key log."""
    first = next(iter(recording.captures), None)
    if not keylogs or first is None or not 0 < first.keylog_lines == first.keylog_not_understood:
        return
    none = f"none of {counted(first.keylog_lines, 'line')} is understood"
    if len(keylogs) == 1:
        say(f"note: key log {keylogs[0]}: {none}: this is no key log")
    else:
        say(f"note: {counted(len(keylogs), 'key log')}: {none}: these are no key logs")


def _note_slowness(captures: Sequence[str | BinaryIO]) -> None:
    """Say once that a large capture is read without compiled kernels."""
    found = kernels()
    if all(found.values()):
        return
    paths = [Path(each) for each in captures if isinstance(each, str) and each != "-"]
    if sum(path.stat().st_size for path in paths if path.is_file()) > LARGE:
        say(f"note: {state(found)}, so this takes longer than it must (wsanalyze doctor)")
