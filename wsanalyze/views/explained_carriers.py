"""What is between TCP and HTTP in an explained connection: ways through proxies, and TLS."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.story.model import Story
from wsanalyze.tunnels import messages
from wsanalyze.views.explained_tls import tls_lines
from wsanalyze.views.explained_way import way_lines
from wsanalyze.views.wrapping import Line

# A section: its title and its lines; without lines it is left out.
Section = tuple[str, Iterator[Line]]


def carriers(story: Story, width: int) -> Iterator[Section]:
    """Yield the sections of what is in what, from TCP on inwards."""
    last = len(story.around) + (story.secure is not None)
    for depth in range(last + 1):
        headers = [each.kind == messages.HEADER for each in story.way if each.depth == depth]
        title = "The way through the proxy"
        if headers and all(headers):
            title = "The proxy says who its client is"
        yield title, way_lines(story, depth, last, width)
        if depth < len(story.around):
            title = "TLS with the proxy" if story.secure is None else "TLS, the outer"
        else:
            title = "TLS, the inner" if story.around else "TLS"
        yield title, tls_lines(story, depth, width)
