"""WebSocket over HTTP/2: what its own checks find, what those of HTTP/1 do not, and the words."""

from __future__ import annotations

import pytest
from support.http2 import (
    CANCEL,
    CLOSE,
    DATA,
    ENABLED,
    END_HEADERS,
    END_STREAM,
    GET,
    GOAWAY,
    HEADERS,
    REQUEST,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Connection,
    Fields,
    changed,
    h2,
)
from support.packets import SECOND, T0
from support.sessions import PING, PONG, frame, masked

from checks.streams import findings, found, stage
from wsanalyze.buffer import Buffer
from wsanalyze.checks import closing, control
from wsanalyze.checks import http2 as checks
from wsanalyze.http2.frames import PREFACE


def ids(played: Connection) -> set[str]:
    """Return which checks find more than a remark; the one masking key here is no surprise."""
    ids = {each.check for each in findings(played) if each.severity != "info"}
    return ids - {"SEC-07"}


class TestWhatIsSound:
    def test_nothing_is_found_of_it(self) -> None:
        assert ids(stage().begin().open(1).talk(1, b"hello").close(1)) == set()

    def test_of_several_neither(self) -> None:
        played = stage().begin().open(1).open(3).open(5).headers(0, 7, GET, 5)
        played.talk(1, b"a").talk(3, b"b").close(3).close(5).close(1)
        assert ids(played) == set()

    def test_a_refusal_speaks_of_2xx(self) -> None:
        played = stage().begin().headers(0, 1, REQUEST).headers(1, 1, [(":status", "403")], 5)
        (finding,) = [each for each in findings(played) if each.check == "HSR-10"]
        assert finding.expected == "2xx"
        assert finding.message == "the answer is 403: forbidden"

    @pytest.mark.parametrize("status", ["426", "400"])
    def test_a_refused_version(self, status: str) -> None:
        played = stage().begin().headers(0, 1, REQUEST).headers(1, 1, [(":status", status)], 5)
        assert ids(played) == set()

    def test_the_key_that_is_not_needed_is_not_missed(self) -> None:
        played = stage().begin().open(1, changed(REQUEST, origin=None)).close(1)
        assert ids(played) == set()

    def test_a_version_of_drafts_is_no_draft_there(self) -> None:
        played = stage().begin().open(1, changed(REQUEST, sec_websocket_version="0"))
        played.talk(1, b"a").close(1)
        assert ids(played) == {"HSQ-09"}
        assert played.connection.client_frames == 2


class TestBehindAHole:
    """What waits behind a hole is read late, and what answers it before."""

    def test_a_pong_is_no_unsolicited_one(self) -> None:
        played = stage().begin()
        played.headers(1, 1, [(":status", "200")]).body(1, 1, frame(b"there?", PONG))
        played.gap(0, 17).headers(0, 1, REQUEST).body(0, 1, masked(b"there?", PING))
        assert found(played, control.unsolicited_pongs) == []

    def test_nor_where_the_hole_is_in_tls_below(self) -> None:
        """What is inside misses nothing, and the client waited for its packets nevertheless."""
        played = stage().begin()
        asked = h2(HEADERS, END_HEADERS, 1, played.block(0, REQUEST))
        packet = played.packet
        played.headers(1, 1, [(":status", "200")]).body(1, 1, frame(b"there?", PONG))
        for data in (asked, h2(DATA, 0, 1, masked(b"there?", PING))):
            place = (T0 + packet * SECOND, packet, played.packet)
            played.layer.data(0, Buffer(data), 0, len(data), *place)
        assert found(played, control.unsolicited_pongs) == []

    def test_without_a_hole_it_is_one(self) -> None:
        played = stage().begin().open(1).body(1, 1, frame(b"there?", PONG))
        assert len(found(played, control.unsolicited_pongs)) == 1


