"""Intermediaries that cut: resets in others' names, both legs of a proxy, loops."""

from __future__ import annotations

from typing import Any

import pytest

from checks.given import (
    REQUEST,
    SECOND,
    connection,
    event,
    found,
    handshake,
    messages,
    observed,
    with_fields,
)
from wsanalyze.checks import cuts
from wsanalyze.layers.connection import Connection
from wsanalyze.observation import Ending, Observation, Side


def ending(how: str = "rst", sender: str = "server", **facts: Any) -> Ending:
    values: dict[str, Any] = {
        "time": 9 * SECOND,
        "packet": 30,
        "ttl": 60,
        "usual_ttl": 60,
        "ip_id": 1,
        "behind": 0,
        "window": 500,
        "has_ack": True,
        "bare": True,
    }
    return Ending(sender=sender, how=how, **(values | facts))


def session(*endings: Ending, **facts: Any) -> Observation:
    last = event("last", "server", time=8 * SECOND)
    return observed(endings=list(endings), client=Side(first=last), server=Side(last=last), **facts)


def cut(number: int, idle: float, *, begun: float = 0.0, how: str = "fin") -> Connection:
    """Return a session that was closed after so many idle seconds."""
    at = int((begun + idle + 5) * SECOND)
    record = connection(
        started=int(begun * SECOND),
        requested=int(begun * SECOND),
        responded=int(begun * SECOND) + 1,
        ended=at,
        client_frames=3,
        observation=session(ending(how, time=at), silence_ns=int(idle * SECOND)),
    )
    record.serial = number
    # Of the legs of one session only one counts.
    record.handshake = None
    record.outcome = "established"
    return record


class TestInjectedReset:
    def test_another_ttl(self) -> None:
        record = connection(observation=session(ending(ttl=250)))
        (finding,) = found(cuts.injected_reset, record)
        assert (finding.packet, finding.sender) == (30, "server")
        assert "the server's name has a TTL of 250, its other packets 60" in finding.message
        assert finding.evidence == "TTL 250, usual 60; the last frame in packet 8"

    def test_a_way_that_is_a_little_longer(self) -> None:
        assert found(cuts.injected_reset, connection(observation=session(ending(ttl=58)))) == []

    def test_its_sender_goes_on(self) -> None:
        record = connection(observation=session(ending(), server_after_own_reset=700))
        (finding,) = found(cuts.injected_reset, record)
        assert "sent 700 more bytes" in finding.message
        assert finding.evidence == "RST; the last frame in packet 8"  # its TTL shows nothing

    def test_what_it_had_sent_before_came_late(self) -> None:
        late = session(ending(behind=700), server_after_own_reset=700)
        assert found(cuts.injected_reset, connection(observation=late)) == []

    def test_no_other_packet_to_compare_with(self) -> None:
        record = connection(observation=session(ending(ttl=250, usual_ttl=None)))
        assert found(cuts.injected_reset, record) == []

    def test_a_fin_is_none(self) -> None:
        record = connection(observation=session(ending("fin", ttl=9)))
        assert found(cuts.injected_reset, record) == []


class TestBothEnds:
    def test_resets_in_both_names_at_once(self) -> None:
        both = session(ending(), ending(sender="client", time=9 * SECOND + 1_000_000))
        record = connection(observation=both, client_frames=3)
        assert messages(found(cuts.both_ends_cut, record)) == [
            "RSTs to both ends within 1.0 ms, without a Close of either, right after the last "
            "frame, a continuation frame of the server"
        ]

    def test_of_two_that_are_somebody_elses_prx_12_tells(self) -> None:
        both = session(ending(ttl=40), ending(sender="client", ttl=40))
        record = connection(observation=both, client_frames=3)
        assert found(cuts.both_ends_cut, record) == []
        assert len(found(cuts.injected_reset, record)) == 2
        one = session(ending(ttl=40), ending(sender="client"))
        record = connection(observation=one, client_frames=3)
        assert len(found(cuts.both_ends_cut, record)) == 1

    def test_one_a_second_later(self) -> None:
        both = session(ending(), ending(sender="client", time=10 * SECOND))
        assert found(cuts.both_ends_cut, connection(observation=both, client_frames=3)) == []

    def test_behind_missing_bytes_a_close_may_have_been(self) -> None:
        both = session(ending(), ending(sender="client"))
        record = connection(observation=both, client_frames=3, client_lost_bytes=10)
        assert found(cuts.both_ends_cut, record) == []


