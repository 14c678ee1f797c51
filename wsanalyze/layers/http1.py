# cython: language_level=3, wraparound=False, initializedcheck=False
"""HTTP/1: exchanges on one connection, followed until one of them becomes a WebSocket session."""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.layers.connection import GIVEN_UP
from wsanalyze.layers.held import OVERHEAD
from wsanalyze.layers.http1_connect import go_through, go_through_unasked, went_on
from wsanalyze.layers.http1_exchanges import Exchanges
from wsanalyze.layers.http1_half import Half
from wsanalyze.layers.http1_heads import message
from wsanalyze.layers.http1_lines import begins_segment, is_hello
from wsanalyze.layers.http1_midstream import (
    adopt,
    as_http2,
    astray,
    frames_follow,
    last_look,
    recognized,
    speaks_alone,
)
from wsanalyze.layers.http1_upgrade import open_session, switch_to_http2
from wsanalyze.layers.http2_begin import LINE
from wsanalyze.layers.recognition import Recognition
from wsanalyze.layers.session import Session

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

OTHER = 4


@cython.final
@cython.cclass
class Http1(Exchanges):
    """Reads HTTP/1 messages of both sides, skipping bodies, and opens the Session behind a 101.

    What the client sends after an upgrade request is held until the answer tells what it is. A
    response without a request, and what follows it, is held until the request comes: captures put
    packets of the two sides into the wrong order now and then. Where none will come (`given_up`),
    the response is read for itself.

    Behind a CONNECT the client's bytes are held in the same way. What is in the tunnel that its
    answer opens (RFC 9110 §9.3.6) is a Probe's.
    """

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
            http2 = as_http2(self, buffer, start, stop)
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
        if before < len(LINE) and half.head.startswith(LINE) and not self.waiting:
            half.head = bytearray()
            done: cython.int = switch_to_http2(self, side, (half.time, half.packet))
            return -1 if done else at + len(LINE) - before
        if end == GOES_ON:
            return stop
        if end < 0:
            if end == TOO_LONG:
                self.recorder.reach("head")
            return self.stray(half, side, buffer, at, stop, before, time, packet, ordinal)
        raw = bytes(half.head[:end])
        half.head = bytearray()
        half.offset += end - before
        if message(self, half, side, raw):
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
            astray(self)
            found = self.recover(half, side, buffer, at, stop, time, packet, ordinal)
            half.offset += stop - at
            return -1 if found < 0 else stop
        if self.let_through and before == 0 and is_hello(buffer.copy(at, stop)):
            return at if go_through_unasked(self, side) else -1
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
        self.held.add(self.client_side, buffer.copy(at, stop), 0, time, packet, ordinal)
        if self.held.size > self.recorder.limits.held:
            # What is held counts in the offset, but for this piece.
            self.count_held(stop - at)
            if self.connecting is None and speaks_alone(self):
                return stop
            self.recorder.reach("held")
            return -1
        if self.answer_lost and went_on(self):
            self.count_held(stop - at)
            return -1 if go_through(self, presumed=True) else stop
        return stop

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
        if self.early.size + stop - at + OVERHEAD > self.recorder.limits.held:
            self.recorder.reach("held")
            return -1 if self.give_up() else at
        self.early.add(1 - self.client_side, buffer.copy(at, stop), 0, time, packet, ordinal)
        return stop

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
        if not recognized(self, half, side, buffer, at, stop, time, packet, ordinal):
            return -1
        if self.inner is not None:
            return stop
        attempt = self.attempt
        if (
            attempt is not None
            and self.upgrading
            and side != self.client_side
            and frames_follow(self, line)
        ):
            if self.recognition is not None:
                adopt(self, self.client_side)
                return stop
            attempt.connection.outcome = "unseen"
            open_session(self, attempt).gap(side, 0, time, packet, ordinal)
            return at
        return stop

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
        if side != self.client_side and went_on(self):
            # Among what is missing is the answer to a CONNECT.
            done: cython.int = go_through(self, presumed=True)
            self.overfull()
            return done or self.gap(side, length, time, packet, ordinal)
        exact: cython.bint = length >= 0
        if not exact:
            length = -length
        half = self.high if side else self.low
        half.offset += length
        if side != self.client_side:
            self.answer_lost = 1
        if self.early.pieces and side == self.client_side:
            # The request that the server's bytes wait for may be what is missing.
            self.lose(half)
            if self.give_up():
                return 1
            # Where the client's frames begin, is not known then.
            return self.inner.gap(side, 0, time, packet, ordinal) if self.inner is not None else 0
        if half.mode == HELD:
            self.held.add(side, b"", length if exact else -length, time, packet, ordinal)
        elif half.mode == EARLY:
            self.early.add(side, b"", length if exact else -length, time, packet, ordinal)
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
            self.release()
            return self.inner.finish(evicted)
        if self.early.pieces and self.inner is None:
            self.give_up()
        if self.inner is None:
            last_look(self)
        self.release()
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
            connection.ended_by = GIVEN_UP[evicted]
        # An end that came before the session began, which does not know of it.
        if connection.ended_by in GIVEN_UP and self.first_ended >= 0:
            role = "client" if self.first_ended == self.client_side else "server"
            connection.ended_by = role + ("-rst" if self.first_reset else "-fin")
        attempt.settle(self.conversation.last_time)
        return 0