class TestSettings:
    """H2-01, H2-02."""

    @pytest.mark.parametrize(
        ("settings", "why"),
        [
            (b"", "the server's SETTINGS do not name it"),
            (b"\x00\x08\x00\x00\x00\x00", "the server's SETTINGS say 0"),
        ],
    )
    def test_not_enabled(self, settings: bytes, why: str) -> None:
        played = stage().begin(settings).open(1)
        assert found(played, checks.connect_not_enabled) == [
            (5, f"stream 1 uses :protocol, and {why}")
        ]

    def test_enabled_too_late(self) -> None:
        played = stage()
        played.client(PREFACE + h2(SETTINGS)).client(
            h2(HEADERS, 4, 1, played.block(0, REQUEST))
        ).server(h2(SETTINGS, 0, 0, ENABLED))
        assert found(played, checks.connect_not_enabled) == [
            (2, "stream 1 uses :protocol, and it was enabled 1.00 s later, in packet 3")
        ]

    def test_no_settings_at_all(self) -> None:
        played = stage()
        played.client(PREFACE + h2(SETTINGS))
        played.open(1)
        assert found(played, checks.connect_not_enabled) == [
            (2, "stream 1 uses :protocol, and no SETTINGS of the server had come")
        ]

    def test_just_in_time(self) -> None:
        assert found(stage().begin().open(1), checks.connect_not_enabled) == []

    def test_not_where_settings_may_be_missing(self) -> None:
        played = stage()
        played.client(PREFACE + h2(SETTINGS)).gap(1, 15)
        assert found(played.open(1), checks.connect_not_enabled) == []

    def test_not_where_it_turns_out_late_that_settings_are_missing(self) -> None:
        """A hole in what TCP sent is one when nothing fills it any more."""
        played = stage()
        played.client(PREFACE + h2(SETTINGS)).headers(0, 1, REQUEST).gap(1, 15)
        assert found(played, checks.connect_not_enabled) == []

    def test_taken_back(self) -> None:
        played = stage().begin().open(1).open(3)
        played.server(h2(SETTINGS, 0, 0, ENABLED[:-1] + b"\x00"))
        assert found(played, checks.wrong_connect_setting) == [
            (9, "SETTINGS_ENABLE_CONNECT_PROTOCOL is 0 after it was 1")
        ]

    def test_another_number(self) -> None:
        played = stage().begin(ENABLED[:-1] + b"\x02").open(1)
        assert found(played, checks.wrong_connect_setting) == [
            (2, "SETTINGS_ENABLE_CONNECT_PROTOCOL is 2")
        ]

    def test_zero_first_is_allowed(self) -> None:
        played = stage().begin(ENABLED[:-1] + b"\x00")
        played.server(h2(SETTINGS, 0, 0, ENABLED))
        assert found(played.open(1), checks.wrong_connect_setting) == []

    def test_the_clients_own_setting_means_nothing(self) -> None:
        played = stage().begin()
        played.client(h2(SETTINGS, 0, 0, ENABLED[:-1] + b"\x07"))
        assert found(played.open(1), checks.wrong_connect_setting) == []


