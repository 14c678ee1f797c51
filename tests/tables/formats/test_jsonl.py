"""JSON Lines: what a reader gets back, and that a terminal is safe."""

from __future__ import annotations

import json

import pytest

from tables.formats.samples import HOSTILE, connections, frames, full, headers, written
from tables.recordings import recording
from wsanalyze.tables.build import Tables
from wsanalyze.tables.formats import cells
from wsanalyze.tables.schema import TABLES


def test_exact_line() -> None:
    assert written("jsonl", "frames", frames(1)).decode() == (
        '{"connection":0,"frame":0,"sender":"server","time":"2026-01-02T03:04:05.000000000Z",'
        '"time_end":"2026-01-02T03:04:05.000000000Z","packet":1,"packet_end":1,"offset":0,"fin":true,'
        '"rsv1":false,"rsv2":false,"rsv3":false,"opcode":8,"type":"close","masked":false,'
        '"masking_key":null,"header_length":10,"length":9223372036854775807,"captured":5,'
        '"message":null,"close_code":1001,"length_coded":8,"length_raw":18446744073709551611,'
        '"confidence":null}\n'
    )


def test_lists_and_null() -> None:
    row = json.loads(written("jsonl", "connections", connections()))
    assert row["subprotocols_offered"] == ["chat", "superchat"]
    assert (row["extensions"], row["tunnel"], row["accept_valid"]) == ([], None, True)
    middle = json.loads(written("jsonl", "connections", connections(handshake=None)))
    assert middle["subprotocols_offered"] is None


def test_text_comes_back_and_no_control_is_raw() -> None:
    data = written("jsonl", "headers", headers())
    assert [json.loads(line)["value"] for line in data.splitlines()] == HOSTILE
    text = data.decode()
    assert not {character for character in text if not character.isprintable()} - {"\n"}


@pytest.mark.parametrize("table", TABLES)
def test_every_table_with_rows_and_without(table: str) -> None:
    for tables in (full(), Tables(recording([], captures=[]))):
        rows = tables.table(table)
        lines = written("jsonl", table, rows).splitlines()
        assert len(lines) == len(rows)
        assert all(list(json.loads(line)) == list(rows.columns) for line in lines)


def test_slices_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = frames(10)
    whole = written("jsonl", "frames", rows)
    monkeypatch.setattr(cells.slices, "__defaults__", (3,))
    assert written("jsonl", "frames", rows) == whole
