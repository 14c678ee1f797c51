"""A report made and written: the same for the command and for Python."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePath

from wsanalyze.checks.finding import Finding
from wsanalyze.recording import Recording, Wants
from wsanalyze.report.budget import Budget
from wsanalyze.report.data import Again, report_data
from wsanalyze.report.provenance import Digest, made_at
from wsanalyze.report.render import render
from wsanalyze.tables.output import replacing
from wsanalyze.version import VERSION

# Captures that a title names.
NAMED = 3
# Bytes that are shown of a message where nobody says more.
MESSAGE = 4096


def wants_of_report(longest: int) -> Wants:
    """Return what a recording must have for a report that shows `longest` bytes of a message."""
    return Wants(segments=True, payloads="preview", preview_length=longest, observe=True, tls=True)


def report_page(
    recording: Recording,
    findings: Sequence[Finding],
    *,
    again: Again | None,
    title: str | None,
    chosen: set[int] | None = None,
    longest: int = MESSAGE,
    show_secrets: bool = False,
    digests: Sequence[Digest | None] = (),
) -> str:
    """Return the page of a recording with what `wants_of_report` says, as HTML.

    `findings` are those of `audit`, with the same `show_secrets`. The page says
    what made it, and when (SOURCE_DATE_EPOCH). See `report_data` for the rest.
    """
    data = report_data(
        recording,
        findings,
        again=again,
        chosen=chosen,
        budget=Budget(message=longest),
        show_secrets=show_secrets,
        digests=digests,
    )
    data["made"] = {"by": f"wsanalyze {VERSION}", "at": made_at(os.environ)}
    names = [each.capture for each in recording.captures]
    return render(data, title or title_of(names))


def title_of(captures: Sequence[str]) -> str:
    """Return a title that names the first captures, without their folders."""
    names = ["standard input" if each == "-" else PurePath(each).name for each in captures[:NAMED]]
    more = len(captures) - NAMED
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def write_page(page: str, path: str | Path) -> None:
    """Write a page; it is complete or not there. OSError where it cannot be written."""
    with replacing(str(path)) as unfinished:
        # Of text that no UTF-8 can hold only escapes are in it.
        unfinished.write_text(page, encoding="utf-8")
