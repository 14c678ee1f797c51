"""Handshakes that are legal, and look like it or not: nobody is accused of anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.expected import FOUND
from checks.given import CAPTURES, REQUEST, RESPONSE, connection, handshake, recorded, with_fields
from wsanalyze.checks.audit import Audit
from wsanalyze.checks.catalogue import catalogue
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding

HANDSHAKE = ("HSQ", "HSR", "EXT", "LEG")
CHECKS = [each for each in catalogue() if each.family in HANDSHAKE]

UPGRADE = "Upgrade: websocket"
CONNECTION = "Connection: Upgrade"
KEY = "Sec-WebSocket-Key: 7WvwZHi1pBVFuuG3NFA/hg=="
VERSION = "Sec-WebSocket-Version: 13"
ACCEPT = "Sec-WebSocket-Accept: ACCEPT"
PMD = "permessage-deflate"
OFFERS = f"Sec-WebSocket-Extensions: {PMD}; client_max_window_bits"


def accusations(request: bytes = REQUEST, response: bytes = RESPONSE) -> list[Finding]:
    """Return what is found of a handshake, but for remarks."""
    found = Audit(CHECKS).findings([Facts(connection(handshake(request, response)))], [])
    return [each for each in found if each.severity != "info"]


def asked(*lines: str, start: str = "GET /chat HTTP/1.1") -> bytes:
    return "\r\n".join((start, *lines, "", "")).encode("latin-1")


def answered(*lines: str, start: str = "HTTP/1.1 101 Switching Protocols") -> bytes:
    return asked(*lines, start=start)


# As the programs send them, in their order of fields.
CLIENTS = {
    "Chromium": asked(
        *("Host: example.com:8080", "Connection: Upgrade", "Pragma: no-cache"),
        *("Cache-Control: no-cache", "User-Agent: Mozilla/5.0 (X11; Linux x86_64)", UPGRADE),
        *("Origin: https://example.com", VERSION, "Accept-Encoding: gzip, deflate, br, zstd"),
        *("Accept-Language: en-US,en;q=0.9", KEY, OFFERS),
    ),
    "Firefox": asked(
        *("Host: example.com", "User-Agent: Mozilla/5.0 (X11; rv:130.0) Gecko/20100101"),
        *("Accept: */*", "Accept-Language: en-US,en;q=0.5", VERSION, "Origin: null"),
        *(f"Sec-WebSocket-Extensions: {PMD}", KEY, "Connection: keep-alive, Upgrade"),
        *("Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: websocket", "Sec-Fetch-Site: cross-site"),
        *("Pragma: no-cache", "Cache-Control: no-cache", UPGRADE),
    ),
    "Safari": asked(
        *("Host: example.com", "Origin: http://example.com", CONNECTION, UPGRADE, KEY, VERSION),
        *("User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15",),
        "Sec-WebSocket-Extensions: x-webkit-deflate-frame",
    ),
    "Safari, later": asked(
        *("Upgrade: websocket", "Host: example.com", "Origin: file://", KEY, VERSION, CONNECTION),
        *("User-Agent: Mozilla/5.0 (iPhone)", f"Sec-WebSocket-Extensions: {PMD}"),
    ),
    "a library": asked("Host: localhost", UPGRADE, CONNECTION, KEY, VERSION, OFFERS),
    "a library with many offers": asked(
        *("Host: localhost", UPGRADE, CONNECTION, KEY, VERSION),
        f"Sec-WebSocket-Extensions: {PMD}; client_no_context_takeover; client_max_window_bits, "
        f"{PMD}; server_no_context_takeover; server_max_window_bits=10, {PMD}",
    ),
    "through a proxy": asked(
        *("Host: example.com", "X-Forwarded-For: 192.0.2.9", UPGRADE, CONNECTION, KEY, VERSION),
        *("Via: 1.1 proxy", "Content-Length: 0"),
    ),
    "to a proxy": asked(
        *("Host: example.com", UPGRADE, CONNECTION, KEY, VERSION),
        start="GET http://example.com:80/chat?a=b HTTP/1.1",
    ),
}


@pytest.mark.parametrize("request_head", CLIENTS.values(), ids=CLIENTS)
def test_real_clients(request_head: bytes) -> None:
    assert accusations(request_head) == []


@pytest.mark.parametrize("host", [*("a", "a:1", "a_b.example", "192.0.2.1:65535", "[::1]"), "a:"])
def test_hosts(host: str) -> None:
    assert accusations(REQUEST.replace(b"example.com", host.encode())) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (CONNECTION, "Connection: keep-alive, Upgrade"),
        (CONNECTION, "Connection: keep-alive\r\nConnection: Upgrade"),
        (CONNECTION, "connection:upgrade ,, close"),
        (UPGRADE, "UPGRADE:WebSocket\t"),
        (KEY, KEY.replace("Sec-WebSocket-Key: ", "sec-websocket-key:  ")),
        (VERSION, f"{VERSION}\r\nSec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Protocol: c"),
        (VERSION, f"{VERSION}\r\nSec-WebSocket-Extensions: a; b, c\r\nSec-WebSocket-Extensions: d"),
        (VERSION, f'{VERSION}\r\nCookie: \xe9=\xfc; $="a,b"\r\nX-Empty:'),
        ("GET", "\r\nGET"),
    ],
)
def test_other_ways_to_ask(old: str, new: str) -> None:
    text = REQUEST.decode("latin-1")
    assert old in text
    assert accusations(text.replace(old, new, 1).encode("latin-1")) == []


@pytest.mark.parametrize(
    "response",
    [
        answered(UPGRADE, CONNECTION, ACCEPT, start="HTTP/1.1 101"),
        answered(UPGRADE, CONNECTION, ACCEPT, start="HTTP/1.1 101 "),
        answered(UPGRADE, CONNECTION, ACCEPT, start="HTTP/1.1 101 Web Socket Protocol Handshake"),
        answered("upgrade: WebSocket", "connection: upgrade", ACCEPT.replace("Sec", "sec", 1)),
        answered("Server: x", "Date: x", "connection: Keep-Alive, Upgrade", UPGRADE, ACCEPT),
        answered(UPGRADE, "Connection: Keep-Alive", CONNECTION, ACCEPT, "Set-Cookie: a=b; Secure"),
        with_fields(RESPONSE, "Access-Control-Allow-Origin: *", "Via: 1.1 proxy", "X-Empty:"),
    ],
)
def test_other_ways_to_answer(response: bytes) -> None:
    assert accusations(response=response) == []


@pytest.mark.parametrize(
    "chosen",
    [
        PMD,
        f"{PMD};server_max_window_bits=15;client_max_window_bits=15",
        f"{PMD}; server_no_context_takeover; client_no_context_takeover",
        f'{PMD}; client_max_window_bits="12"',
        None,
    ],
)
def test_ways_to_agree_on_compression(chosen: str | None) -> None:
    line = [f"Sec-WebSocket-Extensions: {chosen}"] if chosen else []
    assert accusations(with_fields(REQUEST, OFFERS), with_fields(RESPONSE, *line)) == []


# What these captures have been recorded to show, as (connection, check): beside it they have none.
WANTED = {
    "bad-accept.pcapng": {
        *((number, "HSR-04") for number in (0, 1, 2, 8)),
        *((number, "HSR-03") for number in (3, 9)),
        *((number, "HSR-01") for number in (6, 10)),
        *((7, "EXT-01"), (7, "EXT-11")),
    },
    "refused-upgrades.pcapng": {(5, "HSR-10")},
    "subprotocols.pcapng": {(4, "HSR-06")},
}
OLD = {"hixie-75.pcapng", "hixie-76.pcapng", "hixie-proxies.pcapng"}
DRAFTS = {"hybi-drafts.pcapng", "hybi-early.pcapng"}


RECORDED = sorted(path for path in CAPTURES.glob("*.pcap*") if path.name not in FOUND)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_recorded_sessions_of_real_peers(path: Path) -> None:
    name = path.name
    facts = recorded(name)
    found = Audit(CHECKS).findings(facts.connections, facts.captures, facts.refusals)
    told = {(each.connection, each.check) for each in found if each.severity != "info"}
    if name in DRAFTS:
        assert {check for _, check in told} == {"LEG-06"}
    elif name not in OLD:
        assert told == WANTED.get(name, set())
