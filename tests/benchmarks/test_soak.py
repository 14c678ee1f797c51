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
    """Return 300 counts of what each of 60 connections a second leaves behind, with noise.

    In the second half the machine is busier, and more connections are open.
    """
    chance = random.Random(1)  # noqa: S311 - the same noise each time
    found = []
    for second in range(300):
        followed = 200 + 80 * (second > 150) + chance.gauss(0, 10)
        found.append(
            {
                "seen": 60 * second,
                "followed": followed,
                "objects": 300_000 + 200 * followed + 60 * second * objects + chance.gauss(0, 3000),
                "malloc": 20e6 + 40_000 * followed + chance.gauss(0, 1e5),
                "memory": 120e6 + 8_000 * followed + 60 * second * memory + chance.gauss(0, 1e6),
            }
        )
    return found


def test_nothing_left_behind_is_flat_though_more_are_open(soak: ModuleType) -> None:
    assert soak.judged(states(0, 0)) == 0
    assert soak.judged(states(-1, -100)) == 0


def test_an_object_of_each_connection_is_growth(
    soak: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert soak.judged(states(1, 0)) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "grew: objects"
    assert soak.judged(states(1, 400), soak.TOLERATED | {"memory": 100.0}) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "grew: objects, memory"


def test_a_few_counts_say_nothing(soak: ModuleType) -> None:
    assert soak.judged(states(0, 0)[:20]) == 1


def test_what_is_there_without_noise_is_found_exactly(soak: ModuleType) -> None:
    seen = [float(place) for place in range(30)]
    followed = [float(place % 7) for place in range(30)]
    counts = [5 + 2 * one + 3 * other for one, other in zip(seen, followed, strict=True)]
    left, error, of_open = soak.least_squares(seen, followed, counts)
    assert (round(left, 6), round(error, 6), round(of_open, 6)) == (2, 0, 3)


def test_where_none_is_open_the_slope_is_found_all_the_same(soak: ModuleType) -> None:
    seen = [400.0 * place for place in range(30)]
    left, error, _ = soak.least_squares(seen, [0.0] * 30, [5 + 2 * each for each in seen])
    assert (round(left, 6), round(error, 3)) == (2, 0)
