"""The flow table, against a dict of the same keys."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsanalyze.transport.conversation import Conversation
from wsanalyze.transport.flows import FlowTable
from wsanalyze.transport.packet import Packet

End = tuple[int, int, int]
Key = tuple[int, End, End]


def packet_of(family: int, source: End, target: End) -> Packet:
    """Return a packet from one end to another, each (high, low, port)."""
    packet = Packet()
    packet.family = family
    packet.source_high, packet.source_low, packet.source_port = source
    packet.target_high, packet.target_low, packet.target_port = target
    return packet


def key_of(conversation: Conversation) -> Key:
    """Return the key that a conversation was added under."""
    low = (conversation.low_high, conversation.low_low, conversation.low_port)
    high = (conversation.high_high, conversation.high_low, conversation.high_port)
    return conversation.family, low, high


def find(table: FlowTable, key: Key, side: int) -> Conversation | None:
    """Look up the key as a packet that `side` sent."""
    family, low, high = key
    packet = packet_of(family, high, low) if side else packet_of(family, low, high)
    return table.find(packet, side)


def add(table: FlowTable, key: Key, side: int) -> Conversation:
    """Look up and add the key, as the transport does."""
    family, low, high = key
    packet = packet_of(family, high, low) if side else packet_of(family, low, high)
    table.find(packet, side)
    return table.add(packet, side)


big = st.sampled_from([0, 1, 2, 1 << 63, (1 << 64) - 1])
v4 = st.tuples(st.just(0), st.sampled_from([1, 0x7F000001, 0xC0000201, 0xFFFFFFFF]))
v6 = st.tuples(big, big)
port = st.sampled_from([0, 1, 80, 40000, 65535])


@st.composite
def keys(draw: st.DrawFn) -> Key:
    family = draw(st.sampled_from([4, 6]))
    address = v4 if family == 4 else v6
    ends = [(*draw(address), draw(port)), (*draw(address), draw(port))]
    low, high = sorted(ends)
    return family, low, high


sides = st.integers(0, 1)
steps = st.lists(st.tuples(st.sampled_from(["find", "add", "keep"]), keys(), sides), max_size=80)


@given(steps, st.integers(0, (1 << 64) - 1))
def test_against_a_dict(steps: list[tuple[str, Key, int]], seed: int) -> None:
    """Both directions find one conversation, and only what was added and kept is found."""
    table, oracle = FlowTable(seed), dict[Key, Conversation]()
    for step, key, side in steps:
        if step == "find":
            assert find(table, key, side) is oracle.get(key)
        elif step == "add":
            oracle[key] = add(table, key, side)
            assert key_of(oracle[key]) == key
        else:
            oracle = {each: oracle[each] for each in oracle if each < key}
            table.keep(list(oracle.values()))
        assert table.count == len(oracle)
        assert find(table, key, 1 - side) is oracle.get(key)
    assert sorted(map(key_of, table.all())) == sorted(oracle)


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("seed", [0, 1, (1 << 64) - 1])
def test_growth_keeps_everything(family: int, seed: int) -> None:
    table, oracle = FlowTable(seed), {}
    for i in range(5000):
        low, high = (0, 0x0A000000 + i // 50, 1000), (0, 0x0A100000, 20000 + i % 50)
        oracle[family, low, high] = add(table, (family, low, high), i & 1)
    assert table.count == 5000
    assert all(find(table, key, i & 1) is each for i, (key, each) in enumerate(oracle.items()))


def test_a_conversation_takes_the_place_of_the_one_before() -> None:
    table = FlowTable(7)
    key: Key = (4, (0, 1, 5), (0, 2, 6))
    first, second = add(table, key, 0), add(table, key, 1)
    assert first is not second
    assert find(table, key, 0) is second
    assert table.count == 1


@settings(max_examples=20)
@given(st.lists(keys(), min_size=1, max_size=40, unique=True), st.integers(0, 39))
def test_keeping_some(everything: list[Key], some: int) -> None:
    table = FlowTable(99)
    conversations = {key: add(table, key, 0) for key in everything}
    kept = dict(list(conversations.items())[:some])
    table.keep(list(kept.values()))
    for key in everything:
        assert find(table, key, 0) is kept.get(key)
    # What was forgotten can come again.
    again = {key: kept.get(key) or add(table, key, 1) for key in everything}
    assert all(find(table, key, 0) is again[key] for key in everything)


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("varies", ["low port", "high port", "low address", "high address"])
def test_flows_that_differ_in_one_thing_do_not_gather(family: int, varies: str) -> None:
    """A client with one port after another, or one client after another: slots are shared by few.

    By chance 4,096 of 16,384 slots would be taken by about 3,600 digests.
    """
    table = FlowTable(0x1234_5678_9ABC_DEF0)
    homes = set()
    for number in range(4096):
        low = (0, 0xC0000201 + (number if varies == "low address" else 0))
        high = (0, 0xC6336402 + (number if varies == "high address" else 0))
        ports = (
            1024 + (number if varies == "low port" else 0),
            8080 + (number if varies == "high port" else 0),
        )
        added = add(table, (family, (*low, ports[0]), (*high, ports[1])), 0)
        homes.add(added.digest >> 1 & 16_383)
    assert len(homes) > 3200
