"""SQLite: types, indexes, hostile text."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tables.formats.samples import HOSTILE, batches, frames, full, headers
from wsanalyze.tables.formats.sqlite import write_all
from wsanalyze.tables.schema import TABLES


def test_every_table_and_its_index(tmp_path: Path) -> None:
    tables = full()
    write_all(((table, tables.batches(name)) for name, table in TABLES.items()), tmp_path / "a.db")
    with closing(sqlite3.connect(tmp_path / "a.db")) as database:
        names = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
        assert names == set(TABLES) | {
            f"{name}_connection" for name, table in TABLES.items() if "connection" in table.names
        }
        row = database.execute(
            "SELECT subprotocols_offered, accept_valid, requested, tunnel FROM connections"
        ).fetchone()
    assert row == ('["chat", "superchat"]', 1, "2026-01-02T03:04:05.001000000Z", None)


def test_lengths_of_64_bits_are_exact_text(tmp_path: Path) -> None:
    write_all([(TABLES["frames"], batches("frames", frames(2)))], tmp_path / "a.db")
    with closing(sqlite3.connect(tmp_path / "a.db")) as database:
        rows = database.execute("SELECT length, length_raw, masking_key FROM frames").fetchall()
    assert rows == [(5, None, "00000000"), (2**63 - 1, "18446744073709551611", None)]


def test_text_from_the_wire_is_exact(tmp_path: Path) -> None:
    write_all([(TABLES["headers"], batches("headers", headers()))], tmp_path / "a.db")
    with closing(sqlite3.connect(tmp_path / "a.db")) as database:
        assert [row[0] for row in database.execute("SELECT value FROM headers")] == HOSTILE


def test_a_place_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="SQLite"):
        write_all([], tmp_path / "missing" / "a.db")
