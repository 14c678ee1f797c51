"""CSV: exact bytes, and what a reader gets back."""

from __future__ import annotations

import csv
import io

import pytest

from tables.formats.samples import (
    ANSI,
    FORMULA,
    HOSTILE,
    connections,
    frames,
    full,
    headers,
    written,
)
from tables.recordings import recording
from wsanalyze.tables.build import Tables
from wsanalyze.tables.formats import cells
from wsanalyze.tables.schema import TABLES


def test_exact_frames() -> None:
    assert written("csv", "frames", frames(2)).decode() == (
        "connection,frame,sender,time,time_end,packet,packet_end,offset,fin,rsv1,rsv2,rsv3,opcode,"
        "type,masked,masking_key,header_length,length,captured,message,close_code,length_coded,"
        "length_raw,confidence\n"
        "0,0,client,2026-01-02T03:04:05.000000000Z,2026-01-02T03:04:05.000000000Z,1,1,0,true,false,"
        "false,false,1,text,true,00000000,6,5,5,,,0,,\n"
        "0,1,server,2026-01-02T03:04:05.000000000Z,2026-01-02T03:04:05.000000000Z,1,1,0,true,false,"
        "false,false,8,close,false,,10,9223372036854775807,5,,1001,8,18446744073709551611,\n"
    )


def test_lists_missing_and_empty() -> None:
    (row,) = csv.DictReader(io.StringIO(written("csv", "connections", connections()).decode()))
    assert row["subprotocols_offered"] == "chat, superchat"
    assert (row["accept_valid"], row["tunnel"], row["handshake_ms"]) == ("true", "", "2.5")
    assert row["requested"] == "2026-01-02T03:04:05.001000000Z"
    line = written("csv", "headers", headers()).decode().splitlines()
    assert '10,client,0,X,""' in line


def test_text_from_the_wire_is_exact() -> None:
    text = written("csv", "headers", headers()).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["value"] for row in rows] == HOSTILE
    assert ANSI in text


def test_spreadsheet_safe() -> None:
    text = written("csv", "headers", headers(), spreadsheet_safe=True).decode()
    rows = csv.DictReader(io.StringIO(text, newline=""))
    changed = {row["value"] for row in rows} - set(HOSTILE)
    assert changed == {"'" + ANSI, "'" + FORMULA, "'+1", "'-1", "'@x", "'\tx", "'-"}


@pytest.mark.parametrize("begin", ["\0", "\x0c", "\x7f", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_what_a_spreadsheet_may_read_as_a_formula_all_the_same(begin: str) -> None:
    rows = headers().head(1)
    for value in (f"{begin}=1", f"a{begin}=1"):
        rows["value"] = [value]
        text = written("csv", "headers", rows, spreadsheet_safe=True).decode()
        (row,) = csv.DictReader(io.StringIO(text, newline=""))
        assert row["value"] == ("'" + value if value.startswith(begin) else value)


@pytest.mark.parametrize("table", TABLES)
def test_every_table_with_rows_and_without(table: str) -> None:
    for tables in (full(), Tables(recording([], captures=[]))):
        rows = tables.table(table)
        read = list(csv.reader(io.StringIO(written("csv", table, rows).decode(), newline="")))
        assert read[0] == list(rows.columns)
        assert len(read) == len(rows) + 1


def test_slices_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = frames(10)
    whole = written("csv", "frames", rows)
    monkeypatch.setattr(cells.slices, "__defaults__", (3,))
    assert written("csv", "frames", rows) == whole
