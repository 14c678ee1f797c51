"""Who leaves while packets come: what has closed, what is idle, holes that nothing fills any more.

Time is our own, never that of packets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsanalyze.monitoring.clock import Places

if TYPE_CHECKING:
    from wsanalyze.pipeline import Pass

# Seconds that a closed conversation is kept for what its ends send again.
LINGER = 2.0
# Seconds that bytes which the receiver has wait for others that it must have, too: the capture
# lacks those.
HOLE = 1.0
# Seconds after which the name of a conversation that is over may be used by another one: twice the
# longest that a segment lives (RFC 9293 §3.4.2). One that is closing or was never open to both
# ends is over then, too: it is the shortest that a NAT may remember those (RFC 5382 §5, REQ-5).
NAMED = 240.0
# Seconds without a packet after which others leave. HTTP that may become WebSocket: of the load
# balancers in wide use the most patient keeps a connection for 610 s.
IDLE_READ = 900.0
# What nobody reads costs little; what comes back is looked at anew.
IDLE_UNREAD = 3600.0
# WebSocket may be silent for ever where nobody sends Pings, and what leaves loses its place in
# compression. But TCP's own keep-alives come after two hours, and no NAT between need remember a
# connection that is silent for more than 2 hours 4 minutes (RFC 5382 §5, REQ-5).
IDLE_SESSION = 7500.0
# Seconds between two looks at who is idle, at most; of a shorter time there are so many.
SWEEP = 30.0
SWEEPS = 8


class Leaving:
    """Lets the conversations of a pass leave when it is time.

    `idle`: seconds without a packet after which one that speaks WebSocket does.
    """

    def __init__(self, run: Pass, idle: float, now: float) -> None:
        self._transport = run.transport
        self._closed = Places(LINGER, LINGER / 8)
        self._holes = Places(HOLE, HOLE / 4)
        self._sweep = min(SWEEP, idle / SWEEPS)
        self._named = Places(NAMED, self._sweep)
        self._idle_read = Places(min(IDLE_READ, idle), self._sweep)
        self._idle_unread = Places(IDLE_UNREAD, self._sweep)
        self._idle_session = Places(idle, self._sweep)
        self._filled = self._swept = now

    def maybe_leave(self, now: float) -> bool:
        """Let those leave whose time has come; say whether there may have been any."""
        ordinal, readers = self._transport.ordinal, self._transport.readers
        looked = False
        closed = self._closed.note(now, ordinal)
        if readers.closed and readers.closed[0].closed_at <= closed:
            readers.leave_closed(closed, ordinal)
            looked = True
        holes = self._holes.note(now, ordinal)
        if readers.pending_bytes and now - self._filled >= HOLE / 2:
            self._filled = now
            readers.leave_holes(holes)
            looked = True
        if now - self._swept < self._sweep:
            return looked
        self._swept = now
        readers.leave_idle(
            self._named.note(now, ordinal),
            self._idle_read.note(now, ordinal),
            self._idle_unread.note(now, ordinal),
            self._idle_session.note(now, ordinal),
            ordinal,
        )
        return True
