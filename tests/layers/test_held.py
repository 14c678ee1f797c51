"""What is held back comes out as it went in, and counts until then."""

from __future__ import annotations

import pytest

from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer
from wsanalyze.layers.held import OVERHEAD, Held, Piece, length_of, replay
from wsanalyze.layers.recorder import Recorder
from wsanalyze.limits import Limits
from wsanalyze.recording import Recording, Wants

PIECES = [
    Piece(0, b"abc", 0, 1, 2, 3),
    Piece(1, b"de", 0, 4, 5, 6),
    Piece(0, b"", 7, 8, 9, 10),
    Piece(0, b"fg", 0, 11, 12, 13),
    # A hole of at most so many bytes.
    Piece(1, b"", -5, 14, 15, 16),
]


class Written(Layer):
    """Writes down what it is told, and has seen enough after `enough` calls."""

    def __init__(self, enough: int = 99) -> None:
        self.calls: list[tuple[int, bytes | int, int, int, int]] = []
        self.enough = enough

    def data(
        self,
        side: int,
        buffer: Buffer,
        start: int,
        stop: int,
        time: int,
        packet: int,
        ordinal: int,
    ) -> int:
        self.calls.append((side, buffer.copy(start, stop), time, packet, ordinal))
        return int(len(self.calls) == self.enough)

    def gap(self, side: int, length: int, time: int, packet: int, ordinal: int) -> int:
        self.calls.append((side, length, time, packet, ordinal))
        return int(len(self.calls) == self.enough)


def recorder(limits: Limits | None = None) -> Recorder:
    return Recorder(Recording(Wants(frames=False, messages=False)), limits or Limits())


def test_what_is_released_is_what_was_added() -> None:
    shared = recorder()
    held, other = Held(shared), Held(shared)
    other.add(*PIECES[0])
    for piece in PIECES:
        held.add(*piece)
    assert held.size == 7 + 5 * OVERHEAD
    assert shared.held == held.size + 3 + OVERHEAD
    assert held.release() == PIECES
    assert (held.size, held.pieces, held.release()) == (0, [], [])
    assert shared.held == other.size == 3 + OVERHEAD


def test_the_bytes_that_pieces_cover_are_present_or_missing() -> None:
    assert length_of(PIECES) == 3 + 2 + 7 + 2 + 5
    assert length_of([]) == 0


@pytest.mark.parametrize(
    ("limits", "exceeded"),
    [
        (Limits(held=3 + OVERHEAD, held_total=6 + 2 * OVERHEAD), None),
        (Limits(held=2 + OVERHEAD), "held"),
        (Limits(held_total=5 + 2 * OVERHEAD), "held_total"),
        (Limits(held=2, held_total=2), "held"),
    ],
)
def test_a_limit_is_exceeded_by_one_or_by_all_together(
    limits: Limits, exceeded: str | None
) -> None:
    shared = recorder(limits)
    held, other = Held(shared), Held(shared)
    for each in (held, other):
        each.add(*PIECES[0])
    assert held.exceeded() == exceeded


def test_a_layer_reads_what_was_held() -> None:
    layer = Written()
    assert replay(PIECES, layer) == 0
    assert layer.calls == [
        (0, b"abc", 1, 2, 3),
        (1, b"de", 4, 5, 6),
        (0, 7, 8, 9, 10),
        (0, b"fg", 11, 12, 13),
        (1, -5, 14, 15, 16),
    ]


def test_what_was_passed_is_left_out() -> None:
    layer = Written()
    replay(PIECES, layer, (4, 1))
    told = [call[:2] for call in layer.calls]
    assert told == [(1, b"e"), (0, 7), (0, b"g"), (1, -5)]


def test_a_gap_of_unknown_length_stays_one() -> None:
    layer = Written()
    replay([Piece(1, b"", 0, 1, 2, 3)], layer)
    assert layer.calls == [(1, 0, 1, 2, 3)]


@pytest.mark.parametrize("enough", [1, 3, 5])
def test_who_has_seen_enough_is_told_no_more(enough: int) -> None:
    layer = Written(enough)
    assert replay(PIECES, layer) == 1
    assert len(layer.calls) == enough
