"""Recording → DataFrames with exactly the columns and dtypes of the schema.

Rows are sorted by connection and place; every table of an empty recording is empty and has all its
dtypes. Frames, messages and segments are built with numpy from the typed columns, the other tables
have a row per connection or less.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalyze.recording import Recording
from wsanalyze.tables import segments
from wsanalyze.tables.dtypes import coded, empty, frame
from wsanalyze.tables.fixed_width import hexadecimal, text_array, text_series
from wsanalyze.tables.numbering import (
    Ints,
    Order,
    connection_numbers,
    message_numbers,
    order,
)
from wsanalyze.tables.previews import previews
from wsanalyze.tables.rows import connection_row, in_order
from wsanalyze.tables.schema import (
    CONNECTIONS,
    FINDINGS,
    FRAMES,
    HEADERS,
    MESSAGES,
    SUMMARY,
)

DIGEST = 32
LARGEST = np.uint64((1 << 63) - 1)


class Tables:
    """The tables of one recording, each built when it is first asked for."""

    def __init__(self, recording: Recording) -> None:
        """Take the recording; it must not grow any more."""
        self.recording = recording

    def table(self, name: str) -> pd.DataFrame:
        """Return the table of that name (a key of `schema.TABLES`)."""
        built: pd.DataFrame = getattr(self, name)
        return built

    @cached_property
    def numbers(self) -> Ints:
        """Connection number of each serial."""
        return connection_numbers(self.recording)

    @cached_property
    def frame_order(self) -> Order:
        """Order of the frames; KeyError-free only where frames were kept."""
        kept = self.recording.frames
        assert kept is not None  # noqa: S101 - callers looked
        return order(kept.arrays(), self.numbers)

    @cached_property
    def message_order(self) -> Order:
        """Order of the messages, where they were kept."""
        kept = self.recording.messages
        assert kept is not None  # noqa: S101 - callers looked
        return order(kept.arrays(), self.numbers)

    @cached_property
    def message_numbers(self) -> Ints:
        """Message number of each message serial."""
        return message_numbers(self.recording, self.numbers, self.frame_order)

    @cached_property
    def connections(self) -> pd.DataFrame:
        """One row per connection attempt."""
        rows = [
            connection_row(connection, number)
            for number, connection in enumerate(in_order(self.recording.connections))
        ]
        return frame(CONNECTIONS, {name: [row[name] for row in rows] for name in CONNECTIONS.names})

    @cached_property
    def frames(self) -> pd.DataFrame:
        """One row per frame; without rows where the pass did not keep them."""
        kept = self.recording.frames
        if kept is None or not kept.count:
            return empty(FRAMES)
        return _frames(kept.arrays(), self.frame_order, self.message_numbers)

    @cached_property
    def messages(self) -> pd.DataFrame:
        """One row per data message; without rows where the pass did not keep them."""
        kept = self.recording.messages
        if kept is None or not kept.count:
            return empty(MESSAGES)
        cells = _messages(kept.arrays(), self.message_order)
        rows = self.message_order.rows
        cells["sha256"] = text_series(_digests(kept.arrays()["digest"], kept.digests, rows))
        cells["preview"] = previews(kept, rows, self.recording.wants.preview_length)
        return frame(MESSAGES, cells)

    @cached_property
    def headers(self) -> pd.DataFrame:
        """One row per handshake header field."""
        cells: dict[str, list[Any]] = {name: [] for name in HEADERS.names}
        for number, connection in enumerate(in_order(self.recording.connections)):
            handshake = connection.handshake
            heads = (handshake.request_head, handshake.response_head) if handshake else ()
            for sender, head in zip(("client", "server"), heads, strict=False):
                for field in head.fields if head is not None else ():
                    cells["connection"].append(number)
                    cells["sender"].append(sender)
                    cells["position"].append(field.position)
                    cells["name"].append(field.name)
                    cells["value"].append(field.value)
        return frame(HEADERS, cells)

    @cached_property
    def findings(self) -> pd.DataFrame:
        """One row per finding; none until there are checks."""
        return empty(FINDINGS)

    @cached_property
    def segments(self) -> pd.DataFrame:
        """One row per TCP segment; without rows where the pass did not keep them."""
        return segments.build(self.recording)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row per capture."""
        rows = []
        for capture in self.recording.captures:
            row = asdict(capture)
            reached = row.pop("limits")
            limits = {f"limit_{name}": count for name, count in reached.items()}
            rows.append(row | limits)
        return frame(
            SUMMARY, {column: [row.get(column, 0) for row in rows] for column in SUMMARY.names}
        )


