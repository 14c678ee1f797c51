"""The loop that looks for failures, on targets that are made to fail."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.chance import chance

from fuzz.__main__ import chosen_of, parse_arguments, report
from fuzz.engine import Outcome, name_of, run, shrunk, stored
from fuzz.mutations import mutated
from fuzz.target import Target


def refuse_x(data: bytes) -> int:
    """Fail on any input with an x in it, in another way on one that is empty."""
    if not data:
        raise ValueError("empty")
    assert b"x" not in data
    return len(data)


def lengthen(data: bytes, _seeds: Sequence[bytes], source: random.Random) -> bytes:
    return data + bytes([source.randrange(97, 123)])


def target(seeds: Sequence[bytes], **more: object) -> Target:
    return Target("trial", "No x.", lambda: seeds, more.get("mutate", mutated), refuse_x)  # type: ignore[arg-type]


def test_a_failure_is_found_made_small_and_named() -> None:
    outcome = run(target([b"abc"], mutate=lengthen), chance(1), executions=400)
    assert list(outcome.failures.values()) == [b"x"]
    (name,) = outcome.failures
    assert name.startswith("AssertionError at test_engine.py:")


def test_each_way_of_failing_is_kept_once() -> None:
    outcome = run(target([b"", b"axa", b"", b"xx"]), chance(1), executions=0)
    assert outcome.executions == 4
    assert sorted(outcome.failures.values()) == [b"", b"x"]


def test_what_has_a_new_sketch_is_changed_further() -> None:
    outcome = run(target([b"a"], mutate=lengthen), chance(7), executions=200)
    # Letters are added one at a time: only inputs that were kept grow.
    assert max(map(len, outcome.pool.values())) > 5
    assert set(outcome.pool) == set(map(len, outcome.pool.values()))


def test_the_same_chances_give_the_same_run() -> None:
    one, other = (run(target([b"abc"]), chance(5), executions=300) for _ in range(2))
    assert (one.pool, one.failures) == (other.pool, other.failures)


def test_a_run_ends_after_its_time() -> None:
    assert run(target([b"a"]), chance(1), seconds=0).executions == 1


def test_shrinking_keeps_what_fails() -> None:
    assert shrunk(b"a" * 50 + b"xy" + b"b" * 77, lambda data: b"xy" in data) == b"xy"


def test_names_tell_places_apart() -> None:
    names = []
    for data in (b"", b"x"):
        with pytest.raises((ValueError, AssertionError)) as raised:
            refuse_x(data)
        names.append(name_of(raised.value))
    assert len(set(names)) == 2


def test_failing_inputs_are_stored_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = run(target([b"a", b"x"]), chance(1), executions=0)
    report(target([]), outcome, tmp_path)
    (path,) = (tmp_path / "trial").iterdir()
    assert path.read_bytes() == b"x"
    told = capsys.readouterr().out
    assert "2 executions" in told
    assert "1 failures" in told
    assert str(path) in told
    assert 'assert b"x" not in data' in told


def test_inputs_to_keep_are_small() -> None:
    outcome = Outcome(pool={number: bytes(number) for number in range(0, 6000, 7)})
    kept = chosen_of(outcome, chance(1))
    assert 10_000 < sum(map(len, kept)) <= 20_000
    assert max(map(len, kept)) < 2500


def test_a_stored_input_has_one_name(tmp_path: Path) -> None:
    assert stored(tmp_path, target([]), b"x") == stored(tmp_path, target([]), b"x")


def test_unknown_targets_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["nothing"])
    assert "unknown target 'nothing'" in capsys.readouterr().err
