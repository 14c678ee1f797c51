"""A live source without an interface: a capture handed out a few packets at a time."""

from __future__ import annotations

from pathlib import Path

from wsanalyze.capture.batch import Batch
from wsanalyze.capture.live import Received
from wsanalyze.capture.source import open_capture
from wsanalyze.limits import Limits
from wsanalyze.monitoring.events import Event
from wsanalyze.monitoring.judging import Judge
from wsanalyze.monitoring.session import Ends, Session
from wsanalyze.recording import Wants

# Bytes of a capture that are looked at together: a few packets, unless one is larger.
FEW = 2048

WANTS = Wants(observe=True, tls=True)


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Played:
    """A capture as a live source. `pauses`: how many calls of `next` find nothing between two."""

    def __init__(self, capture: object, window: int = FEW) -> None:
        self.reader = open_capture(capture, limits=Limits(), window=window)
        self.description = "a capture that is played"
        self.infos = self.reader.infos
        self.problems: list[str] = []
        self.ended = self.stopped = self.closed = False
        self.failure: str | None = None
        self.session: Session

    def next(self, _seconds: float) -> Batch | None:
        if self.ended:
            return None
        batch = None if self.stopped else self.reader.next()
        if batch is None:
            self.ended = True
        return batch

    def stop(self) -> None:
        self.stopped = True

    def statistics(self) -> Received:
        return Received(0, 0, 0)

    def close(self) -> None:
        self.closed = True
        self.reader.close()


class Paused(Played):
    """One that comes to its end only when it is stopped, and may go on with another capture."""

    def go_on(self, capture: object) -> None:
        self.reader = open_capture(capture, limits=Limits())

    def next(self, _seconds: float) -> Batch | None:
        batch = None if self.ended else self.reader.next()
        if batch is None and self.stopped:
            self.ended = True
        return batch


def session_of(source: Played, **options: object) -> Session:
    """Return a session over a source, which wants everything."""
    given = {"wants": WANTS, "limits": Limits(), "judge": Judge()} | options
    return Session(source, **given)


def events_of(capture: str | Path | object, **options: object) -> list[Event]:
    """Return all events of a capture that is played."""
    session = session_of(Played(capture), **options)
    return drained(session)


def drained(session: Session) -> list[Event]:
    """Return all events of a session to its end."""
    events: list[Event] = []
    while not session.finished:
        events += session.pump(0)
    return events


__all__ = ["Clock", "Ends", "Paused", "Played", "drained", "events_of", "session_of"]
