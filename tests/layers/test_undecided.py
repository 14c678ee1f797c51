"""A 101 without its request: the first frames tell which version it is."""

from __future__ import annotations

import pytest
from support.chance import chance
from support.hixie import ANSWER, CLOSE, head, switch, text
from support.sessions import BINARY, Stage, brief, frame, masked, response

from wsanalyze.limits import Limits

KEY = bytes.fromhex("37fa213d")


def answered(*lines: str) -> Stage:
    """Return a stage on which the answer of RFC 6455 came, the request being lost."""
    return Stage().server(response(*lines)).gap(0, 200)


def challenged(limits: Limits | None = None) -> Stage:
    """Return a stage on which the answer of Hixie-76 came, the request being lost."""
    return Stage(limits=limits).server(switch() + ANSWER).gap(0, 200)


def drafted(first: int, payload: bytes, key: bytes = KEY) -> bytes:
    """Return a frame of a client of draft 5 or 6."""
    data = bytes((first, len(payload))) + payload
    return key + bytes(byte ^ key[i % 4] for i, byte in enumerate(data))


def said(stage: Stage) -> list[tuple[object, ...]]:
    stage.finish()
    assert stage.recorder.held == 0
    return brief(stage.messages, "sender", "opcode", "payload", "complete")


def test_rfc_6455() -> None:
    stage = answered().server(frame(b"hello"), frame(b"there", BINARY))
    assert said(stage) == [(1, 1, b"hello", 1), (1, 2, b"there", 1)]
    assert stage.connection.outcome == "unseen"
    assert brief(stage.frames, "confidence") == [(0,), (0,)]


@pytest.mark.parametrize("first", [0x84, 0x85])
def test_drafts_4_to_6_by_what_the_server_says(first: int) -> None:
    stage = answered().server(bytes((first, 2)) + b"hi" + b"\x83\x00")
    assert said(stage) == [(1, 1 if first == 0x84 else 2, b"hi", 1)]
    assert brief(stage.frames, "head") == [(0x81 if first == 0x84 else 0x82,), (0x8A,)]


def test_drafts_5_and_6_by_what_the_client_says() -> None:
    source = chance(3)
    words = [b"a first sentence, which is some bytes long", b"and the next", b"and one more"]
    stage = answered()
    for each in words:
        stage.client(drafted(0x84, each, source.randbytes(4)))
    stage.server(b"\x84\x02hi")
    assert (1, 1, b"hi", 1) in said(stage)
    assert brief([row for row in stage.messages if row["sender"] == 0], "payload") == [
        (each,) for each in words
    ]


def test_a_client_of_rfc_6455_is_none_of_a_draft() -> None:
    stage = answered().client(masked(b"what is it that I say here?"), masked(b"and what there?"))
    stage.client(masked(b"nothing of any importance"))
    assert [payload for _, _, payload, _ in said(stage)] == [
        b"what is it that I say here?",
        b"and what there?",
        b"nothing of any importance",
    ]


def test_hixie_76_by_what_the_server_says() -> None:
    stage = challenged().server(text(b"hello")).client(text(b"and you?") + CLOSE)
    assert said(stage) == [(0, 1, b"and you?", 1), (1, 1, b"hello", 1)]
    assert stage.connection.ended_by == "client-close"


def test_hixie_76_by_what_the_client_says() -> None:
    stage = challenged().client(text(b"hello"))
    assert said(stage) == [(0, 1, b"hello", 1)]
    assert stage.connection.server_unread_bytes == 0


@pytest.mark.parametrize("pieces", [1, 3])
def test_an_answer_in_pieces(pieces: int) -> None:
    stage = Stage(pieces=pieces).gap(0, 200).server(switch() + ANSWER + text(b"hello"))
    assert said(stage) == [(1, 1, b"hello", 1)]


def test_a_hole_in_the_answer() -> None:
    stage = Stage().server(switch() + ANSWER[:4]).gap(0, 200).gap(1, 12).server(text(b"hello"))
    assert said(stage) == [(1, 1, b"hello", 1)]


def test_drafts_2_and_3() -> None:
    stage = challenged().server(b"\x04\x05hello\x02\x00\x04\x05there")
    assert said(stage) == [(1, 1, b"hello", 1), (1, 1, b"there", 1)]
    assert brief(stage.frames, "head") == [(0x81,), (0x89,), (0x81,)]


def test_what_nobody_sends_makes_no_frames() -> None:
    stage = challenged().server(b"Some text that is none of theirs.").client(b"\x81\x85hello")
    assert said(stage) == []
    assert stage.frames == []
    assert stage.connection.server_unread_bytes == 16 + 33


@pytest.mark.parametrize("limit", ["held", "held_total"])
def test_no_more_is_held_than_the_limits(limit: str) -> None:
    stage = challenged(Limits(**{limit: 30_000}))
    for _ in range(80):
        stage.client(b"q" * 1000)
        assert stage.recorder.held <= 30_000
    stage.server(text(b"too late"))
    assert said(stage) == []
    assert stage.recorder.reached == {limit: 1}
    assert (stage.connection.client_unread_bytes, stage.connection.server_unread_bytes) == (
        80_000,
        16 + 10,
    )


def test_an_answer_that_names_another_protocol_is_not_in_doubt() -> None:
    other = head("HTTP/1.1 101 Go", {"Upgrade": "h2c", "Sec-WebSocket-Location": "ws://a/"})
    stage = Stage().gap(0, 200).server(other + ANSWER + text(b"hello"))
    assert said(stage) == []


def test_a_request_that_was_seen_leaves_no_doubt() -> None:
    stage = Stage().client(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n")
    stage.server(response() + b"\x84\x02hi")
    stage.finish()
    assert brief(stage.frames, "head") == [(0x84,)]
