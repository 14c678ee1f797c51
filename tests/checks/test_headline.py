"""Which of the five that everyone meets first a connection has."""

from __future__ import annotations

import pytest

from checks.given import REQUEST, RESPONSE, connection, handshake, recorded, with_fields
from wsanalyze.checks.audit import Audit
from wsanalyze.checks.catalogue import catalogue
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.headline import HEADLINES, headlines

OFFER = "Sec-WebSocket-Protocol: chat"


def lines(request: bytes, response: bytes = RESPONSE) -> list[str]:
    facts = Facts(connection(handshake(request, response)))
    return headlines(Audit(catalogue()).findings([facts], []))


@pytest.mark.parametrize(
    ("request_head", "response_head", "expected"),
    [
        (
            REQUEST.replace(b"Upgrade: websocket", b"Upgrade: h2c"),
            RESPONSE,
            ["invalid Upgrade header: Upgrade is 'h2c' and does not name websocket"],
        ),
        (
            REQUEST.replace(b"/hg==", b"/hh=="),
            RESPONSE,
            [
                "invalid Sec-WebSocket-Key: Sec-WebSocket-Key '7WvwZHi1pBVFuuG3NFA/hh==' "
                "has unused bits that are not zero"
            ],
        ),
        (
            REQUEST,
            RESPONSE.replace(b"Sec-WebSocket-Accept: ACCEPT\r\n", b""),
            ["invalid Sec-WebSocket-Accept: there is no Sec-WebSocket-Accept"],
        ),
        (
            with_fields(REQUEST, OFFER),
            with_fields(RESPONSE, "Sec-WebSocket-Protocol: Chat"),
            ["invalid subprotocol: the subprotocol chosen is 'Chat', not among 'chat'"],
        ),
        (
            REQUEST,
            with_fields(RESPONSE, "Sec-WebSocket-Extensions: x"),
            ["invalid extension: the response uses 'x', which the client did not offer"],
        ),
        # No subprotocol chosen is a remark, an extension that is old is not invalid.
        (with_fields(REQUEST, OFFER), RESPONSE, []),
        (
            with_fields(REQUEST, "Sec-WebSocket-Extensions: x-webkit-deflate-frame"),
            with_fields(RESPONSE, "Sec-WebSocket-Extensions: x-webkit-deflate-frame"),
            [],
        ),
        (REQUEST, RESPONSE, []),
    ],
)
def test_what_a_handshake_is_told_to_have(
    request_head: bytes, response_head: bytes, expected: list[str]
) -> None:
    assert lines(request_head, response_head) == expected


def test_the_first_faults_of_a_server_under_test() -> None:
    facts = recorded("bad-accept.pcapng").connections
    found = Audit(catalogue()).findings(facts, [])
    told = {
        name
        for each in facts
        for line in headlines(f for f in found if f.connection == each.connection.serial)
        for name in HEADLINES
        if line.startswith(f"{name}: ")
    }
    assert told == {
        "invalid Upgrade header",
        "invalid Sec-WebSocket-Accept",
        "invalid extension",
    }


def test_every_check_that_is_named_exists() -> None:
    ids = {each.id for each in catalogue()}
    assert not {one for each in HEADLINES.values() for one in each} - ids
