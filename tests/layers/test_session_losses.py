"""Frames found behind a hole: the right ones, with evidence, and none that chance made."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.chance import chance
from support.sessions import BINARY, CLOSE, PING, TEXT, Stage, frame, masked, request, response

REQUEST, RESPONSE = request(), response()
FIRST = len(RESPONSE)


def opened(**more: Any) -> Stage:
    """Return a stage behind the handshake."""
    return Stage(**more).client(REQUEST).server(RESPONSE)


def offsets(stage: Stage, sender: int = 1) -> list[int]:
    """Return where a sender's frames begin."""
    return [row["offset"] for row in stage.frames if row["sender"] == sender]


def saying(source: random.Random, size: int) -> bytes:
    """Return a text of so many bytes."""
    return bytes(source.choice(b'abcdefgh ijkl mnop {}":,0123') for _ in range(size))


class TestBehindALostSegment:
    def test_a_frame_in_each_segment(self) -> None:
        frames = [frame(b"message number %d" % n, BINARY) for n in range(5)]
        stage = opened().server(frames[0]).gap(1, len(frames[1])).server(*frames[2:])
        stage.finish()
        sizes = [len(each) for each in frames]
        assert offsets(stage) == [FIRST] + [FIRST + sum(sizes[:n]) for n in (2, 3, 4)]
        assert [row["confidence"] for row in stage.frames] == [0, 21, 21, 21]
        assert [row["confidence"] for row in stage.messages] == [0, 21, 21, 21]
        assert all(row["complete"] for row in stage.messages)
        row = stage.connection
        assert (row.server_resyncs, row.server_unread_bytes, row.client_resyncs) == (1, 0, 0)

    def test_the_rest_of_a_message_whose_header_is_lost(self) -> None:
        source = chance(1)
        rest = source.randbytes(400)
        frames = [frame(saying(source, 30 + n)) for n in range(4)]
        stage = opened().gap(1, 500).server(rest, *frames)
        stage.finish()
        assert offsets(stage)[0] == FIRST + 900
        assert len(offsets(stage)) == 4
        assert stage.connection.server_unread_bytes == 400

    def test_a_close_alone(self) -> None:
        stage = opened().server(frame(b"a")).gap(1, 40).server(frame(b"\x03\xe8", CLOSE))
        stage.finish()
        assert offsets(stage) == [FIRST, FIRST + 43]
        assert stage.connection.server_close_code == 1000

    def test_one_short_frame_is_too_little(self) -> None:
        stage = opened().server(frame(b"a", BINARY)).gap(1, 40).server(frame(b"b", BINARY))
        stage.finish()
        assert offsets(stage) == [FIRST]
        assert stage.connection.server_unread_bytes == 3

    def test_fragments_of_a_message_whose_beginning_is_lost(self) -> None:
        fragments = [frame(b"x" * n, 0, fin=False) for n in (40, 41)]
        whole = [frame(b"y" * n, BINARY) for n in (42, 43)]
        stage = opened().server(frame(b"begin", fin=False)).gap(1, 42)
        stage.server(*fragments, frame(b"end" * 9, 0), *whole)
        stage.finish()
        assert [row["complete"] for row in stage.messages] == [0, 1, 1]
        assert {row["message"] for row in stage.frames if row["head"] & 15 == 0} == {-1}

    def test_a_gap_inside_a_payload_after_frames_were_found(self) -> None:
        frames = [frame(b"m" * (30 + n), BINARY) for n in range(4)]
        long = frame(b"L" * 2000, BINARY)
        stage = opened().gap(1, 9).server(*frames, long[:500]).gap(1, 1000)
        stage.server(long[1500:], frames[0])
        stage.finish()
        assert [row["captured"] for row in stage.frames][-2:] == [1000, 30]
        assert stage.connection.server_resyncs == 1

    def test_close_frames_are_in_the_order_of_reading(self) -> None:
        frames = [frame(b"m" * (30 + n), BINARY) for n in range(2)]
        stage = opened().gap(1, 9).server(frames[0][:10])
        stage.server(frames[0][10:] + frames[1] + frame(b"\x03\xe8", CLOSE))
        stage.client(frame(b"\x03\xe9", CLOSE, mask=b"abcd"))
        stage.finish()
        assert stage.connection.ended_by == "server-close"

    @pytest.mark.parametrize("seen", [b"", frame(b"\x0b\xb8", CLOSE, mask=b"abcd")])
    def test_who_closed_first_is_not_known_where_the_other_close_is_lost(self, seen: bytes) -> None:
        """Of a Close behind a hole its code may be too little to tell that it is one."""
        stage = opened().client(frame(b"a", mask=b"abcd")).gap(0, 38)
        if seen:
            stage.client(seen)
        stage.server(frame(b"\x0b\xb8", CLOSE)).finish()
        assert stage.connection.client_close_code is None
        assert stage.connection.server_close_code == 3000
        assert stage.connection.ended_by is None

    def test_a_hole_within_a_frame_that_goes_on_has_no_close(self) -> None:
        whole = masked(b"a" * 40)
        stage = opened().client(whole[:20]).gap(0, 8).client(whole[28:])
        stage.server(frame(b"\x03\xe8", CLOSE)).finish()
        assert stage.connection.ended_by == "server-close"

    def test_what_breaks_the_rules_afterwards_ends_the_trust(self) -> None:
        frames = [frame(b"m" * (30 + n), BINARY) for n in range(4)]
        stage = opened().gap(1, 9).server(*frames).server(b"\xf7\x10" + bytes(400))
        stage.server(*frames)
        stage.finish()
        assert len(offsets(stage)) == 8
        assert stage.connection.server_resyncs == 2
        assert stage.connection.server_unread_bytes == 402


