"""A stream of HTTP/2 that asked for WebSocket: an attempt, and the Session that reads its DATA."""

from __future__ import annotations

from wsanalyze.buffer import Buffer
from wsanalyze.http2.alignment import Alignment
from wsanalyze.http2.bodies import error_name
from wsanalyze.http2.frames import Place
from wsanalyze.layers.attempt import Attempt
from wsanalyze.layers.connection import GIVEN_UP
from wsanalyze.layers.held import Held, length_of, replay
from wsanalyze.layers.recognition import Recognition
from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.route import Route
from wsanalyze.layers.session import Session
from wsanalyze.multiplexing import Multiplex, Stream
from wsanalyze.observation import Ending, Observation
from wsanalyze.transport.conversation import Conversation
from wsanalyze.websocket.fields import Head
from wsanalyze.websocket.handshake import is_interim
from wsanalyze.websocket.resync import NEVER


class WebSocketStream:
    """Reads one stream from its request to its end.

    `offsets`: DATA bytes of side 0 and 1 so far. What the client sends before the answer is held.
    `losses`: bytes of each side that were lost, and may have been of any stream; what this one
    knows of it, it learns when something is next to be done: a hole costs no call per stream.
    """

    __slots__ = (
        "answer_lost",
        "answered",
        "attempt",
        "client_side",
        "conversation",
        "depth",
        "facts",
        "finished",
        "finished_in",
        "held",
        "last_time",
        "losses",
        "number",
        "offsets",
        "recorder",
        "said",
        "seen_losses",
        "session",
    )

    def __init__(
        self,
        recorder: Recorder,
        conversation: Conversation,
        client_side: int,
        number: int,
        route: Route,
        shared: Multiplex,
        place: Place,
        losses: list[int],
    ) -> None:
        time, packet, ordinal = place
        self.losses = losses
        self.seen_losses = list(losses)
        self.recorder = recorder
        self.conversation = conversation
        self.depth = route.layers
        self.client_side = client_side
        self.number = number
        self.attempt = Attempt(
            recorder,
            conversation,
            client_side,
            None,
            time=time,
            packet=packet,
            ordinal=ordinal,
            route=route,
            stream=number,
        )
        self.session: Session | None = None
        self.held = Held(recorder)
        self.answered = self.answer_lost = False
        self.finished = [False, False]
        self.finished_in = [0, 0]
        self.offsets = [0, 0]
        # How much DATA the request says that it has; None where it does not say.
        self.said: int | None = None
        self.last_time = time
        self.facts = Stream(shared, number)
        observation = self.attempt.connection.observation
        if observation is not None:
            observation.stream = self.facts

    def role(self, side: int) -> str:
        """Return who sends on a side."""
        return "client" if side == self.client_side else "server"

    def asked(self, head: Head) -> None:
        """Take the request's head."""
        self.attempt.asked(head)

    def response(self, head: Head, place: Place) -> None:
        """Take a head of the server: interim, final, or trailers."""
        self.catch_up()
        self.last_time = place[0]
        if self.answered or self.session is not None:
            return
        if is_interim(head):
            if len(self.attempt.interims) < self.recorder.limits.pipelined:
                self.attempt.interims.append(head)
            else:
                self.recorder.reach("pipelined")
            return
        self.answered = True
        early = [piece for piece in self.held.pieces if piece.packet < place[1]]
        if self.attempt.answered(head, place[0], place[1]):
            self.open()
            self.attempt.sent_early(early)
        self.held.release()

    def open(self) -> Session:
        """Begin to read frames, first of what is held."""
        pieces = self.held.release()
        offsets = list(self.offsets)
        offsets[self.client_side] -= length_of(pieces)
        session = Session(
            self.recorder, self.attempt.connection, self.client_side, (offsets[0], offsets[1])
        )
        self.session = session
        self.facts.opened = True
        self.facts.shared.open(self.number)
        replay(pieces, session)
        return session

    def begin_unseen(self) -> Session:
        """Read frames although what went before them is not in the capture."""
        self.attempt.connection.outcome = "unseen"
        return self.open()

    def recognised(
        self, recognition: Recognition, aligned: tuple[Alignment, Alignment] | None = None
    ) -> None:
        """Read frames that were found on a stream whose request is not in the capture.

        `aligned`: where they begin, if DATA tells it.
        """
        connection = self.attempt.connection
        connection.requested = connection.request_packet = None
        # When it began is not known: what TCP lost before this place may be of it.
        self.attempt.counted = [0] * len(self.attempt.counted)
        self.attempt.contested = (0, 0)
        session = self.begin_unseen()
        for side in (0, 1):
            session.lose_from(side, *recognition.beginning(side, 0))
            if aligned is not None:
                session.hold_on(side, NEVER)
        if aligned is None:
            recognition.claim(session)
        for side, (_, data, missing, time, packet, ordinal) in recognition.pieces():
            place = (time, packet, ordinal)
            if missing:
                self.gap(side, missing, place)
            else:
                self.data(side, Buffer(data), 0, len(data), place)
        for side in (0, 1):
            if aligned is not None:
                session.begin_at(side, aligned[side].starts, aligned[side].bits)

    def data(self, side: int, buffer: Buffer, start: int, stop: int, place: Place) -> None:
        """Read the next bytes of DATA."""
        self.catch_up()
        self.last_time = place[0]
        if self.recorder.streams is not None:
            streams, offset = self.recorder.streams, self.offsets[side]
            index = self.conversation.index
            streams.keep(index, self.depth, self.number, side, offset, buffer, start, stop)
        self.after_end(side, stop - start, place[1])
        if self.session is None and side != self.client_side:
            if self.answer_lost and not self.answered:
                self.begin_unseen()
            elif self.answered:
                self.attempt.refused_with(buffer.copy(start, min(stop, start + 512)))
        if self.session is not None:
            self.offsets[side] += stop - start
            self.session.data(side, buffer, start, stop, *place)
            return
        self.offsets[side] += stop - start
        if side == self.client_side and not self.answered:
            self.hold(buffer.copy(start, stop), 0, place)

    def gap(self, side: int, length: int, place: Place) -> None:
        """Learn that bytes of DATA are missing."""
        self.catch_up()
        self.offsets[side] += length
        if self.session is not None:
            self.session.gap(side, length, *place)
        elif side == self.client_side and not self.answered:
            self.hold(b"", length, place)

    def catch_up(self) -> None:
        """Learn what was lost of the connection since something was last read of this stream."""
        for side, seen in enumerate(self.seen_losses):
            if seen != self.losses[side]:
                self.lose(side)

    def lose(self, side: int) -> None:
        """Learn that it is not known how many bytes of DATA are missing."""
        self.seen_losses[side] = self.losses[side]
        if side != self.client_side:
            self.answer_lost = True
        if self.session is not None:
            self.session.lose_more(side, self.offsets[side])

    def role_of(self, side: int) -> int:
        """Return 0 for the client's side, 1 for the server's."""
        return 0 if side == self.client_side else 1

    def hold(self, data: bytes, missing: int, place: Place) -> None:
        """Keep what the client sends ahead of an answer, within the limit."""
        self.held.add(self.client_side, data, missing, *place)
        if self.held.size > self.recorder.limits.held:
            self.recorder.reach("held")
            self.held.release()
            self.answered = True

    def after_end(self, side: int, length: int, packet: int) -> None:
        """Count what is sent although the other end is done; a hole may delay what was before."""
        observation = self.attempt.connection.observation
        if not self.finished[1 - side] or packet < self.finished_in[1 - side]:
            return
        if observation is not None:
            name = f"{self.role(side)}_after_end"
            setattr(observation, name, getattr(observation, name) + length)

    def end(
        self,
        side: int,
        how: int,
        place: tuple[int, int],
        tcp: bool = False,
        code: int | None = None,
        last: int | None = None,
    ) -> None:
        """Learn that a side is done: END_STREAM or FIN (`how` 0), RST_STREAM or RST (1).

        `code` is that of a RST_STREAM; with `last` that of a GOAWAY, which ends every stream.
        """
        self.catch_up()
        if self.finished[side] and (not how or last is not None):
            return
        time, packet = place
        self.finished[side], self.finished_in[side] = True, packet
        connection = self.attempt.connection
        name = self.role(side)
        if code is not None and connection.stream_error is None:
            connection.stream_error = error_name(code)
        if connection.observation is not None and not tcp:
            connection.observation.endings.append(ending(name, how, time, packet, code, last))
        if self.session is not None:
            self.session.end(side, how, time, packet)
        elif connection.ended_by == "capture-end":
            connection.ended_by = name + ("-rst" if how else "-fin")

    def finish(self, evicted: int, last_time: int) -> None:
        """Settle the attempt: nothing more will come of this stream."""
        self.catch_up()
        connection = self.attempt.connection
        lost = self.answer_lost and not self.answered and self.held.pieces
        if self.session is None and lost:
            pieces, handshake = self.held.pieces, connection.handshake
            if Recognition.client_goes_on(pieces, self.recorder, handshake):
                self.begin_unseen()
        ended_by = connection.ended_by
        if self.session is not None:
            self.session.finish(evicted)
            if connection.ended_by in GIVEN_UP and ended_by != "capture-end":
                connection.ended_by = ended_by
        elif evicted and connection.ended_by == "capture-end":
            connection.ended_by = GIVEN_UP[evicted]
        self.held.release()
        if connection.observation is not None and not self.over:
            self.ended_by_tcp(connection.observation)
        self.attempt.settle(last_time)

    @property
    def over(self) -> bool:
        """Whether the stream has ended, and not with its connection."""
        return len(self.facts.finished) == 2 or bool(self.facts.resets)

    @property
    def was_cut(self) -> bool:
        """Whether a WebSocket ended with its connection that both ends had not said Close on."""
        observation = self.attempt.connection.observation
        if self.session is None or self.over or observation is None:
            return False
        return observation.client.close is None or observation.server.close is None

    def ended_by_tcp(self, observation: Observation) -> None:
        """Take note of how TCP ended under a stream that was open, behind what had ended of it."""
        own = list(observation.endings)
        client, server = observation.client_after_end, observation.server_after_end
        self.attempt.observe_transport(observation, *self.attempt.directions())
        observation.endings[:0] = own
        if own:
            observation.client_after_end, observation.server_after_end = client, server


def ending(
    sender: str, how: int, time: int, packet: int, code: int | None, last: int | None
) -> Ending:
    """Return the end of a stream: of what TCP tells of a segment, there is nothing."""
    return Ending(
        sender=sender,
        how="rst" if how else "fin",
        time=time,
        packet=packet,
        ttl=0,
        usual_ttl=None,
        ip_id=None,
        behind=0,
        window=0,
        has_ack=True,
        bare=True,
        stream=True,
        code=code,
        last=last,
    )
