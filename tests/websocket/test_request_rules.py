"""What a request must be (RFC 6455 §4.1, §4.2.1)."""

from __future__ import annotations

import pytest

from wsanalyze.websocket.fields import Head
from wsanalyze.websocket.handshake import Handshake
from wsanalyze.websocket.head import read_head

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
# As the package `http` of Tcl names itself.
TCL = "Mozilla/5.0 (Unix; U; Linux 6.18) http/2.9.8 Tcl/8.6.13"

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
Changes = dict[str, str | list[str] | None]


def head(start: str, fields: Changes) -> Head:
    """Return a head; a value of None leaves the field out, a list makes several lines."""
    lines = [start]
    for name, value in fields.items():
        values = value if isinstance(value, list) else [] if value is None else [value]
        lines += [f"{name}: {one}" for one in values]
    return read_head("\r\n".join([*lines, "", ""]).encode("latin-1"))


def codes(handshake: Handshake) -> list[str]:
    return [fault.code for fault in handshake.faults]


class TestRequestFaults:
    @pytest.mark.parametrize(
        ("ask", "get", "expected"),
        [
            ({}, "POST /chat HTTP/1.1", ["HSQ-01"]),
            ({}, "get /chat HTTP/1.1", ["HSQ-01"]),
            ({}, "GET /chat HTTP/1.0", ["HSQ-02"]),
            ({}, "GET /chat", ["HSQ-02", "HSQ-18"]),
            ({"Host": None}, GET, ["HSQ-03"]),
            ({"Host": ""}, GET, ["HSQ-03"]),
            ({"Host": ["a", "a"]}, GET, ["HSQ-03"]),
            ({"Host": "http://a"}, GET, ["HSQ-03"]),
            ({"Host": "a:b"}, GET, ["HSQ-03"]),
            ({"Upgrade": "h2c"}, GET, ["HSQ-04"]),
            ({"Upgrade": None}, GET, ["HSQ-04", "HSQ-20"]),
            ({"Upgrade": None, "Sec-WebSocket-Key": None}, GET, ["HSQ-04", "HSQ-20", "HSQ-06"]),
            ({"Connection": None}, GET, ["HSQ-05"]),
            ({"Connection": "keep-alive"}, GET, ["HSQ-05"]),
            ({"Sec-WebSocket-Key": None}, GET, ["HSQ-06"]),
            ({"Sec-WebSocket-Key": ""}, GET, ["HSQ-07"]),
            ({"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ"}, GET, ["HSQ-07"]),
            ({"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZSE="}, GET, ["HSQ-07"]),
            ({"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25j-_=="}, GET, ["HSQ-07"]),
            ({"Sec-WebSocket-Key": "not base64"}, GET, ["HSQ-07"]),
            ({"Sec-WebSocket-Key": "===="}, GET, ["HSQ-07"]),
            # RFC 6455's own example in §4.1 item 7 has unused bits that are not zero.
            ({"Sec-WebSocket-Key": "AQIDBAUGBwgJCgsMDQ4PEC=="}, GET, ["HSQ-07"]),
            ({"Sec-WebSocket-Key": [KEY, KEY]}, GET, ["HSQ-08"]),
            ({"Sec-WebSocket-Version": None}, GET, ["HSQ-09"]),
            ({"Sec-WebSocket-Version": "14"}, GET, ["HSQ-09"]),
            ({"Sec-WebSocket-Version": ["13", "13"]}, GET, ["HSQ-10"]),
            ({"Sec-WebSocket-Version": "013"}, GET, ["HSQ-09", "HSQ-10"]),
            ({"Sec-WebSocket-Version": "256"}, GET, ["HSQ-09", "HSQ-10"]),
            ({"Sec-WebSocket-Version": "13, 8"}, GET, ["HSQ-09", "HSQ-10"]),
            ({"Sec-WebSocket-Protocol": "chat,,x"}, GET, ["HSQ-11"]),
            ({"Sec-WebSocket-Protocol": "chat, chat"}, GET, ["HSQ-11"]),
            ({"Sec-WebSocket-Protocol": "chat, a/b"}, GET, ["HSQ-11"]),
            ({"Sec-WebSocket-Extensions": "a,,b"}, GET, ["HSQ-12"]),
            ({"Sec-WebSocket-Extensions": 'a; b="c d"'}, GET, ["HSQ-12"]),
            (
                {"User-Agent": "Mozilla/5.0 (X11; rv:130.0) Gecko/20100101", "Origin": None},
                GET,
                ["HSQ-13"],
            ),
            ({"Sec-Fetch-Mode": "websocket", "Origin": None}, GET, ["HSQ-13"]),
            ({"User-Agent": "python/3", "Origin": None}, GET, []),
            ({"User-Agent": TCL, "Origin": None}, GET, []),
            ({"Sec-WebSocket-Accept": ACCEPT}, GET, ["HSQ-14"]),
            ({}, "GET /chat#top HTTP/1.1", ["HSQ-15"]),
            ({}, "GET http://other/chat HTTP/1.1", ["HSQ-15"]),
            ({}, "GET ws://server.example.com/chat HTTP/1.1", ["HSQ-15"]),
            ({}, "GET server.example.com:80 HTTP/1.1", ["HSQ-15"]),
            ({}, "GET http://server.example.com:80/chat HTTP/1.1", []),
            ({}, "GET https://u:p@server.example.com:443/chat HTTP/1.1", []),
            ({}, "GET https://server.example.com:80/chat HTTP/1.1", ["HSQ-15"]),
            ({"Content-Length": "5"}, GET, ["HSQ-16"]),
            ({"Transfer-Encoding": "chunked"}, GET, ["HSQ-16"]),
            ({"X ": "y"}, GET, ["HSQ-18"]),
            ({"X": "a\r\n b\r\n c"}, GET, ["HSQ-18"]),
            ({"X": "a\nY: b"}, GET, ["HSQ-18"]),
            ({"X": "a\0b\rc"}, GET, ["HSQ-18", "HSQ-18"]),
            ({"Upgrade": "h2c, websocket"}, GET, ["HSQ-21"]),
            ({"Upgrade": "websocket/13"}, GET, ["HSQ-21"]),
        ],
    )
    def test_each_rule(self, ask: Changes, get: str, expected: list[str]) -> None:
        handshake = Handshake(head(get, {**ASK, **ask}))
        assert codes(handshake) == expected
        assert {fault.sender for fault in handshake.faults} <= {"client"}
        assert not any(fault.fatal for fault in handshake.faults)

    def test_a_fault_carries_the_facts(self) -> None:
        (fault,) = Handshake(head(GET, {**ASK, "Sec-WebSocket-Version": "14"})).faults
        assert fault.message == "Sec-WebSocket-Version is '14', not 13"
        assert fault.field == "Sec-WebSocket-Version"
        assert fault.evidence == "14"
        assert fault.section == "RFC 6455 §4.1 item 9, §4.4"

    def test_no_control_character_reaches_a_message(self) -> None:
        (fault,) = Handshake(head(GET, {**ASK, "Host": "\x1b[2J"})).faults[:1]
        assert fault.message == "Host '\\x1b[2J' is not host[:port]"

    def test_no_secret_of_the_address_reaches_a_message(self) -> None:
        for target in ("/a?token=s3cret#s3cret", "http://me:s3cret@other/?x=s3cret", "a?s3cret"):
            handshake = Handshake(head(f"GET {target} HTTP/1.1", dict(ASK)))
            assert codes(handshake) == ["HSQ-15"]
            assert "s3cret" not in handshake.faults[0].message

    @pytest.mark.parametrize("draft", [None, "2"])
    def test_before_draft_4_subprotocols_have_blanks(self, draft: str | None) -> None:
        hixie = {
            "Sec-WebSocket-Key": None,
            "Sec-WebSocket-Version": None,
            "Sec-WebSocket-Key1": "1 2",
            "Sec-WebSocket-Key2": "2 4",
            "Sec-WebSocket-Draft": draft,
            "Sec-WebSocket-Protocol": "chat superchat",
        }
        assert codes(Handshake(head(GET, {**ASK, **hixie}))) == []
