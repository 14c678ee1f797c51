"""The saved inputs and a short run of every target; and that each of them notices what breaks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.chance import chance

from fuzz.engine import run
from fuzz.target import CORPUS, Target
from fuzz.targets import (
    TARGETS,
    frames,
    heads,
    http2,
    inflate,
    packets,
    pipeline,
    readers,
    reassembly,
    secured,
    stories,
    tables,
    tls,
)

SAVED = [(target, path) for target in TARGETS.values() for path in target.saved()]
# Inputs of the short run: about two seconds each where the kernels are compiled.
EXECUTIONS = {
    "readers": 1000,
    "packets": 5000,
    "reassembly": 500,
    "heads": 1000,
    "frames": 800,
    "inflate": 800,
    "pipeline": 500,
    "tables": 15,
    "tls": 40,
    "http2": 40,
    "secured": 10,
    "stories": 20,
}
every_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


@pytest.mark.parametrize(("target", "path"), SAVED, ids=[f"{t.name}-{p.name}" for t, p in SAVED])
def test_saved_inputs(target: Target, path: Path) -> None:
    target.check(path.read_bytes())


def test_every_target_has_saved_inputs_and_they_are_small() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    assert all(target.saved() for target in TARGETS.values())
    assert sum(path.stat().st_size for _, path in SAVED) < 200_000


@every_target
def test_a_short_run(target: Target) -> None:
    executions = EXECUTIONS[target.name]
    outcome = run(target, chance(2026), executions=executions)
    assert outcome.failures == {}
    assert outcome.executions >= executions


@every_target
def test_any_bytes(target: Target) -> None:
    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.binary(max_size=300), st.sampled_from(target.seeds()), st.integers(0, 60))
    def holds(data: bytes, seed: bytes, kept: int) -> None:
        target.check(data)
        target.check(seed[:kept] + data)

    holds()


def last_packet_lost(read: Callable[..., Any]) -> Callable[..., Any]:
    def broken(source: Any, window: int = 1 << 19) -> Any:
        found = read(source, window)
        if found is None or window == 1 << 19:
            return found
        return found[0][:-1], found[1]

    return broken


def other_port(facts: Callable[..., Any]) -> Callable[..., Any]:
    def broken(*arguments: Any) -> Any:
        kind, found = facts(*arguments)
        return kind, (*found[:7], found[7] ^ 1, *found[8:]) if found else ()

    return broken


def one_gap_less(follow: Callable[..., Any]) -> Callable[..., Any]:
    def broken(tap: Any, streams: Any, seen: int, **how: bool) -> Any:
        for witness in tap.witnesses:
            witness.calls = [call for call in witness.calls if call[0] != "gap"]
        return follow(tap, streams, min(seen, len(tap.calls) if tap.witnesses else 0), **how)

    return broken


def one_field_less(read_head: Callable[..., Any]) -> Callable[..., Any]:
    return lambda data: dataclasses.replace(read_head(data), fields=read_head(data).fields[:-1])


def without_fin(scan: Callable[..., Any]) -> Callable[..., Any]:
    return lambda data: (dataclasses.replace(each, fin=False) for each in scan(data))


def always_taking_over(inflater: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **named: inflater(**{**named, "takeover": True})


def one_frame_more(read: Callable[..., Any]) -> Callable[..., Any]:
    def broken(*arguments: Any, **named: Any) -> Any:
        recording = read(*arguments, **named)
        recording.captures[0].frames += 1
        return recording

    return broken


def one_record_twice(contents_of: Callable[..., Any]) -> Callable[..., Any]:
    def broken(data: bytes) -> Any:
        stage, spy = contents_of(data)
        for contents in spy.contents:
            contents.extend(contents[-1:])
        return stage, spy

    return broken


def one_frame_uncounted(stage_of: Callable[..., Any]) -> Callable[..., Any]:
    def broken(*arguments: Any) -> Any:
        stage = stage_of(*arguments)
        for connection in stage.connections:
            connection.client_frames += 1
        return stage

    return broken


def nothing_sent(_sent: Callable[..., Any]) -> Callable[..., Any]:
    return lambda: frozenset()


def one_line_less(lines: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: lines(*arguments)[1:]


def with_a_bell(lines: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: [*lines(*arguments), [("\a", "")]]


@pytest.mark.parametrize(
    ("module", "name", "broken"),
    [
        (readers, "read", last_packet_lost),
        (packets, "facts", other_port),
        (reassembly, "follow", one_gap_less),
        (heads, "read_head", one_field_less),
        (frames, "scan_frames", without_fin),
        (inflate, "Inflater", always_taking_over),
        (pipeline, "read", one_frame_more),
        (tables, "lines", one_line_less),
        (tls, "contents_of", one_record_twice),
        (http2, "stage_of", one_frame_uncounted),
        (secured, "sent", nothing_sent),
        (stories, "explained_lines", with_a_bell),
    ],
    ids=TARGETS,
)
def test_each_target_notices_what_is_broken(
    module: ModuleType,
    name: str,
    broken: Callable[[Any], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, name, broken(getattr(module, name)))
    seeds = module.TARGET.seeds()[:3] if module in (tables, stories) else module.TARGET.seeds()
    target = dataclasses.replace(module.TARGET, seeds=lambda: seeds)
    assert run(target, chance(1), executions=0).failures


class TestBounds:
    def test_memory_that_a_few_bytes_take_is_noticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hoard: list[bytes] = []
        read = pipeline.read

        def greedy(*arguments: Any, **named: Any) -> Any:
            hoard.append(bytes(pipeline.MEMORY * 4))
            return read(*arguments, **named)

        monkeypatch.setattr(pipeline, "read", greedy)
        with pytest.raises(AssertionError, match="bytes of memory for"):
            pipeline.within_bounds(pipeline.TARGET.seeds()[0], pipeline.USUAL)

    def test_work_that_a_few_bytes_make_is_noticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        read = pipeline.read

        def busy(*arguments: Any, **named: Any) -> Any:
            for number in range(3_000_000):
                abs(number)
            return read(*arguments, **named)

        monkeypatch.setattr(pipeline, "read", busy)
        smallest = min(pipeline.TARGET.seeds(), key=len)
        with pytest.raises(AssertionError, match="calls for"):
            pipeline.within_bounds(smallest, pipeline.USUAL)
