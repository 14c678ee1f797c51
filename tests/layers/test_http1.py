"""HTTP/1 before, around and instead of a session: which attempt, which offset, which end."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.packets import SECOND, T0
from support.sessions import (
    ACCEPT,
    BINARY,
    CLOSE,
    DEFLATE,
    Deflater,
    Stage,
    brief,
    facts,
    frame,
    http,
    masked,
    request,
    response,
)

from wsanalyze.limits import Limits

REQUEST, RESPONSE = request(), response()
GET = http("GET / HTTP/1.1", "Host: a")
OK = http("HTTP/1.1 200 OK", "Content-Length: 2", body=b"ok")
REFUSED = http("HTTP/1.1 401 Unauthorized", "Content-Length: 4", body=b"none")
TRAP = REQUEST + RESPONSE + frame(b"in a body")

NOTHING, WEBSOCKET, HTTP, TLS, OTHER = range(5)


def chunked(*chunks: bytes, trailers: bytes = b"") -> bytes:
    return b"".join(b"%x;ext=1\r\n%s\r\n" % (len(each), each) for each in chunks) + (
        b"0\r\n" + trailers + b"\r\n"
    )


Exchange = tuple[bytes, bytes]
# name: (what the client sends, what the server answers) before the upgrade
BEFORE: dict[str, list[Exchange]] = {
    "nothing": [],
    "no body": [(GET, http("HTTP/1.1 204 No Content"))],
    "length": [(GET, OK)],
    "length 0": [(GET, http("HTTP/1.1 200 OK", "Content-Length: 0"))],
    "a trap in a body": [(GET, http("HTTP/1.1 200 OK", f"Content-Length: {len(TRAP)}", body=TRAP))],
    "a trap in a request's body": [
        (http("POST / HTTP/1.1", f"Content-Length: {len(TRAP)}", body=TRAP), OK)
    ],
    "chunked": [
        (GET, http("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked(b"a", b"bc")))
    ],
    "chunked trap with trailers": [
        (
            GET,
            http(
                "HTTP/1.1 200 OK",
                "Transfer-Encoding: chunked",
                body=chunked(TRAP, trailers=b"Digest: x\r\nMore: y\r\n"),
            ),
        )
    ],
    "chunked request": [
        (http("PUT / HTTP/1.1", "Transfer-Encoding: chunked", body=chunked(TRAP, b"x")), OK)
    ],
    "HEAD": [(http("HEAD / HTTP/1.1"), http("HTTP/1.1 200 OK", "Content-Length: 999"))],
    "304": [(GET, http("HTTP/1.1 304 Not Modified", "Content-Length: 999"))],
    "100 first": [
        (
            http("POST / HTTP/1.1", "Expect: 100-continue", "Content-Length: 2", body=b"hi"),
            http("HTTP/1.1 100 Continue") + OK,
        )
    ],
    "empty lines": [(b"\r\n\r\n" + GET, b"\r\n" + OK)],
    "three": [(GET, OK), (http("HEAD /b HTTP/1.1"), http("HTTP/1.1 200 OK")), (GET, OK)],
    "pipelined": [(GET + GET, OK + OK)],
    "bare LF": [(b"GET / HTTP/1.1\nHost: a\n\n", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok")],
    "WebDAV": [(http("VERSION-CONTROL / HTTP/1.1"), OK)],
}


@pytest.mark.parametrize("exchanges", BEFORE.values(), ids=BEFORE)
@pytest.mark.parametrize("pieces", [None, 1, 2, 7])
def test_exchanges_before_the_upgrade(exchanges: list[Exchange], pieces: int | None) -> None:
    stage = Stage(pieces=pieces)
    for asked, answered in exchanges:
        stage.client(asked).server(answered)
    stage.client(REQUEST).server(RESPONSE).client(masked(b"hi")).server(frame(b"ho"))
    stage.finish()
    sent = [sum(len(each[i]) for each in exchanges) for i in (0, 1)]
    row = stage.connection
    assert (row.outcome, row.ended_by) == ("established", "capture-end")
    assert brief(stage.frames, "sender", "offset", "length") == [
        (0, sent[0] + len(REQUEST), 2),
        (1, sent[1] + len(RESPONSE), 2),
    ]


UNTIL_CLOSE = http("HTTP/1.1 200 OK", body=TRAP)


def test_a_body_until_the_connection_ends_holds_no_upgrade() -> None:
    stage = Stage().client(GET).server(UNTIL_CLOSE).client(masked(b"a"))
    stage.finish()
    assert stage.connections == []


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


class TestGaps:
    """Missing bytes before the session: what can be known goes on, the rest is not made up."""

    def upgrade(self, stage: Stage) -> Stage:
        stage.client(REQUEST).server(RESPONSE).client(masked(b"a")).server(frame(b"b"))
        stage.finish()
        return stage

    def test_in_a_body_of_known_length(self) -> None:
        big = http("HTTP/1.1 200 OK", "Content-Length: 1000", body=bytes(300))
        stage = self.upgrade(Stage().client(GET).server(big).gap(1, 500).server(bytes(200)))
        assert stage.connection.outcome == "established"
        assert brief(stage.frames, "offset") == [
            (len(GET) + len(REQUEST),),
            (len(big) + 700 + len(RESPONSE),),
        ]

    def test_up_to_the_end_of_a_body(self) -> None:
        big = http("HTTP/1.1 200 OK", "Content-Length: 1000", body=bytes(300))
        stage = self.upgrade(Stage().client(GET).server(big).gap(1, 700))
        assert brief(stage.frames, "offset")[1] == (len(big) + 700 + len(RESPONSE),)

    def test_in_a_chunk(self) -> None:
        start = http("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=b"64\r\n" + bytes(40))
        rest = bytes(10) + b"\r\n0\r\n\r\n"
        stage = self.upgrade(Stage().client(GET).server(start).gap(1, 50).server(rest))
        assert stage.connection.outcome == "established"

    def test_over_the_end_of_a_body(self) -> None:
        big = http("HTTP/1.1 200 OK", "Content-Length: 1000", body=bytes(300))
        stage = Stage().client(GET).server(big).gap(1, 900).server(b"X: y\r\n\r\nrest")
        self.upgrade(stage)
        assert stage.connection.outcome == "established"
        assert brief(stage.frames, "offset")[1] == (len(big) + 912 + len(RESPONSE),)

    def test_between_exchanges(self) -> None:
        stage = self.upgrade(Stage().client(GET).server(OK).gap(0, 77))
        assert stage.connection.outcome == "established"
        assert brief(stage.frames, "offset")[0] == (len(GET) + 77 + len(REQUEST),)

    def test_before_the_first_byte(self) -> None:
        stage = self.upgrade(Stage().gap(0, 10).gap(1, 20))
        assert stage.connection.outcome == "established"
        assert brief(stage.frames, "offset") == [(10 + len(REQUEST),), (20 + len(RESPONSE),)]

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

    def test_of_the_refusal_between_two_attempts(self) -> None:
        """The 101 answers the second request; the second request is no frame."""
        stage = Stage().client(REQUEST).gap(1, len(REFUSED)).client(REQUEST).server(RESPONSE)
        stage.client(masked(b"a")).server(frame(b"b"))
        stage.finish()
        assert [row.outcome for row in stage.connections] == ["unanswered", "established"]
        assert brief(stage.frames, "connection", "sender", "offset") == [
            (1, 0, 2 * len(REQUEST)),
            (1, 1, len(REFUSED) + len(RESPONSE)),
        ]

    def test_of_what_the_client_sent_ahead(self) -> None:
        """Held bytes with a hole: the frames behind it are found where they are."""
        stage = Stage().client(REQUEST, masked(b"first")).gap(0, 5)
        stage.client(masked(b"found too")).server(RESPONSE).client(masked(b"found too"))
        stage.finish()
        at = len(REQUEST)
        assert brief(stage.frames, "offset", "length") == [(at, 5), (at + 16, 9), (at + 31, 9)]
        assert stage.connection.client_unread_bytes == 0

    def test_inside_a_frame_that_the_client_sent_ahead(self) -> None:
        sent = masked(b"0123456789")
        stage = Stage().client(REQUEST, sent[:10]).gap(0, 3).client(sent[13:]).server(RESPONSE)
        stage.client(masked(b"next"))
        stage.finish()
        at = len(REQUEST)
        assert brief(stage.frames, "offset", "length", "captured") == [(at, 10, 7), (at + 16, 4, 4)]


class TestWhatIsLetGo:
    """What is not HTTP costs nothing more; an attempt that was seen is settled all the same."""

    @pytest.mark.parametrize(
        ("data", "spoke"),
        [
            (b"\x16\x03\x01\x02\x00\x01", TLS),
            (b"\x16", TLS),
            (b"\x16\x04\x01", OTHER),
            (b"\x00\x01\x02", OTHER),
            (b"\xff\xfe", OTHER),
            (b" GET / HTTP/1.1\r\n", OTHER),
            (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", OTHER),
            (b"220 mail.example ESMTP\r\n", OTHER),
            (b"* OK IMAP4rev1\r\n", OTHER),
            (b"x" * 41, OTHER),
            (b"GET / HTCPCP/1.0\r\n", OTHER),
        ],
    )
    def test_other_protocols(self, data: bytes, spoke: int) -> None:
        stage = Stage().client(data)
        assert stage.gone
        assert stage.conversation.spoke == spoke
        assert stage.connections == []

    @pytest.mark.parametrize(
        "data", [b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", b"x" * 41, b"\x00\x01"]
    )
    def test_other_protocols_byte_by_byte(self, data: bytes) -> None:
        stage = Stage(pieces=1).client(data)
        assert stage.gone
        assert stage.conversation.spoke == OTHER

    def test_a_tunnel(self) -> None:
        stage = Stage().client(http("CONNECT a:443 HTTP/1.1")).server(http("HTTP/1.1 200 OK"))
        assert not stage.gone
        assert stage.server(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n").gone
        assert stage.connections == []

    def test_another_protocol_behind_a_101(self) -> None:
        stage = Stage().client(http("GET / HTTP/1.1", "Upgrade: TLS/1.0"))
        stage.server(http("HTTP/1.1 101 Switching Protocols", "Upgrade: TLS/1.0"))
        assert stage.gone
        assert stage.connections == []

    def test_a_head_without_end(self) -> None:
        stage = Stage(limits=Limits(head=1000)).client(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000)
        assert stage.gone
        assert stage.recorder.reached == {"head": 1}

    @pytest.mark.parametrize("size", range(995, 1010))
    def test_the_limit_of_a_head_is_the_same_however_it_comes(self, size: int) -> None:
        padding = size - len(http("GET / HTTP/1.1", "X: "))
        head = http("GET / HTTP/1.1", "X: " + "y" * padding)
        assert len(head) == size
        whole = Stage(limits=Limits(head=1000)).client(head)
        bytewise = Stage(limits=Limits(head=1000), pieces=1).client(head)
        assert whole.gone == bytewise.gone == (size > 1000)

    LETTING_GO: ClassVar[dict[str, Callable[[Stage], object]]] = {
        "more than is held": lambda stage: stage.client(*[masked(bytes(1000), BINARY)] * 30),
        "the server asks": lambda stage: stage.server(REFUSED, GET),
        "the client answers": lambda stage: stage.server(REFUSED).client(OK),
        "then a tunnel": lambda stage: (
            stage.server(REFUSED)
            .client(http("CONNECT a:1 HTTP/1.1"))
            .server(http("HTTP/1.1 200 OK"))
        ),
    }

    @pytest.mark.parametrize("then", LETTING_GO.values(), ids=LETTING_GO)
    def test_an_attempt_is_settled_before(self, then: Callable[[Stage], object]) -> None:
        stage = Stage(limits=Limits(held=10_000))
        stage.client(REQUEST)
        stage.conversation.low.retransmissions = 3
        then(stage)
        stage.finish()
        row = stage.connections[0]
        assert row.client_retransmissions == 3
        assert row.ended > T0 + SECOND

    def test_noise_of_the_server_before_its_101_counts_in_the_offset(self) -> None:
        noise = b"not http at all\r\n"
        stage = Stage().client(REQUEST).server(noise, RESPONSE + frame(b"a"))
        stage.finish()
        assert brief(stage.frames, "offset") == [(len(noise) + len(RESPONSE),)]


class TestEnds:
    """Who ended a connection that never became a session."""

    @pytest.mark.parametrize(
        ("ends", "evicted", "ended_by"),
        [
            ([], 0, "capture-end"),
            ([], 1, "evicted"),
            ([(0, 0), (1, 0)], 0, "client-fin"),
            ([(1, 0), (0, 1)], 1, "server-fin"),
            ([(0, 1)], 0, "client-rst"),
            ([(1, 1)], 0, "server-rst"),
        ],
    )
    @pytest.mark.parametrize("answer", [b"", REFUSED], ids=["unanswered", "refused"])
    def test_ended_by(
        self, ends: list[tuple[int, int]], evicted: int, ended_by: str, answer: bytes
    ) -> None:
        stage = Stage().client(REQUEST).server(*[answer] * bool(answer))
        for each in ends:
            stage.end(*each)
        stage.finish(evicted)
        assert stage.connection.ended_by == ended_by

    def test_a_fin_before_the_101_was_read_counts(self) -> None:
        stage = Stage().server(RESPONSE + frame(b"a")).end(1).client(REQUEST)
        stage.finish()
        assert stage.connection.ended_by == "server-fin"


CLIENT_STREAM = GET + REQUEST + GET + request(DEFLATE, target="/b")
SERVER_STREAM = (
    http("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked(TRAP, b"x"))
    + REFUSED
    + http("HTTP/1.1 103 Early Hints")
    + OK
    + response(DEFLATE)
)


def play(client: list[bytes], server: list[bytes], order: list[int]) -> Stage:
    """Return a stage that was given the pieces of both sides in some order."""
    stage = Stage()
    sides = [list(reversed(client)), list(reversed(server))]
    for side in [*order, *[0] * len(client), *[1] * len(server)]:
        if sides[side]:
            stage.data(side, sides[side].pop())
    stage.finish()
    return stage


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted({cut % len(data) for cut in cuts} - {0}), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


deflater = Deflater()
CLIENT = CLIENT_STREAM + masked(deflater(b"abc" * 9), rsv=4) + masked(b"", CLOSE)
SERVER = SERVER_STREAM + frame(b"plain", fin=False) + frame(b"text", 0)
WHOLE = facts(play([CLIENT], [SERVER], [0]).recording)


def test_the_conversation_that_is_cut_below() -> None:
    connections, frames = WHOLE["connections"], WHOLE["frames"]
    assert [row["outcome"] for row in connections] == ["refused", "established"]
    assert [row["length"] for row in frames if row["sender"] == 1] == [5, 4]


@pytest.mark.parametrize("at", range(0, len(CLIENT), 3))
def test_split_at_every_point_of_the_client(at: int) -> None:
    assert facts(play([CLIENT[:at], CLIENT[at:]][at == 0 :], [SERVER], [0, 0]).recording) == WHOLE


@pytest.mark.parametrize("at", range(0, len(SERVER), 3))
def test_split_at_every_point_of_the_server(at: int) -> None:
    assert facts(play([CLIENT], [SERVER[:at], SERVER[at:]][at == 0 :], [0]).recording) == WHOLE


cuts = st.lists(st.integers(0, 5000), max_size=12)


@settings(max_examples=200)
@given(cuts, cuts, st.lists(st.integers(0, 1), max_size=26))
def test_any_pieces_in_any_order_of_the_sides(
    client: list[int], server: list[int], order: list[int]
) -> None:
    """Which side's bytes come first makes no difference to what was said."""
    stage = play(pieces_of(CLIENT, client), pieces_of(SERVER, server), order)
    assert facts(stage.recording) == WHOLE


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 1),
            st.one_of(
                st.sampled_from([REQUEST, RESPONSE, GET, OK, REFUSED, CLIENT, SERVER]),
                st.integers(1, 100),
                st.binary(min_size=1, max_size=40),
            ),
        ),
        max_size=20,
    )
)
def test_any_calls_leave_true_counts(calls: list[tuple[int, bytes | int]]) -> None:
    stage = Stage()
    for side, what in calls:
        if isinstance(what, int):
            stage.gap(side, what)
        else:
            stage.data(side, what)
    stage.finish()
    for row in stage.connections:
        mine = [each for each in stage.frames if each["connection"] == row.serial]
        assert [row.client_frames, row.server_frames] == [
            sum(each["sender"] == role for each in mine) for role in (0, 1)
        ]
        assert all(0 <= each["captured"] <= each["length"] for each in mine)


