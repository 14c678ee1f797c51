# cython: language_level=3, wraparound=False, initializedcheck=False
"""HTTP/1: exchanges on one connection, followed until one of them becomes a WebSocket session."""

from __future__ import annotations

from collections import deque

from wsanalyze.buffer import Buffer
from wsanalyze.layer import Layer
from wsanalyze.layers.attempt import Attempt
from wsanalyze.layers.http1_half import Half
from wsanalyze.layers.http1_lines import (
    are_frames,
    asks_again,
    begins_segment,
    has_body,
    is_hello,
    lets_through,
    login_of,
    plain_length,
    way_of,
)
from wsanalyze.layers.http2_begin import LINE, begins_http2, open_http2
from wsanalyze.layers.old_session import OldSession
from wsanalyze.layers.recognition import Recognition
from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.route import BEGINNING as WHOLE
from wsanalyze.layers.route import PLAIN, Place, Route
from wsanalyze.layers.session import Session
from wsanalyze.layers.tunnel import inside, opener, refuse
from wsanalyze.layers.undecided import Undecided, is_in_doubt
from wsanalyze.observation import ProxyLogin
from wsanalyze.transport.conversation import Conversation
from wsanalyze.tunnels.way import DEEPEST, depth
from wsanalyze.websocket.challenge import BODY_LENGTH
from wsanalyze.websocket.fields import Head
from wsanalyze.websocket.handshake import hixie_dialect, is_interim, is_upgrade_request
from wsanalyze.websocket.head import mentions_websocket, read_head

try:
    import cython
except ImportError:
    from wsanalyze.uncompiled import cython
if not cython.compiled:
    from wsanalyze.layers.http1_half import (
        CHALLENGE,
        CHUNKED,
        EARLY,
        ENDED,
        GOES_ON,
        HEAD,
        HELD,
        LENGTH,
        LOST,
        TOO_LONG,
        UNTIL_CLOSE,
    )

HTTP = 2
OTHER = 4
# What the column `tunnel` has for a CONNECT that is not in the capture.
CONNECT = "CONNECT"

# Bytes that are held, or how many are missing as in `gap`; time, packet and ordinal as a layer's
# calls have.
Piece = tuple[bytes, int, int, int, int]

# What a held piece costs besides its bytes.
PIECE_OVERHEAD = 256


class Exchange:
    """A request that waits for its response; `attempt` where it asked for WebSocket.

    `way` is what the column `tunnel` has for a CONNECT, None for any other method.
    """

    __slots__ = ("attempt", "method", "way")

    def __init__(self, method: str | None, attempt: Attempt | None, way: str | None = None) -> None:
        self.method = method
        self.attempt = attempt
        self.way = way


