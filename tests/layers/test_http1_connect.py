"""A CONNECT: answered, refused, or with a request or an answer that is missing."""

from __future__ import annotations

import pytest
from support.dialogues import Script
from support.packets import SECOND
from support.sessions import Stage, frame, http, masked, request, response
from support.stacked import encrypted
from support.tls import play, stage_of
from support.tunnelled import CONNECT, SESSION, played, whole

from wsanalyze.limits import Limits
from wsanalyze.recording import Wants

HTTP = 2

ASKED_FOR_CREDENTIALS = http("HTTP/1.1 407 X", "Content-Length: 4", body=b"who?")


class TestConnect:
    def test_refused(self) -> None:
        stage = played([CONNECT[0], ("server", http("HTTP/1.1 403 X", "Content-Length: 0"))])
        stage.finish()
        assert stage.connections == []
        assert stage.conversation.spoke == HTTP

    def test_again_with_credentials(self) -> None:
        again = http(
            "CONNECT chat.example:80 HTTP/1.1", "Host: x", "Proxy-Authorization: Basic c2VjcmV0"
        )
        script = [CONNECT[0], ("server", ASKED_FOR_CREDENTIALS), ("client", again), CONNECT[1]]
        stage = played([*script, *SESSION])
        whole(stage, "CONNECT chat.example:80", script)
        assert "c2VjcmV0" not in repr(stage.connection)

    @pytest.mark.parametrize("status", ["200 OK", "201 Made", "204 No", "299 X"])
    def test_any_success_opens_it(self, status: str) -> None:
        # RFC 9110 §9.3.6: Content-Length and Transfer-Encoding are to be ignored.
        answer = http(f"HTTP/1.1 {status}", "Content-Length: 10", "Transfer-Encoding: chunked")
        script = [CONNECT[0], ("server", answer)]
        whole(played([*script, *SESSION]), "CONNECT chat.example:80", script)

    def test_an_interim_response_comes_first(self) -> None:
        script = [CONNECT[0], ("server", http("HTTP/1.1 100 Continue")), CONNECT[1]]
        whole(played([*script, *SESSION]), "CONNECT chat.example:80", script)

    def test_another_exchange_comes_first(self) -> None:
        first = [("client", http("GET / HTTP/1.1")), ("server", http("HTTP/1.1 204 X"))]
        script = [*first, *CONNECT]
        whole(played([*script, *SESSION]), "CONNECT chat.example:80", script)

    def test_what_was_sent_ahead_of_a_refusal_is_http(self) -> None:
        stage = played([CONNECT[0], ("client", request())])
        stage.server(ASKED_FOR_CREDENTIALS, response())
        stage.finish()
        assert (stage.connection.tunnel, stage.connection.outcome) == (None, "established")

    def test_more_than_is_held(self) -> None:
        stage = Stage(limits=Limits(held=1000)).client(CONNECT[0][1], bytes(600), bytes(600))
        assert stage.gone
        assert stage.recorder.reached == {"held": 1}
        assert stage.recorder.held == 0

    @pytest.mark.parametrize("opened", [True, False])
    def test_the_request_is_lost(self, opened: bool) -> None:
        stage = Stage(opened=opened).gap(0, len(CONNECT[0][1]))
        whole(played([CONNECT[1], *SESSION], stage), None, CONNECT)

    def test_the_capture_begins_behind_the_request(self) -> None:
        stage = played([CONNECT[1], *SESSION], Stage(opened=False))
        whole(stage, None, CONNECT[1:])

    def test_the_answer_is_lost(self) -> None:
        stage = played([CONNECT[0]]).gap(1, len(CONNECT[1][1]))
        whole(played(SESSION, stage), "CONNECT chat.example:80", CONNECT)

    def test_the_answer_is_known_to_be_lost_later(self) -> None:
        stage = played([CONNECT[0], SESSION[0]]).gap(1, len(CONNECT[1][1]))
        whole(played(SESSION[1:], stage), "CONNECT chat.example:80", CONNECT)

    @pytest.mark.parametrize("kept", [1, 8, 30])
    @pytest.mark.parametrize("end", [0, 1, 9])
    def test_a_hole_cuts_the_request(self, kept: int, end: int) -> None:
        asked = CONNECT[0][1]
        stage = Stage().client(asked[:kept]).gap(0, len(asked) - kept - end)
        if end:
            stage.client(asked[-end:])
        whole(played([CONNECT[1], *SESSION], stage), None, CONNECT)

    @pytest.mark.parametrize("cut", [6, 8, 30, 56])
    @pytest.mark.parametrize("opened", [True, False])
    def test_the_capture_begins_within_the_request(self, cut: int, opened: bool) -> None:
        asked = CONNECT[0][1][cut:]
        stage = Stage(opened=opened)
        if opened:
            stage.gap(0, cut)
        before = cut if opened else 0
        script = [("client", bytes(before) + asked), CONNECT[1]]
        whole(played([CONNECT[1], *SESSION], stage.client(asked)), None, script)

    @pytest.mark.parametrize("cut", [1, 4])
    def test_the_capture_begins_within_its_method(self, cut: int) -> None:
        stage = Stage(opened=False).client(CONNECT[0][1][cut:])
        script = [("client", CONNECT[0][1][cut:]), CONNECT[1]]
        whole(played([CONNECT[1], *SESSION], stage), "CONNECT chat.example:80", script)

    def test_only_the_client_is_in_the_capture(self) -> None:
        stage = played([CONNECT[0], SESSION[0], SESSION[2]])
        stage.finish()
        row = stage.connection
        assert (row.tunnel, row.outcome) == ("CONNECT chat.example:80", "unseen")
        assert row.client_frames == 1

    def test_the_refusal_is_lost_and_it_asks_again(self) -> None:
        stage = played([CONNECT[0]]).gap(1, 100)
        script = [CONNECT[0], ("server", bytes(100)), *CONNECT]
        whole(played([*CONNECT, *SESSION], stage), "CONNECT chat.example:80", script)

    def test_behind_an_attempt_that_was_not_answered(self) -> None:
        stage = Stage().client(request(target="/a"))
        stage.client(CONNECT[0][1], SESSION[0][1], SESSION[2][1])
        stage.finish()
        assert [(row.outcome, row.tunnel) for row in stage.connections] == [
            ("unanswered", None),
            ("unseen", "CONNECT chat.example:80"),
        ]
        assert stage.recorder.held == 0

    def test_an_attempt_before_it_keeps_its_counts(self) -> None:
        stage = Stage().client(request(target="/a"))
        stage.server(http("HTTP/1.1 403 X", "Content-Length: 0"))
        stage.conversation.low.lost = 7
        played([*CONNECT, *SESSION], stage)
        stage.conversation.low.lost += 2
        stage.finish()
        refused, inside = stage.connections
        assert (refused.outcome, refused.tunnel, refused.ended_by) == ("refused", None, None)
        assert (inside.outcome, inside.tunnel) == ("established", "CONNECT chat.example:80")
        assert (refused.client_lost_bytes, inside.client_lost_bytes) == (7, 2)
        assert refused.ended < (inside.requested or 0)

    def test_a_connect_that_asks_for_websocket_is_an_attempt_too(self) -> None:
        asked = http("CONNECT chat.example:80 HTTP/1.1", "Upgrade: websocket")
        stage = played([("client", asked), CONNECT[1], *SESSION])
        stage.finish()
        outer, inside = stage.connections
        assert (outer.tunnel, inside.tunnel) == (None, "CONNECT chat.example:80")
        assert inside.outcome == "established"
        # It is over with its answer, and was the first thing that passed.
        assert outer.requested is not None
        assert (outer.ended, outer.responded) == (outer.responded, outer.requested + SECOND)


