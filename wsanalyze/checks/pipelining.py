"""Requests behind an upgrade: what a client sent before the answer, where that is HTTP."""

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


def is_request(facts: Facts, event: Event) -> bool:
    """Tell whether a client's frame is what such a request looks like, read as a frame."""
    if event.sender != "client":
        return False
    behind = request_behind(facts)
    return behind is not None and (event.packet, event.frame) == (behind[0].packet, 0)
