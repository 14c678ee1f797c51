"""Checks of security on traffic of real deployments: whom they name, whom they leave alone."""

from __future__ import annotations

import pytest

from checks.given import REQUEST, connection, found, handshake, messages, with_fields
from wsanalyze.checks import security
from wsanalyze.checks import security_messages as sent
from wsanalyze.checks.check import Check
from wsanalyze.checks.contents import inspect
from wsanalyze.layers.connection import Connection

COOKIE = "Cookie: sid=0123456789abcdef"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJNQVJLRVIifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ"  # noqa: S105


def asked(
    *fields: str, host: str = "example.com", target: str = "/chat", **facts: object
) -> Connection:
    """An established connection whose request has further fields."""
    request = with_fields(REQUEST, *fields)
    request = request.replace(b"Host: example.com", f"Host: {host}".encode())
    request = request.replace(b"GET /chat", f"GET {target}".encode())
    return connection(handshake(request), **facts)


def behind_nginx(*fields: str, host: str = "backend") -> Connection:
    """What nginx sends with the configuration of its own documentation, to a server beside it."""
    request = with_fields(
        b"GET /chat HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        f"Host: {host}",
        "Sec-WebSocket-Key: 7WvwZHi1pBVFuuG3NFA/hg==",
        "Sec-WebSocket-Version: 13",
        *fields,
    )
    return connection(handshake(request), client_ip="127.0.0.1", server_ip="127.0.0.1")


class TestOrigins:
    def of(self, check: Check, *records: Connection) -> list[str]:
        return messages(found(check, *records))

    def test_another_site(self) -> None:
        record = asked("Origin: https://evil.example.org", COOKIE)
        assert self.of(security.cross_site_accepted, record) == [
            "a request with cookies from 'https://evil.example.org' was accepted for 'example.com'"
        ]

    @pytest.mark.parametrize("host", ["backend", "127.0.0.1:3000", "10.0.0.5", "app.internal"])
    @pytest.mark.parametrize("check", [security.cross_site_accepted, security.private_endpoint])
    def test_host_that_nginx_wrote(self, host: str, check: Check) -> None:
        """`proxy_pass http://127.0.0.1:3000` alone makes that the Host."""
        record = behind_nginx("Origin: https://app.example.com", COOKIE, host=host)
        assert self.of(check, record) == []

    @pytest.mark.parametrize("check", [security.cross_site_accepted, security.private_endpoint])
    def test_host_of_a_proxy_that_says_so(self, check: Check) -> None:
        record = asked(
            "Origin: https://app.example.com",
            COOKIE,
            "X-Forwarded-For: 203.0.113.9",
            host="backend",
            server_ip="10.0.0.5",
        )
        assert self.of(check, record) == []

    def test_page_that_reaches_a_program_on_its_visitors_machine(self) -> None:
        record = asked("Origin: https://site.com", host="127.0.0.1:6463", server_ip="127.0.0.1")
        assert self.of(security.private_endpoint, record) == [
            "a page of 'https://site.com' reached '127.0.0.1:6463'"
        ]

    def test_several_sites_behind_one_address(self) -> None:
        one = asked("Origin: https://a.example.com", host="a.example.com")
        two = asked("Origin: https://b.example.org", host="b.example.org", serial=1)
        assert self.of(security.origin_not_checked, one, two) == []

    def test_several_pages_of_one_site(self) -> None:
        one = asked("Origin: https://www.example.com")
        two = asked("Origin: https://app.example.com:8443", serial=1)
        assert self.of(security.origin_not_checked, one, two) == []

    def test_several_sites_at_one_host(self) -> None:
        one = asked("Origin: https://example.com")
        two = asked("Origin: https://example.org", serial=1)
        assert self.of(security.origin_not_checked, one, two) == [
            "198.51.100.2:80 accepts 2 sites for 'example.com': 'example.com', 'example.org'"
        ]

    @pytest.mark.parametrize("login", ["s3cret", "s3cret:x", "anna:s3cret"])
    def test_who_logs_in_is_no_site(self, login: str) -> None:
        one = asked("Origin: https://example.com")
        two = asked(f"Origin: https://{login}@example.org", serial=1)
        assert self.of(security.origin_not_checked, one, two) == []


class TestTokens:
    def of(self, *fields: str, target: str = "/chat") -> list[tuple[str, str | None]]:
        findings = found(security.secret_in_the_clear, asked(*fields, target=target))
        return [(finding.message, finding.evidence) for finding in findings]

    @pytest.mark.parametrize(
        "offered",
        [
            "access_token, 0123456789abcdefMARKER",
            "graphql-transport-ws, bearer, 0123456789abcdefMARKER",
            f"chat, {TOKEN}",
            f"authorization.bearer.{TOKEN}",
            "base64url.bearer.authorization.k8s.io.ZXhhbXBsZTEyMzQ1Njc4, base64.channel.k8s.io",
            "token-0123456789abcdefMARKER",
            "chat, token=0123456789abcdefMARKER",
            "auth, 0123456789abcdefMARKER",
            "api-key:0123456789abcdefMARKER",
        ],
    )
    def test_subprotocols(self, offered: str) -> None:
        [(message, evidence)] = self.of(f"Sec-WebSocket-Protocol: {offered}")
        assert message == "a subprotocol carries a token over plain ws"
        assert evidence is not None
        assert len(evidence) < 80
        assert "MARKER" not in evidence

    @pytest.mark.parametrize(
        "offered",
        [
            "token, graphql-transport-ws",
            "token-exchange-v2, authorization-v2.example.com",
            "access_token",
            "v12.stomp, v11.stomp, 0123456789abcdefgh",
            "bearer",
        ],
    )
    def test_names_of_protocols(self, offered: str) -> None:
        assert self.of(f"Sec-WebSocket-Protocol: {offered}") == []

    @pytest.mark.parametrize(
        "name",
        [
            "token",
            "access_token",
            "connectionToken",
            "X-Amz-Signature",
            "login.jwt",
            "api-key",
            "sid",
            "sessionId",
            "pwd",
        ],
    )
    def test_parameters(self, name: str) -> None:
        [(message, evidence)] = self.of(target=f"/chat?a=1&{name}=MARKERMARKER&b=2")
        assert message == f"the address carries the parameter {name!r} over plain ws"
        assert evidence == f"{name}=MAR… (12 characters)"

    @pytest.mark.parametrize(
        "query",
        ["auth=true", "key=1", "token=", "monkey=01234567", "tokens=01234567", "publickey=abcdef"],
    )
    def test_parameters_that_are_none(self, query: str) -> None:
        assert self.of(target=f"/chat?{query}") == []

    def test_tunnel_whose_subprotocol_is_a_token(self) -> None:
        record = asked(f"Sec-WebSocket-Protocol: v1, authorization.bearer.{TOKEN}")
        [finding] = found(sent.protocol_inside, record)
        assert finding.message == "the subprotocol 'authorization.bearer.' is that of wstunnel"
        assert finding.evidence is not None
        assert "eyJ" not in finding.evidence
        [finding] = found(sent.protocol_inside, record, show_secrets=True)
        assert finding.evidence == f"authorization.bearer.{TOKEN}"


def test_text_that_keeps_beginning_a_token() -> None:
    """A token begins a word; one within a longer word would make reading quadratic."""
    assert inspect(b"Bearer " + TOKEN.encode(), 1, True) == [("secret", 0, TOKEN.encode())]
    assert inspect(b"eyJ" * 1365, 1, True) == []
