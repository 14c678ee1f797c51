"""The comparison's parts: slices, figures, measurements, the peers' scripts. No timing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def generate(file: Path, *options: str) -> dict[str, dict[str, int]]:
    """A small mixed capture; returns its truth."""
    pytest.importorskip("numpy")
    truth = file.with_suffix(".json")
    command = [sys.executable, str(BENCHMARKS / "generate.py"), "mixed", "--size", "400KB"]
    command += ["-o", str(file), "--truth", str(truth), *options]
    subprocess.run(command, check=True, capture_output=True)
    found: dict[str, dict[str, int]] = json.loads(truth.read_text())
    return found


def in_benchmarks(code: str, *arguments: str) -> str:
    """What a line of Python prints that is run beside run.py."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, cwd=BENCHMARKS, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize("file_format", ["pcap", "pcapng"])
@pytest.mark.parametrize("packets", [1, 100, 10**9])
def test_a_slice_is_the_file_s_beginning(tmp_path: Path, file_format: str, packets: int) -> None:
    file, piece = tmp_path / "whole", tmp_path / "piece"
    whole = generate(file, "--format", file_format)["packets"]
    code = "import sys; from pathlib import Path; from comparison.slices import cut; "
    code += "print(cut(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))"
    count = int(in_benchmarks(code, str(file), str(piece), str(packets)))
    assert count == min(packets, int(str(whole)))
    assert file.read_bytes().startswith(piece.read_bytes())
    assert (file.stat().st_size == piece.stat().st_size) == (packets == 10**9)


def test_figures_have_three_digits() -> None:
    code = "from comparison.results import figure; "
    code += "print([figure(x) for x in (0.0123, 1.234, 45.67, 123.4, 12345.6, 0)])"
    assert in_benchmarks(code) == "['0.0123', '1.23', '45.7', '123', '12,346', '0']"


def test_a_slice_is_scaled_without_the_fixed_part() -> None:
    code = "from comparison.results import Row; from comparison.measure import Measurement; "
    code += "run = Measurement(3.0, 0, 0, ''); "
    code += "print(Row('x', [run], scale=10, fixed_seconds=1, packets=5).median())"
    assert in_benchmarks(code) == "21.0"


def test_a_job_over_its_time_is_killed(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from comparison.measure import measure; "
    code += "print(measure(['sleep', '60'], Path(sys.argv[1]), 0.2).status)"
    assert in_benchmarks(code, str(tmp_path)) == "-9"


def test_missing_programs_are_reported(tmp_path: Path) -> None:
    file, result = tmp_path / "whole.pcap", tmp_path / "result.json"
    generate(file)
    command = [sys.executable, str(BENCHMARKS / "run.py"), "--file", str(file), "--runs", "1"]
    command += ["--peers-python", "no-such-python", "--python", "no-such-python"]
    command += ["--sections", "files", "--json", str(result)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "missing" in done.stdout
    rows = json.loads(result.read_text())["tables"][0]["rows"]
    problems = {row["job"]: row["problem"] for row in rows}
    assert {problems[job] for job in ("summary", "dpkt", "scapy", "pyshark")} == {"missing"}


@pytest.mark.parametrize("peer", ["dpkt", "scapy"])
def test_peers_find_all_frames(tmp_path: Path, peer: str) -> None:
    pytest.importorskip(peer)
    file = tmp_path / "whole.pcap"
    websocket = generate(file)["websocket"]
    command = [sys.executable, str(BENCHMARKS / "peers" / f"{peer}_frames.py"), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    masks = [line.split("\t")[3] for line in done.stdout.splitlines()]
    assert masks.count("1") == websocket["client_frames"]
    assert masks.count("0") == websocket["server_frames"]
