"""HTTP in the place of frames: no frame of it, and nobody is silenced by what only looks so."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.packets import SECOND, T0
from support.sessions import (
    BINARY,
    CLOSE,
    MASK,
    TEXT,
    Stage,
    brief,
    facts,
    frame,
    masked,
    request,
    response,
)

from wsanalyze.observation import Observation
from wsanalyze.recording import Wants

ROLES = ("client", "server")
WRITTEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
ASKED = b"GET /?token=s3cret HTTP/1.1\r\nHost: a\r\n\r\n"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9)
SPOKEN = [(1, WRITTEN), (0, ASKED), (0, PREFACE)]


def opened(**more: Any) -> Stage:
    return (
        Stage(wants=Wants(payloads="full", observe=True), **more)
        .client(request())
        .server(response())
    )


def noticed(stage: Stage) -> Observation:
    observation = stage.connection.observation
    assert observation is not None
    return observation


def close(sender: int, code: int) -> bytes:
    return frame(code.to_bytes(2, "big"), CLOSE, mask=None if sender else MASK)


@pytest.mark.parametrize(("sender", "text"), SPOKEN)
@pytest.mark.parametrize("pieces", [None, 1, 2, 5])
def test_it_is_no_frame_and_no_message_nor_is_what_follows(
    sender: int, text: bytes, pieces: int | None
) -> None:
    stage = opened(pieces=pieces)
    stage.data(sender, frame(b"before", mask=None if sender else MASK) + text)
    # Who has begun with HTTP goes on with it.
    stage.data(sender, frame(b"\x03\xe8", CLOSE))
    stage.data(1 - sender, close(1 - sender, 1002))
    stage.finish()
    row = stage.connection
    assert [getattr(row, f"{ROLES[sender]}_{name}") for name in ("frames", "messages")] == [1, 1]
    assert brief(stage.frames, "sender") == [(0,), (1,)]
    assert brief(stage.messages, "payload") == [(b"before",)]
    assert getattr(row, ROLES[sender] + "_close_code") is None
    assert (row.ended_by, row.client_unread_bytes, row.server_unread_bytes) == (
        ROLES[1 - sender] + "-close",
        0,
        0,
    )
    event = noticed(stage).http(ROLES[sender])
    assert event is not None
    # With what was sent behind it.
    assert (event.payload, event.length) == (text + b"\x88\x02\x03\xe8", len(text) + 4)
    assert noticed(stage).http(ROLES[1 - sender]) is None
    assert [each.kind for each in noticed(stage).events if each.frame is not None] == []


def test_it_stands_where_its_first_byte_does() -> None:
    stage = opened().server(b"H", WRITTEN[1:4]).client(masked(b"x")).server(WRITTEN[4:])
    stage.finish()
    event = noticed(stage).http("server")
    assert event is not None
    assert (event.packet, event.time, event.length) == (3, T0 + 3 * SECOND, len(WRITTEN))


@pytest.mark.parametrize(("sender", "text"), SPOKEN)
def test_its_pieces_change_nothing(sender: int, text: bytes) -> None:
    whole = opened().data(sender, text).data(sender, b"more").data(1 - sender, close(1 - sender, 1))
    cut = opened(pieces=1)
    cut.data(sender, text).data(sender, b"more").data(1 - sender, close(1 - sender, 1))

    def told(stage: Stage) -> Any:
        rows = facts(stage.finish())
        for row in rows["connections"]:
            row.pop("observation")
        return rows, [(each.kind, each.payload) for each in noticed(stage).of("http")]

    assert told(whole) == told(cut)


def frames_of_a_side(sender: int, first: int, length: int, payload: bytes) -> Stage:
    """Play a frame of any first byte, and a Close behind it."""
    key = None if sender else MASK
    data = payload[:length].ljust(length, b"\0")
    odd = bytes((first, length)) + data
    return opened().data(sender, odd).data(sender, frame(b"\x03\xe8", CLOSE, mask=key))


@given(
    sender=st.integers(0, 1),
    first=st.integers(0, 255) | st.sampled_from(b"CDGHOPT"),
    length=st.integers(0, 125) | st.sampled_from(b"EOUTAR"),
    payload=st.sampled_from([b"", b"TP", b"TP/", b"TP/1", b"T", b"T ", b"\x03\xe8bye"]),
)
@example(sender=1, first=0x48, length=0x54, payload=b"")
@example(sender=0, first=0x47, length=0x45, payload=b"")
def test_no_two_bytes_silence_a_side(sender: int, first: int, length: int, payload: bytes) -> None:
    stage = frames_of_a_side(sender, first, length, payload)
    stage.finish()
    row, role = stage.connection, ROLES[sender]
    assert getattr(row, role + "_frames") == 2
    assert brief(stage.frames, "head", "length", "captured")[0] == (first, length, length)
    # Its first Close, which the odd one may be.
    assert row.ended_by == role + "-close"
    if first & 15 != CLOSE:
        assert getattr(row, role + "_close_code") == 1000
    assert noticed(stage).http(role) is None


def test_a_frame_that_begins_so_is_judged_as_it_is() -> None:
    stage = frames_of_a_side(1, 0x48, 0x54, b"\x03\xe9gone")
    stage.finish()
    assert stage.connection.server_close_code == 1001
    counts = noticed(stage).counts
    assert counts["control-fragment", "server"] == counts["rsv", "server"] == 1
    assert counts["close-again", "server"] == 1


@pytest.mark.parametrize("seen", [1, 2, 3, 6])
@pytest.mark.parametrize("how", ["hole", "end"])
def test_fewer_bytes_than_tell_are_a_frame(seen: int, how: str) -> None:
    stage = opened().server(WRITTEN[:seen])
    if how == "hole":
        stage.gap(1, 0x54 + 2 - seen).server(frame(b"next"))
    stage.finish()
    found = brief(stage.frames, "head", "length", "captured")
    assert found[:1] == ([] if seen == 1 else [(0x48, 0x54, seen - 2)])
    if seen > 1 and how == "hole":
        assert found[1:] == [(0x81, 4, 4)]
    assert noticed(stage).http("server") is None


def test_a_hole_in_it_ends_nothing() -> None:
    stage = opened().server(WRITTEN).gap(1, 100).server(frame(b"no frame"))
    stage.finish()
    assert stage.frames == []
    event = noticed(stage).http("server")
    assert event is not None
    assert (event.length, stage.connection.server_unread_bytes) == (len(WRITTEN) + 10, 0)


def test_frames_of_the_other_end_in_between_have_their_numbers() -> None:
    stage = opened().server(b"H").client(masked(b"one")).server(b"\x02no", frame(b"yes", 3))
    stage.finish()
    events = {each.kind: each.frame for each in noticed(stage).events if each.sender == "server"}
    assert (events["rsv"], events["opcode"]) == (0, 2)


def test_a_payload_that_spells_http_is_a_payload() -> None:
    stage = opened().server(frame(WRITTEN, BINARY)).client(masked(ASKED, TEXT))
    stage.finish()
    assert brief(stage.messages, "payload") == [(ASKED,), (WRITTEN,)]
