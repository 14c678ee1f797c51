"""HTTP/1 before, around and instead of a session: which attempt, which offset, which end."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.packets import SECOND, T0
from support.sessions import (
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
