"""What the flood benchmark sends is WebSocket, whole, one message a packet. No timing."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from support.packets import pcap_of

import wsanalyze

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "live.py"


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("flood_of_messages", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_each_packet_is_a_message(live: ModuleType) -> None:
    frames = list(live.frames(300))
    assert len(frames) == 300 + 5 * live.CONNECTIONS
    analysis = wsanalyze.analyze(pcap_of(frames))
    assert len(analysis.messages) == 300
    assert analysis.messages["complete"].all()
    assert analysis.messages["packet"].is_unique
    assert set(analysis.connections["outcome"]) == {"established"}
    assert analysis.connections["client_lost_bytes"].sum() == 0
    assert analysis.messages["length"].between(20, 100).all()


def test_the_table(live: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    tshark = "tshark -Y websocket -T fields"
    live.report({"live -f jsonl, socket": 400_000, tshark: 10_000, "scapy sniff": 0})
    assert capsys.readouterr().out.splitlines()[2:] == [
        "| live -f jsonl, socket | 400,000 | 40.0 |",
        f"| {tshark} | 10,000 | 1.0 |",
        "| scapy sniff | 0 | 0.0 |",
    ]
