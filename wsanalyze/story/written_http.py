"""HTTP that an end writes where frames belong (FRM-13): it is none of the frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wsanalyze.checks.finding import Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.story.events import worst
from wsanalyze.story.model import Event, Written

# The check that tells of it.
CHECK = "FRM-13"


def written(connection: Connection, findings: Sequence[Finding]) -> tuple[Written, ...]:
    """Return the HTTP that each end writes in the place of frames, with what was found of it.

    A response that was written as if there was no upgrade, for example.
    """
    if connection.observation is None:
        return ()
    return tuple(
        Written(
            sender=each.sender,
            time=each.time,
            packet=each.packet,
            length=each.length,
            text=each.payload.decode("latin-1"),
            findings=tuple(
                found for found in findings if found.check == CHECK and found.sender == each.sender
            ),
        )
        for each in connection.observation.of("http")
    )


def of_written(writings: Iterable[Written]) -> list[Event]:
    """Return HTTP in the place of frames as events, each with its first line."""
    return [
        Event(
            layer="written",
            sender=each.sender,
            time=each.time,
            packet=each.packet,
            ordinal=0,
            label="HTTP, no frame",
            detail=each.text.partition("\r\n")[0],
            length=each.length,
            severity=worst(each.findings),
        )
        for each in writings
    ]
