"""Recording → tables with exactly the columns and types of the schema.

Rows are sorted by connection and place. They are made in batches of Arrow arrays, which is what
files are written of; a DataFrame is made of those where somebody asks for one. Frames, messages
and segments come from the typed columns without a loop, the other tables have a row per connection
or less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from wsanalyze.layers.connection import Connection
from wsanalyze.recording import Recording
from wsanalyze.tables import segments
from wsanalyze.tables.arrays import batch, coded, plain, rows_of, times
from wsanalyze.tables.columns import FrameColumns, MessageColumns, SegmentColumns
from wsanalyze.tables.fixed_width import hexadecimal, text_array
from wsanalyze.tables.numbering import (
    Carry,
    Columns,
    Ints,
    Order,
    connection_numbers,
    in_place,
    message_numbers,
    order,
    places,
)
from wsanalyze.tables.rows import Row, connection_row, in_order, summary_row
from wsanalyze.tables.runs import HeldRun, Run, blocks, numbered
from wsanalyze.tables.schema import (
    CONNECTIONS,
    FINDINGS,
    FRAMES,
    HEADERS,
    MESSAGES,
    SUMMARY,
    TABLES,
    TLS,
)
from wsanalyze.tables.shelf import OWNERS

if TYPE_CHECKING:
    import pandas as pd

    from wsanalyze.checks.finding import Finding

Judge = Callable[[Recording], "list[Finding]"]

LARGEST = np.uint64((1 << 63) - 1)

# Rows of connections and headers that are plain objects at once.
ROWS = 20_000


class Shelved(Protocol):
    """Who has earlier rows of `frames`, `messages` and `segments`."""

    def runs(self, name: str) -> list[Run]:
        """Return the runs of a table."""


class Tables:
    """The tables of one recording, each made when it is first asked for."""

    def __init__(
        self, recording: Recording, shelf: Shelved | None = None, judge: Judge | None = None
    ) -> None:
        """Take the recording, which must not grow any more, and the shelf with its earlier rows.

        `judge` finds what is wrong, once, when a table asks for it; None: all checks do.
        """
        self.recording = recording
        self.shelf = shelf
        self._judge = judge
        self._made: dict[str, pd.DataFrame] = {}

    def table(self, name: str) -> pd.DataFrame:
        """Return the table of that name (a key of `schema.TABLES`)."""
        from wsanalyze.tables.dtypes import frame

        if name not in self._made:
            self._made[name] = frame(TABLES[name], self.batches(name))
        return self._made[name]

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the table of that name, in order; nothing where there are none."""
        makers: dict[str, Callable[[], Iterator[pa.RecordBatch]]] = {
            "connections": self._connection_rows,
            "frames": self._frame_rows,
            "messages": self._message_rows,
            "headers": self._header_rows,
            "findings": self._finding_rows,
            "segments": self._segment_rows,
            "tls": self._tls_rows,
            "summary": self._summary_rows,
        }
        return makers[name]()

    @property
    def connections(self) -> pd.DataFrame:
        """One row per connection attempt."""
        return self.table("connections")

    @property
    def frames(self) -> pd.DataFrame:
        """One row per frame; without rows where the pass did not keep them."""
        return self.table("frames")

    @property
    def messages(self) -> pd.DataFrame:
        """One row per data message; without rows where the pass did not keep them."""
        return self.table("messages")

    @property
    def headers(self) -> pd.DataFrame:
        """One row per handshake header field."""
        return self.table("headers")

    @property
    def findings(self) -> pd.DataFrame:
        """One row per finding; few where the pass did not observe (`Wants.observe`)."""
        return self.table("findings")

    @cached_property
    def found(self) -> list[Finding]:
        """What the checks find; each connection is told how much concerns it."""
        return self.judge(self.recording)

    def judge(self, recording: Recording) -> list[Finding]:
        """Return what is wrong in a recording, as far as these tables look for it."""
        if self._judge is not None:
            return self._judge(recording)
        from wsanalyze.findings import audit

        return audit(recording)

    @property
    def segments(self) -> pd.DataFrame:
        """One row per TCP segment; without rows where the pass did not keep them."""
        return self.table("segments")

    @property
    def tls(self) -> pd.DataFrame:
        """One row per TLS connection; without rows where the pass did not keep them."""
        return self.table("tls")

    @property
    def summary(self) -> pd.DataFrame:
        """One row per capture."""
        return self.table("summary")

    @cached_property
    def numbers(self) -> Ints:
        """Connection number of each serial."""
        return connection_numbers(self.recording)

    @cached_property
    def frame_order(self) -> Order:
        """Order of the frames in the columns of a recording that has all of them."""
        kept = self.recording.frames
        assert kept is not None  # noqa: S101 - callers looked
        return order(kept.arrays(), self.numbers)

    @cached_property
    def message_order(self) -> Order:
        """Order of the messages, likewise."""
        kept = self.recording.messages
        assert kept is not None  # noqa: S101 - callers looked
        return order(kept.arrays(), self.numbers)

    @cached_property
    def segment_order(self) -> Order:
        """Order of the segments, likewise: by conversation, and as they were read."""
        kept = self.recording.segments
        assert kept is not None  # noqa: S101 - callers looked
        conversation = self.segment_arrays["conversation"]
        rows = in_place(conversation, self.segment_arrays["ordinal"], None)
        return Order(rows, conversation[rows])

    @cached_property
    def frame_arrays(self) -> dict[str, Any]:
        """The columns of all frames, in the order of the recording."""
        return _arrays(self.recording.frames)

    @cached_property
    def message_arrays(self) -> dict[str, Any]:
        """The columns of all messages, likewise."""
        return _arrays(self.recording.messages)

    @cached_property
    def segment_arrays(self) -> dict[str, Any]:
        """The columns of all segments, likewise."""
        return _arrays(self.recording.segments)

    @cached_property
    def frame_messages(self) -> Ints:
        """Number of the message of each frame in `frame_order`, -1 for none."""
        kept = self.recording.frames
        assert kept is not None  # noqa: S101 - callers looked
        place, arrays = self.frame_order, kept.arrays()
        columns = {
            name: np.asarray(arrays[name])[place.rows] for name in ("head", "sender", "message")
        }
        return message_numbers(place.connection, columns)

    def _runs(self, name: str) -> list[Run]:
        """Return all runs of a table: what is on the shelf, and the last rows."""
        runs: list[Run] = self.shelf.runs(name) if self.shelf is not None else []
        kept = getattr(self.recording, name)
        if kept is not None and kept.count:
            columns = kept.run() if name == "messages" else kept.arrays()
            runs = [*runs, HeldRun.of(columns, OWNERS[name])]
        return runs

    def _finding_rows(self) -> Iterator[pa.RecordBatch]:
        from wsanalyze.checks.catalogue import catalogue
        from wsanalyze.findings import numbers

        number = numbers(self.recording)
        names = {each.id: each.name for each in catalogue()}
        cells = (
            asdict(finding)
            | {
                "connection": None if finding.connection is None else number[finding.connection],
                "name": names.get(finding.check),
            }
            for finding in self.found
        )
        while some := list(islice(cells, ROWS)):
            yield rows_of(FINDINGS, some)

    def _connection_rows(self) -> Iterator[pa.RecordBatch]:
        # The columns `findings` and `severity` come of it.
        _ = self.found
        numbered_rows = enumerate(in_order(self.recording.connections))
        rows = (connection_row(connection, number) for number, connection in numbered_rows)
        while some := list(islice(rows, ROWS)):
            yield rows_of(CONNECTIONS, some)

    def _header_rows(self) -> Iterator[pa.RecordBatch]:
        rows = header_rows(enumerate(in_order(self.recording.connections)))
        while some := list(islice(rows, ROWS)):
            yield rows_of(HEADERS, some)

    def _summary_rows(self) -> Iterator[pa.RecordBatch]:
        yield rows_of(SUMMARY, [summary_row(capture) for capture in self.recording.captures])

    def _tls_rows(self) -> Iterator[pa.RecordBatch]:
        # Several in one conversation stay in their order.
        known = sorted(self.recording.tls, key=lambda each: each.conversation)
        rows = ({name: getattr(each, name) for name in TLS.names} for each in known)
        while some := list(islice(rows, ROWS)):
            yield rows_of(TLS, some)

    def _segment_rows(self) -> Iterator[pa.RecordBatch]:
        return segments.build(self.recording, self._runs("segments"))

    def _frame_rows(self) -> Iterator[pa.RecordBatch]:
        runs, carry = self._runs("frames"), Carry()
        for connection, columns in blocks(runs, numbered(runs, self.numbers)):
            number = places(connection, carry)
            message = message_numbers(connection, columns, carry)
            yield frame_rows(connection, number, message, columns)

    def _message_rows(self) -> Iterator[pa.RecordBatch]:
        runs, carry = self._runs("messages"), Carry()
        length = self.recording.wants.preview_length
        for connection, columns in blocks(runs, numbered(runs, self.numbers)):
            number = places(connection, carry)
            carry.connection = int(connection[-1])
            yield message_rows(connection, number, columns, length)


