"""The legs of a proxied connection: all that a capture has, in the order of passing it on."""

from __future__ import annotations

import pytest

from story.told import analysis, told
from wsanalyze.story.legs import Legs
from wsanalyze.views.rungs import lanes_of


@pytest.mark.parametrize(
    ("capture", "number", "legs"),
    [
        ("chat-ws.pcapng", 0, (0,)),
        ("nginx-proxy.pcapng", 1, (0, 1)),
        ("socks-tunnels.pcapng", 14, (14, 15, 16)),
        ("socks-tunnels.pcapng", 15, (14, 15, 16)),
        ("socks-tunnels.pcapng", 16, (14, 15, 16)),
        ("wss-tunnels.pcapng", 7, (6, 7, 8)),
        ("http2-connect.pcapng", 2, (2, 3)),
    ],
)
def test_legs_are_found_from_each_of_them(capture: str, number: int, legs: tuple[int, ...]) -> None:
    assert Legs(analysis(capture).recording).of(number) == legs


def test_a_chain_ends_where_a_leg_is_not_told() -> None:
    legs = Legs(analysis("socks-tunnels.pcapng").recording)
    assert legs.of(14, {14, 15}) == (14, 15)
    assert legs.of(14, {14, 16}) == (14,)
    assert legs.of(16, {14, 16}) == (16,)


def test_a_diagram_has_a_lane_for_each_proxy_on_the_way() -> None:
    stories = [told("socks-tunnels.pcapng", number) for number in (14, 15, 16)]
    assert {lanes_of(story) for story in stories} == {
        (
            "client 127.0.0.1:40785",
            "proxy 127.0.0.1:9170",
            "proxy 127.0.0.1:9161",
            "server 127.0.0.1:9060",
        )
    }
    asked = [(each.leg, each.packet) for each in stories[1].events if each.label == "GET /nested"]
    assert asked == [(0, 412), (1, 413), (2, 414)]
    assert [leg.number for leg in stories[0].legs] == [14, 15, 16]


def test_the_leg_in_the_middle_names_the_one_behind_as_the_other() -> None:
    middle = told("socks-tunnels.pcapng", 15)
    assert (middle.other_leg, middle.behind_proxy) == (16, False)
    assert (middle.proxy, middle.beyond) == ("127.0.0.1:9161", "127.0.0.1:9060")