class TestHandshake:
    """H2-03 to H2-06."""

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"_scheme": None}, "there is no :scheme"),
            ({"_path": None}, "there is no :path"),
            ({"_authority": None}, "there is no :authority"),
            ({"_path": ""}, ":path is empty"),
            ({"_scheme": "wss"}, ":scheme is 'wss', and of WebSocket URIs it is http or https"),
            ({"_method": "GET"}, ":method is 'GET', not CONNECT"),
            (
                {"_protocol": None},
                "sec-websocket-version without :protocol asks for nothing in HTTP/2",
            ),
        ],
    )
    def test_pseudo_header_fields(self, changes: dict[str, str | None], message: str) -> None:
        played = stage().begin().open(1, changed(REQUEST, **changes))
        assert found(played, checks.malformed_extended_connect) == [(5, message)]

    def test_a_wrong_method_voids_the_handshake(self) -> None:
        played = stage().begin().open(1, changed(REQUEST, _method="GET"))
        played.finish()
        assert played.connection.outcome == "invalid"

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_as_it_should_be(self, scheme: str) -> None:
        played = stage().begin().open(1, changed(REQUEST, _scheme=scheme))
        assert found(played, checks.malformed_extended_connect) == []

    def test_twice(self) -> None:
        played = stage().begin().open(1, [(":path", "/other"), *REQUEST])
        assert found(played, checks.malformed_extended_connect) == [(5, ":path appears 2 times")]

    @pytest.mark.parametrize(
        "field",
        [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-accept", "x"),
            ("transfer-encoding", "chunked"),
        ],
    )
    def test_fields_of_http_1(self, field: tuple[str, str]) -> None:
        played = stage().begin().open(1, [*REQUEST, field])
        replaced = field[0].startswith("sec-")
        why = ":protocol takes its place" if replaced else "the stream stands for the connection"
        assert found(played, checks.field_of_http1) == [(5, f"{field[0]} in HTTP/2, where {why}")]

    def test_a_host_that_says_something_else(self) -> None:
        played = stage().begin().open(1, [*REQUEST, ("host", "other.example.com")])
        assert found(played, checks.field_of_http1) == [
            (5, "host is 'other.example.com', and :authority 'server.example.com'")
        ]

    def test_a_key_that_is_answered_is_one_finding(self) -> None:
        key = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        answer = ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        played = stage().begin().open(1, [*REQUEST, key], answer)
        assert found(played, checks.field_of_http1) == [
            (
                5,
                "sec-websocket-key in HTTP/2, where :protocol takes its place; the server answers "
                "it with sec-websocket-accept",
            )
        ]

    def test_in_the_response(self) -> None:
        played = stage().begin().open(1, REQUEST, ("sec-websocket-accept", "x"))
        assert [packet for packet, _ in found(played, checks.field_of_http1)] == [6]

    def test_capitals(self) -> None:
        played = stage().begin()
        # A name as sent; encoders write small letters by themselves.
        played.client(h2(HEADERS, 4, 1, played.block(0, REQUEST) + b"\x00\x05X-One\x011"))
        assert found(played, checks.field_of_http1) == [
            (5, "the field name 'X-One' is not in lower case")
        ]

    def test_a_host_that_says_the_same(self) -> None:
        played = stage().begin().open(1, [*REQUEST, ("host", "server.example.com")])
        assert found(played, checks.field_of_http1) == []

    @pytest.mark.parametrize(
        ("status", "message"),
        [
            ("101", "the answer is 101, which HTTP/2 does not have"),
            ("2x0", ":status is '2x0', which is no status code"),
        ],
    )
    def test_a_status_that_is_none(self, status: str, message: str) -> None:
        played = stage().begin().headers(0, 1, REQUEST).headers(1, 1, [(":status", status)])
        assert found(played, checks.wrong_status) == [(6, message)]

    @pytest.mark.parametrize("status", ["200", "204", "403"])
    def test_other_statuses(self, status: str) -> None:
        played = stage().begin().headers(0, 1, REQUEST).headers(1, 1, [(":status", status)])
        assert found(played, checks.wrong_status) == []

    def test_a_subprotocol_that_was_not_offered(self) -> None:
        offer = ("sec-websocket-protocol", "chat")
        played = stage().begin().open(1, [*REQUEST, offer], ("sec-websocket-protocol", "other"))
        assert {"HSR-06"} == ids(played) - {"HSR-17"}
        assert played.connection.outcome == "invalid"

    def test_of_several_streams_it_concerns_one(self) -> None:
        """HSR-06 tells what is wrong; that the others go on is all there is to add."""
        offer = ("sec-websocket-protocol", "chat")
        played = stage().begin().open(1, [*REQUEST, offer], ("sec-websocket-protocol", "other"))
        played.open(3)
        [finding] = findings(played, checks.void_negotiation)
        assert finding.message == (
            "HSR-06 voids stream 1 alone; 1 other WebSocket shares the connection"
        )
        assert (finding.severity, finding.packet) == ("info", 6)

    def test_an_extension_that_was_not_offered(self) -> None:
        answer = ("sec-websocket-extensions", "permessage-deflate")
        played = stage().begin().open(1, REQUEST, answer).open(3)
        (message,) = [m for _, m in found(played, checks.void_negotiation)]
        assert message.startswith("EXT-01 voids stream 1 alone")

    def test_a_stream_that_is_alone_has_nothing_to_add(self) -> None:
        answer = ("sec-websocket-extensions", "permessage-deflate")
        played = stage().begin().open(1, REQUEST, answer)
        assert found(played, checks.void_negotiation) == []

    def test_one_that_was(self) -> None:
        field = ("sec-websocket-protocol", "chat")
        played = stage().begin().open(1, [*REQUEST, field], field).open(3)
        assert found(played, checks.void_negotiation) == []

    def test_nothing_is_said_of_what_is_unknown(self) -> None:
        played = stage().begin().headers(0, 1, [*GET, ("x-one", "1")])
        played.gap(0, 40)
        played.open(3, [*changed(REQUEST, _scheme=None), ("x-one", "1")])
        assert not {"H2-03", "HSQ-09"} & {each.check for each in findings(played)}


