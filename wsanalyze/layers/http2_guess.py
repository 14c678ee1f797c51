"""Streams of HTTP/2 whose request is not in the capture: which of them carry WebSocket?"""

from __future__ import annotations

from typing import NamedTuple

from wsanalyze.buffer import Buffer
from wsanalyze.http2.alignment import Alignment, client_of
from wsanalyze.http2.frames import Place
from wsanalyze.layers.recognition import Recognition
from wsanalyze.layers.recorder import Recorder


class Guess(NamedTuple):
    """A stream that is WebSocket: what is held of it, which side is the client.

    `aligned`: where frames begin on both sides, where DATA and not what is in it told so.
    """

    recognition: Recognition
    client_side: int
    aligned: tuple[Alignment, Alignment] | None = None


# Streams that are looked at, at once and in all.
LOOKED_AT = 64


class Guesses:
    """Looks for WebSocket frames on each such stream, on few of them and not for ever.

    `in_vain`: streams with data of both sides that were given up; `begun`: those that the client
    sent data on.
    """

    __slots__ = ("_aligned", "_excluded", "_found", "_offsets", "_recorder", "begun", "in_vain")

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._found: dict[int, Recognition] = {}
        self._offsets: dict[int, list[int]] = {}
        self._aligned: dict[int, tuple[Alignment, Alignment]] = {}
        self._excluded: set[int] = set()
        self.begun: set[int] = set()
        self.in_vain = 0

    @property
    def held(self) -> int:
        """Bytes that are held."""
        return sum(each.held for each in self._found.values())

    def numbers(self) -> list[int]:
        """Return the streams that are looked at."""
        return list(self._found)

    def of(self, stream: int) -> Recognition | None:
        """Return what is known of a stream that is looked at."""
        return self._found.get(stream)

    def begin(self, stream: int) -> None:
        """Learn that the client sends data on a stream."""
        if len(self.begun) < self._recorder.limits.streams:
            self.begun.add(stream)

    def exclude(self, stream: int) -> None:
        """Look at a stream no more: it is known, or was looked at in vain."""
        self._found.pop(stream, None)
        self._offsets.pop(stream, None)
        self._aligned.pop(stream, None)
        if len(self._excluded) < self._recorder.limits.streams:
            self._excluded.add(stream)

    def give_up(self, stream: int) -> None:
        """Look at a stream no more that may be WebSocket or not."""
        self.in_vain += all(self._offsets.get(stream, (0, 0)))
        self.exclude(stream)

    def drop(self, stream: int) -> None:
        """Look at a stream no more."""
        if stream in self._found:
            self.exclude(stream)

    def _of(self, stream: int) -> Recognition | None:
        found = self._found.get(stream)
        if found is not None or stream in self._excluded:
            return found
        full = len(self._excluded) >= self._recorder.limits.streams
        if full or len(self._found) >= LOOKED_AT:
            self._recorder.reach("streams")
            return None
        found = self._found[stream] = Recognition(self._recorder)
        self._offsets[stream] = [0, 0]
        self._aligned[stream] = Alignment(), Alignment()
        return found

    def data(
        self,
        stream: int,
        side: int,
        buffer: Buffer,
        piece: tuple[int, int],
        place: Place,
        *,
        first: bool = True,
        last: bool = True,
    ) -> Guess | None:
        """Look at DATA of a stream; return how it is WebSocket, None where that is not known.

        `piece`: from where to where it is in the buffer; `first`, `last`: whether it is the
        beginning and the end of its frame.
        """
        found = self._of(stream)
        if found is None:
            return None
        start, stop = piece
        offsets, aligned = self._offsets[stream], self._aligned[stream]
        if stop > start:
            found.data(side, buffer, start, stop, offsets[side], *place)
        said = buffer.copy(start, stop)
        aligned[side].data(said, offsets[side], first=first, last=last)
        offsets[side] += stop - start
        guess = self.guess(stream)
        if guess is None and found.exhausted:
            self._recorder.reach("midstream")
            self.give_up(stream)
        return guess

    def guess(self, stream: int) -> Guess | None:
        """Return how a stream that is looked at is WebSocket, None where that is not known."""
        found = self._found.get(stream)
        if found is None:
            return None
        if (client := found.client_side()) >= 0:
            return Guess(found, client)
        aligned = self._aligned[stream]
        client = client_of(aligned)
        return Guess(found, client, aligned) if client >= 0 else None

    def lose(self, side: int) -> None:
        """Learn that frames of a side are missing, of whichever stream."""
        for aligned in self._aligned.values():
            aligned[side].lose()

    def gap(self, stream: int, side: int, length: int, place: Place) -> None:
        """Learn that DATA of a stream is missing."""
        found = self._found.get(stream)
        if found is not None:
            found.gap(side, length, self._offsets[stream][side], *place)
            self._aligned[stream][side].lose()
            self._offsets[stream][side] += length
