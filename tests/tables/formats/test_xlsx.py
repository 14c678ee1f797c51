"""Excel: texts stay texts, and nothing is lost without a word."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from tables.formats.samples import HOSTILE, batches, frames, full, headers
from wsanalyze.errors import UsageError
from wsanalyze.tables.formats import xlsx
from wsanalyze.tables.schema import TABLES

openpyxl = pytest.importorskip("openpyxl")


def values(path: Path, sheet: str) -> list[tuple[object, ...]]:
    return list(openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True))


def test_every_table(tmp_path: Path) -> None:
    tables = full()
    path = tmp_path / "a.xlsx"
    xlsx.write_all(((table, tables.batches(name)) for name, table in TABLES.items()), path)
    assert openpyxl.load_workbook(path).sheetnames == list(TABLES)
    head, row, *_ = values(path, "connections")
    cells = dict(zip(head, row, strict=True))
    assert (cells["subprotocols_offered"], cells["accept_valid"]) == ("chat, superchat", True)
    assert cells["requested"] == "2026-01-02T03:04:05.001000000Z"


def test_hostile_text_is_text(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    xlsx.write_all([(TABLES["headers"], batches("headers", headers()))], path)
    sheet = openpyxl.load_workbook(path)["headers"]
    cells = [row[4] for row in sheet.iter_rows(min_row=2)]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert cells[HOSTILE.index('=cmd|" /C calc"!A0')].value == '=cmd|" /C calc"!A0'
    assert cells[HOSTILE.index("a\x00b")].value == "a\\x00b"
    assert cells[0].value == "\\x1b[31mred\\x1b]0;title\\x07"
    with zipfile.ZipFile(path) as book:
        xml = b"".join(book.read(name) for name in book.namelist() if "sheet" in name)
    assert b"<f>" not in xml


def test_text_that_looks_like_an_escape_stays(tmp_path: Path) -> None:
    rows = headers().iloc[:2].assign(value=pd.array(["_x000D_", "#N/A"], dtype="string"))
    path = tmp_path / "a.xlsx"
    xlsx.write_all([(TABLES["headers"], batches("headers", rows))], path)
    assert [row[4] for row in values(path, "headers")[1:]] == ["_x005F_x000D_", "#N/A"]


def test_large_integers_are_exact_text(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    xlsx.write_all([(TABLES["frames"], batches("frames", frames(1)))], path)
    head, row = values(path, "frames")
    cells = dict(zip(head, row, strict=True))
    assert cells["length"] == "9223372036854775807"
    assert cells["length_raw"] == "18446744073709551611"
    assert cells["packet"] == 1


def test_long_texts_say_that_they_are_cut(tmp_path: Path) -> None:
    rows = headers().iloc[:1].assign(value=pd.array(["a" * 40000], dtype="string"))
    path = tmp_path / "a.xlsx"
    xlsx.write_all([(TABLES["headers"], batches("headers", rows))], path)
    text = values(path, "headers")[1][4]
    assert isinstance(text, str)
    assert text.endswith("a… (cut from 40000 characters)")
    assert len(text) <= xlsx.CELL


def test_more_rows_than_a_sheet_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "SHEET", 4)
    path = tmp_path / "a.xlsx"
    xlsx.write_all([(TABLES["frames"], batches("frames", frames(3)))], path)
    assert [row[1] for row in values(path, "frames")] == ["frame", 0, 1, 2]
    with pytest.raises(UsageError, match="frames has more rows than the 3 of a sheet: choose"):
        xlsx.write_all([(TABLES["frames"], batches("frames", frames(4)))], path)


def test_without_openpyxl_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(UsageError, match=r"pip install openpyxl"):
        xlsx.write_all([], tmp_path / "a.xlsx")
