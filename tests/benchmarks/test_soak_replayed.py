"""What the replayed soak is made of: whole connections, with and without compression. No timing."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from support.packets import pcap_of

import wsanalyze

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    name = "soak_replayed"
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    monkeypatch.delitem(sys.modules, "soak")
    return module


def test_connections_are_whole_and_a_quarter_stays_open(replayed: ModuleType) -> None:
    analysis = wsanalyze.analyze(pcap_of(list(replayed.crowd(0))))
    connections, messages = analysis.connections, analysis.messages
    assert set(connections["outcome"]) == {"established"}
    assert connections["ended_by"].tolist().count("client-close") == 300
    assert connections["ended_by"].tolist().count("capture-end") == 100
    assert len(messages) == 400 * 12
    assert messages["complete"].all()
    assert int(messages["compressed"].sum()) == 200 * 12
