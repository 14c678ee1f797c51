"""Findings for people: exact at 100 columns, safe at any."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console
from tables.recordings import connection, handshake

from views.audits import (
    CHECKS,
    HOSTILE,
    MASK,
    ORIGINS,
    SERVER,
    STEERING,
    audit_of,
    declared,
    finding,
)
from wsanalyze.layers.connection import Connection
from wsanalyze.observation import Ending, Observation
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.views.audited import Audited
from wsanalyze.views.escape import cells
from wsanalyze.views.findings import FIRST, FIRST_OF_EACH, print_findings

OF_ALL = finding(
    ORIGINS,
    connection=None,
    sender=None,
    time=None,
    packet=None,
    evidence=None,
    expected=None,
    message="two origins",
)


def printed(audited: Audited, width: int = 100, color: bool = False, **options: bool) -> str:
    sink = io.StringIO()
    console = Console(file=sink, width=width, force_terminal=color, markup=False, highlight=False)
    print_findings(audited, console, **options)
    return sink.getvalue()


def lines(audited: Audited, **options: bool) -> list[str]:
    return [line.rstrip() for line in printed(audited, **options).splitlines()]


def ended() -> Connection:
    """Return a connection whose end is in the capture."""
    fin = Ending("client", "fin", 0, 9, 64, 64, 0, 0, 1000, True, True)
    return connection(observation=Observation(endings=[fin]))


def test_exact() -> None:
    audit = audit_of([finding(SERVER), finding(), OF_ALL], [ended()])
    assert lines(audit) == [
        "capture         chat.pcap (pcap), 0 packets, 0 B",
        "TCP             0 conversations",
        "looked at       4 checks on 1 connection: 1 seen whole",
        "",
        "Found: 1 error, 1 warning, 1 info",
        "",
        "What everyone meets first",
        "  invalid Sec-WebSocket-Accept   connection 0",
        "",
        "Connection 0: 192.0.2.1:50000 → 198.51.100.2:8080, ws://example.com:8080/chat?…, 101",
        "  error    HSR-04 wrong-accept",
        "           the accept value does not belong to the key",
        "           where    packet 6, of the server, 1.00 s after the connection began",
        "           found    Sec-WebSocket-Accept: AAAA",
        "           expected s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "           see      RFC 6455 §4.1",
        "  info     PRX-04 proxy-signs",
        "           the accept value does not belong to the key",
        "           where    packet 6, of the server, 1.00 s after the connection began",
        "           found    Sec-WebSocket-Accept: AAAA",
        "           expected s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "           see      RFC 6455 §4.1",
        "",
        "All connections together",
        "  warning  SEC-04 origin-not-checked",
        "           two origins",
        "           see      RFC 6455 §4.1",
        "",
        "What to do  (`wsanalyze checks ID` tells all of a check)",
        "  HSR-04 wrong-accept",
        "    What to do about HSR-04.",
        "  SEC-04 origin-not-checked",
        "    What to do about SEC-04.",
        "",
        "1 error, 1 warning, 1 info in 1 of 1 connection",
    ]


@pytest.mark.parametrize(
    ("facts", "key", "accept"),
    [
        ({}, "no", "no"),
        ({"outcome": "unanswered", "response_packet": None}, "no", "no"),
        # Of a handshake that was captured in part, or not at all, nobody knows.
        ({"outcome": "unseen", "response_packet": None}, "no", "not captured"),
        ({"outcome": "unseen", "request_packet": None}, "not captured", "not captured"),
    ],
)
def test_a_handshake_that_was_not_captured_is_not_said_to_be_in_order(
    facts: dict[str, Any], key: str, accept: str
) -> None:
    checks = (*CHECKS, declared("HSQ-06"))
    shown = lines(audit_of([finding(MASK)], [connection(**facts)], checks=checks))
    assert f"  invalid Sec-WebSocket-Key      {key}" in shown
    assert f"  invalid Sec-WebSocket-Accept   {accept}" in shown


def test_what_needs_both_heads_is_not_captured_where_one_is_missing() -> None:
    half = connection(outcome="unseen", response_packet=None)
    checks = (declared("HSR-06"), declared("EXT-01"))
    shown = lines(audit_of([], [half], checks=checks))
    assert "  invalid subprotocol            not captured" in shown
    assert "  invalid extension              not captured" in shown
    shown = lines(audit_of([], [half, ended()], checks=checks))
    assert "  invalid subprotocol            no; in 1 connection: not captured" in shown


def test_what_was_asked_for_where_the_request_does_not_say_it() -> None:
    no_host = handshake(b"GET /a HTTP/1.1\r\n\r\n")
    assert "ws, /a, 101" in printed(audit_of([finding()], [connection(handshake=no_host)]))
    unseen = connection(handshake=handshake(b"\r\n"), request_packet=None)
    assert "ws, request not seen, 101" in printed(audit_of([finding()], [unseen]))


def test_the_legs_of_a_connection_through_a_proxy_name_each_other() -> None:
    front = connection(requested=1, responded=9)
    behind = connection(serial=1, requested=2, responded=8, client_port=5, server_port=6)
    other = finding(MASK, connection=1)
    shown = lines(audit_of([finding(), other], [front, behind]))
    assert "  passed on by a proxy as connection 1" in shown
    assert "  behind a proxy: it passes on connection 0" in shown


def test_a_long_heading_goes_on_beneath_itself() -> None:
    request = b"GET /%s HTTP/1.1\r\nHost: example.com\r\n\r\n" % (b"a" * 40)
    text = printed(audit_of([finding()], [connection(handshake=handshake(request))]), 80)
    assert "\n  ws://example.com/aaaaa" in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_ends_with_a_blank(width: int) -> None:
    told = finding(message="a b ", evidence="HTTP/1.1 403 ", expected=" ", reference="")
    text = printed(audit_of([told, OF_ALL, HOSTILE]), width)
    assert [line for line in text.splitlines() if line.endswith(" ")] == []


def test_a_query_may_hold_secrets_and_is_not_shown() -> None:
    request = b"GET /a?token=hunter2 HTTP/1.1\r\nHost: example.com\r\n\r\n"
    text = printed(audit_of([finding()], [connection(handshake=handshake(request))]))
    assert "ws://example.com/a?…, 101" in text
    assert "hunter2" not in text


def test_credentials_in_a_request_to_a_proxy_are_not_shown() -> None:
    request = b"GET http://me:hunter2@example.com/a HTTP/1.1\r\nHost: example.com\r\n\r\n"
    text = printed(audit_of([finding()], [connection(handshake=handshake(request))]))
    assert " http://example.com/a, 101" in text
    assert "hunter2" not in text


def test_nothing_found_says_what_was_looked_at() -> None:
    assert lines(audit_of([], [ended()]))[2:] == [
        "looked at       4 checks on 1 connection: 1 seen whole",
        "",
        "What everyone meets first",
        "  invalid Sec-WebSocket-Accept   no",
        "",
        "Nothing found.",
    ]


def test_what_http2_does_not_use_is_not_called_absent() -> None:
    stream, other = connection(http_stream=3), ended()
    shown = "  invalid Sec-WebSocket-Accept   "
    assert f"{shown}not used in HTTP/2 (status 2xx instead)" in lines(audit_of([], [stream]))
    assert f"{shown}no; in 1 connection: not used in HTTP/2 (status 2xx instead)" in lines(
        audit_of([], [other, stream])
    )


def test_a_place_before_the_beginning_and_one_in_the_middle() -> None:
    early = replace(finding(), time=-5_000_000)
    assert " before the connection began" in printed(audit_of([early], [ended()]))
    middle = connection(outcome="unseen", handshake=None, connect_ms=None)
    assert "after its first packet here" in printed(audit_of([finding()], [middle]))


def test_nothing_to_look_at() -> None:
    assert lines(audit_of([], []))[-1] == "Nothing to check: there is no WebSocket connection."
    chosen = audit_of([], chosen=set())
    assert lines(chosen)[-1] == "Nothing to check: no WebSocket connection matches."


def test_what_was_not_seen_is_said() -> None:
    connections = [
        connection(0, client_lost_bytes=7),
        connection(1, outcome="unseen", handshake=None, request_packet=None),
        connection(2),
        ended(),
    ]
    for serial, each in enumerate(connections):
        each.serial = serial
    assert lines(audit_of([], connections))[2:5] == [
        "looked at       4 checks on 4 connections: 1 seen whole, 1 with bytes missing or not "
        "read, 1 without",
        "                a whole handshake, 1 still open when the capture ended",
        "",
    ]
    cut = CaptureSummary("chat.pcap", format="pcap", problem="cut at byte 7", lost_bytes=7)
    shown = lines(audit_of([finding()], captures=[cut]))
    assert "lost            7 B of WebSocket connections never captured" in shown
    assert "problem         cut at byte 7" in shown
    assert shown[-1].endswith("; the captures were read in part only")
    assert lines(audit_of([], captures=[cut]))[-1] == (
        "Nothing found. The captures were read in part only."
    )
    interrupted = lines(audit_of([], interrupted=True))
    assert "interrupted     this is what was read until then" in interrupted


def test_doubt_is_said_beside_the_finding() -> None:
    record = ended()
    gap = lines(audit_of([finding(coverage="gap")], [record]))
    assert "           mind     bytes of this connection could not be read as frames" in gap
    record.client_lost_bytes = 9
    gap = lines(audit_of([finding(coverage="gap")], [record]))
    assert "           mind     packets of this connection are missing from the capture" in gap
    assert not any("mind " in line for line in lines(audit_of([finding(coverage="truncated")])))


def test_the_worst_connection_first_and_the_worst_of_each() -> None:
    connections = [connection(serial) for serial in range(3)]
    findings = [
        finding(SERVER, connection=0, message="another"),
        finding(SERVER, connection=1, severity="warning"),
        finding(SERVER, connection=2, packet=1),
        finding(MASK, connection=2, packet=9),
        finding(connection=2, packet=8),
    ]
    shown = lines(audit_of(findings, connections))
    assert [line.split(":")[0] for line in shown if line.startswith("Connection ")] == [
        "Connection 2",
        "Connection 1",
        "Connection 0",
    ]
    heads = [line.split()[:2] for line in shown if line.startswith(("  error", "  warn", "  info"))]
    assert heads == [
        ["error", "HSR-04"],
        ["error", "FRM-01"],
        ["info", "PRX-04"],
        ["warning", "PRX-04"],
        ["info", "PRX-04"],
    ]


def test_advice_is_given_once_for_each_check_and_none_for_remarks() -> None:
    shown = lines(audit_of([finding(), finding(), finding(SERVER)]))
    assert shown.count("    What to do about HSR-04.") == 1
    assert "    What to do about PRX-04." not in shown
    assert not any(line.startswith("What to do") for line in lines(audit_of([finding(SERVER)])))


def test_headlines_name_their_connections() -> None:
    connections = [connection(serial) for serial in range(12)]
    findings = [finding(connection=serial) for serial in range(12)]
    checks = (*CHECKS, declared("EXT-01"))
    shown = lines(audit_of(findings, connections, checks=checks))
    listed = "connections 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"
    assert f"  invalid Sec-WebSocket-Accept   {listed}" in shown
    assert "  invalid extension              no" in shown


def test_long_lists_are_bounded() -> None:
    connections = [connection(serial) for serial in range(FIRST + 5)]
    findings = [
        finding(connection=serial, message=f"fault {chr(65 + serial)}")
        for serial in range(FIRST + 5)
    ]
    audit = audit_of(findings, connections)
    shown = lines(audit)
    assert sum(line.startswith("Connection ") for line in shown) == FIRST
    rest = "… and 5 more connections with findings: --all shows them, -c and --where choose"
    assert rest in shown
    every = lines(audit, show_all=True)
    assert sum(line.startswith("Connection ") for line in every) == FIRST + 5

    many = audit_of([finding(message="fault " + "x" * n) for n in range(FIRST_OF_EACH + 3)])
    assert "  … and 3 more: --all shows them" in lines(many)
    assert not any("more: --all" in line for line in lines(many, show_all=True))


def test_what_is_the_same_in_several_connections_is_told_once() -> None:
    connections = [connection(serial) for serial in range(4)]
    findings = [finding(connection=serial, packet=serial + 6) for serial in range(4)]
    findings += [finding(SERVER, connection=2, message="a proxy")]
    shown = lines(audit_of(findings, connections))
    start = shown.index("           also     connections 1 (packet 7), 2 (packet 8), 3 (packet 9)")
    assert shown[start - 6].endswith("HSR-04 wrong-accept")
    heading = "192.0.2.1:50002 → 198.51.100.2:8080, ws://example.com:8080/chat?…, 101"
    assert shown[start + 2] == f"Connection 2: {heading}"
    assert shown[start + 3 : start + 12] == [
        "  info     PRX-04 proxy-signs",
        "           a proxy",
        "           where    packet 6, of the server, 1.00 s after the connection began",
        "           found    Sec-WebSocket-Accept: AAAA",
        "           expected s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "           see      RFC 6455 §4.1",
        "  as in connection 0: HSR-04",
        "",
        "Connections 1, 3 have nothing but what is told above.",
    ]
    every = lines(audit_of(findings, connections), show_all=True)
    assert sum(line.endswith("HSR-04 wrong-accept") for line in every if "error" in line) == 4
    assert not any("also" in line or "as in" in line for line in every)


def test_who_cut_it_is_said_at_the_top() -> None:
    connections = [connection(serial) for serial in range(3)]
    cut = declared("CLS-08")
    findings = [
        finding(cut, connection=serial, cause="the server at 192.0.2.1:80 reset TCP (RST)")
        for serial in (0, 2)
    ]
    shown = lines(audit_of(findings, connections, checks=(cut,)))
    start = shown.index("Who cut it")
    assert shown[start + 1 : start + 3] == [
        "  the server at 192.0.2.1:80 reset TCP (RST): connections 0, 2",
        "",
    ]
    many = [
        finding(cut, connection=number % 3, cause=f"the server at 192.0.2.{number}:80 reset TCP")
        for number in range(9)
    ]
    shown = lines(audit_of(many, connections, checks=(cut,)))
    start = shown.index("Who cut it")
    assert len(shown[start + 1 : shown.index("", start)]) == 3
    assert "Who cut it" not in lines(audit_of([finding()], connections))


def test_a_place_without_a_packet_is_the_side_that_it_is_of() -> None:
    audit = audit_of([finding(packet=None, sender="server", time=None)], [ended()])
    assert "           where    in what the server sent" in lines(audit)


def test_what_another_check_says_with_more_is_neither_told_nor_advised_about() -> None:
    more = declared("PRX-07", instead_of=("HSR-04",))
    audit = audit_of([finding(), finding(more)], checks=(*CHECKS, more))
    shown = lines(audit)
    assert sum("HSR-04" in line for line in shown) == 0
    assert sum("PRX-07" in line for line in shown) == 3
    assert sum("HSR-04" in line for line in lines(audit, show_all=True)) == 3
    counts = "Found: 2 errors, 0 warnings, 0 info"
    assert f"{counts}; 1 of them repeats what others say in full: --all tells each" in shown
    # It is a finding all the same.
    assert "  invalid Sec-WebSocket-Accept   connection 0" in shown
    assert shown[-1].startswith("2 errors")


def test_connections_whose_findings_are_told_of_one_that_is_not_shown_are_counted() -> None:
    connections = [connection(serial) for serial in range(FIRST + 2)]
    findings = [
        finding(connection=serial, message=f"fault {chr(65 + serial)}")
        for serial in range(FIRST + 1)
    ]
    findings.append(finding(connection=FIRST + 1, message=findings[FIRST].message))
    shown = lines(audit_of(findings, connections))
    assert not any("nothing but what is told above" in line for line in shown)
    rest = "… and 2 more connections with findings: --all shows them, -c and --where choose"
    assert rest in shown


def test_of_several_captures_the_others_say_which_they_are_in() -> None:
    two = [CaptureSummary("a.pcap", format="pcap"), CaptureSummary("x/b.pcap", format="pcap")]
    records = [connection(capture="a.pcap"), connection(1, capture="x/b.pcap")]
    shown = lines(audit_of([finding(), finding(connection=1)], records, two))
    assert "           also     connection 1 (packet 6, in b.pcap)" in shown


def test_folded_findings_say_how_many_they_are() -> None:
    assert "  error    HSR-04 wrong-accept (1,234 times)" in lines(audit_of([finding(count=1234)]))


def test_of_several_captures_each_connection_says_which() -> None:
    two = [CaptureSummary("a.pcap", format="pcap"), CaptureSummary("x/b.pcap", format="pcap")]
    record = connection(capture="x/b.pcap")
    shown = lines(audit_of([finding()], [record], two))
    heading = next(line for line in shown if line.startswith("Connection 0: "))
    assert heading.endswith("/chat?…, 101, in b.pcap")


def test_colour_only_where_it_is_wanted() -> None:
    audit = audit_of([finding()])
    assert "\x1b" not in printed(audit)
    assert "\x1b[31m  error" in printed(audit, color=True)


REQUEST = (
    b"GET /%\x1b]0;owned\x07\xad\x9b31m HTTP/1.1\r\nHost: \xe2\x80\xae.example\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
)


@pytest.mark.parametrize("width", [1, 20, 33, 80, 200])
def test_nothing_from_strangers_steers_a_terminal_or_a_ci_service(width: int) -> None:
    named = CaptureSummary(f"{STEERING}.pcap", format="pcap", problem=STEERING)
    other = CaptureSummary("b.pcap", format="pcap")
    record = connection(handshake=handshake(REQUEST), capture=named.capture)
    text = printed(audit_of([HOSTILE], [record], [named, other]), width)
    assert all(character.isprintable() for character in text.replace("\n", ""))
    assert "\u202e" not in text
    assert "##[" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fit(width: int) -> None:
    text = printed(audit_of([HOSTILE, OF_ALL, finding(evidence="漢" * 200)]), width)
    assert max(sum(map(cells, line)) for line in text.splitlines()) <= width


def closed(count: int, **facts: Any) -> Audited:
    """Return an audit of a capture in which so many TLS conversations stayed closed."""
    capture = CaptureSummary("chat.pcap", format="pcap", conversations_tls=count)
    return replace(audit_of([], [ended()], **facts), captures=[capture])


def test_what_no_check_could_look_into_is_said() -> None:
    shown = lines(closed(8))
    looked_at = (
        "4 checks on 1 connection: 1 seen whole; 8 TLS conversations could not be looked into"
    )
    assert looked_at in " ".join(" ".join(shown).split())
    assert shown[-1] == "Nothing found. But 8 TLS conversations could not be looked into."
    assert lines(closed(1))[-1] == "Nothing found. But 1 TLS conversation could not be looked into."
    assert lines(closed(0))[-1] == "Nothing found."
    assert lines(closed(8, chosen={0}))[-1] == "Nothing found."
    late = CaptureSummary("a.pcap", format="pcap", conversations_tls=1, http2_unknown_streams=2)
    assert lines(replace(closed(1), captures=[late]))[-1] == (
        "Nothing found. But 1 TLS conversation, 2 streams of HTTP/2 could not be looked into."
    )
    behind = CaptureSummary("a.pcap", format="pcap", unread_tunnels=1)
    assert lines(replace(closed(1), captures=[behind]))[-1] == (
        "Nothing found. But 1 tunnel could not be looked into."
    )


def test_it_is_said_beside_findings_and_what_to_do_about_it() -> None:
    hidden = replace(OF_ALL, severity="info", coverage="gap")
    audit = replace(audit_of([finding(), hidden], [ended()]), captures=closed(2).captures)
    shown = lines(audit)
    assert shown[-1].endswith(" in 1 of 1 connection; 2 TLS conversations could not be looked into")
    assert f"  {ORIGINS.id} {ORIGINS.name}" in shown


def test_refused_tunnels_are_no_connections_and_yet_are_told() -> None:
    told = (
        "refused         14 tunnels, by proxies: `wsanalyze explain CAPTURE --refused N` tells one"
    )
    seen = lines(replace(audit_of([]), refused=14))
    assert f"{told}, from 0 on" in seen
    assert not [line for line in lines(audit_of([])) if line.startswith("refused")]