def _arrays(kept: FrameColumns | MessageColumns | SegmentColumns | None) -> dict[str, Any]:
    """Return columns as arrays; nothing is copied."""
    assert kept is not None  # noqa: S101 - callers looked
    return {name: np.asarray(column) for name, column in kept.arrays().items()}


def header_rows(connections: Iterable[tuple[int, Connection]]) -> Iterator[Row]:
    """Yield the header fields of the handshakes of connections, each given with its number."""
    for number, connection in connections:
        handshake = connection.handshake
        heads = (handshake.request_head, handshake.response_head) if handshake else ()
        for sender, head in zip(("client", "server"), heads, strict=False):
            for field in head.fields if head is not None else ():
                yield {
                    "connection": number,
                    "sender": sender,
                    "position": field.position,
                    "name": field.name,
                    "value": field.value,
                }


def frame_rows(connection: Ints, number: Ints, message: Ints, columns: Columns) -> pa.RecordBatch:
    """Return rows of the `frames` table."""
    head, raw, code = columns["head"], columns["length"], columns["close_code"]
    is_masked = columns["second"] & 0x80 != 0
    keys = columns["masking_key"][is_masked].astype(">u4").view(np.uint8).reshape(-1, 4)
    header = columns["header_length"].astype(np.int64)
    no_code, is_larger = code < 0, raw > LARGEST
    cells = {
        "connection": plain(connection),
        "frame": plain(number),
        "sender": coded(FRAMES.column("sender"), columns["sender"]),
        "time": times(columns["time"]),
        "time_end": times(columns["time_end"]),
        "packet": plain(columns["packet"]),
        "packet_end": plain(columns["packet_end"]),
        "offset": plain(columns["offset"]),
        "fin": plain(head & 0x80 != 0),
        "rsv1": plain(head & 0x40 != 0),
        "rsv2": plain(head & 0x20 != 0),
        "rsv3": plain(head & 0x10 != 0),
        "opcode": plain(head & 0x0F),
        "type": coded(FRAMES.column("type"), head & 0x0F),
        "masked": plain(is_masked),
        "masking_key": text_array(hexadecimal(keys), is_masked),
        "header_length": plain(header),
        "length": plain((np.minimum(raw, LARGEST) if is_larger.any() else raw).astype(np.int64)),
        "captured": plain(columns["captured"]),
        "message": plain(message, message < 0),
        "close_code": plain(code.astype(np.uint16), no_code),
        # Hixie frames have headers of one byte: nothing is coded beyond it.
        "length_coded": plain(np.maximum(header - 2 - 4 * is_masked, 0).astype(np.uint8)),
        "length_raw": plain(raw, ~is_larger),
        "confidence": plain(columns["confidence"].astype(np.uint16), columns["confidence"] == 0),
    }
    return batch(FRAMES, cells)


