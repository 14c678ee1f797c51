"""Connections whose handshakes say the same: which do, and that nothing is missed for it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checks.given import CAPTURES, REQUEST, RESPONSE, connection, handshake, with_fields
from wsanalyze.checks.alike import likeness, without
from wsanalyze.checks.audit import Audit
from wsanalyze.checks.capture_facts import CaptureFacts
from wsanalyze.checks.catalogue import catalogue
from wsanalyze.checks.check import Check, check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.limits import Limits
from wsanalyze.pipeline import read
from wsanalyze.recording import Wants
from wsanalyze.websocket.head import read_head

NAMES = sorted(CAPTURES.glob("*.pcap*"))
WANTS = Wants(frames=False, messages=False, hashes=False, payloads="none", observe=True)
KEY = b"7WvwZHi1pBVFuuG3NFA/hg=="
DATED = with_fields(RESPONSE, "Date: Mon, 01 Jan 2024 00:00:00 GMT")


def one(
    key: bytes = KEY, request: bytes = REQUEST, response: bytes = DATED, **facts: Any
) -> Connection:
    return connection(handshake(request.replace(KEY, key), response), **facts)


def same(first: Connection, second: Connection) -> bool:
    told = likeness(Facts(first))
    assert told is not None
    return told == likeness(Facts(second))


OTHER_KEY = b64encode(bytes(range(100, 116)))


class TestWhatIsAlike:
    def test_with_another_key_at_another_time(self) -> None:
        assert same(one(), one(OTHER_KEY, response=DATED.replace(b"00:00:00", b"23:59:59")))

    @pytest.mark.parametrize(
        "other",
        [
            {"request": REQUEST.replace(b"/chat", b"/Chat")},
            {"request": with_fields(REQUEST, "Cookie: a=b")},
            {"request": REQUEST.replace(b"Sec-WebSocket-Key", b"sec-websocket-key")},
            {"response": RESPONSE},
            {"response": with_fields(DATED, "Server: nginx")},
            {"scheme": "wss"},
            {"server_ip": "198.51.100.3"},
            {"server_port": 81},
            {"tunnel": "CONNECT example.com:80"},
            {"told_tls": "TLSv1.3"},
            {"outcome": "invalid"},
        ],
    )
    def test_what_else_differs_tells_them_apart(self, other: dict[str, Any]) -> None:
        assert not same(one(), one(OTHER_KEY, **other))

    def test_a_key_that_stands_elsewhere_too_does(self) -> None:
        """Whose parameter has the value of the key, and whose has none."""
        first = REQUEST.replace(b"/chat", b"/?a=" + KEY + b"&token=")
        second = REQUEST.replace(b"/chat", b"/?a=&token=" + KEY)
        assert not same(one(request=first), one(request=second))

    @pytest.mark.parametrize(
        "odd",
        [
            {"response": DATED.replace(b"101", b"403")},
            {"response": DATED.replace(b"ACCEPT", b"another")},
            {"request": REQUEST.replace(b"13", b"14")},
            {"request": with_fields(REQUEST, f"X: {'x' * 9000}")},
        ],
    )
    def test_what_may_be_odd_is_like_nothing(self, odd: dict[str, Any]) -> None:
        assert likeness(Facts(one(**odd))) is None

    def test_values_are_left_out_where_they_stand(self) -> None:
        head = read_head(b"GET / HTTP/1.1\r\nA:  b \r\nHost: b\r\nC: \r\n\r\n")
        assert without(head, "host", "a", "c", "x") == (
            b"GET / HTTP/1.1\r\nA:  \x00 \r\nHost: \x00\r\nC: \r\n\r\n"
        )


def asked(*, finds: bool, **when: Any) -> tuple[Check, list[str]]:
    """Return a check, and the keys of the requests for which it was asked."""
    keys: list[str] = []

    @check(
        "TST-01",
        "test-check",
        "A test",
        severity="warning",
        tags=("test",),
        references=(),
        explanation="It is one.",
        advice="None.",
        **when,
    )
    def declared(facts: Facts) -> Iterator[Finding]:
        assert facts.handshake is not None
        keys.append(facts.handshake.key or "")
        if finds:
            yield Finding("it was asked")

    return declared, keys


class TestWhoIsAskedAgain:
    def test_not_one_of_heads_that_found_nothing(self) -> None:
        each, keys = asked(finds=False, of_heads=True)
        assert Audit([each]).findings([Facts(one()), Facts(one(OTHER_KEY))], []) == []
        assert keys == [KEY.decode()]

    def test_one_of_heads_that_found_something(self) -> None:
        each, keys = asked(finds=True, of_heads=True)
        assert len(Audit([each]).findings([Facts(one()), Facts(one(OTHER_KEY))], [])) == 2
        assert keys == [KEY.decode(), OTHER_KEY.decode()]

    def test_one_that_looks_at_more(self) -> None:
        each, keys = asked(finds=False)
        Audit([each]).findings([Facts(one()), Facts(one(OTHER_KEY))], [])
        assert keys == [KEY.decode(), OTHER_KEY.decode()]

    def test_one_of_a_handshake_with_a_fault(self) -> None:
        each, keys = asked(finds=False, of_heads=True)
        offer = with_fields(REQUEST, "Sec-WebSocket-Protocol: a, a")
        pair = [Facts(one(request=offer)), Facts(one(OTHER_KEY, offer))]
        Audit([each]).findings(pair, [])
        assert [facts.alike for facts in pair] == [None, None]
        assert keys == [KEY.decode(), OTHER_KEY.decode()]


def test_of_connections_that_are_alike_the_first_is_distinct() -> None:
    facts = [Facts(one()), Facts(one(OTHER_KEY)), Facts(one(server_port=81))]
    assert CaptureFacts(facts, []).distinct == facts
    Audit([]).findings(facts, [])
    assert CaptureFacts(facts, []).distinct == [facts[0], facts[2]]
    assert [each.endpoint for each in facts] == ["198.51.100.2:80"] * 2 + ["198.51.100.2:81"]


@pytest.mark.parametrize("capture", NAMES, ids=lambda path: path.name)
def test_a_second_one_of_each_connection_has_the_same_findings(capture: Path) -> None:
    records = read([capture], wants=WANTS, limits=Limits()).connections
    run = Audit([each for each in catalogue() if each.scope != "capture"])
    first = [run.of(Facts(record)) for record in records]
    assert [run.of(Facts(record)) for record in records] == first
