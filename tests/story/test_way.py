"""How proxies were asked for a way: every message, with its packet, its size and its code."""

from __future__ import annotations

import io
import json

import pytest

import wsanalyze
from story.told import CAPTURES, told
from wsanalyze.story.model import Story, WayStep

Told = tuple[int, str, str, int | None, int | None]

NO_LOGIN: list[Told] = [
    (30, "client", "SOCKS5 methods", 3, None),
    (32, "server", "SOCKS5 method", 2, 0),
    (34, "client", "SOCKS5 request", 10, None),
    (38, "server", "SOCKS5 reply", 10, 0),
]
LOGIN: list[Told] = [
    (311, "client", "SOCKS5 methods", 4, None),
    (316, "server", "SOCKS5 method", 2, 2),
    (318, "client", "SOCKS5 login", 20, None),
    (319, "server", "SOCKS5 status", 2, 0),
    (320, "client", "SOCKS5 request", 16, None),
    (324, "server", "SOCKS5 reply", 10, 0),
]
SECOND_TRY: list[Told] = [
    (256, "client", "CONNECT request", 57, None),
    (258, "server", "CONNECT answer", 449, 407),
    (260, "client", "CONNECT request", 110, None),
    (264, "server", "CONNECT answer", 39, 200),
]


def facts(story: Story) -> list[Told]:
    return [(each.packet, each.sender, each.kind, each.length, each.code) for each in story.way]


@pytest.mark.parametrize(
    ("capture", "number", "expected"),
    [
        ("socks-tunnels.pcapng", 0, NO_LOGIN),
        ("socks-tunnels.pcapng", 12, LOGIN),
        (
            "socks-tunnels.pcapng",
            8,
            [
                (206, "client", "SOCKS4 request", 9, None),
                (211, "server", "SOCKS4 reply", 8, 90),
            ],
        ),
        ("connect-tunnels.pcapng", 12, SECOND_TRY),
        ("proxy-protocol.pcapng", 1, [(8, "client", "PROXY header", 43, None)]),
        ("proxy-protocol.pcapng", 5, [(90, "client", "PROXY header", 50, None)]),
        (
            "http2-connect.pcapng",
            2,
            [
                (52, "client", "CONNECT request", None, None),
                (56, "server", "CONNECT answer", None, 200),
            ],
        ),
    ],
)
def test_each_message_has_its_packet_size_and_code(
    capture: str, number: int, expected: list[Told]
) -> None:
    assert facts(told(capture, number)) == expected


def test_tunnels_in_one_another_are_told_from_the_outside_in() -> None:
    story = told("socks-tunnels.pcapng", 14)
    assert [each.hop for each in story.way] == [0, 0, 0, 0, 1, 1]
    assert [each.kind for each in story.way[4:]] == ["CONNECT request", "CONNECT answer"]
    # The leg in the middle has the inner one alone.
    assert [each.kind for each in told("socks-tunnels.pcapng", 15).way] == [
        "CONNECT request",
        "CONNECT answer",
    ]
    assert told("socks-tunnels.pcapng", 16).way == ()


def test_streams_of_http_2_do_not_mix() -> None:
    first, second = told("http2-connect.pcapng", 0), told("http2-connect.pcapng", 2)
    assert {each.stream for each in first.way} == {1}
    assert {each.stream for each in second.way} == {5}


def test_tls_with_the_proxy_is_told_where_the_tunnel_is_in_the_clear() -> None:
    plain, secure = told("http2-connect.pcapng", 0), told("http2-connect.pcapng", 2)
    assert plain.secure is None
    assert [each.sni for each in plain.around] == ["chat.example"]
    assert [each.alpn for each in plain.around] == ["h2"]
    assert secure.secure is not None
    assert [each.sni for each in secure.around] == ["chat.example"]
    assert {each.depth for each in plain.way + secure.way} == {1}
    assert {each.depth for each in told("wss-tunnels.pcapng", 0).way} == {0}


