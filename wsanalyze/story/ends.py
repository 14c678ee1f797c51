"""Who talks to whom: what the two ends of a connection are, where proxies are on the way."""

from __future__ import annotations

from wsanalyze.checks.intermediaries import FIELDS
from wsanalyze.story.model import Story
from wsanalyze.tunnels.way import destination, steps


def of_tcp(story: Story) -> tuple[str, str]:
    """Return what opened the TCP connection, `client` or `proxy`, and what took it."""
    place = place_of(story)
    is_behind = place > 0 or announced(story.tunnel) is not None
    is_in_front = place < len(story.legs) - 1 or destination(story.tunnel) is not None
    return "proxy" if is_behind else "client", "proxy" if is_in_front else "server"


def asked_by_proxy(story: Story) -> bool:
    """Tell whether a proxy opened the connection: by its other leg, or by what the request has."""
    lines = () if story.request is None else story.request.lines
    return of_tcp(story)[0] == "proxy" or any(each.name.lower() in FIELDS for each in lines)


def within(story: Story) -> tuple[str, str]:
    """Return who says what is in the connection: a tunnel's bytes are not its proxy's."""
    near, far = of_tcp(story)
    place = place_of(story)
    if any(destination(leg.tunnel) is not None for leg in story.legs[:place]):
        near = "client"
    # The far end of the tunnel may be one more proxy, which is asked as a server is.
    is_last = not story.legs[place + 1 :] or destination(story.tunnel) is not None
    return near, "server" if is_last else far


def place_of(story: Story) -> int:
    """Return which of its legs a story is, from 0."""
    return next((at for at, leg in enumerate(story.legs) if leg.number == story.number), 0)


def announced(tunnel: str | None) -> str | None:
    """Return for whom a proxy that opened TCP says that it asks; None where none says so.

    Empty where it does not know, or cannot say. One that asks for itself (LOCAL) is the client.
    """
    found = steps(tunnel)[:1]
    if not found or found[0][0] != "PROXY" or found[0][1] == "LOCAL":
        return None
    return "" if found[0][1] in ("UNKNOWN", "UNIX") else found[0][1]