def masked(values: npt.NDArray[Any], missing: npt.NDArray[np.bool_]) -> pd.Series[Any]:
    """Return integers as a nullable column, NA where `missing`."""
    return pd.Series(pd.arrays.IntegerArray(values, missing), copy=False)


def _frames(columns: dict[str, Any], place: Order, messages: Ints) -> pd.DataFrame:
    """Return the `frames` table; `messages` is the number of each message serial."""
    rows = place.rows
    taken = {name: np.asarray(column)[rows] for name, column in columns.items()}
    head, raw = taken["head"], taken["length"]
    is_masked = taken["second"] & 0x80 != 0
    keys = taken["masking_key"].astype(">u4").view(np.uint8).reshape(-1, 4)
    no_message = taken["message"] < 0
    no_code = taken["close_code"] < 0
    numbers = np.zeros(len(rows), dtype=np.int64)
    numbers[~no_message] = messages[taken["message"][~no_message]]
    header = taken["header_length"].astype(np.int64)
    cells = {
        "connection": place.connection,
        "frame": place.number,
        "sender": coded(FRAMES.column("sender"), taken["sender"]),
        "time": taken["time"],
        "time_end": taken["time_end"],
        "packet": taken["packet"],
        "packet_end": taken["packet_end"],
        "offset": taken["offset"],
        "fin": head & 0x80 != 0,
        "rsv1": head & 0x40 != 0,
        "rsv2": head & 0x20 != 0,
        "rsv3": head & 0x10 != 0,
        "opcode": head & 0x0F,
        "type": coded(FRAMES.column("type"), head & 0x0F),
        "masked": is_masked,
        "masking_key": text_series(text_array(hexadecimal(keys), is_masked)),
        "header_length": header,
        "length": np.minimum(raw, LARGEST).astype(np.int64),
        "captured": taken["captured"],
        "message": masked(numbers, no_message),
        "close_code": masked(np.where(no_code, 0, taken["close_code"]).astype(np.uint16), no_code),
        # Hixie frames have headers of one byte: nothing is coded beyond it.
        "length_coded": np.maximum(header - 2 - 4 * is_masked, 0).astype(np.uint8),
        "length_raw": masked(raw, raw <= LARGEST),
        "confidence": masked(taken["confidence"].astype(np.uint16), taken["confidence"] == 0),
    }
    return frame(FRAMES, cells)


def _messages(columns: dict[str, Any], place: Order) -> dict[str, Any]:
    """Return the cells of `messages` that are numbers."""
    taken = {name: np.asarray(column)[place.rows] for name, column in columns.items()}
    valid = taken["utf8_valid"]
    return {
        "connection": place.connection,
        "message": place.number,
        "sender": coded(MESSAGES.column("sender"), taken["sender"]),
        "type": coded(MESSAGES.column("type"), taken["opcode"].astype(np.int8) - 1),
        "time": taken["time"],
        "time_end": taken["time_end"],
        "packet": taken["packet"],
        "packet_end": taken["packet_end"],
        "frames": taken["frames"],
        "compressed": taken["compressed"] != 0,
        "wire_length": taken["wire_length"],
        "length": masked(taken["length"], taken["length"] < 0),
        "complete": taken["complete"] != 0,
        "utf8_valid": pd.Series(pd.arrays.BooleanArray(valid == 1, valid < 0)),
        "confidence": masked(taken["confidence"].astype(np.uint16), taken["confidence"] == 0),
    }


def _digests(serials: Any, digests: bytearray, rows: Ints) -> Any:
    """Return SHA-256 values in hex as an Arrow array, null where there is none."""
    serial = np.asarray(serials)[rows]
    present = serial >= 0
    table = np.frombuffer(bytes(digests), dtype=np.uint8).reshape(-1, DIGEST)
    if not len(table):
        table = np.zeros((1, DIGEST), dtype=np.uint8)
    return text_array(hexadecimal(table[np.where(present, serial, 0)]), present)
