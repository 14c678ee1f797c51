"""The legs of a connection through a proxy that translates between HTTP/1.1 and HTTP/2.

HTTP/2 has no Sec-WebSocket-Key, so that the two legs have no key in common. Some proxies hand the
server's Sec-WebSocket-Accept on, which tells the key of the leg behind; of the others, the legs are
those that say the same, one within the other, where what asks has the address that was asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from wsanalyze.layers.connection import Connection
from wsanalyze.websocket.handshake import Handshake

# What a proxy that translates leaves as it was: without it two legs are not one connection's.
_ACCEPT = "sec-websocket-accept"
# Attempts that wait at one time and say the same: of more, nobody could tell which is whose.
MOST = 64


def translated_legs(connections: Sequence[Connection], known: dict[int, int]) -> dict[int, int]:
    """Return for each leg behind a translating proxy the place of the one before it.

    `connections` are in order of their requests, `known` are the legs that keys tell. Where several
    could be the one before, and no accept value decides, there is none.
    """
    taken = {*known, *known.values()}
    waiting: dict[tuple[object, ...], list[int]] = {}
    found: dict[int, int] = {}
    if not any(_is_stream(each) for each in connections):
        return found
    behind: dict[int, int] = {}
    for place, each in enumerate(connections):
        handshake = each.handshake
        if handshake is None or each.requested is None or place in taken:
            continue
        group = waiting.setdefault(_says(each, handshake), [])
        group[:] = [before for before in group if _waits(connections[before], each)][-MOST:]
        before = [
            candidate
            for candidate in group
            if candidate not in behind and _may_be(connections[candidate], each)
        ]
        certain = [number for number in before if _accepts(connections[number], each)]
        before = certain or [number for number in before if _fits(connections[number], each)]
        if len(before) == 1 and len(group) < MOST:
            found[place] = before[0]
            behind[before[0]] = place
        group.append(place)
    return found


def _is_stream(connection: Connection) -> bool:
    handshake = connection.handshake
    return handshake is not None and handshake.multiplexed


def _says(connection: Connection, handshake: Handshake) -> tuple[object, ...]:
    """Return what a proxy hands on, whatever HTTP it speaks."""
    return (
        connection.capture,
        handshake.target,
        handshake.origin,
        handshake.user_agent,
        handshake.version,
        tuple(handshake.subprotocols_offered),
    )


def _waits(before: Connection, each: Connection) -> bool:
    """Tell whether an attempt had not been answered when another one asked."""
    until = before.ended if before.responded is None else before.responded
    return (each.requested or 0) <= until


def _may_be(before: Connection, each: Connection) -> bool:
    """Tell whether one is HTTP/2 and the other is not, and they lead elsewhere."""
    return (
        _is_stream(before) != _is_stream(each)
        and (before.server_ip, before.server_port) != (each.server_ip, each.server_port)
        and (before.client_ip, before.client_port) != (each.client_ip, each.client_port)
    )


def _accepts(before: Connection, each: Connection) -> bool:
    """Tell whether the answer in front is to the key behind."""
    one, other = before.handshake, each.handshake
    if one is None or other is None or not other.key or one.response_head is None:
        return False
    return one.response_head.value(_ACCEPT) == other.accept_expected


def _fits(before: Connection, each: Connection) -> bool:
    """Tell whether what asks has the address that was asked, and both were answered alike."""
    one, other = before.handshake, each.handshake
    if one is None or other is None or before.server_ip != each.client_ip:
        return False
    if one.response_head is not None and one.response_head.value(_ACCEPT) and other.key:
        # It is the answer to another key.
        return False
    if before.responded is None or each.responded is None:
        return before.responded is None
    if "refused" in (before.outcome, each.outcome) and one.status != other.status:
        return False
    return each.responded <= before.responded
