"""Tunnels that proxies refused: they are no connections, and each has a story."""

from __future__ import annotations

import pytest

import wsanalyze
from story.told import CAPTURES, analysis
from wsanalyze.errors import UsageError
from wsanalyze.views.rungs import lanes_of

Known = tuple[str, int | None, int]

SOCKS: list[Known] = [
    # A wrong password, no way of logging in that both know, nobody at the far end.
    ("SOCKS5", 2, 365),
    ("SOCKS5", 255, 374),
    ("SOCKS5 127.0.0.1:1", 5, 389),
]
CONNECT: list[Known] = [
    ("CONNECT 127.0.0.1:9", 403, 196),
    # The one of packet 258 had a second try.
    ("CONNECT 127.0.0.1:9060", 407, 206),
]


@pytest.mark.parametrize(
    ("capture", "expected"),
    [
        ("socks-tunnels.pcapng", SOCKS),
        ("connect-tunnels.pcapng", CONNECT),
        ("http2-connect.pcapng", [("CONNECT 127.0.0.1:1", 403, 49)]),
        ("chat-ws.pcapng", []),
    ],
)
def test_what_was_refused(capture: str, expected: list[Known]) -> None:
    found = analysis(capture).refused_tunnels()
    assert [(each.way, each.code, each.packet) for each in found] == expected


def test_a_refusal_is_plain_data() -> None:
    _, refusal = analysis("connect-tunnels.pcapng").refused_tunnels()
    assert (refusal.kind, refusal.where, refusal.outer) == ("CONNECT", "127.0.0.1:9060", None)
    assert (refusal.client_ip, refusal.proxy_ip, refusal.proxy_port) == (
        "127.0.0.1",
        "127.0.0.1",
        9162,
    )
    assert refusal.client_port > 0
    assert "credentials" in refusal.meaning


def test_its_story_has_every_message_up_to_the_refusal() -> None:
    story = analysis("socks-tunnels.pcapng").explain_refused(0)
    assert [(each.packet, each.kind, each.code) for each in story.way] == [
        (360, "SOCKS5 methods", None),
        (362, "SOCKS5 method", 2),
        (364, "SOCKS5 login", None),
        (365, "SOCKS5 status", 2),
    ]
    assert story.opening is not None
    assert story.opening.syn is not None
    assert story.opening.syn.packet == 357
    assert lanes_of(story) == ("client 127.0.0.1:40109", "proxy 127.0.0.1:9171")
    assert [each.packet for each in story.events] == [
        357,
        358,
        359,
        360,
        362,
        364,
        *range(365, 368),
    ]
    assert [(each.sender, each.packet) for each in story.closing.ends] == [
        ("server", 366),
        ("client", 367),
    ]


def test_a_stream_of_http_2_that_was_refused_stands_alone() -> None:
    story = analysis("http2-connect.pcapng").explain_refused(0)
    assert [(each.stream, each.code) for each in story.way] == [(3, None), (3, 403)]
    assert [each.sni for each in story.around] == ["chat.example"]
    assert [each.how for each in story.closing.ends] == ["fin", "fin"]


def test_a_password_is_in_no_story() -> None:
    story = analysis("socks-tunnels.pcapng").explain_refused(0, show_secrets=True)
    (login,) = [each for each in story.way if each.kind == "SOCKS5 login"]
    assert {part.name: part.text for part in login.parts}["UNAME"] == "anna"
    assert [part.data for part in login.parts][-1] is None
    hidden = analysis("socks-tunnels.pcapng").explain_refused(0)
    assert "anna" not in repr(hidden.way)


def test_there_is_none_of_that_number() -> None:
    with pytest.raises(UsageError, match="no refused tunnel 3: there are 3"):
        analysis("socks-tunnels.pcapng").explain_refused(3)


def test_without_a_second_reading_there_is_the_answer_alone() -> None:
    with (CAPTURES / "connect-tunnels.pcapng").open("rb") as file:
        once = wsanalyze.analyze(file, segments=True)
    story = once.explain_refused(0)
    assert story.way == ()
    assert story.refusal is not None
    assert story.refusal.code == 403
