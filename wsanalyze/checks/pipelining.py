"""HTTP where frames belong: requests behind an upgrade, and what is written as if without one."""

from __future__ import annotations

import re

from wsanalyze.checks.facts import Facts
from wsanalyze.observation import Event

# How a request begins in what came before the answer to an upgrade.
_REQUEST_BEGINS = re.compile(rb"(GET|POST|HEAD|PUT|DELETE|OPTIONS|PATCH|TRACE|CONNECT) [!-~]")

# Methods by their first two bytes, which a frame's header has.
METHODS = {
    name[:2]: name.decode()
    for name in (b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"CONNECT")
}

# The kind of event in which it is noticed, and the first two bytes.
_KINDS = {
    "client": ("unmasked", frozenset(METHODS)),
    "server": ("control-fragment", frozenset((b"HT",))),
}


def request_behind(facts: Facts) -> tuple[Event, str] | None:
    """Return the bytes behind an upgrade that was accepted, where they begin a request.

    With its method. Whoever accepted the upgrade read them as frames (RFC 9110 §7.8).
    """
    if not facts.observation.counts:
        return None
    for event in facts.events("early"):
        method = _REQUEST_BEGINS.match(event.payload)
        if method is not None:
            return event, method[1].decode()
    return None


def http_among_frames(facts: Facts, sender: str) -> Event | None:
    """Return the first frame of an end that is HTTP in truth, None where there is none.

    Its header is `HT` (of HTTP/1.1) or the beginning of a method: by the rules of frames a control
    frame, or one of a reserved opcode, with RSV1, without FIN, and of a client without a mask. No
    end that writes frames has all of that.
    """
    kind, begins = _KINDS[sender]
    for event in facts.events(kind) if facts.observation.counts else ():
        if event.sender == sender and event.certain and event.header in begins:
            return event
    return None


def is_http(facts: Facts, event: Event) -> bool:
    """Tell whether a frame is HTTP in truth, or behind such a one: it is told once, as that."""
    first = http_among_frames(facts, event.sender)
    if first is not None and None not in (first.frame, event.frame):
        return (event.frame or 0) >= (first.frame or 0)
    if event.sender != "client":
        return False
    behind = request_behind(facts)
    return behind is not None and (event.packet, event.frame) == (behind[0].packet, 0)
