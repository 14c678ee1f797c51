"""A ladder diagram as an object: two or three lanes, time downward, as text and as SVG."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.story.model import Story
from wsanalyze.views.ladder_svg import ladder_svg
from wsanalyze.views.ladder_text import ladder_lines
from wsanalyze.views.quantities import counted
from wsanalyze.views.rungs import Rung, lanes_of, rungs_of


class Ladder:
    """A ladder diagram of a story: `text()` for a terminal, `svg` for pages, and for notebooks."""

    def __init__(self, story: Story) -> None:
        """Take the story; at most 2000 rows of it are drawn."""
        self.story = story

    @property
    def lanes(self) -> tuple[str, ...]:
        """The names of the lanes, from left to right, with their addresses."""
        return lanes_of(self.story)

    def rungs(self) -> Iterator[Rung]:
        """Yield the rows from top to bottom."""
        return rungs_of(self.story)

    def text(self, width: int = 100) -> str:
        """Return the diagram as text of at most `width` cells, without colour."""
        lines = ladder_lines(self.story, width)
        return "\n".join("".join(text for text, _ in line).rstrip() for line in lines) + "\n"

    @property
    def svg(self) -> str:
        """The diagram as SVG that needs nothing else: no script, no font, no request."""
        return ladder_svg(self.story)

    def _repr_html_(self) -> str:
        """Return the SVG for a notebook."""
        return self.svg

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        count = counted(len(self.story.events), "event")
        return f"<ladder of connection {self.story.number}: {count}>"
