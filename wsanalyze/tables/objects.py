"""Connections, frames and messages as light objects, for programs that go one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Protocol

import numpy as np

from wsanalyze.errors import UsageError
from wsanalyze.layers.connection import Connection
from wsanalyze.tables.build import Tables
from wsanalyze.tables.columns import NOTES
from wsanalyze.tables.flags import FLAG_TEXTS
from wsanalyze.tables.lazy_rows import LazyRows
from wsanalyze.tables.numbering import Order
from wsanalyze.tables.schema import FRAME_TYPES, SENDERS
from wsanalyze.websocket.handshake import Handshake

# Bytes of SHA-256.
DIGEST = 32


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it was sent; `connection`, `number` and `message` are those of the tables.

    Times are integer ns. `head` and `second` are the first two header bytes; `length` is exact,
    even where RFC 6455 §5.2 forbids it; of versions before HyBi draft 7 they are what RFC 6455 has
    for the same (the columns `opcode` and `length` say how). `masking_key`, `message` and
    `close_code` are None where there is none.
    """

    connection: int
    number: int
    sender: str
    time: int
    time_end: int
    packet: int
    packet_end: int
    offset: int
    head: int
    second: int
    header_length: int
    length: int
    captured: int
    masking_key: bytes | None
    message: int | None
    close_code: int | None

    @property
    def fin(self) -> bool:
        """The FIN bit."""
        return bool(self.head & 0x80)

    @property
    def rsv(self) -> int:
        """RSV1, RSV2 and RSV3 as a number: 4, 2 and 1."""
        return self.head >> 4 & 7

    @property
    def opcode(self) -> int:
        """The opcode, 0 to 15."""
        return self.head & 0x0F

    @property
    def type(self) -> str:
        """What the opcode stands for."""
        return FRAME_TYPES[self.opcode]

    @property
    def masked(self) -> bool:
        """The MASK bit."""
        return bool(self.second & 0x80)


@dataclass(frozen=True, slots=True)
class Message:
    """One data message; `connection` and `number` are those of the tables, times integer ns.

    `length` is None where it could not be decompressed, `utf8_valid` None for binary messages,
    `sha256` None where the message is incomplete. `serial` is its place in the recording.
    """

    serial: int
    connection: int
    number: int
    sender: str
    type: str
    time: int
    time_end: int
    packet: int
    packet_end: int
    frames: int
    compressed: bool
    complete: bool
    wire_length: int
    length: int | None
    utf8_valid: bool | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Segment:
    """One TCP segment of a connection's conversation, as the table `segments` has it.

    `flags` as `SYN,ACK`; `seq` and `ack` are relative, None where unknown; `window` is as sent,
    unscaled; `note` is None where there is none. `ordinal` is its place in the order of reading.
    """

    sender: str
    time: int
    packet: int
    ordinal: int
    flags: str
    seq: int | None
    ack: int | None
    length: int
    window: int
    note: str | None


class Diagram(Protocol):
    """A ladder diagram: as text, as SVG, and for notebooks."""

    def text(self, width: int = ...) -> str:
        """Return it as text of at most `width` cells."""

    @property
    def svg(self) -> str:
        """It as one SVG element."""

    def _repr_html_(self) -> str: ...


Draw = Callable[[int, tuple[int, int]], Diagram]