class TestNothingIsInvented:
    @pytest.mark.parametrize(
        "payload",
        [
            bytes(60_000),
            b"\x82\x01\x02" * 20_000,
            b"\x81" * 60_000,
            b"\x00\x2a" + b"x" * 40,
            b"\x81\x00\x82\x00" * 15_000,
            "это было сказано ".encode() * 2000,
            chance(7).randbytes(300_000),
        ],
        ids=["zeros", "arrays", "0x81", "prefix", "integers", "Russian", "random"],
    )
    def test_in_the_rest_of_a_payload(self, payload: bytes) -> None:
        stage = opened().gap(1, 3000)
        for at in range(0, len(payload), 1448):
            stage.server(payload[at : at + 1448])
        stage.finish()
        assert stage.frames == []
        assert stage.connection.server_unread_bytes == len(payload)

    def test_frames_inside_a_message_that_were_put_there(self) -> None:
        """A chain that breaks where the message ends is dropped: the true one is found behind."""
        source = chance(3)
        nested = b"".join(frame(saying(source, 20 + n % 50), BINARY) for n in range(300))
        frames = [frame(saying(source, 30 + n)) for n in range(6)]
        stage = opened().gap(1, 1448)
        nested = nested[:-7]
        for at in range(0, len(nested), 1448):
            stage.server(nested[at : at + 1448])
        stage.server(*frames).finish()
        assert offsets(stage) == [
            FIRST + 1448 + len(nested) + sum(map(len, frames[:n])) for n in range(6)
        ]

    def test_such_frames_are_never_certain(self) -> None:
        """Nothing tells them from true ones where they go on to the end: `confidence` is not NA."""
        source = chance(4)
        nested = b"".join(frame(saying(source, 20 + n % 50), BINARY) for n in range(300))
        stage = opened().gap(1, 1448)
        for at in range(0, len(nested), 1448):
            stage.server(nested[at : at + 1448])
        stage.finish()
        assert all(row["confidence"] for row in stage.frames)

    def test_a_version_with_other_frames_is_not_searched(self) -> None:
        other = response().replace(b"Upgrade: websocket", b"Upgrade: other")
        stage = Stage().client(REQUEST).server(other)
        stage.server(*(frame(b"m" * (30 + n), BINARY) for n in range(6)))
        stage.finish()
        assert stage.frames == []


kinds = st.tuples(st.sampled_from([TEXT, BINARY, BINARY, PING]), st.integers(1, 300), st.booleans())


@settings(max_examples=150, deadline=None)
@given(
    plan=st.lists(st.tuples(kinds, st.booleans(), st.booleans()), min_size=1, max_size=60),
    masked=st.booleans(),
    seed=st.integers(0, 1 << 30),
)
def test_whatever_is_lost_no_message_is_invented(
    plan: list[tuple[tuple[int, int, bool], bool, bool]], masked: bool, seed: int
) -> None:
    """Frames at random, coalesced or not, with segments lost: all that is found was sent."""
    source = chance(seed)
    segments: list[tuple[bytes, bool]] = []
    sent: dict[int, tuple[int, int]] = {}
    at = len(REQUEST) if masked else FIRST
    for (opcode, size, binary), joined, lost in plan:
        size = min(size, 125) if opcode == PING else size
        payload = source.randbytes(size) if binary and opcode != TEXT else saying(source, size)
        data = frame(payload, opcode, mask=source.randbytes(4) if masked else None)
        sent[at] = (data[0], size)
        at += len(data)
        if joined and segments:
            segments[-1] = (segments[-1][0] + data, segments[-1][1])
        else:
            segments.append((data, lost))
    side = 0 if masked else 1
    stage = opened()
    for data, lost in segments:
        if lost:
            stage.gap(side, len(data))
        else:
            stage.data(side, data)
    stage.finish()
    found = {row["offset"]: (row["head"], row["length"]) for row in stage.frames}
    assert found.items() <= sent.items()


def test_where_the_request_is_lost_the_version_is_in_doubt() -> None:
    """A header that RFC 6455 does not know is none of its frames, and no draft's behind others."""
    stage = Stage(opened=False).gap(0, 200).server(response() + frame(b"one") + frame(b"two", 4))
    stage.finish()
    assert (stage.connection.outcome, offsets(stage)) == ("unseen", [len(response())])
    assert stage.connection.server_unread_bytes == 5
    stage = Stage(opened=False).gap(0, 200).server(response() + frame(b"hello") * 3)
    stage.finish()
    assert [row["confidence"] for row in stage.frames] == [0, 0, 0]
