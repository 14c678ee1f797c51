"""Legs of connections through proxies, and requests that only have a key in common."""

from __future__ import annotations

from typing import Any

import pytest

from checks.given import SECOND, connection, recorded
from wsanalyze.checks.legs import WAITING, legs_before
from wsanalyze.layers.connection import Connection

# A request to the proxy at 1 s, answered at 2 s; its own to the server behind it at 1.2 s.
FRONT: dict[str, Any] = {"requested": SECOND, "responded": 2 * SECOND}
BACK: dict[str, Any] = {
    "requested": 1_200_000_000,
    "responded": 1_800_000_000,
    "client_port": 50001,
    "server_ip": "203.0.113.7",
}


def front(**facts: Any) -> Connection:
    return connection(**(FRONT | facts))


def back(**facts: Any) -> Connection:
    return connection(**(BACK | facts))


def test_a_request_that_is_passed_on() -> None:
    assert legs_before([front(), back()]) == {1: 0}


def test_one_that_nobody_answers() -> None:
    unanswered = {"outcome": "unanswered", "responded": None, "ended": 3 * SECOND}
    assert legs_before([front(**unanswered), back(**unanswered)]) == {1: 0}


def test_three_legs_are_a_chain() -> None:
    third = back(
        requested=1_300_000_000,
        responded=1_400_000_000,
        client_port=50002,
        server_ip="203.0.113.8",
    )
    assert legs_before([front(), back(), third]) == {1: 0, 2: 1}


def test_a_proxy_that_asks_the_next_server() -> None:
    failed = back(outcome="refused", responded=1_250_000_000)
    again = back(requested=1_300_000_000, client_port=50002, server_ip="203.0.113.8")
    assert legs_before([front(), failed, again]) == {1: 0, 2: 0}


@pytest.mark.parametrize(
    "facts",
    [
        # The first one had been answered, or the client asks the same server twice.
        {"requested": 2_100_000_000},
        {"server_ip": "198.51.100.2"},
        {"capture": "other.pcap"},
        {"client_port": 50000},
    ],
)
def test_a_key_that_is_used_again_makes_no_leg(facts: dict[str, Any]) -> None:
    assert legs_before([front(), back(**facts)]) == {}


def test_of_two_that_could_be_the_one_before_nobody_knows() -> None:
    assert legs_before([front(), front(client_port=50009), back()]) == {}


def test_among_many_that_wait_at_once_nobody_knows() -> None:
    # None of these could be the one before: they ask the very server.
    others = [front(client_port=40000 + each, server_ip="203.0.113.7") for each in range(WAITING)]
    assert legs_before([*others[1:], front(), back()]) == {WAITING: WAITING - 1}
    assert legs_before([*others, front(), back()]) == {}


def test_without_a_key() -> None:
    one, other = front(), back()
    one.handshake = None
    assert legs_before([one, other]) == {}


@pytest.mark.parametrize(
    ("name", "legs"),
    [
        # Those that the proxy answers itself (6, 9, 10) have none behind.
        ("nginx-idle.pcapng", {1: 0, 3: 2, 5: 4, 8: 7, 10: 9}),
        ("http2-haproxy.pcapng", {1: 0, 3: 2, 5: 4}),
        ("wss-tunnels.pcapng", {1: 0, 3: 2, 5: 4, 7: 6, 8: 7}),
        ("mixed-keys.pcapng", {}),
        ("oddities.pcapng", {}),
        ("fifty-clients.pcap.gz", {}),
    ],
)
def test_recorded(name: str, legs: dict[int, int]) -> None:
    assert legs_before([each.connection for each in recorded(name).connections]) == legs
