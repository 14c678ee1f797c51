"""Notes and progress beside the data."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest

from cli.running import CAPTURES, run
from wsanalyze.cli import progress, reading

CHAT = CAPTURES / "chat-ws.pcapng"


@pytest.mark.parametrize(
    ("size", "compiled", "said"),
    [(50_000_001, False, True), (50_000_000, False, False), (50_000_001, True, False)],
)
def test_a_large_capture_without_kernels_is_noted_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    size: int,
    compiled: bool,
    said: bool,
) -> None:
    path = tmp_path / "a.pcap"
    with path.open("wb") as file:
        file.truncate(size)
    monkeypatch.setattr(reading, "kernels", lambda: {"a": compiled, "b": compiled})
    reading._note_slowness([str(path), "-", str(tmp_path / "missing")])
    note = "wsanalyze: note: kernels not compiled, so this takes longer than it must"
    assert capsys.readouterr().err.startswith(note) is said


def test_what_is_no_key_log_is_noted() -> None:
    done = run("summary", CHAT, "--keylog", CHAT)
    assert done.returncode == 0
    assert re.fullmatch(
        r"wsanalyze: note: key log \S+: none of [0-9,]+ lines is understood: this is no key log\n",
        done.stderr,
    )
    assert run("summary", CHAT, "--keylog", CHAT, "--quiet").stderr == ""
    several = run("summary", CHAT, "--keylog", CHAT, "--keylog", CHAT)
    assert "note: 2 key logs: none of" in several.stderr


def test_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.1, 1.0, 2.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    shown = progress.Progress()
    shown(1, None)
    shown(5_000_000, 20_000_000)
    shown(9, None)
    shown.close()
    first, second = "wsanalyze: read 5.0 MB of 20 MB, 25%, 5.0 MB/s", "wsanalyze: read 9 B, 4 B/s"
    assert sys.stderr.getvalue().split("\r") == [  # type: ignore[attr-defined]
        "",
        first,
        second.ljust(len(first)),
        " " * len(second),
        "",
    ]
