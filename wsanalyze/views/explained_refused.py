"""A refused tunnel step by step for a terminal: it is no connection, and ends with the refusal."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.story.model import Story
from wsanalyze.tunnels.refusal import CHALLENGE, Refusal
from wsanalyze.tunnels.way import address_and_port
from wsanalyze.views.escape import visible
from wsanalyze.views.explained_carriers import Section, carriers
from wsanalyze.views.explained_end import closing_lines
from wsanalyze.views.explained_opening import opening_lines
from wsanalyze.views.explained_parts import say
from wsanalyze.views.ladder_text import ladder_lines
from wsanalyze.views.quantities import duration, moment
from wsanalyze.views.wrapping import Line, wrapped

# Characters of a way that are shown.
SHOWN = 300


def refused_head(story: Story, refusal: Refusal, width: int) -> Iterator[Line]:
    """Yield who asked whom for what, and what the answer was."""
    title = f"Refused tunnel {story.number} of {visible(story.capture)}"
    yield from ([(line, "bold")] for line in wrapped(title, width))
    yield from ([(line, "")] for line in wrapped(refusal_line(refusal), width))
    lasted = duration(story.ended - story.started)
    text = f"No connection has it: nothing was passed on. {lasted} from {moment(story.started)}"
    yield from ([(line, "")] for line in wrapped(text, width))
    note = "Times below are seconds since the first packet of its TCP connection."
    yield from ([(line, "dim")] for line in wrapped(note, width))
    yield []


def refusal_line(refusal: Refusal) -> str:
    """Return a refusal in one line: client, proxy, what was asked for, the code and its meaning."""
    client = address_and_port(refusal.client_ip, refusal.client_port)
    proxy = address_and_port(refusal.proxy_ip, refusal.proxy_port)
    through = "" if refusal.outer is None else f" inside {visible(refusal.outer, SHOWN)}"
    asked = visible(refusal.way, SHOWN)
    if not refusal.where:
        asked += ", before it was said where to"
    code = "" if refusal.code is None else f"{refusal.named_code}: "
    return f"{client} → {proxy}, {asked}{through}; {code}{refusal.meaning}"


def refused_sections(story: Story, refusal: Refusal, width: int) -> Iterator[Section]:
    """Yield the sections of a refused tunnel."""
    yield "TCP is opened", opening_lines(story, width)
    yield from carriers(story, width)
    yield "The refusal", _verdict(story, refusal, width)
    yield "The end", closing_lines(story, width)
    yield "All of it as a diagram", ladder_lines(story, width)


def _verdict(story: Story, refusal: Refusal, width: int) -> Iterator[Line]:
    to = f" to {visible(refusal.where, SHOWN)}" if refusal.where else ""
    number = "without a code" if refusal.code is None else f"with {refusal.named_code}"
    why = refusal.meaning
    text = f"The proxy opened no way{to}: it answered {number} in packet {refusal.packet}. "
    yield from say(f"{text}{why[:1].upper()}{why[1:]}.", width)
    if not story.closing.ends:
        yield from say("What TCP did then was not followed, or is not in the capture.", width)
    if refusal.code == CHALLENGE and refusal.kind == "CONNECT":
        again = "the client did not try again with credentials, as far as is seen."
        yield from say(f"On this TCP connection {again}", width)
