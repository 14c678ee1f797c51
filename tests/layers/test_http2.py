"""WebSockets on streams of HTTP/2: which rows, of which stream, in which end."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.http2 import (
    CANCEL,
    CLOSE,
    CONTINUATION,
    DATA,
    ENABLED,
    END_HEADERS,
    END_STREAM,
    GET,
    GOAWAY,
    HAS_PRIORITY,
    HEADERS,
    PADDED,
    PING,
    PUSH_PROMISE,
    REQUEST,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Connection,
    agreed,
    changed,
    h2,
)
from support.invariants import check
from support.packets import SECOND, T0
from support.sessions import Deflater, Stage, brief, facts, frame, http, masked

from wsanalyze.buffer import Buffer
from wsanalyze.http2.frames import PREFACE
from wsanalyze.layers.http2_stream import WebSocketStream
from wsanalyze.layers.probe import Probe
from wsanalyze.layers.route import PLAIN
from wsanalyze.limits import Limits
from wsanalyze.recording import Wants
from wsanalyze.transport.reassembly import Chunk

EMPTY, WEBSOCKET, HTTP, TLS, OTHER = range(5)


def rows(stage: Stage) -> list[tuple[int | None, str, int, int, str | None]]:
    return [
        (each.http_stream, each.outcome, each.client_frames, each.server_frames, each.ended_by)
        for each in stage.connections
    ]


def preface_of(stage: Stage) -> int:
    """Return the packet that the client's preface began in."""
    found = stage.connection.observation
    assert found is not None
    assert found.stream is not None
    assert found.stream.shared.preface is not None
    return found.stream.shared.preface[1]


class TestOneStream:
    def test_its_row(self) -> None:
        stage = Connection().begin().open(1).talk(1, b"hello").close(1)
        stage.finish()
        row = stage.connection
        assert rows(stage) == [(1, "established", 2, 2, "client-close")]
        assert (row.http_version, row.scheme, row.client_direction) == ("2", "ws", 0)
        assert (row.client_close_code, row.server_close_code) == (1000, 1000)
        assert (row.request_packet, row.response_packet) == (5, 6)
        shake = row.handshake
        assert shake is not None
        assert (shake.method, shake.target, shake.host) == (
            "CONNECT",
            "/chat",
            "server.example.com",
        )
        assert (shake.status, shake.reason, shake.key, shake.accept_expected) == (
            200,
            None,
            None,
            None,
        )
        assert shake.faults == ()
        assert stage.conversation.spoke == WEBSOCKET

    def test_frames_have_the_packets_places_and_the_streams_offsets(self) -> None:
        stage = Connection().begin().open(1)
        stage.body(0, 1, masked(b"abc"))
        stage.client(h2(DATA, 0, 1, masked(b"d")) + h2(DATA, 0, 1, masked(b"ef")))
        stage.finish()
        assert brief(stage.frames, "sender", "packet", "offset", "length") == [
            (0, 7, 0, 3),
            (0, 8, 9, 1),
            (0, 8, 16, 2),
        ]

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 10, 64])
    def test_packets_of_any_size(self, size: int) -> None:
        def play(stage: Connection) -> Connection:
            stage.begin().open(1).talk(1, b"hello" * 40).open(3).talk(3, b"x").close(1)
            stage.finish()
            return stage

        cut = facts(play(Connection(pieces=size)).recording)
        assert cut == facts(play(Connection()).recording)

    def test_a_frame_in_many_frames_of_http2(self) -> None:
        stage = Connection().begin().open(1)
        data = masked(b"hello, world")
        for at in range(len(data)):
            stage.body(0, 1, data[at : at + 1])
        stage.finish()
        assert brief(stage.messages, "payload", "complete") == [(b"hello, world", 1)]

    def test_compressed(self) -> None:
        field = ("sec-websocket-extensions", "permessage-deflate")
        stage = Connection().begin().open(1, [*REQUEST, field], field)
        deflate = Deflater()
        for text in (b"hello hello", b"hello again"):
            stage.body(0, 1, masked(deflate(text), rsv=4))
        stage.finish()
        assert brief(stage.messages, "payload", "compressed") == [
            (b"hello hello", 1),
            (b"hello again", 1),
        ]

    def test_a_refusal_with_its_body(self) -> None:
        stage = Connection().begin().headers(0, 1, REQUEST)
        stage.headers(1, 1, [(":status", "403")]).body(1, 1, b"no", END_STREAM)
        stage.finish()
        assert rows(stage) == [(1, "refused", 0, 0, "server-fin")]

    def test_no_answer(self) -> None:
        stage = Connection().begin().headers(0, 1, REQUEST)
        stage.finish()
        assert rows(stage) == [(1, "unanswered", 0, 0, "capture-end")]

    def test_an_interim_answer_is_not_the_last(self) -> None:
        stage = Connection().begin().headers(0, 1, REQUEST)
        stage.headers(1, 1, [(":status", "103")]).headers(1, 1, [(":status", "200")])
        stage.talk(1, b"a").finish()
        assert rows(stage) == [(1, "established", 1, 1, "capture-end")]
        assert stage.connection.response_packet == 7

    def test_101_is_no_success(self) -> None:
        stage = Connection().begin().headers(0, 1, REQUEST).headers(1, 1, [(":status", "101")])
        stage.finish()
        assert stage.connection.outcome == "refused"

    def test_frames_before_the_answer(self) -> None:
        stage = Connection().begin().headers(0, 1, REQUEST).body(0, 1, masked(b"early"))
        stage.headers(1, 1, [(":status", "200")]).finish()
        assert rows(stage) == [(1, "established", 1, 0, "capture-end")]
        assert brief(stage.frames, "packet", "offset") == [(6, 0)]

    def test_trailers_are_no_second_answer(self) -> None:
        stage = Connection().begin().open(1).talk(1, b"a")
        stage.headers(1, 1, [("x-sum", "1")], END_HEADERS | END_STREAM).finish()
        assert rows(stage) == [(1, "established", 1, 1, "server-fin")]
        assert stage.connection.handshake is not None
        assert stage.connection.handshake.status == 200