class TestBothLegs:
    """A connection through a proxy, both legs in one capture; the proxy ended the first at 9 s."""

    def of(self, *, by: str = "client", at: float = 9.01, **facts: Any) -> list[str]:
        front = connection(observation=session(ending("fin")), client_frames=3)
        values: dict[str, Any] = {"server_port": 9060, "client_ip": "203.0.113.5", **facts}
        noted = session(ending("fin", by, time=int(at * SECOND), packet=33))
        back = connection(observation=noted, serial=1, client_frames=3, **values)
        return messages(found(cuts.both_ends_cut, front, back))

    def test_it_ended_the_other_one_as_well(self) -> None:
        assert self.of() == [
            "the proxy at 198.51.100.2:80 ended both its legs (FIN, FIN) within 10.0 ms, without a "
            "Close of either end, right after the last frame, a continuation frame of the server"
        ]

    def test_an_application_ended_its_leg(self) -> None:
        assert self.of(by="server") == []

    def test_later(self) -> None:
        assert self.of(at=9.051) == []

    @pytest.mark.parametrize(
        "facts", [{"server_port": 80}, {"capture": "other.pcap"}, {"server_lost_bytes": 1}]
    )
    def test_they_may_be_no_legs_or_not_whole(self, facts: dict[str, Any]) -> None:
        assert self.of(**facts) == []


class TestLoop:
    def test_five_failures_in_a_row(self) -> None:
        records = [cut(number, 1.0, begun=10 * number, how="rst") for number in range(6)]
        (finding,) = found(cuts.reconnect_loop, *records)
        assert "asked 198.51.100.2:80 6 times within 50.0 s" in finding.message
        waits = ", ".join(["4.000"] * 5)
        assert finding.evidence == f"{waits} s from the end of one to the next request"

    def test_who_waits_longer_each_time_is_in_no_loop(self) -> None:
        records = [
            cut(number, 1.0, begun=begun) for number, begun in enumerate([0, 7, 15, 25, 39, 61])
        ]
        assert found(cuts.reconnect_loop, *records) == []

    @pytest.mark.parametrize(
        "field",
        [
            *("X-Forwarded-For: 203.0.113.{}", "X-Real-IP: 203.0.113.{}", "User-Agent: app/{}"),
            *("Origin: https://{}.example.com", "Cookie: sid={}"),
        ],
    )
    def test_several_clients_behind_one_address(self, field: str) -> None:
        """As a server behind a proxy sees them, all of whose clients have the proxy's address."""
        records = [cut(number, 1.0, begun=10 * number, how="rst") for number in range(6)]
        for number, record in enumerate(records):
            record.handshake = handshake(with_fields(REQUEST, field.format(number)))
        assert found(cuts.reconnect_loop, *records) == []
        for record in records:
            record.handshake = handshake(with_fields(REQUEST, field.format(1)))
        assert len(found(cuts.reconnect_loop, *records)) == 1

    def test_cookies_of_a_load_balancer_are_no_users(self) -> None:
        records = [cut(number, 1.0, begun=10 * number, how="rst") for number in range(6)]
        for number, record in enumerate(records):
            cookies = f"Cookie: AWSALB=x{number}; sid=1"
            record.handshake = handshake(with_fields(REQUEST, cookies))
        (finding,) = found(cuts.reconnect_loop, *records)
        assert finding.message.endswith("none of the connections ended well")

    def test_nothing_says_that_it_is_one_client(self) -> None:
        records = [cut(number, 1.0, begun=10 * number, how="rst") for number in range(6)]
        for record in records:
            record.handshake = handshake(with_fields(REQUEST, "User-Agent: a"))
        (finding,) = found(cuts.reconnect_loop, *records)
        assert finding.message.endswith("several clients behind that address look the same")

    def test_probes_come_again_and_again(self) -> None:
        records = [cut(number, 1.0, begun=10 * number) for number in range(6)]
        for record in records:
            record.handshake = handshake(with_fields(REQUEST, "User-Agent: ELB-HealthChecker/2.0"))
        assert found(cuts.reconnect_loop, *records) == []

    def test_four_are_not_enough(self) -> None:
        records = [cut(number, 1.0, begun=10 * number, how="rst") for number in range(4)]
        assert found(cuts.reconnect_loop, *records) == []

    def test_at_the_same_time_they_are_no_reconnects(self) -> None:
        records = [cut(number, 1.0, begun=number / 10, how="rst") for number in range(6)]
        assert found(cuts.reconnect_loop, *records) == []
