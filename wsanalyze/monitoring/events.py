"""What happens, as it happens: typed events, whose fields are columns of the tables.

Times are integer ns. `connection` is the number that the tables of a live session have, given in
the order in which connections are recognised; `facts` is the record of the connection, which goes
on changing while the connection lives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from wsanalyze.layers.connection import Connection

if TYPE_CHECKING:
    from wsanalyze.monitoring.rows import MessageRows


@dataclass(frozen=True, slots=True)
class Requested:
    """A client asks for WebSocket."""

    kind: ClassVar[str] = "requested"
    connection: int
    time: int
    packet: int | None
    facts: Connection = field(repr=False)


@dataclass(frozen=True, slots=True)
class Established:
    """Frames may follow: the server agreed, or the beginning was not seen.

    `facts.outcome` is `established`, `invalid` (it agreed in a way that a client must not accept)
    or `unseen`.
    """

    kind: ClassVar[str] = "established"
    connection: int
    time: int
    packet: int | None
    facts: Connection = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """The server answered with something else than its consent."""

    kind: ClassVar[str] = "refused"
    connection: int
    time: int
    packet: int | None
    facts: Connection = field(repr=False)


@dataclass(slots=True)
class Message:
    """A data message ended: a row of `messages`.

    `payload` is what was kept of it, None where nothing was of one that is not empty.
    """

    kind: ClassVar[str] = "message"
    connection: int
    message: int
    sender: str
    type: str
    time: int
    time_end: int
    packet: int
    packet_end: int
    frames: int
    compressed: bool
    wire_length: int
    length: int | None
    complete: bool
    utf8_valid: bool | None
    sha256: str | None
    preview: str | None
    confidence: int | None
    payload: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages between which nothing else happened, for who wants no object for each.

    `places`: which of the rows they are, in their order.
    """

    kind: ClassVar[str] = "message"
    rows: MessageRows
    places: Sequence[int]


@dataclass(frozen=True, slots=True)
class Close:
    """A Close frame ended: its row of `frames` in short, and the reason that it gives.

    `code_missing`: it has a code, which is not among what was captured or could not be read.
    """

    kind: ClassVar[str] = "close"
    connection: int
    frame: int
    sender: str
    time: int
    packet: int
    close_code: int | None
    close_reason: str | None
    code_missing: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A check found something: a row of `findings`.

    `again`: the same was told before, but of fewer; who reads a log knows it.
    """

    kind: ClassVar[str] = "finding"
    connection: int | None
    check: str
    name: str
    severity: str
    message: str
    sender: str | None
    time: int | None
    packet: int | None
    frame: int | None
    evidence: str | None
    expected: str | None
    reference: str
    coverage: str
    count: int
    again: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """A connection is over; `facts` is its row of `connections`, `told` how many findings were."""

    kind: ClassVar[str] = "ended"
    connection: int
    time: int
    facts: Connection = field(repr=False)
    told: int = 0


@dataclass(frozen=True, slots=True)
class LimitReached:
    """A limit was reached for the first time: from here on not everything is looked at or kept.

    `time`: when, by our own clock (ns since 1970).
    """

    kind: ClassVar[str] = "limit"
    limit: str
    count: int
    time: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Something happened to the capturing or the writing, in one line.

    `time`: when it was noticed, by our own clock (ns since 1970).
    """

    kind: ClassVar[str] = "problem"
    what: str
    time: int


Event: TypeAlias = (
    Requested | Established | Refused | Message | Close | Found | Ended | LimitReached | Problem
)
# What a session tells who asked for messages in blocks.
Told: TypeAlias = Event | Messages

KINDS = (
    "requested",
    "established",
    "refused",
    "message",
    "close",
    "finding",
    "ended",
    "limit",
    "problem",
)
