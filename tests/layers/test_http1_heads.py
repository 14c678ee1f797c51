"""Which request a response answers, and which attempt what follows belongs to."""

from __future__ import annotations

from collections import Counter

import pytest
from support.packets import SECOND, T0
from support.sessions import BINARY, Stage, brief, frame, http, masked, request, response

from wsanalyze.limits import Limits

REQUEST, RESPONSE = request(), response()
GET = http("GET / HTTP/1.1", "Host: a")
OK = http("HTTP/1.1 200 OK", "Content-Length: 2", body=b"ok")
REFUSED = http("HTTP/1.1 401 Unauthorized", "Content-Length: 4", body=b"none")
TRAP = REQUEST + RESPONSE + frame(b"in a body")


class TestSeveralRequests:
    """Several attempts on one connection, and other requests between them."""

    def test_401_then_again(self) -> None:
        again = request("Authorization: Basic eA==")
        stage = Stage().client(REQUEST).server(REFUSED).client(again).server(RESPONSE)
        stage.server(frame(b"a"))
        stage.finish()
        first, second = stage.connections
        assert (first.outcome, second.outcome) == ("refused", "established")
        assert (first.ended_by, second.ended_by) == (None, "capture-end")
        assert (first.ended, second.ended) == (T0 + 2 * SECOND, T0 + 5 * SECOND)
        assert [each.server_frames for each in stage.connections] == [0, 1]
        assert brief(stage.frames, "connection", "offset") == [(1, len(REFUSED) + len(RESPONSE))]

    def test_the_first_ends_before_the_seconds_first_segment(self) -> None:
        stage = Stage().client(REQUEST).server(REFUSED).client(REQUEST[:30], REQUEST[30:])
        stage.finish()
        assert stage.connections[0].ended == T0 + 2 * SECOND

    @pytest.mark.parametrize("pieces", [None, 1, 40])
    def test_pipelined_behind_a_refused_upgrade(self, pieces: int | None) -> None:
        stage = Stage(pieces=pieces).client(REQUEST + GET + REQUEST + masked(b"early"))
        stage.server(REFUSED + OK + RESPONSE + frame(b"a"))
        stage.finish()
        assert [row.outcome for row in stage.connections] == ["refused", "established"]
        assert brief(stage.frames, "connection", "sender", "offset") == [
            (1, 0, 2 * len(REQUEST) + len(GET)),
            (1, 1, len(REFUSED) + len(OK) + len(RESPONSE)),
        ]

    def test_pipelined_before_an_upgrade(self) -> None:
        stage = Stage().client(GET + GET + REQUEST + masked(b"early")).server(OK + OK + RESPONSE)
        stage.finish()
        assert stage.connection.outcome == "established"
        assert len(stage.frames) == 1

    def test_upgrades_pipelined(self) -> None:
        stage = Stage().client(REQUEST * 3).server(REFUSED * 2 + RESPONSE, frame(b"a"))
        stage.finish()
        outcomes = [row.outcome for row in stage.connections]
        assert outcomes == ["refused", "refused", "established"]
        assert brief(stage.frames, "connection") == [(2,)]

    @pytest.mark.parametrize("answers", [RESPONSE + frame(b"a"), REFUSED + RESPONSE + frame(b"a")])
    def test_an_attempt_that_is_answered_behind_the_next_request_counts_once(
        self, answers: bytes
    ) -> None:
        stage = Stage().client(REQUEST * 2).server(answers)
        stage.finish()
        (summary,) = stage.recorder.summaries
        outcomes = Counter(row.outcome for row in stage.connections)
        assert outcomes["established"] == summary.attempts_established == 1
        assert summary.attempts == len(stage.connections)
        assert summary.attempts_refused == outcomes["refused"]
        assert summary.attempts_unanswered == outcomes["unanswered"]
        assert summary.frames == len(stage.frames)

    def test_a_refused_body_until_the_connection_ends(self) -> None:
        stage = Stage().client(REQUEST).server(http("HTTP/1.1 403 No", body=TRAP)).end(1)
        stage.finish()
        row = stage.connection
        assert (row.outcome, row.ended_by, row.server_frames) == ("refused", "server-fin", 0)

    def test_tcp_counts_are_charged_to_the_attempt_in_which_they_happened(self) -> None:
        stage = Stage()
        low, high = stage.conversation.low, stage.conversation.high
        low.retransmissions = 1
        stage.client(REQUEST).server(REFUSED)
        low.retransmissions, high.retransmissions, high.out_of_order = 3, 5, 7
        stage.client(REQUEST).server(RESPONSE)
        low.lost, high.lost, low.retransmissions, low.out_of_order = 11, 13, 4, 17
        stage.finish()
        names = ("retransmissions", "out_of_order", "lost_bytes")
        found = [
            [getattr(row, f"{role}_{name}") for name in names]
            for row in stage.connections
            for role in ("client", "server")
        ]
        assert found == [[3, 0, 0], [5, 7, 0], [1, 17, 11], [0, 0, 13]]