class TestManyStreams:
    def test_several_at_once_with_requests_between(self) -> None:
        stage = Connection().begin().open(1).headers(0, 3, GET, END_HEADERS | END_STREAM).open(5)
        stage.talk(5, b"five").headers(1, 3, [(":status", "200")]).body(1, 3, b"css", END_STREAM)
        stage.talk(1, b"one").talk(5, b"5").close(5).finish()
        assert rows(stage) == [
            (1, "established", 1, 1, "capture-end"),
            (5, "established", 3, 3, "client-close"),
        ]
        assert brief(stage.messages, "connection", "payload") == [
            (0, b"one"),
            (0, b"one"),
            (1, b"five"),
            (1, b"5"),
            (1, b"five"),
            (1, b"5"),
        ]

    def test_a_reset_ends_one_stream(self) -> None:
        stage = Connection().begin().open(1).open(3).talk(1, b"a")
        stage.client(h2(RST_STREAM, 0, 1, CANCEL.to_bytes(4, "big"))).talk(3, b"b").finish()
        assert rows(stage) == [
            (1, "established", 1, 1, "client-rst"),
            (3, "established", 1, 1, "capture-end"),
        ]

    def test_tcp_ends_them_all(self) -> None:
        stage = Connection().begin().open(1).open(3)
        stage.end(1, 1).finish()
        assert [each.ended_by for each in stage.connections] == ["server-rst", "server-rst"]

    def test_more_than_a_thousand(self) -> None:
        stage = Connection(limits=Limits(streams=10)).begin()
        for stream in range(1, 61, 2):
            stage.open(stream)
        stage.finish()
        assert len(stage.connections) == 30
        assert [each.ended_by for each in stage.connections].count("evicted") == 20
        assert stage.recorder.reached["streams"] == 20

    def test_more_than_keep_a_record(self) -> None:
        stage = Connection(limits=Limits(attempts=10)).begin()
        for stream in range(1, 61, 2):
            stage.open(stream)
        stage.finish()
        assert [each.http_stream for each in stage.connections] == list(range(1, 20, 2))
        assert stage.recorder.reached == {"attempts": 20}


