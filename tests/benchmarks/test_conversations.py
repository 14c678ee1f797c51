"""Conversations of captures, and parts of them: nothing is there that was not sent."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "tests")]

from losses.conversations import Cut, any_cut, talks  # noqa: E402
from support.chance import chance  # noqa: E402

TALKS = talks(ROOT / "captures" / "http-before-upgrade.pcapng")


def test_conversations_with_both_sides() -> None:
    assert all({side for side, _ in talk.pieces} == {0, 1} for talk in TALKS)
    sent = b"".join(what for _, what in TALKS[0].pieces if isinstance(what, bytes))
    assert sent.count(b" HTTP/1.1\r\n") >= 2
    assert TALKS[0].size == len(sent)


def test_the_whole_of_it() -> None:
    whole = Cut(first=0, skipped=0, sides=(0, 1), count=1000, lost=0)
    assert whole.pieces(TALKS[0], chance(1)) == TALKS[0].pieces


def test_one_side_from_within_a_segment() -> None:
    first = next(n for n, (side, _) in enumerate(TALKS[0].pieces) if side == 1)
    found = Cut(first, 5, (1,), 1000, 0).pieces(TALKS[0], chance(1))
    expected = [piece for piece in TALKS[0].pieces if piece[0] == 1]
    assert isinstance(expected[0][1], bytes)
    assert found == [(1, expected[0][1][5:]), *expected[1:]]


def test_what_is_lost_is_a_hole_of_its_size() -> None:
    talk = max(TALKS, key=lambda talk: len(talk.pieces))
    for seed in range(20):
        source = chance(seed)
        cut = any_cut(talk, source)
        ends = {0: 0, 1: 0}
        for side, what in cut.pieces(talk, source):
            ends[side] += what if isinstance(what, int) else len(what)
        for side in (0, 1):
            whole = Cut(cut.first, cut.skipped, cut.sides, cut.count, 0).pieces(talk, source)
            most = sum(len(what) for at, what in whole if at == side and isinstance(what, bytes))
            assert ends[side] <= most + cut.skipped
