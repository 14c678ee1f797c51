"""Numbers of frames and messages are those of the tables, in whatever pieces rows come."""

from __future__ import annotations

from array import array
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.monitoring.numbering import NONE, Begun, Look, Numbering
from wsanalyze.monitoring.rows import FrameRows, MessageRows
from wsanalyze.tables.columns import FrameColumns, MessageColumns

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


def columns_of(kind: type[FrameColumns | MessageColumns], rows: list[dict[str, int]]) -> Any:
    """Return columns with these rows; what a row does not say is 0."""
    columns = kind().run() if kind is MessageColumns else kind().arrays()
    for name, column in columns.items():
        if isinstance(column, memoryview):
            cells = array(column.format, [each.get(name, 0) for each in rows])
            columns[name] = memoryview(cells)
    return columns


# Frames of several connections, each with its connection's serial and when it ends.
Frames = list[tuple[int, Begun, int]]


@st.composite
def crowds(draw: st.DrawFn) -> Frames:
    """Return the frames of some connections, as they end; they share the packets' order."""
    found = [
        (serial, frame._replace(ordinal=frame.ordinal * 4 + serial), end * 4 + serial)
        for serial in range(draw(st.integers(1, 3)))
        for frame, end in draw(sessions())
    ]
    return sorted(found, key=lambda each: each[2])


def messages_in(frames: Frames) -> list[tuple[int, int, list[Begun]]]:
    """Return connection, end and frames of each message: the last one ends it."""
    found: list[tuple[int, int, list[Begun]]] = []
    latest: dict[tuple[int, int], tuple[int, int, list[Begun]]] = {}
    for serial, frame, end in sorted(frames, key=lambda each: each[1].ordinal):
        if frame.belongs and frame.opcode == TEXT:
            latest[serial, frame.sender] = (serial, end, [])
            found.append(latest[serial, frame.sender])
        if frame.belongs and (serial, frame.sender) in latest:
            before = latest[serial, frame.sender]
            after = (serial, end, [*before[2], frame])
            found[found.index(before)] = latest[serial, frame.sender] = after
    return found


@given(crowds(), st.integers(1, 30))
def test_rows_of_a_look_are_numbered_as_one_by_one(frames: Frames, step: int) -> None:
    """The short way and the long one, mixed: however much comes between two looks."""
    messages = messages_in(frames)
    alone = {serial: Numbering(serial, serial + 10) for serial in range(3)}
    numberings = {serial: Numbering(serial, serial + 10) for serial in range(3)}
    now = 0

    def open_frames(wanted: int) -> list[Begun]:
        return [
            frame
            for serial, frame, end in frames
            if serial == wanted and frame.ordinal <= now < end
        ]

    look = Look(numberings, open_frames, seed=7)
    for now in range(step, 80 + step, step):
        ended = [(serial, frame) for serial, frame, end in frames if now - step < end <= now]
        whole = [(serial, parts[0]) for serial, end, parts in messages if now - step < end <= now]
        rows = FrameRows(columns_of(FrameColumns, [cells(*each) for each in ended]))
        message_rows = MessageRows(columns_of(MessageColumns, [cells(*each) for each in whole]), 0)
        assert look.number(rows, message_rows) == []
        expected: dict[tuple[int, Begun], tuple[int, int]] = {}
        for serial, numbering in alone.items():
            mine = [frame for owner, frame in ended if owner == serial]
            numbers = numbering.number(mine, open_frames(serial))
            expected |= {(serial, frame): each for frame, each in zip(mine, numbers, strict=True)}
        owners, numbers_given, of_messages = (each.tolist() for each in rows.given())
        assert owners == [serial + 10 for serial, _ in ended]
        given_pairs = list(zip(numbers_given, of_messages, strict=True))
        assert given_pairs == [expected[each] for each in ended]
        in_order = sorted(whole, key=lambda each: each[1][:2])
        told = {
            (serial, first): alone[serial].message(first.sender, first.ordinal, first.offset)
            for serial, first in in_order
        }
        assert [each.tolist() for each in message_rows.given()] == [
            [serial + 10 for serial, _ in whole],
            [told[each] for each in whole],
        ]


def cells(serial: int, frame: Begun) -> dict[str, int]:
    """Return what columns have of a frame, or of the message that it begins."""
    return {
        "connection": serial,
        "ordinal": frame.ordinal,
        "offset": frame.offset,
        "sender": frame.sender,
        "head": frame.opcode,
        "message": 0 if frame.belongs else -1,
    }


def test_messages_whose_first_frame_is_not_there_are_numbered_in_their_order() -> None:
    numberings = {0: Numbering(0, 0)}
    look = Look(numberings, lambda _: [], seed=7)
    places = [(9, 0), (3, 5), (3, 1)]
    rows = [{"ordinal": ordinal, "offset": offset} for ordinal, offset in places]
    messages = MessageRows(columns_of(MessageColumns, rows), 0)
    look.number(FrameRows(columns_of(FrameColumns, [])), messages)
    assert messages.given()[1].tolist() == [2, 1, 0]


def test_close_frames_are_found() -> None:
    rows = FrameRows(columns_of(FrameColumns, [{"head": 0x81}, {"head": 0x88}, {"head": 0x8A}]))
    look = Look({0: Numbering()}, lambda _: [], seed=7)
    assert look.number(rows, MessageRows(columns_of(MessageColumns, []), 0)) == [1]
