# cython: language_level=3, wraparound=False, initializedcheck=False
"""The numbers of frames and messages, given while their connection goes on.

In the tables they are counted in order of their first bytes. Rows come when a frame or message
ends, which is another order where both sides send at a time: who began is given its number then.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import NamedTuple

from wsanalyze.monitoring.rows import FrameRows, MessageRows

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython

NONE = -1
# A Close frame in the first byte of its header.
OPCODE = 0x0F
CLOSE = 8
# As of the flow table: splitmix64.
FIRST_FACTOR = 0xBF58476D1CE4E5B9
SECOND_FACTOR = 0x94D049BB133111EB
ALL_BITS = 0xFFFFFFFFFFFFFFFF
FEWEST_SLOTS = 64


class Begun(NamedTuple):
    """A frame: place in the order of reading, offset, sender (0 client, 1 server).

    `opcode`, and `belongs`: whether it is part of a message.
    """

    ordinal: int
    offset: int
    sender: int
    opcode: int
    belongs: bool


@cython.final
@cython.cclass
class Numbering:
    """The numbers of one connection, which is itself number `owner` and has this `serial`."""

    def __init__(self, serial: int = 0, owner: int = 0) -> None:
        self.serial = serial
        self.owner = owner
        self.frames = 0
        self.messages = 0
        self.latest_client = self.latest_server = NONE
        # Frames that have a number and no row yet, by sender and offset: one of each side at most.
        self.begun: dict[tuple[int, int], tuple[int, int]] | None = None
        # Messages that have a number and no row yet, by sender, ordinal and offset.
        self.begun_messages: dict[tuple[int, int, int], int] | None = None
        # Of the look that is going on: how far its rows have come, and whether all are in order.
        self.look = -1
        self.last_ordinal = self.last_offset = -1
        self.in_order = True
        self.slow: list[int] | None = None

    def number(self, ended: Sequence[Begun], open_frames: Sequence[Begun]) -> list[tuple[int, int]]:
        """Return the numbers of frames that ended and of their messages (NONE: of none).

        `open_frames` are those that have begun and not ended, by now: one of each side at most.
        """
        places = sorted(range(len(ended)), key=lambda place: ended[place][:2])
        found = [(NONE, NONE)] * len(ended)
        if not places:
            return found
        begun = self.begun if self.begun is not None else {}
        last = ended[places[len(places) - 1]][:2]
        early = [
            each
            for each in open_frames
            if each[:2] < last and (each.sender, each.offset) not in begun
        ]
        for place in places:
            frame = ended[place]
            for each in [each for each in early if each[:2] < frame[:2]]:
                begun[each.sender, each.offset] = self.give(each)
                early.remove(each)
            known = begun.pop((frame.sender, frame.offset), None) if begun else None
            found[place] = known if known is not None else self.give(frame)
        self.begun = begun or None
        return found

    def message(self, sender: int, ordinal: int, offset: int) -> int:
        """Return the number of a message that ended, whose first frame is there."""
        number = NONE
        if self.begun_messages is not None:
            number = self.begun_messages.pop((sender, ordinal, offset), NONE)
            if not self.begun_messages:
                self.begun_messages = None
        if number == NONE:
            number = self.messages
            self.messages += 1
        return number

    def give(self, frame: Begun) -> tuple[int, int]:
        """Give a frame its number, and its message one, which is waited for."""
        number = self.frames
        self.frames += 1
        if not frame.belongs:
            return number, NONE
        first: cython.bint = frame.opcode in (1, 2)
        message = self.message_of(frame.sender, first)
        if first:
            self.wait_for(frame.sender, frame.ordinal, frame.offset, message)
        return number, message

    def wait_for(self, sender: int, ordinal: int, offset: int, message: int) -> None:
        """Remember the number of a message whose row will come."""
        if self.begun_messages is None:
            self.begun_messages = {}
        self.begun_messages[sender, ordinal, offset] = message

    def message_of(self, sender: cython.int, first: cython.bint) -> cython.longlong:
        """Return the number of the message that a frame of `sender` belongs to."""
        if first:
            if sender:
                self.latest_server = self.messages
            else:
                self.latest_client = self.messages
            self.messages += 1
        return self.latest_server if sender else self.latest_client


@cython.final
@cython.cclass
class Firsts:
    """Finds, among the frames of one look, the one that a message began with.

    Open addressing with linear probing; `slots` have rows, counted from 1. The hash is keyed with
    `seed`: whoever sends chooses the offsets. `states` of rows: 1 where it is a first frame, 2
    when it was taken.
    """

    def __init__(self, rows: FrameRows, seed: int) -> None:
        slots = FEWEST_SLOTS
        while slots < 2 * rows.count:
            slots *= 2
        self.rows = rows
        self.seed = seed
        self.mask = slots - 1
        self.slots = memoryview(array("i", bytes(4 * slots)))
        self.states = memoryview(bytearray(rows.count))

    def slot(
        self, connection: cython.longlong, ordinal: cython.longlong, offset: cython.longlong
    ) -> cython.Py_ssize_t:
        """Return where to begin to look.

        One packet may have frames of a thousand streams of HTTP/2, all at the same offset.
        """
        digest: cython.ulonglong = ordinal
        digest = ((digest ^ self.seed) * FIRST_FACTOR) & ALL_BITS
        digest ^= digest >> 31
        digest = ((digest ^ (offset & ALL_BITS)) * SECOND_FACTOR) & ALL_BITS
        digest ^= digest >> 32
        digest = ((digest ^ (connection & ALL_BITS)) * FIRST_FACTOR) & ALL_BITS
        digest ^= digest >> 31
        return digest & self.mask

    def add(self, row: cython.Py_ssize_t) -> cython.int:
        """Add a frame, by its row."""
        rows: FrameRows = self.rows
        at: cython.Py_ssize_t = self.slot(rows.connection[row], rows.ordinal[row], rows.offset[row])
        while self.slots[at] != 0:
            at = (at + 1) & self.mask
        self.slots[at] = row + 1
        self.states[row] = 1
        return 0

    def take(
        self,
        connection: cython.longlong,
        ordinal: cython.longlong,
        offset: cython.longlong,
        sender: cython.int,
    ) -> cython.longlong:
        """Return the number of the message that begins there; NONE where no frame does."""
        rows: FrameRows = self.rows
        row: cython.Py_ssize_t
        at: cython.Py_ssize_t = self.slot(connection, ordinal, offset)
        while self.slots[at] != 0:
            row = self.slots[at] - 1
            if (
                rows.offset[row] == offset
                and rows.ordinal[row] == ordinal
                and rows.connection[row] == connection
                and rows.sender[row] == sender
                and self.states[row] == 1
            ):
                self.states[row] = 2
                return rows.messages[row]
            at = (at + 1) & self.mask
        return NONE


class Look:
    """Gives numbers to what ended since the look before.

    `numberings` has the connections by serial, `open_frames` says which frames of one have begun
    and not ended.
    """

    def __init__(
        self,
        numberings: dict[int, Numbering],
        open_frames: Callable[[int], Sequence[Begun]],
        seed: int,
    ) -> None:
        self.numberings = numberings
        self.open_frames = open_frames
        self.seed = seed
        self.looks = 0

    def number(self, frames: FrameRows, messages: MessageRows) -> list[int]:
        """Write numbers into the rows of a look; return the places of Close frames.

        KeyError for a connection that has no numbering.
        """
        self.looks += 1
        firsts = Firsts(frames, self.seed)
        whose: list[Numbering] = []
        closes: list[int] = []
        touched = sort_out(frames, self.numberings, self.looks, whose, closes)
        for each in touched:
            choose(each, self.open_frames)
        number_frames(frames, whose, firsts)
        for each in touched:
            number_slowly(each, frames, self.open_frames)
        number_messages(messages, self.numberings, firsts)
        wait_for_rest(frames, whose, firsts)
        return closes


def sort_out(
    rows: FrameRows,
    numberings: dict[int, Numbering],
    look: int,
    whose: list[Numbering],
    closes: list[int],
) -> list[Numbering]:
    """Fill `whose` each row is and the places of Close frames; return each numbering once.

    Each is told whether its rows are in the order of their first bytes.
    """
    i: cython.Py_ssize_t
    state: Numbering
    before: cython.longlong = -1
    touched: list[Numbering] = []
    state = Numbering()
    for i in range(rows.count):
        if rows.connection[i] != before:
            before = rows.connection[i]
            state = numberings[before]
        whose.append(state)
        if rows.head[i] & OPCODE == CLOSE:
            closes.append(i)
        if state.look != look:
            state.look = look
            state.in_order = True
            touched.append(state)
        elif rows.ordinal[i] < state.last_ordinal or (
            rows.ordinal[i] == state.last_ordinal and rows.offset[i] < state.last_offset
        ):
            state.in_order = False
            continue
        state.last_ordinal = rows.ordinal[i]
        state.last_offset = rows.offset[i]
    return touched


def choose(state: Numbering, open_frames: Callable[[int], Sequence[Begun]]) -> None:
    """Let a connection be numbered slowly where some frame began before another that ended."""
    state.slow = None
    if state.in_order:
        begun = state.begun
        last = (state.last_ordinal, state.last_offset)
        for each in open_frames(state.serial):
            is_known = begun is not None and (each.sender, each.offset) in begun
            if each[:2] < last and not is_known:
                state.in_order = False
    if not state.in_order:
        state.slow = []


def number_frames(rows: FrameRows, whose: list[Numbering], firsts: Firsts) -> None:
    """Number the frames of connections whose rows are in order; sort out the others."""
    i: cython.Py_ssize_t
    state: Numbering
    opcode: cython.int
    first: cython.bint
    for i in range(rows.count):
        state = whose[i]
        rows.owners[i] = state.owner
        rows.messages[i] = -1
        if state.slow is not None:
            state.slow.append(i)
            continue
        if state.begun is not None:
            known = state.begun.pop((rows.sender[i], rows.offset[i]), None)
            if not state.begun:
                state.begun = None
            if known is not None:
                rows.numbers[i] = known[0]
                rows.messages[i] = known[1]
                continue
        rows.numbers[i] = state.frames
        state.frames += 1
        if rows.message[i] < 0:
            continue
        opcode = rows.head[i] & OPCODE
        first = opcode == 1 or opcode == 2
        rows.messages[i] = state.message_of(rows.sender[i], first)
        if first:
            firsts.add(i)


def number_slowly(
    state: Numbering, rows: FrameRows, open_frames: Callable[[int], Sequence[Begun]]
) -> None:
    """Number the frames of a connection in the order of their first bytes."""
    places = state.slow
    if places is None:
        return
    state.slow = None
    ended = [
        Begun(
            rows.ordinal[place],
            rows.offset[place],
            rows.sender[place],
            rows.head[place] & OPCODE,
            rows.message[place] >= 0,
        )
        for place in places
    ]
    given = state.number(ended, open_frames(state.serial))
    for place, numbers in zip(places, given, strict=True):
        rows.numbers[place] = numbers[0]
        rows.messages[place] = numbers[1]


def number_messages(rows: MessageRows, numberings: dict[int, Numbering], firsts: Firsts) -> None:
    """Number messages as their first frames were; then those whose first frame is not there."""
    i: cython.Py_ssize_t
    state: Numbering
    number: cython.longlong
    before: cython.longlong = -1
    rest: list[int] = []
    state = Numbering()
    for i in range(rows.count):
        if rows.connection[i] != before:
            before = rows.connection[i]
            state = numberings[before]
        rows.owners[i] = state.owner
        number = -1
        if state.begun_messages is not None:
            begin = (rows.sender[i], rows.ordinal[i], rows.offset[i])
            number = state.begun_messages.pop(begin, NONE)
            if not state.begun_messages:
                state.begun_messages = None
        if number < 0:
            number = firsts.take(before, rows.ordinal[i], rows.offset[i], rows.sender[i])
        if number < 0:
            rest.append(i)
        rows.numbers[i] = number
    if rest:
        for place in sorted(rest, key=lambda each: (rows.ordinal[each], rows.offset[each])):
            state = numberings[rows.connection[place]]
            rows.numbers[place] = state.messages
            state.messages += 1


def wait_for_rest(rows: FrameRows, whose: list[Numbering], firsts: Firsts) -> None:
    """Remember the messages that have begun and not ended."""
    i: cython.Py_ssize_t
    state: Numbering
    for i in range(rows.count):
        if firsts.states[i] == 1:
            state = whose[i]
            state.wait_for(rows.sender[i], rows.ordinal[i], rows.offset[i], rows.messages[i])