class TestFieldBlocks:
    def test_continuation_padding_and_priority(self) -> None:
        stage = Connection().begin()
        block = stage.block(0, REQUEST)
        first = b"\x03" + b"\x00\x00\x00\x00\x10" + block[:7] + b"\x00" * 3
        stage.client(
            h2(HEADERS, PADDED | HAS_PRIORITY, 1, first)
            + h2(CONTINUATION, 0, 1, block[7:9])
            + h2(CONTINUATION, END_HEADERS, 1, block[9:])
        )
        stage.headers(1, 1, [(":status", "200")])
        padded = b"\x04" + masked(b"padded") + b"\x00" * 4
        stage.client(h2(DATA, PADDED, 1, padded)).finish()
        assert brief(stage.messages, "payload") == [(b"padded",)]
        assert stage.connection.request_packet == 5

    def test_a_change_of_the_tables_size(self) -> None:
        stage = Connection().begin().open(1)
        stage.encoders[0].header_table_size = 64
        stage.open(3)
        stage.encoders[0].header_table_size = 4096
        stage.open(5).finish()
        assert [each.handshake and each.handshake.host for each in stage.connections] == [
            "server.example.com"
        ] * 3

    def test_a_promise_changes_the_table_too(self) -> None:
        stage = Connection().begin().open(1)
        promise = b"\x00\x00\x00\x02" + stage.block(1, [*GET, ("x-one", "1")])
        stage.server(h2(PUSH_PROMISE, END_HEADERS, 1, promise))
        stage.open(3, REQUEST, ("x-one", "1")).finish()
        shake = stage.connections[1].handshake
        assert shake is not None
        assert shake.response_head is not None
        assert shake.response_head.value("x-one") == "1"

    def test_a_flood_of_continuations_is_not_kept(self) -> None:
        stage = Connection(limits=Limits(head=1000)).begin().open(1)
        stage.client(h2(HEADERS, 0, 3, b"\x00" * 500))
        for _ in range(50):
            stage.client(h2(CONTINUATION, 0, 3, b"\x00" * 500))
        stage.client(h2(CONTINUATION, END_HEADERS, 3))
        stage.talk(1, b"still read").finish()
        assert rows(stage) == [(1, "established", 1, 1, "capture-end")]
        assert stage.recorder.reached["head"] > 0
        assert stage.recorder.held == 0

    def test_a_bomb(self) -> None:
        """One entry of 4 kB, named thousand times."""
        stage = Connection().begin().open(1)
        entry = b"\x40\x01a\x7f" + bytes((0xA1, 0x1E)) + b"x" * 4000
        stage.client(h2(HEADERS, END_HEADERS, 3, entry + b"\xbe" * 8000))
        stage.talk(1, b"still read").open(5).finish()
        assert rows(stage)[0] == (1, "established", 1, 1, "capture-end")
        assert stage.recorder.reached["head"] == 1

    def test_another_frame_within_a_block(self) -> None:
        stage = Connection().begin().open(1)
        stage.client(h2(HEADERS, 0, 3, b"\x82"), h2(PING, 0, 0, b"8 bytes."))
        stage.talk(1, b"a").finish()
        assert rows(stage) == [(1, "established", 1, 1, "capture-end")]