class TestEnds:
    """H2-07, and the words of checks that look at the end of TCP."""

    def test_reset_without_any_close_is_told_once(self) -> None:
        """CLS-08 says who cut it, and with which code."""
        played = stage().begin().open(1).talk(1, b"a")
        played.client(h2(RST_STREAM, 0, 1, CANCEL.to_bytes(4, "big")))
        assert found(played, checks.stream_ended_out_of_turn) == []
        ((packet, message),) = found(played, closing.cut_without_close)
        assert packet == 9
        assert message.startswith(
            "the client reset stream 1 (RST_STREAM, CANCEL) without a Close frame, "
        )

    def test_reset_for_an_answer_to_a_close_frame(self) -> None:
        """That the Close was not answered is CLS-06's; an error code says more."""
        for code, messages in (
            (CANCEL, []),
            (2, ["the server reset stream 1 without the closing handshake: INTERNAL_ERROR"]),
        ):
            played = stage().begin().open(1).body(0, 1, CLOSE[0])
            played.server(h2(RST_STREAM, 0, 1, code.to_bytes(4, "big")))
            told = [m for _, m in found(played, checks.stream_ended_out_of_turn)]
            assert told == messages

    def test_reset_by_who_has_closed(self) -> None:
        played = stage().begin().open(1).body(0, 1, CLOSE[0])
        played.client(h2(RST_STREAM, 0, 1, CANCEL.to_bytes(4, "big")))
        assert [m for _, m in found(played, checks.stream_ended_out_of_turn)] == [
            "the client reset stream 1 without the closing handshake: CANCEL"
        ]

    def test_a_client_that_fails_the_handshake_resets_the_stream(self) -> None:
        answer = ("sec-websocket-protocol", "never-offered")
        played = stage().begin().open(1, REQUEST, answer)
        played.client(h2(RST_STREAM, 0, 1, CANCEL.to_bytes(4, "big")))
        assert found(played, checks.stream_ended_out_of_turn) == []

    def test_a_client_that_only_looks_whether_it_can_connect(self) -> None:
        played = stage().begin().open(1)
        played.body(0, 1, b"", END_STREAM)
        assert found(played, checks.stream_ended_out_of_turn) == []

    def test_a_goaway_before_the_end_of_tcp_is_named(self) -> None:
        played = stage().begin().open(1).talk(1, b"a")
        played.server(h2(GOAWAY, 0, 0, bytes(8)))
        played.server(h2(RST_STREAM, 0, 1, CANCEL.to_bytes(4, "big")))
        ((_, message),) = found(played, closing.cut_without_close)
        assert message.endswith(
            "; the server had sent GOAWAY (NO_ERROR) in packet 9, which leaves out stream 1"
        )

    def test_a_goaway_with_an_error_that_leaves_the_stream_out(self) -> None:
        played = stage().begin().open(1).talk(1, b"a")
        played.server(h2(GOAWAY, 0, 0, bytes(4) + (11).to_bytes(4, "big")))
        ((_, message),) = found(played, closing.cut_without_close)
        assert "(GOAWAY, ENHANCE_YOUR_CALM)" in message
        assert message.endswith("; it leaves out stream 1")

    @pytest.mark.parametrize(("code", "count"), [(0, 0), (CANCEL, 0), (5, 0), (1, 1), (99, 1)])
    def test_reset_after_both_close_frames(self, code: int, count: int) -> None:
        played = stage().begin().open(1).body(0, 1, CLOSE[0]).body(1, 1, CLOSE[1])
        played.server(h2(RST_STREAM, 0, 1, code.to_bytes(4, "big")))
        assert len(found(played, checks.stream_ended_out_of_turn)) == count

    def test_end_stream_without_close(self) -> None:
        played = stage().begin().open(1).talk(1, b"a").body(1, 1, b"", END_STREAM)
        assert found(played, checks.stream_ended_out_of_turn) == []
        ((packet, message),) = found(played, closing.cut_without_close)
        assert packet == 9
        assert message.startswith("the server closed stream 1 (END_STREAM) without a Close frame, ")

    def test_not_where_the_close_may_be_missing(self) -> None:
        played = stage().begin().open(1).talk(1, b"a")
        data = h2(DATA, 0, 1, CLOSE[1])
        played.server(data[:10]).gap(1, len(data) - 10)
        played.body(1, 1, b"", END_STREAM)  # type: ignore[attr-defined]
        assert found(played, checks.stream_ended_out_of_turn) == []

    def test_with_close(self) -> None:
        played = stage().begin().open(1).talk(1, b"a").close(1)
        assert found(played, checks.stream_ended_out_of_turn) == []

    def test_what_was_cut_is_said_of_the_stream(self) -> None:
        played = stage().begin().open(1).talk(1, b"a")
        played.client(h2(RST_STREAM, 0, 1, CANCEL.to_bytes(4, "big")))
        (finding,) = [each for each in findings(played) if each.check == "CLS-08"]
        assert finding.message.startswith("the client reset stream 1 (RST_STREAM, CANCEL) without")
        assert finding.evidence == "RST_STREAM; the last frame in packet 8"

    def test_tcp_under_the_streams(self) -> None:
        played = stage().begin().open(1).open(3).talk(1, b"a")
        played.end(1, 1)
        assert found(played, checks.stream_ended_out_of_turn) == []
        assert [each.ended_by for each in played.connections] == ["server-rst"] * 2

    def test_both_close_frames_and_then_nothing(self) -> None:
        played = stage().begin().open(1).body(0, 1, CLOSE[0]).body(1, 1, CLOSE[1])
        for _ in range(20):
            played.client(h2(6, 0, 0, b"8 bytes."))
        (finding,) = [each for each in findings(played) if each.check == "CLS-10"]
        assert finding.message.startswith("the stream stayed open for")

    def test_who_sends_a_goaway_with_an_error_has_cut_every_stream(self) -> None:
        """The other end closes TCP first, which is what it is to do then (RFC 9113 §5.4.1)."""
        played = stage().begin().open(1).open(3).talk(1, b"a")
        played.server(h2(GOAWAY, 0, 0, b"\0\0\0\3\0\0\0\1")).end(0)
        told = [each for each in findings(played) if each.check == "CLS-08"]
        assert [each.ended_by for each in played.connections] == ["server-rst"] * 2
        assert [(each.sender, each.packet) for each in told] == [("server", 11)] * 2
        assert told[0].message.startswith(
            "the server gave up the HTTP/2 connection (GOAWAY, PROTOCOL_ERROR) without a Close "
            "frame, "
        )
        assert told[0].message.endswith("; 1 more WebSocket ended with this HTTP/2 connection")
        assert told[0].reference == "RFC 9113 §5.4.1; RFC 6455 §7.1.5"
        assert told[0].cause == (
            "the server at 198.51.100.2:8080 gave up an HTTP/2 connection (GOAWAY)"
        )

    def test_what_was_over_did_not_end_with_the_connection(self) -> None:
        """Neither what both ends had closed, nor a stream that was reset."""
        goaway = h2(GOAWAY, 0, 0, b"\0\0\0\5\0\0\0\1")
        played = stage().begin().open(1).open(3).open(5).talk(1, b"a")
        played.body(0, 3, CLOSE[0]).body(1, 3, CLOSE[1])
        played.client(h2(RST_STREAM, 0, 5, CANCEL.to_bytes(4, "big")))
        played.server(goaway).end(0)
        told = [each.message for each in findings(played) if each.check == "CLS-08"]
        assert len(told) == 2
        assert not any("ended with this" in each for each in told)
        played = stage().begin().open(1).open(3).open(5).talk(1, b"a")
        played.body(0, 3, CLOSE[0]).body(1, 3, CLOSE[1]).server(goaway).end(0)
        told = [each.message for each in findings(played) if each.check == "CLS-08"]
        assert [each.rpartition("; ")[2] for each in told] == [
            "1 more WebSocket ended with this HTTP/2 connection"
        ] * 2

    def test_who_sends_one_without_an_error_has_not(self) -> None:
        played = stage().begin().open(1).talk(1, b"a")
        played.server(h2(GOAWAY, 0, 0, bytes(8))).talk(1, b"b").end(0)
        played.finish()
        assert played.connection.ended_by == "client-fin"

    def test_an_error_behind_a_goaway_without_one(self) -> None:
        played = stage().begin().open(1).talk(1, b"a")
        played.server(h2(GOAWAY, 0, 0, bytes(8)), h2(GOAWAY, 0, 0, bytes(7) + b"\2")).end(1)
        played.finish()
        assert played.connection.ended_by == "server-rst"

    def test_a_goaway_behind_the_close_frames_ends_nothing(self) -> None:
        played = stage().begin().open(1).body(0, 1, CLOSE[0]).body(1, 1, CLOSE[1])
        played.server(h2(GOAWAY, 0, 0, bytes(7) + b"\2")).end(1)
        assert found(played, closing.cut_without_close) == []
        assert played.connection.ended_by == "client-close"

    def test_a_request_that_a_goaway_answers(self) -> None:
        played = stage().begin().headers(0, 1, REQUEST)
        played.server(h2(GOAWAY, 0, 0, bytes(7) + b"\1")).end(1)
        (finding,) = [each for each in findings(played) if each.check == "HSR-18"]
        assert finding.message == (
            "the server gave the HTTP/2 connection up (GOAWAY, PROTOCOL_ERROR) 1.00 s after the "
            "request, without a response"
        )

    def test_a_request_that_is_reset_is_told_with_the_code(self) -> None:
        played = stage().begin().headers(0, 1, REQUEST)
        played.server(h2(RST_STREAM, 0, 1, (7).to_bytes(4, "big")))
        (finding,) = [each for each in findings(played) if each.check == "HSR-18"]
        assert finding.message.startswith(
            "the server reset the stream (RST_STREAM, REFUSED_STREAM) 1.00 s after"
        )

    @pytest.mark.parametrize(
        ("ends", "severity", "where"),
        [(False, "warning", "on stream 1"), (True, "info", "and the end of the stream")],
    )
    def test_a_rst_of_tcp_behind_both_close_frames(
        self, ends: bool, severity: str, where: str
    ) -> None:
        flags = END_STREAM if ends else 0
        played = stage().begin().open(1)
        played.body(0, 1, CLOSE[0], flags).body(1, 1, CLOSE[1], flags).end(1, 1)
        (finding,) = findings(played, closing.tcp_closed_out_of_turn)
        assert finding.message == f"the server reset TCP after both Close frames {where}"
        assert (finding.severity, finding.sender, finding.packet) == (severity, "server", 9)

    def test_a_fin_of_tcp_behind_them_is_nothing(self) -> None:
        played = stage().begin().open(1).close(1).end(0).end(1)
        assert findings(played, closing.tcp_closed_out_of_turn) == []


