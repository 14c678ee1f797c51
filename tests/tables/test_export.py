"""Which format writes what, and where it goes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tables.recordings import connection, recording
from wsanalyze.errors import UsageError
from wsanalyze.tables.build import Tables
from wsanalyze.tables.export import FORMATS, export_all, export_table

SOURCE = Tables(recording([connection()]))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_writes_a_file_and_a_stream(name: str, tmp_path: Path) -> None:
    export_table(SOURCE, "connections", tmp_path / "a", name)
    sink = io.BytesIO()
    export_table(SOURCE, "connections", sink, name)
    assert (tmp_path / "a").stat().st_size > 0
    assert sink.getvalue()[:2] == (tmp_path / "a").read_bytes()[:2] or name == "arrow"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("csv", ["frames.csv", "headers.csv"]),
        ("sqlite", ["out"]),
        ("zeek", ["websocket.log"]),
    ],
)
def test_several_tables(name: str, files: list[str], tmp_path: Path) -> None:
    paths = export_all(SOURCE, tmp_path / "out", name, ["frames", "headers"])
    assert [path.name for path in paths] == files
    assert all(path.is_file() for path in paths)


def test_existing_files_are_replaced(tmp_path: Path) -> None:
    for content in ("connections", "headers"):
        export_table(SOURCE, content, tmp_path / "a", "csv")
    assert (tmp_path / "a").read_text(encoding="utf-8").startswith("connection,sender,position")


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    class Broken:
        def batches(self, name: str) -> None:
            raise MemoryError(name)

    (tmp_path / "a.sqlite").write_text("old", encoding="ascii")
    with pytest.raises(MemoryError):
        export_all(Broken(), tmp_path / "a.sqlite", "sqlite", ["frames"])  # type: ignore[arg-type]
    assert (tmp_path / "a.sqlite").read_text(encoding="ascii") == "old"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("table", "name", "complaint"),
    [
        ("colours", "csv", "unknown table"),
        ("frames", "doc", "unknown format"),
        ("frames", "zeek", "connections only"),
    ],
)
def test_refuses(table: str, name: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        export_table(SOURCE, table, io.BytesIO(), name)
