"""Connections of HTTP/2 as a whole: what shares one, and what is malformed on it."""

from __future__ import annotations

import pytest
from support.http2 import (
    DATA,
    GET,
    GOAWAY,
    REQUEST,
    SETTINGS,
    WINDOW_UPDATE,
    Connection,
    h2,
)
from support.sessions import masked

from checks.streams import findings, found, stage
from wsanalyze.checks import http2_connection as checks


def with_a_refused_one() -> Connection:
    """Stream 1 is a WebSocket; what stream 3 asked for was refused."""
    played = stage().begin().open(1).headers(0, 3, REQUEST)
    return played.headers(1, 3, [(b":status", b"403")])


class TestShared:
    """H2-09."""

    def test_once_for_a_connection(self) -> None:
        played = stage().begin().open(1).headers(0, 3, GET, 5).open(5).talk(1, b"a")
        played.server(h2(GOAWAY, 0, 0, b"\0" * 8))
        assert found(played, checks.shared_connection) == [
            (
                5,
                "2 WebSockets (streams 1, 5) and 1 other request share this connection; "
                "on stream 1, 2 DATA frames carry 2 WebSocket frames",
            )
        ]

    def test_of_one_frame(self) -> None:
        played = stage().begin().open(1).open(3).body(0, 1, masked(b"a"))
        ((_, message),) = found(played, checks.shared_connection)
        assert message.endswith("on stream 1, 1 DATA frame carries 1 WebSocket frame")

    def test_one_alone(self) -> None:
        played = stage().begin().open(1).talk(1, masked(b"a"))
        assert found(played, checks.shared_connection) == []

    def test_a_request_that_was_refused_is_no_websocket(self) -> None:
        assert found(with_a_refused_one(), checks.shared_connection) == []
        ((_, message),) = found(with_a_refused_one().open(5), checks.shared_connection)
        assert message.startswith("2 WebSockets (streams 1, 5) and 1 other request share")


class TestConnectionErrors:
    """H2-10."""

    def test_given_up(self) -> None:
        played = stage().begin().open(1).open(3)
        played.server(h2(GOAWAY, 0, 0, b"\0\0\0\3\0\0\0\x0b"))
        assert found(played, checks.connection_error) == [
            (9, "the server gave the connection up: ENHANCE_YOUR_CALM, behind stream 3")
        ]

    def test_an_end_without_error(self) -> None:
        played = stage().begin().open(1)
        played.server(h2(GOAWAY, 0, 0, b"\0\0\0\3\0\0\0\0"))
        assert found(played, checks.connection_error) == []

    def test_a_fault_is_named(self) -> None:
        played = stage().begin().open(1)
        played.server(h2(SETTINGS, 0, 0, b"\0\0\0"), h2(GOAWAY, 0, 0, b"\0\0\0\3"))
        assert found(played, checks.connection_error) == [
            (7, "of the server: SETTINGS of 3 bytes, not 6 for each"),
            (8, "of the server: GOAWAY of 4 bytes, not 8 or more"),
        ]

    def test_a_fault_and_the_goaway_that_answers_it_are_one(self) -> None:
        played = stage().begin().open(1).client(h2(DATA, 0, 0, b"a"))
        played.server(h2(GOAWAY, 0, 0, b"\0\0\0\1\0\0\0\1"))
        (finding,) = findings(played, checks.connection_error)
        assert finding.message == (
            "of the client: DATA on stream 0, where no stream is; the server gave the connection "
            "up: PROTOCOL_ERROR, behind stream 1, in packet 8"
        )
        assert (finding.severity, finding.reference) == ("error", "RFC 9113 §6.1")

    def test_what_is_not_as_it_was_before_is_no_answer(self) -> None:
        played = stage().begin().open(1)
        played.server(h2(GOAWAY, 0, 0, b"\0\0\0\1\0\0\0\1")).client(h2(DATA, 0, 0, b"a"))
        assert [each.sender for each in findings(played, checks.connection_error)] == [
            "client",
            "server",
        ]

    def test_the_same_again_is_counted(self) -> None:
        played = stage().begin().open(1)
        for _ in range(3):
            played.client(h2(WINDOW_UPDATE, 0, 0, bytes(4)))
        (finding,) = findings(played, checks.connection_error)
        assert (finding.message, finding.count) == ("of the client: WINDOW_UPDATE by 0", 3)

    def test_an_ordinary_request_that_is_malformed(self) -> None:
        played = stage().begin().open(1).headers(0, 3, [*GET, ("connection", "close")], 5).open(5)
        assert found(played, checks.connection_error) == [
            (
                7,
                "of the client on stream 3: connection in HTTP/2, where the stream stands for the "
                "connection",
            )
        ]

    @pytest.mark.parametrize(
        ("field", "said"),
        [
            ((":path", "x?token=S3CRETPASSWD1234abcd"), None),
            ((":cookie", "sid=S3CRETPASSWD1234abcd"), None),
            (("cookie ", "sid=S3CRETPASSWD1234abcd"), None),
            (("cookie: sid=S3CRETPASSWD1234abcd", "a"), "cookie: …"),
        ],
    )
    def test_what_is_secret_in_other_requests(
        self, field: tuple[str, str], said: str | None
    ) -> None:
        fields = [(name, value) for name, value in GET if name != field[0]]
        fields.insert(0 if field[0].startswith(":") else len(fields), field)
        played = stage().begin().open(1).headers(0, 3, fields, 5).open(5)
        told = findings(played, checks.connection_error)
        assert told
        assert "S3CRET" not in str(told)
        assert said is None or said in told[0].message

    def test_a_length_that_was_not_kept(self) -> None:
        played = stage().begin().open(1).headers(0, 3, [*REQUEST, ("content-length", "5")], 5)
        told = [each for each in findings(played) if each.check == "H2-10"]
        assert [each.message for each in told] == [
            "of the client: content-length is 5, and 0 bytes of DATA came"
        ]
        assert told[0].connection == 1

    def test_not_where_bytes_are_missing(self) -> None:
        played = stage().begin().open(1)
        played.gap(0, 1)
        played.server(h2(SETTINGS, 0, 0, b"\0\0\0"))
        assert found(played, checks.connection_error) == []