class TestBeginnings:
    def test_by_alpn(self) -> None:
        stage = Connection()
        stage.layer = Probe(stage.recorder, stage.conversation, PLAIN.within(agreed("h2")))
        stage.begin().open(1).talk(1, b"a").finish()
        assert stage.connection.scheme == "wss"
        assert stage.connection.http_stream == 1

    def test_the_server_speaks_first(self) -> None:
        stage = Connection().server(h2(SETTINGS, 0, 0, ENABLED))
        assert isinstance(stage, Connection)
        stage.client(PREFACE + h2(SETTINGS))
        stage.open(1).talk(1, b"a").finish()
        assert rows(stage) == [(1, "established", 1, 1, "capture-end")]

    def test_who_sends_the_preface_is_the_client(self) -> None:
        stage = Connection()
        stage.conversation.opened_by = 1
        stage.begin().open(1).talk(1, b"a").finish()
        assert stage.connection.client_direction == 0
        assert rows(stage) == [(1, "established", 1, 1, "capture-end")]

    @pytest.mark.parametrize("size", [None, 1, 13, 14, 23])
    def test_a_preface_in_pieces(self, size: int | None) -> None:
        stage = Connection(pieces=size, wants=Wants(observe=True))
        stage.begin().open(1).talk(1, b"a").finish()
        assert rows(stage) == [(1, "established", 1, 1, "capture-end")]
        assert preface_of(stage) == 1

    @pytest.mark.parametrize("size", [None, 1, 13, 14, 20])
    def test_a_preface_of_which_only_the_first_line_is_right(self, size: int | None) -> None:
        """However it is cut: a method PRI is no request of HTTP/1 (RFC 9113 §11.6)."""
        stage = Connection(pieces=size, wants=Wants(observe=True))
        stage.client(PREFACE[:14]).client(h2(SETTINGS)).server(h2(SETTINGS, 0, 0, ENABLED))
        stage.headers(0, 1, REQUEST).finish()
        assert rows(stage) == [(1, "unanswered", 0, 0, "capture-end")]
        assert preface_of(stage) == 1

    @pytest.mark.parametrize("size", [None, 1, 20])
    def test_by_an_upgrade(self, size: int | None) -> None:
        stage = Connection(pieces=size)
        stage.client(http("GET / HTTP/1.1", "Host: a", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"))
        answer = http("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: h2c")
        stage.server(answer + h2(SETTINGS, 0, 0, ENABLED))
        stage.client(PREFACE + h2(SETTINGS)).headers(1, 1, [(":status", "200")])  # type: ignore[attr-defined]
        stage.body(1, 1, b"page", END_STREAM).open(3).talk(3, b"a").finish()
        assert rows(stage) == [(3, "established", 1, 1, "capture-end")]

    @pytest.mark.parametrize("stream", [0, 2])
    def test_streams_that_no_client_opens(self, stream: int) -> None:
        stage = Connection(wants=Wants(observe=True)).begin().headers(0, stream, REQUEST).open(1)
        stage.finish()
        assert rows(stage) == [(1, "established", 0, 0, "capture-end")]
        found = stage.connection.observation
        assert found is not None
        assert found.stream is not None
        assert found.stream.shared.malformed == 1

    def test_trailers_are_no_request(self) -> None:
        stage = Connection(wants=Wants(observe=True)).begin()
        stage.headers(0, 1, GET).headers(0, 1, [("x-sum", "1")], END_HEADERS | END_STREAM)
        stage.open(3).finish()
        found = stage.connection.observation
        assert found is not None
        assert found.stream is not None
        assert (found.stream.shared.requests, found.stream.shared.websockets) == (1, 1)

    def test_only_requests(self) -> None:
        stage = Connection().begin().headers(0, 1, GET, END_HEADERS | END_STREAM)
        stage.headers(1, 1, [(":status", "200")]).body(1, 1, masked(b"a"), END_STREAM).finish()
        assert stage.connections == []
        assert stage.conversation.spoke == HTTP


class TestLosses:
    def test_within_a_payload(self) -> None:
        stage = Connection().begin().open(1).open(3)
        data = h2(DATA, 0, 1, masked(b"a" * 100))
        stage.client(data[:40]).gap(0, 30).client(data[70:])
        stage.talk(3, b"b").talk(1, b"c").finish()
        assert rows(stage) == [
            (1, "established", 2, 1, "capture-end"),
            (3, "established", 1, 1, "capture-end"),
        ]
        assert brief(stage.frames, "connection", "sender", "length", "captured")[:2] == [
            (0, 0, 100, 70),
            (0, 0, 1, 1),
        ]

    def test_frames_go_on_behind_a_hole(self) -> None:
        stage = Connection().begin().open(1).talk(1, b"before")
        stage.gap(0, 500)
        for number in range(8):
            stage.body(0, 1, masked(b"text number %d" % number))
        stage.finish()
        row = stage.connection
        assert row.client_frames >= 8
        assert row.client_resyncs == 1

    def test_what_was_sent_before_a_reset_and_is_read_behind_it(self) -> None:
        """What the client sent waits for a hole before it, while the server is read on."""
        stage = Connection(wants=Wants(observe=True)).begin().open(1).open(3).talk(1, b"a")
        stage.server(h2(PING, 0, 0, bytes(8)))
        place = (T0 + stage.packet * SECOND, stage.packet, stage.packet)
        stage.conversation.low.pending.append(Chunk(9, 14, b"waits", T0, 9, 0, 0, 1))
        stage.server(h2(DATA, 0, 1, frame(b"\x03\xe8", 8)))
        stage.server(h2(RST_STREAM, 0, 1, CANCEL.to_bytes(4, "big")))
        stage.conversation.low.pending.clear()
        assert len(stage.connections) == 2
        waited = h2(DATA, 0, 1, masked(b"b")) + h2(DATA, 0, 1, masked(b"\x03\xe8", 8))
        stage.layer.data(0, Buffer(waited), 0, len(waited), *place)
        stage.talk(3, b"c").body(0, 1, masked(b"in flight")).finish()
        assert rows(stage) == [
            (1, "established", 3, 2, "client-close"),
            (3, "established", 1, 1, "capture-end"),
        ]
        found = stage.connections[0].observation
        assert found is not None
        assert found.client_after_end == 0

    @pytest.mark.parametrize("exact", [True, False])
    def test_what_is_missing_of_an_answer_before_its_request(self, exact: bool) -> None:
        """The server is read first, since the client's preface waits for a hole."""
        stage = Connection().server(h2(SETTINGS, 0, 0, ENABLED))
        assert isinstance(stage, Connection)
        stage.headers(1, 1, [(":status", "200")]).body(1, 1, frame(b"seen"))
        whole = h2(DATA, 0, 1, frame(b"x" * 200))
        if exact:
            stage.server(whole[:50]).gap(1, 100).server(whole[150:])
        else:
            stage.gap(1, len(whole))
        texts = [b"text number %d" % number for number in range(8)]
        for text in texts:
            stage.body(1, 1, frame(text))
        stage.client(PREFACE + h2(SETTINGS))
        stage.headers(0, 1, REQUEST).finish()
        assert stage.connection.outcome == "established"
        found = [row["payload"] for row in stage.messages if row["complete"]]
        assert found == [b"seen", *texts]
        assert stage.connection.server_resyncs == (0 if exact else 1)
        broken = [row for row in stage.frames if row["captured"] < row["length"]]
        assert [row["length"] for row in broken] == ([200] if exact else [])

    def test_an_answer_that_was_missing_before_its_request_was_read(self) -> None:
        stage = Connection().server(h2(SETTINGS, 0, 0, ENABLED))
        assert isinstance(stage, Connection)
        asked = PREFACE + h2(SETTINGS) + h2(HEADERS, END_HEADERS, 1, stage.block(0, REQUEST))
        place = (T0 + stage.packet * SECOND, stage.packet, stage.packet)
        stage.gap(1, 12)
        for number in range(8):
            stage.body(1, 1, frame(b"text number %d" % number))
        stage.layer.data(0, Buffer(asked), 0, len(asked), *place)
        for number in range(8):
            stage.body(0, 1, masked(b"text number %d" % number))
        stage.finish()
        row = stage.connection
        assert (row.outcome, row.server_lost_bytes) == ("unseen", 12)
        assert row.client_frames == 8

    def test_what_was_said_before_a_request_that_is_missing(self) -> None:
        """It waits for the request, and is read with the frames that were recognised instead."""
        stage = Connection().server(h2(SETTINGS, 0, 0, ENABLED))
        assert isinstance(stage, Connection)
        stage.headers(1, 1, [(":status", "200")])
        texts = [b"text number %d of the server" % number for number in range(8)]
        for text in texts:
            stage.body(1, 1, frame(text))
        stage.client(PREFACE + h2(SETTINGS)).gap(0, 80)
        for number in range(8):
            stage.body(0, 1, frame(b"text number %d" % number, mask=number.to_bytes(4, "big")))
        stage.finish()
        row = stage.connection
        assert (row.outcome, row.client_frames, row.server_frames) == ("unseen", 8, 8)

    def test_a_client_is_read_from_its_preface_on_whatever_the_server_lost(self) -> None:
        """The server was read first, from the middle: its frames told what is on stream 1."""
        stage = Connection(opened=False)
        texts = [b"text number %d" % number for number in range(8)]
        data = [h2(DATA, 0, 1, frame(text)) for text in texts]
        stage.server(*data).client(PREFACE + h2(SETTINGS) + h2(SETTINGS, 1))
        stage.headers(0, 1, [*REQUEST, ("x-secret", "value")])  # type: ignore[attr-defined]
        for text in texts:
            stage.body(0, 1, masked(text))  # type: ignore[attr-defined]
        stage.open(3, [*REQUEST, ("x-secret", "value")]).talk(3, b"seen").finish()  # type: ignore[attr-defined]
        assert rows(stage) == [
            (1, "unseen", 8, 8, "capture-end"),
            (3, "established", 1, 1, "capture-end"),
        ]
        shake = stage.connections[1].handshake
        assert shake is not None
        assert ("x-secret", "value") in [(f.name, f.value) for f in shake.request_head.fields]

    def test_holes_are_not_told_to_each_stream(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told = []
        lose = WebSocketStream.lose

        def counted(stream: WebSocketStream, side: int) -> None:
            told.append(stream.number)
            lose(stream, side)

        monkeypatch.setattr(WebSocketStream, "lose", counted)
        stage = Connection().begin()
        for stream in (1, 3, 5):
            stage.open(stream)
        for _ in range(20):
            stage.gap(1, 100).server(h2(PING, 0, 0, bytes(8)))
        assert told == []
        stage.talk(3, b"x").finish()
        assert told == [3, 1, 5]
        assert brief(stage.messages, "sender", "payload") == [(0, b"x")]

    def test_an_answer_that_is_missing(self) -> None:
        stage = Connection().begin().headers(0, 1, REQUEST)
        stage.block(1, [(":status", "200")])
        stage.gap(1, 10)
        for number in range(8):
            stage.body(0, 1, masked(b"text %d" % number)).body(1, 1, frame(b"text %d" % number))
        stage.finish()
        assert stage.connection.outcome == "unseen"
        assert stage.connection.http_stream == 1
        assert stage.connection.client_frames == 8

    def test_entries_that_were_not_seen_are_unknown(self) -> None:
        stage = Connection().begin().headers(0, 1, [*GET, ("x-secret", "value")])
        stage.gap(0, 60)
        stage.open(3, [*REQUEST, ("x-secret", "value")]).finish()
        shake = stage.connection.handshake
        assert shake is not None
        found = [(each.name, each.value) for each in shake.request_head.fields]
        assert (":protocol", "websocket") in found
        assert ("(unknown)", "(unknown)") in found
        assert "x-secret" not in dict(found)
        assert shake.faults == ()

    @pytest.mark.parametrize("opened", [True, False])
    def test_from_the_middle(self, opened: bool) -> None:
        """Ends are told apart by who masks; the handshake is not there."""
        stage = Connection(opened=False)
        stage.block(0, REQUEST), stage.block(1, [(":status", "200")])
        for number in range(12):
            stage.talk(1, b"text number %d" % number)
        if opened:
            stage.open(3).talk(3, b"seen")
        stage.finish()
        assert stage.connections[0].outcome == "unseen"
        assert stage.connections[0].http_stream == 1
        assert stage.connections[0].client_direction == 0
        assert stage.connections[0].client_frames >= 11
        assert all(each.http_version == "2" for each in stage.connections)


class TestHostile:
    @pytest.mark.parametrize("sent", [12, 1])
    def test_a_request_behind_data_of_its_stream_is_none(self, sent: int) -> None:
        """Whether frames were recognised before it came makes no difference."""
        stage = Connection().begin().headers(1, 1, [(":status", "200")])
        request = stage.block(0, REQUEST)
        stage.client(h2(HEADERS, END_HEADERS, 3, b"\xfe"))
        for number in range(sent):
            stage.body(0, 1, frame(b"text %d" % number, mask=number.to_bytes(4, "big")))
        stage.client(h2(HEADERS, END_HEADERS, 1, request))
        stage.body(1, 1, frame(b"answered"))
        stage.finish()
        assert rows(stage) == [(1, "unseen", sent, 0, "capture-end")] * (sent > 1)

    @pytest.mark.parametrize("size", [None, 1, 13])
    def test_what_is_malformed_is_told_in_its_order(self, size: int | None) -> None:
        stage = Connection(pieces=size, wants=Wants(observe=True)).begin().open(1)
        stage.client(h2(DATA, PADDED, 1, b"\x09") + h2(SETTINGS, 0, 1) + h2(PING, 0, 1, bytes(8)))
        stage.finish()
        found = stage.connection.observation
        assert found is not None
        assert found.stream is not None
        assert [each.what for each in found.stream.shared.faults] == [
            "DATA with more padding than there is of it",
            "SETTINGS on stream 1, not on 0",
            "PING on stream 1, not on 0",
        ]

    def session(self) -> list[tuple[int, bytes]]:
        """Return the packets of a short session: side and bytes."""
        stage = Connection()
        packets: list[tuple[int, bytes]] = []

        def note(side: int, data: bytes) -> Connection:
            packets.append((side, data))
            return stage

        stage.data = note  # type: ignore[method-assign]
        stage.begin().open(1).talk(1, b"hello").headers(0, 3, GET, 5).open(5).talk(5, b"x" * 130)
        stage.headers(1, 3, [(":status", "200")]).body(1, 3, b"page", END_STREAM).close(1)
        stage.client(h2(WINDOW_UPDATE, 0, 0, b"\x00\x00\x10\x00"))
        stage.client(h2(RST_STREAM, 0, 5, b"\x00\x00\x00\x08"))
        stage.server(h2(GOAWAY, 0, 0, b"\x00" * 8))
        return packets

    def play(self, packets: list[tuple[int, bytes]], opened: bool = True) -> Stage:
        stage = Stage(opened=opened)
        for side, data in packets:
            stage.data(side, data)
        stage.finish()
        return self.checked(stage)

    def checked(self, stage: Stage) -> Stage:
        assert stage.recorder.held == 0
        stage.recording.captures.extend(stage.recorder.summaries)
        check(stage.recording)
        return stage

    def test_as_it_is(self) -> None:
        assert rows(self.play(self.session())) == [
            (1, "established", 2, 2, "client-close"),
            (5, "established", 1, 1, "client-rst"),
        ]

    def test_every_prefix(self) -> None:
        packets = self.session()
        for number, (side, data) in enumerate(packets):
            for size in range(len(data)):
                self.play([*packets[:number], (side, data[:size])] if size else packets[:number])

    @pytest.mark.parametrize("value", [0x00, 0xFF, 0x80, None])
    def test_every_byte_changed(self, value: int | None) -> None:
        packets = self.session()
        for number, (side, data) in enumerate(packets):
            for at in range(len(data)):
                other = bytearray(data)
                other[at] = other[at] ^ 1 if value is None else value
                self.play([*packets[:number], (side, bytes(other)), *packets[number + 1 :]])

    @pytest.mark.parametrize("length", [1, 12])
    def test_bytes_missing_anywhere(self, length: int) -> None:
        packets = self.session()
        for number, (side, data) in enumerate(packets):
            for at in range(len(data) - length + 1):
                stage = Stage()
                for each in packets[:number]:
                    stage.data(*each)
                stage.data(side, data[:at]) if at else None
                stage.gap(side, length)
                stage.data(side, data[at + length :]) if at + length < len(data) else None
                for each in packets[number + 1 :]:
                    stage.data(*each)
                stage.finish()
                self.checked(stage)

    def test_from_every_packet_on(self) -> None:
        packets = self.session()
        for number in range(len(packets)):
            self.play(packets[number:], opened=False)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 1), st.binary(min_size=1, max_size=80)), max_size=12))
    def test_anything_behind_a_preface(self, packets: list[tuple[int, bytes]]) -> None:
        self.play([*self.session()[:6], *packets])

    def test_what_is_held_is_bounded(self) -> None:
        stage = Connection(limits=Limits(held=10_000)).begin().headers(0, 1, REQUEST)
        for _ in range(100):
            stage.body(0, 1, masked(b"x" * 1000))
            assert stage.recorder.held < 12_000
        stage.finish()
        assert stage.recorder.reached["held"] == 1
        assert stage.connection.outcome == "unanswered"

    def test_a_frame_over_the_limit(self) -> None:
        stage = Connection(limits=Limits(head=1000)).begin().open(1)
        stage.client(h2(HEADERS, END_HEADERS, 3, b"\x00" * 100_000))
        assert stage.recorder.held < 1000
        stage.talk(1, b"a").finish()
        assert rows(stage) == [(1, "established", 1, 1, "capture-end")]

    def test_a_request_without_protocol(self) -> None:
        """It has a row, as every request with Sec-WebSocket-* has."""
        stage = Connection().begin().open(1, changed(REQUEST, _protocol=None, _method="GET"))
        stage.body(1, 1, CLOSE[1]).finish()
        assert rows(stage) == [(1, "refused", 0, 0, "capture-end")]

    def test_a_hole_before_frames_were_recognised_counts(self) -> None:
        stage = Connection(opened=False)
        stage.talk(1, b"text number 0")
        data = h2(DATA, 0, 1, frame(b"x" * 50))
        stage.server(data[:20]).gap(1, 30).server(data[50:])
        for number in range(12):
            stage.talk(1, b"text number %d" % number)
        stage.finish()
        assert stage.connection.server_lost_bytes == 30
        assert (stage.connection.client_frames, stage.connection.server_frames) == (13, 14)


