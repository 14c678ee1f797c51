"""What a check found: one row of the table `findings`."""

from __future__ import annotations

from dataclasses import dataclass

SEVERITIES = ("info", "warning", "error")

# What the capture had of the place that was looked at: all of it; not all, since packets are
# missing; not its beginning; not its end.
COVERAGES = ("full", "gap", "midstream", "truncated")


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact that a check objects to, or remarks on.

    A check gives what it knows; the rest is filled in from its declaration and its connection:
    `check` (the ID), `severity`, `reference`, `coverage`, where they are empty, and `connection`
    (the connection's serial; None for the capture as a whole).

    `message` is one sentence with the facts, text from the wire in it quoted as Python quotes it.
    `sender` is `client` or `server`. `time` (integer ns), `packet` and `frame` are where it is.
    `evidence` is the bytes (in hex) or the field at fault, shortened, secrets redacted;
    `expected` what should have stood there. `count` is how many such findings this one stands for.
    `concerns` has the serials of all connections that it is about, where those are several. `cause`
    says of a cut who did it, in the same words for all that are alike.
    """

    message: str
    sender: str | None = None
    time: int | None = None
    packet: int | None = None
    frame: int | None = None
    evidence: str | None = None
    expected: str | None = None
    severity: str = ""
    reference: str = ""
    coverage: str = ""
    count: int = 1
    check: str = ""
    connection: int | None = None
    concerns: tuple[int, ...] = ()
    cause: str = ""
