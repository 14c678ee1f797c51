"""A secret in any place of a handshake or message: no finding shows it whole, unless wanted."""

from __future__ import annotations

import pytest

from checks.given import (
    REQUEST,
    RESPONSE,
    connection,
    event,
    handshake,
    observed,
    with_fields,
)
from wsanalyze.checks.audit import Audit
from wsanalyze.checks.catalogue import catalogue
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.observation import INNER, SECRETS

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJNQVJLRVIxMjM0NTY3.MARKERMARKER0123"  # noqa: S105
AUDIT = Audit(catalogue())

WITH_TOKEN = REQUEST.replace(b"/chat", f"/chat?access_token={TOKEN}".encode())
STRIPPED = WITH_TOKEN.replace(b"Upgrade: websocket\r\n", b"")
REQUESTS = {
    "ordinary": REQUEST,
    "cookie": with_fields(REQUEST, f"Cookie: a={TOKEN}"),
    "authorization": with_fields(REQUEST, f"Authorization: Bearer {TOKEN}"),
    "proxy": with_fields(REQUEST, f"Proxy-Authorization: Basic {TOKEN}"),
    "subprotocol": with_fields(REQUEST, f"Sec-WebSocket-Protocol: access_token, {TOKEN}"),
    "subprotocols": with_fields(REQUEST, f"Sec-WebSocket-Protocol: {TOKEN}, {TOKEN}"),
    "query": WITH_TOKEN,
    "post": WITH_TOKEN.replace(b"GET", b"POST"),
    "http-1.0": WITH_TOKEN.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "fragment": REQUEST.replace(b"/chat", f"/chat#t={TOKEN}".encode()),
    "userinfo": REQUEST.replace(b"/chat", f"http://u:{TOKEN}@example.com/chat".encode()),
    "host": REQUEST.replace(b"example.com", f"u:{TOKEN}@example.com".encode()),
    "origin": with_fields(REQUEST, f"Origin: https://u:{TOKEN}@other.org", "Cookie: a=b"),
    "referer": with_fields(REQUEST, f"Referer: http://a/?token={TOKEN}"),
    "stripped": STRIPPED,
    "stripped, proxy": with_fields(STRIPPED, f"Proxy-Authorization: Basic {TOKEN}"),
    "folded": with_fields(REQUEST, "Cookie: a", f" {TOKEN}"),
    "no colon": with_fields(REQUEST, TOKEN),
    "bad name": with_fields(REQUEST, f"Co okie {TOKEN}: x"),
}
RESPONSES = {
    "101": RESPONSE,
    "none": None,
    "subprotocol": with_fields(RESPONSE, f"Sec-WebSocket-Protocol: {TOKEN}"),
    "subprotocols": with_fields(RESPONSE, f"Sec-WebSocket-Protocol: access_token, {TOKEN}"),
    "cookie": with_fields(RESPONSE, f"Set-Cookie: a={TOKEN}"),
    "redirect": with_fields(
        b"HTTP/1.1 302 Found\r\n\r\n", f"Location: https://u:{TOKEN}@x.org/login?{TOKEN}"
    ),
    "refusal": b"HTTP/1.1 403 Forbidden\r\n\r\n",
    "page": b"HTTP/1.1 503 No\r\n\r\n",
}
BODY = f'{{"access_token":"{TOKEN}"}}'.encode()


def holds(finding: Finding) -> bool:
    parts = (finding.message, finding.evidence or "", finding.expected or "")
    # In bytes as hex digits, too; and shortened to what still opens the door.
    return any(
        marker in part for part in parts for marker in ("MARKER", TOKEN[:40], b"MARKER".hex(" "))
    )


def found(record: Connection, *, show: bool = False) -> list[Finding]:
    return AUDIT.findings([Facts(record, show_secrets=show)], [])


@pytest.mark.parametrize("request_head", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_in_a_handshake(request_head: bytes, scheme: str) -> None:
    for name, response in RESPONSES.items():
        noticed = observed(body=BODY if name == "page" else b"")
        shake = handshake(request_head, response)
        record = connection(shake, observation=noticed, scheme=scheme)
        assert [finding.check for finding in found(record) if holds(finding)] == []


@pytest.mark.parametrize("name", ["cookie", "authorization", "proxy", "subprotocol", "query"])
def test_in_a_handshake_where_it_is_wanted(name: str) -> None:
    record = connection(handshake(REQUESTS[name]))
    assert {each.check for each in found(record, show=True) if holds(each)} >= {"SEC-01"}


MESSAGES = {
    "secret": event("secret", payload=TOKEN.encode(), value=SECRETS.index("JWT")),
    "http-on-wire": event("http-on-wire", payload=b"GET /?t=MARKER HTTP/1.1\r\nCookie: MARKER"),
    "inner-protocol": event(
        "inner-protocol", payload=b"GET /?t=MARKER HTTP/1.1\r\n", value=INNER.index("HTTP")
    ),
}


@pytest.mark.parametrize("noticed", MESSAGES.values(), ids=MESSAGES)
def test_in_a_message(noticed: object) -> None:
    record = connection(observation=observed(noticed))  # type: ignore[arg-type]
    assert not any(map(holds, found(record)))
    assert any(map(holds, found(record, show=True)))
