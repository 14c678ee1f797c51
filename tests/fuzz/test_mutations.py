"""Changed inputs: always bytes, the same for the same chances, and captures stay captures."""

from __future__ import annotations

import pytest
from support.chance import chance

from fuzz.captures import blocks_of, changed_capture, packets_of, pcap_of, shipped
from fuzz.mutations import CHANGES, mutated
from fuzz.target import Target
from fuzz.targets import TARGETS, frames, inflate, reassembly

SEEDS = [b"abcdefgh" * 4, b"0123"]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_every_change_takes_any_bytes(change: object) -> None:
    assert callable(change)
    for data in (b"", b"a", SEEDS[0]):
        made = {change(data, SEEDS, chance(seed)) for seed in range(40)}
        assert all(type(each) is bytes for each in made)
    assert len(made) > 3


def test_changes_are_those_of_the_chances() -> None:
    made = [mutated(SEEDS[0], SEEDS, chance(seed)) for seed in range(100)]
    assert made == [mutated(SEEDS[0], SEEDS, chance(seed)) for seed in range(100)]
    assert len(set(made)) > 80


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_every_target_changes_any_bytes(target: Target) -> None:
    seeds = target.seeds()
    for seed in range(100):
        source = chance(seed)
        for data in (b"", b"\0", seeds[seed % len(seeds)]):
            assert type(target.mutate(data, seeds, source)) is bytes


def test_most_changed_captures_can_be_read() -> None:
    seeds = shipped()
    made = [changed_capture(seeds[seed % len(seeds)], seeds, chance(seed)) for seed in range(200)]
    assert sum(bool(packets_of(data)[1]) for data in made) > 150


def test_packets_survive_being_written_again() -> None:
    for data in shipped():
        link, packets = packets_of(data)
        assert packets_of(pcap_of(link, packets)) == (link, packets)


def test_blocks_make_up_their_file() -> None:
    for data in shipped():
        assert b"".join(blocks_of(data)) == data
    assert all(len(blocks_of(data)) > 3 for data in shipped() if data[:1] == b"\x0a")


def test_most_changed_streams_have_frames() -> None:
    seeds = frames.seeds()
    made = [frames.mutate(seeds[seed % len(seeds)], seeds, chance(seed)) for seed in range(200)]
    assert sum(bool(frames.plain_frames(data)) for data in made) > 170


def test_changed_conversations_and_messages_keep_their_form() -> None:
    seeds = reassembly.seeds()
    made = [reassembly.mutate(seeds[seed % 5], seeds, chance(seed)) for seed in range(200)]
    assert sum(len(each) % reassembly.STEP.size == 1 for each in made) > 150
    packed = inflate.seeds()
    for seed in range(100):
        data = inflate.mutate(packed[seed % 6], packed, chance(seed))
        assert sum(2 + len(each) for each in inflate.messages_of(data[1:])) <= len(data) + 65536
