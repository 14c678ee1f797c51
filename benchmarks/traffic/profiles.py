"""The profiles: which kinds of conversation a file holds, in what share, and how they talk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from . import background, websocket
from .contents import Contents, IntArray
from .sends import MILLISECOND, SECOND, Sends
from .truth import Truth
from .websocket import Style

Maker = Callable[[np.random.Generator, Contents, int], Sends]


@dataclass(frozen=True)
class Kind:
    """A kind of background conversation."""

    make: Maker
    server: str
    ports: tuple[int, ...]
    is_udp: bool = False


WEBSOCKET = "websocket"
WEBSOCKET_SERVER, WEBSOCKET_PORTS = "198.51.100.10", (80, 8080)
BACKGROUND = {
    "http": Kind(background.http, "198.51.100.20", (80,)),
    "tls": Kind(background.tls, "198.51.100.30", (443,)),
    "dns": Kind(background.dns, "192.0.2.53", (53,), is_udp=True),
    "quic": Kind(background.quic, "198.51.100.40", (443,), is_udp=True),
}


def medium_sizes(rng: np.random.Generator, count: int) -> IntArray:
    """Log-normal message sizes: median 200 bytes, mean about 550, 20 bytes to 64 KiB."""
    sizes = rng.lognormal(np.log(200), 1.4, count)
    return np.clip(sizes, 20, 65_536).astype(np.int64)


def bulk_sizes(rng: np.random.Generator, count: int) -> IntArray:
    """Sizes from 64 KiB to 1 MiB, each octave as likely as another."""
    return (65_536 * 16 ** rng.random(count)).astype(np.int64)


SMALL = Style(pairs=(500, 1500), pause_ns=60 * MILLISECOND, text_share=0.8, sizes=None)
MEDIUM = Style(pairs=(10, 100), pause_ns=120 * MILLISECOND, text_share=0.7, sizes=medium_sizes)
BULK = Style(pairs=(2, 8), pause_ns=SECOND // 10, text_share=0.5, sizes=bulk_sizes)


@dataclass(frozen=True)
class Profile:
    """What a file is made of."""

    style: Style
    concurrent: int
    """Conversations under way at any time, in a file large enough."""
    cohort: int
    """Conversations made at once; of a kind with a small share, proportionally fewer."""
    typical: int
    """Every four times so many bytes of a file allow one conversation at a time, up to
    `concurrent`: a small file has few, which begin and end in it."""
    shares: dict[str, float] = field(default_factory=lambda: {WEBSOCKET: 1.0})
    """Share of the packets' bytes for each kind of conversation."""


def cohort_of(kind: str, profile: Profile, most: int) -> int:
    """How many conversations of this kind to start at once, at most `most`.

    Eight WebSocket connections at once would be too coarse for one percent of a small file.
    """
    part = profile.shares[kind] / max(profile.shares.values())
    # DNS conversations are so short that their share is exact in any case.
    return most if kind == "dns" else max(1, round(most * part))


def with_background(share: float) -> dict[str, float]:
    """`share` for WebSocket, the rest divided as on an office's uplink."""
    rest = {"http": 0.40, "tls": 0.37, "quic": 0.21, "dns": 0.02}
    return {WEBSOCKET: share} | {kind: part * (1 - share) for kind, part in rest.items()}


PROFILES = {
    "small-frames": Profile(SMALL, concurrent=1000, cohort=50, typical=125_000),
    "mixed": Profile(MEDIUM, 500, cohort=8, typical=100_000, shares=with_background(0.30)),
    "bulk": Profile(BULK, concurrent=32, cohort=4, typical=4_000_000),
    "noise": Profile(MEDIUM, 500, cohort=8, typical=120_000, shares=with_background(0.01)),
}


def server_of(kind: str) -> tuple[str, tuple[int, ...]]:
    """The address and the ports of the server that this kind of conversation goes to."""
    if kind == WEBSOCKET:
        return WEBSOCKET_SERVER, WEBSOCKET_PORTS
    return BACKGROUND[kind].server, BACKGROUND[kind].ports


def sends_of(
    kind: str,
    profile: Profile,
    rng: np.random.Generator,
    contents: Contents,
    count: int,
    truth: Truth,
) -> Sends:
    """What `count` conversations of this kind say."""
    if kind == WEBSOCKET:
        return websocket.conversations(rng, contents, profile.style, count, truth)
    return BACKGROUND[kind].make(rng, contents, count)
