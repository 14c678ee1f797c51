"""Rows of tables as batches of Arrow arrays, which is what files are written of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from wsanalyze.layers.connection import Connection
from wsanalyze.tables import segments
from wsanalyze.tables.arrays import batch, coded, plain, rows_of, times
from wsanalyze.tables.fixed_width import hexadecimal, text_array
from wsanalyze.tables.numbering import Carry, Columns, Ints, message_numbers, places
from wsanalyze.tables.rows import Row, connection_rows, in_order, summary_row
from wsanalyze.tables.runs import HeldRun, Run, blocks, numbered
from wsanalyze.tables.schema import CONNECTIONS, FINDINGS, FRAMES, HEADERS, MESSAGES, SUMMARY, TLS
from wsanalyze.tables.shelf import OWNERS

if TYPE_CHECKING:
    from wsanalyze.tables.build import Tables

LARGEST = np.uint64((1 << 63) - 1)

# Rows of connections and headers that are plain objects at once.
ROWS = 20_000


def batches(tables: Tables, name: str) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the table of that name, in order; nothing where there are none."""
    makers: dict[str, Callable[[Tables], Iterator[pa.RecordBatch]]] = {
        "connections": _connection_rows,
        "frames": _frame_rows,
        "messages": _message_rows,
        "headers": _header_rows,
        "findings": _finding_rows,
        "segments": _segment_rows,
        "tls": _tls_rows,
        "summary": _summary_rows,
    }
    return makers[name](tables)


def _runs(tables: Tables, name: str) -> list[Run]:
    """Return all runs of a table: what is on the shelf, and the last rows."""
    runs: list[Run] = tables.shelf.runs(name) if tables.shelf is not None else []
    kept = getattr(tables.recording, name)
    if kept is not None and kept.count:
        columns = kept.run() if name == "messages" else kept.arrays()
        runs = [*runs, HeldRun.of(columns, OWNERS[name])]
    return runs


def _finding_rows(tables: Tables) -> Iterator[pa.RecordBatch]:
    from wsanalyze.checks.catalogue import catalogue
    from wsanalyze.findings import numbers

    number = numbers(tables.recording)
    names = {each.id: each.name for each in catalogue()}
    cells = (
        asdict(finding)
        | {
            "connection": None if finding.connection is None else number[finding.connection],
            "name": names.get(finding.check),
        }
        for finding in tables.found
    )
    while some := list(islice(cells, ROWS)):
        yield rows_of(FINDINGS, some)


def _connection_rows(tables: Tables) -> Iterator[pa.RecordBatch]:
    # The columns `findings` and `severity` come of it.
    _ = tables.found
    rows = connection_rows(tables.recording.connections)
    while some := list(islice(rows, ROWS)):
        yield rows_of(CONNECTIONS, some)


def _header_rows(tables: Tables) -> Iterator[pa.RecordBatch]:
    rows = header_rows(enumerate(in_order(tables.recording.connections)))
    while some := list(islice(rows, ROWS)):
        yield rows_of(HEADERS, some)


def _summary_rows(tables: Tables) -> Iterator[pa.RecordBatch]:
    yield rows_of(SUMMARY, [summary_row(capture) for capture in tables.recording.captures])


def _tls_rows(tables: Tables) -> Iterator[pa.RecordBatch]:
    # Several in one conversation stay in their order.
    known = sorted(tables.recording.tls, key=lambda each: each.conversation)
    rows = ({name: getattr(each, name) for name in TLS.names} for each in known)
    while some := list(islice(rows, ROWS)):
        yield rows_of(TLS, some)


def _segment_rows(tables: Tables) -> Iterator[pa.RecordBatch]:
    return segments.build(tables.recording, _runs(tables, "segments"))


def _frame_rows(tables: Tables) -> Iterator[pa.RecordBatch]:
    runs, carry = _runs(tables, "frames"), Carry()
    for connection, columns in blocks(runs, numbered(runs, tables.numbers)):
        number = places(connection, carry)
        message = message_numbers(connection, columns, carry)
        yield frame_rows(connection, number, message, columns)


def _message_rows(tables: Tables) -> Iterator[pa.RecordBatch]:
    runs, carry = _runs(tables, "messages"), Carry()
    length = tables.recording.wants.preview_length
    for connection, columns in blocks(runs, numbered(runs, tables.numbers)):
        number = places(connection, carry)
        carry.connection = int(connection[-1])
        yield message_rows(connection, number, columns, length)


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
