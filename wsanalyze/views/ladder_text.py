"""A ladder diagram as lines for a terminal, as wide as that is."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.story.model import Story
from wsanalyze.views.escape import cells, shortened
from wsanalyze.views.rungs import Rung, lanes_of, legend_of, rungs_of
from wsanalyze.views.wrapping import Line

# Time and packet to the left of the lanes.
TIME, PACKET = 12, 8
LEFT = TIME + PACKET + 1
# From so many lanes on there is more room beside an arrow than in it.
NARROW = 4
# The least that lies between two lanes.
LEAST = 14
STYLES = {
    "tcp": "dim",
    "tls": "magenta",
    "proxy": "blue",
    "http": "cyan",
    "websocket": "green",
    "gap": "yellow",
    "noted": "yellow",
    "sealed": "magenta",
    "fold": "dim",
    "note": "dim",
}
# What arrows are drawn with that are not drawn through.
DASHES = {"noted": "╌", "gap": "┈", "sealed": "═"}
MARKS = {"error": " ✗", "warning": " !", "info": ""}


def ladder_lines(story: Story, width: int) -> Iterator[Line]:
    """Yield the lines of a diagram; nothing where there is nothing to draw."""
    rungs = list(rungs_of(story))
    if not rungs:
        return
    lanes = lanes_of(story)
    gap = max((width - LEFT - len(lanes)) // (len(lanes) - 1), LEAST)
    yield from _names(lanes, gap)
    for rung in rungs:
        yield _line(rung, len(lanes), gap)
    for style, text in legend_of(rungs).items():
        front = f"{'':<{LEFT}}{DASHES[style] * 3}► "
        yield [(front, STYLES[style]), (shortened(text, max(width - len(front), 8)), "dim")]


def _names(lanes: tuple[str, ...], gap: int) -> Iterator[Line]:
    """Yield the names of the lanes above them, the last one ending at its lane."""
    kinds = [lane.partition(" ")[0] for lane in lanes]
    addresses = [lane.partition(" ")[2] for lane in lanes]
    for head, names in (("", kinds), ("  seconds packet", addresses)):
        text = f"{head:<{LEFT}}"
        for place, name in enumerate(names):
            at = LEFT + place * (gap + 1)
            last = place == len(names) - 1
            if last:
                at = at - len(name) + 1
            elif place:
                at -= len(name) // 2
            text = f"{text:<{at}}" if len(text) < at else text + " "
            room = LEFT + (len(names) - 1) * (gap + 1) + 1 - len(text)
            text += shortened(name, gap) if not last else _ending(name, min(room, gap))
        yield [(text, "bold")]


def _ending(name: str, room: int) -> str:
    """Return the end of a name, where its port is, that fits."""
    return name if len(name) <= room else "…" + name[max(len(name) - room + 1, 0) :]


def _line(rung: Rung, lanes: int, gap: int) -> Line:
    left = f"{rung.time:>{TIME}} {rung.packet:>{PACKET - 1}} "
    style = STYLES.get(rung.style, "")
    if rung.kind == "fold":
        text = f" ⋮ {rung.label} ⋮ "
        body = _spread(text, lanes, gap, " ", "⋮")
        return [(left, "dim"), (body, style)]
    line: Line = [(left, "dim")]
    low, high = min(rung.start, rung.stop), max(rung.start, rung.stop)
    if rung.kind == "note" and high - low > 1:
        body = _spread(f" {_label(rung)} ", lanes, gap, " ", "│")
        return [*line, (body, style)]
    if lanes >= NARROW and rung.kind == "arrow" and sum(map(cells, _label(rung))) > gap - 6:
        return [*line, *_beside(rung, lanes, gap, style)]
    for lane in range(lanes):
        if lane:
            inside = low < lane <= high
            line.append(_span(rung, gap, style) if inside and lane == low + 1 else (" " * gap, ""))
        line.append(("│", "dim"))
    return line


def _beside(rung: Rung, lanes: int, gap: int, style: str) -> Line:
    """Return an arrow between narrow lanes with its label beside it, where nothing else is."""
    low = min(rung.start, rung.stop)
    shaft = DASHES.get(rung.style, "─") * (gap - 1)
    bare = f"{shaft}►" if rung.start < rung.stop else f"◄{shaft}"
    before, behind = low * (gap + 1), (lanes - 2 - low) * (gap + 1)
    room = max(before, behind) - 3
    label = shortened(_label(rung), room)
    spare = " " * (room - sum(map(cells, label)))
    bars, style = (" " * gap + "│"), "red" if rung.severity == "error" else style
    front: Line = [("│" + bars * low, "dim")]
    back: Line = [("│" + bars * (lanes - 2 - low), "dim")]
    if behind >= before:
        back = [("│ ", "dim"), (label, style), (spare + " │", "dim")]
    else:
        front = [("│ " + spare, "dim"), (label, style), (" │", "dim")]
    return [*front, (bare, style), *back]


def _label(rung: Rung) -> str:
    """Return all that an arrow says, with its mark."""
    text = f"{rung.label}: {rung.detail}" if rung.detail else rung.label
    return text + MARKS.get(rung.severity or "", "")


def _spread(text: str, lanes: int, gap: int, fill: str, bar: str) -> str:
    """Return a text across all lanes, in the middle of them."""
    wide = lanes + gap * (lanes - 1)
    room = list(fill * wide)
    for lane in range(lanes):
        room[lane * (gap + 1)] = bar
    shown = shortened(text, wide - 4)
    used = sum(map(cells, shown))
    at = (wide - used) // 2
    room[at : at + used] = shown
    return "".join(room)


def _span(rung: Rung, gap: int, style: str) -> tuple[str, str]:
    """Return what lies between two lanes: an arrow with its label in it."""
    mark = MARKS.get(rung.severity or "", "")
    room = gap - 6 - len(mark)
    text = rung.label
    if rung.detail:
        text += f": {rung.detail}"
    text = shortened(text, room) + mark
    used = sum(map(cells, text))
    if rung.severity == "error":
        style = "red"
    if rung.kind == "note":
        side = max(gap - used, 0)
        return " " * (side // 2) + text + " " * (side - side // 2), style
    dash = DASHES.get(rung.style, "─")
    rest = dash * max(gap - used - 5, 0)
    if rung.start < rung.stop:
        return f"{dash * 2} {text} {rest}►", style
    return f"◄{rest} {text} {dash * 2}", style
