"""Connections whose beginning, request or answer is not in the capture."""

from __future__ import annotations

import pytest
from support.sessions import DEFLATE, Deflater, Stage, brief, frame, http, masked, request, response

from wsanalyze.recording import Wants

REQUEST, RESPONSE = request(), response()


class TestMidStream:
    """The capture began when the connection was open: what was said before is not known."""

    def test_response_only(self) -> None:
        stage = Stage(opened=False).server(RESPONSE + frame(b"a")).client(masked(b"b"))
        stage.finish()
        row = stage.connection
        assert (row.outcome, row.requested, row.request_packet) == ("unseen", None, None)
        assert (row.http_version, row.response_packet) == (None, 1)
        assert brief(stage.frames, "sender", "offset") == [(0, 0), (1, len(RESPONSE))]

    def test_response_only_with_compression(self) -> None:
        """What was offered is not known: what the server chose is in use."""
        stage = Stage(opened=False).server(response(DEFLATE))
        stage.server(frame(Deflater()(b"hello"), rsv=4))
        stage.finish()
        assert brief(stage.messages, "compressed", "payload") == [(1, b"hello")]

    def test_a_body_first(self) -> None:
        stage = Stage(opened=False).server(b"<p>rest of a body</p>\r\n")
        stage.client(REQUEST).server(RESPONSE).client(masked(b"a"))
        stage.finish()
        assert (stage.connection.outcome, stage.connection.client_frames) == ("established", 1)

    @pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
    def test_another_response_then_an_upgrade(self, status: str) -> None:
        stage = Stage(opened=False)
        stage.server(http(f"HTTP/1.1 {status}", "Content-Length: 2", body=b"ok"))
        stage.client(REQUEST).server(RESPONSE).client(masked(b"a"))
        stage.finish()
        assert stage.connection.outcome == "established"
        assert stage.connection.client_frames == 1


class TestWhatIsMissing:
    """Heads and answers that the capture lost: frames tell what was said."""

    def test_in_the_request(self) -> None:
        stage = Stage().client(REQUEST[:40]).gap(0, 20).client(REQUEST[60:]).server(RESPONSE)
        stage.server(frame(b"a")).client(masked(b"b"))
        stage.finish()
        row = stage.connection
        assert (row.outcome, row.server_frames) == ("unseen", 1)

    def test_in_the_response(self) -> None:
        stage = Stage().client(REQUEST).server(RESPONSE[:40]).gap(1, 20).server(RESPONSE[60:])
        stage.client(masked(b"b")).server(frame(b"a")).client(masked(b"c"))
        stage.finish()
        row = stage.connection
        assert (row.outcome, row.client_frames, row.server_frames) == ("unseen", 2, 0)
        assert brief(stage.frames, "offset") == [(len(REQUEST),), (len(REQUEST) + 7,)]

    def test_of_the_whole_response(self) -> None:
        stage = Stage().client(REQUEST, masked(b"b")).gap(1, len(RESPONSE)).server(frame(b"a"))
        stage.finish()
        row = stage.connection
        assert (row.outcome, row.client_frames, row.server_frames) == ("unseen", 1, 0)


class TestNoAnswer:
    """The client goes on, and nothing of the server is in the capture."""

    def test_of_a_server_that_may_have_sent_one(self) -> None:
        stage = Stage().client(REQUEST).end(1).client(masked(b"hello"))
        stage.finish()
        assert (stage.connection.outcome, stage.connection.client_frames) == ("unseen", 1)

    def test_of_a_server_that_closed_without_a_byte(self) -> None:
        """As libcurl does, which writes its first frame to whom it is connected with."""
        stage = Stage(wants=Wants(observe=True)).client(REQUEST).end(1).client(masked(b"hello"))
        stage.conversation.high.syn = stage.conversation.high.ended = 1
        stage.finish()
        row = stage.connection
        assert (row.outcome, row.ended_by) == ("unanswered", "server-fin")
        assert (row.client_frames, stage.frames) == (0, [])
        assert row.observation is not None
        (early,) = row.observation.of("early")
        assert (early.packet, early.value, early.payload) == (3, 11, masked(b"hello"))