class AnalyzedConnection:
    """One connection: its `facts` (as the row of `connections` has them), frames and messages."""

    def __init__(
        self,
        tables: Tables,
        number: int,
        facts: Connection,
        draw: Draw | None = None,
    ) -> None:
        """Take the connection `facts`, whose number in the tables is `number`.

        `draw` makes a ladder diagram of the connection with a number.
        """
        self.number = number
        self.facts = facts
        self._tables = tables
        self._draw = draw

    def ladder(self, frames: tuple[int, int] = (0, 59)) -> Diagram:
        """Return the connection as a ladder diagram (`views.ladder.Ladder`).

        It prints as text, and notebooks show it as SVG. `frames`: the first and the last frame
        that have a row of their own. UsageError where it belongs to no analysis.
        """
        if self._draw is None:
            raise UsageError("this connection belongs to no analysis that could draw it")
        return self._draw(self.number, frames)

    @property
    def handshake(self) -> Handshake | None:
        """The opening handshake; None for a connection seen from the middle."""
        return self.facts.handshake

    @cached_property
    def frames(self) -> LazyRows[Frame]:
        """The frames in order, made when looked at; UsageError where the pass kept none."""
        kept = self._tables.recording.frames
        if kept is None:
            raise UsageError("frames were not kept in this recording")
        place = self._tables.frame_order
        mine = _span(place, self.number)
        own = {"message": self._tables.frame_messages[mine]}
        make = partial(_frame, self.number)
        return LazyRows(self._tables.frame_arrays, place.rows[mine], make, own=own)

    @cached_property
    def messages(self) -> LazyRows[Message]:
        """The data messages in order, made when looked at; UsageError where the pass kept none."""
        kept = self._tables.recording.messages
        if kept is None:
            raise UsageError("messages were not kept in this recording")
        place = self._tables.message_order
        rows = place.rows[_span(place, self.number)]
        make = partial(_message, self.number, kept.digests)
        return LazyRows(self._tables.message_arrays, rows, make, own={"serial": rows})

    def payload(self, message: Message) -> bytes:
        """Return the application payload of a message: unmasked, decompressed, joined.

        Of an incomplete message: what was seen. UsageError where the payload was not kept whole.
        """
        recording = self._tables.recording
        kept = recording.messages
        if kept is None or message.connection != self.number:
            raise UsageError(f"message {message.number} is not one of connection {self.number}")
        start, stop = self._kept_of(message)
        have = max(stop - start, 0) if start >= 0 else 0
        if have == message.length or (
            recording.wants.payloads == "full" and start >= 0 and not message.complete
        ):
            return bytes(kept.payloads[start : start + have])
        if recording.wants.payloads != "full":
            raise UsageError('payloads were not kept: analyze(…, payloads="full") keeps them')
        raise UsageError(
            f"only {have} of {message.length} bytes were kept: limits=Limits(payload=…, "
            "payload_total=…) keeps more"
        )

    def beginning(self, message: Message) -> bytes:
        """Return what was kept of a message's payload: its first bytes, or all of it."""
        kept = self._tables.recording.messages
        if kept is None or message.connection != self.number:
            raise UsageError(f"message {message.number} is not one of connection {self.number}")
        start, stop = self._kept_of(message)
        return bytes(kept.payloads[start:stop]) if start >= 0 else b""

    def _kept_of(self, message: Message) -> tuple[int, int]:
        """Return where what was kept of a message stands in `payloads`; -1 for nothing."""
        columns = self._tables.message_arrays
        start, stop = (columns[name][message.serial] for name in ("payload_start", "payload_stop"))
        return int(start), int(stop)

    @property
    def segments(self) -> LazyRows[Segment]:
        """The segments of its TCP conversation in order; UsageError where none were kept."""
        if self._tables.recording.segments is None:
            raise UsageError("segments were not kept: analyze(…, segments=True) keeps them")
        place = self._tables.segment_order
        rows = place.rows[_span(place, self.facts.conversation)]
        columns = self._tables.segment_arrays
        sender = columns["direction"][rows] != self.facts.client_direction
        return LazyRows(columns, rows, _segment, own={"sender": sender})

    @cached_property
    def segment_notes(self) -> dict[tuple[str, str], int]:
        """How many segments of each sender have each note, as {("client", "overlap"): 1}."""
        segments = self.segments
        side, note = segments.column("direction"), segments.column("note")
        counts = np.bincount(side * np.int64(len(NOTES)) + note, minlength=2 * len(NOTES))
        return {
            (SENDERS[int(side != self.facts.client_direction)], str(NOTES[note])): int(count)
            for side, of_side in enumerate(counts.reshape(2, len(NOTES)))
            for note, count in enumerate(of_side)
            if note and count
        }

    def __repr__(self) -> str:
        """Return the number, the ends and the outcome."""
        facts = self.facts
        ends = f"{facts.client_ip}:{facts.client_port} → {facts.server_ip}:{facts.server_port}"
        return f"<connection {self.number}: {ends}, {facts.outcome}>"


def _span(place: Order, number: int) -> slice:
    start, stop = np.searchsorted(place.connection, (number, number + 1))
    return slice(int(start), int(stop))


def _frame(connection: int, number: int, row: dict[str, int]) -> Frame:
    message, code = row["message"], row["close_code"]
    is_masked = row["second"] & 0x80
    return Frame(
        connection=connection,
        number=number,
        sender=SENDERS[row["sender"]],
        masking_key=row["masking_key"].to_bytes(4, "big") if is_masked else None,
        message=message if message >= 0 else None,
        close_code=code if code >= 0 else None,
        **{name: row[name] for name in _SAME_IN_FRAMES},
    )


_SAME_IN_FRAMES = (
    "time",
    "time_end",
    "packet",
    "packet_end",
    "offset",
    "head",
    "second",
    "header_length",
    "length",
    "captured",
)


def _message(connection: int, digests: bytearray, number: int, row: dict[str, int]) -> Message:
    digest, valid = row["digest"], row["utf8_valid"]
    return Message(
        serial=row["serial"],
        connection=connection,
        number=number,
        sender=SENDERS[row["sender"]],
        type=FRAME_TYPES[row["opcode"]],
        time=row["time"],
        time_end=row["time_end"],
        packet=row["packet"],
        packet_end=row["packet_end"],
        frames=row["frames"],
        compressed=bool(row["compressed"]),
        complete=bool(row["complete"]),
        wire_length=row["wire_length"],
        length=row["length"] if row["length"] >= 0 else None,
        utf8_valid=bool(valid) if valid >= 0 else None,
        sha256=digests[digest * DIGEST : (digest + 1) * DIGEST].hex() if digest >= 0 else None,
    )


def _segment(_number: int, row: dict[str, int]) -> Segment:
    return Segment(
        sender=SENDERS[row["sender"]],
        time=row["time"],
        packet=row["packet"],
        ordinal=row["ordinal"],
        flags=FLAG_TEXTS[row["flags"] & 0x1FF],
        seq=row["seq"] if row["seq"] >= 0 else None,
        ack=row["ack"] if row["ack"] >= 0 else None,
        length=row["length"],
        window=row["window"],
        note=NOTES[row["note"]],
    )
