"""Few rows are written without Arrow's functions: the same bytes as with them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wsanalyze
from tables.formats.samples import frames, headers, written
from tables.recordings import recording
from wsanalyze.tables.build import Tables
from wsanalyze.tables.formats import few
from wsanalyze.tables.schema import TABLES

ROOT = Path(__file__).resolve().parents[3]
CAPTURE = ROOT / "captures" / "chat-wss.pcapng"
DTYPES = Tables(recording()).headers.dtypes.to_dict()
WAYS: list[tuple[str, dict[str, Any]]] = [
    ("csv", {}),
    ("csv", {"spreadsheet_safe": True}),
    ("jsonl", {}),
]


def both(format_name: str, name: str, rows: pd.DataFrame, **settings: Any) -> list[bytes]:
    """Return what is written of rows, by the short way and by the long one."""
    found = []
    for most in (few.FEW, -1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(few, "FEW", most)
            found.append(written(format_name, name, rows, **settings))
    return found


@pytest.mark.parametrize(("format_name", "settings"), WAYS)
def test_hostile_rows(format_name: str, settings: dict[str, Any]) -> None:
    for name, rows in (("headers", headers()), ("frames", frames(5))):
        short, long = both(format_name, name, rows, **settings)
        assert short == long


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(("format_name", "settings"), WAYS)
def test_each_table_of_a_capture(name: str, format_name: str, settings: dict[str, Any]) -> None:
    analysis = wsanalyze.analyze(CAPTURE)
    short, long = both(format_name, name, analysis.table(name), **settings)
    assert short == long


@pytest.mark.parametrize(("format_name", "settings"), WAYS)
@given(values=st.lists(st.none() | st.text(), min_size=1, max_size=8))
def test_any_text(format_name: str, settings: dict[str, Any], values: list[str | None]) -> None:
    values = [None if each is None else each.encode("utf-8", "replace").decode() for each in values]
    rows = pd.DataFrame(
        {
            "connection": range(len(values)),
            "sender": "client",
            "position": 0,
            "name": "X",
            "value": values,
        }
    )
    short, long = both(format_name, "headers", rows.astype(DTYPES), **settings)
    assert short == long


def test_what_is_not_loaded() -> None:
    """A small export pays neither for Arrow's functions nor for checks and pandas."""
    program = (
        "import sys; from wsanalyze.cli.main import main; "
        f"main(['export', {str(CAPTURE)!r}, '-q', '-t', 'frames', '-f', sys.argv[1], '-o', '-']); "
        "print(*sys.modules, file=sys.stderr)"
    )
    for name in ("csv", "jsonl"):
        done = subprocess.run(
            [sys.executable, "-c", program, name],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=True,
        )
        loaded = set(done.stderr.split())
        assert "pyarrow" in loaded
        assert not loaded & {"pyarrow.compute", "pandas", "wsanalyze.checks.catalogue"}