def message_rows(connection: Ints, number: Ints, columns: Columns, length: int) -> pa.RecordBatch:
    """Return rows of the `messages` table, with previews of so many bytes."""
    # Arrow's functions take 20 ms to load, and the other tables do without.
    from wsanalyze.tables.previews import previews

    valid, opcode, digest = columns["utf8_valid"], columns["opcode"], columns["digest"]
    hashed = columns["hashed"]
    cells = {
        "connection": plain(connection),
        "message": plain(number),
        "sender": coded(MESSAGES.column("sender"), columns["sender"]),
        "type": coded(MESSAGES.column("type"), opcode.astype(np.int8) - 1),
        "time": times(columns["time"]),
        "time_end": times(columns["time_end"]),
        "packet": plain(columns["packet"]),
        "packet_end": plain(columns["packet_end"]),
        "frames": plain(columns["frames"]),
        "compressed": plain(columns["compressed"] != 0),
        "wire_length": plain(columns["wire_length"]),
        "length": plain(columns["length"], columns["length"] < 0),
        "complete": plain(columns["complete"] != 0),
        "utf8_valid": plain(valid == 1, valid < 0),
        "sha256": text_array(hexadecimal(digest[hashed]), hashed),
        "preview": previews(columns["payload"], columns["length"], opcode, length),
        "confidence": plain(columns["confidence"].astype(np.uint16), columns["confidence"] == 0),
    }
    return batch(MESSAGES, cells)
