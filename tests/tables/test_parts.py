"""Tables that grow: parts that are whole or not there, and a full disk that is told of."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from support.played import Played, drained, session_of

from wsanalyze.errors import UsageError
from wsanalyze.monitoring import session as module
from wsanalyze.monitoring.events import Problem
from wsanalyze.tables.dtypes import pandas_dtype
from wsanalyze.tables.parts import Parts
from wsanalyze.tables.schema import FRAMES, MESSAGES

CAPTURES = Path(__file__).parents[2] / "captures"


def tables_of(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the tables of a capture with a part after each few packets."""
    monkeypatch.setattr(module, "PART", 0.0)
    monkeypatch.setattr(module, "LOOK", 0.0)
    drained(session_of(Played(CAPTURES / name), folder=folder))


def test_parts_are_read_as_one_table_with_the_types_of_the_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables_of("aiohttp-chat.pcapng", tmp_path / "out", monkeypatch)
    parts = sorted((tmp_path / "out" / "messages").iterdir())
    assert len(parts) > 1
    assert [part.name for part in parts][:2] == ["part-000001.parquet", "part-000002.parquet"]
    frame = pd.read_parquet(tmp_path / "out" / "messages")
    assert list(frame.columns) == list(MESSAGES.names)
    for column in MESSAGES.columns:
        assert frame[column.name].dtype == pandas_dtype(column), column.name
    whole = pq.read_table(tmp_path / "out" / "frames")
    assert whole.num_rows == sum(
        pq.read_metadata(part).num_rows for part in (tmp_path / "out" / "frames").iterdir()
    )
    assert whole.column_names == list(FRAMES.names)


def test_the_summary_is_one_row_that_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables_of("aiohttp-chat.pcapng", tmp_path / "out", monkeypatch)
    summary = pd.read_parquet(tmp_path / "out" / "summary")
    assert len(summary) == 1
    assert summary.attempts.to_list() == [2]


def test_a_folder_that_has_tables_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "frames"
    place.mkdir()
    (place / "part-000001.parquet").write_bytes(b"mine")
    with pytest.raises(UsageError, match="has tables already"):
        Parts(tmp_path, 64)
    assert (place / "part-000001.parquet").read_bytes() == b"mine"


def test_a_part_that_cannot_be_written_is_told_of_once_and_the_analysis_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PART", 0.0)
    monkeypatch.setattr(module, "LOOK", 0.0)

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wsanalyze.tables.formats.parquet.write", full)
    session = session_of(Played(CAPTURES / "aiohttp-chat.pcapng"), folder=tmp_path / "out")
    events = drained(session)
    said = [each.what for each in events if isinstance(each, Problem)]
    assert len(said) == 1
    assert "No space left on device" in said[0]
    assert session.folder is not None
    assert session.folder.parts.lost > 0
    assert [each.kind for each in events].count("ended") == 2
    assert not list((tmp_path / "out").rglob("*.parquet"))


KILLED = """
import os, signal, sys
sys.path[:0] = {paths!r}
from support.played import Played, session_of
from wsanalyze.monitoring import session as module
from wsanalyze.tables.formats import parquet
module.PART = module.LOOK = 0.0
written, write = [0], parquet.write
def slowly(table, rows, sink):
    written[0] += 1
    if written[0] > 9:
        sink.write(b"PAR1 half of it")
        sink.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    write(table, rows, sink)
parquet.write = slowly
session = session_of(Played({capture!r}), folder=module.Path({folder!r}))
while not session.finished:
    session.pump(0)
"""


def test_what_is_there_after_a_kill_in_the_middle_of_a_part_can_be_read(tmp_path: Path) -> None:
    paths = [str(Path(__file__).parents[1]), *filter(None, sys.path)]
    folder = tmp_path / "out"
    capture = str(CAPTURES / "aiohttp-chat.pcapng")
    code = KILLED.format(paths=paths, capture=capture, folder=str(folder))
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    unfinished = [path for path in folder.rglob("*") if path.name.endswith(".part")]
    assert len(unfinished) == 1
    read = 0
    for table in folder.iterdir():
        if list(table.glob("*.parquet")):
            read += len(pd.read_parquet(table))
    assert read > 0
    assert os.path.getsize(unfinished[0]) > 0  # noqa: PTH202 - of a name that begins with a point
