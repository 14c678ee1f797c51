"""The rows of a ladder diagram: lanes, arrows, folded silences, laid out once for text and SVG."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from wsanalyze.story.ends import announced
from wsanalyze.story.model import Event, Leg, Story
from wsanalyze.tunnels.way import destination
from wsanalyze.views.escape import visible
from wsanalyze.views.quantities import duration, number, since, size
from wsanalyze.views.wrapping import defused

SECOND = 1_000_000_000
# From here on a time in which nothing is drawn is folded, and labelled.
FOLDED = SECOND
# Events that are drawn of one diagram, where nobody says more.
MOST = 2000
# Characters of one label before it is laid out.
LABEL = 120
# Characters of an address from the wire.
ADDRESS = 60
# Styles of arrows that are not drawn through, each in another way, and what they mean.
LINES = {
    "noted": "of note in TCP, as the brackets say: sent again, out of order, …",
    "gap": "not in the capture",
    "sealed": "sealed: in the capture, and no key that is known opens it",
}


@dataclass(frozen=True, slots=True)
class Rung:
    """One row of a ladder, its texts escaped for a terminal.

    `kind`: `arrow` from lane `start` to lane `stop`; `fold` for a silence; `note` for what is told
    of all lanes together (frames that are left out, rows that are). `style` is the layer, or one of
    LINES; `severity` that of the worst finding. `frame` is the number of a frame, of which
    `connection`.
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
    connection: int | None = None
    frame: int | None = None


def lanes_of(story: Story) -> tuple[str, ...]:
    """Return the names of the lanes, from left to right, with their addresses."""
    legs = story.legs or (Leg(story.number, story.client, story.server, story.tunnel),)
    front, last = legs[0], legs[-1]
    names = [f"client {front.client}"]
    # A proxy that says who its client is, which the capture does not have.
    source = announced(front.tunnel)
    if source is not None:
        names = [f"proxy {front.client}" + (f", for {visible(source, ADDRESS)}" if source else "")]
    names += [f"proxy {leg.server}" for leg in legs[:-1]]
    beyond = destination(last.tunnel)
    if beyond is None:
        return *names, f"server {last.server}"
    # What is behind the proxy is not in the capture: all is drawn to and from it.
    return *names, f"proxy {last.server}" + (f", to {visible(beyond, ADDRESS)}" if beyond else "")


def rungs_of(story: Story, most: int = MOST) -> Iterator[Rung]:
    """Yield the rows from top to bottom, those of `most` events and one that counts the others."""
    events: Sequence[Event] = story.events
    last = len(lanes_of(story)) - 1
    before: int | None = None
    yield from _of_clocks(story, events[:most], last)
    for event in events[:most]:
        if before is not None and event.time - before >= FOLDED:
            yield _fold(event.time - before, last)
        elif before is not None and before - event.time >= FOLDED:
            text = f"the capture's clock goes back by {duration(before - event.time)}"
            yield Rung("note", "", "", 0, last, text, "", "note")
            before = None
        yield _rung(event, story)
        latest = event.time if event.until is None else event.until
        before = latest if before is None else max(latest, before)
    if len(events) > most:
        left = f"… and {number(len(events) - most)} more"
        yield Rung("note", "", "", 0, last, left, "", "note")
    elif before is not None and story.closing.ended_by == "capture-end":
        if story.ended - before >= FOLDED:
            yield _fold(story.ended - before, last)
        text = "the capture ends, the connection does not"
        time = since(story.ended, story.started)
        yield Rung("note", time, "", 0, last, text, "", "note")


def legend_of(rungs: Iterable[Rung]) -> dict[str, str]:
    """Return those of LINES that are among rows."""
    styles = {each.style for each in rungs if each.kind == "arrow"}
    return {style: text for style, text in LINES.items() if style in styles}


def _of_clocks(story: Story, events: Sequence[Event], last: int) -> Iterator[Rung]:
    """Yield what is to be known where times are negative, or go back from row to row."""
    said = []
    if any(event.time < story.started for event in events):
        which = f"connection {story.number}" if story.legs else "its TCP connection"
        said.append(f"0 is the first packet of {which}; what is negative was before")
    back = max((one.time - other.time for one, other in pairwise(events)), default=0)
    if back > 0:
        text = "in the order of packets: where seconds go back, the clock or the order is wrong"
        said.append(f"{text} (up to {duration(back)})")
    for text in said:
        yield Rung("note", "", "", 0, last, text, "", "note")


def _fold(length: int, last: int) -> Rung:
    return Rung("fold", "", "", 0, last, duration(length), "", "fold")


def _rung(event: Event, story: Story) -> Rung:
    time = since(event.time, story.started)
    of = story.number if event.connection is None else event.connection
    place = (None, None) if event.frame is None else (of, event.frame)
    packet = "" if event.packet is None else str(event.packet)
    label = defused(visible(event.label, LABEL))
    detail = defused(visible(event.detail, LABEL))
    if event.length is not None:
        label += f", {size(event.length)}"
    if not event.sender:
        lanes = (event.leg, event.leg + 1)
        return Rung("note", time, packet, *lanes, label, detail, "note", None, *place)
    start, stop = event.leg, event.leg + 1
    if event.sender == "server":
        start, stop = stop, start
    style = "http" if event.layer in ("http2", "written") else event.layer
    if event.note is not None:
        label += f" ({event.note})"
        style = "noted"
    style = "sealed" if event.sealed else style
    return Rung("arrow", time, packet, start, stop, label, detail, style, event.severity, *place)
