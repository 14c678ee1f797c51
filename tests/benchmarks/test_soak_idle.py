"""What the soak of idle conversations is made of, and that it notices what is missing."""

from __future__ import annotations

import importlib.util
import io
import sys
from pathlib import Path
from types import ModuleType

import pytest

import wsanalyze

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec = importlib.util.spec_from_file_location("soak_idle", FOLDER / "soak_idle.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("half_open", "segments"), [(True, 1), (False, 3)])
def test_what_is_made(idle: ModuleType, half_open: bool, segments: int) -> None:
    capture = io.BytesIO(b"".join(idle.packets(1200, half_open=half_open)))
    analysis = wsanalyze.analyze(capture)
    assert analysis.summary.tcp_conversations.to_list() == [1201]
    assert analysis.messages.preview.to_list() == [
        f"{each} conversations" for each in (0, 500, 1000)
    ]
    assert analysis.summary.packets.to_list() == [4 + 1200 * segments + 3]


@pytest.mark.parametrize("options", [[], ["--half-open"]])
def test_all_is_well(
    idle: ModuleType,
    options: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["soak_idle.py", "--conversations", "1500", *options])
    assert idle.main() == 0
    assert "3 of 3 messages" in capsys.readouterr().out


def test_a_message_that_is_missing_is_noticed(
    idle: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = idle.packets
    said = iter(range(10_000))
    monkeypatch.setattr(
        idle,
        "packets",
        lambda *given, **named: (each for each in made(*given, **named) if next(said) != 6),
    )
    monkeypatch.setattr(sys, "argv", ["soak_idle.py", "--conversations", "1500", "--half-open"])
    assert idle.main() == 1
    assert "messages are missing" in capsys.readouterr().out
