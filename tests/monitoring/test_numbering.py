"""Numbers of frames and messages are those of the tables, in whatever pieces rows come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.monitoring.numbering import NONE, Begun, Numbering

TEXT, CONTINUATION, PING = 1, 0, 9


def test_frames_are_counted_as_they_begin_though_they_end_in_another_order() -> None:
    numbers = Numbering()
    long = Begun(10, 0, 0, TEXT, True)
    assert numbers.number([Begun(11, 0, 1, PING, False)], [long]) == [(1, NONE)]
    assert numbers.number([long], []) == [(0, 0)]
    assert numbers.message(0, 10, 0) == 0


def test_a_continuation_belongs_to_what_its_sender_began() -> None:
    numbers = Numbering()
    first, other = Begun(1, 0, 0, TEXT, True), Begun(2, 0, 1, TEXT, True)
    rest = Begun(3, 8, 0, CONTINUATION, True)
    assert numbers.number([first, other], []) == [(0, 0), (1, 1)]
    assert numbers.number([rest], []) == [(2, 0)]
    assert (numbers.message(1, 2, 0), numbers.message(0, 1, 0)) == (1, 0)


def test_rows_of_one_look_may_come_in_any_order() -> None:
    numbers = Numbering()
    rows = [Begun(5, 0, 0, PING, False), Begun(2, 0, 1, PING, False)]
    assert numbers.number(rows, []) == [(1, NONE), (0, NONE)]


@st.composite
def sessions(draw: st.DrawFn) -> list[tuple[Begun, int]]:
    """Return frames of two senders in order, each with when it ends."""
    frames = []
    ended = [0, 0]
    open_message = [False, False]
    for ordinal in range(draw(st.integers(0, 12))):
        sender = draw(st.integers(0, 1))
        # A sender begins a frame when the one before it has ended.
        if ended[sender] > ordinal:
            continue
        belongs = draw(st.booleans())
        opcode = PING if not belongs else CONTINUATION if open_message[sender] else TEXT
        if belongs:
            open_message[sender] = draw(st.booleans())
        ended[sender] = ordinal + draw(st.integers(0, 4))
        frames.append((Begun(ordinal, ordinal * 10, sender, opcode, belongs), ended[sender]))
    return frames


@given(sessions())
def test_numbers_are_those_of_the_whole(session: list[tuple[Begun, int]]) -> None:
    expected, messages = {}, [NONE, NONE]
    count = 0
    for number, (frame, _) in enumerate(session):
        if frame.belongs and frame.opcode == TEXT:
            messages[frame.sender] = count
            count += 1
        expected[frame] = (number, messages[frame.sender] if frame.belongs else NONE)
    numbers = Numbering()
    for now in range(20):
        rows = [frame for frame, end in session if end == now]
        going_on = [frame for frame, end in session if frame.ordinal <= now < end]
        assert numbers.number(rows, going_on) == [expected[frame] for frame in rows]
