"""A connection step by step for a terminal: the story, laid out in lines of one width."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from wsanalyze.checks.catalogue import catalogue
from wsanalyze.checks.finding import Finding
from wsanalyze.story.model import Story
from wsanalyze.views.escape import visible
from wsanalyze.views.explained_advice import advice_lines
from wsanalyze.views.explained_carriers import Section, carriers
from wsanalyze.views.explained_end import closing_lines, holes_lines, pings_lines, silences_lines
from wsanalyze.views.explained_frames import frames_lines
from wsanalyze.views.explained_http2 import multiplexed_lines
from wsanalyze.views.explained_opening import (
    opening_lines,
    proof_lines,
    request_lines,
    response_lines,
)
from wsanalyze.views.explained_parts import INDENT, finding_lines, heading, say
from wsanalyze.views.explained_refused import refused_head, refused_sections
from wsanalyze.views.explained_same_tcp import same_tcp_lines
from wsanalyze.views.explained_way import ends_sentences
from wsanalyze.views.folding import told_by
from wsanalyze.views.ladder_text import ladder_lines
from wsanalyze.views.quantities import counted, duration, moment
from wsanalyze.views.wrapping import Line, wrapped

# Characters of an address or a target that a head line shows.
SHOWN = 200
# Findings that are told here; wsanalyze check tells all.
FINDINGS = 50

OUTCOMES = {
    "established": "the handshake succeeded",
    "refused": "the server refused",
    "invalid": "the server said yes, but in a way that a client must not accept",
    "unanswered": "no whole answer is in the capture",
    "unseen": "the handshake is not in the capture",
}


def explained_lines(story: Story, width: int) -> Iterator[Line]:
    """Yield the lines of a story, at most `width` cells wide where text allows it."""
    if story.refusal is not None:
        yield from refused_head(story, story.refusal, width)
        yield from _numbered(refused_sections(story, story.refusal, width))
        return
    yield from _head(story, width)
    steps: tuple[Section, ...] = (
        ("TCP is opened", opening_lines(story, width)),
        *carriers(story, width),
        ("HTTP/2 begins", multiplexed_lines(story, width)),
        ("The client asks", request_lines(story, width)),
        ("The server answers", response_lines(story, width)),
        ("The proof that the server read the request", proof_lines(story, width)),
        ("Frames", frames_lines(story, width)),
        ("Pings and Pongs", pings_lines(story, width)),
        ("Silences", silences_lines(story, width)),
        ("What is missing, or came again", holes_lines(story, width)),
        ("On the same TCP connection", same_tcp_lines(story, width)),
        ("The end", closing_lines(story, width)),
        ("What else was found", _other_findings(story, width)),
        ("All of it as a diagram", ladder_lines(story, width)),
        ("What went wrong, and what to do", advice_lines(story, width)),
    )
    yield from _numbered(steps)


def _numbered(steps: Iterable[Section]) -> Iterator[Line]:
    number = 0
    for title, lines in steps:
        first = next(lines, None)
        if first is not None:
            number += 1
            yield from heading(number, title)
            line = first
            yield line
            for line in lines:
                yield line
            if line:
                yield []


def _head(story: Story, width: int) -> Iterator[Line]:
    title = f"Connection {story.number} of {visible(story.capture)}"
    yield from ([(line, "bold")] for line in wrapped(title, width))
    way = f"{story.client} → {story.server}, {story.scheme}"
    if story.target is not None:
        way += f", {visible(story.target, SHOWN)}"
    if story.tunnel is not None:
        way += f", through {visible(story.tunnel, SHOWN)}"
    yield from ([(line, "")] for line in wrapped(way, width))
    for text in ends_sentences(story):
        yield from ([(line, "")] for line in wrapped(text, width))
    facts = [OUTCOMES.get(story.outcome, story.outcome)]
    if story.sealed_head is not None:
        there = ", if there is one," if story.outcome == "unanswered" else ""
        facts = [f"its {story.sealed_head}{there} could not be read"]
    if story.version is not None:
        facts.append(f"version {visible(story.version, 20)}")
    if story.http_version is not None:
        stream = f", stream {story.http_stream}" if story.http_stream is not None else ""
        facts.append(f"HTTP/{visible(story.http_version, 20)}{stream}")
    facts.append(counted(story.frame_count, "frame"))
    lasted = duration(story.ended - story.started)
    facts.append(f"{lasted} from {moment(story.started)}")
    yield from ([(line, "")] for line in wrapped("; ".join(facts), width))
    note = "Times below are seconds since the first packet of its TCP connection; packets have the "
    note += "numbers that they have in Wireshark."
    yield from ([(line, "dim")] for line in wrapped(note, width))
    yield []


def _other_findings(story: Story, width: int) -> Iterator[Line]:
    """Yield the findings that stand nowhere above."""
    told = {id(each) for head in (story.request, story.response) if head for each in head.findings}
    for head in (story.request, story.response):
        if head is not None:
            told |= {id(each) for line in head.lines for each in line.findings}
    told |= {id(each) for step in story.way for each in step.findings}
    told |= {id(each) for frame in story.frames for each in frame.findings}
    told |= {id(each) for writing in story.written for each in writing.findings}
    told |= {id(each) for each in story.findings if each.message == story.cut}
    tellers = told_by(story.findings, {each.id: each for each in catalogue()})
    others: list[Finding] = [each for each in story.findings if id(each) not in told]
    rest = [each for each in others if id(each) not in tellers]
    for finding in rest[:FINDINGS]:
        yield from finding_lines(finding, width, INDENT)
    if len(rest) > FINDINGS:
        yield from say(f"… and {counted(len(rest) - FINDINGS, 'finding')} more", width)
    # The last section goes without them, too.
    repeated = [(each.check, tellers[id(each)].check) for each in others if id(each) in tellers]
    for (check, teller), times in Counter(repeated).items():
        text = f"{counted(times, 'further finding')} ({check}): {teller} tells all of it"
        yield from say(text, width, style="dim")
    # Where something went wrong, the last section says so.
    if rest and all(each.severity == "info" for each in story.findings):
        advice = "wsanalyze checks ID tells all of one: why it matters, what to do."
        yield from say(advice, width, style="dim")
