"""What is kept of what passes: packets in files, tables that grow, rows in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from wsanalyze.capture.batch import Batch
from wsanalyze.capture.keeping import PacketWriter
from wsanalyze.capture.undecided import WebSocketPackets
from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.limits import Limits
from wsanalyze.monitoring.events import Event, Found
from wsanalyze.monitoring.follower import Followed
from wsanalyze.pipeline import Pass
from wsanalyze.recording import Recording
from wsanalyze.tables.build import Tables
from wsanalyze.tables.parts import Parts
from wsanalyze.tables.runs import HeldRun, Run
from wsanalyze.tables.schema import FINDINGS, TLS
from wsanalyze.tables.shelf import OWNERS
from wsanalyze.tunnels.refusal import Refusal


@dataclass(frozen=True, slots=True)
class PacketFile:
    """Where packets are kept as pcapng, which of them, and when the next file begins.

    `apart`: open descriptors and paths of files that must not be written over.
    """

    path: Path
    only_websocket: bool = False
    rotate_bytes: int | None = None
    rotate_seconds: float | None = None
    apart: Sequence[int | Path] = ()


class InFile:
    """Keeps packets in a file; raises what `PacketWriter` does."""

    def __init__(self, file: PacketFile, run: Pass, limits: Limits) -> None:
        self.writer = PacketWriter(
            file.path,
            run.infos[0],
            rotate_bytes=file.rotate_bytes,
            rotate_seconds=file.rotate_seconds,
            apart=file.apart,
        )
        self._run = run
        self._chooser = WebSocketPackets(limits) if file.only_websocket else None

    def take(self, batch: Batch) -> None:
        """Let the pass take a batch, and keep of it what is to be kept."""
        transport, chooser = self._run.transport, self._chooser
        if chooser is None:
            self.writer.write(batch)
            self._run.take(batch)
            return
        transport.whose = []
        self._run.take(batch)
        self.writer.write_packets(chooser.choose(batch, transport.whose))
        self._run.recorder.reached.update(chooser.reached)

    def end(self) -> None:
        """Keep what was held of connections that were recognised when all was over."""
        if self._chooser is not None:
            self.writer.write_packets(self._chooser.decided())


class InFolder:
    """Hands everything to the parts of tables in a folder."""

    def __init__(self, parts: Parts, run: Pass) -> None:
        self.parts = parts
        self._run = run
        # TLS connections whose conversation goes on, by its index.
        self._tls: dict[int, list[TlsConnection]] = {}

    def begun(self, followed: Followed) -> None:
        """Wait: a row of `connections` is written when the connection is over."""

    def frames(
        self, owners: memoryview, numbers: memoryview, messages: memoryview, columns: Any
    ) -> None:
        """Take frames."""
        self.parts.frames(owners, numbers, messages, columns)

    def messages(self, owners: memoryview, numbers: memoryview, columns: Any) -> None:
        """Take messages."""
        self.parts.messages(owners, numbers, columns)

    def left(self, conversations: Iterable[int]) -> None:
        """Take the TLS connections of conversations that are over."""
        begun = self._run.recording.tls
        for each in begun:
            self._tls.setdefault(each.conversation, []).append(each)
        begun.clear()
        for index in conversations:
            for each in self._tls.pop(index, ()):
                self.parts.rows("tls", [{name: getattr(each, name) for name in TLS.names}])

    def gone(self, followed: Followed) -> None:
        """Take a connection that is over."""
        self.parts.connection(followed.number, followed.connection)

    def found(self, events: Iterable[Event]) -> None:
        """Take findings."""
        rows = [
            {name: getattr(event, name) for name in FINDINGS.names}
            for event in events
            if isinstance(event, Found)
        ]
        self.parts.rows("findings", rows)


class InMemory:
    """Keeps the first connections, frames and messages, as `analyze` does, up to the limits.

    Rows are bounded by `Limits.rows`, connections by `Limits.flows`; `whole` says whether nothing
    was left out.
    """

    def __init__(self, run: Pass, limits: Limits) -> None:
        self.whole = True
        self._run = run
        self._limits = limits
        self._recording = Recording(run.recording.wants)
        self._runs: dict[str, list[Run]] = {name: [] for name in OWNERS}
        self._rows = 0
        self._bytes = 0

    def begun(self, followed: Followed) -> None:
        """Keep a connection, if there is room."""
        if len(self._recording.connections) < self._limits.flows:
            self._recording.connections.append(followed.connection)
        else:
            self.whole = False

    def frames(
        self,
        owners: memoryview,
        numbers: memoryview,  # noqa: ARG002 - a Keeper's
        messages: memoryview,  # noqa: ARG002 - a Keeper's
        columns: Any,
    ) -> None:
        """Keep frames, if there is room."""
        self._keep("frames", len(owners), columns)

    def messages(self, owners: memoryview, numbers: memoryview, columns: Any) -> None:  # noqa: ARG002 - a Keeper's
        """Keep messages, if there is room."""
        self._keep("messages", len(owners), columns)

    def _keep(self, name: str, count: int, columns: Any) -> None:
        kept = _bytes(columns)
        is_full = (
            self._rows + count > self._limits.rows
            or self._bytes + kept > self._limits.payload_total
            or self._run.recorder.attempts > len(self._recording.connections)
        )
        if is_full or not self.whole:
            self.whole = False
            return
        self._rows += count
        self._bytes += kept
        self._runs[name].append(HeldRun.of(columns, OWNERS[name]))

    def left(self, conversations: Iterable[int]) -> None:  # noqa: ARG002 - a Keeper's
        """Keep TLS connections, if there is room."""
        begun = self._run.recording.tls
        room = self._limits.flows - len(self._recording.tls)
        self.whole = self.whole and len(begun) <= room
        self._recording.tls += begun[: max(room, 0)]
        begun.clear()

    def gone(self, followed: Followed) -> None:
        """Do nothing: the record is kept since it began."""

    def found(self, events: Iterable[Event]) -> None:
        """Do nothing: findings are found anew in what was kept."""

    def refused(self, refusals: Iterable[Refusal]) -> None:
        """Keep what proxies refused, if there is room."""
        room = self._limits.refusals - len(self._recording.refusals)
        self._recording.refusals += islice(refusals, max(room, 0))

    def runs(self, name: str) -> list[Run]:
        """Return the rows of a table, as a shelf does."""
        return self._runs[name]

    def tables(self, judge: Any) -> Tables:
        """Return the tables of what was kept so far."""
        run = self._run
        run.summarise_all()
        recording = Recording(
            run.recording.wants,
            connections=sorted(self._recording.connections, key=lambda each: each.serial),
            captures=run.summaries,
            tls=list(self._recording.tls),
            refusals=[*self._recording.refusals, *run.recording.refusals],
        )
        return Tables(recording, shelf=self, judge=judge)


def _bytes(columns: Mapping[str, Any]) -> int:
    return len(columns.get("payloads", b""))
