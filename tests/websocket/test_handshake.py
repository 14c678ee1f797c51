"""Handshakes: facts, outcome, faults (RFC 6455 §4, RFC 7692 §7.1)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidMessage
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Request
from wsproto.extensions import PerMessageDeflate

from wsanalyze.websocket.fields import Field, Head
from wsanalyze.websocket.handshake import Handshake, is_interim, is_upgrade_request
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


class TestFacts:
    def test_the_example_of_rfc_6455(self) -> None:
        handshake = shake({"User-Agent": "x/1"}, {"Server": "y/2"})
        assert handshake.outcome == "established"
        assert handshake.faults == ()
        assert handshake.version == "13"
        assert handshake.method == "GET"
        assert handshake.target == "/chat"
        assert handshake.host == "server.example.com"
        assert handshake.origin == "http://example.com"
        assert handshake.user_agent == "x/1"
        assert handshake.http_version == "1.1"
        assert handshake.status == 101
        assert handshake.reason == "Switching Protocols"
        assert handshake.server == "y/2"
        assert handshake.key == KEY
        assert handshake.accept == ACCEPT
        assert handshake.accept_expected == ACCEPT
        assert handshake.accept_valid is True
        assert handshake.subprotocols_offered == ["chat", "superchat"]
        assert handshake.subprotocol == "chat"
        assert handshake.extensions_offered == []
        assert handshake.extensions == []
        assert handshake.deflate is None

    def test_without_an_answer(self) -> None:
        handshake = Handshake(head(GET, dict(ASK)), None, (read_head(b"HTTP/1.1 100 C\r\n\r\n"),))
        assert handshake.outcome == "unanswered"
        assert handshake.status is None
        assert handshake.reason is None
        assert handshake.server is None
        assert handshake.accept is None
        assert handshake.accept_expected == ACCEPT
        assert handshake.accept_valid is None
        assert handshake.subprotocol is None
        assert handshake.extensions == []
        assert handshake.faults == ()

    def test_missing_is_none(self) -> None:
        handshake = Handshake(read_head(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"))
        assert handshake.version is None
        assert handshake.key is None
        assert handshake.accept_expected is None
        assert handshake.host is None
        assert handshake.origin is None
        assert handshake.subprotocols_offered == []

    def test_extensions_keep_their_parameters_as_sent(self) -> None:
        handshake = shake(
            {
                "Sec-WebSocket-Extensions": [
                    "permessage-deflate; client_max_window_bits",
                    "x; a=1 ,y",
                ]
            },
            {"Sec-WebSocket-Extensions": "permessage-deflate;client_max_window_bits=12"},
        )
        assert handshake.extensions_offered == [
            "permessage-deflate; client_max_window_bits",
            "x; a=1",
            "y",
        ]
        assert handshake.extensions == ["permessage-deflate;client_max_window_bits=12"]
        assert handshake.deflate is not None
        assert handshake.deflate.client_max_window_bits == 12
        assert handshake.outcome == "established"

    def test_a_refusal_negotiates_nothing(self) -> None:
        handshake = shake(
            {"Sec-WebSocket-Extensions": "permessage-deflate"},
            {"Sec-WebSocket-Extensions": "permessage-deflate"},
            switch="HTTP/1.1 403 Forbidden",
        )
        assert handshake.deflate is None


class TestUpgradeRequests:
    @pytest.mark.parametrize(
        "lines",
        [
            "GET / HTTP/1.1\r\nUpgrade: websocket",
            "GET / HTTP/1.1\r\nupgrade: h2c, WEBSOCKET",
            "GET / HTTP/1.1\r\nUpgrade: WebSocket/13",
            "POST / HTTP/1.0\r\nUpgrade: websocket",
            "GET / HTTP/1.1\r\nSec-WebSocket-Key: x",
            "GET / HTTP/1.1\r\nSEC-WEBSOCKET-EXTENSIONS: x",
            "OPTIONS * HTTP/1.1\r\nSec-WebSocket-Anything: x",
        ],
    )
    def test_attempts(self, lines: str) -> None:
        assert is_upgrade_request(read_head(f"{lines}\r\n\r\n".encode()))

    @pytest.mark.parametrize(
        "lines",
        [
            "GET / HTTP/1.1\r\nUpgrade: h2c",
            "GET / HTTP/1.1\r\nUpgrade: websockets",
            "GET /websocket HTTP/1.1\r\nHost: websocket",
            "GET / HTTP/1.1\r\nX-Sec-WebSocket-Key: x",
            "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x",
        ],
    )
    def test_others(self, lines: str) -> None:
        assert not is_upgrade_request(read_head(f"{lines}\r\n\r\n".encode()))

    @pytest.mark.parametrize(
        ("status", "interim"), [(100, True), (103, True), (101, False), (200, False)]
    )
    def test_interim(self, status: int, interim: bool) -> None:
        assert is_interim(read_head(f"HTTP/1.1 {status} X\r\n\r\n".encode())) is interim


class TestVersions:
    @pytest.mark.parametrize("version", ["13", "8", "7", "0", "25", "13, 8", "x"])
    def test_as_sent(self, version: str) -> None:
        assert shake({"Sec-WebSocket-Version": version}).version == version

    @pytest.mark.parametrize("version", ["4", "5", "6", "7", "8", "9", "12"])
    def test_drafts_shake_hands_as_version_13_does(self, version: str) -> None:
        handshake = shake(
            {"Sec-WebSocket-Version": version, "Origin": None, "Sec-WebSocket-Origin": "http://a"}
        )
        assert handshake.outcome == "established"
        assert handshake.accept_valid is True
        assert handshake.origin == "http://a"
        assert codes(handshake) == ["HSQ-09"]

    def test_hixie_76(self) -> None:
        # draft-hixie-thewebsocketprotocol-76 §1.2
        request = read_head(
            b"GET /demo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\nSec-WebSocket-Protocol: sample\r\n"
            b"Upgrade: WebSocket\r\nSec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n"
            b"Origin: http://example.com\r\n\r\n"
        )
        response = read_head(
            b"HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Origin: http://example.com\r\n"
            b"Sec-WebSocket-Location: ws://example.com/demo\r\n"
            b"Sec-WebSocket-Protocol: sample\r\n\r\n"
        )
        handshake = Handshake(request, response)
        assert handshake.version == "hixie-76"
        assert handshake.outcome == "established"
        assert handshake.faults == ()
        assert (handshake.accept, handshake.accept_expected, handshake.accept_valid) == (None,) * 3
        assert handshake.subprotocol == "sample"

    def test_hixie_75(self) -> None:
        request = read_head(
            b"GET /demo HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
            b"Host: example.com\r\nOrigin: http://example.com\r\n\r\n"
        )
        response = read_head(
            b"HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\n"
            b"Connection: Upgrade\r\nWebSocket-Origin: http://example.com\r\n"
            b"WebSocket-Location: ws://example.com/demo\r\n\r\n"
        )
        assert Handshake(request).version == "hixie-75"
        assert Handshake(request, response).outcome == "established"
        shuffled = read_head(
            b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n"
        )
        assert Handshake(shuffled).version is None
        assert Handshake(shuffled, response).version == "hixie-75"

    def test_a_version_with_hixie_keys_is_that_version(self) -> None:
        assert shake({"Sec-WebSocket-Key1": "1 2"}).version == "13"

    def test_draft_numbers_of_hybi_2_and_3(self) -> None:
        request = read_head(
            b"GET / HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key1: 1 2\r\nSec-WebSocket-Draft: 2\r\n\r\n"
        )
        assert Handshake(request).version == "2"


class TestLegalOddities:
    @pytest.mark.parametrize(
        ("ask", "answer"),
        [
            ({"Connection": "keep-alive, Upgrade"}, {}),
            ({"Connection": ["keep-alive", "upgrade"]}, {"Connection": ["Keep-Alive", "UPGRADE"]}),
            ({"Connection": ",,keep-alive ,\tUpgrade,"}, {}),
            ({"Upgrade": "WebSocket"}, {"Upgrade": "WEBSOCKET"}),
            ({"Sec-WebSocket-Protocol": ["chat", "superchat"]}, {}),
            ({"Sec-WebSocket-Key": f" \t {KEY} \t"}, {"Sec-WebSocket-Accept": f"  {ACCEPT}  "}),
            ({"Sec-WebSocket-Key": None, "sec-websocket-key": KEY}, {}),
            ({"Host": "[2001:db8::1]:8080"}, {}),
            ({"Host": "localhost:"}, {}),
            ({"Host": "a_b.example"}, {}),
            (
                {"Sec-WebSocket-Extensions": ["a; x=1", "b"]},
                {"Sec-WebSocket-Extensions": "b, a; x=2"},
            ),
            ({"Sec-WebSocket-Extensions": 'a; x="1"'}, {}),
            ({"Content-Length": "0"}, {}),
            ({"Cookie": "a=b; c=d", "Authorization": "Basic x"}, {"Set-Cookie": ["a=b", "c=d"]}),
            (
                {
                    "User-Agent": "Mozilla/5.0 (X11; rv:130.0) Gecko/20100101",
                    "Sec-Fetch-Mode": "websocket",
                },
                {},
            ),
        ],
    )
    def test_no_fault(self, ask: Changes, answer: Changes) -> None:
        handshake = shake(ask, answer)
        assert handshake.faults == ()
        assert handshake.outcome == "established"

    def test_no_reason_phrase_and_absolute_target(self) -> None:
        get = "GET http://server.example.com/chat HTTP/1.1"
        handshake = shake(get=get, switch="HTTP/1.1 101")
        assert handshake.faults == ()
        assert handshake.reason is None


class TestAnything:
    @given(st.binary(max_size=120), st.binary(max_size=120))
    def test_no_bytes_raise(self, more: bytes, answer: bytes) -> None:
        request = head(GET, dict(ASK)).raw[:-2] + more
        response = head(SWITCH, dict(ANSWER)).raw[:-2] + answer
        for first in (request, more):
            for second in (response, answer):
                handshake = Handshake(read_head(first), read_head(second))
                assert handshake.outcome in ("established", "invalid", "refused")
                assert handshake.faults == handshake.faults
                is_upgrade_request(handshake.request_head)

    @given(
        st.dictionaries(st.sampled_from(list(ASK)), st.text(max_size=30) | st.none()),
        st.dictionaries(st.sampled_from(list(ANSWER)), st.text(max_size=30) | st.none()),
    )
    def test_no_field_values_raise(self, ask: Changes, answer: Changes) -> None:
        fields = [Field(n, str(v), i, 0, 0) for i, (n, v) in enumerate({**ASK, **ask}.items())]
        chosen = [
            Field(n, str(v), i, 0, 0) for i, (n, v) in enumerate({**ANSWER, **answer}.items())
        ]
        request = replace(head(GET, {}), fields=tuple(fields))
        response = replace(head(SWITCH, {}), fields=tuple(chosen))
        for fault in Handshake(request, response).faults:
            assert fault.message.isascii()
            assert fault.section


class TestMultiplexed:
    """Extended CONNECT (RFC 8441 §5): no key, no accept, any 2xx."""

    REQUEST = Head(
        "request",
        "CONNECT",
        "/chat",
        "2",
        None,
        None,
        (
            Field(":protocol", "websocket", 0, 0, 0),
            Field(":authority", "server.example.com", 1, 0, 0),
            Field("sec-websocket-version", "13", 2, 0, 0),
            Field("sec-websocket-protocol", "chat", 3, 0, 0),
        ),
        (),
        b"",
    )

    @pytest.mark.parametrize(
        ("status", "protocol", "outcome"),
        [
            (200, "chat", "established"),
            (200, "other", "invalid"),
            (403, "chat", "refused"),
            (101, "chat", "refused"),
        ],
    )
    def test_outcome(self, status: int, protocol: str, outcome: str) -> None:
        fields = (Field("sec-websocket-protocol", protocol, 0, 0, 0),)
        response = Head("response", None, None, "2", status, None, fields, (), b"")
        handshake = Handshake(self.REQUEST, response)
        assert is_upgrade_request(self.REQUEST)
        assert handshake.outcome == outcome
        assert handshake.host == "server.example.com"
        assert handshake.accept_expected is None

    def test_no_text_claims_to_be_http_2(self) -> None:
        request = read_head(b"GET / HTTP/2\r\n:protocol: websocket\r\nUpgrade: websocket\r\n\r\n")
        assert not Handshake(request).multiplexed


class TestOracles:
    def test_websockets_with_itself(self) -> None:
        client = ClientProtocol(
            parse_uri("ws://localhost:8080/?a=b"),
            origin="http://localhost",  # type: ignore[arg-type]
            subprotocols=[Subprotocol("chat")],
            extensions=[ClientPerMessageDeflateFactory(client_max_window_bits=True)],
        )
        client.send_request(client.connect())
        (asked,) = client.data_to_send()
        server = ServerProtocol(
            subprotocols=[Subprotocol("chat")],
            extensions=[ServerPerMessageDeflateFactory(server_max_window_bits=12)],
        )
        server.receive_data(asked)
        (request,) = server.events_received()
        server.send_response(server.accept(request))  # type: ignore[arg-type]
        (answered,) = server.data_to_send()
        handshake = Handshake(read_head(asked), read_head(answered))
        assert handshake.faults == ()
        assert handshake.outcome == "established"
        assert handshake.subprotocol == "chat"
        assert handshake.deflate is not None
        assert handshake.deflate.server_max_window_bits == 12

    def test_wsproto_with_itself(self) -> None:
        client = WSConnection(ConnectionType.CLIENT)
        asked = client.send(
            Request("localhost", "/", subprotocols=["chat"], extensions=[PerMessageDeflate()])
        )
        server = WSConnection(ConnectionType.SERVER)
        server.receive_data(asked)
        list(server.events())
        answered = server.send(AcceptConnection("chat", [PerMessageDeflate()]))
        handshake = Handshake(read_head(asked), read_head(answered))
        assert handshake.faults == ()
        assert handshake.outcome == "established"
        assert handshake.deflate is not None

    @given(
        st.dictionaries(
            st.sampled_from([*ANSWER, "Sec-WebSocket-Extensions"]),
            st.none()
            | st.sampled_from(
                ["", "websocket", "WebSocket", "Upgrade", "keep-alive, upgrade", "close", "chat"]
            )
            | st.sampled_from(
                ["superchat", "Chat", "chat, superchat", "x", "permessage-deflate", KEY, ACCEPT]
            ),
            max_size=2,
        ),
        st.sampled_from([SWITCH, "HTTP/1.1 200 OK", "HTTP/1.1 404 X"]),
    )
    def test_a_websockets_client_opens_exactly_what_we_call_established(
        self, answer: Changes, switch: str
    ) -> None:
        client = ClientProtocol(
            parse_uri("ws://server.example.com/chat"),
            subprotocols=[Subprotocol("chat"), Subprotocol("superchat")],
        )
        client.send_request(client.connect())
        (asked,) = client.data_to_send()
        client.key = KEY
        request = read_head(asked.replace(asked.split(b"Key: ")[1][:24], KEY.encode()))
        response = head(switch, {**ANSWER, "Content-Length": None, **answer})
        client.receive_data(response.raw)
        client.receive_eof()
        opened = client.handshake_exc is None and client.state is not State.CONNECTING
        assert opened or isinstance(client.handshake_exc, InvalidHandshake | InvalidMessage)
        assert (Handshake(request, response).outcome == "established") == opened
