"""What a response must be (RFC 6455 §4.1, §4.2.2)."""

from __future__ import annotations

import pytest

from wsanalyze.websocket.fields import Head
from wsanalyze.websocket.handshake import Handshake
from wsanalyze.websocket.head import read_head

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

# RFC 6455 §1.2
GET = "GET /chat HTTP/1.1"
ASK = {
    "Host": "server.example.com",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Origin": "http://example.com",
    "Sec-WebSocket-Protocol": "chat, superchat",
    "Sec-WebSocket-Version": "13",
}
SWITCH = "HTTP/1.1 101 Switching Protocols"
ANSWER = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Accept": ACCEPT,
    "Sec-WebSocket-Protocol": "chat",
}
Changes = dict[str, str | list[str] | None]


def head(start: str, fields: Changes) -> Head:
    """Return a head; a value of None leaves the field out, a list makes several lines."""
    lines = [start]
    for name, value in fields.items():
        values = value if isinstance(value, list) else [] if value is None else [value]
        lines += [f"{name}: {one}" for one in values]
    return read_head("\r\n".join([*lines, "", ""]).encode("latin-1"))


def shake(
    ask: Changes | None = None,
    answer: Changes | None = None,
    *,
    get: str = GET,
    switch: str = SWITCH,
) -> Handshake:
    """Return the example of RFC 6455 §1.2 with changes."""
    return Handshake(head(get, {**ASK, **(ask or {})}), head(switch, {**ANSWER, **(answer or {})}))


def codes(handshake: Handshake) -> list[str]:
    return [fault.code for fault in handshake.faults]


class TestResponseFaults:
    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            ({"Upgrade": None}, ["HSR-01"]),
            ({"Upgrade": "websocket, h2c"}, ["HSR-01"]),
            ({"Upgrade": "websocket/13"}, ["HSR-01"]),
            ({"Connection": None}, ["HSR-02"]),
            ({"Connection": "close"}, ["HSR-02"]),
            ({"Sec-WebSocket-Accept": None}, ["HSR-03"]),
            ({"Sec-WebSocket-Accept": ""}, ["HSR-04"]),
            ({"Sec-WebSocket-Accept": ACCEPT.lower()}, ["HSR-04"]),
            ({"Sec-WebSocket-Accept": KEY}, ["HSR-04"]),
            ({"Sec-WebSocket-Accept": [ACCEPT, ACCEPT]}, ["HSR-05"]),
            ({"Sec-WebSocket-Protocol": ["chat", "chat"]}, ["HSR-05"]),
            ({"Sec-WebSocket-Protocol": "other"}, ["HSR-06"]),
            ({"Sec-WebSocket-Protocol": "Chat"}, ["HSR-06"]),
            ({"Sec-WebSocket-Protocol": ""}, ["HSR-06"]),
            ({"Sec-WebSocket-Protocol": "chat, superchat"}, ["HSR-07"]),
            ({"Sec-WebSocket-Extensions": "x"}, ["EXT-01"]),
        ],
    )
    def test_the_client_must_fail(self, answer: Changes, expected: list[str]) -> None:
        handshake = shake({}, answer)
        assert codes(handshake) == expected
        assert handshake.outcome == "invalid"
        assert {fault.sender for fault in handshake.faults} == {"server"}

    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            ({"Upgrade": ["websocket", "websocket"]}, ["HSR-01"]),
            ({"Sec-WebSocket-Protocol": None}, ["HSR-08"]),
            ({"Content-Length": "0"}, ["HSR-13"]),
            ({"Transfer-Encoding": "chunked"}, ["HSR-13"]),
            ({"Sec-WebSocket-Version": "13"}, ["HSR-15"]),
        ],
    )
    def test_the_connection_stands(self, answer: Changes, expected: list[str]) -> None:
        handshake = shake({}, answer)
        assert codes(handshake) == expected
        assert handshake.outcome == "established"

    def test_repeated_extension_lines_void_nothing(self) -> None:
        # §11.3.2 forbids what §4.2.2 item 5.6 allows.
        handshake = shake(
            {"Sec-WebSocket-Extensions": "a, b"}, {"Sec-WebSocket-Extensions": ["a", "b"]}
        )
        assert codes(handshake) == ["HSR-05"]
        assert handshake.outcome == "established"

    def test_a_subprotocol_though_none_was_offered(self) -> None:
        assert codes(shake({"Sec-WebSocket-Protocol": None})) == ["HSR-06"]

    @pytest.mark.parametrize(
        ("ask", "get", "asked"),
        [
            ({}, "POST /chat HTTP/1.1", "HSQ-01"),
            ({}, "GET /chat HTTP/1.0", "HSQ-02"),
            ({"Upgrade": "h2c"}, GET, "HSQ-04"),
            ({"Connection": "close"}, GET, "HSQ-05"),
            ({"Sec-WebSocket-Key": None}, GET, "HSQ-06"),
            ({"Sec-WebSocket-Version": "25"}, GET, "HSQ-09"),
            ({"Sec-WebSocket-Version": None}, GET, "HSQ-09"),
        ],
    )
    def test_101_to_a_request_that_cannot_be_upgraded(
        self, ask: Changes, get: str, asked: str
    ) -> None:
        handshake = shake(ask, get=get)
        assert codes(handshake) == [asked, "HSR-09"]
        assert handshake.outcome == "invalid"

    def test_101_of_http_1_0(self) -> None:
        handshake = shake(switch="HTTP/1.0 101 Switching Protocols")
        assert codes(handshake) == ["HSR-14"]
        assert handshake.outcome == "invalid"

    def test_a_wrong_accept_says_what_kind_of_wrong(self) -> None:
        (fault,) = shake({}, {"Sec-WebSocket-Accept": ACCEPT[:-1]}).faults
        assert fault.message == (
            f"Sec-WebSocket-Accept is '{ACCEPT[:-1]}', not '{ACCEPT}': its padding is missing"
        )


