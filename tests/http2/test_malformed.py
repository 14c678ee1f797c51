"""What RFC 9113 calls malformed, rule by rule; and what comes closest without being it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.http2 import (
    CONTINUATION,
    DATA,
    ENABLED,
    GET,
    GOAWAY,
    HEADERS,
    PING,
    PRIORITY,
    PUSH_PROMISE,
    REQUEST,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    changed,
)

from wsanalyze.http2.fields import UNKNOWN
from wsanalyze.http2.frames import FrameHeader
from wsanalyze.http2.malformed import (
    FRAME_SIZES,
    content_length,
    wrong_body,
    wrong_header,
    wrong_length,
    wrong_message,
)

Fields = list[tuple[str, str]]
LARGEST = FRAME_SIZES[0]


def raw(fields: Fields) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]


def told(fields: Fields, kind: str = "request") -> list[str]:
    return [each.what for each in wrong_message(raw(fields), kind)]


def of_header(length: int, kind: int, flags: int, stream: int) -> str | None:
    found = wrong_header(FrameHeader(length, kind, flags, stream), LARGEST)
    return None if found is None else found.what


class TestFrames:
    @pytest.mark.parametrize(
        "header",
        [
            (0, DATA, 0, 1),
            (LARGEST, DATA, 0, 1),
            (5, PRIORITY, 0, 3),
            (4, RST_STREAM, 0, 1),
            (0, SETTINGS, 1, 0),
            (12, SETTINGS, 0, 0),
            (8, PING, 0, 0),
            (8, GOAWAY, 0, 0),
            (40, GOAWAY, 0, 0),
            (4, WINDOW_UPDATE, 0, 0),
            (4, WINDOW_UPDATE, 0, 1),
            # Extensions are passed over, wherever they are (§5.5).
            (3, 16, 0, 0),
        ],
    )
    def test_sound(self, header: tuple[int, int, int, int]) -> None:
        assert of_header(*header) is None

    @pytest.mark.parametrize(
        ("header", "what"),
        [
            ((1, DATA, 0, 0), "DATA on stream 0, where no stream is"),
            ((1, HEADERS, 4, 0), "HEADERS on stream 0, where no stream is"),
            ((1, PUSH_PROMISE, 4, 0), "PUSH_PROMISE on stream 0, where no stream is"),
            ((1, CONTINUATION, 4, 0), "CONTINUATION on stream 0, where no stream is"),
            ((6, SETTINGS, 0, 1), "SETTINGS on stream 1, not on 0"),
            ((8, PING, 0, 3), "PING on stream 3, not on 0"),
            ((4, PRIORITY, 0, 1), "PRIORITY of 4 bytes, not 5"),
            ((3, RST_STREAM, 0, 1), "RST_STREAM of 3 bytes, not 4"),
            ((7, PING, 0, 0), "PING of 7 bytes, not 8"),
            ((5, WINDOW_UPDATE, 0, 0), "WINDOW_UPDATE of 5 bytes, not 4"),
            ((7, GOAWAY, 0, 0), "GOAWAY of 7 bytes, not 8 or more"),
            ((7, SETTINGS, 0, 0), "SETTINGS of 7 bytes, not 6 for each"),
            ((6, SETTINGS, 1, 0), "SETTINGS with ACK and 6 bytes, not empty"),
            ((LARGEST + 1, DATA, 0, 1), "DATA of 16,385 bytes, where 16,384 are the most"),
        ],
    )
    def test_not_sound(self, header: tuple[int, int, int, int], what: str) -> None:
        assert of_header(*header) == what

    @pytest.mark.parametrize(
        ("identifier", "value", "what"),
        [
            (2, 2, "SETTINGS_ENABLE_PUSH is 2, not 0 or 1"),
            (4, 1 << 31, "SETTINGS_INITIAL_WINDOW_SIZE is 2,147,483,648, more than 2,147,483,647"),
            (5, 100, "SETTINGS_MAX_FRAME_SIZE is 100, not 16,384 or more"),
            # What is wrong with that one is told by H2-02.
            (8, 2, None),
            (99, 5, None),
        ],
    )
    def test_settings(self, identifier: int, value: int, what: str | None) -> None:
        body = ENABLED + identifier.to_bytes(2, "big") + value.to_bytes(4, "big")
        found = wrong_body(FrameHeader(len(body), SETTINGS, 0, 0), body)
        assert (None if found is None else found.what) == what

    def test_an_update_by_nothing(self) -> None:
        header = FrameHeader(4, WINDOW_UPDATE, 0, 1)
        assert wrong_body(header, bytes(4)) is not None
        # The top bit has no meaning.
        assert wrong_body(header, b"\x80\0\0\0") is not None
        assert wrong_body(header, b"\x80\0\0\1") is None


class TestMessages:
    @pytest.mark.parametrize(
        ("fields", "kind"),
        [
            (GET, "request"),
            (REQUEST, "request"),
            ([(":method", "CONNECT"), (":authority", "a:80")], "request"),
            (changed(GET, _method="OPTIONS", _path="*"), "request"),
            ([*GET, ("te", "trailers"), ("cookie", "a=1"), ("cookie", "b=2")], "request"),
            ([(":status", "200"), ("content-length", "5")], "response"),
            ([("x-sum", "1")], "trailers"),
        ],
    )
    def test_sound(self, fields: Fields, kind: str) -> None:
        assert told(fields, kind) == []

    @pytest.mark.parametrize(
        ("fields", "what"),
        [
            (changed(GET, _path=None), "a request without :path"),
            (changed(GET, _scheme=None), "a request without :scheme"),
            (changed(GET, _path=""), ":path is empty"),
            (changed(GET, _path="x"), ":path is 'x', and begins with no '/'"),
            ([(":method", "GET"), *GET], ":method appears 2 times"),
            ([("a", "b"), *GET], None),
            ([*GET, (":path", "/b")], ":path appears 2 times"),
            ([(":odd", "1"), *GET], "':odd' is no pseudo-header field of a request"),
            ([*GET, ("Host", "a")], "the field name 'Host' is not in lower case"),
            ([*GET, ("upgrade", "h2c")], None),
            ([*GET, (":protocol", "websocket")], ":protocol without the method CONNECT"),
            ([*GET, ("content-length", "-1")], "content-length is '-1', which is no number"),
            ([(":method", "CONNECT")], "a request without :authority"),
            ([(":method", "CONNECT"), (":authority", "a"), (":path", "/")], "a CONNECT with :path"),
        ],
    )
    def test_requests_that_are_not(self, fields: Fields, what: str | None) -> None:
        found = told(fields)
        assert found
        assert what is None or found == [what]

    def test_what_comes_behind_a_regular_field(self) -> None:
        assert told([GET[0], GET[1], ("a", "b"), GET[2]]) == [
            ":path comes behind 'a', a regular field"
        ]

    @pytest.mark.parametrize(
        ("fields", "what"),
        [
            ([("server", "a")], "a response without :status"),
            ([(":status", "2x0")], ":status is '2x0', which is no status code"),
            (
                [(":status", "200"), ("connection", "close")],
                "connection in HTTP/2, where the stream stands for the connection",
            ),
        ],
    )
    def test_responses_that_are_not(self, fields: Fields, what: str) -> None:
        assert told(fields, "response") == [what]

    def test_trailers_with_a_status(self) -> None:
        assert told([(":status", "200")], "trailers") == [
            "':status' is no pseudo-header field of trailers"
        ]

    def test_of_entries_that_are_not_there_nothing_is_said(self) -> None:
        assert list(wrong_message([(UNKNOWN, UNKNOWN), (b":path", b"x")], "request")) == []

    @given(st.lists(st.tuples(st.binary(max_size=8), st.binary(max_size=8)), max_size=8))
    def test_none_raises_and_all_is_shown_in_ascii(self, fields: list[tuple[bytes, bytes]]) -> None:
        for kind in ("request", "response", "trailers"):
            for wrong in wrong_message(fields, kind):
                assert wrong.what.isascii()
                assert wrong.section.startswith("RFC ")


class TestLengths:
    @pytest.mark.parametrize(
        ("values", "length"),
        [(["5"], 5), (["5", "5"], 5), (["5", "6"], None), ([], None), (["x"], None)],
    )
    def test_what_is_said(self, values: list[str], length: int | None) -> None:
        assert content_length(raw([("content-length", each) for each in values])) == length

    def test_what_came(self) -> None:
        assert wrong_length(5, 4).what == "content-length is 5, and 4 bytes of DATA came"
