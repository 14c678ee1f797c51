"""Flow control of an HTTP/2 connection: which frames of WebSocket had to wait for a window."""

from __future__ import annotations

from wsanalyze.http2.bodies import LARGEST_WINDOW
from wsanalyze.http2.frames import Place
from wsanalyze.http2.windows import Windows
from wsanalyze.layers.http2_stream import WebSocketStream
from wsanalyze.multiplexing import Stall

SECOND = 1_000_000_000
KEPT = 16


class Flow:
    """Follows both sides' windows; `streams` are those that are read, by number."""

    __slots__ = ("_streams", "_windows")

    def __init__(self, streams: dict[int, WebSocketStream], known: bool) -> None:
        self._streams = streams
        self._windows = (Windows(known), Windows(known))

    def open(self, number: int) -> None:
        """Follow a stream."""
        for windows in self._windows:
            windows.open(number)

    def close(self, number: int) -> None:
        """Follow a stream no longer."""
        for windows in self._windows:
            windows.close(number)

    def forget(self) -> None:
        """Know nothing any more: frames were lost."""
        for windows in self._windows:
            windows.forget()

    def sent(self, side: int, number: int, length: int, time: int) -> None:
        """Take note of a DATA frame of a side."""
        self._windows[side].sent(number, length, time)

    def initial(self, side: int, value: int, place: Place) -> None:
        """Take a side's SETTINGS_INITIAL_WINDOW_SIZE: how much the other may send on a stream."""
        if value <= LARGEST_WINDOW:
            self._relieve(1 - side, self._windows[1 - side].settings(value, place[0]), place)

    def update(self, side: int, number: int, increment: int, place: Place) -> None:
        """Take a WINDOW_UPDATE of a side: the other one may send on."""
        windows = self._windows[1 - side]
        self._relieve(1 - side, windows.update(number, increment), place)

    def finish(self, time: int) -> None:
        """Take note of what still waits: nothing more will come."""
        for side, windows in enumerate(self._windows):
            for number, since in windows.stalled.items():
                self._stalled(side, number, since, time, ended=False)

    def _relieve(self, side: int, relieved: dict[int, int], place: Place) -> None:
        for number, since in relieved.items():
            self._stalled(side, number, since, place[0], ended=True)

    def _stalled(self, side: int, number: int, since: int, time: int, *, ended: bool) -> None:
        """Keep a stall of a second and more within a frame."""
        stream = self._streams.get(number)
        if stream is None or stream.session is None or time - since < SECOND:
            return
        sender = stream.session.sender(stream.role_of(side))
        if sender.in_frame and len(stream.facts.stalls) < KEPT:
            stall = Stall(stream.role(side), since, sender.packet, time - since, ended)
            stream.facts.stalls.append(stall)
