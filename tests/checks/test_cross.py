"""All connections together: how many at a time, who comes back, mixed answers, redirects."""

from __future__ import annotations

from checks.given import (
    REQUEST,
    RESPONSE,
    SECOND,
    connection,
    found,
    found_in,
    handshake,
    messages,
    with_fields,
)
from checks.test_cuts import cut
from checks.test_proxies import refused
from wsanalyze.checks import cross
from wsanalyze.layers.connection import Connection

CHROME = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0.0.0"


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
        (finding,) = found(cross.no_back_off, *records)
        assert finding.message == (
            "192.0.2.1 came back to 198.51.100.2:80 after 4.000, 4.000, 4.000, 4.000 s"
        )

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
        assert "was answered with 101 2 times, 503 1 times" in finding.message
        assert found(cross.mixed_answers, *numbered(connection(), refused(401))) == []
        assert found(cross.mixed_answers, *numbered(refused(403), refused(403))) == []

    def test_negotiations(self) -> None:
        extension = "Sec-WebSocket-Extensions: permessage-deflate"
        offer = with_fields(REQUEST, extension)
        one = connection(handshake(offer, with_fields(RESPONSE, extension)))
        other = connection(handshake(offer))
        (finding,) = found(cross.mixed_negotiation, *numbered(one, other))
        assert "'permessage-deflate and no subprotocol'" in finding.message
        again = connection(handshake(offer))
        assert found(cross.mixed_negotiation, *numbered(other, again)) == []


class TestPretendedBrowser:
    def test_two_fields_missing(self) -> None:
        shake = handshake(with_fields(REQUEST, CHROME, "Origin: http://example.com"))
        (finding,) = found(cross.pretended_browser, connection(shake))
        assert finding.message.startswith("Accept-Encoding, Accept-Language, Sec-WebSocket-Ext")

    def test_a_browser(self) -> None:
        lines = ("Accept-Encoding: gzip", "Accept-Language: en", "Origin: http://example.com")
        shake = handshake(with_fields(REQUEST, CHROME, *lines))
        assert found(cross.pretended_browser, connection(shake)) == []
        assert found_in(cross.pretended_browser, "chromium.pcapng") == []

    def test_a_client_that_does_not_claim_to_be_one(self) -> None:
        shake = handshake(with_fields(REQUEST, "User-Agent: curl/8"))
        assert found(cross.pretended_browser, connection(shake)) == []


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


class TestRedirected:
    def test_recorded_redirects_were_followed(self) -> None:
        said = messages(found_in(cross.redirected, "refused-upgrades.pcapng"))
        assert len(said) == 2
        assert all(each.endswith("which the client followed") for each in said)

    def test_one_that_takes_the_encryption_away(self) -> None:
        record = refused(302, "Location: ws://example.com/other")
        record.scheme = "wss"
        (finding,) = found(cross.redirected, record)
        assert finding.severity == "warning"
        assert finding.message.endswith("did not follow in this capture")


class TestCredentials:
    def test_recorded(self) -> None:
        (finding,) = found_in(cross.credentials_on_demand, "refused-upgrades.pcapng")
        assert finding.message == "after 401 the client sent Authorization over plain ws"
        assert (finding.evidence or "").startswith("Authorization: Basi… (")

    def test_over_wss_nobody_reads_them(self) -> None:
        line = "Authorization: Basic c2VjcmV0OnNlY3JldA=="
        asked, sent = refused(401), connection(handshake(with_fields(REQUEST, line)))
        asked.scheme = sent.scheme = "wss"
        assert found(cross.credentials_on_demand, *numbered(asked, sent)) == []

    def test_without_having_been_asked(self) -> None:
        line = "Authorization: Basic c2VjcmV0OnNlY3JldA=="
        record = connection(handshake(with_fields(REQUEST, line)))
        assert found(cross.credentials_on_demand, record) == []
