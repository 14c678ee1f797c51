"""A layer that writes down what it is told, and a transport that is read by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from support.packets import Packet, Wire
from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer
from wsanalyze.limits import Limits
from wsanalyze.tables.columns import SegmentColumns
from wsanalyze.transport.conversation import Conversation
from wsanalyze.transport.counts import PacketCounts
from wsanalyze.transport.tcp import Transport

Call = tuple[Any, ...]


class Witness(Layer):
    """Writes each call down: `("data", side, bytes, packet)`, `("gap", side, length, packet)`,
    `("end", side, how, packet)`, `("finish", evicted)`.

    `enough(calls)`, asked after each call of data, gap and end, says when to let go.
    """

    def __init__(self, enough: Callable[[list[Call]], bool] | None = None) -> None:
        self.calls: list[Call] = []
        self.times: list[int] = []
        self.ordinals: list[int] = []
        self.enough = enough

    def _note(self, *call: Any) -> int:
        self.calls.append(call)
        return int(self.enough is not None and self.enough(self.calls))

    def data(
        self,
        side: int,
        buffer: Buffer,
        start: int,
        stop: int,
        time: int,
        packet: int,
        ordinal: int,
    ) -> int:
        self.times.append(time)
        self.ordinals.append(ordinal)
        return self._note("data", side, buffer.copy(start, stop), packet)

    def gap(self, side: int, length: int, time: int, packet: int, ordinal: int) -> int:
        self.times.append(time)
        self.ordinals.append(ordinal)
        return self._note("gap", side, length, packet)

    def end(self, side: int, how: int, time: int, packet: int) -> int:
        self.times.append(time)
        return self._note("end", side, how, packet)

    def finish(self, evicted: int) -> int:
        return self._note("finish", evicted)

    def stream(self, side: int) -> list[bytes | int]:
        """Return one side's stream: stretches of bytes, and gaps as numbers of bytes."""
        found: list[bytes | int] = []
        for kind, *facts in self.calls:
            if kind not in ("data", "gap") or facts[0] != side:
                continue
            if found and isinstance(found[-1], type(facts[1])):
                found[-1] += facts[1]
            else:
                found.append(facts[1])
        return found


class Tap:
    """A Transport whose every conversation is read by a Witness of its own."""

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        segments: bool = False,
        enough: Callable[[list[Call]], bool] | None = None,
    ) -> None:
        self.witnesses: list[Witness] = []
        self.conversations: list[Conversation] = []
        self.left: list[Conversation] = []
        self.counts = PacketCounts()
        self.segments = SegmentColumns() if segments else None
        self.enough = enough
        self.wire = Wire()
        self.transport = Transport(
            self._open, self.left.append, limits or Limits(), self.segments, 0x5EED
        )

    def _open(self, conversation: Conversation) -> Layer:
        witness = Witness(self.enough)
        self.witnesses.append(witness)
        self.conversations.append(conversation)
        return witness

    def feed(self, packets: Iterable[Packet]) -> Tap:
        """Feed packets, numbered on from the ones before."""
        for batch in self.wire.batches(packets):
            self.transport.feed(batch, self.counts)
        return self

    def finish(self) -> Tap:
        """Let the packets end."""
        self.transport.finish()
        return self

    @property
    def calls(self) -> list[Call]:
        """What the one conversation's layer was told."""
        (witness,) = self.witnesses
        return witness.calls


def watch(
    packets: Iterable[Packet],
    limits: Limits | None = None,
    *,
    segments: bool = False,
    enough: Callable[[list[Call]], bool] | None = None,
) -> Tap:
    """Return what the layers were told of these packets, from the first to the end."""
    return Tap(limits, segments=segments, enough=enough).feed(packets).finish()
