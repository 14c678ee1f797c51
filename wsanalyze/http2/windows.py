"""Flow control of one direction: what its sender may still send (RFC 9113 §5.2, §6.9).

Windows are None where the beginning of the connection was not captured: nothing tells them then.
"""

from __future__ import annotations

INITIAL = 65535
# How many streams are looked at in all because something changed for every one of them: some 50 ms.
# Ten streams may be stalled together 26,000 times; a flood of SETTINGS is at its end soon.
MOST_LOOKS = 1 << 18


class Windows:
    """What the sender of DATA may send: on the connection, and on each stream that is followed.

    `stalled` has, for each stream followed whose sender has used its window up, the time since.
    """

    def __init__(self, known: bool) -> None:
        self.connection: int | None = INITIAL if known else None
        self.initial: int | None = INITIAL if known else None
        self.streams: dict[int, int | None] = {}
        self.stalled: dict[int, int] = {}
        self._looks = 0

    def open(self, stream: int) -> None:
        """Follow a stream from its first byte on."""
        self.streams[stream] = self.initial

    def close(self, stream: int) -> None:
        """Follow a stream no longer."""
        self.streams.pop(stream, None)
        self.stalled.pop(stream, None)

    def sent(self, stream: int, length: int, time: int) -> None:
        """Take note of a DATA frame, of its whole length with padding."""
        before = self.connection
        if before is not None:
            self.connection = before - length
        window = self.streams.get(stream)
        if window is not None:
            self.streams[stream] = window - length
        # All of them wait from where the connection's window is used up.
        used_up = before is not None and before > 0 >= before - length
        self._look(None if used_up else [stream], time)

    def settings(self, initial: int, time: int) -> dict[int, int]:
        """Take note of SETTINGS_INITIAL_WINDOW_SIZE; return what that let go on, see `update`."""
        if self._gives_up(len(self.streams)):
            return {}
        before, self.initial = self.initial, initial
        for stream, window in self.streams.items():
            if window is not None and before is not None:
                self.streams[stream] = window + initial - before
        relieved = self._relieved()
        self._look(None, time)
        return relieved

    def update(self, stream: int, increment: int) -> dict[int, int]:
        """Take note of a WINDOW_UPDATE (stream 0: of the connection).

        Returns the streams that may go on, and since when they could not.
        """
        if stream == 0:
            if self.connection is not None:
                self.connection += increment
        else:
            window = self.streams.get(stream)
            if window is not None:
                self.streams[stream] = window + increment
        return self._relieved()

    def forget(self) -> None:
        """Know nothing any more: frames were lost."""
        if self.connection is None:
            return
        self.connection = self.initial = None
        self.streams = dict.fromkeys(self.streams)
        self.stalled.clear()

    def _gives_up(self, streams: int) -> bool:
        """Count streams that are to be looked at; beyond the limit, know nothing any more."""
        self._looks += streams
        if self._looks <= MOST_LOOKS:
            return False
        self.forget()
        return True

    def _exhausted(self, stream: int) -> bool:
        window = self.streams.get(stream)
        if window is None or self.connection is None:
            return False
        return window <= 0 or self.connection <= 0

    def _look(self, streams: list[int] | None, time: int) -> None:
        if streams is None and self._gives_up(len(self.streams)):
            return
        for stream in self.streams if streams is None else streams:
            if self._exhausted(stream):
                self.stalled.setdefault(stream, time)

    def _relieved(self) -> dict[int, int]:
        if self._gives_up(len(self.stalled)):
            return {}
        relieved = {each: t for each, t in self.stalled.items() if not self._exhausted(each)}
        for stream in relieved:
            del self.stalled[stream]
        return relieved
