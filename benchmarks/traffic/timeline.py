"""Many conversations in one order of time: cohorts go in whole, packets come out interleaved."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .packets import PACKET
from .sends import Table

RAW = np.dtype((np.void, PACKET.itemsize))


@dataclass
class Cohort:
    """Packets in order of time that are still to come, and the bytes their payloads lie in."""

    packets: Table
    data: bytes
    position: int = 0

    def take_before(self, time: int) -> Table:
        """Remove and return the packets before `time` (ns)."""
        end = int(np.searchsorted(self.packets["time"], time))
        taken = self.packets[self.position : end]
        self.position = max(self.position, end)
        return taken

    @property
    def is_empty(self) -> bool:
        """Whether all packets have been taken."""
        return self.position == len(self.packets)


@dataclass
class Timeline:
    """The cohorts under way, by number."""

    cohorts: dict[int, Cohort] = field(default_factory=dict)
    added: int = 0

    def add(self, packets: Table, data: bytes) -> None:
        """Put in a cohort's packets (dtype PACKET, any order); `start` refers to `data`."""
        ordered = packets[np.argsort(packets["time"], kind="stable")]
        ordered["cohort"] = self.added
        self.cohorts[self.added] = Cohort(ordered, data)
        self.added += 1

    def take_before(self, time: int) -> tuple[Table, list[bytes]]:
        """Remove the packets before `time` (ns), in order of time, and their payloads."""
        # Viewed as raw bytes: numpy compares the fields of every two tables it concatenates.
        taken = [cohort.take_before(time).view(RAW) for cohort in self.cohorts.values()]
        packets = np.concatenate([np.zeros(0, dtype=RAW), *taken]).view(PACKET)
        packets = packets[np.argsort(packets["time"], kind="stable")]
        payloads = self._payloads(packets)
        self.cohorts = {n: cohort for n, cohort in self.cohorts.items() if not cohort.is_empty}
        return packets, payloads

    def _payloads(self, packets: Table) -> list[bytes]:
        data = {number: cohort.data for number, cohort in self.cohorts.items()}
        starts = packets["start"].tolist()
        ends = (packets["start"] + packets["length"]).tolist()
        numbers = packets["cohort"].tolist()
        return [data[n][a:b] for n, a, b in zip(numbers, starts, ends, strict=True)]
