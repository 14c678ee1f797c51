"""`wsanalyze export`: data to standard output and nothing else, files whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

import wsanalyze
from cli.running import CAPTURES, COMMAND, PLAIN, REFUSED, assert_one_line, environment, run
from wsanalyze.tables.export import FORMATS
from wsanalyze.tables.schema import TABLES


def test_standard_output_is_the_table_and_nothing_else() -> None:
    for arguments in (["-t", "frames"], ["-t", "frames", "-f", "csv", "-o", "-"]):
        done = run("export", PLAIN, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        rows = list(csv.DictReader(io.StringIO(done.stdout, newline="")))
        table = wsanalyze.analyze(PLAIN).frames
        assert list(rows[0]) == list(table.columns)
        assert [int(row["packet"]) for row in rows] == table["packet"].tolist()


@pytest.mark.parametrize("format_name", [each for each in FORMATS if each != "xlsx"])
def test_pandas_is_not_imported(format_name: str, tmp_path: Path) -> None:
    program = (
        "import sys; from wsanalyze.cli.main import main; status = main(sys.argv[1:]);"
        "print('pandas' in sys.modules, status)"
    )
    arguments = ["export", PLAIN, "-q", "-f", format_name, "-o", tmp_path / "out", "-c", "0"]
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
    )
    assert (done.stdout, done.stderr) == ("False 0\n", "")


@pytest.mark.parametrize("table", TABLES)
def test_one_table_is_the_same_as_of_every_table(table: str, tmp_path: Path) -> None:
    assert run("export", PLAIN, "-q", "-f", "jsonl", "-o", tmp_path / "out").returncode == 0
    done = run("export", PLAIN, "-t", table, "-f", "jsonl")
    assert done.stdout == (tmp_path / "out" / f"{table}.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize("format_name", ["csv", "jsonl", "parquet", "arrow"])
def test_every_table_into_a_folder(format_name: str, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    done = run("export", PLAIN, "-f", format_name, "-o", folder)
    assert (done.returncode, done.stdout) == (0, "")
    assert {path.name for path in folder.iterdir()} == {f"{name}.{format_name}" for name in TABLES}
    assert done.stderr.startswith(f"wsanalyze: wrote {folder}")


def test_one_file_for_every_table(tmp_path: Path) -> None:
    assert run("export", PLAIN, "-o", tmp_path / "a.sqlite").returncode == 0
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    assert {name for (name,) in names} == set(TABLES)
    assert run("export", PLAIN, "-o", tmp_path / "a.xlsx").returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.sqlite", "a.xlsx"]


def test_zeek(tmp_path: Path) -> None:
    assert run("export", PLAIN, "-f", "zeek", "-o", tmp_path).returncode == 0
    log = (tmp_path / "websocket.log").read_text(encoding="utf-8")
    assert log == run("export", PLAIN, "-f", "zeek", "-o", "-").stdout
    assert log == run("export", PLAIN, "-f", "zeek", "-t", "connections").stdout
    assert log.startswith("#separator \\x09\n")


def test_the_ending_names_the_format(tmp_path: Path) -> None:
    assert run("export", PLAIN, "-t", "headers", "-o", tmp_path / "h.parquet").returncode == 0
    read = pd.read_parquet(tmp_path / "h.parquet")
    pd.testing.assert_frame_equal(read, wsanalyze.analyze(PLAIN).headers)


@pytest.mark.parametrize("arguments", [["-t", "frames", "-o", "x.html"], ["-o", "tables.foo"]])
def test_an_ending_that_means_no_format(arguments: list[str], tmp_path: Path) -> None:
    arguments[-1] = str(tmp_path / arguments[-1])
    assert_one_line(run("export", PLAIN, *arguments), 2, "has the ending", "-f (csv, jsonl,")
    assert list(tmp_path.iterdir()) == []
    assert run("export", PLAIN, *arguments, "-f", "csv").returncode == 0


@pytest.mark.parametrize("name", ["out", "out-2026.11", "out.d/"])
def test_folders_whatever_their_name(name: str, tmp_path: Path) -> None:
    assert run("export", PLAIN, "-o", f"{tmp_path}/{name}").returncode == 0
    assert (tmp_path / name / "frames.csv").is_file()
    # Now it is there: that it is a folder is known.
    assert run("export", PLAIN, "-o", tmp_path / name).returncode == 0


def test_where_to_put_a_database() -> None:
    assert_one_line(run("export", PLAIN, "-f", "xlsx"), 2, "name a file with -o")
    assert_one_line(run("export", PLAIN, "-f", "csv"), 2, "name a folder with -o")


@pytest.mark.parametrize("format_name", ["parquet", "arrow", "sqlite", "xlsx"])
def test_binary_formats_on_standard_output(format_name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "export", str(PLAIN), "-t", "connections", "-f", format_name, "-o", "-"],
        capture_output=True,
        env=environment(),
        check=True,
    )
    magic = {"parquet": b"PAR1", "arrow": b"\xff\xff\xff\xff", "sqlite": b"SQLite", "xlsx": b"PK"}
    assert done.stdout.startswith(magic[format_name])
    assert done.stderr == b""
    assert not list(tmp_path.iterdir())


def test_choosing_connections_chooses_in_every_table() -> None:
    def numbers(table: str, *arguments: str) -> set[int]:
        done = run("export", REFUSED, "-t", table, "-f", "jsonl", *arguments)
        return {json.loads(line)["connection"] for line in done.stdout.splitlines()}

    assert numbers("headers", "-c", "1") == {1}
    assert numbers("frames", "--where", 'outcome == "refused"') == set()
    established = numbers("connections", "--where", 'outcome == "established"')
    assert numbers("segments", "--where", 'outcome == "established"') == established
    assert run("export", REFUSED, "-t", "summary", "-c", "99").stdout.count("\n") == 2


def test_previews_and_hashes() -> None:
    def row(*arguments: str) -> dict[str, object]:
        done = run("export", PLAIN, "-t", "messages", "-f", "jsonl", *arguments)
        found: dict[str, object] = json.loads(done.stdout.splitlines()[0])
        return found

    whole, short = row(), row("--preview-length", "3", "--no-hashes")
    assert len(str(whole["sha256"])) == 64
    assert short["sha256"] is None
    assert str(whole["preview"]).startswith(str(short["preview"]))
    assert len(str(short["preview"])) in (3, 6)
    assert row("--preview-length", "0")["preview"] in (None, "")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "-o"),
        (["-o", "-"], "-t"),
        (["-t", "colours"], "colours"),
        (["-f", "doc", "-o", "x"], "doc"),
        (["-f", "zeek", "-t", "frames"], "connections only"),
        (["-f", "xlsx", "-o", "x.xlsx", "--spreadsheet-safe"], "--spreadsheet-safe"),
        (["-t", "frames", "--where", "frame == 1"], "no column frame"),
    ],
)
def test_wrong_usage(arguments: list[str], word: str) -> None:
    assert_one_line(run("export", PLAIN, *arguments), 2, word)


@pytest.mark.parametrize("format_name", ["csv", "parquet", "jsonl", "sqlite", "arrow"])
def test_a_full_disk_is_one_line(format_name: str) -> None:
    if format_name == "sqlite":
        done = run("export", PLAIN, "-f", format_name, "-o", "/dev/full")
    else:
        done = run("export", PLAIN, "-t", "frames", "-f", format_name, "-o", "/dev/full")
    assert_one_line(done, 74)


def test_a_place_that_is_not_there(tmp_path: Path) -> None:
    done = run("export", PLAIN, "-t", "frames", "-o", tmp_path / "missing" / "a.csv")
    assert_one_line(done, 74, f"{tmp_path}/missing/a.csv: No such file or directory")
    done = run("export", PLAIN, "-t", "frames", "-o", tmp_path)
    assert_one_line(done, 74, "Is a directory")


def test_what_could_be_read_is_delivered(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcapng"
    path.write_bytes(PLAIN.read_bytes()[:-50])
    done = run("export", "-q", path, "-t", "frames")
    assert done.returncode == 4
    assert done.stdout.count("\n") > 1


@pytest.mark.parametrize("capture", sorted(CAPTURES.glob("*.pcap*")), ids=lambda path: path.name)
def test_recorded_sessions_have_the_same_rows_in_csv_and_jsonl(
    capture: Path, tmp_path: Path
) -> None:
    analysis = wsanalyze.analyze(capture, segments=True)
    for format_name in ("csv", "jsonl"):
        analysis.export(tmp_path, format=format_name)
    for table in TABLES:
        with (tmp_path / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        lines = (tmp_path / f"{table}.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
        assert len(rows) == len(lines)
        for row, line in zip(rows, map(json.loads, lines), strict=True):
            assert row == {name: cell(value) for name, value in line.items()}


def cell(value: object) -> str:
    """Return how CSV writes a JSON value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def test_the_capture_is_never_written_over(tmp_path: Path) -> None:
    capture = tmp_path / "frames.csv"
    capture.write_bytes(PLAIN.read_bytes())
    link = tmp_path / "link.csv"
    link.symlink_to(capture)
    for arguments in (
        ("-t", "frames", "-o", capture),
        ("-t", "frames", "-o", link),
        ("-o", tmp_path),
    ):
        assert_one_line(run("export", capture, *arguments), 2, "is the capture that is read")
    assert capture.read_bytes() == PLAIN.read_bytes()


def test_a_preview_has_a_longest_length() -> None:
    done = run("export", PLAIN, "-t", "messages", "--preview-length", 10**23, "-o", "-")
    assert done.returncode == 2
