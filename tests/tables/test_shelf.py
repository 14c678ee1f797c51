"""Tables are the same whether their rows were held in memory, in runs, or in a file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from cli.running import CAPTURES

from wsanalyze.errors import StorageError
from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Wants
from wsanalyze.tables import columns, shelf
from wsanalyze.tables.build import Tables
from wsanalyze.tables.schema import TABLES
from wsanalyze.tables.shelf import Shelf

WANTS = Wants(segments=True)


@pytest.fixture
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let columns be handed over every eight rows."""
    monkeypatch.setattr(columns, "RUN", 8)
    monkeypatch.setattr(columns, "FIRST_ROWS", 8)


def rows(tables: Tables, name: str) -> list[dict[str, Any]]:
    """Return the rows of a table; what counts limits is left out."""
    return [row for batch in tables.batches(name) for row in batch.to_pylist()]


@pytest.mark.usefixtures("short_runs")
@pytest.mark.parametrize("limit", [0, 100, 10**6])
@pytest.mark.parametrize("capture", sorted(CAPTURES.glob("*.pcap*")), ids=lambda path: path.name)
def test_recorded_sessions(capture: Path, limit: int) -> None:
    whole = Tables(read([capture], wants=WANTS, limits=Limits()))
    with Shelf(limit) as kept:
        recording = read([capture], wants=WANTS, limits=Limits(), full=kept.takers())
        parts = Tables(recording, kept)
        for name in TABLES:
            if name != "summary":
                assert rows(parts, name) == rows(whole, name)
        handed_over = sum(len(kept.runs(name)) for name in ("frames", "messages", "segments"))
        reached = recording.captures[0].limits["rows"]
        assert reached == {0: handed_over, 10**6: 0}.get(limit, reached)


@pytest.mark.usefixtures("short_runs")
def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not there"))
    capture = CAPTURES / "fifty-clients.pcap.gz"
    with Shelf(0) as kept, pytest.raises(StorageError, match=r"not there: No such file.*TMPDIR"):
        read([capture], wants=WANTS, limits=Limits(), full=kept.takers())


def test_the_file_goes_with_the_shelf() -> None:
    with Shelf(-1) as kept:
        arrays = columns.SegmentColumns().arrays()
        assert kept.take("segments", arrays)
        kept.runs("segments")
        spool = kept._spool
        assert spool is not None
    assert spool._file.closed


def test_runs_that_wait_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "WAITING", 1)
    with Shelf(10**6) as kept:
        for _ in range(5):
            assert not kept.take("frames", columns.FrameColumns().arrays())
            assert len(kept._waiting) == 1
        assert len(kept.runs("frames")) == 5
