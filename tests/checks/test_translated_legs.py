"""Legs through proxies that translate between HTTP/1.1 and HTTP/2, and what only looks so."""

from __future__ import annotations

from typing import Any

import pytest

from checks.given import REQUEST, SECOND, connection, handshake, recorded
from wsanalyze.checks.legs import legs_before
from wsanalyze.checks.translated_legs import translated_legs
from wsanalyze.http2.fields import head_of
from wsanalyze.layers.connection import Connection
from wsanalyze.websocket.handshake import Handshake

FRONT: dict[str, Any] = {"requested": SECOND, "responded": 2 * SECOND}
# What asks has the address that was asked.
BACK: dict[str, Any] = {
    "requested": 1_200_000_000,
    "responded": 1_800_000_000,
    "client_ip": "198.51.100.2",
    "client_port": 50001,
    "server_ip": "203.0.113.7",
}
ACCEPT = handshake().accept_expected or ""


def extended_connect(
    path: str = "/chat", *answer: tuple[str, str], status: str = "200"
) -> Handshake:
    """Return the handshake of a stream that says what `given.handshake` says."""
    asked = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http")]
    asked += [(":path", path), (":authority", "example.com"), ("sec-websocket-version", "13")]
    heads = [
        head_of([(name.encode(), value.encode()) for name, value in fields], kind)
        for fields, kind in ((asked, "request"), ([(":status", status), *answer], "response"))
    ]
    return Handshake(*heads)


def stream(base: dict[str, Any], shake: Handshake | None = None, **facts: Any) -> Connection:
    return connection(shake or extended_connect(), **(base | {"http_stream": 1} | facts))


def plain(base: dict[str, Any], **facts: Any) -> Connection:
    return connection(**(base | facts))


def test_streams_in_front() -> None:
    assert legs_before([stream(FRONT), plain(BACK)]) == {1: 0}


def test_streams_behind() -> None:
    assert legs_before([plain(FRONT), stream(BACK)]) == {1: 0}


def test_the_accept_value_of_the_server_is_enough() -> None:
    """Wherever the proxy asks from: HAProxy hands it on."""
    answered = extended_connect("/chat", ("sec-websocket-accept", ACCEPT))
    assert legs_before([stream(FRONT, answered), plain(BACK, client_ip="203.0.113.1")]) == {1: 0}


def test_an_accept_value_of_another_key_tells_that_it_is_not() -> None:
    answered = extended_connect("/chat", ("sec-websocket-accept", "no" + ACCEPT[2:]))
    assert legs_before([stream(FRONT, answered), plain(BACK)]) == {}


def test_it_decides_between_two_that_ask_for_the_same() -> None:
    answered = extended_connect("/chat", ("sec-websocket-accept", ACCEPT))
    fronts = [stream(FRONT), stream(FRONT, answered, client_port=50009)]
    assert legs_before([*fronts, plain(BACK)]) == {2: 1}


def test_of_two_that_could_be_the_one_before_nobody_knows() -> None:
    assert legs_before([stream(FRONT), stream(FRONT, client_port=50009), plain(BACK)]) == {}


def test_each_has_its_own() -> None:
    first, second = {"requested": SECOND}, {"requested": 1_100_000_000, "client_port": 50009}
    legs = [stream(FRONT, extended_connect("/a"), **first), stream(FRONT, extended_connect("/b"))]
    legs[1].requested, legs[1].client_port = second["requested"], second["client_port"]
    for path in (b"/b", b"/a"):
        shake = handshake(REQUEST.replace(b"/chat", path))
        legs.append(connection(shake, **(BACK | {"client_port": 50001 + len(legs)})))
    assert legs_before(legs) == {2: 1, 3: 0}


def test_both_refused() -> None:
    refused = extended_connect(status="403")
    front = stream(FRONT, refused)
    behind = connection(handshake(response=b"HTTP/1.1 403 Forbidden\r\n\r\n"), **BACK)
    assert legs_before([front, behind]) == {1: 0}
    behind = connection(handshake(response=b"HTTP/1.1 404 Not Found\r\n\r\n"), **BACK)
    assert legs_before([front, behind]) == {}


@pytest.mark.parametrize(
    "facts",
    [
        # It had been answered, or is answered later; others ask, or ask the same server.
        {"requested": 2_100_000_000},
        {"responded": 2_100_000_000},
        {"client_ip": "192.0.2.77"},
        {"server_ip": "198.51.100.2", "server_port": 80},
        {"capture": "other.pcap"},
    ],
)
def test_what_only_looks_like_a_leg(facts: dict[str, Any]) -> None:
    assert legs_before([stream(FRONT), plain(BACK, **facts)]) == {}


def test_what_says_something_else_is_none() -> None:
    assert legs_before([stream(FRONT, extended_connect("/other")), plain(BACK)]) == {}


def test_two_streams_are_none() -> None:
    """A proxy that speaks HTTP/2 on both sides opens a connection for several of them."""
    assert legs_before([stream(FRONT), stream(BACK)]) == {}


def test_legs_that_keys_tell_are_left_alone() -> None:
    legs = [stream(FRONT), plain(BACK)]
    assert translated_legs(legs, {1: 7}) == {}


def test_recorded_proxies_that_translate() -> None:
    """HAProxy and nghttpx, in both directions; of each attempt the path names its two legs."""
    facts = recorded("http2-translated.pcapng")
    records = [each.connection for each in facts.connections]
    shakes = [each.handshake for each in records]
    targets = [None if each is None else each.target for each in shakes]
    assert targets[::2] == targets[1::2]
    assert legs_before(records) == {place: place - 1 for place in range(1, len(records), 2)}
