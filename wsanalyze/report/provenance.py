"""What a report is of: which captures, to the byte, and what made it, so that it can be proved."""

from __future__ import annotations

import time
from collections.abc import Mapping

from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.views.facts import Fact, facts
from wsanalyze.views.quantities import counted, duration, moment

SECOND = 1_000_000_000
# Size in bytes and SHA-256 in hex of a capture's file.
Digest = tuple[int, str]
# 9999-12-31, the last day that has a name.
LATEST = 253_402_300_799
UNKNOWN = "not known: not a file, or one that changed while it was read"


def capture_lines(capture: CaptureSummary, digest: Digest | None) -> list[Fact]:
    """Return the facts of a capture, with its first and last packet, its size and its SHA-256."""
    lines = []
    for label, text in facts(capture):
        if label != "time":
            lines.append((label, text))
        if label == "capture":
            lines += _file(digest)
            lines += _span(capture)
    return lines


def _file(digest: Digest | None) -> list[Fact]:
    if digest is None:
        return [("SHA-256", UNKNOWN)]
    size, hexadecimal = digest
    return [("file", counted(size, "byte")), ("SHA-256", hexadecimal)]


def _span(capture: CaptureSummary) -> list[Fact]:
    first, last = capture.first_time, capture.last_time
    if first is None or last is None:
        return []
    return [
        ("first packet", moment(first)),
        ("last packet", f"{moment(last)}, {duration(last - first)} later"),
    ]


def made_at(environment: Mapping[str, str]) -> str:
    """Return the time as a report says it; that of SOURCE_DATE_EPOCH where it is set.

    That is how the same captures make the same page, byte by byte: its value is in seconds
    (reproducible-builds.org, SOURCE_DATE_EPOCH specification 1.1).
    """
    text = environment.get("SOURCE_DATE_EPOCH", "")
    if text.isascii() and text.isdigit() and len(text) < 13 and int(text) <= LATEST:
        return moment(int(text) * SECOND).partition(".")[0] + " UTC"
    return moment(time.time_ns()).partition(".")[0] + " UTC"
