"""The way through proxies of an explained connection: each message, by its bytes or its lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wsanalyze.story.ends import announced, place_of
from wsanalyze.story.model import Story, WayStep
from wsanalyze.story.way import label_of
from wsanalyze.tunnels import messages
from wsanalyze.tunnels.parts import Part
from wsanalyze.tunnels.way import destination, steps
from wsanalyze.views.escape import visible
from wsanalyze.views.explained_parts import (
    INDENT,
    SIDES,
    arrow,
    finding_lines,
    hexadecimal,
    row,
    say,
    since,
)
from wsanalyze.views.quantities import counted, size
from wsanalyze.views.wrapping import Line, defused, wrapped

# Bytes of one part that are shown, characters of a text, fields of a head, parts of a message.
BYTES, TEXT, FIELDS, PARTS = 16, 300, 100, 60
BELOW = INDENT + 4

HTTP = (
    "CONNECT asks an HTTP proxy for a tunnel to a host and port (RFC 9110 §9.3.6). After a 2xx it "
    "passes bytes on in both directions, whatever they are; any other answer opens nothing."
)
SOCKS5 = (
    "SOCKS 5 (RFC 1928): the client offers ways of logging in, the proxy chooses one, the client "
    "says where to; after a reply of 0 the proxy passes bytes on in both directions."
)
SOCKS4 = (
    "SOCKS 4 has one request and one reply: 90 grants it, and bytes are passed on from then on. "
    "In SOCKS 4A the proxy looks up the name."
)
HEADER = (
    "The PROXY protocol: a proxy in front says in one header, before anything else, who its client "
    "is, for the server sees the proxy's address alone (proxy-protocol.txt §2). Whoever may "
    "connect can claim anything there: a server must take it from its own proxies only (§5)."
)
INTRODUCTIONS = {"CONNECT": HTTP, "SOCKS5": SOCKS5, "SOCKS4": SOCKS4, "PROXY": HEADER}

SAID = {
    messages.METHODS: "the client: these ways of logging in are possible",
    messages.METHOD: "the proxy: this one",
    messages.LOGIN: "user name and password, readable for everybody on the way",
    messages.STATUS: "whether the proxy believes them",
    messages.REQUEST: "where the client wants to go",
    messages.REPLY: "what became of it",
    messages.SOCKS4_REQUEST: "where the client wants to go",
    messages.SOCKS4_REPLY: "what became of it",
    messages.HEADER: "who asks, and whom",
    messages.CONNECT_REQUEST: "where the client wants to go",
}


def way_lines(story: Story, depth: int, last: int, width: int) -> Iterator[Line]:
    """Yield the messages to and from proxies with `depth` TLS connections around them.

    At the depth `last`, which is the innermost, those that are deeper, too.
    """
    mine = [
        each for each in story.way if each.depth == depth or (depth == last and each.depth > depth)
    ]
    yield from _messages(mine, story, width)
    if not mine and story.tunnel is not None and not story.way and depth == last:
        yield from _unknown(story, width)


def _unknown(story: Story, width: int) -> Iterator[Line]:
    ways = ", ".join(f"{kind} {where}".strip() for kind, where in steps(story.tunnel))
    text = f"The way is {visible(ways, TEXT)}; the bytes that opened it are not known here."
    yield from say(text, width)


def _messages(said: Sequence[WayStep], story: Story, width: int) -> Iterator[Line]:
    told: set[str] = set()
    hop = -1
    for place, step in enumerate(said):
        protocol = step.kind.partition(" ")[0]
        if place:
            yield []
        if step.hop != hop:
            hop = step.hop
            if hop > said[0].hop or hop:
                yield from say(_inside(step, story), width)
        if protocol not in told:
            told.add(protocol)
            yield from say(INTRODUCTIONS[protocol], width)
        yield from _message(step, story, width)


def _inside(step: WayStep, story: Story) -> str:
    """Say that what follows is with the far end of the tunnel before."""
    _, where = steps(story.tunnel)[step.hop - 1]
    who = "the next proxy" if step.kind != messages.HEADER else "the server"
    return f"Inside that tunnel, with {who}, {visible(where, TEXT)}:"


def _message(step: WayStep, story: Story, width: int) -> Iterator[Line]:
    way: Line = [
        (f"{' ' * INDENT}packet {step.packet:<6} ", ""),
        (f"{since(step.time, story.started):>10}  ", ""),
        (arrow(step.sender, ends_of(step)), SIDES[step.sender]),
    ]
    label = defused(visible(label_of(step), TEXT))
    if step.length is not None:
        label += f", {size(step.length)}"
    used = sum(len(text) for text, _ in way) + 2
    if used + len(label) <= width:
        yield [*way, (f"  {label}", "bold")]
    else:
        yield way
        yield from say(label, width, indent=BELOW, style="bold")
    yield from say(said_of(step), width, indent=BELOW, style="dim")
    if step.head is not None:
        yield from _head(step, width)
    else:
        yield from _parts(step.parts, width)
    for finding in step.findings:
        yield from finding_lines(finding, width, BELOW)


def said_of(step: WayStep) -> str:
    """Return what a message is for, with the section that says so."""
    said = SAID.get(step.kind, step.meaning)
    if step.head is not None and step.sender == "client" and step.hop:
        said += ", from there"
    # Some meanings of codes name a section of their own.
    return said if "RFC " in said else f"{said} ({step.reference})"


def ends_of(step: WayStep) -> tuple[str, str]:
    """Return what the two ends are that a message is between: who opened TCP, and who took it."""
    return ("proxy", "server") if step.kind == messages.HEADER else ("client", "proxy")


def _head(step: WayStep, width: int) -> Iterator[Line]:
    head = step.head
    if head is None:
        return
    if head.start_line:
        for line in wrapped(visible(head.start_line, TEXT), width - BELOW):
            yield [(" " * BELOW, ""), (line, "bold")]
    for field in head.lines[:FIELDS]:
        text = f"{visible(field.name, 100)}: {visible(field.value, TEXT)}"
        yield from say(text, width, indent=BELOW)
        if field.meaning is not None:
            yield from say(field.meaning, width, indent=BELOW + 4, style="dim")
    if len(head.lines) > FIELDS:
        left = counted(len(head.lines) - FIELDS, "field")
        yield from say(f"… and {left} more", width, indent=BELOW, style="dim")


def _parts(parts: Sequence[Part], width: int) -> Iterator[Line]:
    cells = [_bytes(part) for part in parts[:PARTS]]
    column = max(map(len, cells), default=0)
    if column > width // 3:
        column = width // 3
    for cell, part in zip(cells, parts, strict=False):
        text = visible(part.text, TEXT)
        label = f"{part.name}: {text}" if part.name and text else part.name or text
        yield from row(cell, label, width, column=column + 2, indent=BELOW)
    if len(parts) > PARTS:
        left = counted(len(parts) - PARTS, "part")
        yield from say(f"… and {left} more", width, indent=BELOW, style="dim")


def _bytes(part: Part) -> str:
    return "(not shown)" if part.data is None else hexadecimal(part.data, BYTES)


def ends_sentences(story: Story) -> Iterator[str]:
    """Yield who the two ends of its TCP connection are, where one of them is a proxy."""
    place = place_of(story)
    before = story.legs[place - 1] if place else None
    behind = story.legs[place + 1] if place + 1 < len(story.legs) else None
    source, asked_for = announced(story.tunnel), destination(story.tunnel)
    is_tunnelled = any(destination(leg.tunnel) is not None for leg in story.legs[:place])
    if before is not None:
        text = f"Its client is a proxy, which passes on connection {before.number}, from "
        text += f"{story.legs[0].client} to {before.server}."
        if is_tunnelled:
            text += " It was asked for a tunnel: what is in here it passes on as it comes."
        elif asked_for is None:
            text += " Client below means the proxy."
        yield text
    elif source is not None:
        said = visible(source, TEXT) if source else "somebody, not for whom"
        yield f"Its client is a proxy, which says that it asks for {said}."
    if asked_for is not None:
        where = visible(asked_for, TEXT) if asked_for else "a server that is not named here"
        text = f"TCP leads to a proxy, {story.server}, which was asked for {where}: once the way "
        text += "is open, what the server says below comes from there"
        text += "." if behind is None else f", passed on as connection {behind.number}, to "
        yield text if behind is None else f"{text}{behind.server}."
    elif behind is not None:
        text = f"Its server is a proxy, which passes it on as connection {behind.number}, to "
        text += f"{behind.server}."
        yield text if is_tunnelled else f"{text} Server below means the proxy."
    if len(story.legs) > 1:
        every = "both legs" if len(story.legs) == 2 else f"all {len(story.legs)} legs"
        yield f"The diagram has {every}."
