"""A ladder diagram as SVG: one element that needs nothing else, in light and in dark."""

from __future__ import annotations

from html import escape

from wsanalyze.story.model import Story
from wsanalyze.views.escape import cells, shortened
from wsanalyze.views.rungs import LINES, Rung, lanes_of, legend_of, rungs_of

WIDTH, ROW, TOP = 960, 30, 64
# The height of a row of the legend.
LEGEND = 20
# Where the first and the last lane are; time and packet stand to the left of them.
FIRST, LAST = 190, 900
TIME_AT, PACKET_AT = 104, 168
# From so many lanes on labels go on over the lanes beside their arrow.
NARROW = 4
# How wide a character of the labels is, at most, in their size.
CHARACTER = 7.0

STYLE = """
.wsl{max-width:960px;width:100%;font:12px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;
--ink:#1b1f24;--dim:#59636e;--line:#c4ccd4;--back:#ffffff;--tcp:#59636e;--tls:#8250df;
--http:#0b6bcb;--proxy:#0e7490;--websocket:#116329;--noted:#9a5b00;--gap:#9a5b00;
--error:#b3261e;--warning:#9a5b00}
@media (prefers-color-scheme:dark){.wsl{--ink:#e8edf2;--dim:#9aa6b2;--line:#3d4650;--back:#0f1419;
--tcp:#9aa6b2;--tls:#c4a2ff;--http:#7cc0ff;--proxy:#67d8ef;--websocket:#7ddb93;--noted:#e7b351;
--gap:#e7b351;--error:#ff8a80;--warning:#e7b351}}
.wsl .back{fill:var(--back)}.wsl .lane{stroke:var(--line);stroke-width:2}
.wsl .name{font-weight:700;fill:var(--ink)}.wsl .address,.wsl .place{fill:var(--dim)}
.wsl .break{stroke:var(--dim);stroke-width:2;stroke-dasharray:2 4}
.wsl .fold{fill:var(--dim)}.wsl .note{fill:var(--dim);font-style:italic}
.wsl .wash{fill:var(--back)}.wsl .detail{fill:var(--dim)}.wsl path{stroke-width:1.5;fill:none}
.wsl .tcp{--at:var(--tcp)}.wsl .tls{--at:var(--tls)}.wsl .http{--at:var(--http)}
.wsl .proxy{--at:var(--proxy)}.wsl .sealed{--at:var(--tls)}
.wsl .websocket{--at:var(--websocket)}.wsl .noted{--at:var(--noted)}.wsl .gap{--at:var(--gap)}
.wsl .error{--at:var(--error)}.wsl .warning{--at:var(--warning)}
.wsl .label{fill:var(--at)}.wsl .shaft{stroke:var(--at)}.wsl .tip{fill:var(--at);stroke:none}
.wsl .over{paint-order:stroke;stroke:var(--back);stroke-width:4px}
.wsl .noted .shaft{stroke-dasharray:5 4}.wsl .gap .shaft{stroke-dasharray:1.5 4}
.wsl .sealed .shaft{stroke-dasharray:9 3 2 3}
"""


