"""What the soak makes of its counts: growth is told from noise. No traffic, no timing."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "soak.py"


@pytest.fixture
def soak(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("soak_for_minutes", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec.loader.exec_module(module)
    return module


def states(objects: float, memory: float) -> list[dict[str, float]]:
    """Return 300 counts of what each of 60 connections a second leaves behind, with noise."""
    chance = random.Random(1)  # noqa: S311 - the same noise each time
    return [
        {
            "seen": 60 * second,
            "objects": 500_000 + 60 * second * objects + chance.gauss(0, 3000),
            "malloc": 40e6 + chance.gauss(0, 1e5),
            "memory": 120e6 + 60 * second * memory + chance.gauss(0, 1e6),
        }
        for second in range(300)
    ]


def test_nothing_left_behind_is_flat(soak: ModuleType) -> None:
    assert soak.judged(states(0, 0)) == 0
    assert soak.judged(states(-1, -100)) == 0


def test_an_object_of_each_connection_is_growth(
    soak: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert soak.judged(states(1, 0)) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "grew: objects"
    assert soak.judged(states(1, 400)) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "grew: objects, memory"


def test_a_few_counts_say_nothing(soak: ModuleType) -> None:
    assert soak.judged(states(0, 0)[:10]) == 1


def test_the_slope_of_a_line_is_its_slope_whatever_one_point_does(soak: ModuleType) -> None:
    places = [float(place) for place in range(30)]
    values = [2 * place + 5 for place in places]
    assert soak.theil_sen(places, values) == (2, 2, 2)
    values[7] = 10_000
    slope, low, high = soak.theil_sen(places, values)
    assert (slope, low, high) == (2, 2, 2)
