"""How much of captures a report shows, so that a browser can hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """Most of each kind: connections, frames and bytes of payload in all, rows of one connection.

    `tls`: characters of what handshakes of TLS say, and as many of what proxies and clients do;
    `rows`: those of ladder diagrams, in all. `headers`: frames of a connection whose header is
    shown byte by byte; `pings`: Pings that are listed; `controls`: control frames that are looked
    into for their bytes, in all, twice as many as are listed since a Pong comes after its Ping;
    `message`: bytes that are shown of one message.
    """

    connections: int = 1000
    frames: int = 100_000
    payload: int = 16 * 1024 * 1024
    message: int = 4096
    tls: int = 16 * 1024 * 1024
    rows: int = 250_000
    headers: int = 60
    pings: int = 1000
    controls: int = 200_000
    findings: int = 5000


def shares(counts: Sequence[int], most: int) -> list[int]:
    """Return how many of each are shown where `most` may be in all.

    Short ones are shown whole; long ones are cut at the same length.

    >>> shares([5, 100, 300], 205)
    [5, 100, 100]
    """
    left, given = most, [0] * len(counts)
    ascending = sorted(range(len(counts)), key=counts.__getitem__)
    for done, place in enumerate(ascending):
        given[place] = min(counts[place], left // (len(counts) - done))
        left -= given[place]
    return given
