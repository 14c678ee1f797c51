"""Is it WebSocket? Asked of a conversation whose handshake is not in the capture."""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.layers.held import Piece as HeldPiece
from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.session import Session
from wsanalyze.websocket.handshake import Handshake
from wsanalyze.websocket.plausible import DRAFT, MORE, RFC6455, Header
from wsanalyze.websocket.resync import NEVER, Piece, Search

# Bits of evidence. A conversation seen from the middle is WebSocket in one of some hundred cases,
# and of other streams at most one in a hundred thousand may be taken for it: 7 and 17 bits, and
# as much again for protocols that are framed in a similar way.
BOTH = 40
EACH = 8
MASKED = 44
UNMASKED = 60
# Where the upgrade was asked for and only the answer is missing.
ASKED = 24

# Where it was asked for, and no answer is in the capture.
WENT_ON = 12

UNKNOWN = -1
# Bytes of which no more than a few are different tell nothing, however their headers look.
RUN = 64
FEW = 6


class Recognition:
    """Looks for frames in both directions of a conversation, from a place where none is known.

    `bytes_seen` counts what was looked at; beyond the limit `midstream` the caller stops. `totals`
    are the conversation's counts where it began, None where no attempt was before it. `found` is
    what a claim rests on: the side whose frames can be read, where they begin, and bits.
    """

    __slots__ = ("bytes_seen", "doubted", "found", "limit", "scratch", "searches", "totals")

    def __init__(self, recorder: Recorder, totals: list[int] | None = None) -> None:
        self.totals = totals
        self.limit: int = recorder.limits.midstream
        self.bytes_seen = self.doubted = 0
        self.found: tuple[int, int, int] | None = None
        self.scratch = recorder.scratch
        self.searches = [
            Search(UNKNOWN, True, UNKNOWN, False, recorder.limits.resync, recorder.scratch)
            for _ in range(2)
        ]
        for search in self.searches:
            search.accept = NEVER

    @property
    def held(self) -> int:
        """Bytes that are held."""
        return self.searches[0].held + self.searches[1].held

    @property
    def exhausted(self) -> bool:
        """Whether it has looked at as much as it may."""
        return self.bytes_seen > self.limit

    def data(
        self,
        side: int,
        buffer: Buffer,
        start: int,
        stop: int,
        offset: int,
        time: int,
        packet: int,
        ordinal: int,
    ) -> None:
        """Look at the next bytes of a side, which stand at `offset`."""
        self.bytes_seen += stop - start
        self._jump(side, offset, time, packet, ordinal)
        self.searches[side].take(buffer, start, stop, offset, time, packet, ordinal)

    def gap(
        self, side: int, length: int, offset: int, time: int, packet: int, ordinal: int
    ) -> None:
        """Learn that bytes of a side are missing."""
        self._jump(side, offset, time, packet, ordinal)
        self.searches[side].skip(length, offset, time, packet, ordinal)

    def _jump(self, side: int, offset: int, time: int, packet: int, ordinal: int) -> None:
        """Pass over what somebody else has read in between."""
        search = self.searches[side]
        if search.pieces and search.stop < offset:
            search.skip(offset - search.stop, search.stop, time, packet, ordinal)

    def finish(self) -> None:
        """Look at what is left: nothing more will come."""
        self.doubted = 0
        for search in self.searches:
            search.finish()

    def client_side(self) -> int:
        """Return the side that is the client of a WebSocket connection, -1 while it is none.

        Who masks is the client (RFC 6455 §5.1).
        """
        side = self._client_side()
        if side >= 0 and any(self._runs(search) for search in self.searches):
            return UNKNOWN
        return side if side >= 0 and self._has_frames(side) else UNKNOWN

    def _has_frames(self, client_side: int) -> bool:
        """Say whether one side's chain alone is enough to be read from, whatever the other's says.

        Where it is not, that is asked again when twice as much was seen: it costs a search.
        """
        if self.bytes_seen < 2 * self.doubted:
            return False
        if not any(search.pieces for search in self.searches):
            # There was too much to hold it: whoever asks says so.
            return True
        self.found = None
        for side in (0, 1):
            search = self._found_by(side, int(side == client_side))
            if search is not None:
                self.found = side, search.anchor, search.bits
                break
        self.doubted = 0 if self.found is not None else self.bytes_seen
        return self.found is not None

    def _found_by(self, side: int, masked: int) -> Search | None:
        """Return the search of a Session where it finds a frame in what is held of a side."""
        search = Search(masked, True, UNKNOWN, False, self.limit, self.scratch)
        for offset, data, missing, *place in self.searches[side].pieces:
            if missing:
                found = search.skip(missing, offset, *place)
            else:
                found = search.take(Buffer(data), 0, len(data), offset, *place)
            if found:
                return search
        return search if search.finish() else None

    def claim(self, session: Session) -> None:
        """Let a session read the frames that this was recognised by, whatever comes behind them."""
        if self.found is not None:
            session.claim(*self.found)

    @staticmethod
    def _runs(search: Search) -> bool:
        """Say whether the newest bytes of a side are few values: runs make any chain, too."""
        newest = b"".join(piece[1] for piece in search.pieces[-RUN:])[-4 * RUN :]
        values = len(set(newest))
        return len(newest) >= RUN // 2 and values <= (FEW if len(newest) < 2 * RUN else 2 * FEW)

    def _client_side(self) -> int:
        one, other = self.searches
        scores = (one.score, other.score)
        if max(scores) < BOTH // 2:
            return UNKNOWN
        masks = (one.chain_masked, other.chain_masked)
        if masks[0] != masks[1] and min(scores) >= EACH and sum(scores) >= BOTH:
            return 0 if masks[0] == 1 else 1
        if masks[0] == masks[1] and min(scores) >= ASKED:
            # One side masks, the other does not: this is something else that is framed.
            return UNKNOWN
        best = 0 if scores[0] >= scores[1] else 1
        if masks[best] == 1:
            return best if scores[best] >= MASKED else UNKNOWN
        # MQTT's subscriptions, one after another, look like a server's binary frames.
        if scores[best] < UNMASKED or self.searches[best].variety < 2:
            return UNKNOWN
        return 1 - best

    @staticmethod
    def client_goes_on(
        pieces: list[HeldPiece],
        recorder: Recorder,
        handshake: Handshake | None,
    ) -> bool:
        """Say whether a client that asked for WebSocket went on with frames.

        `pieces` are what it sent behind its request.
        """
        first = pieces[0].data
        framing = RFC6455
        if handshake is not None and handshake.framing == "hixie":
            return goes_on_in_hixie(first)
        if handshake is not None and handshake.framing == "draft":
            if handshake.version == "4":
                # What its frames are masked with, is in the answer.
                return False
            framing = DRAFT if handshake.version in ("5", "6") else MORE
        masked = framing != MORE
        header = Header(masked, True, UNKNOWN, recorder.scratch, framing)
        if first and not header.fits(Buffer(first), 0, len(first)):
            return False
        search = Search(
            masked, True, UNKNOWN, True, recorder.limits.held, recorder.scratch, framing
        )
        search.accept = NEVER
        offset = 0
        for _, data, missing, time, packet, ordinal in pieces:
            if missing:
                search.skip(abs(missing), offset, time, packet, ordinal)
            else:
                search.take(Buffer(data), 0, len(data), offset, time, packet, ordinal)
            offset += len(data) + abs(missing)
        search.finish()
        return search.score >= WENT_ON

    def server_answers(self, side: int) -> bool:
        """Say whether what `side` sends are a server's frames, the client having asked for it."""
        search = self.searches[side]
        return search.score >= ASKED and search.chain_masked == 0

    def beginning(self, side: int, behind: int) -> tuple[int, int]:
        """Return where a side's pieces begin (`behind` without any), and what was dropped."""
        search = self.searches[side]
        return search.pieces[0][0] if search.pieces else behind, search.dropped

    def pieces(self) -> list[tuple[int, Piece]]:
        """Return what is held of both sides, in the order of reading, each with its side."""
        both = [(side, piece) for side in range(2) for piece in self.searches[side].pieces]
        both.sort(key=lambda each: each[1][5])
        return both


def goes_on_in_hixie(first: bytes) -> bool:
    """Say whether the first segment behind a request is a text of Hixie, or its closing."""
    if first[:1] == b"\x00":
        return first[1:2] >= b"\t" or first[1:2] == b"\xff"
    return first == b"\xff\x00"
