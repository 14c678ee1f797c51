"""Frames laid beside each other."""

from __future__ import annotations

from dataclasses import replace

from wsanalyze.crosscheck.frames import Facts, OurFrame
from wsanalyze.crosscheck.matching import TheirFrame, differences

FACTS = Facts(stream=0, port=40000, fin=1, rsv=0, opcode=1, masking_key=7, length=5)


def ours(packet: int, facts: Facts = FACTS) -> OurFrame:
    return OurFrame(facts, 0, False, packet, packet, packet, 11 * packet, 11 * packet + 11, 5)


def kinds(mine: list[OurFrame], other: list[TheirFrame]) -> tuple[int, list[str]]:
    agree, found = differences(mine, other)
    return agree, [each.kind for each in found]


def test_the_same_frames_agree() -> None:
    assert kinds([ours(1), ours(2)], [TheirFrame(FACTS, 2), TheirFrame(FACTS, 1)]) == (2, [])


def test_a_frame_of_one_side() -> None:
    assert kinds([ours(1)], []) == (0, ["missing"])
    assert kinds([], [TheirFrame(FACTS, 1)]) == (0, ["extra"])


def test_another_packet() -> None:
    assert kinds([ours(1)], [TheirFrame(FACTS, 2)]) == (0, ["packet"])


def test_another_length_in_the_same_packet() -> None:
    assert kinds([ours(1)], [TheirFrame(replace(FACTS, length=6), 1)]) == (0, ["fields"])


def test_another_length_in_another_packet_is_another_frame() -> None:
    other = TheirFrame(replace(FACTS, length=6), 2)
    assert kinds([ours(1)], [other]) == (0, ["missing", "extra"])


def test_equal_frames_are_counted_not_folded() -> None:
    assert kinds([ours(1), ours(1)], [TheirFrame(FACTS, 1)]) == (1, ["missing"])