class TestRefusals:
    @pytest.mark.parametrize(
        ("start", "answer", "ask", "expected"),
        [
            ("HTTP/1.1 200 OK", {}, {}, ["HSR-10"]),
            ("HTTP/1.1 403 Forbidden", {}, {}, ["HSR-10"]),
            ("HTTP/1.1 xxx", {}, {}, ["HSR-10"]),
            ("HTTP/1.1 426 Upgrade Required", {"Upgrade": "websocket"}, {}, ["HSR-10"]),
            ("HTTP/1.1 426 Upgrade Required", {}, {}, ["HSR-10", "HSR-12"]),
            (
                "HTTP/1.1 400 Bad Request",
                {},
                {"Sec-WebSocket-Version": "25"},
                ["HSQ-09", "HSR-10", "HSR-11"],
            ),
            # RFC 6455 §4.4
            (
                "HTTP/1.1 400 Bad Request",
                {"Sec-WebSocket-Version": ["13", "8, 7"]},
                {"Sec-WebSocket-Version": "25"},
                ["HSQ-09", "HSR-10"],
            ),
        ],
    )
    def test_refused(self, start: str, answer: Changes, ask: Changes, expected: list[str]) -> None:
        handshake = Handshake(head(GET, {**ASK, **ask}), head(start, answer))
        assert handshake.outcome == "refused"
        assert codes(handshake) == expected

    def test_400_is_not_about_the_version_where_something_else_is_wrong(self) -> None:
        ask = {**ASK, "Sec-WebSocket-Version": "25", "Sec-WebSocket-Key": "short"}
        handshake = Handshake(head(GET, ask), head("HTTP/1.1 400 Bad Request", {}))
        assert "HSR-11" not in codes(handshake)

    def test_a_redirection_is_told_without_secrets(self) -> None:
        location = "https://me:s3cret@login.example/a?token=s3cret#s3cret"
        handshake = Handshake(head(GET, dict(ASK)), head("HTTP/1.1 302 X", {"Location": location}))
        (fault,) = handshake.faults
        assert fault.message == "the answer is 302: redirected to 'https://login.example/a?...'"
