"""WebSocket from the middle: recognised by its frames, with the right roles, and nothing else."""

from __future__ import annotations

import pytest
from support.chance import chance
from support.sessions import (
    BINARY,
    DEFLATE,
    Deflater,
    Stage,
    frame,
    masked,
    request,
    response,
    sha256,
)

from wsanalyze.limits import Limits

WORDS = [b"hello there", b"how are you today", b"fine, and how is the weather?", b"rain again"]


def keyed(payload: bytes, number: int, opcode: int = 1) -> bytes:
    """Return a client's frame with a key of its own."""
    return frame(payload, opcode, mask=chance(number).randbytes(4))


def talk(stage: Stage, client: int = 0) -> Stage:
    """Let both sides say something, `client` being the side of the client."""
    for number, words in enumerate(WORDS):
        stage.data(client, keyed(words, number)).data(1 - client, frame(words * 2))
    stage.finish()
    return stage


@pytest.mark.parametrize("client", [0, 1])
def test_who_masks_is_the_client(client: int) -> None:
    stage = talk(Stage(opened=False), client)
    row = stage.connection
    assert (row.outcome, row.client_direction, row.client_port) == (
        "unseen",
        client,
        (40000, 8080)[client],
    )
    assert (row.client_frames, row.server_frames) == (4, 4)
    assert (row.handshake, row.requested, row.http_version) == (None, None, None)
    assert [row["sha256"] for row in stage.messages if row["sender"] == 0] == [
        sha256(words) for words in WORDS
    ]
    assert stage.recorder.held == 0


@pytest.mark.parametrize("side", [0, 1])
def test_one_direction_alone(side: int) -> None:
    stage = Stage(opened=False)
    for number in range(12):
        words = b"a message of some length %d" % number * (1 + number % 7)
        stage.data(side, keyed(words, number) if side == 0 else frame(words))
    stage.finish()
    row = stage.connection
    assert row.client_direction == 0
    assert (row.client_frames, row.server_frames) == ((12, 0) if side == 0 else (0, 12))


def test_a_stream_whose_beginning_was_seen_is_not_searched() -> None:
    stage = talk(Stage(opened=True))
    assert stage.connections == []


def test_beginning_lost_in_a_gap() -> None:
    stage = talk(Stage(opened=True).gap(0, 200).gap(1, 150))
    assert (stage.connection.client_frames, stage.connection.server_frames) == (4, 4)
    assert stage.frames[0]["offset"] == 200


def test_heads_that_were_cut() -> None:
    stage = Stage().client(request()[:40]).gap(0, len(request()) - 40)
    stage = talk(stage.server(response()[:40]).gap(1, len(response()) - 40))
    assert stage.connection.outcome == "unseen"
    assert stage.frames[0]["offset"] == len(request())


def test_a_request_without_its_answer() -> None:
    stage = Stage().client(request(), *(keyed(words, n) for n, words in enumerate(WORDS)))
    stage.finish()
    assert (stage.connection.outcome, stage.connection.client_frames) == ("unseen", 4)


def test_another_request_is_no_frame() -> None:
    stage = Stage().client(request(), request())
    stage.finish()
    assert [row.outcome for row in stage.connections] == ["unanswered", "unanswered"]
    assert stage.frames == []


def test_frames_that_it_was_claimed_for_are_read_whatever_follows() -> None:
    """Behind one frame of each side comes what is none: a claim shows what it was made for."""
    stage = Stage(opened=False)
    stage.client(keyed(b"a text of a client, as it is written. " * 6, 1))
    stage.server(frame(b"and what is said to it in the same words " * 5))
    stage.client(b"\x08\0\0\0").server(b"\x08\0\0\0").finish()
    assert [each.outcome for each in stage.connections] == ["unseen"]
    assert len(stage.frames) == 1
    assert stage.recorder.held == 0


@pytest.mark.parametrize("limit", [4096, 262_144])
def test_frames_that_it_was_claimed_for_are_read_before_they_are_held_no_more(limit: int) -> None:
    stage = Stage(opened=False, limits=Limits(resync=limit))
    stage.client(keyed(b"a text of a client, as it is written. " * 6, 1))
    stage.server(frame(b"and what is said to it in the same words " * 5))
    for _ in range(10):
        stage.client(b"\x08" * 1000).server(b"\x08" * 1000)
    stage.finish()
    assert len(stage.frames) == 1


def test_rsv1_is_compression_where_it_can_be_decompressed() -> None:
    """Messages that refer to themselves and to one another come through, one with more does not."""
    squeeze = Deflater()
    squeeze(b"0123456789-something that was said")
    own = [squeeze(words.upper() * 3) for words in WORDS]
    later = [squeeze(b"0123456789-something that was said")]
    stage = Stage(opened=False)
    for number, data in enumerate(own):
        stage.data(1, frame(data, rsv=4)).data(0, keyed(WORDS[number], number))
    stage.data(1, frame(later[0], rsv=4))
    stage.finish()
    rows = [row for row in stage.messages if row["sender"] == 1]
    assert [row["sha256"] for row in rows][:4] == [sha256(words.upper() * 3) for words in WORDS]
    assert (rows[4]["complete"], rows[4]["length"], rows[4]["sha256"]) == (0, -1, None)


def test_rsv1_on_what_was_never_compressed() -> None:
    source = chance(9)
    stage = Stage(opened=False)
    for number in range(8):
        stage.data(1, frame(source.randbytes(60 + number), BINARY, rsv=4))
        stage.data(0, keyed(b"what was that?", number))
    stage.finish()
    rows = [row for row in stage.messages if row["sender"] == 1]
    assert [row["complete"] for row in rows] == [0] * 8


def test_the_answer_of_a_compressed_session_was_lost() -> None:
    squeeze = Deflater()
    first = frame(squeeze(b"a" * 50), rsv=4, mask=b"abcd")
    stage = Stage().client(request(DEFLATE), first).gap(1, len(response(DEFLATE)))
    stage.server(*(frame(bytes(20 + n), BINARY) for n in range(3)))
    stage.finish()
    assert stage.connection.outcome == "unseen"
    assert stage.messages[0]["sha256"] == sha256(b"a" * 50)


def test_what_is_not_recognised_is_let_go() -> None:
    stage = Stage(opened=False, limits=Limits(midstream=20_000))
    source = chance(2)
    for _ in range(20):
        stage.server(source.randbytes(1400))
    assert stage.gone
    assert stage.recorder.reached == {"midstream": 1}
    assert stage.recorder.held == 0


def test_http_from_the_middle_is_http() -> None:
    stage = Stage(opened=False).server(b"rest of a body" * 20)
    stage.client(request()).server(response()).client(masked(b"a")).server(frame(b"b"))
    stage.finish()
    assert (stage.connection.outcome, stage.connection.client_frames) == ("established", 1)


@pytest.mark.parametrize("limit", [1, 50, 500, 5000])
def test_segments_longer_than_what_may_be_held(limit: int) -> None:
    """As offloading makes them: what was found is given up with its bytes."""
    stage = Stage(opened=False, limits=Limits(resync=limit))
    for _ in range(4):
        stage.server(frame(b"x" * 130_000, BINARY) + frame(b"y" * 125_000, BINARY))
        stage.client(masked(b"z" * 130_000, BINARY) + masked(b"z" * 125_000, BINARY))
    stage.finish()
    assert stage.recorder.held == 0
    assert stage.connections == []
