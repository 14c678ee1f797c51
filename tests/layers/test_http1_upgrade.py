"""An attempt from its request to its answer: facts, frames sent ahead, and what comes of it."""

from __future__ import annotations

import pytest
from support.packets import SECOND, T0
from support.sessions import ACCEPT, Stage, brief, frame, http, masked, request, response

from wsanalyze.limits import Limits

REQUEST, RESPONSE = request(), response()
GET = http("GET / HTTP/1.1", "Host: a")
OK = http("HTTP/1.1 200 OK", "Content-Length: 2", body=b"ok")
REFUSED = http("HTTP/1.1 401 Unauthorized", "Content-Length: 4", body=b"none")

WEBSOCKET = 1


class TestTheUpgrade:
    """Request and response, and what comes with them in the same segments."""

    def test_facts_of_an_attempt(self) -> None:
        stage = Stage().client(GET).server(OK)
        stage.client(REQUEST[:9], REQUEST[9:]).server(RESPONSE[:5], RESPONSE[5:])
        stage.client(masked(b"a")).end(0).end(1)
        stage.finish()
        row = stage.connection
        assert (row.serial, row.conversation, row.tcp_stream, row.requested_ordinal) == (0, 0, 0, 3)
        assert (row.capture, row.scheme, row.http_version) == ("stage.pcap", "ws", "1.1")
        assert (row.client_ip, row.client_port) == ("192.0.2.1", 40000)
        assert (row.server_ip, row.server_port) == ("198.51.100.2", 8080)
        assert row.client_direction == 0
        assert (row.started, row.requested, row.request_packet) == (T0, T0 + 3 * SECOND, 3)
        assert (row.responded, row.response_packet) == (T0 + 5 * SECOND, 5)
        assert row.ended == T0 + 9 * SECOND
        assert row.ended_by == "client-fin"
        assert row.handshake is not None
        assert (row.handshake.target, row.handshake.accept) == ("/chat", ACCEPT)
        assert stage.conversation.spoke == WEBSOCKET

    @pytest.mark.parametrize("pieces", [None, 1, 3, 50])
    def test_frames_in_the_segment_of_the_101(self, pieces: int | None) -> None:
        stage = Stage(pieces=pieces).client(REQUEST)
        stage.server(RESPONSE + frame(b"first") + frame(b"second"))
        stage.finish()
        assert brief(stage.frames, "offset", "length") == [
            (len(RESPONSE), 5),
            (len(RESPONSE) + 7, 6),
        ]

    @pytest.mark.parametrize("pieces", [None, 1, 3, 50])
    def test_frames_of_a_client_that_did_not_wait(self, pieces: int | None) -> None:
        stage = Stage(pieces=pieces).client(REQUEST + masked(b"first"), masked(b"second"))
        stage.server(RESPONSE + frame(b"answer")).client(masked(b"third"))
        stage.finish()
        at = len(REQUEST)
        assert brief(stage.frames, "sender", "offset", "length") == [
            (0, at, 5),
            (0, at + 11, 6),
            (0, at + 23, 5),
            (1, len(RESPONSE), 6),
        ]

    def test_held_frames_keep_their_packets(self) -> None:
        stage = Stage().client(REQUEST + masked(b"first"), masked(b"second")).server(RESPONSE)
        stage.finish()
        assert brief(stage.frames, "packet", "ordinal") == [(1, 1), (2, 2)]

    def test_103_before_101(self) -> None:
        early = http("HTTP/1.1 103 Early Hints", "Link: </a>")
        stage = Stage().client(REQUEST).server(early, RESPONSE + frame(b"a"))
        stage.finish()
        handshake = stage.connection.handshake
        assert handshake is not None
        assert [head.status for head in handshake.interim_heads] == [103]
        assert brief(stage.frames, "offset") == [(len(early) + len(RESPONSE),)]
        assert stage.connection.response_packet == 3

    def test_an_upgrade_with_a_body(self) -> None:
        asked = request("Content-Length: 5") + b"12345"
        stage = Stage().client(asked + masked(b"a")).server(RESPONSE).client(masked(b"b"))
        stage.finish()
        assert brief(stage.frames, "offset") == [(len(asked),), (len(asked) + 7,)]

    @pytest.mark.parametrize("opened", [True, False])
    def test_the_client_may_be_either_end(self, opened: bool) -> None:
        stage = Stage(opened=opened)
        stage.conversation.opened_by = 1 if opened else -1
        stage.server(REQUEST).client(RESPONSE + frame(b"a")).server(masked(b"b"))
        stage.finish()
        row = stage.connection
        assert (row.client_ip, row.server_ip) == ("198.51.100.2", "192.0.2.1")
        assert (row.client_direction, row.outcome) == (1, "established")
        assert brief(stage.frames, "sender", "offset") == [(0, len(REQUEST)), (1, len(RESPONSE))]

    def test_a_101_that_breaks_the_rules_is_read_all_the_same(self) -> None:
        wrong = RESPONSE.replace(ACCEPT.encode(), b"AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        stage = Stage().client(REQUEST).server(wrong).client(masked(b"a")).server(frame(b"b"))
        stage.finish()
        assert stage.connection.outcome == "invalid"
        assert len(stage.frames) == 2

    def test_no_answer(self) -> None:
        stage = Stage().client(REQUEST)
        stage.finish()
        row = stage.connection
        assert (row.outcome, row.responded, row.ended_by) == ("unanswered", None, "capture-end")

    def test_http_1_0(self) -> None:
        stage = Stage().client(REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"))
        stage.finish()
        assert stage.connection.http_version == "1.0"


class TestMoreAttemptsThanKeepARecord:
    def test_refused_ones_are_read_as_http(self) -> None:
        stage = Stage(limits=Limits(attempts=2))
        for _ in range(5):
            stage.client(REQUEST).server(REFUSED)
        stage.finish()
        assert [each.outcome for each in stage.connections] == ["refused"] * 2
        assert stage.recorder.reached == {"attempts": 3}

    def test_one_that_is_accepted_is_let_go(self) -> None:
        stage = Stage(limits=Limits(attempts=0)).client(REQUEST).server(RESPONSE)
        assert stage.gone
        assert stage.connections == []
        assert stage.recorder.reached == {"attempts": 1}
        assert stage.recorder.held == 0

    def test_one_whose_request_was_not_captured(self) -> None:
        stage = Stage(limits=Limits(attempts=0), opened=False).server(RESPONSE + frame(b"a"))
        stage.finish()
        assert stage.connections == []
        assert stage.recorder.reached == {"attempts": 1}

    def test_one_that_is_told_by_its_frames(self) -> None:
        stage = Stage(limits=Limits(attempts=0), opened=False)
        for number in range(40):
            text = b"message number %d, some more words" % number
            stage.client(masked(text)).server(frame(text))
        stage.finish()
        assert stage.connections == []
        assert stage.recorder.reached == {"attempts": 1}
        assert stage.recorder.held == 0
