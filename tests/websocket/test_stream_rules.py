"""The rules of RFC 8441 and RFC 9113 §8 for heads, one by one; no head makes them raise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    assert faults([(name, "http"), *REQUEST]) == [("H2-03", "client", name)]


@pytest.mark.parametrize("protocol", ["websocket", "WebSocket"])
def test_a_request_with_protocol_is_an_attempt(protocol: str) -> None:
    assert is_upgrade_request(head("request", [(":method", "CONNECT"), (":protocol", protocol)]))


def test_another_protocol_is_none() -> None:
    fields = [(":method", "CONNECT"), (":protocol", "connect-udp"), (":path", "/")]
    assert not is_upgrade_request(head("request", fields))


@pytest.mark.parametrize("name", ["upgrade", "connection", "sec-websocket-key", "keep-alive"])
def test_fields_of_http_1(name: str) -> None:
    assert faults([*REQUEST, (name, "x")]) == [("H2-04", "client", name)]


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
