"""The legs of a connection through proxies, where a capture has several of them.

A proxy that passes an upgrade on passes Sec-WebSocket-Key on with it, and answers when its own
request was answered: behind the leg to the proxy is another one with the same key, that began
between the first one's request and its response, and leads elsewhere. Of those that translate
between HTTP/1.1 and HTTP/2, where keys are no more, `translated_legs.py` knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wsanalyze.checks.randomness import weakness
from wsanalyze.checks.translated_legs import translated_legs
from wsanalyze.layers.connection import Connection

# Requests with one key that are looked at: a client that always sends the same is no riddle.
MOST = 1000
# Of those, requests that wait for their answers at once: of more, nobody can tell which is whose.
WAITING = 64


def legs_before(connections: Sequence[Connection], *, across: bool = False) -> dict[int, int]:
    """Return for each leg behind a proxy the place of the one before it, both in `connections`.

    They are given in order of their requests. Where several could be the one before, as of clients
    that share a key, there is none. `across`: also between captures, whose clocks may differ.
    """
    by_key: dict[str, list[int]] = {}
    for place, each in enumerate(connections):
        key = each.handshake.key if each.handshake is not None else None
        if key and each.requested is not None:
            by_key.setdefault(key, []).append(place)
    found: dict[int, int] = {}
    for places in by_key.values():
        if 1 < len(places) <= MOST:
            _pair(connections, places, found, across=across)
    return found | translated_legs(connections, found)


def legs_behind(before: Mapping[int, int]) -> dict[int, int]:
    """Return for each leg in front of a proxy the place of the last one behind it.

    `before` is what `legs_before` returns.
    """
    return {front: behind for behind, front in before.items()}


def _pair(
    connections: Sequence[Connection], places: list[int], found: dict[int, int], *, across: bool
) -> None:
    """Take note of the legs among attempts with one key."""
    behind: dict[int, int] = {}
    waiting: list[int] = []
    # Strangers have one as well: there it takes more to be legs of one connection.
    is_weak = _weakness_of(connections[places[0]]) is not None
    for place in places:
        each = connections[place]
        waiting = [before for before in waiting if _waits(connections[before], each)]
        before = [
            candidate
            for candidate in (waiting if len(waiting) <= WAITING else ())
            if _leads_elsewhere(connections[candidate], each)
            and (across or connections[candidate].capture == each.capture)
            and (not is_weak or _fits(connections[candidate], each))
            and not (candidate in behind and _goes_on(connections[behind[candidate]], each))
        ]
        if len(before) == 1:
            found[place] = before[0]
            behind[before[0]] = place
        waiting.append(place)


def _weakness_of(connection: Connection) -> str | None:
    key = connection.handshake.key if connection.handshake is not None else None
    return None if key is None else weakness(key)


def _fits(before: Connection, each: Connection) -> bool:
    """Tell whether what asks has the address that was asked before, or wants the same."""
    one, other = before.handshake, each.handshake
    same = one is not None and other is not None and one.target == other.target
    return before.server_ip == each.client_ip or same


def _waits(before: Connection, each: Connection) -> bool:
    """Tell whether an attempt had not been answered when another one asked."""
    until = before.ended if before.responded is None else before.responded
    return (before.requested or 0) <= (each.requested or 0) <= until


def _leads_elsewhere(before: Connection, each: Connection) -> bool:
    return (before.server_ip, before.server_port) != (each.server_ip, each.server_port) and (
        before.client_ip,
        before.client_port,
    ) != (each.client_ip, each.client_port)


def _goes_on(behind: Connection, each: Connection) -> bool:
    """Tell whether the leg behind another is still what that one waits for.

    A proxy that is refused, or gets no answer, asks the next server.
    """
    over = behind.responded if behind.responded is not None else behind.ended
    return behind.outcome not in ("refused", "unanswered") or over > (each.requested or 0)
