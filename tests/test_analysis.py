"""The library's door: sources, options, tables, objects, exports."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tables.recordings import connection, frame, message, messages, recording

import wsanalyze
from wsanalyze.analysis import Analysis, analyze
from wsanalyze.errors import CaptureError, UsageError
from wsanalyze.limits import Limits
from wsanalyze.recording import Recording, Wants
from wsanalyze.tables.schema import TABLES

CAPTURES = Path(__file__).resolve().parent.parent / "captures"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[Any], Wants, Limits]]:
    """Stand in for the pipeline, and keep what it was asked."""
    import wsanalyze.pipeline

    seen: list[tuple[list[Any], Wants, Limits]] = []

    def read(
        sources: Sequence[Any],
        *,
        wants: Wants,
        limits: Limits,
        progress: object,
        skip_unreadable: bool,
        keylogs: Sequence[Path],
        streams: object,
    ) -> Recording:
        assert progress is None
        assert streams is None
        assert not skip_unreadable
        assert not keylogs
        seen.append((list(sources), wants, limits))
        return recording([connection()], segments=[{}] if wants.segments else None, wants=wants)

    monkeypatch.setattr(wsanalyze.pipeline, "read", read)
    return seen


def sample() -> Analysis:
    """Return an analysis of two connections with frames and messages."""
    return Analysis(
        recording(
            [connection(0), connection(1, requested_ordinal=1)],
            [
                frame(connection=0, ordinal=5, sender=0, second=0x85, masking_key=7, message=0),
                frame(connection=0, ordinal=4, head=0x88, close_code=1000, length=2**64 - 5),
                frame(connection=1, ordinal=9, message=1),
            ],
            messages(
                [
                    message(connection=0, ordinal=5, payload_stop=5, length=5, digest=0),
                    message(connection=1, opcode=2, length=900, payload_start=5, payload_stop=7),
                ],
                b"hello\x00\x01",
                bytes(range(32)),
            ),
        )
    )


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_built_once(name: str) -> None:
    record = recording([connection()], segments=[])
    analysis = Analysis(record)
    table = getattr(analysis, name)
    assert isinstance(table, pd.DataFrame)
    assert getattr(analysis, name) is table
    assert analysis.table(name) is table


def test_unknown_table() -> None:
    with pytest.raises(UsageError, match="unknown table 'x'"):
        sample().table("x")


def test_objects() -> None:
    analysis = sample()
    first, second = analysis
    assert (len(analysis), bool(Analysis(recording()))) == (2, True)
    assert [each.number for each in (first, second)] == [0, 1]
    assert second.handshake is second.facts.handshake
    assert repr(second) == "<connection 1: 192.0.2.1:50000 → 198.51.100.2:8080, established>"
    close, text = second.frames
    assert (close.type, close.opcode, close.fin, close.rsv, close.close_code) == (
        "close",
        8,
        True,
        0,
        1000,
    )
    assert (close.length, close.masking_key, close.message) == (2**64 - 5, None, None)
    assert (text.number, text.sender, text.masked, text.masking_key, text.message) == (
        1,
        "client",
        True,
        b"\x00\x00\x00\x07",
        0,
    )
    (said,) = second.messages
    assert (said.number, said.type, said.length, said.sha256) == (
        0,
        "text",
        5,
        bytes(range(32)).hex(),
    )


def test_objects_agree_with_the_tables() -> None:
    analysis = sample()
    frames = [frame for each in analysis for frame in each.frames]
    table = analysis.frames
    assert [frame.connection for frame in frames] == table["connection"].tolist()
    assert [frame.number for frame in frames] == table["frame"].tolist()
    assert [frame.type for frame in frames] == table["type"].tolist()


def test_payloads() -> None:
    first, second = sample()
    assert second.payload(second.messages[0]) == b"hello"
    with pytest.raises(UsageError, match='payloads="full"'):
        first.payload(first.messages[0])
    with pytest.raises(UsageError, match="not one of connection 0"):
        first.payload(second.messages[0])


def test_payloads_that_a_limit_cut() -> None:
    cut = message(length=900, payload_stop=5)
    gap = message(ordinal=1, length=900, payload_stop=5, complete=0)
    record = recording(
        [connection()], texts=messages([cut, gap], b"hello"), wants=Wants(payloads="full")
    )
    (only,) = Analysis(record)
    with pytest.raises(UsageError, match="only 5 of 900 bytes"):
        only.payload(only.messages[0])
    assert only.payload(only.messages[1]) == b"hello"


def test_options_become_wants(calls: list[tuple[list[Any], Wants, Limits]]) -> None:
    analyze("a.pcap", payloads="full", preview_length=9, hashes=False, limits=Limits(flows=3))
    wants = Wants(hashes=False, payloads="full", preview_length=9, observe=True, tls=True)
    assert calls == [(["a.pcap"], wants, Limits(flows=3))]


def test_sources(calls: list[tuple[list[Any], Wants, Limits]]) -> None:
    opened = io.BytesIO()
    analyze("-")
    analyze([Path("a"), "b", opened])
    assert [sources for sources, _, _ in calls] == [["-"], [Path("a"), "b", opened]]


@pytest.mark.parametrize("source", [None, 5, [], [5], io.StringIO(), {"a.pcap"}])
def test_what_cannot_be_a_source(source: Any) -> None:
    with pytest.raises(UsageError, match="source"):
        analyze(source)


def test_bytes_are_the_contents_of_a_capture() -> None:
    data = (CAPTURES / "websockets-plain.pcapng").read_bytes()
    wanted = analyze(CAPTURES / "websockets-plain.pcapng")
    for contents in (
        data,
        bytearray(data),
        memoryview(data),
        memoryview(data)[::1],
        gzip.compress(data),
    ):
        found = analyze(contents)
        assert found.frames.equals(wanted.frames)
        assert found.summary["packets"].tolist() == [30]
    assert len(analyze([data, data[:-20]]).summary) == 2
    with pytest.raises(CaptureError, match="not a capture: text"):
        analyze(b"a.pcap")


def test_what_cannot_be_an_option() -> None:
    with pytest.raises(UsageError, match="none, preview, full"):
        analyze("a", payloads="some")
    with pytest.raises(UsageError, match="preview_length"):
        analyze("a", preview_length=-1)


def test_segments_are_read_when_they_are_wanted(
    calls: list[tuple[list[Any], Wants, Limits]], tmp_path: Path
) -> None:
    path = tmp_path / "a.pcap"
    path.touch()
    analysis = analyze(path)
    assert len(analysis.segments) == 1
    assert analysis.segments is analysis.segments
    assert [wants.segments for _, wants, _ in calls] == [False, True]
    assert not calls[1][1].frames


def test_captures_that_cannot_be_read(tmp_path: Path) -> None:
    sources = [tmp_path / "missing", Path("captures/websockets-plain.pcapng")]
    with pytest.raises(CaptureError, match="no such file"):
        analyze(sources)
    analysis = analyze(sources, skip_unreadable=True)
    assert len(analysis) == 1
    assert analysis.summary["problem"].tolist() == ["no such file (check the path)", pd.NA]
    assert analysis.summary["format"].tolist() == [pd.NA, "pcapng"]
    assert len(analysis.segments)
    with pytest.raises(CaptureError, match="no such file"):
        analyze(sources[0], skip_unreadable=True)


@pytest.mark.parametrize("source", ["-", io.BytesIO()])
def test_segments_of_what_cannot_be_read_again(
    calls: list[tuple[list[Any], Wants, Limits]], source: Any
) -> None:
    with pytest.raises(UsageError, match="segments=True"):
        _ = analyze(source).segments
    assert len(analyze(source, segments=True).segments) == 1
    assert len(calls) == 2


def test_export_every_table(tmp_path: Path) -> None:
    paths = sample().export(tmp_path / "out", format="csv")
    names = [name for name in TABLES if name != "segments"]
    assert [path.name for path in paths] == [f"{name}.csv" for name in names]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        path.name for path in paths
    )


def test_export_one_table(tmp_path: Path) -> None:
    assert sample().export(str(tmp_path / "f"), format="jsonl", table="frames") == [tmp_path / "f"]
    sink = io.BytesIO()
    assert sample().export(sink, format="jsonl", table="frames") == []
    assert sink.getvalue() == (tmp_path / "f").read_bytes()


def test_export_refuses() -> None:
    with pytest.raises(UsageError, match="unknown format"):
        sample().export("x", format="doc")
    with pytest.raises(UsageError, match="name one table"):
        sample().export(io.BytesIO(), format="csv")
    with pytest.raises(UsageError, match="for csv"):
        sample().export("x", format="xlsx", spreadsheet_safe=True)


def test_repr() -> None:
    assert repr(sample()) == "<Analysis of 'chat.pcap': 0 connection attempts, 0 frames>"
    assert "<table>" in sample()._repr_html_()


def test_public_names() -> None:
    assert wsanalyze.analyze is analyze
    assert set(wsanalyze.__all__) <= set(dir(wsanalyze))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = wsanalyze.nonsense  # type: ignore[attr-defined]


def test_version_is_that_of_the_package() -> None:
    import tomllib

    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert wsanalyze.__version__ == project["version"]


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = (
        "import sys, wsanalyze; print(*{'pandas', 'numpy', 'pyarrow', 'click'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.split() == []
