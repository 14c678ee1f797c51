"""The attacks: captures that can be read, that hold what they say, and grow with their count."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import wsanalyze
from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Recording, Wants

pytest.importorskip("numpy")

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
try:
    import attacks
    from comparison.measure import Measurement
    from hostile import carriers, contents, conversations, files
finally:
    sys.path.remove(str(BENCHMARKS))

MODULES: dict[str, Any] = {
    "conversations": conversations,
    "contents": contents,
    "carriers": carriers,
    "files": files,
}


def recorded(tmp_path: Path, write: Any, count: int, limits: Limits | None = None) -> Recording:
    """Write an attack and read it."""
    path = tmp_path / "attack"
    write(path, count)
    wants = Wants(payloads="none")
    limits = limits or Limits(message=1 << 20)
    return read([io.BytesIO(path.read_bytes())], wants=wants, limits=limits)


@pytest.mark.parametrize("attack", attacks.ATTACKS, ids=lambda each: each.write)
def test_every_attack_is_a_good_capture_that_grows(tmp_path: Path, attack: Any) -> None:
    write = getattr(MODULES[attack.module], attack.write)
    sizes = []
    for count in (2, 4, 8):
        recording = recorded(tmp_path, write, count)
        assert recording.captures[0].problem is None
        sizes.append((tmp_path / "attack").stat().st_size)
    if attack.write != "gzip_bomb":
        assert (sizes[2] - sizes[1]) == pytest.approx(2 * (sizes[1] - sizes[0]), rel=0.1)


@pytest.mark.parametrize(
    ("module", "write", "found"),
    [
        ("conversations", "syn_flood", {"tcp_conversations": 8, "conversations_empty": 8}),
        ("conversations", "upgrades", {"attempts_established": 8, "packets": 40}),
        ("conversations", "unanswered", {"attempts_unanswered": 8}),
        ("conversations", "missing_segments", {"attempts_established": 400, "packets": 5200}),
        ("conversations", "one_byte_segments", {"packets": 14, "frames": 1, "lost_bytes": 0}),
        ("conversations", "reversed_bytes", {"attempts_established": 16, "packets": 16 * 13}),
        ("conversations", "copies_over_chunks", {"packets": 5 + 16_000 + 8, "cut_packets": 8}),
        ("conversations", "ip_fragments", {"packets": 8, "tcp_conversations": 0}),
        ("contents", "endless_head", {"tcp_conversations": 1, "frames": 0}),
        ("contents", "heads_by_bytes", {"tcp_conversations": 8, "packets": 8 * 5004}),
        ("contents", "pipelined", {"attempts_refused": 8}),
        ("contents", "chunks", {"attempts": 0, "conversations_http": 1}),
        ("contents", "huge_frame", {"frames": 1, "messages": 1}),
        ("contents", "empty_fragments", {"frames": 10, "messages": 1}),
        ("contents", "empty_messages", {"frames": 8, "messages": 8}),
        ("contents", "bombs", {"frames": 8, "messages": 8}),
        ("contents", "bombs_alone", {"frames": 8, "messages": 8}),
        ("contents", "windows", {"attempts_established": 8, "messages": 8}),
        ("contents", "final_blocks", {"frames": 8, "messages": 8}),
        ("carriers", "one_byte_records", {"tcp_conversations": 1, "conversations_tls": 1}),
        ("carriers", "forged_records", {"tcp_conversations": 8, "conversations_tls": 8}),
        ("carriers", "streams", {"attempts_unanswered": 8, "conversations_websocket": 1}),
        ("carriers", "resets", {"attempts": 0, "conversations_http": 1}),
        ("carriers", "holes", {"attempts_established": 1024}),
        ("carriers", "tiny_requests", {"attempts": 0, "conversations_http": 1}),
        ("carriers", "windows", {"attempts_established": 1024, "conversations_websocket": 1}),
        ("files", "interfaces", {"packets": 0}),
        ("files", "sections", {"packets": 0}),
        ("files", "statistics", {"packets": 0, "format": "pcapng"}),
        ("files", "secrets", {"packets": 0}),
        ("files", "gzip_bomb", {"packets": 8, "compression": "gzip"}),
    ],
)
def test_what_an_attack_holds(
    tmp_path: Path, module: str, write: str, found: dict[str, object]
) -> None:
    recording = recorded(tmp_path, getattr(MODULES[module], write), 8)
    capture = recording.captures[0]
    assert {name: getattr(capture, name) for name in found} == found


@pytest.mark.parametrize(
    ("write", "count", "limits", "reached"),
    [
        (conversations.missing_segments, 4, Limits(out_of_order=3000), "out_of_order"),
        (contents.endless_head, 60, None, "head"),
        (contents.pipelined, 8000, None, "held"),
        (contents.bombs, 2, Limits(), "inflate_ratio"),
        (conversations.syn_flood, 200, Limits(flows=100), None),
    ],
)
def test_attacks_reach_the_limits_that_they_are_aimed_at(
    tmp_path: Path, write: Any, count: int, limits: Limits | None, reached: str | None
) -> None:
    capture = recorded(tmp_path, write, count, limits).captures[0]
    if reached is not None:
        assert capture.limits[reached] > 0
    assert capture.problem is None


def run(seconds: float, megabytes: float, status: int = 0) -> Measurement:
    return Measurement(seconds, int(megabytes * 1e6), status, "last words")


def result(once: Measurement, twice: Measurement) -> Any:
    return attacks.Result(attacks.ATTACKS[0], 2, 10**6, once, twice, run(0.5, 40))


def test_ratios_are_of_what_comes_on_top_of_the_start() -> None:
    grown = result(run(1.5, 60), run(2.5, 100))
    assert grown.time_ratio() == 2.0
    assert grown.memory_ratio() == 3.0


def test_there_is_no_ratio_of_next_to_nothing() -> None:
    flat = result(run(0.52, 40), run(0.55, 41))
    assert flat.time_ratio() is None
    assert flat.memory_ratio() is None
    assert attacks.row(flat).endswith("-       -")


def test_a_run_that_fails_is_said_to() -> None:
    assert "status -9: last words" in attacks.row(result(run(1, 50), run(1, 50, -9)))
    # A capture that is cut is no failure of ours.
    assert result(run(1, 50, 4), run(1, 50)).problem == ""


def test_attacks_are_chosen_by_parts_of_their_names() -> None:
    assert [each.write for each in attacks.chosen(["syn", "gzip"])] == ["syn_flood", "gzip_bomb"]
    assert attacks.chosen([]) == list(attacks.ATTACKS)


def test_the_command_writes_a_table_and_figures(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    command = [sys.executable, str(BENCHMARKS / "attacks.py"), "fragments", "--size", "0.0001"]
    command += ["--json", str(figures)]
    environment = os.environ | {"PYTHONPATH": str(Path(wsanalyze.__file__).parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "attack",
        "IP",
        "empty",
        "start:",
    ]
    rows = json.loads(figures.read_text())
    assert [row["attack"]["write"] for row in rows] == ["ip_fragments", "empty_fragments"]
    assert [row["count"] for row in rows] == [40, 100]
    assert all(row["once"]["status"] == row["twice"]["status"] == 0 for row in rows)


def test_captures_can_be_kept(tmp_path: Path) -> None:
    options = SimpleNamespace(files=tmp_path, timeout=60)
    attack = attacks.ATTACKS[0]
    path = attacks.written(options, attack, tmp_path, 3)
    assert path.name == "syn_flood-3"
    assert path.stat().st_size == 24 + 3 * (16 + 54)
    before = path.stat().st_mtime_ns
    assert attacks.written(options, attack, tmp_path, 3).stat().st_mtime_ns == before
