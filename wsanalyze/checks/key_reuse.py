"""Masking keys of one connection that another one had used, in the same order (SEC-18)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.check import CAPTURE, check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.randomness import NO_CHANCE
from wsanalyze.layers.connection import Connection
from wsanalyze.tunnels.way import address_and_port

# First keys of a connection among which those that others begin with are looked for.
LOOKED_AT = 64
# Connections that one is laid beside before it is let go.
TRIED = 8
# Nanoseconds by which the clocks of two captures may differ.
CLOCKS = 5_000_000_000

Session = TypeVar("Session")

# Serial of a connection → what is told of it; None for another leg, or copy, of an earlier one.
Told = dict[int, Finding | None]


@check(
    "SEC-18",
    "reused-masking-keys",
    "A connection's masking keys had been used on another one",
    severity="warning",
    tags=("security", "randomness", "masking", "client"),
    references=("RFC 6455 §5.3", "RFC 6455 §10.3"),
    explanation=(
        "Two connections have the same masking keys, one after the other in the same order: the "
        "generator starts from a constant seed, or its state was copied, as by fork. Whoever has "
        "seen one connection knows the keys of the next. Two keys in a row are enough: that two "
        "connections begin with the same two happens by chance in one of 2^64 pairs. With the "
        "square of the number of connections, and where the keys may stand further inside, chance "
        "grows; more keys in a row are asked for where it would reach one in fifty million "
        "captures (three from some 75,000 connections on). Legs of a proxy that passes frames on "
        "as they are, and a connection that was captured twice, are one connection."
    ),
    advice=(
        "Let each process seed its generator anew, also behind fork; better take four fresh bytes "
        "of the operating system's random numbers for each frame."
    ),
    scope=CAPTURE,
    quotes_samples=True,
    measures=True,
    example="forked-clients.pcapng 2",
)
def reused_masking_keys(facts: CaptureFacts) -> Iterator[Finding]:
    """SEC-18: one finding for each connection that begins with what an earlier one has.

    Of connections that begin alike the first has them first, whatever else is told of them.
    """
    beginnings: dict[int, list[Facts]] = {}
    total = 0
    for each in facts.connections:
        if _has_known_keys(each):
            keys = each.observation.client.masking_keys
            beginnings.setdefault(keys[0], []).append(each)
            total += 1
    needed = keys_in_a_row(total)
    told: Told = {}
    for alike in beginnings.values():
        if len(alike) > 1:
            _begin_alike(alike, needed, told)
    _begin_inside(facts, beginnings, needed, told)
    for each in facts.connections:
        finding = told.get(each.connection.serial)
        if finding is not None:
            yield facts.about(each, finding)


def keys_in_a_row(connections: int) -> int:
    """Return how many keys must be the same in a row, that chance does it as good as never.

    Each of n connections is laid beside each place of each other one.
    """
    row = 2
    while connections * connections * LOOKED_AT / 2.0 ** (32 * row) >= NO_CHANCE:
        row += 1
    return row


def _has_known_keys(facts: Facts) -> bool:
    """Tell whether all of a client's frames are known, so that its first key is the first.

    Behind a hole, content that two connections have in common can be taken for frames. Keys that
    are zero or stay the same are SEC-07's.
    """
    side, record = facts.observation.client, facts.connection
    return (
        len(side.masking_keys) > 1
        and not side.zero_keys
        and not side.same_keys
        and not record.client_unmasked_frames
        and facts.whole("client")
        and facts.has_standard_frames
    )


def _begin_alike(alike: Sequence[Facts], needed: int, told: Told) -> None:
    """Take note of connections whose first keys are those of an earlier one."""
    sessions: list[Facts] = []
    for each in alike:
        twin, again = None, False
        for other in _laid_beside(sessions):
            if not _are_the_same(other, 0, each, needed):
                continue
            if may_be_one(other.connection, each.connection):
                again = True
            elif twin is None:
                twin = other
        if again:
            # Another leg, or another copy, of what has been looked at.
            told[each.connection.serial] = None
            continue
        sessions.append(each)
        if twin is not None:
            told[each.connection.serial] = _finding(twin, 0, each)


def _laid_beside(sessions: Sequence[Session]) -> list[Session]:
    """Return the sessions that the next one is laid beside: the first, and the last few."""
    return [*sessions[:1], *sessions[max(1, len(sessions) - TRIED) :]]


def _begin_inside(
    facts: CaptureFacts,
    beginnings: dict[int, list[Facts]],
    needed: int,
    told: Told,
) -> None:
    """Take note of connections whose first keys are among the further ones of another."""
    tries: dict[int, int] = {}
    firsts = beginnings.keys()
    for other in facts.connections:
        keys = other.observation.client.masking_keys
        if len(keys) < 3 or firsts.isdisjoint(keys[1:LOOKED_AT]) or not _has_known_keys(other):
            continue
        for place in range(1, min(len(keys), LOOKED_AT)):
            left = []
            for each in beginnings.get(keys[place], ()):
                serial = each.connection.serial
                if serial in told:
                    continue
                if _are_the_same(other, place, each, needed) and not may_be_one(
                    other.connection, each.connection
                ):
                    told[serial] = _finding(other, place, each)
                    continue
                tries[serial] = tries.get(serial, 0) + 1
                if tries[serial] < TRIED:
                    left.append(each)
            if keys[place] in beginnings:
                beginnings[keys[place]] = left


def _are_the_same(other: Facts, place: int, each: Facts, needed: int) -> bool:
    """Tell whether `other` has the first keys of `each` from `place` on, which is no chance.

    Keys that count are SEC-07's: two that begin at 0 are the same.
    """
    theirs, keys = other.observation.client.masking_keys, each.observation.client.masking_keys
    row = keys[:needed]
    if other is each or len(row) < needed or theirs[place : place + needed] != row:
        return False
    return len(keys) < 3 or not (each.key_bits.steady or each.key_bits.steady_turned)


def _row(other: Facts, place: int, each: Facts) -> int:
    """Return how many of the first keys of `each` stand in `other` from `place` on."""
    count = 0
    theirs, own = other.observation.client.masking_keys, each.observation.client.masking_keys
    for number in range(min(len(theirs) - place, len(own), LOOKED_AT)):
        if theirs[place + number] != own[number]:
            break
        count += 1
    return count


def may_be_one(one: Connection, other: Connection) -> bool:
    """Tell whether two connections may be one session that was seen in two places.

    - Streams of one conversation are several.
    - In one capture, what begins when the other is over is another one; but with the same
      Sec-WebSocket-Key it may have been captured on both sides of a NAT, if the client's address
      is another one, or stand in the file twice, if all addresses and ports are the same.
    - A proxy passes Sec-WebSocket-Key on (HTTP/2 has none, and a gateway makes its own), and asks
      while it is asked; or it answers first, and asks then, from the address it is asked at.
    - Of two captures the clocks may differ.
    """
    streams = (one.http_stream, other.http_stream) != (None, None)
    if streams and (one.capture, one.conversation) == (other.capture, other.conversation):
        return False
    keys = _key(one), _key(other)
    same = keys[0] == keys[1]
    if one.capture != other.capture:
        return same or None in keys or _are_legs(one, other, CLOCKS)
    if one.ended < other.started or other.ended < one.started:
        return same and keys[0] is not None and _are_copies(one, other)
    return same or None in keys or _are_legs(one, other, 0)


def _are_copies(one: Connection, other: Connection) -> bool:
    """Tell whether two with one key, of which one begins later, may be one session."""
    return one.client_ip != other.client_ip or _ends(one) == _ends(other)


def _ends(record: Connection) -> tuple[str, int, str, int]:
    return record.client_ip, record.client_port, record.server_ip, record.server_port


def _are_legs(one: Connection, other: Connection, clocks: int) -> bool:
    """Tell whether two with keys of their own may be the legs of a gateway.

    `clocks` is by how many nanoseconds the times of both may differ.
    """
    if one.ended + clocks < other.started or other.ended + clocks < one.started:
        return False
    ways = [(each.client_ip, each.server_ip, each.server_port) for each in (one, other)]
    if clocks and ways[0] == ways[1]:
        return False
    if _asks_from_there(one, other, clocks) or _asks_from_there(other, one, clocks):
        return True
    return _asks_meanwhile(one, other, clocks) or _asks_meanwhile(other, one, clocks)


def _key(record: Connection) -> str | None:
    return record.handshake.key or None if record.handshake is not None else None


def _asks_meanwhile(one: Connection, other: Connection, clocks: int) -> bool:
    """Tell whether `other` was asked for while `one` waited for its answer."""
    if one.requested is None or other.requested is None:
        return True
    until = one.ended if one.responded is None else one.responded
    return one.requested - clocks <= other.requested <= until + clocks


def _asks_from_there(one: Connection, other: Connection, clocks: int) -> bool:
    """Tell whether the server of `one` asks for `other`, as a gateway does, answered or not.

    On one host everybody has the same address, which then says nothing.
    """
    if one.server_ip != other.client_ip or one.client_ip == other.client_ip:
        return False
    if one.requested is None or other.requested is None:
        return True
    return one.requested <= other.requested + clocks


def _finding(other: Facts, place: int, each: Facts) -> Finding:
    """Return what is told of keys that `other` has from `place` on."""
    count = _row(other, place, each)
    keys = each.observation.client.masking_keys
    record = other.connection
    first = other.observation.client.first
    packet = record.request_packet if first is None else first.packet
    whose = f"of the connection whose first frame is in packet {packet}"
    if record.capture != each.connection.capture:
        whose += f" of {record.capture}"
    many = "or more " if count == LOOKED_AT else ""
    where = "" if place == 0 else f", from its number {place + 1} on"
    message = f"the first {count} {many}masking keys are those {whose}{where}"
    evidence = " ".join(f"{key:08x}" for key in keys[: min(count, 6)])
    # Not in the message, where addresses would make each one other than the next.
    evidence += f", as of {address_and_port(record.client_ip, record.client_port)}"
    start = each.observation.client.first
    if start is None:
        return each.once("client", message, evidence=evidence, expected="random keys")
    return each.at(start, message, evidence=evidence, expected="random keys")
