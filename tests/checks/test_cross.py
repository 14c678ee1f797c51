"""All connections together: how many at a time, who comes back, mixed answers, silence."""

from __future__ import annotations

from checks.given import (
    REQUEST,
    RESPONSE,
    SECOND,
    connection,
    found,
    handshake,
    messages,
    with_fields,
)
from checks.test_cuts import cut
from checks.test_proxies import refused
from wsanalyze.checks import cross, cuts
from wsanalyze.checks.facts import Facts
from wsanalyze.layers.connection import Connection


def numbered(*records: Connection) -> tuple[Connection, ...]:
    for number, record in enumerate(records):
        record.serial = number
    return records


class TestParallel:
    def test_three_at_a_time(self) -> None:
        records = numbered(*(connection(requested=SECOND, responded=2 * SECOND) for _ in range(3)))
        (finding,) = found(cross.parallel_handshakes, *records)
        assert finding.message == (
            "192.0.2.1 had 3 handshakes with 198.51.100.2:80 under way at a time"
        )
        assert finding.severity == "info"

    def test_one_after_the_other(self) -> None:
        records = [
            connection(requested=number * SECOND, responded=number * SECOND + 5)
            for number in range(9)
        ]
        assert found(cross.parallel_handshakes, *numbered(*records)) == []

    def test_of_other_clients(self) -> None:
        records = [connection(client_ip=f"192.0.2.{number}") for number in range(9)]
        assert found(cross.parallel_handshakes, *numbered(*records)) == []


class TestBackOff:
    def test_the_same_wait_each_time(self) -> None:
        records = [cut(number, 1.0, begun=10 * number, how="rst") for number in range(5)]
        for record in records:
            record.handshake = handshake()
        (finding,) = found(cross.no_back_off, *records[:4])
        assert finding.message == (
            "192.0.2.1 came back to 198.51.100.2:80 after 4.000, 4.000, 4.000 s; "
            "without cookies, several clients behind that address look the same"
        )
        # Of a fifth attempt it is a loop, which is told once.
        assert len(found(cuts.reconnect_loop, *records)) == 1
        assert found(cross.no_back_off, *records) == []

    def test_the_longest_row_of_waits_is_told(self) -> None:
        begun = (0, 10, 20, 30, 40, 300, 307, 314, 321)
        records = [cut(n, 1.0, begun=each, how="rst") for n, each in enumerate(begun)]
        for record in records:
            record.handshake = handshake()
        assert cross._waits([Facts(each) for each in records])[0] == [4 * SECOND] * 4

    def test_waits_that_grow(self) -> None:
        begun = (0.0, 7.0, 15.0, 25.0, 40.0)
        records = [cut(n, 1.0, begun=each, how="rst") for n, each in enumerate(begun)]
        for record in records:
            record.handshake = handshake()
        assert found(cross.no_back_off, *records) == []

    def test_ends_that_are_no_failures(self) -> None:
        records = [
            connection(requested=10 * n * SECOND, ended=(10 * n + 5) * SECOND) for n in range(6)
        ]
        assert found(cross.no_back_off, *numbered(*records)) == []


class TestMixed:
    def test_answers(self) -> None:
        records = numbered(connection(), refused(503), connection())
        (finding,) = found(cross.mixed_answers, *records)
        assert "was answered with 101 (2 times), 503 (once)" in finding.message
        assert found(cross.mixed_answers, *numbered(connection(), refused(401))) == []
        assert found(cross.mixed_answers, *numbered(refused(403), refused(403))) == []

    def test_requests_that_differ_may_be_answered_differently(self) -> None:
        for line in ("Origin: https://evil.example.net", "Cookie: sid=1", "X-Api-Key: 2"):
            other = refused(403, request=with_fields(REQUEST, line))
            assert found(cross.mixed_answers, *numbered(connection(), other)) == []
        token = refused(403, request=REQUEST.replace(b"/chat", b"/chat?token=1"))
        broken = refused(400, request=REQUEST.replace(b"Connection: Upgrade\r\n", b""))
        assert found(cross.mixed_answers, *numbered(connection(), token, broken)) == []

    def test_requests_are_equal_whatever_their_keys(self) -> None:
        request = REQUEST.replace(b"7WvwZHi1", b"AAAAAAAA")
        again = refused(503, request=request)
        (finding,) = found(cross.mixed_answers, *numbered(connection(), again))
        assert finding.message.startswith("'/chat' of 198.51.100.2:80 was answered with 101")

    def test_negotiations(self) -> None:
        extension = "Sec-WebSocket-Extensions: permessage-deflate"
        offer = with_fields(REQUEST, extension)
        one = connection(handshake(offer, with_fields(RESPONSE, extension)))
        other = connection(handshake(offer))
        (finding,) = found(cross.mixed_negotiation, *numbered(one, other))
        assert "'permessage-deflate and no subprotocol'" in finding.message
        again = connection(handshake(offer))
        assert found(cross.mixed_negotiation, *numbered(other, again)) == []


class TestIdle:
    def test_most_of_many_say_nothing(self) -> None:
        records = numbered(*(connection(ended=90 * SECOND) for _ in range(10)))
        assert messages(found(cross.mostly_idle, *records)) == [
            "10 of 10 connections to 198.51.100.2:80 had no message"
        ]

    def test_few_connections_or_short_ones(self) -> None:
        few = numbered(*(connection(ended=90 * SECOND) for _ in range(9)))
        short = numbered(*(connection(ended=50 * SECOND) for _ in range(10)))
        assert found(cross.mostly_idle, *few) == found(cross.mostly_idle, *short) == []
