"""One WebSocket connection attempt from its request to its end, as a row of `connections`."""

from __future__ import annotations

from dataclasses import replace

from wsanalyze.layers.connection import Connection
from wsanalyze.layers.held import Piece, length_of
from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.route import PLAIN, Route
from wsanalyze.observation import Ending, Event, Observation, Side
from wsanalyze.transport.conversation import Conversation, EndingFacts
from wsanalyze.transport.reassembly import Direction
from wsanalyze.websocket.fields import Head
from wsanalyze.websocket.handshake import Handshake
from wsanalyze.websocket.head import read_head

WEBSOCKET = 1

# What was noticed of an end that has sent no frames. Nobody writes to it.
NOTHING = Side()

# What is kept of a refusal's body: a proxy's error page says who it is in its first lines.
KEPT_BODY = 512


class Attempt:
    """Keeps the record of one attempt true while its conversation goes on.

    TCP's counts are kept per conversation: an attempt is charged with what came after the attempt
    before it on the same conversation (`counted`, `contested`), one on a `stream` of HTTP/2 with
    what came since its request.
    """

    __slots__ = (
        "challenge",
        "connection",
        "contested",
        "conversation",
        "counted",
        "interims",
        "recorder",
        "request",
        "sealed",
        "segments",
    )

    def __init__(
        self,
        recorder: Recorder,
        conversation: Conversation,
        client_side: int,
        before: Attempt | None,
        *,
        time: int,
        packet: int,
        ordinal: int,
        route: Route = PLAIN,
        stream: int | None = None,
    ) -> None:
        client = conversation.endpoint(client_side)
        server = conversation.endpoint(1 - client_side)
        self.conversation = conversation
        self.request: Head | None = None
        self.segments = (0, 0)
        self.interims: list[Head] = []
        # What is behind the request's head where Hixie-76 has eight bytes; None where it was lost.
        self.challenge: bytes | None = b""
        self.counted = before.totals() if before is not None else [0] * 12
        self.contested = before.kept_conflicts() if before is not None else (0, 0)
        self.sealed = (0, 0)
        self.connection = Connection(
            serial=recorder.attempts,
            requested_ordinal=ordinal,
            capture=recorder.summaries[conversation.capture].capture,
            conversation=conversation.index,
            tcp_stream=conversation.index,
            client_ip=client[0],
            client_port=client[1],
            server_ip=server[0],
            server_port=server[1],
            client_direction=client_side,
            scheme=route.scheme,
            tunnel=route.tunnel,
            told_tls=route.told_tls,
            proxy_logins=route.logins,
            tls=route.tls,
            http_stream=stream,
            http_version="2" if stream is not None else None,
            started=conversation.first_time,
            requested=time,
            request_packet=packet,
            ended=time,
        )
        connect_ns = conversation.maybe_connect_ns()
        if connect_ns is not None:
            self.connection.connect_ms = connect_ns / 1e6
        if recorder.observe:
            self.connection.observation = Observation(NOTHING, NOTHING)
        self.recorder = recorder
        if before is not None or stream is not None:
            self.sealed = self.sealed_so_far()
        if stream is not None:
            self.counted = self.totals()
            self.contested = self.kept_conflicts()
        recorder.begin(self.connection)
        conversation.spoke = WEBSOCKET

    def asked(self, request: Head) -> None:
        """Take note of the request's head."""
        self.request = request
        self.connection.handshake = Handshake(request, challenge=self.challenge)
        version = request.http_version
        self.connection.http_version = version if version in ("1.0", "1.1", "2") else None

    @property
    def challenges(self) -> bool:
        """Whether eight bytes of Hixie-76 are due behind the request's head."""
        handshake = self.connection.handshake
        return handshake is not None and handshake.has_challenge

    def challenged(self, challenge: bytes | None) -> None:
        """Take note of the eight bytes behind the request's head, or of as many as there are."""
        self.challenge = challenge
        handshake = self.connection.handshake
        if handshake is not None:
            self.connection.handshake = replace(handshake, challenge=challenge)

    def answered(self, response: Head, time: int, packet: int) -> bool:
        """Take note of the final response; return whether it switches to WebSocket."""
        connection = self.connection
        connection.responded = time
        client, server = self.directions()
        self.segments = (segments_of(client), segments_of(server))
        connection.response_packet = packet
        request = self.request if self.request is not None else read_head(b"")
        handshake = Handshake(request, response, tuple(self.interims), self.challenge)
        connection.handshake = handshake
        # Without its request, a response cannot be judged: the handshake was not seen.
        connection.outcome = handshake.outcome if self.request is not None else "unseen"
        self.recorder.move(connection)
        return handshake.succeeded

    @property
    def framing(self) -> str | None:
        """What the frames behind the handshake look like (see `Handshake.framing`)."""
        handshake = self.connection.handshake
        return handshake.framing if handshake is not None else "rfc6455"

    def directions(self) -> tuple[Direction, Direction]:
        """Return what the client sent, and the server."""
        side = self.connection.client_direction
        return self.conversation.direction(side), self.conversation.direction(1 - side)

    def kept_conflicts(self) -> tuple[int, int]:
        """Return how many conflicts of the client and of the server are kept so far."""
        client, server = self.directions()
        return len(client.contested or ()), len(server.contested or ())

    def sealed_so_far(self) -> tuple[int, int]:
        """Return how many bytes of TLS around it no key has opened so far, of either end."""
        tls = self.connection.tls
        return (0, 0) if tls is None else (tls.client_sealed, tls.server_sealed)

    def totals(self) -> list[int]:
        """Return the conversation's counts so far, in the order of `settle`."""
        client, server = self.directions()
        return [
            client.lost,
            server.lost,
            client.retransmissions,
            server.retransmissions,
            client.out_of_order,
            server.out_of_order,
            client.duplicates,
            server.duplicates,
            client.conflicts,
            server.conflicts,
            client.cut_off,
            server.cut_off,
        ]

    def settle(self, last_time: int, totals: list[int] | None = None) -> None:
        """End the attempt: its counts, and the time of the last packet that belongs to it.

        `totals`: the conversation's counts where it ended, if that is not here.
        """
        connection = self.connection
        connection.ended = last_time
        (
            connection.client_lost_bytes,
            connection.server_lost_bytes,
            connection.client_retransmissions,
            connection.server_retransmissions,
            connection.client_out_of_order,
            connection.server_out_of_order,
            connection.client_duplicates,
            connection.server_duplicates,
            connection.client_conflicts,
            connection.server_conflicts,
            connection.client_cut_bytes,
            connection.server_cut_bytes,
        ) = (now - then for now, then in zip(totals or self.totals(), self.counted, strict=True))
        client_sealed, server_sealed = self.sealed_so_far()
        connection.client_unread_bytes += client_sealed - self.sealed[0]
        connection.server_unread_bytes += server_sealed - self.sealed[1]
        client, server = self.directions()
        # What ends a stream of HTTP/2, the layer knows that reads it.
        if connection.observation is not None and connection.http_stream is None:
            self.observe_transport(connection.observation, client, server)
        connection.client_contested = self.recorder.contested(client, self.contested[0])
        connection.server_contested = self.recorder.contested(server, self.contested[1])
        self.recorder.settle(connection, self.conversation.capture)

    def observe_transport(
        self, observation: Observation, client: Direction, server: Direction
    ) -> None:
        """Write what TCP knows of the end, and of closed windows."""
        observation.client_zero_windows = client.zero_windows
        observation.server_zero_windows = server.zero_windows
        observation.client_window_zero_ns = client.zero_ns
        observation.server_window_zero_ns = server.zero_ns
        observation.client_unfilled = bool(client.unfilled)
        observation.server_unfilled = bool(server.unfilled)
        observation.client_end_missing = end_missing(client)
        observation.server_end_missing = end_missing(server)
        observation.client_segments = segments_of(client) - self.segments[0]
        observation.server_segments = segments_of(server) - self.segments[1]
        # An attempt that is answered late is settled twice.
        observation.endings.clear()
        if self.conversation.endings:
            self.observe_endings(observation, self.conversation.endings, client, server)

    def observe_endings(
        self,
        observation: Observation,
        endings: list[EndingFacts],
        client: Direction,
        server: Direction,
    ) -> None:
        """Write each FIN and RST, and what came from the other end after the first of an end's."""
        side = self.connection.client_direction
        ended, was_reset = [], []
        for facts in endings:
            ending = ending_of(facts, side)
            observation.endings.append(ending)
            sender = ending.sender
            from_client = sender == "client"
            then = facts[11:13] if side == 0 else facts[12:10:-1]
            if ending.how == "rst" and sender not in was_reset:
                was_reset.append(sender)
                own = client.next - then[0] if from_client else server.next - then[1]
                setattr(observation, f"{sender}_after_own_reset", max(own, 0))
            if sender not in ended:
                ended.append(sender)
                if from_client:
                    observation.server_after_end = max(server.next - then[1], 0)
                else:
                    observation.client_after_end = max(client.next - then[0], 0)

    def sent_early(self, pieces: list[Piece]) -> None:
        """Take note of what the client sent behind its request before the answer came."""
        observation = self.connection.observation
        if observation is None or not pieces:
            return
        first, count = pieces[0], length_of(pieces)
        observation.events.append(
            Event(
                "early",
                "client",
                first.time,
                first.packet,
                None,
                payload=first.data[:64],
                value=count,
            )
        )
        observation.counts["early", "client"] = 1

    def refused_with(self, body: bytes) -> None:
        """Keep the first bytes of a refusal's body."""
        observation = self.connection.observation
        if observation is not None and len(observation.body) < KEPT_BODY:
            observation.body += body[: KEPT_BODY - len(observation.body)]


def end_missing(direction: Direction) -> bool:
    """Say whether the capture lacks the last of what was sent: a FIN, or bytes before it."""
    if direction.fin < 0:
        return direction.acked > direction.highest
    return direction.fin > direction.next


def segments_of(direction: Direction) -> int:
    """Return how many segments brought payload that no other had brought."""
    again = direction.retransmissions + direction.duplicates + direction.keep_alives
    return max(direction.loaded - again, 0)


def ending_of(facts: EndingFacts, client_side: int) -> Ending:
    """Return a FIN or RST with the ends' names."""
    side, reset, time, packet, ttl, usual, identification, behind, window, acks, length = facts[:11]
    # In the order of their declaration, as each connection has two.
    return Ending(
        "client" if side == client_side else "server",
        "rst" if reset else "fin",
        time,
        packet,
        ttl,
        usual if usual >= 0 else None,
        identification if identification >= 0 else None,
        behind,
        window,
        bool(acks),
        length == 0,
        again=facts[13],
    )
