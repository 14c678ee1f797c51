"""The numbers of frames and messages, given while their connection goes on.

In the tables they are counted in order of their first bytes. Rows come when a frame or message
ends, which is another order where both sides send at a time: who began is given its number then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

NONE = -1


class Begun(NamedTuple):
    """A frame: place in the order of reading, offset, sender (0 client, 1 server).

    `opcode`, and `belongs`: whether it is part of a message.
    """

    ordinal: int
    offset: int
    sender: int
    opcode: int
    belongs: bool


class Numbering:
    """The numbers of one connection."""

    __slots__ = ("_begun", "_latest", "_messages", "frames", "messages")

    def __init__(self) -> None:
        self.frames = 0
        self.messages = 0
        # Frames that have a number and no row yet: of each side, one at most.
        self._begun: dict[tuple[int, int], tuple[int, int]] = {}
        # Messages that have a number and no row yet, by sender, ordinal and offset.
        self._messages: dict[tuple[int, int, int], int] = {}
        self._latest = [NONE, NONE]

    def number(self, ended: Sequence[Begun], open_frames: Sequence[Begun]) -> list[tuple[int, int]]:
        """Return the numbers of frames that ended and of their messages (NONE: of none).

        `open_frames` are those that have begun and not ended, by now: one of each side at most.
        """
        places = sorted(range(len(ended)), key=lambda place: ended[place][:2])
        found = [(NONE, NONE)] * len(ended)
        if not places:
            return found
        last = ended[places[-1]][:2]
        early = [
            each
            for each in open_frames
            if each[:2] < last and (each.sender, each.offset) not in self._begun
        ]
        for place in places:
            frame = ended[place]
            for each in [each for each in early if each[:2] < frame[:2]]:
                self._begun[each.sender, each.offset] = self._give(each)
                early.remove(each)
            known = self._begun.pop((frame.sender, frame.offset), None) if self._begun else None
            found[place] = known if known is not None else self._give(frame)
        return found

    def message(self, sender: int, ordinal: int, offset: int) -> int:
        """Return the number of a message that ended, whose first frame is there."""
        number = self._messages.pop((sender, ordinal, offset), None)
        if number is None:
            number = self.messages
            self.messages += 1
        return number

    def _give(self, frame: Begun) -> tuple[int, int]:
        number = self.frames
        self.frames += 1
        if not frame.belongs:
            return number, NONE
        if frame.opcode in (1, 2):
            self._latest[frame.sender] = self.messages
            self._messages[frame.sender, frame.ordinal, frame.offset] = self.messages
            self.messages += 1
        return number, self._latest[frame.sender]
