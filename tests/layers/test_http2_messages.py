"""Ordinary requests beside WebSockets: their lengths, their answers, and who is to blame."""

from __future__ import annotations

from typing import Any

import pytest
from support.http2 import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GET,
    GOAWAY,
    HEADERS,
    PADDED,
    RST_STREAM,
    SETTINGS,
    Connection,
    Fields,
    h2,
)
from support.sessions import masked

from wsanalyze.layers.http2_messages import COST
from wsanalyze.layers.http2_stream import WebSocketStream
from wsanalyze.limits import Limits
from wsanalyze.multiplexing import Malformed
from wsanalyze.recording import Wants

POST: Fields = [(":method", "POST"), *GET[1:]]
OVER = END_HEADERS | END_STREAM


def stage(**options: object) -> Connection:
    return Connection(wants=Wants(observe=True), **options).begin().open(1)


def faults(played: Connection) -> list[Malformed]:
    played.finish()
    observation = played.connection.observation
    assert observation is not None
    assert observation.stream is not None
    return observation.stream.shared.faults


def told(played: Connection) -> list[tuple[str, int, str]]:
    return [(each.sender, each.stream, each.what) for each in faults(played)]


@pytest.mark.parametrize("size", [None, 1, 7])
def test_lengths_that_are_kept(size: int | None) -> None:
    played = stage(pieces=size).headers(0, 3, [*POST, ("content-length", "6")])
    played.body(0, 3, b"abc").body(0, 3, b"def", END_STREAM)
    played.headers(1, 3, [(":status", "200"), ("content-length", "2")])
    played.client(h2(DATA, 0, 1, masked(b"beside"))).body(1, 3, b"ok", END_STREAM)  # type: ignore[attr-defined]
    assert told(played) == []


@pytest.mark.parametrize("size", [None, 1, 7])
def test_lengths_that_are_not(size: int | None) -> None:
    played = stage(pieces=size).headers(0, 3, [*POST, ("content-length", "7")])
    played.body(0, 3, b"abcdef", END_STREAM)
    played.headers(1, 3, [(":status", "200"), ("content-length", "1")])
    played.body(1, 3, b"ok", END_STREAM)
    assert told(played) == [
        ("client", 3, "content-length is 7, and 6 bytes of DATA came"),
        ("server", 3, "content-length is 1, and 2 bytes of DATA came"),
    ]


def test_padding_is_not_counted() -> None:
    played = stage().headers(0, 3, [*POST, ("content-length", "3")])
    played.body(0, 3, b"\x02abc\0\0", END_STREAM | PADDED)
    assert told(played) == []


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", "200"), ("GET", "304"), ("GET", "204"), ("CONNECT", "502")]
)
def test_answers_without_content(method: str, status: str) -> None:
    request = [(":method", method), *(GET[3:] if method == "CONNECT" else GET[1:])]
    played = stage().headers(0, 3, request, OVER)
    played.headers(1, 3, [(":status", status), ("content-length", "280")], OVER)
    assert told(played) == []


def test_interim_answers_and_trailers() -> None:
    played = stage().headers(0, 3, GET, OVER).headers(1, 3, [(":status", "103")])
    played.headers(1, 3, [(":status", "200"), ("content-length", "2")]).body(1, 3, b"ok")
    played.headers(1, 3, [("x-sum", "1")], OVER)
    assert told(played) == []


def test_trailers_that_are_malformed() -> None:
    played = stage().headers(0, 3, GET, OVER).headers(1, 3, [(":status", "200")])
    played.headers(1, 3, [(":status", "200")], OVER)
    assert told(played) == [("server", 3, "':status' is no pseudo-header field of trailers")]


def test_a_stream_that_was_reset_owes_nothing() -> None:
    played = stage().headers(0, 3, [*POST, ("content-length", "7")]).body(0, 3, b"a")
    played.server(h2(RST_STREAM, 0, 3, bytes(4))).client(h2(DATA, 1, 3, b""))
    assert told(played) == []


def test_a_field_block_with_something_in_between_is_one_fault() -> None:
    played = stage()
    block = played.block(0, GET)
    played.client(h2(HEADERS, 0, 3, block[:4]) + h2(SETTINGS) + h2(CONTINUATION, 4, 3, block[4:]))
    assert told(played) == [("client", 3, "another frame within a field block")]


def test_a_field_block_that_cannot_be_read() -> None:
    played = stage().client(h2(HEADERS, OVER, 3, b"\xff\x80\x7f"))
    assert told(played) == [("client", 3, "a field block that cannot be decompressed")]


def test_behind_a_hole_nobody_is_blamed() -> None:
    played = stage().headers(0, 3, [*POST, ("content-length", "7")])
    data = h2(DATA, END_STREAM, 3, b"abcdefg")
    played.client(data[:10]).gap(0, 6)
    played.client(h2(SETTINGS, 0, 0, b"\0"))
    assert told(played) == []


def test_many_goaways_cost_no_call_for_each_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    played = stage()
    for number in range(3, 43, 2):
        played.open(number)
    ended: list[int] = []
    end = WebSocketStream.end

    def counted(stream: WebSocketStream, *arguments: Any, **more: Any) -> None:
        ended.append(stream.number)
        end(stream, *arguments, **more)

    monkeypatch.setattr(WebSocketStream, "end", counted)
    for _ in range(50):
        played.server(h2(GOAWAY, 0, 0, bytes(7) + b"\1"))
    assert ended == [1, *range(3, 43, 2)]


def test_requests_that_are_open_are_bounded() -> None:
    played = stage(limits=Limits(streams=4))
    for number in range(3, 103, 2):
        played.headers(0, number, [*POST, ("content-length", "7")])
    assert played.recorder.held == 4 * COST
    assert told(played) == []


def test_larger_frames_are_sound_where_their_receiver_takes_them() -> None:
    played = stage().server(h2(SETTINGS, 0, 0, b"\0\5\0\1\0\0"))
    played.body(0, 1, bytes(20_000))  # type: ignore[attr-defined]
    assert told(played) == []
    assert told(stage().body(0, 1, bytes(20_000))) == [
        ("client", 1, "DATA of 20,000 bytes, where 16,384 are the most")
    ]


def test_heads_that_repeat_others_are_judged_likewise() -> None:
    played = stage()
    only_method, no_method = b"\x82", b"\x86\x84"
    for number, block in ((3, only_method), (5, only_method), (7, no_method), (9, only_method)):
        played.client(h2(HEADERS, OVER, number, block))
        # The same block is an answer, and then trailers.
        played.server(h2(HEADERS, END_HEADERS, number, b"\x88"))
        played.server(h2(HEADERS, OVER, number, b"\x88"))
    assert [(each.sender, each.stream, each.what, each.count) for each in faults(played)] == [
        ("client", 3, "a request without :scheme", 3),
        ("client", 3, "a request without :path", 3),
        ("server", 3, "':status' is no pseudo-header field of trailers", 4),
        ("client", 7, "a request without :method", 1),
    ]


def test_lengths_are_of_each_request_though_heads_repeat() -> None:
    played = stage()
    block = b"\x83\x86\x84\x0f\x0d\x012"
    for number, body in ((3, b"ab"), (5, b"abc"), (7, b"ab"), (9, b"a")):
        played.client(h2(HEADERS, END_HEADERS, number, block) + h2(DATA, END_STREAM, number, body))
    assert [(each.stream, each.what) for each in faults(played)] == [
        (5, "content-length is 2, and 3 bytes of DATA came"),
        (9, "content-length is 2, and 1 bytes of DATA came"),
    ]
