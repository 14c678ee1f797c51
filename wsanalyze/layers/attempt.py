"""One WebSocket connection attempt from its request to its end, as a row of `connections`."""

from __future__ import annotations

from wsanalyze.layers.connection import Connection
from wsanalyze.layers.recorder import Recorder
from wsanalyze.transport.conversation import Conversation
from wsanalyze.websocket.fields import Head
from wsanalyze.websocket.handshake import Handshake
from wsanalyze.websocket.head import read_head

WEBSOCKET = 1


class Attempt:
    """Keeps the record of one attempt true while its conversation goes on.

    TCP's counts are kept per conversation: an attempt is charged with what came after the attempt
    before it on the same conversation (`counted`).
    """

    __slots__ = ("connection", "conversation", "counted", "interims", "recorder", "request")

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
    ) -> None:
        client = conversation.endpoint(client_side)
        server = conversation.endpoint(1 - client_side)
        self.conversation = conversation
        self.request: Head | None = None
        self.interims: list[Head] = []
        self.counted = before.totals() if before is not None else [0] * 8
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
            started=conversation.first_time,
            requested=time,
            request_packet=packet,
            ended=time,
        )
        connect_ns = conversation.maybe_connect_ns()
        if connect_ns is not None:
            self.connection.connect_ms = connect_ns / 1e6
        self.recorder = recorder
        recorder.begin(self.connection)
        conversation.spoke = WEBSOCKET

    def asked(self, request: Head) -> None:
        """Take note of the request's head."""
        self.request = request
        self.connection.handshake = Handshake(request)
        version = request.http_version
        self.connection.http_version = version if version in ("1.0", "1.1") else None

    def answered(self, response: Head, time: int, packet: int) -> bool:
        """Take note of the final response; return whether it switches to WebSocket."""
        connection = self.connection
        connection.responded = time
        connection.response_packet = packet
        request = self.request if self.request is not None else read_head(b"")
        handshake = Handshake(request, response, tuple(self.interims))
        connection.handshake = handshake
        # Without its request, a response cannot be judged: the handshake was not seen.
        connection.outcome = handshake.outcome if self.request is not None else "unseen"
        return handshake.succeeded

    def speaks_frames(self) -> bool:
        """Say whether what follows the handshake can be frames of RFC 6455 or its HyBi drafts.

        Not where the version is an older one, with another framing, or where the response names
        only other protocols in its Upgrade. A missing Upgrade says nothing: proxies take it away.
        """
        handshake = self.connection.handshake
        if handshake is None or handshake.response_head is None:
            return True
        named = [name.lower() for name in handshake.response_head.tokens("upgrade")]
        other = bool(named) and not any(name.startswith("websocket") for name in named)
        return not handshake.is_hixie and not other

    def totals(self) -> list[int]:
        """Return the conversation's counts so far: lost, retransmitted, late, seen twice."""
        client = self.conversation.direction(self.connection.client_direction)
        server = self.conversation.direction(1 - self.connection.client_direction)
        return [
            client.lost,
            server.lost,
            client.retransmissions,
            server.retransmissions,
            client.out_of_order,
            server.out_of_order,
            client.duplicates,
            server.duplicates,
        ]

    def settle(self, last_time: int) -> None:
        """End the attempt: its counts, and the time of the last packet that belongs to it."""
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
        ) = (now - then for now, then in zip(self.totals(), self.counted, strict=True))
        self.recorder.settle(connection, self.conversation.capture)