class TestFlowControl:
    """H2-08."""

    def used_up(self, length: int) -> Connection:
        played = stage().begin().open(1)
        data = frame(b"x" * 80_000)[:length]
        for at in range(0, length, 16_384):
            played.body(1, 1, data[at : at + 16_384])
        return played

    def test_a_frame_waits(self) -> None:
        played = self.used_up(65_535)
        played.client(h2(6, 0, 0, b"8 bytes."))
        played.client(h2(WINDOW_UPDATE, 0, 1, b"\0\1\0\0") + h2(WINDOW_UPDATE, 0, 0, b"\0\1\0\0"))
        assert found(played, checks.flow_control_stall) == [
            (
                7,
                "a frame of the server waited 2.0 s on stream 1, its window used up, "
                "until a WINDOW_UPDATE",
            )
        ]

    def test_for_ever(self) -> None:
        played = self.used_up(65_535)
        played.client(h2(6, 0, 0, b"8 bytes."))
        ((_, message),) = found(played, checks.flow_control_stall)
        assert message.endswith("its window used up, and no WINDOW_UPDATE came")

    def test_a_byte_less(self) -> None:
        played = self.used_up(65_534)
        played.client(h2(6, 0, 0, b"8 bytes."))
        assert found(played, checks.flow_control_stall) == []

    def test_windows_are_not_known_in_the_middle(self) -> None:
        played = stage().begin().open(1)
        data = frame(b"x" * 80_000)[:70_000]
        played.gap(0, 13)
        for at in range(0, len(data), 10_000):
            played.body(1, 1, data[at : at + 10_000])  # type: ignore[attr-defined]
        assert found(played, checks.flow_control_stall) == []


class TestReactions:
    """What a server does with a request that is malformed is told with it, once."""

    @pytest.mark.parametrize(
        ("fields", "check"),
        [
            (changed(REQUEST, _scheme=None), "H2-03"),
            ([*REQUEST, ("te", "gzip")], "H2-04"),
        ],
    )
    def test_a_reset_is_told_with_the_fault(self, fields: Fields, check: str) -> None:
        played = stage().begin().headers(0, 1, fields)
        played.server(h2(RST_STREAM, 0, 1, (1).to_bytes(4, "big")))
        told = [each for each in findings(played) if each.severity != "info"]
        assert [each.check for each in told] == [check]
        assert told[0].message.endswith("; the server reset the stream (PROTOCOL_ERROR, packet 6)")

    def test_one_for_another_reason_is_not(self) -> None:
        played = stage().begin().headers(0, 1, [*REQUEST, ("te", "gzip")])
        played.server(h2(RST_STREAM, 0, 1, (7).to_bytes(4, "big")))
        assert ids(played) == {"H2-04", "HSR-18"}
