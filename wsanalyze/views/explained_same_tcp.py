"""Other requests on the TCP connection of an explained one: who asks again after a refusal."""

from __future__ import annotations

from collections.abc import Iterator

from wsanalyze.story.model import OtherRequest, Story
from wsanalyze.views.explained_parts import say, since
from wsanalyze.views.quantities import counted
from wsanalyze.views.wrapping import Line

# What became of a request, in a few words.
BECAME = {
    "established": "established",
    "refused": "refused",
    "invalid": "answered in a way that a client must not accept",
    "unanswered": "not answered",
    "unseen": "not seen whole",
}


def same_tcp_lines(story: Story, width: int) -> Iterator[Line]:
    """Yield the other requests for WebSocket there, and how many more came behind this one."""
    if not story.others and not story.more_requests:
        return
    text = "HTTP keeps a TCP connection open for further requests (RFC 9112 §9.3)."
    if any(step.stream is not None for step in story.way):
        text = (
            "HTTP/2 carries several tunnels at once, each on a stream of its own (RFC 9113 §8.5)."
        )
    yield from say(text, width, style="dim")
    for each in story.others:
        yield from say(_told(each, story), width)
    later = sum(each.number > story.number for each in story.others)
    if story.more_requests > later:
        many = counted(story.more_requests - later, "further request")
        yield from say(f"{many} behind this one, not for WebSocket.", width)


def _told(other: OtherRequest, story: Story) -> str:
    when = "before" if other.number < story.number else "behind"
    text = f"Connection {other.number} is a request {when} this one, in packet {other.packet}"
    text += f", {since(other.time, story.started)} s: {BECAME[other.outcome]}"
    if other.status is not None:
        text += f" ({other.status}, packet {other.response_packet})"
    if other.frames:
        text += f", {counted(other.frames, 'frame')}"
    return f"{text}; -c {other.number} tells it."
