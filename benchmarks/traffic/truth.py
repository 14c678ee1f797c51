"""What a generated file contains, counted while it is made: the answers for a test.

The names follow the analyzer's tables: `client_frames`, `server_bytes`, `client_close_codes` …
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from .contents import IntArray
from .sends import Table

SIDES = ("client", "server")
NO_CODE = "none"


@dataclass
class KindTotals:
    """One kind of conversation: how many, their packets, and the bytes of those packets."""

    conversations: int = 0
    packets: int = 0
    bytes: int = 0


@dataclass
class Truth:
    """Totals of one generated file. Bytes of packets start at the Ethernet header."""

    kinds: dict[str, KindTotals] = field(default_factory=dict)
    websocket: Counter[str] = field(default_factory=Counter)
    close_codes: dict[str, Counter[str]] = field(
        default_factory=lambda: {side: Counter() for side in SIDES}
    )
    data_packets: int = 0
    pure_acks: int = 0
    tcp_conversations: int = 0
    first_ns: int | None = None
    last_ns: int | None = None

    def add_connections(self, frames: Table, codes: list[int | None], closers: IntArray) -> None:
        """Count connections from their frames and close codes (both ends send the same code)."""
        self.websocket["connections"] += len(codes)
        for number, side in enumerate(SIDES):
            self._add_side(side, frames[frames["side"] == number])
            self.websocket[f"{side}_closed_first"] += int(np.sum(closers == number))
            self.close_codes[side].update(NO_CODE if code is None else str(code) for code in codes)

    def _add_side(self, side: str, frames: Table) -> None:
        by_opcode = np.bincount(frames["opcode"], minlength=16).tolist()
        self.websocket[f"{side}_frames"] += len(frames)
        self.websocket[f"{side}_bytes"] += int(frames["length"].sum())
        # A message begins with the one frame of it that is text or binary.
        self.websocket[f"{side}_messages"] += by_opcode[1] + by_opcode[2]
        self.websocket[f"{side}_text_messages"] += by_opcode[1]
        self.websocket[f"{side}_binary_messages"] += by_opcode[2]
        self.websocket[f"{side}_continuations"] += by_opcode[0]
        self.websocket[f"{side}_pings"] += by_opcode[9]
        self.websocket[f"{side}_pongs"] += by_opcode[10]

    def add_packets(self, kind: str, conversations: int, packets: Table, is_tcp: bool) -> None:
        """Count a cohort's packets (dtype PACKET)."""
        totals = self.kinds.setdefault(kind, KindTotals())
        totals.conversations += conversations
        totals.packets += len(packets)
        totals.bytes += int(packets["frame_length"].sum())
        self.data_packets += int(np.sum(packets["length"] > 0))
        if is_tcp:
            self.tcp_conversations += conversations
            # 0x10: the ACK flag alone, so not SYN/ACK, FIN/ACK. It counts the handshake's third.
            self.pure_acks += int(np.sum((packets["length"] == 0) & (packets["flags"] == 0x10)))
        first, last = int(packets["time"].min()), int(packets["time"].max())
        self.first_ns = first if self.first_ns is None else min(first, self.first_ns)
        self.last_ns = last if self.last_ns is None else max(last, self.last_ns)

    def as_json(self) -> dict[str, object]:
        """The totals as plain values, and averages that follow from them."""
        packets = sum(kind.packets for kind in self.kinds.values())
        size = sum(kind.bytes for kind in self.kinds.values())
        return {
            "packets": packets,
            "bytes": size,
            "average_packet": round(size / packets, 1) if packets else None,
            "data_packets": self.data_packets,
            "pure_acks": self.pure_acks,
            "tcp_conversations": self.tcp_conversations,
            "first_ns": self.first_ns,
            "last_ns": self.last_ns,
            "kinds": {
                name: {**vars(kind), "share": round(kind.bytes / size, 4)}
                for name, kind in sorted(self.kinds.items())
            },
            "websocket": dict(sorted(self.websocket.items())),
            "client_close_codes": dict(sorted(self.close_codes["client"].items())),
            "server_close_codes": dict(sorted(self.close_codes["server"].items())),
        }
