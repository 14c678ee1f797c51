"""The rules of RFC 8441 and RFC 9113 §8 for heads, one by one; no head makes them raise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalyze.http2.fields import head_of
from wsanalyze.websocket.fields import Field, Head
from wsanalyze.websocket.handshake import Handshake, is_upgrade_request
from wsanalyze.websocket.stream_rules import stream_faults

Fields = list[tuple[str, str]]

REQUEST: Fields = [
    (":method", "CONNECT"),
    (":protocol", "websocket"),
    (":scheme", "https"),
    (":path", "/chat"),
    (":authority", "server.example.com"),
    ("sec-websocket-version", "13"),
]


def head(kind: str, fields: Fields) -> Head:
    first = dict(reversed(fields))
    status = first.get(":status", "")
    lines = tuple(Field(name, value, i, 0, 0) for i, (name, value) in enumerate(fields))
    number = int(status) if len(status) == 3 and status.isascii() and status.isdigit() else None
    method, path = first.get(":method"), first.get(":path")
    return Head(kind, method, path, "2", number, None, lines, (), b"")


def faults(request: Fields, response: Fields | None = None) -> list[tuple[str, str, str | None]]:
    answer = None if response is None else head("response", response)
    found = stream_faults(Handshake(head("request", request), answer))
    return [(each.code, each.sender, each.field) for each in found]


def test_a_good_handshake() -> None:
    assert faults(REQUEST, [(":status", "200")]) == []
    assert Handshake(head("request", REQUEST), head("response", [(":status", "200")])).outcome == (
        "established"
    )


@pytest.mark.parametrize("name", [":scheme", ":path", ":authority"])
def test_what_has_to_be_there_once(name: str) -> None:
    without = [each for each in REQUEST if each[0] != name]
    assert faults(without) == [("H2-03", "client", name)]
    twice = [each for each in REQUEST if each[0] == name]
    assert faults([*twice, *REQUEST]) == [("H2-03", "client", name)]


@pytest.mark.parametrize("protocol", ["websocket", "WebSocket"])
def test_a_request_with_protocol_is_an_attempt(protocol: str) -> None:
    assert is_upgrade_request(head("request", [(":method", "CONNECT"), (":protocol", protocol)]))


def test_another_protocol_is_none() -> None:
    fields = [(":method", "CONNECT"), (":protocol", "connect-udp"), (":path", "/")]
    assert not is_upgrade_request(head("request", fields))


@pytest.mark.parametrize("name", ["upgrade", "connection", "sec-websocket-key", "keep-alive"])
def test_fields_of_http_1(name: str) -> None:
    assert faults([*REQUEST, (name, "x")]) == [("H2-04", "client", name)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (":scheme", "wss"),
        (":path", "chat"),
        (":authority", "anna:secret@server.example.com"),
        (":protocol", "WebSocket"),
        (":path", "/a\nb"),
    ],
)
def test_what_pseudo_header_fields_say(name: str, value: str) -> None:
    changed = [(name, value) if each[0] == name else each for each in REQUEST]
    assert faults(changed) == [("H2-03", "client", name)]


def test_user_information_is_not_repeated() -> None:
    changed = [*REQUEST[:-2], (":authority", "anna:secret@a"), REQUEST[-1]]
    (fault,) = stream_faults(Handshake(head("request", changed)))
    assert "secret" not in fault.message + fault.evidence


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ([(":room", "1"), *REQUEST], ":room"),
        ([(":status", "200"), *REQUEST], ":status"),
        ([*REQUEST[:2], *REQUEST[3:], REQUEST[2]], ":scheme"),
    ],
)
def test_order_and_choice_of_pseudo_header_fields(fields: Fields, field: str) -> None:
    assert faults(fields) == [("H2-03", "client", field)]


def test_those_of_a_response() -> None:
    assert faults(REQUEST, [(":status", "200"), (":path", "/")]) == [("H2-05", "server", ":path")]
    answer = [(":status", "200"), (":status", "403")]
    assert faults(REQUEST, answer) == [("H2-05", "server", ":status")]
    assert faults(REQUEST, [("server", "a"), (":status", "200")]) == [
        ("H2-05", "server", ":status")
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("te", "gzip"),
        ("X-Room", "1"),
        ("x room", "1"),
        ("x-röm", "1"),
        ("", "1"),
        ("x-room", "a\r\nb: c"),
        ("proxy-connection", "keep-alive"),
    ],
)
def test_fields_that_no_message_has(name: str, value: str) -> None:
    assert faults([*REQUEST, (name, value)]) == [("H2-04", "client", name)]


@pytest.mark.parametrize("field", [("te", "trailers"), ("x-room", ""), ("cookie", "a=1; b=2")])
def test_fields_that_are_sound(field: tuple[str, str]) -> None:
    assert faults([*REQUEST, field]) == []


@pytest.mark.parametrize("value", [" a", "a ", "\ta", " "])
def test_blanks_around_a_value_can_be_seen(value: str) -> None:
    fields = [(name.encode(), said.encode()) for name, said in [*REQUEST, ("x-room", value)]]
    (fault,) = stream_faults(Handshake(head_of(fields, "request")))
    assert (fault.code, fault.section) == ("H2-04", "RFC 9113 §8.2.1")
    assert fault.message == "the value of 'x-room' has blanks around it"
    assert fault.evidence == ascii(value)


def test_blanks_around_a_secret_show_no_secret() -> None:
    fields = [(name.encode(), said.encode()) for name, said in [*REQUEST, ("cookie", " a=1")]]
    (fault,) = stream_faults(Handshake(head_of(fields, "request")))
    assert "a=1" not in fault.message + fault.evidence


def test_two_protocols_void_the_handshake() -> None:
    request = head("request", [*REQUEST, (":protocol", "websocket")])
    assert Handshake(request, head("response", [(":status", "200")])).outcome == "invalid"


NAME = st.sampled_from([name for name, _ in REQUEST] + ["", "X", "host", "upgrade", ":status"])
TEXT = st.text(st.characters(max_codepoint=255), max_size=12)


@given(st.lists(st.tuples(NAME, TEXT), max_size=12), st.lists(st.tuples(NAME, TEXT), max_size=6))
def test_no_heads_raise(request: Fields, response: Fields) -> None:
    handshake = Handshake(head("request", request), head("response", response))
    for fault in (*stream_faults(handshake), *handshake.faults):
        assert fault.message.isascii()
        assert fault.section
    assert handshake.outcome in ("established", "refused", "invalid", "unanswered")
