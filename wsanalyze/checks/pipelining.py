"""HTTP where frames belong: requests behind an upgrade, and what is written as if without one."""

from __future__ import annotations

import re

from wsanalyze.checks.facts import Facts
from wsanalyze.observation import Event

# How a request begins in what came before the answer to an upgrade.
_REQUEST_BEGINS = re.compile(rb"(GET|POST|HEAD|PUT|DELETE|OPTIONS|PATCH|TRACE|CONNECT) [!-~]")


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
    """Return the HTTP that an end writes in the place of frames, None where it writes none."""
    return facts.observation.http(sender) if facts.observation.counts else None
