"""Sessions of Hixie and of the early HyBi drafts: challenges, frames, gaps, in any pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.chance import chance
from support.hixie import (
    ANSWER,
    BODY,
    CLOSE,
    Changes,
    ask,
    ask_75,
    switch,
    switch_75,
    text,
)
from support.invariants import check_serials, check_side
from support.sessions import (
    Stage,
    brief,
    facts,
    frame,
    frames_of,
    http,
    messages_of,
    request,
    response,
    sha256,
)

from wsanalyze.limits import Limits
from wsanalyze.recording import Recording, Wants

NAMES = ("sender", "offset", "head", "header_length", "length", "captured", "message")


def check(recording: Recording) -> None:
    """Assert what is true of every recording, but for the counts of packets: there are none."""
    for serial, connection in enumerate(recording.connections):
        for sender, role in enumerate(("client", "server")):
            mine = [
                [row for row in rows if (row["connection"], row["sender"]) == (serial, sender)]
                for rows in (frames_of(recording), messages_of(recording))
            ]
            check_side(connection, role, *mine)
    check_serials(recording)


def opened(**more: object) -> Stage:
    """Return a stage on which Hixie-76 has shaken hands."""
    return Stage(**more).client(ask() + BODY).server(switch() + ANSWER)  # type: ignore[arg-type]


def frames(stage: Stage, sender: int) -> list[tuple[int, ...]]:
    """Return what is in the frames of one side; offsets from its first frame byte."""
    start = (len(ask() + BODY), len(switch() + ANSWER))[sender]
    return [
        (row["offset"] - start, row["head"], row["header_length"], row["length"], row["message"])
        for row in stage.frames
        if row["sender"] == sender
    ]


def said(stage: Stage) -> list[tuple[object, ...]]:
    return brief(stage.messages, "sender", "opcode", "payload", "complete")


class TestNoticed:
    """What the checks are told of frames that cannot be read to their end."""

    def of(self, *sent: bytes, closed: bool = True) -> list[tuple[object, ...]]:
        stage = opened(wants=Wants(observe=True)).client(*sent)
        recording = (stage.end(0) if closed else stage).finish()
        observation = recording.connections[0].observation
        assert observation is not None
        start = len(ask() + BODY)
        return [
            (each.kind, each.sender, each.packet, each.frame, each.value - start)
            for each in observation.events
            if each.kind.startswith("hixie-")
        ]

    def test_a_length_without_end(self) -> None:
        assert self.of(text(b"a"), b"\x80" + b"\xff" * 40) == [
            ("hixie-length", "client", 4, None, 3)
        ]

    def test_text_without_its_end(self) -> None:
        assert self.of(text(b"a"), b"\x00bc") == [("hixie-cut", "client", 4, 1, 3)]

    def test_bytes_that_are_missing(self) -> None:
        assert self.of(text(b"a"), b"\x80\x05bc") == [("hixie-cut", "client", 4, 1, 3)]

    def test_frames_that_end(self) -> None:
        assert self.of(text(b"a"), CLOSE) == []


@pytest.mark.parametrize("pieces", [None, 1, 2, 7])
class TestWhole:
    def test_hixie_76(self, pieces: int | None) -> None:
        stage = opened(pieces=pieces)
        stage.client(text("caf\u00e9".encode()) + text(b"") + CLOSE).server(text(b"hello") + CLOSE)
        check(stage.finish())
        row = stage.connection
        assert row.handshake is not None
        assert (row.outcome, row.ended_by, row.handshake.accept_valid) == (
            "established",
            "client-close",
            True,
        )
        assert frames(stage, 0) == [(0, 0x81, 1, 5, 0), (7, 0x81, 1, 0, 1), (9, 0x88, 2, 0, -1)]
        assert frames(stage, 1) == [(0, 0x81, 1, 5, 0), (7, 0x88, 2, 0, -1)]
        assert said(stage) == [
            (0, 1, "caf\u00e9".encode(), 1),
            (0, 1, b"", 1),
            (1, 1, b"hello", 1),
        ]
        assert brief(stage.messages, "utf8_valid", "sha256")[2] == (1, sha256(b"hello"))
        assert (row.client_frames, row.server_frames, row.client_bytes, row.server_bytes) == (
            3,
            2,
            5,
            5,
        )
        assert (row.client_unread_bytes, row.server_unread_bytes) == (0, 0)
        assert (row.client_close_code, row.client_unmasked_frames) == (None, 3)

    def test_hixie_75(self, pieces: int | None) -> None:
        stage = Stage(pieces=pieces).client(ask_75()).server(switch_75() + text(b"a"))
        stage.client(text(b"b")).end(1)
        check(stage.finish())
        assert (stage.connection.outcome, stage.connection.ended_by) == (
            "established",
            "server-fin",
        )
        assert said(stage) == [(0, 1, b"b", 1), (1, 1, b"a", 1)]

    def test_frames_with_a_length(self, pieces: int | None) -> None:
        stage = opened(pieces=pieces)
        stage.client(b"\x80\x03\xff\x00\xff" + text(b"x") + b"\x82\x02ab\x05?\xff")
        check(stage.finish())
        assert frames(stage, 0) == [
            (0, 0x82, 2, 3, 0),
            (5, 0x81, 1, 1, 1),
            (8, 0x84, 2, 2, -1),
            (12, 0x83, 1, 1, -1),
        ]
        assert said(stage) == [(0, 2, b"\xff\x00\xff", 1), (0, 1, b"x", 1)]

    def test_text_that_is_not_utf8(self, pieces: int | None) -> None:
        stage = opened(pieces=pieces).server(text(b"caf\xe9") + text(b"ok"))
        check(stage.finish())
        assert brief(stage.messages, "utf8_valid") == [(0,), (1,)]

    def test_an_unfinished_text(self, pieces: int | None) -> None:
        stage = opened(pieces=pieces).server(text(b"whole") + b"\x00cut")
        check(stage.finish())
        assert frames(stage, 1) == [(0, 0x81, 1, 5, 0), (7, 0x81, 1, 3, 1)]
        assert said(stage) == [(1, 1, b"whole", 1), (1, 1, b"cut", 0)]

    def test_a_length_without_end(self, pieces: int | None) -> None:
        stage = opened(pieces=pieces).client(text(b"a") + b"\x80" * 40 + text(b"invented?"))
        check(stage.finish())
        assert said(stage) == [(0, 1, b"a", 1)]
        assert stage.connection.client_unread_bytes == 30 + 11

    def test_a_frame_that_never_ends_is_not_kept(self, pieces: int | None) -> None:
        stage = opened(pieces=pieces, limits=Limits(payload=10)).server(b"\x00" + b"x" * 3000)
        check(stage.finish())
        assert brief(stage.messages, "length", "payload", "complete") == [(3000, b"x" * 10, 0)]


class TestTheChallenge:
    def test_late_and_after_the_101(self) -> None:
        stage = Stage().client(ask()).server(switch())
        stage.client(BODY[:3], BODY[3:] + text(b"a")).server(ANSWER[:9], ANSWER[9:] + text(b"b"))
        check(stage.finish())
        assert stage.connection.outcome == "established"
        assert said(stage) == [(0, 1, b"a", 1), (1, 1, b"b", 1)]

    def test_part_of_it_before_the_101(self) -> None:
        stage = Stage().client(ask() + BODY[:5]).server(switch() + ANSWER).client(BODY[5:])
        stage.client(text(b"a")).finish()
        assert stage.connection.outcome == "established"
        assert frames(stage, 0) == [(0, 0x81, 1, 1, 0)]

    def test_frames_ahead_of_the_answer(self) -> None:
        stage = Stage().client(ask() + BODY + text(b"early")).server(switch() + ANSWER)
        stage.client(text(b"a")).finish()
        assert frames(stage, 0) == [(0, 0x81, 1, 5, 0), (7, 0x81, 1, 1, 1)]

    def test_never_forwarded_to_a_server_that_waits(self) -> None:
        stage = Stage().client(ask()).end(0)
        check(stage.finish())
        row = stage.connection
        assert row.handshake is not None
        assert (row.outcome, row.handshake.challenge, row.handshake.key) == (
            "unanswered",
            b"",
            None,
        )
        assert [fault.code for fault in row.handshake.faults] == ["LEG-01"]

    def test_never_forwarded_to_a_server_that_switches_first(self) -> None:
        stage = Stage().client(ask()).server(switch()).end(1)
        check(stage.finish())
        row = stage.connection
        assert row.handshake is not None
        assert (row.outcome, row.handshake.status, row.handshake.accept) == (
            "unanswered",
            101,
            None,
        )
        assert [fault.sender for fault in row.handshake.faults] == ["client", "server"]

    def test_a_wrong_answer_and_frames_all_the_same(self) -> None:
        stage = Stage().client(ask() + BODY).server(switch() + ANSWER[::-1] + text(b"hello"))
        check(stage.finish())
        assert stage.connection.outcome == "invalid"
        assert said(stage) == [(1, 1, b"hello", 1)]

    def test_a_content_length_says_nothing_of_it(self) -> None:
        asked = ask({"Content-Length": "8"})
        stage = Stage().client(asked + BODY + text(b"a")).server(switch() + ANSWER)
        stage.finish()
        assert (stage.connection.outcome, said(stage)) == ("established", [(0, 1, b"a", 1)])

    @pytest.mark.parametrize("after", [b"", BODY])
    def test_a_refusal_and_http_behind_it(self, after: bytes) -> None:
        refusal = http("HTTP/1.1 403 Forbidden", "Content-Length: 0")
        stage = Stage().client(ask() + after).server(refusal)
        stage.client(request()).server(response() + frame(b"hello"))
        check(stage.finish())
        assert [row.outcome for row in stage.connections] == ["refused", "established"]
        assert said(stage) == [(1, 1, b"hello", 1)]

    def test_a_refusal_ahead_of_all_eight(self) -> None:
        refusal = http("HTTP/1.1 403 Forbidden", "Content-Length: 0")
        stage = Stage().client(ask() + BODY[:2]).server(refusal).client(BODY[2:] + request())
        stage.server(response()).finish()
        assert [row.outcome for row in stage.connections] == ["refused", "established"]
        assert stage.connections[0].handshake is not None
        assert stage.connections[0].handshake.challenge == BODY

    def test_evicted_before_it_was_whole(self) -> None:
        for stage in (Stage().client(ask()), Stage().client(ask()).server(switch())):
            check(stage.finish(evicted=1))
            row = stage.connection
            assert row.handshake is not None
            assert (row.ended_by, row.handshake.faults) == ("evicted", ())


class TestAnswersOfOtherVersions:
    @pytest.mark.parametrize(
        "changes",
        [
            {"Sec-WebSocket-Origin": None, "Sec-WebSocket-Location": None},
            {
                "Sec-WebSocket-Origin": None,
                "Sec-WebSocket-Location": None,
                "Sec-WebSocket-Accept": "x",
            },
            {"Upgrade": "h2c"},
        ],
    )
    def test_no_frames_are_made_of_them(self, changes: Changes) -> None:
        stage = Stage().client(ask() + BODY).server(switch(changes) + frame(b"invented?"))
        check(stage.client(text(b"invented?")).finish())
        assert (stage.connection.outcome, stage.frames) == ("invalid", [])
        assert stage.connection.server_unread_bytes == 11

    def test_hixie_to_13(self) -> None:
        stage = Stage().client(request()).server(switch() + ANSWER + text(b"invented?"))
        check(stage.finish())
        assert (stage.connection.outcome, stage.frames) == ("invalid", [])


class TestGaps:
    def test_in_the_eight_bytes(self) -> None:
        stage = Stage().client(ask() + BODY[:2]).gap(0, 6).server(switch() + ANSWER)
        check(stage.client(text(b"a")).finish())
        row = stage.connection
        assert row.handshake is not None
        assert (row.outcome, row.handshake.key, row.handshake.accept_valid) == (
            "established",
            None,
            None,
        )
        assert said(stage) == [(0, 1, b"a", 1)]

    @pytest.mark.parametrize("length", [1, 5])
    def test_within_the_eight_bytes(self, length: int) -> None:
        stage = Stage().client(ask() + BODY[:2]).gap(0, length)
        stage.client(BODY[2 + length :] + text(b"a")).server(switch() + ANSWER)
        check(stage.finish())
        assert stage.connection.outcome == "established"
        assert said(stage) == [(0, 1, b"a", 1)]

    def test_beyond_the_eight_bytes(self) -> None:
        stage = Stage().client(ask()).gap(0, 10).client(b"st" + b"\xff" + text(b"b"))
        check(stage.server(switch() + ANSWER).finish())
        assert said(stage) == [(0, 1, b"b", 1)]
        assert stage.frames[0]["offset"] == len(ask()) + 13

    @pytest.mark.parametrize(("before", "missing"), [(0, 16), (4, 3), (15, 1)])
    def test_in_the_answer(self, before: int, missing: int) -> None:
        stage = Stage().client(ask() + BODY).server(switch() + ANSWER[:before]).gap(1, missing)
        stage.server(ANSWER[before + missing :] + text(b"a"))
        check(stage.finish())
        row = stage.connection
        assert row.handshake is not None
        assert (row.outcome, row.handshake.accept, row.handshake.faults) == (
            "established",
            None,
            (),
        )
        assert said(stage) == [(1, 1, b"a", 1)]

    def test_over_the_whole_101(self) -> None:
        stage = Stage().client(ask() + BODY).gap(1, len(switch() + ANSWER))
        stage.client(text(b"question")).server(text(b"answer") + text(b"next"))
        check(stage.finish())
        row = stage.connection
        assert row.handshake is not None
        assert (row.outcome, row.handshake.key, row.handshake.accept) == (
            "unseen",
            BODY.hex(),
            None,
        )
        assert said(stage) == [
            (0, 1, b"question", 1),
            (1, 1, b"answer", 1),
            (1, 1, b"next", 1),
        ]

    def test_over_the_request_of_hixie_75(self) -> None:
        stage = Stage().gap(0, 118).client(b"GET").server(switch_75() + text(b"answer"))
        check(stage.finish())
        assert (stage.connection.outcome, said(stage)) == ("unseen", [(1, 1, b"answer", 1)])

    def test_over_the_request_of_hixie_76(self) -> None:
        stage = Stage().gap(0, 118).client(b"GET").server(switch() + ANSWER + text(b"answer"))
        check(stage.finish())
        assert (stage.connection.outcome, said(stage)) == ("unseen", [(1, 1, b"answer", 1)])
        assert stage.connection.server_unread_bytes == 0

    def test_in_a_text_ends_it_there(self) -> None:
        stage = opened().server(b"\x00begin").gap(1, 10).server(b"end\xff" + text(b"next"))
        check(stage.finish())
        assert frames(stage, 1) == [(0, 0x81, 1, 5, 0), (20, 0x81, 1, 4, 1)]
        assert said(stage) == [(1, 1, b"begin", 0), (1, 1, b"next", 1)]
        assert stage.connection.server_unread_bytes == 4

    @pytest.mark.parametrize("pieces", [None, 1])
    def test_over_the_end_of_a_frame(self, pieces: int | None) -> None:
        # Whether 0xFF 0x00 ends a text and begins one, or closes, the byte behind them tells.
        stage = opened(pieces=pieces).server(b"\x00begin").gap(1, 10)
        stage.server(CLOSE + b"more\xff" + CLOSE)
        check(stage.finish())
        assert said(stage) == [(1, 1, b"begin", 0), (1, 1, b"more", 1)]
        assert frames(stage, 1)[1:] == [(17, 0x81, 1, 4, 1), (23, 0x88, 2, 0, -1)]

    def test_nothing_behind_it(self) -> None:
        # A text that ends and one that begins leave in two writes, the closing handshake in one.
        stage = opened().server(b"\x00begin").gap(1, 10).server(CLOSE).end(1)
        check(stage.finish())
        assert frames(stage, 1) == [(0, 0x81, 1, 5, 0), (16, 0x88, 2, 0, -1)]
        assert (stage.connection.ended_by, stage.connection.server_unread_bytes) == (
            "server-close",
            0,
        )

    def test_nothing_behind_it_in_two_segments(self) -> None:
        stage = opened(pieces=1).server(b"\x00begin").gap(1, 10).server(CLOSE)
        check(stage.finish())
        assert frames(stage, 1) == [(0, 0x81, 1, 5, 0)]
        assert (stage.connection.ended_by, stage.connection.server_unread_bytes) == (
            "capture-end",
            2,
        )

    @pytest.mark.parametrize("pieces", [None, 1])
    def test_the_closing_handshake_behind_an_end(self, pieces: int | None) -> None:
        stage = opened(pieces=pieces).server(b"\x00begin").gap(1, 10).server(b"end\xff" + CLOSE)
        check(stage.finish())
        assert frames(stage, 1) == [(0, 0x81, 1, 5, 0), (20, 0x88, 2, 0, -1)]
        assert (stage.connection.ended_by, stage.connection.server_unread_bytes) == (
            "server-close",
            4,
        )

    def test_in_a_payload_with_a_length(self) -> None:
        stage = opened().client(b"\x80\x0aab").gap(0, 6).client(b"yz" + text(b"next"))
        check(stage.finish())
        assert brief(stage.frames, "length", "captured") == [(10, 4), (4, 4)]
        assert said(stage) == [(0, 2, b"ab", 0), (0, 1, b"next", 1)]

    def test_another_gap_while_looking(self) -> None:
        stage = opened().server(b"\x00a").gap(1, 3).server(b"b\xff").gap(1, 3)
        check(stage.server(b"?\xff" + text(b"next")).finish())
        assert said(stage) == [(1, 1, b"a", 0), (1, 1, b"next", 1)]

    @pytest.mark.parametrize("pieces", [None, 1])
    def test_a_frame_begins_behind_it(self, pieces: int | None) -> None:
        stage = opened(pieces=pieces).server(text(b"a")).gap(1, 12).server(text(b"next"))
        check(stage.server(text(b"")).finish())
        assert said(stage) == [(1, 1, b"a", 1), (1, 1, b"next", 1), (1, 1, b"", 1)]
        assert brief(stage.frames, "confidence") == [(0,), (16,), (16,)]
        assert stage.connection.server_unread_bytes == 0

    @pytest.mark.parametrize("behind", [b"\x00\x00", b"\x00\x08back", b"\x00"])
    def test_no_text_begins_behind_it(self, behind: bytes) -> None:
        stage = opened().server(text(b"a")).gap(1, 12).server(behind)
        check(stage.finish())
        assert said(stage) == [(1, 1, b"a", 1)]
        assert stage.connection.server_unread_bytes == len(behind)

    def test_what_has_a_length_may_hold_anything(self) -> None:
        stage = opened().server(b"\x80\x02ab").gap(1, 9).server(text(b"bytes?") + text(b"next"))
        check(stage.finish())
        assert said(stage) == [(1, 2, b"ab", 1), (1, 1, b"next", 1)]


pieces = st.lists(
    st.one_of(
        st.binary(max_size=20).map(lambda data: text(data.replace(b"\xff", b""))),
        st.just(CLOSE),
        st.binary(max_size=5).map(lambda data: b"\x80" + bytes((len(data),)) + data),
        st.binary(max_size=6),
    ),
    max_size=6,
)


@given(pieces, pieces, st.integers(1, 9))
def test_any_pieces_give_the_same(client: list[bytes], server: list[bytes], size: int) -> None:
    found = []
    for each in (None, size):
        stage = opened(pieces=each).client(*client).server(*server)
        recording = stage.finish()
        check(recording)
        found.append(facts(recording))
    assert found[0] == found[1]


@given(
    st.lists(
        # Where a segment begins with U+0000 of a text, nobody can tell it from a frame's 0x00.
        st.binary(min_size=1, max_size=12).map(
            lambda data: data.replace(b"\xff", b"f").replace(b"\x00", b"0")
        ),
        max_size=6,
    ),
    st.data(),
)
def test_what_is_lost_invents_nothing(payloads: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(text(each) for each in payloads) + CLOSE
    whole = opened().server(stream)
    whole.finish()
    start = data.draw(st.integers(0, len(stream) - 1))
    length = data.draw(st.integers(1, len(stream) - start))
    holed = opened().server(stream[:start]).gap(1, length).server(stream[start + length :])
    check(holed.finish())
    sent = {row["offset"]: row for row in whole.frames}
    for row in holed.frames:
        assert row["offset"] in sent
        assert row["head"] == sent[row["offset"]]["head"]
        assert row["length"] <= sent[row["offset"]]["length"]
    complete = {row["offset"]: row["payload"] for row in whole.messages}
    for row in holed.messages:
        assert complete[row["offset"]].startswith(row["payload"])
        assert not row["complete"] or complete[row["offset"]] == row["payload"]


KEY = bytes.fromhex("37fa213d")
LINES = {"Sec-WebSocket-Key1": None, "Sec-WebSocket-Key2": None}


def masked(first: int, payload: bytes, key: bytes = KEY) -> bytes:
    """Return a frame of a client of draft 5 or 6."""
    length = len(payload)
    size = bytes((length,)) if length < 126 else b"\x7e" + length.to_bytes(2, "big")
    data = bytes((first,)) + size + payload
    return key + bytes(byte ^ key[i % 4] for i, byte in enumerate(data))


def drafted(
    version: int, pieces: int | None = None, *lines: str, limits: Limits | None = None
) -> Stage:
    asked = request().replace(b"Version: 13", b"Version: %d" % version)
    return Stage(pieces=pieces, limits=limits).client(asked).server(response(*lines))


@pytest.mark.parametrize(("version", "missing"), [(5, False), (6, True)])
def test_only_from_draft_6_on_a_close_has_a_code_to_miss(version: int, *, missing: bool) -> None:
    stage = drafted(version).server(b"\x81\x04\x03")
    stage.gap(1, 1).server(b"ok").finish()
    row = stage.connection
    assert (row.ended_by, row.server_close_code) == ("server-close", None)
    assert row.server_close_code_missing is missing


@pytest.mark.parametrize("pieces", [None, 1, 5])
class TestDrafts:
    def test_draft_6(self, pieces: int | None) -> None:
        stage = drafted(6, pieces)
        stage.client(masked(0x04, b"he"), masked(0x82, b"ping"), masked(0x80, b"llo"))
        stage.server(b"\x83\x04ping\x85\x02\x00\xff").client(masked(0x81, b"\x03\xe8bye"))
        check(stage.finish())
        row = stage.connection
        assert (row.outcome, row.ended_by, row.client_close_code, row.client_close_reason) == (
            "established",
            "client-close",
            1000,
            "bye",
        )
        assert brief(stage.frames, "sender", "head", "second", "masking_key", "header_length") == [
            (0, 0x01, 0x82, 0x37FA213D, 6),
            (0, 0x89, 0x84, 0x37FA213D, 6),
            (0, 0x80, 0x83, 0x37FA213D, 6),
            (0, 0x88, 0x85, 0x37FA213D, 6),
            (1, 0x8A, 0x04, 0, 2),
            (1, 0x82, 0x02, 0, 2),
        ]
        assert said(stage) == [(0, 1, b"hello", 1), (1, 2, b"\x00\xff", 1)]
        assert (row.client_pings, row.server_pongs, row.client_unmasked_frames) == (1, 1, 0)

    def test_the_body_of_a_close_is_no_code_before_draft_6(self, pieces: int | None) -> None:
        stage = drafted(5, pieces).client(masked(0x81, b"\x03\xe8"))
        check(stage.finish())
        assert (stage.connection.client_close_code, stage.connection.ended_by) == (
            None,
            "client-close",
        )

    def test_draft_2(self, pieces: int | None) -> None:
        stage = Stage(pieces=pieces).client(ask({"Sec-WebSocket-Draft": "2"}) + BODY)
        stage.server(switch() + ANSWER + b"\x84\x02he\x00\x03llo").client(b"\x01\x03bye")
        check(stage.finish())
        assert (stage.connection.outcome, stage.connection.ended_by) == (
            "established",
            "client-close",
        )
        assert said(stage) == [(1, 1, b"hello", 1)]

    def test_draft_4_without_its_nonce_cannot_be_read(self, pieces: int | None) -> None:
        stage = drafted(4, pieces).client(masked(0x84, b"secret")).server(b"\x84\x02hi")
        check(stage.finish())
        assert said(stage) == [(1, 1, b"hi", 1)]
        assert stage.connection.client_unread_bytes == 12

    def test_a_gap_in_a_payload(self, pieces: int | None) -> None:
        sent = masked(0x84, b"0123456789")
        stage = drafted(6, pieces).client(sent[:9]).gap(0, 4).client(sent[13:] + masked(0x84, b"a"))
        check(stage.finish())
        assert said(stage) == [(0, 1, b"012", 0), (0, 1, b"a", 1)]
        assert brief(stage.frames, "length", "captured") == [(10, 6), (1, 1)]

    def test_a_gap_over_a_header(self, pieces: int | None) -> None:
        stage = drafted(6, pieces).client(masked(0x84, b"abc")[:7]).gap(0, 20)
        stage.client(masked(0x84, b"?"))
        check(stage.finish())
        assert said(stage) == [(0, 1, b"a", 0)]
        assert stage.connection.client_unread_bytes == 7


class TestSearches:
    """Frames of the drafts are looked for behind a hole, but those of a client of draft 4."""

    @pytest.mark.parametrize("version", [2, 5, 6])
    def test_a_server(self, version: int) -> None:
        first = 0x04 if version == 2 else 0x84
        words = [b"a message of some length %d" % n * (n + 1) for n in range(4)]
        if version == 2:
            asked = Stage().client(ask({"Sec-WebSocket-Draft": "2"}) + BODY)
            stage = asked.server(switch() + ANSWER).gap(1, 50)
        else:
            stage = drafted(version).gap(1, 50)
        for each in words:
            stage.server(bytes((first, len(each))) + each)
        check(stage.finish())
        assert said(stage) == [(1, 1, each, 1) for each in words]
        assert (stage.connection.server_resyncs, stage.connection.server_unread_bytes) == (1, 0)
        assert min(row["confidence"] for row in stage.frames) > 0
        assert stage.recorder.held == 0

    @pytest.mark.parametrize(("version", "found"), [(4, 0), (5, 4), (6, 4)])
    def test_a_client(self, version: int, found: int) -> None:
        words = [b"what a client says, number %d" % n * (n + 1) for n in range(4)]
        stage = drafted(version).client(masked(0x84, b"lost")[:5]).gap(0, 80)
        for number, each in enumerate(words):
            stage.client(masked(0x84, each, chance(number).randbytes(4)))
        check(stage.finish())
        assert brief(stage.messages, "payload", "complete")[-found or 9 :] == [
            (each, 1) for each in words[:found]
        ]

    def test_a_payload_that_goes_on_behind_another_hole(self) -> None:
        words = [bytes((65 + n,)) * (30 + n) for n in range(4)]
        sent = [bytes((0x84, len(each))) + each for each in words]
        stage = drafted(5).gap(1, 9).server(*sent[:3], sent[3][:10])
        stage.gap(1, len(sent[3]) - 10).server(*sent[:2])
        check(stage.finish())
        assert [row["length"] for row in stage.frames] == [30, 31, 32, 33, 30, 31]
        assert [row["complete"] for row in stage.messages] == [1, 1, 1, 0, 1, 1]

    def test_a_header_that_no_sender_sends_ends_the_trust(self) -> None:
        words = [bytes((65 + n,)) * (30 + n) for n in range(4)]
        stage = drafted(5).gap(1, 9).server(*(bytes((0x84, len(each))) + each for each in words))
        stage.server(b"\x8f\x02??")
        check(stage.finish())
        assert len(stage.frames) == 4
        assert stage.connection.server_unread_bytes == 4

    def test_too_little_to_be_found(self) -> None:
        stage = drafted(5).gap(1, 9).server(b"\x84\x02hi")
        check(stage.finish())
        assert (stage.frames, stage.connection.server_unread_bytes) == ([], 4)

    def test_no_more_is_held_than_the_limits(self) -> None:
        stage = drafted(5, limits=Limits(held_total=3000)).gap(1, 9)
        for _ in range(40):
            stage.server(b"q" * 300)
            assert stage.recorder.held <= 3000
        check(stage.finish())
        assert stage.connection.server_unread_bytes == 40 * 300
        assert stage.recorder.held == 0


def test_a_long_masked_payload() -> None:
    payload = bytes(range(256)) * 300
    data = b"\x85\x7f" + len(payload).to_bytes(8, "big") + payload
    sent = KEY + bytes(byte ^ KEY[i % 4] for i, byte in enumerate(data))
    stage = drafted(5).client(sent)
    check(stage.finish())
    assert brief(stage.messages, "payload", "sha256") == [(payload, sha256(payload))]
