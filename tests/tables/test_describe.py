"""The description of the tables names every column."""

from __future__ import annotations

from wsanalyze.tables.describe import markdown
from wsanalyze.tables.schema import TABLES


def test_every_table_and_column_in_order() -> None:
    lines = markdown().splitlines()
    headings = [line for line in lines if line.startswith("## ")]
    assert [line.split("`")[1] for line in headings] == list(TABLES)
    named = [line.split("`")[1] for line in lines if line.startswith("| `")]
    assert named == [name for table in TABLES.values() for name in table.names]


def test_rows_have_four_cells() -> None:
    rows = [line for line in markdown().splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {5}


def test_a_row() -> None:
    assert (
        "| `connect_ms` | float64 | from SYN to SYN/ACK (ms) | either was not seen |"
        in markdown().splitlines()
    )