def ladder_svg(story: Story) -> str:
    """Return the diagram as one `<svg>` element; all text in it is escaped twice over."""
    lanes = lanes_of(story)
    places = [FIRST + (LAST - FIRST) * lane // (len(lanes) - 1) for lane in range(len(lanes))]
    rungs = list(rungs_of(story))
    legend = legend_of(rungs)
    bottom = TOP + ROW * len(rungs) + 20
    height = bottom + LEGEND * len(legend)
    kind = "Connection" if story.refusal is None else "Refused tunnel"
    title = f"{kind} {story.number}: {' to '.join(lanes)}"
    parts = [
        f'<svg class="wsl" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<rect class="back" width="{WIDTH}" height="{height}"/>',
        _text(TIME_AT, TOP - 18, "place", "seconds", "end"),
        _text(PACKET_AT, TOP - 18, "place", "packet", "end"),
    ]
    for place, lane in zip(places, lanes, strict=True):
        name, _, address = lane.partition(" ")
        anchor = "end" if place == LAST else "middle" if place != FIRST else "start"
        parts.append(_text(place, TOP - 36, "name", name, anchor))
        parts.append(_text(place, TOP - 18, "address", address, anchor))
        parts.append(f'<path class="lane" d="M{place} {TOP - 8}V{bottom - 8}"/>')
    for number, rung in enumerate(rungs):
        parts.append(_rung(rung, TOP + ROW * number + 18, places))
    for number, (style, text) in enumerate(legend.items()):
        at = bottom + LEGEND * number + 4
        line = f'<path class="shaft sample" d="M{FIRST} {at}h60"/>'
        tip = f'<path class="tip" d="M{FIRST + 68} {at}l-8 -4v8z"/>'
        parts.append(f'<g class="{style}">{line}{tip}</g>')
        parts.append(_text(FIRST + 80, at + 4, "place", text, "start"))
    parts.append("</svg>")
    return "\n".join(parts)


def _rung(rung: Rung, at: int, places: list[int]) -> str:
    start, stop = places[rung.start], places[rung.stop]
    middle = (start + stop) / 2
    if rung.kind == "fold":
        return _fold(rung, at, places)
    place = _text(TIME_AT, at + 4, "place", rung.time, "end")
    place += _text(PACKET_AT, at + 4, "place", rung.packet, "end")
    if rung.kind == "note":
        text = f"{rung.label}: {rung.detail}" if rung.detail else rung.label
        return place + _washed(middle, at + 4, "note", text, abs(stop - start))
    kind = rung.severity if rung.severity in ("error", "warning") else rung.style
    lead = 8 if stop > start else -8
    label = _label(rung, middle, at - 6, abs(stop - start))
    if len(places) >= NARROW:
        label = _over_lanes(rung, at - 6, places)
    dashed = f" {rung.style}" if rung.style in LINES and kind != rung.style else ""
    return (
        f'{place}<g class="{kind}{dashed}">{label}'
        f'<path class="shaft" d="M{start} {at}H{stop - lead}"/>'
        f'<path class="tip" d="M{stop} {at}l{-lead} -4v8z"/></g>'
    )


def _fold(rung: Rung, at: int, places: list[int]) -> str:
    """Return a silence: every lane is broken, and how long it was stands in the middle."""
    parts = [
        f'<rect class="wash" x="{place - 4}" y="{at - 12}" width="8" height="20"/>'
        f'<path class="break" d="M{place} {at - 10}v18"/>'
        for place in places
    ]
    middle = (places[0] + places[-1]) / 2
    parts.append(_washed(middle, at + 2, "fold", rung.label, places[-1] - places[0]))
    return "".join(parts)


def _label(rung: Rung, middle: float, at: int, wide: int) -> str:
    return _fitted(rung, (middle, at), "middle", wide, "label")


def _over_lanes(rung: Rung, at: int, places: list[int]) -> str:
    """Return the label of an arrow between narrow lanes: it goes on over those beside it."""
    low, high = sorted((places[rung.start], places[rung.stop]))
    if places[-1] - high >= low - places[0]:
        return _fitted(rung, (low + 12, at), "start", places[-1] - low, "label over")
    return _fitted(rung, (high - 12, at), "end", high - places[0], "label over")


def _fitted(rung: Rung, place: tuple[float, int], anchor: str, wide: int, kind: str) -> str:
    """Return label and detail at a place, as much of them as `wide` pixels hold."""
    room = int((wide - 30) / CHARACTER)
    mark = {"error": " ✗", "warning": " !"}.get(rung.severity or "", "")
    label = shortened(rung.label, room - len(mark)) + mark
    left = room - sum(map(cells, label)) - 2
    detail = shortened(rung.detail, left) if rung.detail and left > 4 else ""
    more = f'<tspan class="detail">  {escape(detail)}</tspan>' if detail else ""
    return (
        f'<text class="{kind}" x="{place[0]:g}" y="{place[1]}" text-anchor="{anchor}" '
        f'xml:space="preserve">{escape(label)}{more}</text>'
    )


def _washed(middle: float, at: float, kind: str, text: str, wide: int) -> str:
    """Return a text in the middle of lanes, on a ground that hides what is below it."""
    shown = shortened(text, int((wide - 20) / CHARACTER))
    size = sum(map(cells, shown)) * CHARACTER + 16
    ground = (
        f'<rect class="wash" x="{middle - size / 2:g}" y="{at - 13}" width="{size:g}" height="18"/>'
    )
    return ground + _text(middle, at, kind, shown, "middle")


def _text(x: float, y: float, kind: str, text: str, anchor: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'
