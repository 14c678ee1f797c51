"""Where the events of a live session go: a terminal, a log of lines, JSON Lines."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from wsanalyze.capture.live import Received
from wsanalyze.cli.notes import say
from wsanalyze.monitoring.events import Event, Found, Messages, Told
from wsanalyze.monitoring.session import Session
from wsanalyze.views.live_log import line, style
from wsanalyze.views.live_rows import jsonl_pieces, summary_line
from wsanalyze.views.live_summary import closing_facts, heading
from wsanalyze.views.message_lines import MessageLines, MessageLog
from wsanalyze.views.quantities import counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

# What is loaded when something is shown for the first time.
SHOWING = (
    "rich.live",
    "rich.table",
    "rich.text",
    "wsanalyze.views.facts",
    "wsanalyze.views.live_table",
    "wsanalyze.views.summary",
)
# Seconds between two drawings of the table.
DRAW = 0.25
# Lines of the log between two drawings: nobody reads more, and drawing them takes time.
MOST_LINES = 40
# Rows of the table that the tallest of terminals has room for.
MOST_ROWS = 200


def output_for(kind: str, wanted: Collection[str], *, no_color: bool) -> Output:
    """Return where events go: as JSON Lines, or as text on a terminal or elsewhere."""
    if kind == "jsonl":
        return JsonLines(wanted)
    from rich.console import Console

    console = Console(file=sys.stdout, no_color=no_color or None, highlight=False, markup=False)
    if console.is_terminal and not console.is_dumb_terminal:
        return Terminal(wanted, console)
    return Log(wanted, console)


class Output:
    """Where events go. `wanted`: the kinds that are shown."""

    is_terminal = False

    def __init__(self, wanted: Collection[str]) -> None:
        self.wanted = wanted

    def __enter__(self) -> Output:
        return self

    def __exit__(self, *_error: object) -> None:
        return

    def show(self, events: Iterable[Told], session: Session) -> None:
        """Show what happened; called several times a second, whether anything did or not."""
        raise NotImplementedError

    def end(self, session: Session, received: Received, *, quiet: bool) -> None:
        """Show how it was, in all."""
        raise NotImplementedError

    def chosen(self, events: Iterable[Told]) -> list[Told]:
        """Return the events that are wanted."""
        return [event for event in events if event.kind in self.wanted]


class Alone:
    """Lets an output fail alone: what else is kept, goes on.

    `failure`: why nothing can be told any more, None while it can; with `reader_left` who read it
    went away, which is no failure to speak of.
    """

    def __init__(self, out: Output) -> None:
        self._out = out
        self.failure: OSError | None = None

    @property
    def reader_left(self) -> bool:
        """Whether it is a pipe that nobody reads any more."""
        return isinstance(self.failure, BrokenPipeError)

    def __enter__(self) -> Alone:
        with self._failing():
            self._out.__enter__()
        return self

    def __exit__(self, *_error: object) -> None:
        # Also behind a failure: it puts the terminal in order, as far as it can.
        with self._failing():
            self._out.__exit__(*_error)

    def show(self, events: Iterable[Told], session: Session) -> None:
        """Show what happened, while it can be shown."""
        if self.failure is None:
            with self._failing():
                self._out.show(events, session)

    def end(self, session: Session, received: Received, *, quiet: bool) -> None:
        """Show how it was; on standard error, where there is no other place."""
        if self.failure is None:
            with self._failing():
                self._out.end(session, received, quiet=quiet)
        if self.failure is not None and not (quiet or self.reader_left):
            _say_how_it_was(session, received)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if self.failure is None:
                self.failure = error
                if not self.reader_left:
                    say(f"{_why(error)}: nothing more is told there")


def _why(error: OSError) -> str:
    if error.errno == errno.EBADF:
        return "standard output is closed"
    return f"standard output: {error.strerror or error}"


def _say_how_it_was(session: Session, received: Received) -> None:
    for label, sentence in closing_facts(session, received):
        say(f"{label}: {sentence}")


class JsonLines(Output):
    """One JSON object for each event, written at once."""

    def __init__(self, wanted: Collection[str]) -> None:
        super().__init__(wanted)
        self._lines = MessageLines()

    def show(self, events: Iterable[Told], session: Session) -> None:  # noqa: ARG002 - an Output's
        """Write the events."""
        for piece in jsonl_pieces(self.chosen(events), self._lines):
            sys.stdout.write(piece)
        sys.stdout.flush()

    def end(self, session: Session, received: Received, *, quiet: bool) -> None:
        """Write the summary: the last object, and a line beside."""
        sys.stdout.write(summary_line(session.run.summaries[0], received, session.taken))
        sys.stdout.flush()
        if not quiet:
            _say_how_it_was(session, received)


class Log(Output):
    """A line for each event, but none for a finding that was told before, of fewer."""

    def __init__(self, wanted: Collection[str], console: Console) -> None:
        super().__init__(wanted)
        self.console = console
        self._messages = MessageLog()

    def chosen(self, events: Iterable[Told]) -> list[Told]:
        """Return the events that are wanted, each finding once."""
        wanted = super().chosen(events)
        return [each for each in wanted if not (isinstance(each, Found) and each.again)]

    def show(self, events: Iterable[Told], session: Session) -> None:  # noqa: ARG002 - an Output's
        """Write the lines."""
        text = "".join(
            self._messages.text(event.rows, event.places)
            if isinstance(event, Messages)
            else f"{line(event)}\n"
            for event in self.chosen(events)
        )
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()

    def end(self, session: Session, received: Received, *, quiet: bool) -> None:  # noqa: ARG002
        """Write the summary."""
        from wsanalyze.views.facts import facts
        from wsanalyze.views.summary import print_facts

        lines = [*facts(session.run.summaries[0]), *closing_facts(session, received)]
        # Not printed by rich: it ends the process with status 1 when the reader leaves.
        with self.console.capture() as printed:
            print_facts(lines, self.console)
        # rich fills up what stands in columns.
        text = "".join(f"{each.rstrip()}\n" for each in printed.get().splitlines())
        sys.stdout.write("\n" + text)
        sys.stdout.flush()


def _each(events: Iterable[Told]) -> Iterator[Event]:
    """Yield events, and messages that come in blocks one by one."""
    for event in events:
        if isinstance(event, Messages):
            yield from map(event.rows.event, event.places)
        else:
            yield event


def shown_of(events: Sequence[Event], most: int) -> list[Event]:
    """Return the events that there is room for: messages leave before others, the oldest first."""
    excess = len(events) - most
    if excess <= 0:
        return list(events)
    leaving = [place for place, event in enumerate(events) if event.kind == "message"][:excess]
    gone = set(leaving)
    staying = [event for place, event in enumerate(events) if place not in gone]
    return staying[excess - len(leaving) :]


def _messages_in(events: Sequence[Event]) -> int:
    return sum(event.kind == "message" for event in events)


def left_out(messages: int, others: int) -> str:
    """Return how many events are not shown; "" for none."""
    parts = [counted(messages, "message")] if messages else []
    if others:
        parts.append(counted(others, "other event") if messages else counted(others, "event"))
    if not parts:
        return ""
    return f"… {' and '.join(parts)} {'is' if messages + others == 1 else 'are'} not shown"


class Terminal(Log):
    """The log, and under it a table of the open connections that is drawn again and again."""

    is_terminal = True

    def __init__(self, wanted: Collection[str], console: Console) -> None:
        from wsanalyze.views.live_table import Rates

        super().__init__(wanted, console)
        self._rates = Rates()
        self._waiting: list[Event] = []
        # Since the last drawing: messages and other events that are not shown.
        self._messages_left_out = self._others_left_out = 0
        # Messages that were no events, until the last look.
        self._passed = 0
        self._drawn = 0.0
        self._live: Live | None = None

    def __enter__(self) -> Terminal:
        from rich.live import Live

        self._live = Live(console=self.console, auto_refresh=False, transient=True)
        self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, events: Iterable[Told], session: Session) -> None:
        """Take events, and draw when it is time."""
        waiting = [*self._waiting, *_each(self.chosen(events))]
        self._waiting = shown_of(waiting, MOST_LINES)
        left_out = _messages_in(waiting) - _messages_in(self._waiting)
        self._others_left_out += len(waiting) - len(self._waiting) - left_out
        passed, self._passed = self._passed, session.follower.passed
        if "message" in self.wanted:
            self._messages_left_out += left_out + self._passed - passed
        now = time.monotonic()
        if self._live is None or (now - self._drawn < DRAW and not session.finished):
            return
        self._drawn = now
        self._draw(self._live, session, now)

    def _draw(self, live: Live, session: Session, now: float) -> None:
        from rich.text import Text

        from wsanalyze.views.live_table import OpenConnections

        log = Text(no_wrap=True, overflow="ellipsis")
        log.append(left_out(self._messages_left_out, self._others_left_out), style="dim")
        for event in self._waiting:
            log.append("\n" if log else "").append(line(event), style=style(event))
        self._waiting, self._messages_left_out, self._others_left_out = [], 0, 0
        follower = session.follower
        going_on = (each for each in reversed(follower.followed.values()) if not each.ended)
        newest = list(islice(going_on, MOST_ROWS))
        text = heading(session, now)
        # First: what is printed draws the table below it, too, and in the old one some have ended.
        live.update(OpenConnections(newest, follower.open, text, self._rates, now))
        if log:
            self.console.print(log)
        live.refresh()
