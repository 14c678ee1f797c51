# cython: language_level=3, wraparound=False, initializedcheck=False
"""What is known of an HTTP/1 connection: who asked for what, and what waits for an answer."""

from __future__ import annotations

from collections import deque

from wsanalyze.layer import Layer
from wsanalyze.layers.attempt import Attempt
from wsanalyze.layers.held import Held, length_of, replay
from wsanalyze.layers.http1_half import Half
from wsanalyze.layers.http1_lines import asks_again, plain_length
from wsanalyze.layers.recognition import Recognition
from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.route import BEGINNING as WHOLE
from wsanalyze.layers.route import PLAIN, Place, Route
from wsanalyze.observation import ProxyLogin
from wsanalyze.transport.conversation import Conversation
from wsanalyze.websocket.fields import Head

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.layers.http1_half import ENDED, HEAD, HELD, LOST

HTTP = 2


class Exchange:
    """A request that waits for its response; `attempt` where it asked for WebSocket.

    `way` is what the column `tunnel` has for a CONNECT, None for any other method; `credentials`
    says whether it brought some for the proxy.
    """

    __slots__ = ("attempt", "credentials", "method", "way")

    def __init__(
        self,
        method: str | None,
        attempt: Attempt | None,
        way: str | None = None,
        credentials: bool = False,
    ) -> None:
        self.method = method
        self.attempt = attempt
        self.way = way
        self.credentials = credentials


@cython.cclass
class Exchanges(Layer):
    """What is known of the exchanges on one HTTP/1 connection; `Http1` reads its bytes.

    `waiting` are requests without a response. `attempt` is the one that asked for WebSocket last,
    `upgrading` whether its answer is due; `connecting` the way that an open CONNECT asks for, and
    `login` what it gave the proxy. `held` is what the client sent ahead of either's answer, `early`
    what the server sent ahead of a request. `inner` reads on where the connection became another
    one.

    `missing`: bytes of side 0 and 1 before the first one.
    """

    def __init__(
        self,
        recorder: Recorder,
        conversation: Conversation,
        missing: list[int],
        route: Route = PLAIN,
        place: Place = WHOLE,
    ) -> None:
        self.recorder = recorder
        self.conversation = conversation
        self.route = route
        self.place = place
        self.low = Half()
        self.high = Half()
        self.low.offset, self.high.offset = missing
        self.client_side = -1
        self.inner: Layer | None = None
        self.waiting: deque[Exchange] = deque()
        self.attempt: Attempt | None = None
        self.upgrading = self.answer_lost = 0
        # The way that the open CONNECT asks for.
        self.connecting: str | None = None
        self.login: ProxyLogin | None = None
        self.held = Held(recorder)
        self.early = Held(recorder)
        self.given_up = 0
        self.first_ended = -1
        self.first_reset = 0
        self.presumed = 1 if place.presumed else 0
        self.previous_time = 0
        self.counted = 0
        self.blind = 0
        self.recognition: Recognition | None = None
        # The attempt whose refusal's body is kept; the one whose early bytes are being read.
        self.refused: Attempt | None = None
        self.reading: Attempt | None = None
        # Whether `inner` is HTTP/2, which keeps attempts of its own.
        self.switched = 0
        # Whether a proxy's answer was read whose CONNECT is not there.
        self.let_through = 0
        conversation.spoke = HTTP

    def overfull(self) -> bool:
        """Count what this connection holds; say whether all together hold too much."""
        held = 0
        if self.inner is None:
            # Else it was handed on: whoever reads on counts what is held of it.
            held = len(self.low.head) + len(self.high.head)
            if self.recognition is not None:
                held += self.recognition.held
        self.recorder.held += held - self.counted
        self.counted = held
        held += self.held.size + self.early.size
        if held == 0 or self.recorder.held <= self.recorder.limits.held_total:
            return False
        self.recorder.reach("held_total")
        return True

    def begin_body(self, half: Half, side: int, method: str | None, head: Head | None) -> None:
        """Set the mode for what follows a head: its body, or the next head."""
        half.begin_body(method, head)
        if half.mode == ENDED:
            self.end_body(half, side)

    def end_body(self, half: Half, side: cython.int) -> cython.int:
        """Set the mode for what follows a whole message."""
        asked: cython.bint = self.upgrading != 0 or self.connecting is not None
        half.mode = HELD if asked and side == self.client_side else HEAD
        return 0

    def end_challenge(self, half: Half) -> None:
        """Take note of the eight bytes, or of as many as there are, unless some were lost."""
        attempt = self.attempt
        if attempt is not None and attempt.challenge is not None:
            attempt.challenged(bytes(half.head))
        half.head = bytearray()

    def lose(self, half: Half) -> None:
        """Forget where a side stands: the next head has to be looked for."""
        half.head = bytearray()
        half.mode = LOST
        if self.recognition is None:
            totals = self.attempt.totals() if self.attempt is not None else None
            self.recognition = Recognition(self.recorder, totals)

    def count_held(self, length: int) -> None:
        """Count a piece that was just held in the client's offset."""
        client: Half = self.high if self.client_side else self.low
        client.offset += length

    def read_held(self) -> int:
        """Read what the client sent ahead of an answer as HTTP."""
        client = self.high if self.client_side else self.low
        pieces = self.held.release()
        self.upgrading = self.answer_lost = 0
        self.connecting = None
        if client.mode == HELD:
            client.mode = HEAD
            client.offset -= length_of(pieces)
        return replay(pieces, self)

    def asked_again(self) -> bool:
        """Say whether the client went on with HTTP: it had an answer that the capture lost."""
        if not (self.answer_lost and self.held.pieces):
            return False
        if not self.upgrading and self.connecting is None:
            return False
        return asks_again(self.held.pieces[0].data)

    def give_up(self) -> int:
        """Wait no longer for a request: read what the server sent for itself."""
        self.given_up = 1
        return self.replay_early()

    def replay_early(self) -> int:
        """Read what the server sent before its request was seen."""
        half = self.low if self.client_side else self.high
        pieces = self.early.release()
        half.mode = HEAD
        half.offset -= length_of(pieces)
        return replay(pieces, self)

    def hand_over(self, layer: Layer) -> None:
        """Let a layer read on."""
        self.inner = layer

    def release(self) -> None:
        """Hold nothing any more."""
        self.held.release()
        self.early.release()
        self.recorder.held -= self.counted
        self.counted = 0

    def plain_length(self, raw: bytes) -> int:
        """Return the body length of a common response to a request of no interest, else -1."""
        exchange = self.waiting[0] if self.waiting else None
        if exchange is None or exchange.attempt is not None:
            return -1
        return -1 if exchange.method in ("HEAD", "CONNECT") else plain_length(raw)