class TestMemory:
    """What a peer can make us keep is bounded, though nobody ever answers."""

    def kept(self, stage: Stage, data: bytes, side: int) -> int:
        """Return the bytes that are kept of `data` sent 2000 times more, after 1000 times."""
        stage.data(side, data * 1000)
        tracemalloc.start()
        try:
            stage.data(side, data * 1000).data(side, data * 1000)
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        return kept

    def test_requests_that_nobody_answers(self) -> None:
        """Only one direction was captured: one request after another, and no response."""
        assert self.kept(Stage(), GET, 0) < 50_000

    def test_interim_responses_without_end(self) -> None:
        stage = Stage().client(REQUEST)
        assert self.kept(stage, http("HTTP/1.1 103 Early Hints", "Link: </a>"), 1) < 50_000


def test_what_all_connections_hold_is_bounded() -> None:
    """A head that never ends waits; with too many of them the newest is let go."""
    stage = Stage(limits=Limits(held_total=1000)).client(b"GET / HTTP/1.1\r\nX: " + b"a" * 2000)
    assert stage.gone
    assert stage.recorder.reached == {"held_total": 1}
    assert stage.recorder.held == 0


def test_what_was_held_is_held_no_more_once_it_was_read() -> None:
    stage = Stage().client(REQUEST, masked(b"ahead of the answer"))
    assert stage.recorder.held > 0
    stage.server(RESPONSE)
    assert stage.recorder.held == 0


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