def data_of(step: WayStep) -> bytes:
    return b"".join(part.data or b"" for part in step.parts)


@pytest.mark.parametrize("number", [0, 2, 4, 6, 8, 10, 12])
def test_the_bytes_of_a_message_stand_in_the_capture(number: int) -> None:
    raw = (CAPTURES / "socks-tunnels.pcapng").read_bytes()
    for step in told("socks-tunnels.pcapng", number).way:
        if step.kind == "SOCKS5 login":
            continue
        assert len(data_of(step)) == step.length
        assert data_of(step) in raw


def test_where_it_leads_is_what_the_application_asked_for() -> None:
    truth = json.loads((CAPTURES / "connect-tunnels.truth.json").read_text())
    ways = {each["client_port"]: each.get("tunnel") for each in truth["connections"]}
    analysis = wsanalyze.analyze(CAPTURES / "connect-tunnels.pcapng")
    for connection in analysis:
        asked = [each for each in analysis.explain(connection.number).way if each.head is not None]
        lines = [each.head.start_line for each in asked if each.head and each.sender == "client"]
        way = ways[connection.facts.client_port]
        assert {line.removesuffix(" HTTP/1.1") for line in lines} == ({way} if way else set())


def test_no_password_is_ever_told() -> None:
    for show in (False, True):
        story = wsanalyze.analyze(CAPTURES / "socks-tunnels.pcapng").explain(12, show_secrets=show)
        (login,) = [each for each in story.way if each.kind == "SOCKS5 login"]
        parts = {part.name: part for part in login.parts}
        assert parts["PASSWD"].data is None
        assert parts["PLEN"].data == b"\x0d"
        assert (parts["UNAME"].text == "anna") == show
        assert (parts["UNAME"].data == b"anna") == show
        assert len(data_of(login)) == 3 + 4 * show


def test_credentials_of_a_connect_are_redacted() -> None:
    shown = wsanalyze.analyze(CAPTURES / "connect-tunnels.pcapng").explain(12, show_secrets=True)
    values = []
    for story in (told("connect-tunnels.pcapng", 12), shown):
        head = story.way[2].head
        assert head is not None
        values += [line.value for line in head.lines if line.name == "Proxy-Authorization"]
    assert len(values) == 2
    assert values[1].startswith("Basic ")
    assert values[1][6:] not in values[0]


def test_findings_stand_at_the_messages_that_they_are_about() -> None:
    story = told("connect-tunnels.pcapng", 12)
    checks = [[finding.check for finding in each.findings] for each in story.way]
    assert checks == [[], ["PRX-21"], ["SEC-17"], []]
    events = [(each.packet, each.severity) for each in story.events if each.layer == "proxy"]
    assert events == [(256, None), (258, "info"), (260, "warning"), (264, None)]


def test_events_say_what_and_with_which_code() -> None:
    events = [each for each in told("socks-tunnels.pcapng", 12).events if each.layer == "proxy"]
    assert [(each.label, each.length) for each in events] == [
        ("SOCKS5 methods 0, 2", 4),
        ("SOCKS5 method 2: user name and password", 2),
        ("SOCKS5 user name and password", 20),
        ("SOCKS5 status 0: success", 2),
        ("SOCKS5 CONNECT localhost:9060", 16),
        ("SOCKS5 reply 0: succeeded", 10),
    ]
    labels = [
        each.label for each in told("proxy-protocol.pcapng", 7).events if each.layer == "proxy"
    ]
    assert labels == ["PROXY protocol v2, client [::1]:40747"]


def test_without_a_second_reading_the_way_has_no_messages() -> None:
    data = (CAPTURES / "connect-tunnels.pcapng").read_bytes()
    story = wsanalyze.analyze(io.BytesIO(data), segments=True).explain(12)
    assert story.way == ()
    assert story.tunnel == "CONNECT 127.0.0.1:9060"
