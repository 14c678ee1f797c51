"""A capture from bytes to texts and diagrams: nothing is raised, and nothing steers who looks."""

from __future__ import annotations

import tempfile
from collections.abc import Hashable
from xml.etree import ElementTree as ET

import wsanalyze
from fuzz.captures import changed_capture
from fuzz.target import Target, magnitude
from fuzz.targets.pipeline import USUAL, seeds
from wsanalyze.errors import CaptureError
from wsanalyze.story.model import Story
from wsanalyze.story.quiz import questions
from wsanalyze.views.explained import explained_lines
from wsanalyze.views.ladder_svg import ladder_svg

# Connections of a capture that are told, and frames of each.
TOLD, FRAMES = 4, (0, 30)


def check(data: bytes) -> Hashable:
    """Tell the first connections, and draw them."""
    with tempfile.NamedTemporaryFile(prefix="wsanalyze-fuzz-") as file:
        file.write(data)
        file.flush()
        try:
            analysis = wsanalyze.analyze(file.name, limits=USUAL)
        except CaptureError:
            return None
        stories = [
            analysis.explain(number, frames=FRAMES) for number in range(min(len(analysis), TOLD))
        ]
        refused = range(min(len(analysis.refused_tunnels()), TOLD))
        stories += [analysis.explain_refused(number) for number in refused]
    return tuple(looked_at(story) for story in stories)


def looked_at(story: Story) -> Hashable:
    """Assert what must hold of a text and a diagram; return how large they are."""
    lines = ["".join(text for text, _ in line) for line in explained_lines(story, 80)]
    title = "Connection " if story.refusal is None else "Refused tunnel "
    assert lines[0].startswith(title)
    assert all(character.isprintable() for line in lines for character in line)
    root = ET.fromstring(ladder_svg(story))  # noqa: S314 - our own
    assert all(bool(each.answers) != bool(each.choices) for each in questions(story))
    kinds = {event.layer for event in story.events}
    return magnitude(len(lines)), magnitude(len(list(root))), tuple(sorted(kinds))


TARGET = Target(
    "stories",
    "Any connection can be told and drawn, in characters that a terminal and a page only show.",
    seeds,
    changed_capture,
    check,
)
