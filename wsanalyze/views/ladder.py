"""A ladder diagram: two or three lanes, time downward; laid out once, for text and for SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wsanalyze.story.model import Event, Story
from wsanalyze.views.escape import visible
from wsanalyze.views.quantities import duration, number, since, size
from wsanalyze.views.wrapping import defused

SECOND = 1_000_000_000
# From here on a time in which nothing is drawn is folded, and labelled.
FOLDED = SECOND
# Rows that are drawn of one diagram.
MOST = 2000
# Characters of one label before it is laid out.
LABEL = 120


@dataclass(frozen=True, slots=True)
class Rung:
    """One row of a ladder, its texts escaped for a terminal.

    `kind`: `arrow` from lane `start` to lane `stop`; `fold` for a silence; `note` for what is told
    of all lanes together (frames that are left out, rows that are). `style` is the layer, or the
    note of TCP; `severity` that of the worst finding.
    """

    kind: str
    time: str
    packet: str
    start: int
    stop: int
    label: str
    detail: str
    style: str
    severity: str | None = None


class Ladder:
    """A ladder diagram of a story: `text()` for a terminal, `svg` for pages, and for notebooks."""

    def __init__(self, story: Story) -> None:
        """Take the story; at most 2000 rows of it are drawn."""
        self.story = story

    @property
    def lanes(self) -> tuple[str, ...]:
        """The names of the lanes, from left to right, with their addresses."""
        story = self.story
        if story.proxy is None:
            return f"client {story.client}", f"server {story.server}"
        return f"client {story.client}", f"proxy {story.proxy}", f"server {story.server}"

    def rungs(self) -> Iterator[Rung]:
        """Yield the rows from top to bottom."""
        events: Sequence[Event] = self.story.events
        before: int | None = None
        for event in events[:MOST]:
            if before is not None and event.time - before >= FOLDED:
                yield self._fold(event.time - before)
            yield self._rung(event)
            latest = event.time if event.until is None else event.until
            before = latest if before is None else max(latest, before)
        if len(events) > MOST:
            left = f"… and {number(len(events) - MOST)} more"
            yield Rung("note", "", "", 0, len(self.lanes) - 1, left, "", "note")
        elif before is not None and self.story.closing.ended_by == "capture-end":
            if self.story.ended - before >= FOLDED:
                yield self._fold(self.story.ended - before)
            text = "the capture ends, the connection does not"
            time = self._time(self.story.ended)
            yield Rung("note", time, "", 0, len(self.lanes) - 1, text, "", "note")

    def _fold(self, length: int) -> Rung:
        return Rung("fold", "", "", 0, len(self.lanes) - 1, duration(length), "", "fold")

    def _time(self, time: int) -> str:
        return since(time, self.story.started)

    def _rung(self, event: Event) -> Rung:
        time = self._time(event.time)
        packet = "" if event.packet is None else str(event.packet)
        label = defused(visible(event.label, LABEL))
        detail = defused(visible(event.detail, LABEL))
        if event.length is not None:
            label += f", {size(event.length)}"
        if not event.sender:
            return Rung("note", time, packet, event.leg, event.leg + 1, label, detail, "note")
        start, stop = event.leg, event.leg + 1
        if event.sender == "server":
            start, stop = stop, start
        style = event.layer
        if event.note is not None:
            label += f" ({event.note})"
            style = "noted"
        return Rung("arrow", time, packet, start, stop, label, detail, style, event.severity)

    def text(self, width: int = 100) -> str:
        """Return the diagram as text of at most `width` cells, without colour."""
        from wsanalyze.views.ladder_text import ladder_lines

        lines = ladder_lines(self, width)
        return "\n".join("".join(text for text, _ in line).rstrip() for line in lines) + "\n"

    @property
    def svg(self) -> str:
        """The diagram as SVG that needs nothing else: no script, no font, no request."""
        from wsanalyze.views.ladder_svg import ladder_svg

        return ladder_svg(self)

    def _repr_html_(self) -> str:
        """Return the SVG for a notebook."""
        return self.svg

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        count = len(self.story.events)
        return f"<ladder of connection {self.story.number}: {count} events>"
