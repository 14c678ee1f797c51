"""How a live session ends: by signals, and what its exit status says of it."""

from __future__ import annotations

import signal
from types import FrameType
from typing import TYPE_CHECKING, Any

from wsanalyze.cli.notes import say
from wsanalyze.cli.status import (
    DONE,
    INTERRUPTED,
    PARTLY,
    READER_LEFT,
    UNREADABLE,
    UNWRITABLE,
)

if TYPE_CHECKING:
    from wsanalyze.capture.live import LiveSource, Received
    from wsanalyze.cli.live_output import Alone
    from wsanalyze.monitoring.session import Session

# The end is asked for by Ctrl-C, by who manages services, by a terminal that is closed.
ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Takes note of signals that ask for the end. A second Ctrl-C raises KeyboardInterrupt.

    `asked`: the first one that came, None for none.
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        for number in ASKING:
            # What nohup has switched off stays so. Shells switch SIGINT off for what they start in
            # the background of a script; who sends it there by name means it, as to tcpdump.
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._come)
        return self

    def __exit__(self, *_error: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _come(self, number: int, _frame: FrameType | None) -> None:
        if self.asked is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        if self.asked is None:
            self.asked = number


def nothing_came(session: Session, source: LiveSource) -> bool:
    """Whether the capturing failed before its first packet: that is all there is to say."""
    return session.failure is not None and not source.statistics().received


def status_of(session: Session, received: Received, signals: Signals, out: Alone) -> int:
    """Return the exit status of a session that has ended, and say why it ended by itself."""
    if session.failure is not None:
        if not out.reader_left:
            say(session.failure)
        if not received.received:
            return UNREADABLE
    told = out.failure is None or out.reader_left
    if not (told and session.is_written):
        return UNWRITABLE
    if signals.asked == signal.SIGINT:
        return INTERRUPTED
    if out.reader_left:
        return READER_LEFT
    if session.failure is not None or session.run.summaries[0].problem:
        return PARTLY
    return DONE
