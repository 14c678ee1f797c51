"""Streams of HTTP/2 whose request is not in the capture: which of them carry WebSocket?"""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.http2.frames import Place
from wsanalyze.layers.recognition import Recognition
from wsanalyze.layers.recorder import Recorder

# Streams that are looked at, at once and in all.
LOOKED_AT = 64


class Guesses:
    """Looks for WebSocket frames on each such stream, on few of them and not for ever.

    `in_vain`: streams with data of both sides that were given up.
    """

    __slots__ = ("_excluded", "_found", "_offsets", "_recorder", "in_vain")

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._found: dict[int, Recognition] = {}
        self._offsets: dict[int, list[int]] = {}
        self._excluded: set[int] = set()
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

    def exclude(self, stream: int) -> None:
        """Look at a stream no more: it is known, or was looked at in vain."""
        self._found.pop(stream, None)
        self._offsets.pop(stream, None)
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
        return found

    def data(
        self, stream: int, side: int, buffer: Buffer, start: int, stop: int, place: Place
    ) -> Recognition | None:
        """Look at DATA of a stream; return what is known of it, None where nothing will be."""
        found = self._of(stream)
        if found is None:
            return None
        offsets = self._offsets[stream]
        found.data(side, buffer, start, stop, offsets[side], *place)
        offsets[side] += stop - start
        if found.exhausted and found.client_side() < 0:
            self._recorder.reach("midstream")
            self.give_up(stream)
            return None
        return found

    def gap(self, stream: int, side: int, length: int, place: Place) -> None:
        """Learn that DATA of a stream is missing."""
        found = self._found.get(stream)
        if found is not None:
            found.gap(side, length, self._offsets[stream][side], *place)
            self._offsets[stream][side] += length
