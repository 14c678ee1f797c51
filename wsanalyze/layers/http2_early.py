"""What a server sends on a stream before the capture has the request: packets in another order."""

from __future__ import annotations

from typing import NamedTuple

from wsanalyze.http2.fields import Fields
from wsanalyze.http2.frames import Place
from wsanalyze.layers.recorder import Recorder

# What a held piece costs besides its bytes.
OVERHEAD = 256
STREAMS = 64


class Early(NamedTuple):
    """A head, or a piece of DATA, or of how many bytes of DATA it is missing: 0 is not known.

    `ends`: whether it ends the stream; `lost`: how much of the connection was lost before it, of
    whichever stream.
    """

    what: Fields | bytes | int
    ends: bool
    place: Place
    lost: int


class EarlyAnswers:
    """Holds answers without a request, of few streams, within the limit `held`."""

    __slots__ = ("_found", "_recorder", "_sizes", "held")

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._found: dict[int, list[Early]] = {}
        self._sizes: dict[int, int] = {}
        self.held = 0

    def __contains__(self, stream: int) -> bool:
        return stream in self._found

    def hold(self, stream: int, early: Early) -> None:
        """Hold a head or DATA; beyond the limits, those that wait for longest are given up."""
        what, size = early.what, OVERHEAD
        if isinstance(what, bytes):
            size += len(what)
        elif not isinstance(what, int):
            size += len(what) + sum(len(name) + len(value) for name, value in what)
        self._found.setdefault(stream, []).append(early)
        self._sizes[stream] = self._sizes.get(stream, 0) + size
        self.held += size
        while len(self._found) > STREAMS or self.held > self._recorder.limits.held:
            if self.held > self._recorder.limits.held:
                self._recorder.reach("held")
            self.take(next(iter(self._found)))

    @property
    def waiting(self) -> list[int]:
        """The streams of which something is held."""
        return list(self._found)

    def take(self, stream: int) -> list[Early]:
        """Return what is held of a stream, and hold it no more."""
        self.held -= self._sizes.pop(stream, 0)
        return self._found.pop(stream, [])