class TestOrder:
    """Packets of the two sides in another order: the answer before its request."""

    def test_an_answer_that_comes_first(self) -> None:
        stage = Connection().begin().headers(1, 1, [(":status", "200")])
        stage.body(1, 1, frame(b"welcome")).headers(0, 1, REQUEST).talk(1, b"a").finish()
        assert rows(stage) == [(1, "established", 1, 2, "capture-end")]
        assert brief(stage.frames, "sender", "packet") == [(0, 8), (1, 6), (1, 9)]

    def test_what_is_read_behind_later_packets_of_the_server_is_late(self) -> None:
        stage = Connection(wants=Wants(observe=True)).begin().open(1)
        stage.headers(1, 3, [(":status", "200")])
        request = h2(HEADERS, END_HEADERS, 3, stage.block(0, REQUEST))
        place = (T0 + 2 * SECOND, 2, stage.packet)
        stage.layer.data(0, Buffer(request), 0, len(request), *place)
        stage.open(5).finish()
        late = []
        for each in stage.connections:
            assert each.observation is not None
            assert each.observation.stream is not None
            late.append((each.http_stream, each.observation.stream.late))
        assert late == [(1, False), (3, True), (5, False)]

    def test_a_refusal_that_comes_first(self) -> None:
        stage = Connection().begin().headers(1, 1, [(":status", "403")], 5)
        stage.headers(0, 1, REQUEST).finish()
        assert rows(stage) == [(1, "refused", 0, 0, "server-fin")]

    def test_answers_that_nobody_asked_for_are_not_held_for_ever(self) -> None:
        stage = Connection(limits=Limits(held=10_000)).begin()
        for number in range(1, 1001, 2):
            stage.headers(1, number, [(":status", "200")]).body(1, number, b"x" * 100)
            assert stage.recorder.held <= 10_000
        stage.finish()
        assert stage.connections == []
        assert stage.recorder.held == 0


