"""Columns of `findings`."""

from __future__ import annotations

from wsanalyze.checks.finding import COVERAGES, SEVERITIES
from wsanalyze.tables.declaration import Column, Kind, Table, category, count, text, time
from wsanalyze.tables.schema.shared import SENDERS

FINDINGS = Table(
    "findings",
    "one thing that a check found",
    (
        Column(
            "connection",
            Kind.NULLABLE_INT,
            "number of the connection, as in `connections`",
            "it concerns the capture as a whole",
        ),
        text("check", "ID of the check"),
        category("severity", SEVERITIES, "how bad it is"),
        text("message", "one sentence with the facts"),
        category("sender", SENDERS, "who sent it", "it concerns both ends, or neither"),
        time("time", "when", "it has no one moment"),
        Column("packet", Kind.NULLABLE_INT, "number of the packet", "it has no one packet"),
        Column("frame", Kind.NULLABLE_INT, "number of the frame", "it concerns no one frame"),
        text("evidence", "the bytes or the field at fault, shortened", "there are none to show"),
        text("reference", "document and section", "no document says so"),
        text("name", "name of the check, which can be typed instead of its ID"),
        text("expected", "what should have been there", "it cannot be said in few words"),
        category(
            "coverage",
            COVERAGES,
            "what the capture has of the place that was looked at: all of it; not all, since "
            "packets are missing; not its beginning; not its end",
        ),
        count("count", "how many such findings the row stands for"),
    ),
)
