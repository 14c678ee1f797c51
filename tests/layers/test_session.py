"""A session's frames and messages: every fact of a row, and nothing where bytes are missing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.packets import SECOND, T0
from support.sessions import (
    BINARY,
    CLOSE,
    DEFLATE,
    MASK,
    PING,
    PONG,
    TEXT,
    Deflater,
    Stage,
    brief,
    facts,
    frame,
    masked,
    request,
    response,
    sha256,
)

from wsanalyze.buffer import Buffer
from wsanalyze.limits import Limits
from wsanalyze.recording import Wants

REQUEST, RESPONSE = request(), response()
CLIENT_FIRST, SERVER_FIRST = len(REQUEST), len(RESPONSE)
KEY = int.from_bytes(MASK, "big")
COUNTS = [
    *("client_unmasked_frames", "server_masked_frames", "ended_by"),
    *(
        f"{side}_{name}"
        for side in ("client", "server")
        for name in (
            "frames",
            "messages",
            "bytes",
            "pings",
            "pongs",
            "invalid_text_messages",
            "incomplete_messages",
        )
    ),
    *("client_close_code", "client_close_reason", "server_close_code", "server_close_reason"),
]


def opened(**more: Any) -> Stage:
    """Return a stage behind the handshake, which took packets 1 and 2 where it was not cut."""
    return Stage(**more).client(REQUEST).server(RESPONSE)


def compressed(parameters: str = "") -> Stage:
    """Return a stage whose handshake agreed on permessage-deflate."""
    stage = Stage()
    return stage.client(request(DEFLATE + parameters)).server(response(DEFLATE + parameters))


def test_every_column_of_a_frame() -> None:
    stage = opened().client(masked(b"Hello")[:7], masked(b"Hello")[7:])
    stage.server(frame(b"\x03\xe9bye", CLOSE))
    stage.finish()
    assert stage.frames == [
        {
            "connection": 0,
            "sender": 0,
            "time": T0 + 3 * SECOND,
            "time_end": T0 + 4 * SECOND,
            "packet": 3,
            "packet_end": 4,
            "ordinal": 3,
            "offset": CLIENT_FIRST,
            "head": 0x81,
            "second": 0x85,
            "masking_key": KEY,
            "header_length": 6,
            "length": 5,
            "captured": 5,
            "message": 0,
            "close_code": -1,
            "confidence": 0,
        },
        {
            "connection": 0,
            "sender": 1,
            "time": T0 + 5 * SECOND,
            "time_end": T0 + 5 * SECOND,
            "packet": 5,
            "packet_end": 5,
            "ordinal": 5,
            "offset": SERVER_FIRST,
            "head": 0x88,
            "second": 5,
            "masking_key": 0,
            "header_length": 2,
            "length": 5,
            "captured": 5,
            "message": -1,
            "close_code": 1001,
            "confidence": 0,
        },
    ]


def test_every_column_of_a_message() -> None:
    payload = "grüß dich".encode()
    stage = opened()
    stage.server(frame(payload[:4], TEXT, fin=False), frame(b"", PING), frame(payload[4:], 0))
    stage.finish()
    assert stage.messages == [
        {
            "connection": 0,
            "sender": 1,
            "time": T0 + 3 * SECOND,
            "time_end": T0 + 5 * SECOND,
            "packet": 3,
            "packet_end": 5,
            "ordinal": 3,
            "offset": SERVER_FIRST,
            "opcode": TEXT,
            "frames": 2,
            "compressed": 0,
            "wire_length": len(payload),
            "length": len(payload),
            "complete": 1,
            "utf8_valid": 1,
            "confidence": 0,
            "sha256": sha256(payload),
            "payload": payload,
            "serial": 0,
        }
    ]


def test_counts_of_a_connection() -> None:
    stage = opened()
    stage.client(masked(b"a"), masked(b"bc", BINARY), frame(b"d"), masked(b"", PING))
    stage.client(masked(b"xy", PONG), masked(b"", PONG))
    stage.server(frame(b"e"), masked(b"fg"), frame(b"p", PING))
    stage.client(masked(b"\x03\xe8done", CLOSE)).server(frame(b"\x03\xe9", CLOSE))
    stage.finish()
    row = stage.connection
    assert (row.outcome, row.ended_by) == ("established", "client-close")
    assert (row.client_frames, row.server_frames) == (7, 4)
    assert (row.client_messages, row.server_messages) == (3, 2)
    assert (row.client_bytes, row.server_bytes) == (12, 6)
    assert (row.client_pings, row.server_pings) == (1, 1)
    assert (row.client_pongs, row.server_pongs) == (2, 0)
    assert (row.client_unmasked_frames, row.server_masked_frames) == (1, 1)
    assert (row.client_close_code, row.client_close_reason) == (1000, "done")
    assert (row.server_close_code, row.server_close_reason) == (1001, "")
    assert (row.client_unread_bytes, row.server_unread_bytes) == (0, 0)


def test_offsets_are_exact_in_every_stream() -> None:
    sizes = [0, 1, 125, 126, 200, 65535, 65536]
    stage = opened(pieces=1000)
    for size in sizes:
        stage.client(masked(bytes(size), BINARY)).server(frame(bytes(size), BINARY))
    stage.finish()
    heads = [2, 2, 2, 4, 4, 4, 10]
    for sender, first, mask in ((0, CLIENT_FIRST, 4), (1, SERVER_FIRST, 0)):
        at, expected = first, []
        for size, head in zip(sizes, heads, strict=True):
            expected.append((at, head + mask, size, size))
            at += head + mask + size
        rows = [row for row in stage.frames if row["sender"] == sender]
        assert brief(rows, "offset", "header_length", "length", "captured") == expected


# name: (frames of the server; each frame's message; each message's (opcode, frames, payload,
# complete, utf8_valid))
FRAGMENTS: dict[str, tuple[list[bytes], list[int], list[tuple[int, int, bytes, int, int]]]] = {
    "three fragments": (
        [frame(b"a", fin=False), frame(b"b", 0, fin=False), frame(b"c", 0)],
        [0, 0, 0],
        [(TEXT, 3, b"abc", 1, 1)],
    ),
    "control frames between": (
        [
            frame(b"a", BINARY, fin=False),
            frame(b"p", PING),
            frame(b"b", 0, fin=False),
            frame(b"p", PONG),
            frame(b"c", 0),
        ],
        [0, -1, 0, -1, 0],
        [(BINARY, 3, b"abc", 1, -1)],
    ),
    "empty fragments": (
        [
            frame(b"", fin=False),
            frame(b"", 0, fin=False),
            frame(b"ab", 0, fin=False),
            frame(b"", 0),
        ],
        [0, 0, 0, 0],
        [(TEXT, 4, b"ab", 1, 1)],
    ),
    "empty message": ([frame(b"")], [0], [(TEXT, 1, b"", 1, 1)]),
    "a character over two fragments": (
        [frame(b"\xe2\x82", fin=False), frame(b"\xac", 0)],
        [0, 0],
        [(TEXT, 2, "€".encode(), 1, 1)],
    ),
    "text that is no UTF-8": ([frame(b"a\xff")], [0], [(TEXT, 1, b"a\xff", 1, 0)]),
    "text that ends within a character": (
        [frame(b"\xe2\x82")],
        [0],
        [(TEXT, 1, b"\xe2\x82", 1, 0)],
    ),
    "continuation of nothing": ([frame(b"a", 0), frame(b"b")], [-1, 0], [(TEXT, 1, b"b", 1, 1)]),
    "a new message within one": (
        [frame(b"a", fin=False), frame(b"b", BINARY), frame(b"c", 0)],
        [0, 1, -1],
        [(TEXT, 1, b"a", 0, -1), (BINARY, 1, b"b", 1, -1)],
    ),
    "reserved opcodes make no message": (
        [frame(b"x", opcode) for opcode in (3, 4, 5, 6, 7, 11, 15)] + [frame(b"a")],
        [-1] * 7 + [0],
        [(TEXT, 1, b"a", 1, 1)],
    ),
    "a reserved opcode within a message": (
        [frame(b"a", fin=False), frame(b"x", 3), frame(b"b", 0)],
        [0, -1, 0],
        [(TEXT, 2, b"ab", 1, 1)],
    ),
    "a fragmented ping within a message": (
        [frame(b"a", fin=False), frame(b"x", PING, fin=False), frame(b"b", 0)],
        [0, -1, 0],
        [(TEXT, 2, b"ab", 1, 1)],
    ),
    "reserved bits without an extension": (
        [frame(b"a", rsv=rsv) for rsv in range(8)],
        list(range(8)),
        [(TEXT, 1, b"a", 1, 1)] * 8,
    ),
    "a message that never ends": (
        [frame(b"a", fin=False), frame(b"b", 0, fin=False)],
        [0, 0],
        [(TEXT, 2, b"ab", 0, -1)],
    ),
    "lengths that are not minimal": (
        [frame(b"a", form=16), frame(b"b", form=64), frame(b"\x03\xe8", CLOSE, form=64)],
        [0, 1, -1],
        [(TEXT, 1, b"a", 1, 1), (TEXT, 1, b"b", 1, 1)],
    ),
    "frames behind a Close are read": (
        [frame(b"\x03\xe8", CLOSE), frame(b"a")],
        [-1, 0],
        [(TEXT, 1, b"a", 1, 1)],
    ),
}


@pytest.mark.parametrize(("frames", "message", "messages"), FRAGMENTS.values(), ids=FRAGMENTS)
@pytest.mark.parametrize("pieces", [None, 1, 2, 3])
def test_messages_of_frames(
    frames: list[bytes],
    message: list[int],
    messages: list[tuple[int, int, bytes, int, int]],
    pieces: int | None,
) -> None:
    stage = opened(pieces=pieces).server(b"".join(frames))
    stage.finish()
    assert brief(stage.frames, "message") == [(each,) for each in message]
    names = ("opcode", "frames", "payload", "complete", "utf8_valid")
    assert brief(stage.messages, *names) == messages
    for row in stage.messages:
        assert row["sha256"] == (sha256(row["payload"]) if row["complete"] else None)
        assert row["length"] == row["wire_length"] == len(row["payload"])


def test_both_sides_fragment_at_once() -> None:
    stage = opened()
    stage.client(masked(b"a", fin=False)).server(frame(b"1", BINARY, fin=False))
    stage.client(masked(b"b", 0, fin=False)).server(frame(b"2", 0), frame(b"3"))
    stage.client(masked(b"c", 0))
    stage.finish()
    assert brief(stage.messages, "sender", "opcode", "payload", "frames") == [
        (0, TEXT, b"abc", 3),
        (1, BINARY, b"12", 2),
        (1, TEXT, b"3", 1),
    ]


# payload of a Close, (code, reason) of the row
CLOSES: dict[str, tuple[bytes, int | None, str | None]] = {
    "empty": (b"", None, None),
    "one byte": (b"\x03", None, None),
    "code": (b"\x03\xe8", 1000, ""),
    "code and reason": (b"\x0f\xa0" + "grüß".encode(), 4000, "grüß"),
    "code 0": (b"\x00\x00", 0, ""),
    "reason that is no UTF-8": (b"\x03\xe8a\xffb", 1000, "a\ufffdb"),
    "too long": (b"\x03\xe8" + b"x" * 300, 1000, "x" * 300),
    "much too long: 1024 bytes are kept": (b"\x03\xe8" + b"x" * 5000, 1000, "x" * 1022),
}


@pytest.mark.parametrize(("payload", "code", "reason"), CLOSES.values(), ids=CLOSES)
@pytest.mark.parametrize("sender", [0, 1])
@pytest.mark.parametrize("pieces", [None, 1])
def test_close(
    payload: bytes, code: int | None, reason: str | None, sender: int, pieces: int | None
) -> None:
    stage = opened(pieces=pieces)
    stage.data(sender, frame(payload, CLOSE, mask=None if sender else MASK))
    stage.finish()
    row, role = stage.connection, ("client", "server")[sender]
    assert getattr(row, role + "_close_code") == code
    assert getattr(row, role + "_close_reason") == reason
    assert row.ended_by == role + "-close"
    assert brief(stage.frames, "close_code") == [(-1 if code is None else code,)]


@pytest.mark.parametrize(
    "header", [b"\xc8\x54", b"\x48\x54", b"\x48\xd4", b"\x48\x53", b"\x08\x54"], ids=bytes.hex
)
def test_a_close_that_only_looks_a_little_like_http(header: bytes) -> None:
    stage = opened()
    key = bytes(4) if header[1] & 0x80 else b""
    stage.server(header + key + b"\x03\xe8" + b"x" * ((header[1] & 127) - 2))
    stage.finish()
    assert (stage.connection.server_close_code, stage.connection.ended_by) == (1000, "server-close")


def test_the_first_close_of_a_side_counts() -> None:
    stage = opened()
    stage.server(frame(b"\x03\xe9first", CLOSE), frame(b"\x03\xeasecond", CLOSE))
    stage.client(masked(b"\x03\xeb", CLOSE))
    stage.finish()
    row = stage.connection
    assert (row.server_close_code, row.server_close_reason) == (1001, "first")
    assert (row.client_close_code, row.ended_by) == (1003, "server-close")
    assert brief(stage.frames, "close_code") == [(1003,), (1001,), (1002,)]


@pytest.mark.parametrize("late", [0, 1])
def test_who_closed_first_is_who_sent_its_close_first(late: int) -> None:
    """What is behind a hole is read when nothing fills it any more: behind what answers it."""
    stage = opened()
    closes = [masked(b"\x03\xe8", CLOSE), frame(b"\x03\xe8", CLOSE)]
    ours, theirs = (T0 + SECOND * 50, 50), (T0 + SECOND * 51, 51)
    for side, (time, packet), ordinal in ((1 - late, theirs, 51), (late, ours, 99)):
        data = closes[side]
        stage.layer.data(side, Buffer(data), 0, len(data), time, packet, ordinal)
    stage.finish()
    assert stage.connection.ended_by == ("client-close", "server-close")[late]


@pytest.mark.parametrize(
    ("ends", "close", "evicted", "ended_by"),
    [
        ([], None, 0, "capture-end"),
        ([], None, 1, "evicted"),
        ([(0, 0)], None, 0, "client-fin"),
        ([(1, 0), (0, 0)], None, 0, "server-fin"),
        ([(0, 1)], None, 0, "client-rst"),
        ([(1, 1), (0, 1)], None, 1, "server-rst"),
        ([(1, 0)], 0, 0, "client-close"),
        ([], 1, 1, "server-close"),
    ],
)
def test_who_ended_it(
    ends: list[tuple[int, int]], close: int | None, evicted: int, ended_by: str
) -> None:
    stage = opened().client(masked(b"a"))
    if close is not None:
        stage.data(close, frame(b"", CLOSE))
    for each in ends:
        stage.end(*each)
    stage.finish(evicted)
    assert stage.connection.ended_by == ended_by


class TestGaps:
    """Missing bytes: inside a payload the frames go on, and nothing is ever invented."""

    NAMES = ("offset", "length", "captured", "message")

    def test_inside_a_payload(self) -> None:
        stage = opened().server(frame(b"abcdefgh")[:5]).gap(1, 3).server(b"gh", frame(b"next"))
        stage.finish()
        first = SERVER_FIRST
        assert brief(stage.frames, *self.NAMES) == [(first, 8, 5, 0), (first + 10, 4, 4, 1)]
        assert brief(stage.messages, "complete", "sha256", "utf8_valid", "payload") == [
            (0, None, -1, b"abc"),
            (1, sha256(b"next"), 1, b"next"),
        ]
        assert stage.connection.server_bytes == 12

    def test_up_to_the_end_of_a_payload(self) -> None:
        stage = opened().server(frame(b"abcdefgh")[:5]).gap(1, 5).server(frame(b"next"))
        stage.finish()
        first = SERVER_FIRST
        assert brief(stage.frames, *self.NAMES) == [(first, 8, 3, 0), (first + 10, 4, 4, 1)]

    def test_of_a_whole_payload(self) -> None:
        stage = opened().server(frame(b"abcd")[:2]).gap(1, 4).server(frame(b"next"))
        stage.finish()
        assert brief(stage.frames, "length", "captured") == [(4, 0), (4, 4)]

    def test_in_the_middle_of_a_masked_payload(self) -> None:
        for start in range(1, 9):
            for length in range(1, 10 - start):
                sent = masked(b"abcdefghij")
                stage = opened().client(sent[: 6 + start]).gap(0, length)
                stage.client(sent[6 + start + length :], masked(b"next"))
                stage.finish()
                assert brief(stage.frames, "length", "captured") == [(10, 10 - length), (4, 4)]
                assert brief(stage.messages, "payload") == [(b"abcdefghij"[:start],), (b"next",)]

    def test_in_a_fragment_that_is_not_the_last(self) -> None:
        stage = opened().server(frame(b"abcd", fin=False)[:4]).gap(1, 2)
        stage.server(frame(b"efgh", 0), frame(b"next"))
        stage.finish()
        assert brief(stage.frames, "message", "captured") == [(0, 2), (0, 4), (1, 4)]
        assert brief(stage.messages, "complete", "frames") == [(0, 2), (1, 1)]

    @pytest.mark.parametrize("length", [5, 6, 7, 100, 1 << 31])
    def test_a_header_that_was_lost(self, length: int) -> None:
        stage = opened().server(frame(b"abcd")[:4]).gap(1, length)
        # What follows looks like frames and may be payload.
        stage.server(frame(b"looks like a frame") * 3).client(masked(b"other side"))
        stage.finish()
        assert brief(stage.frames, "sender", "length", "captured") == [(0, 10, 10), (1, 4, 2)]
        row = stage.connection
        assert (row.server_frames, row.server_messages) == (1, 1)
        assert row.server_unread_bytes == 60
        assert row.client_unread_bytes == 0

    def test_between_frames(self) -> None:
        stage = opened().server(frame(b"abcd")).gap(1, 6).server(frame(b"next"))
        stage.finish()
        assert brief(stage.frames, "length") == [(4,)]
        assert stage.connection.server_unread_bytes == 6

    def test_inside_a_header(self) -> None:
        for cut in range(1, 8):
            sent = masked(bytes(300))
            stage = opened().client(sent[:cut]).gap(0, 1).client(sent[cut + 1 :], masked(b"next"))
            stage.finish()
            assert stage.frames == []
            assert stage.connection.client_unread_bytes == len(sent) - cut - 1 + 10

    def test_unread_bytes_are_those_that_were_there(self) -> None:
        stage = opened().gap(1, 5).server(b"12345").gap(1, 7).server(b"123")
        stage.finish()
        assert stage.connection.server_unread_bytes == 8

    def test_inside_a_ping_leaves_the_message_around_it_whole(self) -> None:
        stage = opened().server(frame(b"ab", fin=False), frame(b"ping!", PING)[:3]).gap(1, 2)
        stage.server(b"g!", frame(b"cd", 0))
        stage.finish()
        assert brief(stage.frames, "captured", "message") == [(2, 0), (3, -1), (2, 0)]
        assert brief(stage.messages, "complete", "payload") == [(1, b"abcd")]

    def test_of_a_close_code_is_no_code(self) -> None:
        stage = opened().server(frame(b"\x03\xe8because", CLOSE)[:2]).gap(1, 2).server(b"because")
        stage.finish()
        assert brief(stage.frames, "close_code", "captured") == [(-1, 7)]
        row = stage.connection
        assert (row.server_close_code, row.server_close_reason) == (None, None)
        assert (row.client_close_code_missing, row.server_close_code_missing) == (False, True)
        assert row.ended_by == "server-close"

    def test_of_the_second_byte_of_a_close_code_is_no_code(self) -> None:
        stage = opened().server(frame(b"\x03\xe8because", CLOSE)[:3]).gap(1, 1).server(b"because")
        stage.finish()
        assert brief(stage.frames, "close_code") == [(-1,)]
        assert stage.connection.server_close_code_missing

    @pytest.mark.parametrize("body", [b"", b"\x03"])
    def test_of_a_close_without_room_for_a_code_misses_none(self, body: bytes) -> None:
        sent = frame(body, CLOSE)
        stage = opened().server(sent[:2]).gap(1, len(body)) if body else opened().server(sent)
        stage.finish()
        assert stage.connection.ended_by == "server-close"
        assert not stage.connection.server_close_code_missing

    def test_of_a_reason_misses_no_code(self) -> None:
        stage = opened().server(frame(b"\x03\xe8because", CLOSE)[:5]).gap(1, 2).server(b"cause")
        stage.finish()
        row = stage.connection
        assert (row.server_close_code, row.server_close_code_missing) == (1000, False)

    def test_inside_a_frame_without_end(self) -> None:
        huge = (1 << 64) - 5
        stage = opened().server(frame(b"abc", BINARY, length=huge, form=64)).gap(1, 1 << 40)
        stage.server(b"more")
        stage.finish()
        assert brief(stage.frames, "length", "captured") == [(huge, 7)]
        assert stage.connection.server_bytes == (1 << 40) + 7


class TestDeflate:
    """permessage-deflate in a session: which messages, whose context, and what a gap does to it."""

    NAMES = ("compressed", "complete", "length", "payload")

    def test_messages_with_context_takeover_of_both_sides(self) -> None:
        client, server = Deflater(), Deflater()
        stage = compressed()
        for i in range(3):
            stage.client(masked(client(b"client says %d" % i), rsv=4))
            stage.server(frame(server(b"server says %d" % i), rsv=4))
        stage.finish()
        assert brief(stage.messages, *self.NAMES) == [
            (1, 1, 13, b"%s says %d" % (role, i))
            for role in (b"client", b"server")
            for i in range(3)
        ]

    @pytest.mark.parametrize("sizes", [[3], [1] * 30, [0, 5, 0]])
    def test_fragments_and_a_ping_between(self, sizes: list[int]) -> None:
        data = Deflater()(b"a compressed message" * 5)
        stage, at = compressed(), 0
        for i, size in enumerate(sizes):
            first = i == 0
            stage.server(frame(data[at : at + size], TEXT * first, fin=False, rsv=4 * first))
            stage.server(frame(b"p", PING))
            at += size
        stage.server(frame(data[at:], 0))
        stage.finish()
        assert brief(stage.messages, *self.NAMES, "frames", "wire_length") == [
            (1, 1, 100, b"a compressed message" * 5, len(sizes) + 1, len(data))
        ]

    def test_a_message_without_rsv1_is_as_it_is(self) -> None:
        deflater = Deflater()
        one, two = deflater(b"hello hello hello"), deflater(b"hello hello again")
        stage = compressed().server(frame(one, rsv=4), frame(b"plain"), frame(two, rsv=4))
        stage.finish()
        assert brief(stage.messages, *self.NAMES) == [
            (1, 1, 17, b"hello hello hello"),
            (0, 1, 5, b"plain"),
            (1, 1, 17, b"hello hello again"),
        ]

    def test_the_sides_have_contexts_of_their_own(self) -> None:
        keeps, forgets = Deflater(), [Deflater(), Deflater()]
        stage = compressed("; server_no_context_takeover")
        for i in range(2):
            stage.client(masked(keeps(b"the same again and again"), rsv=4))
            stage.server(frame(forgets[i](b"the same again and again"), rsv=4))
        stage.finish()
        assert brief(stage.messages, "payload") == [(b"the same again and again",)] * 4

    def test_bytes_that_are_no_deflate(self) -> None:
        stage = compressed().server(frame(b"\xff\xff\xff\xff", rsv=4), frame(b"plain"))
        stage.server(frame(Deflater()(b"fresh start"), rsv=4))
        stage.finish()
        assert brief(stage.messages, "compressed", "complete", "length", "sha256") == [
            (1, 0, -1, None),
            (0, 1, 5, sha256(b"plain")),
            (1, 1, 11, sha256(b"fresh start")),
        ]

    def test_a_gap_loses_the_context(self) -> None:
        deflater = Deflater()
        one, two, three = (deflater(b"the same again and again") for _ in range(3))
        stage = compressed().server(frame(one, rsv=4)[:6]).gap(1, 3).server(frame(one, rsv=4)[9:])
        stage.server(frame(two, rsv=4), frame(three, rsv=4))
        stage.server(frame(Deflater()(b"nothing from before"), rsv=4))
        stage.finish()
        assert brief(stage.messages, "complete", "length") == [(0, -1)] * 3 + [(1, 19)]
        assert brief(stage.messages, "sha256")[:3] == [(None,)] * 3

    def test_a_gap_in_a_message_that_is_not_compressed_keeps_the_context(self) -> None:
        """RFC 7692 §7.2: only compressed messages go through the window."""
        deflater = Deflater()
        one, two = (deflater(b"the same again and again") for _ in range(2))
        stage = compressed().server(frame(one, rsv=4), frame(b"plain")[:4]).gap(1, 3)
        stage.server(frame(two, rsv=4))
        stage.finish()
        assert brief(stage.messages, "complete", "compressed") == [(1, 1), (0, 0), (1, 1)]
        assert stage.messages[2]["payload"] == b"the same again and again"

    def test_a_gap_in_a_ping_keeps_the_context(self) -> None:
        deflater = Deflater()
        one, two = (deflater(b"the same again and again") for _ in range(2))
        stage = compressed().server(frame(one, rsv=4), frame(b"ping", PING)[:4]).gap(1, 2)
        stage.server(frame(two, rsv=4))
        stage.finish()
        assert brief(stage.messages, "complete", "length") == [(1, 24), (1, 24)]

    def test_a_message_cut_by_another(self) -> None:
        deflater = Deflater()
        one = deflater(b"the same again and again")
        stage = compressed().server(frame(one[:5], fin=False, rsv=4), frame(b"plain"))
        stage.server(frame(Deflater()(b"fresh"), rsv=4))
        stage.finish()
        assert brief(stage.messages, "complete", "length") == [(0, -1), (1, 5), (1, 5)]

    def test_a_bomb(self) -> None:
        bomb = Deflater()(bytes(10_000_000))
        stage = Stage(limits=Limits(message=100_000))
        stage.client(request(DEFLATE)).server(response(DEFLATE))
        stage.server(frame(bomb, BINARY, rsv=4), frame(Deflater()(b"next"), rsv=4))
        stage.finish()
        assert brief(stage.messages, "complete", "sha256") == [(0, None), (1, sha256(b"next"))]
        assert stage.recorder.reached == {"message": 1}
        assert stage.messages[0]["wire_length"] == len(bomb)
        assert stage.messages[0]["length"] <= 100_000

    def test_rsv1_without_agreement_is_not_compression(self) -> None:
        stage = opened().server(frame(b"as it is", rsv=4))
        stage.finish()
        assert brief(stage.messages, *self.NAMES) == [(0, 1, 8, b"as it is")]


class TestWhatIsKept:
    """Counts never depend on what was asked for."""

    def send(self, stage: Stage) -> Stage:
        stage.client(masked(b"0123456789"), masked(b"p", PING))
        stage.server(frame(b"abc", fin=False), frame(b"defgh", 0), frame(b"\x03\xe8", CLOSE))
        stage.finish()
        return stage

    @pytest.mark.parametrize(
        "wants",
        [
            Wants(frames=False),
            Wants(messages=False),
            Wants(frames=False, messages=False, hashes=False, payloads="none"),
            Wants(hashes=False),
            Wants(payloads="none"),
            Wants(payloads="preview", preview_length=4),
            Wants(payloads="preview", preview_length=0),
        ],
        ids=str,
    )
    def test_connections_are_the_same(self, wants: Wants) -> None:
        usual = self.send(opened()).connection
        row = self.send(opened(wants=wants)).connection
        for name in usual.__slots__:
            if name != "handshake":
                assert getattr(row, name) == getattr(usual, name), name

    def test_previews(self) -> None:
        stage = self.send(opened(wants=Wants(preview_length=4)))
        assert brief(stage.messages, "payload", "length") == [(b"0123", 10), (b"abcd", 8)]
        assert brief(stage.messages, "sha256") == [(sha256(b"0123456789"),), (sha256(b"abcdefgh"),)]

    def test_no_payloads_and_no_hashes(self) -> None:
        stage = self.send(opened(wants=Wants(payloads="none", hashes=False)))
        names = ("payload", "sha256", "length", "complete", "utf8_valid")
        assert brief(stage.messages, *names) == [(b"", None, 10, 1, 1), (b"", None, 8, 1, 1)]

    def test_payloads_are_bounded_for_each_message_and_in_all(self) -> None:
        limits = Limits(payload=6, payload_total=13)
        stage = Stage(limits=limits)
        stage.client(REQUEST).server(RESPONSE)
        stage.server(*(frame(b"%d234567890" % i) for i in range(4)), frame(b"x"))
        stage.finish()
        kept = [b"023456", b"123456", b"", b"", b"x"]
        assert brief(stage.messages, "payload") == [(each,) for each in kept]
        assert brief(stage.messages, "length") == [(10,)] * 4 + [(1,)]
        assert stage.recorder.reached == {"payload": 4, "payload_total": 2}


def everything(pieces: int | None) -> Stage:
    """Return a session with a bit of everything, cut into pieces."""
    client, server = Deflater(), Deflater()
    stage = Stage(pieces=pieces).client(request(DEFLATE)).server(response(DEFLATE))
    stage.client(
        masked(b"plain")
        + masked(client(b"squeezed" * 9), rsv=4)
        + masked(client(b"squeezed" * 7), BINARY, rsv=4, fin=False)
        + masked(b"p" * 125, PING)
        + masked(b"", 0)
        + frame(b"unmasked")
        + masked(b"x" * 70000, BINARY)
        + masked(b"stray", 0)
        + masked(b"odd", 12, rsv=3)
        + masked(b"\x03\xe8" + b"long" * 50, CLOSE)
        + masked(b"unfinished", length=5000)
    )
    stage.server(
        frame("Käse".encode()[:2], fin=False)
        + frame("Käse".encode()[2:], 0)
        + frame(server(b"squeezed" * 9), rsv=4)
        + frame(b"\xff\xfe", rsv=4)
        + frame(b"", PONG)
        + frame(b"", CLOSE)
        + frame(b"")[:1]
    )
    stage.finish()
    return stage


@pytest.mark.parametrize("pieces", [1, 2, 3, 5, 7, 13, 100, 16384])
def test_how_bytes_are_cut_makes_no_difference(pieces: int) -> None:
    assert facts(everything(pieces).recording) == facts(everything(None).recording)


COUNTED = st.lists(
    st.builds(
        frame,
        st.binary(max_size=200) | st.text(max_size=80).map(str.encode) | st.just(b"a" * 17_000),
        st.sampled_from([TEXT, BINARY, TEXT, BINARY, 0, PING, CLOSE, 3]),
        fin=st.sampled_from([True, True, True, False]),
        mask=st.none() | st.binary(min_size=4, max_size=4),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(
    client=COUNTED, server=COUNTED, pieces=st.none() | st.integers(1, 300), cut=st.integers(0, 9)
)
def test_counts_are_the_same_where_nobody_wants_rows(
    client: list[bytes], server: list[bytes], pieces: int | None, cut: int
) -> None:
    told = []
    for wanted in (True, False):
        stage = opened(pieces=pieces, wants=Wants(frames=wanted, messages=wanted))
        sent = b"".join(client)
        stage.client(sent[: len(sent) - cut]).server(b"".join(server))
        stage.finish()
        told.append([(name, getattr(stage.connection, name)) for name in COUNTS])
    assert told[0] == told[1]


def test_text_that_is_not_utf8_is_counted() -> None:
    for wanted in (True, False):
        stage = opened(wants=Wants(frames=wanted, messages=wanted))
        stage.client(masked(b"\xff"), masked("grüße".encode()), masked(b"\xff", BINARY))
        stage.server(frame(b"caf\xc3"), frame(b"\xe2\x82", fin=False) + frame(b"\xac", 0))
        stage.finish()
        row = stage.connection
        assert (row.client_invalid_text_messages, row.server_invalid_text_messages) == (1, 1)


def test_columns_grow() -> None:
    stage = opened()
    stage.server(frame(b"a") * 3000).client(masked(b"bc") * 3000)
    stage.finish()
    assert len(stage.frames) == len(stage.messages) == 6000
    assert brief(stage.messages, "payload") == [(b"bc",)] * 3000 + [(b"a",)] * 3000


def test_who_sends_on_had_not_reset_the_connection() -> None:
    """A forged RST is followed by data of the side that seems to have sent it."""
    stage = opened().end(0, 1).client(masked(b"still here")).end(1)
    stage.finish()
    assert stage.connection.ended_by == "server-fin"


def test_data_of_the_other_side_does_not_undo_a_reset() -> None:
    stage = opened().end(0, 1).server(frame(b"was on its way"))
    stage.finish()
    assert stage.connection.ended_by == "client-rst"