@cython.final
@cython.cclass
class Http1(Layer):
    """Reads HTTP/1 messages of both sides, skipping bodies, and opens the Session behind a 101.

    What the client sends after an upgrade request is held until the answer tells what it is. A
    response without a request, and what follows it, is held until the request comes: captures put
    packets of the two sides into the wrong order now and then. Where none will come (`given_up`),
    the response is read for itself. `missing`: bytes of side 0 and 1 before the first one.

    Behind a CONNECT the client's bytes are held in the same way. What is in the tunnel that its
    answer opens (RFC 9110 §9.3.6) is a Probe's.
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
        self.held: list[Piece] = []
        self.held_bytes = 0
        self.early: list[Piece] = []
        self.early_bytes = 0
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

    def data(
        self,
        side: cython.int,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.int:
        """Read the next bytes of one side."""
        half: Half
        done: cython.int
        if self.inner is not None:
            return self.inner.data(side, buffer, start, stop, time, packet, ordinal)
        if self.blind and self.attempt is None:
            http2 = self.as_http2(buffer, start, stop)
            if http2 is not None:
                return http2.data(side, buffer, start, stop, time, packet, ordinal)
        half = self.high if side else self.low
        if half.mode == LENGTH and half.remaining > stop - start and self.refused is None:
            half.remaining -= stop - start
            half.offset += stop - start
            return 0
        done = self.take(half, side, buffer, start, stop, time, packet, ordinal)
        self.previous_time = time
        if done or self.overfull():
            # Nobody will call again: an attempt that is still open ends here.
            self.finish(1)
            return 1
        return 0

    def as_http2(self, buffer: Buffer, start: int, stop: int) -> Layer | None:
        """Return who reads on where frames of HTTP/2 begin here; asked while nothing is known."""
        if not begins_http2(buffer.copy(start, stop), blind=True):
            return None
        asked_by = opener(self.conversation, self.place)
        http2 = open_http2(
            self.recorder, self.conversation, self.route, client_side=asked_by, midstream=True
        )
        if http2 is None:
            return None
        self.inner = http2
        self.switched = 1
        self.blind = 0
        self.recognition = None
        self.overfull()
        return self.inner

    def overfull(self) -> bool:
        """Count what this connection holds; say whether all together hold too much."""
        held = 0
        if self.inner is None:
            # Else it was handed on: whoever reads on counts what is held of it.
            held = len(self.low.head) + len(self.high.head) + self.held_bytes + self.early_bytes
            if self.recognition is not None:
                held += self.recognition.held
        self.recorder.held += held - self.counted
        self.counted = held
        if held == 0 or self.recorder.held <= self.recorder.limits.held_total:
            return False
        self.recorder.reach("held_total")
        return True

    def take(
        self,
        half: Half,
        side: cython.int,
        buffer: Buffer,
        start: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.int:
        """Read bytes according to the mode that the side is in, over message ends."""
        at: cython.Py_ssize_t = start
        before: cython.Py_ssize_t
        while at < stop:
            before = at
            if half.mode == HEAD:
                at = self.head(half, side, buffer, at, stop, time, packet, ordinal)
                if at < 0:
                    return 1
            else:
                at = self.body(half, side, buffer, at, stop, time, packet, ordinal)
                if at < 0:
                    return 1
                half.offset += at - before
            if self.inner is not None:
                if at < stop:
                    return self.first_data(side, buffer, at, stop, time, packet, ordinal)
                return 0
        return 0

    def first_data(
        self, side: int, buffer: Buffer, at: int, stop: int, time: int, packet: int, ordinal: int
    ) -> int:
        """Hand on what came in the same segment as the head that opened the session."""
        inner = self.inner
        if inner is None:
            return 0
        done = inner.data(side, buffer, at, stop, time, packet, ordinal)
        if isinstance(inner, Session) and self.attempt is not None and side != self.client_side:
            observation = self.attempt.connection.observation
            if observation is not None:
                observation.with_response = inner.sender(1).frames
        return done

    def body(
        self,
        half: Half,
        side: cython.int,
        buffer: Buffer,
        at: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.Py_ssize_t:
        """Read on where no head is due; return where reading stopped, -1 to let go."""
        if self.refused is not None and side != self.client_side:
            self.refused.refused_with(buffer.copy(at, stop if stop - at < 512 else at + 512))
        if half.mode == LENGTH or half.mode == CHUNKED:
            at = half.step(buffer, at, stop)
            if half.mode == ENDED:
                self.end_body(half, side)
            return at
        if half.mode == HELD:
            return self.hold(buffer, at, stop, time, packet, ordinal)
        if half.mode == EARLY:
            return self.hold_early(half, buffer, at, stop, time, packet, ordinal)
        if half.mode == LOST:
            return self.recover(half, side, buffer, at, stop, time, packet, ordinal)
        if half.mode == CHALLENGE:
            return self.challenge(half, side, buffer, at, stop)
        return stop

    def head(
        self,
        half: Half,
        side: cython.int,
        buffer: Buffer,
        at: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.Py_ssize_t:
        """Read on in a head; return where reading stopped, -1 to let the connection go.

        Whoever a head opens needs the stream's offset behind it: it is counted here.
        """
        before: cython.Py_ssize_t
        end: cython.Py_ssize_t
        at = half.between(buffer, at, stop) if not half.head else at
        if at == stop:
            return at
        before = len(half.head)
        if before == 0:
            half.begin(self.previous_time, time, packet, ordinal)
        end = half.add(buffer, at, stop, self.recorder.limits.head, self.blind)
        if end == GOES_ON:
            return stop
        if end < 0:
            if end == TOO_LONG:
                self.recorder.reach("head")
            return self.stray(half, side, buffer, at, stop, before, time, packet, ordinal)
        raw = bytes(half.head[:end])
        half.head = bytearray()
        half.offset += end - before
        if self.message(half, side, raw):
            return -1
        return at + (end - before)

    def stray(
        self,
        half: Half,
        side: int,
        buffer: Buffer,
        at: int,
        stop: int,
        before: int,
        time: int,
        packet: int,
        ordinal: int,
    ) -> int:
        """Go on where a head was due and something else came: -1 unless an attempt was seen.

        A conversation that is read blindly may be anything, from the first byte that was kept on.
        """
        if self.blind:
            del half.head[before:]
            self.astray()
            found = self.recover(half, side, buffer, at, stop, time, packet, ordinal)
            half.offset += stop - at
            return -1 if found < 0 else stop
        if self.let_through and before == 0 and is_hello(buffer.copy(at, stop)):
            return at if self.go_through_unasked(side) else -1
        half.offset += stop - at
        half.head = bytearray()
        half.mode = LOST
        if self.attempt is None and not self.waiting:
            self.conversation.spoke = OTHER
            return -1
        if self.client_side < 0 or (self.attempt is None and side == self.client_side):
            return -1
        return stop

    def begin_blind(self) -> None:
        """Read a conversation of which the beginning is not there."""
        self.blind = 1
        self.recognition = Recognition(self.recorder)

    def astray(self) -> None:
        """Look for frames in what was kept of heads, which are none."""
        self.conversation.spoke = OTHER
        half: Half
        for side in (0, 1):
            half = self.high if side else self.low
            kept = bytes(half.head)
            half.head = bytearray()
            half.mode = LOST
            if kept and self.recognition is not None:
                offset = half.offset - len(kept)
                self.recognition.data(
                    side, Buffer(kept), 0, len(kept), offset, half.time, half.packet, half.ordinal
                )

    def message(self, half: Half, side: int, raw: bytes) -> int:
        """Take a whole head; return 1 to let the connection go."""
        begun_blind = self.blind
        if self.blind:
            self.blind = 0
            self.recognition = None
            self.conversation.spoke = HTTP
        if raw.startswith(LINE) and not self.waiting:
            return self.switch(side, rest=6)
        if not raw.startswith(b"HTTP/"):
            if self.client_side < 0:
                self.client_side = side
            if side != self.client_side:
                return 1
            return self.request(half, raw)
        if self.client_side < 0:
            self.client_side = opener(self.conversation, self.place)
        if self.client_side < 0:
            self.client_side = 1 - side
            self.given_up = 1
        if side == self.client_side:
            return 1
        first = self.presumed or half.before == 0
        if first and self.answers_lost_connect(raw, begun_blind):
            self.let_through = 1
            half.mode = HEAD
            return 0
        if not self.waiting and not self.given_up:
            self.early.append((raw, 0, half.time, half.packet, half.ordinal))
            self.early_bytes = len(raw)
            half.mode = EARLY
            return 0
        return self.response(half, raw)

    def answers_lost_connect(self, raw: bytes, begun_blind: int) -> bool:
        """Say whether a server's first head opens the tunnel that is being read.

        Its CONNECT was not captured, or the answer was thought to be lost. What is in the tunnel
        follows.
        """
        client: Half = self.high if self.client_side else self.low
        lost = client.offset > self.place.offsets[self.client_side]
        presumed, self.presumed = self.presumed, 0
        if not presumed and (self.waiting or not (begun_blind or lost)):
            return False
        return lets_through(raw)

    def request(self, half: Half, raw: bytes) -> int:
        """Take a request's head."""
        attempt: Attempt | None = None
        head: Head | None = None
        if self.attempt is not None:
            self.observe_request(self.attempt)
        method: str | None = raw.partition(b" ")[0].decode("latin-1")
        if mentions_websocket(raw):
            head = read_head(raw)
            if is_upgrade_request(head) and self.recorder.has_room():
                attempt = self.begin(half)
                attempt.asked(head)
                method = head.method
        if head is None and has_body(raw):
            head = read_head(raw)
        self.upgrading = attempt is not None
        self.connecting = self.login = None
        if method == "CONNECT":
            self.connecting = way_of(raw)
            what = login_of(raw)
            self.login = None if what is None else ProxyLogin(what, half.time, half.packet)
        self.answer_lost = 0
        self.given_up = 0
        self.waiting.append(Exchange(method, attempt, self.connecting))
        if len(self.waiting) > self.recorder.limits.pipelined:
            self.recorder.reach("pipelined")
            return 1
        if attempt is not None and attempt.challenges:
            # Whatever the head says of a body: these bytes are not told by it (hixie-76 §4.1).
            half.mode = CHALLENGE
            half.remaining = BODY_LENGTH
        else:
            self.begin_body(half, self.client_side, None, head)
        if self.early:
            return self.replay_early()
        return 0

    def observe_request(self, before: Attempt) -> None:
        """Take note of a request behind an attempt on the same connection."""
        observation = before.connection.observation
        self.refused = None
        if observation is None:
            return
        if self.reading is before:
            observation.pipelined += 1
        observation.requests_after += 1

    def begin(self, half: Half, totals: list[int] | None = None) -> Attempt:
        """Begin an attempt, which ends the one before it on this connection.

        `totals`: the conversation's counts where that one ended, if that is not here.
        """
        before = self.attempt
        if before is not None:
            before.connection.ended_by = None
            before.settle(half.before, totals)
        else:
            before = self.place.before
        attempt = Attempt(
            self.recorder,
            self.conversation,
            self.client_side,
            before,
            time=half.time,
            packet=half.packet,
            ordinal=half.ordinal,
            route=self.route,
        )
        if totals is not None:
            attempt.counted = totals
        self.attempt = attempt
        return attempt

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

    def challenge(
        self,
        half: Half,
        side: cython.int,
        buffer: Buffer,
        at: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
    ) -> cython.Py_ssize_t:
        """Read on in the eight bytes behind a head of Hixie-76; return where reading stopped."""
        at = half.step(buffer, at, stop)
        if half.remaining == 0:
            self.end_challenge(half)
            self.end_body(half, side)
        return at

    def end_challenge(self, half: Half) -> None:
        """Take note of the eight bytes, or of as many as there are, unless some were lost."""
        attempt = self.attempt
        if attempt is not None and attempt.challenge is not None:
            attempt.challenged(bytes(half.head))
        half.head = bytearray()

    def hold(
        self,
        buffer: Buffer,
        at: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.Py_ssize_t:
        """Keep what the client sends ahead of an answer; return `stop`, -1 beyond the limit."""
        self.held_bytes += stop - at + PIECE_OVERHEAD
        self.held.append((buffer.copy(at, stop), 0, time, packet, ordinal))
        if self.held_bytes > self.recorder.limits.held:
            # What is held counts in the offset, but for this piece.
            self.count_held(stop - at)
            if self.connecting is None and self.speaks_alone():
                return stop
            self.recorder.reach("held")
            return -1
        if self.answer_lost and self.went_on():
            self.count_held(stop - at)
            return -1 if self.go_through(presumed=True) else stop
        return stop

    def count_held(self, length: int) -> None:
        """Count a piece that was just held in the client's offset."""
        client: Half = self.high if self.client_side else self.low
        client.offset += length

    def hold_early(
        self,
        half: Half,
        buffer: Buffer,
        at: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.Py_ssize_t:
        """Keep what the server sends ahead of a request; beyond the limit, wait no longer."""
        self.early_bytes += stop - at + PIECE_OVERHEAD
        if self.early_bytes > self.recorder.limits.held:
            self.recorder.reach("held")
            return -1 if self.give_up() else at
        self.early.append((buffer.copy(at, stop), 0, time, packet, ordinal))
        return stop

    def give_up(self) -> int:
        """Wait no longer for a request: read what the server sent for itself."""
        self.given_up = 1
        return self.replay_early()

    def replay_early(self) -> int:
        """Read what the server sent before its request was seen."""
        server = 1 - self.client_side
        half = self.high if server else self.low
        pieces, self.early = self.early, []
        self.early_bytes = 0
        half.mode = HEAD
        half.offset -= length_of(pieces)
        return self.replay(server, pieces)

    def replay(self, side: int, pieces: list[Piece]) -> int:
        """Read pieces that were held."""
        for data, missing, time, packet, ordinal in pieces:
            if missing:
                done = self.gap(side, missing, time, packet, ordinal)
            else:
                done = self.data(side, Buffer(data), 0, len(data), time, packet, ordinal)
            if done:
                return 1
        return 0

    def plain_length(self, raw: bytes) -> int:
        """Return the body length of a common response to a request of no interest, else -1."""
        exchange = self.waiting[0] if self.waiting else None
        if exchange is None or exchange.attempt is not None:
            return -1
        return -1 if exchange.method in ("HEAD", "CONNECT") else plain_length(raw)

    def response(self, half: Half, raw: bytes) -> int:
        """Take a response's head."""
        length = self.plain_length(raw)
        if length >= 0:
            self.waiting.popleft()
            half.mode = LENGTH if length else HEAD
            half.remaining = length
            return 0
        head = read_head(raw)
        server = 1 - self.client_side
        if self.asked_again():
            self.waiting.popleft()
            if self.read_held():
                return 1
        exchange = self.waiting[0] if self.waiting else None
        if is_interim(head):
            if exchange is not None and exchange.attempt is not None:
                self.interim(exchange.attempt, head)
            half.mode = HEAD
            return 0
        if exchange is None:
            return self.unasked(half, head)
        self.waiting.popleft()
        if exchange.attempt is not None and not self.tunnels(exchange, head):
            return self.conclude(half, exchange.attempt, exchange.method, head)
        if head.status == 101:
            # Only to who asked for it (RFC 7540 §3.2; RFC 9113 took it away).
            return self.switch(self.client_side) if head.has_token("upgrade", "h2c") else 1
        if exchange.way is not None:
            return self.connected(half, exchange, head)
        self.begin_body(half, server, exchange.method, head)
        return 0

    def connected(self, half: Half, exchange: Exchange, head: Head) -> int:
        """Take the final response to a CONNECT: a tunnel begins, or HTTP goes on."""
        if self.tunnels(exchange, head):
            if exchange.attempt is not None and exchange.attempt is self.attempt:
                exchange.attempt.answered(head, half.time, half.packet)
            return self.go_through()
        ends = (self.client_side, exchange.way or "", head.status, half.time, half.packet)
        refuse(self.recorder, self.conversation, self.route, *ends)
        self.connecting = None
        self.begin_body(half, 1 - self.client_side, exchange.method, head)
        return self.read_held()

    def switch(self, client_side: int, rest: int = 0) -> int:
        """Go on in HTTP/2: behind the first lines of a preface (`rest` of it is due), or a 101."""
        http2 = open_http2(self.recorder, self.conversation, self.route, client_side=client_side)
        if http2 is None:
            return 1
        if rest:
            http2.expect(rest)
        if self.attempt is not None:
            self.attempt.connection.ended_by = None
            self.attempt.settle(self.previous_time)
            self.attempt = None
        self.switched = 1
        self.inner = http2
        return 0

    def interim(self, attempt: Attempt, head: Head) -> None:
        """Keep a response that is not the last one, within the limit."""
        if len(attempt.interims) < self.recorder.limits.pipelined:
            attempt.interims.append(head)
        else:
            self.recorder.reach("pipelined")

    def tunnels(self, exchange: Exchange, head: Head) -> bool:
        """Say whether a response opens a tunnel (RFC 9110 §9.3.6)."""
        return exchange.method == "CONNECT" and head.status is not None and head.status // 100 == 2

    def go_through(self, *, presumed: bool = False) -> int:
        """Let a Probe read what both sides send from here on: they are in a tunnel.

        What the client had sent ahead comes first; it counts in its offset. `presumed`: that the
        way was opened is told by who goes on, no answer was read.
        """
        client: Half = self.high if self.client_side else self.low
        way, self.connecting = self.connecting, None
        pieces, self.held = self.held, []
        self.held_bytes = self.upgrading = 0
        client.offset -= length_of(pieces)
        self.recognition = None
        before = self.attempt
        if before is not None:
            before.connection.ended_by = None
            before.settle(client.before)
            self.attempt = None
        if way is None or depth(self.route.tunnel) >= DEEPEST:
            return 1
        offsets = (self.low.offset, self.high.offset)
        place = Place(offsets, self.client_side, before or self.place.before, presumed=presumed)
        route, login = self.route, self.login
        self.inner = inside(self.recorder, self.conversation, route, way, place, login)
        done = self.replay(self.client_side, pieces)
        if self.first_ended >= 0 and not done:
            time, packet = self.conversation.last_time, self.conversation.last_packet
            done = self.inner.end(self.first_ended, self.first_reset, time, packet)
        return done

    def go_through_unasked(self, side: int) -> bool:
        """Let a Probe read TLS behind a proxy's answer; say whether it does.

        Where the CONNECT led is not known, that there was one is (RFC 9110 §9.3.6).
        """
        if self.attempt is not None or self.waiting or depth(self.route.tunnel) >= DEEPEST:
            return False
        place = Place((self.low.offset, self.high.offset), side, self.place.before)
        self.inner = inside(self.recorder, self.conversation, self.route, CONNECT, place)
        return True

    def went_on(self) -> bool:
        """Say whether a client goes on as if its CONNECT was accepted, of which no answer is there.

        Who was refused asks again, or leaves.
        """
        if self.connecting is None or not self.held:
            return False
        return not b"CONNECT ".startswith(self.held[0][0][:8])

    def unasked(self, half: Half, head: Head) -> int:
        """Take a response whose request was not captured."""
        is_one = head.count("sec-websocket-accept") or hixie_dialect(head)
        if head.status == 101 and is_one and self.recorder.has_room():
            attempt = self.begin(half)
            attempt.connection.requested = None
            attempt.connection.request_packet = None
            attempt.answered(head, half.time, half.packet)
            self.open(attempt)
            return 0
        if head.status == 101:
            return 1
        self.begin_body(half, 1 - self.client_side, None, head)
        return 0

    def conclude(self, half: Half, attempt: Attempt, method: str | None, head: Head) -> int:
        """Take the final response of an attempt: a session begins, or HTTP goes on."""
        late = attempt is not self.attempt
        capture = self.conversation.capture
        if late:
            # It was settled without an answer when the client asked again.
            self.recorder.settle(attempt.connection, capture, -1)
        if attempt.answered(head, half.time, half.packet):
            if late:
                self.resume(half, attempt)
            self.open(attempt)
            return 0
        if late:
            self.recorder.settle(attempt.connection, capture)
        self.upgrading = 0
        client = self.high if self.client_side else self.low
        if client.mode == CHALLENGE and client.remaining == BODY_LENGTH:
            # Nothing came of the eight bytes: somebody on the way kept them.
            client.mode = HEAD
        self.refused = attempt if attempt.connection.observation is not None else None
        self.reading = attempt
        self.begin_body(half, 1 - self.client_side, method, head)
        done = self.read_held()
        self.reading = None
        return done

    def resume(self, half: Half, attempt: Attempt) -> None:
        """Let an attempt that was answered late be the open one, and end the one after it."""
        later = self.attempt
        if later is not None:
            later.connection.ended_by = None
            later.settle(half.before)
        self.attempt = attempt

    def read_held(self) -> int:
        """Read what the client sent ahead of an answer as HTTP."""
        client = self.high if self.client_side else self.low
        pieces, self.held = self.held, []
        self.held_bytes = 0
        self.upgrading = self.answer_lost = 0
        self.connecting = None
        if client.mode == HELD:
            client.mode = HEAD
            client.offset -= length_of(pieces)
        return self.replay(self.client_side, pieces)

    def asked_again(self) -> bool:
        """Say whether the client went on with HTTP: it had an answer that the capture lost."""
        if not (self.answer_lost and self.held):
            return False
        if not self.upgrading and self.connecting is None:
            return False
        return asks_again(self.held[0][0])

    def open(self, attempt: Attempt) -> Layer:
        """Hand the connection over to a Session, with what the client sent ahead."""
        client = self.high if self.client_side else self.low
        pieces, self.held = self.held, []
        self.held_bytes = 0
        client.offset -= length_of(pieces)
        offsets = (self.low.offset, self.high.offset)
        session = Session(self.recorder, attempt.connection, self.client_side, offsets)
        framing = attempt.framing
        self.inner = session
        if attempt.request is None and is_in_doubt(attempt):
            self.inner = Undecided(session, attempt, self.client_side, self.hand_over)
        elif framing is None:
            # Whatever follows, it is not frames as RFC 6455 has them: none are made of it.
            session.unframed = 1
            session.gap(0, 0, 0, 0, 0)
            session.gap(1, 0, 0, 0, 0)
        elif framing != "rfc6455":
            self.inner = OldSession(session, attempt.connection, self.client_side)
            if client.mode == CHALLENGE:
                self.inner.expect(bytes(client.head), client.remaining)
                client.head = bytearray()
        attempt.sent_early([piece for piece in pieces if self.is_early(attempt, piece)])
        self.replay(self.client_side, pieces)
        return self.inner

    def hand_over(self, layer: Layer) -> None:
        """Let a layer read on."""
        self.inner = layer

    def is_early(self, attempt: Attempt, piece: Piece) -> bool:
        """Say whether a piece was seen before the packet that brought the response."""
        answered = attempt.connection.response_packet
        return answered is not None and piece[3] < answered

    def recover(
        self,
        half: Half,
        side: cython.int,
        buffer: Buffer,
        at: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.Py_ssize_t:
        """Look for the next head after bytes that could not be read: it begins a segment."""
        line: bytes = buffer.copy(at, stop if stop - at < 2048 else at + 2048).partition(b"\n")[0]
        if begins_segment(line):
            half.mode = HEAD
            return at
        if not self.recognized(half, side, buffer, at, stop, time, packet, ordinal):
            return -1
        if self.inner is not None:
            return stop
        attempt = self.attempt
        if (
            attempt is not None
            and self.upgrading
            and side != self.client_side
            and self.frames_follow(line)
        ):
            if self.recognition is not None:
                self.adopt(self.client_side)
                return stop
            attempt.connection.outcome = "unseen"
            self.open(attempt).gap(side, 0, time, packet, ordinal)
            return at
        return stop

    def recognized(
        self,
        half: Half,
        side: int,
        buffer: Buffer,
        at: int,
        stop: int,
        time: int,
        packet: int,
        ordinal: int,
    ) -> bool:
        """Look for frames where no head is; return False to let the connection go."""
        if self.asked_for_old():
            self.recognition = None
        recognition = self.recognition
        if recognition is None:
            return True
        recognition.data(side, buffer, at, stop, half.offset, time, packet, ordinal)
        client_side = self.frames_client()
        if client_side >= 0:
            self.adopt(client_side)
        elif recognition.exhausted:
            self.recorder.reach("midstream")
            self.recognition = None
            return not self.blind
        return True

    def asked_for_old(self) -> bool:
        """Say whether the open attempt asked for frames that a Recognition does not know."""
        attempt = self.attempt
        return attempt is not None and bool(self.upgrading) and attempt.framing != "rfc6455"

    def frames_client(self) -> int:
        """Return the side that sends a client's frames where both speak WebSocket, else -1."""
        recognition = self.recognition
        if recognition is None:
            return -1
        if not self.upgrading:
            return recognition.client_side()
        return self.client_side if recognition.server_answers(1 - self.client_side) else -1

    def speaks_alone(self) -> bool:
        """Read a client's frames where no answer is in the capture, if they are some."""
        while self.held and not self.went_on() and asks_again(self.held[0][0]):
            self.waiting.popleft()
            if self.read_held():
                return False
        attempt = self.attempt
        server: Half = self.low if self.client_side else self.high
        if not self.held or attempt is None or self.connecting is not None:
            return False
        if server.offset and not self.answer_lost:
            return False
        if not Recognition.client_goes_on(self.held, self.recorder, attempt.connection.handshake):
            return False
        attempt.connection.outcome = "unseen"
        self.open(attempt)
        return True

    def last_look(self) -> None:
        """Decide whether it was WebSocket: nothing more will come."""
        if self.held and self.connecting is None and self.speaks_alone():
            return
        if self.went_on():
            server: Half = self.low if self.client_side else self.high
            if self.answer_lost or server.offset == 0:
                self.go_through(presumed=True)
                return
        if self.recognition is None or self.asked_for_old():
            return
        if self.blind:
            self.astray()
        self.recognition.finish()
        client_side = self.frames_client()
        if client_side >= 0:
            self.adopt(client_side)

    def adopt(self, client_side: int) -> None:
        """Read a conversation as WebSocket that was recognised by its frames."""
        recognition = self.recognition
        if recognition is None:
            return
        self.recognition = None
        self.blind = 0
        pieces = recognition.pieces()
        if not pieces:
            # What was found is held no more: there was too much of it.
            self.recorder.reach("resync")
            return
        self.client_side = client_side
        attempt = self.attempt
        if attempt is None or not self.upgrading:
            if not self.recorder.has_room():
                return
            half: Half = Half()
            half.before = self.previous_time
            half.time, half.packet, half.ordinal = pieces[0][1][3:]
            attempt = self.begin(half, recognition.totals)
            attempt.connection.requested = None
            attempt.connection.request_packet = None
        attempt.connection.outcome = "unseen"
        behind = (self.low.offset, self.high.offset)
        lost = (self.low.mode != HELD, self.high.mode != HELD)
        session = self.open(attempt)
        for side in (0, 1):
            if lost[side] and isinstance(session, Session):
                offset, dropped = recognition.beginning(side, behind[side])
                session.lose_from(side, offset, dropped)
        for side, (_, data, missing, time, packet, ordinal) in pieces:
            if missing:
                session.gap(side, missing, time, packet, ordinal)
            else:
                session.data(side, Buffer(data), 0, len(data), time, packet, ordinal)

    def frames_follow(self, line: bytes) -> bool:
        """Say whether a response lost to the capture was a 101: both sides speak in frames."""
        if not self.held:
            return False
        framing = self.attempt.framing if self.attempt is not None else None
        return are_frames(self.held[0][0], line, framing)

    def gap(
        self,
        side: cython.int,
        length: cython.longlong,
        time: cython.longlong,
        packet: cython.longlong,
        ordinal: cython.longlong,
    ) -> cython.int:
        """Go on behind missing bytes: within a body of known length nothing is lost."""
        half: Half
        if self.inner is not None:
            return self.inner.gap(side, length, time, packet, ordinal)
        if side != self.client_side and self.went_on():
            # Among what is missing is the answer to a CONNECT.
            done: cython.int = self.go_through(presumed=True)
            self.overfull()
            return done or self.gap(side, length, time, packet, ordinal)
        exact: cython.bint = length >= 0
        if not exact:
            length = -length
        half = self.high if side else self.low
        half.offset += length
        if side != self.client_side:
            self.answer_lost = 1
        if self.early and side == self.client_side:
            # The request that the server's bytes wait for may be what is missing.
            self.lose(half)
            if self.give_up():
                return 1
            # Where the client's frames begin, is not known then.
            return self.inner.gap(side, 0, time, packet, ordinal) if self.inner is not None else 0
        if half.mode == HELD:
            self.held.append((b"", length if exact else -length, time, packet, ordinal))
        elif half.mode == EARLY:
            self.early.append((b"", length if exact else -length, time, packet, ordinal))
        elif half.mode == CHALLENGE:
            return self.miss_challenge(half, side, length, time, packet, ordinal)
        elif exact and half.skip(length):
            if half.mode == ENDED:
                self.end_body(half, side)
        elif half.mode != UNTIL_CLOSE:
            self.lose(half)
            if self.recognition is not None:
                self.recognition.gap(side, length, half.offset - length, time, packet, ordinal)
        return 0

    def miss_challenge(
        self, half: Half, side: int, length: int, time: int, packet: int, ordinal: int
    ) -> int:
        """Go on behind missing bytes of which the first are among the eight of Hixie-76."""
        missing = min(length, half.remaining)
        if self.attempt is not None:
            self.attempt.challenged(None)
        half.remaining -= missing
        if half.remaining == 0:
            self.end_challenge(half)
            self.end_body(half, side)
        if length == missing:
            return 0
        half.offset -= length - missing
        return self.gap(side, length - missing, time, packet, ordinal)

    def lose(self, half: Half) -> None:
        """Forget where a side stands: the next head has to be looked for."""
        half.head = bytearray()
        half.mode = LOST
        if self.recognition is None:
            totals = self.attempt.totals() if self.attempt is not None else None
            self.recognition = Recognition(self.recorder, totals)

    def end(
        self, side: cython.int, how: cython.int, time: cython.longlong, packet: cython.longlong
    ) -> cython.int:
        """Remember who ended the TCP connection first, and how."""
        if self.inner is not None:
            return self.inner.end(side, how, time, packet)
        if self.first_ended < 0:
            self.first_ended = side
            self.first_reset = how
        return 0

    def finish(self, evicted: cython.int) -> cython.int:
        """Settle the attempt that is still open."""
        if self.switched and self.inner is not None:
            self.recorder.held -= self.counted
            self.counted = 0
            return self.inner.finish(evicted)
        if self.early and self.inner is None:
            self.give_up()
        if self.inner is None:
            self.last_look()
        self.recorder.held -= self.counted
        self.counted = 0
        attempt = self.attempt
        if attempt is None:
            return self.inner.finish(evicted) if self.inner is not None else 0
        client = self.high if self.client_side else self.low
        if self.inner is None and client.mode == CHALLENGE:
            if evicted:
                attempt.challenged(None)
            self.end_challenge(client)
        self.attempt = None
        connection = attempt.connection
        if self.inner is not None:
            self.inner.finish(evicted)
        elif evicted:
            connection.ended_by = "evicted"
        # An end that came before the session began, which does not know of it.
        if connection.ended_by in ("capture-end", "evicted") and self.first_ended >= 0:
            role = "client" if self.first_ended == self.client_side else "server"
            connection.ended_by = role + ("-rst" if self.first_reset else "-fin")
        attempt.settle(self.conversation.last_time)
        return 0


def length_of(pieces: list[Piece]) -> int:
    """Return how many bytes of the stream the pieces cover, present or missing."""
    return sum(len(data) + abs(missing) for data, missing, _, _, _ in pieces)