class TestConnectNotCaptured:
    """The proxy's answer is there, and a ClientHello behind it: who is the client, it tells."""

    @pytest.mark.parametrize("opened", [True, False], ids=["lost", "before"])
    def test_wss_inside(self, opened: bool) -> None:
        pair = encrypted([(0, request()), (1, response() + frame(b"hello")), (0, masked(b"yes"))])
        stage = stage_of(pair.secrets, opened=opened)
        if opened:
            stage.gap(0, len(CONNECT[0][1]))
        stage.data(1, CONNECT[1][1])
        play(stage, pair.flights).finish()
        row = stage.connection
        assert (row.outcome, row.scheme, row.tunnel) == ("established", "wss", "CONNECT")
        assert (row.client_frames, row.server_frames) == (1, 1)
        assert (row.client_port, row.server_port) == (40_000, 8080)
        (tls,) = stage.recording.tls
        assert tls.decrypted

    def test_without_secrets_it_is_a_row_of_tls(self) -> None:
        pair = encrypted([(0, request())])
        stage = stage_of(None)
        stage.gap(0, len(CONNECT[0][1]))
        stage.data(1, CONNECT[1][1])
        play(stage, pair.flights).finish()
        (tls,) = stage.recording.tls
        assert (tls.decrypted, tls.sni) == (False, "chat.example")
        assert stage.connections == []


class TestSecondTry:
    """A 407 asks to try again: what comes of that counts."""

    AGAIN = http("CONNECT chat.example:80 HTTP/1.1", "Host: x", "Proxy-Authorization: Digest x")

    def play(self, script: Script) -> Stage:
        return played(script, Stage(wants=Wants(observe=True)))

    def tried(self, stage: Stage) -> list[tuple[int | None, bool]]:
        return [(each.code, each.tried_again) for each in stage.recording.refusals]

    @pytest.mark.parametrize("again", [AGAIN, CONNECT[0][1]], ids=["credentials", "without"])
    def test_on_the_same_connection(self, again: bytes) -> None:
        stage = self.play(
            [CONNECT[0], ("server", ASKED_FOR_CREDENTIALS), ("client", again), CONNECT[1]]
        )
        assert self.tried(stage) == [(407, True)]

    def test_that_is_refused_as_well(self) -> None:
        refused = http("HTTP/1.1 403 X", "Content-Length: 0")
        stage = self.play(
            [
                CONNECT[0],
                ("server", ASKED_FOR_CREDENTIALS),
                ("client", self.AGAIN),
                ("server", refused),
            ]
        )
        assert self.tried(stage) == [(407, True), (403, False)]

    def test_none(self) -> None:
        stage = self.play([CONNECT[0], ("server", ASKED_FOR_CREDENTIALS)])
        assert self.tried(stage) == [(407, False)]
