"""What one pass over the captures leaves behind: plain records and typed columns, no pandas."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from wsanalyze.layers.connection import Connection
from wsanalyze.layers.tls_connection import TlsConnection
from wsanalyze.streams import Streams
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.tables.columns import FrameColumns, MessageColumns, SegmentColumns
from wsanalyze.tunnels.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Wants:
    """What is to be kept of the pass. No count depends on it, but for two that are told below."""

    # How many connections, the first ones, keep a record; None: all. All are counted.
    connections: int | None = None
    frames: bool = True
    messages: bool = True
    # With `segments`, later copies are compared with what was handed on: more conflicts are found.
    segments: bool = False
    # Whether messages are unmasked, inflated and checked where no row of theirs is kept: the counts
    # of limits that they reach and of text that is not UTF-8 depend on it.
    contents: bool = True
    hashes: bool = True
    # Whether what checks look at is noticed (`Connection.observation`).
    observe: bool = False
    # Whether facts of TLS connections are kept, of those that stay closed, too: their handshakes
    # are read then, which takes 0.1 ms each.
    tls: bool = False
    # Whether it is told of TLS why it stayed closed where no secret is known, of the first 4,096
    # connections: who left the handshake, and with which alert.
    tls_reasons: bool = False
    # "none", "preview" or "full"; `preview_length` in bytes of payload.
    payloads: str = "preview"
    preview_length: int = 64


@dataclass(slots=True)
class Recording:
    """The outcome of one pass.

    `connections` is in the order of being recognised (index = serial), as far as `wants` keeps
    them, `tls` in that of their first bytes. `frames`, `messages` and `segments` are None where
    `wants` did not ask for them. `captures` has one row per capture, in the order given. `refusals`
    are those of proxies. `streams` has the bytes that somebody chose, None where nobody did.
    """

    wants: Wants
    connections: list[Connection] = field(default_factory=list)
    frames: FrameColumns | None = None
    messages: MessageColumns | None = None
    segments: SegmentColumns | None = None
    captures: list[CaptureSummary] = field(default_factory=list)
    tls: list[TlsConnection] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    streams: Streams | None = None

    @property
    def tunnels_refused(self) -> int:
        """How many tunnels proxies refused; one that was asked for again, and opened, is none."""
        return sum(not each.tried_again for each in self.refusals)


def in_order(connections: Iterable[Connection]) -> list[Connection]:
    """Return the connections by number: in order of `requested_ordinal`, ties by serial."""
    return sorted(
        connections, key=lambda connection: (connection.requested_ordinal, connection.serial)
    )
