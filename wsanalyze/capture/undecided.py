"""Which packets belong to WebSocket connections, from the first packet of each on.

What a conversation is shows only after some packets. Until then they are held, within a limit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from wsanalyze.capture.batch import Batch
from wsanalyze.capture.keeping import Packet
from wsanalyze.limits import Limits

# `Conversation.spoke`
WEBSOCKET = 1
# What a packet takes besides its bytes.
OVERHEAD = 256
# Batches between two looks for conversations that have ended.
SWEEP = 1024


class Owner(Protocol):
    """What is asked of a conversation (wsanalyze/transport/conversation.py)."""

    spoke: int
    let_go: int


class _Held:
    """The packets of one conversation so far."""

    __slots__ = ("packets", "size", "too_much")

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.size = 0
        self.too_much = False


class WebSocketPackets:
    """Picks the packets of WebSocket connections, those before the upgrade included.

    Packets of one conversation come out in the order in which they came in; those that were held
    come behind what other conversations sent meanwhile. A packet without a conversation (no TCP, an
    IP fragment that does not complete its datagram) is left out.

    `reached` counts how often a conversation's packets had to be thrown away while it was
    undecided, by limit: should it upgrade, its packets are kept from there on.
    """

    def __init__(self, limits: Limits) -> None:
        self._limit = limits.undecided
        self._limit_total = limits.undecided_total
        self._held: OrderedDict[Owner, _Held] = OrderedDict()
        self._size = 0
        self._batches = 0
        self.reached = {"undecided": 0, "undecided_total": 0}

    def choose(self, batch: Batch, whose: Sequence[Owner | None]) -> list[Packet]:
        """Return the packets to keep now.

        `whose` has a conversation for each packet of the batch, in the state in which it is after
        the whole batch: what `Transport.whose` is after `feed`.
        """
        chosen: list[Packet] = []
        for i, owner in enumerate(whose):
            if owner is None:
                continue
            if owner.spoke == WEBSOCKET:
                held = self._release(owner)
                if held is not None:
                    chosen += held.packets
                chosen.append(batch.packet(i))
            elif owner.let_go:
                self._release(owner)
            else:
                self._hold(owner, batch.packet(i))
        self._batches += 1
        if self._batches % SWEEP == 0:
            chosen += self.decided()
            for owner in [each for each in self._held if each.let_go]:
                self._release(owner)
        return chosen

    def decided(self) -> list[Packet]:
        """Return the packets that are held of conversations that have turned out to be WebSocket.

        What waited for a secret of TLS may do so without a packet of its own, also at its end.
        """
        found: list[Packet] = []
        for owner in [each for each in self._held if each.spoke == WEBSOCKET]:
            held = self._release(owner)
            found += held.packets if held is not None else []
        return found

    def _hold(self, owner: Owner, packet: Packet) -> None:
        held = self._held.get(owner)
        if held is None:
            held = self._held[owner] = _Held()
            self._grow(held, OVERHEAD)
        self._held.move_to_end(owner)
        if held.too_much:
            return
        size = len(packet[4]) + OVERHEAD
        if held.size + size > self._limit:
            self._empty(held, "undecided")
        else:
            held.packets.append(packet)
            self._grow(held, size)
        while self._size > self._limit_total and self._held:
            # Who has been silent for longest.
            oldest = next(iter(self._held))
            if self._held[oldest].packets:
                self.reached["undecided_total"] += 1
            self._release(oldest)

    def _grow(self, held: _Held, size: int) -> None:
        held.size += size
        self._size += size

    def _empty(self, held: _Held, limit: str) -> None:
        """Throw away what a conversation has, and take no more of it."""
        self.reached[limit] += 1
        self._grow(held, OVERHEAD - held.size)
        held.packets = []
        held.too_much = True

    def _release(self, owner: Owner) -> _Held | None:
        held = self._held.pop(owner, None)
        if held is not None:
            self._size -= held.size
        return held