class TestResponseFirst:
    """Captures put packets of the two sides into the wrong order now and then."""

    @pytest.mark.parametrize("pieces", [None, 1, 40])
    def test_the_101_before_its_request(self, pieces: int | None) -> None:
        stage = Stage(pieces=pieces).server(RESPONSE + frame(b"a"), frame(b"b")).client(REQUEST)
        stage.client(masked(b"c")).server(frame(b"d"))
        stage.finish()
        assert stage.connection.outcome == "established"
        at = len(RESPONSE)
        assert brief(stage.frames, "sender", "offset") == [
            (0, len(REQUEST)),
            (1, at),
            (1, at + 3),
            (1, at + 6),
        ]

    def test_its_time_is_that_of_its_own_packet(self) -> None:
        stage = Stage().server(RESPONSE).client(REQUEST)
        stage.finish()
        row = stage.connection
        assert (row.response_packet, row.request_packet) == (1, 2)
        assert (row.responded, row.requested) == (T0 + SECOND, T0 + 2 * SECOND)

    def test_another_response_before_its_request(self) -> None:
        stage = Stage().server(OK).client(GET, REQUEST).server(RESPONSE).client(masked(b"a"))
        stage.finish()
        assert stage.connection.outcome == "established"
        assert brief(stage.frames, "offset") == [(len(GET) + len(REQUEST),)]

    @pytest.mark.parametrize("before", [(GET, OK), (REQUEST, REFUSED)], ids=["get", "refused"])
    def test_the_101_before_its_request_on_a_connection_in_use(
        self, before: tuple[bytes, bytes]
    ) -> None:
        """The request's own bytes must not be read as frames."""
        stage = Stage().client(before[0]).server(before[1])
        stage.server(RESPONSE + frame(b"a")).client(REQUEST + masked(b"b")).server(frame(b"c"))
        stage.finish()
        assert stage.connections[-1].outcome == "established"
        asked, answered = len(before[0]), len(before[1])
        assert brief(stage.frames, "sender", "offset") == [
            (0, asked + len(REQUEST)),
            (1, answered + len(RESPONSE)),
            (1, answered + len(RESPONSE) + 3),
        ]

    def test_a_request_that_never_comes(self) -> None:
        stage = Stage().server(RESPONSE + frame(b"a"), frame(b"b"))
        stage.finish()
        row = stage.connection
        assert (row.outcome, row.requested, row.http_version) == ("unseen", None, None)
        assert (row.client_ip, row.server_frames) == ("192.0.2.1", 2)

    def test_a_request_that_never_comes_and_more_than_is_held(self) -> None:
        """Only one direction was captured: that must not make the connection disappear."""
        stage = Stage(limits=Limits(held=10_000)).server(RESPONSE)
        stage.server(*[frame(bytes(1000), BINARY)] * 30)
        stage.finish()
        assert stage.connection.outcome == "unseen"
        assert stage.connection.server_frames == 30

    def test_the_request_was_lost(self) -> None:
        """The client's frames behind the hole are found again; the server's are all there."""
        stage = Stage().server(RESPONSE, frame(b"a")).gap(0, len(REQUEST))
        stage.client(masked(b"lost"), masked(b"too")).server(frame(b"b"))
        stage.finish()
        row = stage.connection
        assert (row.outcome, row.server_frames) == ("unseen", 2)
        assert (row.client_frames, row.client_unread_bytes) == (2, 0)
        assert row.client_resyncs == 1

    def test_what_the_server_said_is_never_read_as_the_clients(self) -> None:
        """A response and its body wait; a hole; then a 101 whose request was not seen."""
        stage = Stage().server(OK, b"<p>and more</p>").gap(1, 50).server(RESPONSE + frame(b"a"))
        stage.finish()
        assert brief(stage.frames, "sender", "length") == [(1, 1)]

    def test_a_gap_behind_a_response_that_waits(self) -> None:
        stage = Stage().server(RESPONSE + frame(b"a")).gap(1, 4).server(frame(b"found too"))
        stage.client(REQUEST).server(frame(b"found too"))
        stage.finish()
        assert [(row["length"], row["confidence"] > 0) for row in stage.frames] == [
            (1, False),
            (9, True),
            (9, True),
        ]