class TestWithoutTheLibrary:
    def test_it_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("wsanalyze.layers.http2", "wsanalyze.http2.fields"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        for name in [name for name in sys.modules if name.split(".")[0] == "hpack"]:
            monkeypatch.setitem(sys.modules, name, None)
        stage = Connection().begin()
        assert stage.gone
        assert stage.conversation.spoke == OTHER
        assert stage.recorder.summaries[0].problem == (
            "HTTP/2 was met and not read: the package hpack is missing (pip install hpack)"
        )
        assert stage.recorder.summaries[0].missing_packages == ["hpack"]


class TestUnknown:
    """Streams whose request is not in the capture, and whose bytes are no evidence."""

    def test_what_may_be_websocket_is_counted(self) -> None:
        stage = Connection(opened=False)
        for _ in range(8):
            stage.body(1, 5, b"s" * 300).body(0, 5, b"t" * 300)
        stage.finish()
        assert stage.connections == []
        assert stage.recorder.summaries[0].http2_unknown_streams == 1

    def test_it_is_counted_where_its_stream_is_reset_as_well(self) -> None:
        stage = Connection(opened=False)
        for _ in range(8):
            stage.body(1, 5, b"s" * 300).body(0, 5, b"t" * 300)
        stage.client(h2(RST_STREAM, 0, 5, (8).to_bytes(4, "big")))
        stage.finish()
        assert stage.connections == []
        assert stage.recorder.summaries[0].http2_unknown_streams == 1

    def test_what_only_one_side_sent_on_is_a_download(self) -> None:
        stage = Connection(opened=False)
        for _ in range(8):
            stage.body(1, 5, b"s" * 300)
        stage.finish()
        assert stage.recorder.summaries[0].http2_unknown_streams == 0

    def test_what_was_recognised_is_not_unknown(self) -> None:
        stage = Connection(opened=False)
        for number in range(8):
            stage.talk(5, f"message {number} of some words".encode())
        stage.finish()
        assert len(stage.connections) == 1
        assert stage.recorder.summaries[0].http2_unknown_streams == 0


class TestOnlyTheServer:
    """A capture without the client's packets, from the beginning on."""

    def answered(self, *data: bytes) -> Connection:
        stage = Connection()
        stage.server(h2(SETTINGS, 0, 0, ENABLED))
        stage.headers(1, 1, [(":status", "200")])
        for each in data:
            stage.body(1, 1, each)
        stage.finish()
        assert stage.recorder.held == 0
        return stage

    def test_its_frames_tell(self) -> None:
        frames = [frame(b"message number %d of the server" % each) for each in range(12)]
        stage = self.answered(*frames, frame(b"\x03\xe8", 8))
        row = stage.connection
        assert (row.http_stream, row.outcome, row.http_version) == (1, "unseen", "2")
        assert (row.client_frames, row.server_frames, row.client_direction) == (0, 13, 0)

    def test_a_page_does_not(self) -> None:
        assert self.answered(*[b"<p>a page of text</p>" * 20] * 12).connections == []
