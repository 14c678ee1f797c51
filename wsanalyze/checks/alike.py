"""Connections whose handshakes say the same: what was told of one needs no telling again.

Most connections of a capture come from few programs and go to few servers. Their heads differ in
what must differ, the key and its answer, and in the time at which the answer was written.
"""

from __future__ import annotations

from collections.abc import Sequence

from wsanalyze.checks.check import Check
from wsanalyze.checks.facts import Facts
from wsanalyze.websocket.fields import Head

# Bytes of two heads that are compared: what is longer says hardly ever the same.
LONGEST = 8192

# What two handshakes have in common that say the same.
Likeness = tuple[object, ...]


class Alike:
    """What is known of connections whose handshakes say the same, none of which has a fault.

    `due`: by the events and circumstances of a connection, the checks that may find something
    there. Those `of_heads` that found nothing of one of them are left out. `endpoint`: that of all
    of them.
    """

    __slots__ = ("due", "endpoint")

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.due: dict[tuple[frozenset[str], tuple[str, ...]], Sequence[Check]] = {}


def likeness(facts: Facts) -> Likeness | None:
    """Return what is the same of handshakes that say the same; None for one that may be odd.

    Only of the plainly good, whose keys and accept values are as they should be: no rule has
    anything to say of these.
    """
    handshake, record = facts.handshake, facts.connection
    if handshake is None or not handshake.is_plainly_good or handshake.interim_heads:
        return None
    request, response = handshake.request_head, handshake.response_head
    if response is None or len(request.raw) + len(response.raw) > LONGEST:
        return None
    return (
        without(request, "sec-websocket-key"),
        without(response, "sec-websocket-accept", "date"),
        record.request_packet is None,
        record.outcome,
        record.scheme,
        record.server_ip,
        record.server_port,
        record.http_stream,
        record.tunnel,
        record.told_tls,
    )


def without(head: Head, *names: str) -> bytes:
    """Return a head of regular lines as sent, NUL in place of the values of these fields' first.

    NUL stands nowhere else in such a head.
    """
    raw = head.raw
    values = []
    for name in names:
        line = head.maybe_line(name)
        if line is not None and line.value:
            start = raw.index(line.value.encode("latin-1"), line.offset + len(line.name))
            values.append((start, start + len(line.value)))
    values.sort()
    pieces, at = [], 0
    for start, stop in values:
        pieces.append(raw[at:start])
        at = stop
    pieces.append(raw[at:])
    return b"\x00".join(pieces)
