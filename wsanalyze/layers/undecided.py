"""Frames behind a 101 whose request was not seen: of which version are they?

HyBi drafts 4 to 6 answer as RFC 6455 does, Hixie-76 as the drafts 0 to 3. The first byte of a
server's frames tells them apart: Hixie begins with 0x00 or 0xFF, the drafts have other opcodes than
RFC 6455. Of a client that speaks first a whole segment tells.
"""

from __future__ import annotations

from collections.abc import Callable

from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer
from wsanalyze.layers.attempt import Attempt
from wsanalyze.layers.held import Held, replay
from wsanalyze.layers.old_session import OldSession
from wsanalyze.layers.session import Session
from wsanalyze.websocket.challenge import ANSWER_LENGTH
from wsanalyze.websocket.handshake import hixie_dialect, names_websocket
from wsanalyze.websocket.plausible import DRAFT, MORE, RFC6455, Header

UNKNOWN = -1
HIXIE = 0
# Drafts 2 and 3 have the same frames, 5 and 6, too.
WITH_MORE = 2
WITH_FIN = 5
# The version that RFC 6455 describes, as others do from draft 7 on.
TODAYS = 13

# Text, and the closing handshake.
HIXIE_BEGINS = (0x00, 0xFF)
# Frames that a server may begin with: drafts 1 to 3 have no bit set where a message ends.
MORE_BEGINS = (0x01, 0x02, 0x03, 0x04, 0x05, 0x84, 0x85)
# Text and binary; the other opcodes of drafts 4 to 6 mean something in RFC 6455, too.
FIN_BEGINS = (0x04, 0x05, 0x84, 0x85)


def is_in_doubt(attempt: Attempt) -> bool:
    """Say whether an answer, the request for which was not seen, is one of several versions."""
    handshake = attempt.connection.handshake
    if handshake is None or handshake.response_head is None:
        return False
    response = handshake.response_head
    if handshake.framing is None:
        return hixie_dialect(response) == "hixie-76" and names_websocket(response)
    return handshake.framing == "rfc6455"


class Undecided(Layer):
    """Holds what comes until it is known of which version it is, then hands everything on.

    `session` reads RFC 6455 and keeps the rows of the others. `decided` is called with who reads,
    once that is known.
    """

    def __init__(
        self,
        session: Session,
        attempt: Attempt,
        client_side: int,
        decided: Callable[[Layer], None],
    ) -> None:
        self.session = session
        self.connection = attempt.connection
        self.recorder = attempt.recorder
        self.client_side = client_side
        self.decided = decided
        handshake = self.connection.handshake
        self.challenged = handshake is not None and handshake.framing is None
        self.due = ANSWER_LENGTH if self.challenged else 0
        self.held = Held(attempt.recorder)
        self.inner: Layer | None = None

    def data(
        self,
        side: int,
        buffer: Buffer,
        start: int,
        stop: int,
        time: int,
        packet: int,
        ordinal: int,
    ) -> int:
        """Look at the next bytes of one side, or hand them on."""
        if self.inner is not None:
            return self.inner.data(side, buffer, start, stop, time, packet, ordinal)
        piece = buffer.copy(start, stop)
        self.held.add(side, piece, 0, time, packet, ordinal)
        from_client = side == self.client_side
        version = self._told_by_client(piece) if from_client else self._told_by_server(piece)
        return 0 if version == UNKNOWN and not self._overfull() else self._decide(version)

    def gap(self, side: int, length: int, time: int, packet: int, ordinal: int) -> int:
        """Learn that bytes are missing; a server's first frame is unknown then."""
        if self.inner is not None:
            return self.inner.gap(side, length, time, packet, ordinal)
        missing = abs(length)
        self.held.add(side, b"", missing, time, packet, ordinal)
        if side != self.client_side:
            self.due -= min(missing, self.due)
        return self._decide(UNKNOWN) if self._overfull() else 0

    def end(self, side: int, how: int, time: int, packet: int) -> int:
        """Wait no longer: what is held came before this."""
        if self.inner is None:
            self._decide(UNKNOWN)
        return self.inner.end(side, how, time, packet) if self.inner is not None else 0

    def finish(self, evicted: int) -> int:
        """Read what is held as far as it can be read."""
        if self.inner is None:
            self._decide(UNKNOWN)
        return self.inner.finish(evicted) if self.inner is not None else 0

    def _overfull(self) -> bool:
        """Say whether too much is held, here or in all connections; count that."""
        exceeded = self.held.exceeded()
        if exceeded is not None:
            self.recorder.reach(exceeded)
        return exceeded is not None

    def _told_by_server(self, piece: bytes) -> int:
        answer = min(len(piece), self.due)
        self.due -= answer
        if answer == len(piece):
            return UNKNOWN
        first = piece[answer]
        if not self.challenged:
            return WITH_FIN if first in FIN_BEGINS else TODAYS
        if first in HIXIE_BEGINS:
            return HIXIE
        return WITH_MORE if first in MORE_BEGINS else UNKNOWN

    def _told_by_client(self, piece: bytes) -> int:
        if self.challenged:
            if len(piece) >= 2 and piece[0] in HIXIE_BEGINS and piece[-1] == 255 - piece[0]:
                return HIXIE
            return WITH_MORE if self._ends_with_a_frame(piece, MORE) else UNKNOWN
        if self._ends_with_a_frame(piece, DRAFT):
            return WITH_FIN
        return TODAYS if self._ends_with_a_frame(piece, RFC6455) else UNKNOWN

    def _ends_with_a_frame(self, piece: bytes, framing: int) -> bool:
        """Say whether frames of a client follow each other up to the end of a segment."""
        masked = 0 if framing == MORE else 1
        header = Header(masked, False, UNKNOWN, self.recorder.scratch, framing)
        buffer = Buffer(piece)
        at = 0
        while at < len(piece) and header.fits(buffer, at, len(piece)) and header.size:
            at += header.size + header.length
        return at == len(piece)

    def _decide(self, version: int) -> int:
        """Hand on what is held to who reads this version: frames of an unknown one are none."""
        self.inner = session = self.session
        if version == UNKNOWN and self.challenged:
            session.unframed = 1
            session.gap(0, 0, 0, 0, 0)
            session.gap(1, 0, 0, 0, 0)
        elif version not in (UNKNOWN, TODAYS):
            self.inner = OldSession(session, self.connection, self.client_side, version)
        self.decided(self.inner)
        return replay(self.held.release(), self.inner)
