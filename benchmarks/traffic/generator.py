"""Runs a profile: starts conversations as others end, until the file is large enough."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

import numpy as np

from . import contents as pool
from .contents import IntArray
from .files import Writer
from .headers import headers
from .packets import Ends, tcp_packets, udp_packets
from .profiles import BACKGROUND, WEBSOCKET, Profile, cohort_of, sends_of, server_of
from .sends import MILLISECOND, SECOND
from .timeline import Timeline
from .truth import Truth

EPOCH = 1_704_067_200 * SECOND  # 2024-01-01
CLIENTS = 1000
FIRST_CLIENT = int(ipaddress.IPv4Address("10.1.0.1"))
FIRST_PORT, PORTS = 32_768, 28_232
DEFAULT_MSS = 1448  # Ethernet's 1,500 bytes without IPv4, TCP and timestamps
END_OF_TIME = np.iinfo(np.int64).max
SMALLEST_COUNT = 4


@dataclass
class Generator:
    """One file in the making. The same profile, size, seed, MSS and format give the same bytes."""

    profile: Profile
    writer: Writer
    seed: int
    mss: int = DEFAULT_MSS
    truth: Truth = field(default_factory=Truth)
    started: int = 0
    planned: int = 0

    def __post_init__(self) -> None:
        """Make the pool of contents from the seed."""
        self.rng = np.random.default_rng(self.seed)
        self.contents = pool.build(self.rng)
        self.timeline = Timeline()

    def run(self, size: int) -> None:
        """Write a file of about `size` bytes: the first conversation to pass it is the last.

        A slot holds one conversation after another, so that about as many are under way at any
        time; a file too small for that has fewer slots. At the end those under way run out.
        """
        self.writer.begin()
        slots = min(self.profile.concurrent, size // (4 * self.profile.typical))
        slots = max(SMALLEST_COUNT, slots)
        cohort = max(1, min(self.profile.cohort, slots // 4))
        free_at: IntArray = EPOCH + self.rng.integers(0, 2 * SECOND, slots)
        while self.writer.written + self.planned < size:
            kind = self._next_kind()
            count = cohort_of(kind, self.profile, cohort)
            chosen = np.argsort(free_at, kind="stable")[:count]
            begin = free_at[chosen] + self.rng.integers(0, 100 * MILLISECOND, len(chosen))
            free_at[chosen] = self._start(kind, begin)
            self._write_before(int(free_at.min()))
        self._write_before(END_OF_TIME)

    def _next_kind(self) -> str:
        """The kind that has come shortest of its share of the bytes so far."""

        def filled(kind: str) -> float:
            made = self.truth.kinds.get(kind)
            return made.bytes / self.profile.shares[kind] if made else 0.0

        return min(self.profile.shares, key=filled)

    def _start(self, kind: str, begin: IntArray) -> IntArray:
        """Plan conversations that begin at these times (ns); returns when each ends."""
        count = len(begin)
        ends = self._ends(kind, begin)
        sends = sends_of(kind, self.profile, self.rng, self.contents, count, self.truth)
        is_tcp = kind == WEBSOCKET or not BACKGROUND[kind].is_udp
        if is_tcp:
            packets = tcp_packets(self.rng, sends, ends, self.mss)
        else:
            packets = udp_packets(sends, ends)
        self.truth.add_packets(kind, count, packets, is_tcp)
        self.planned += self.writer.size(packets["frame_length"])
        ended = begin.copy()
        np.maximum.at(ended, packets["conversation"], packets["time"])
        self.timeline.add(packets, sends.data)
        return ended

    def _ends(self, kind: str, begin: IntArray) -> Ends:
        """Addresses and ports, no pair of them used twice in the first 28 million conversations."""
        count = len(begin)
        number = self.started + np.arange(count)
        self.started += count
        server, ports = server_of(kind)
        return Ends(
            client=(FIRST_CLIENT + number % CLIENTS).astype(np.uint32),
            client_port=(FIRST_PORT + number // CLIENTS % PORTS).astype(np.uint16),
            server=np.full(count, int(ipaddress.IPv4Address(server)), dtype=np.uint32),
            server_port=self.rng.choice(np.array(ports, dtype=np.uint16), count),
            initial=self.rng.integers(0, 1 << 32, (count, 2), dtype=np.uint32),
            begin=begin,
        )

    def _write_before(self, time: int) -> None:
        """Write the packets before `time` (ns)."""
        packets, payloads = self.timeline.take_before(time)
        before = self.writer.written
        if len(packets):
            self.writer.packets(packets, *headers(packets, self.mss), payloads)
        self.planned -= self.writer.written - before
