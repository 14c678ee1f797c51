"""Security by what requests say: credentials, origins, tunnels, behind and before proxies."""

from __future__ import annotations

import pytest

from checks.given import (
    REQUEST,
    RESPONSE,
    connection,
    event,
    found,
    handshake,
    messages,
    observed,
    seen_from_the_middle,
    with_fields,
)
from wsanalyze.checks import security
from wsanalyze.checks import security_messages as sent
from wsanalyze.layers.connection import Connection
from wsanalyze.observation import INNER, SECRETS, Side

COOKIE = "Cookie: sid=0123456789abcdef"
REFUSAL = b"HTTP/1.1 403 Forbidden\r\n\r\n"


def asked(
    *fields: str, host: str = "example.com", target: str = "/chat", **facts: object
) -> Connection:
    """An established connection whose request has further fields."""
    request = with_fields(REQUEST, *fields)
    request = request.replace(b"Host: example.com", f"Host: {host}".encode())
    request = request.replace(b"GET /chat", f"GET {target}".encode())
    return connection(handshake(request), **facts)


class TestSecretInTheClear:
    """SEC-01."""

    @pytest.mark.parametrize(
        ("line", "evidence"),
        [
            ("Cookie: sid=0123456789", "Cookie: sid… (14 characters)"),
            ("Authorization: Bearer 0123456789", "Authorization: Bear… (17 characters)"),
            ("Proxy-Authorization: Basic YTpi", "Proxy-Authorization: … (10 characters)"),
        ],
    )
    def test_fields(self, line: str, evidence: str) -> None:
        [finding] = found(security.secret_in_the_clear, asked(line))
        field = line.partition(":")[0]
        assert finding.message == f"the request carries {field} over plain ws"
        assert finding.evidence is not None
        assert finding.evidence.startswith(evidence)
        assert (finding.severity, finding.packet, finding.sender) == ("warning", 4, "client")

    def test_over_wss(self) -> None:
        assert found(security.secret_in_the_clear, asked(COOKIE, scheme="wss")) == []

    @pytest.mark.parametrize(
        ("line", "section"),
        [
            ("Cookie: sid=0123456789", "RFC 6265 §8.3"),
            ("Authorization: Bearer abcdefghijk", "RFC 9110 §11.6.2, §17.16.1"),
            ("Proxy-Authorization: Basic dTpw", "RFC 9110 §11.7.2, §17.16.1"),
        ],
    )
    def test_each_kind_has_its_own_document(self, line: str, section: str) -> None:
        [finding] = found(security.secret_in_the_clear, asked(line))
        assert finding.reference == f"RFC 6455 §10.6; {section}"

    def test_empty_fields(self) -> None:
        assert found(security.secret_in_the_clear, asked("Cookie:", "Authorization: ")) == []

    def test_without_the_request_nothing_is_known(self) -> None:
        assert found(security.secret_in_the_clear, asked(COOKIE, request_packet=None)) == []
        assert found(security.secret_in_the_clear, seen_from_the_middle()) == []

    @pytest.mark.parametrize(
        "line",
        [
            "X-Forwarded-Proto: https",
            "X-Forwarded-Proto: https, http",
            "X-Forwarded-Ssl: on",
            "Front-End-Https: On",
            'CF-Visitor: {"scheme":"https"}',
            "CloudFront-Forwarded-Proto: https",
            "Forwarded: for=203.0.113.9;proto=https;by=10.0.0.1",
            'Forwarded: for=203.0.113.9, for=10.0.0.1; proto="wss"',
        ],
    )
    def test_behind_a_proxy_at_which_tls_ended(self, line: str) -> None:
        [finding] = found(security.secret_in_the_clear, asked(COOKIE, line))
        assert finding.severity == "info"
        assert finding.message == (
            "the request carries Cookie over plain ws: TLS ended at a proxy, from which on it is "
            "in the clear"
        )

    def test_a_proxy_says_so_before_the_request(self) -> None:
        """In the TLV PP2_TYPE_SSL of a PROXY header."""
        [finding] = found(security.secret_in_the_clear, asked(COOKIE, told_tls="TLSv1.3"))
        assert (finding.severity, finding.message[-41:]) == (
            "info",
            "a proxy, from which on it is in the clear",
        )

    @pytest.mark.parametrize(
        "line", ["X-Forwarded-Proto: http", "X-Forwarded-Proto: http, https", "Forwarded: for=a"]
    )
    def test_behind_a_proxy_to_which_it_was_in_the_clear_too(self, line: str) -> None:
        [finding] = found(security.secret_in_the_clear, asked(COOKIE, line))
        assert finding.severity == "warning"


class TestTokenInAddress:
    """SEC-02."""

    def test_over_wss(self) -> None:
        record = asked(target="/chat?access_token=0123456789", scheme="wss")
        [finding] = found(security.token_in_address, record)
        assert finding.message == "the address carries the parameter 'access_token'"
        assert finding.evidence == "access_token=… (10 characters)"

    def test_in_the_clear_it_is_another_checks(self) -> None:
        assert found(security.token_in_address, asked(target="/chat?token=0123456789")) == []

    def test_other_parameters(self) -> None:
        record = asked(target="/chat?EIO=4&transport=websocket&page=2", scheme="wss")
        assert found(security.token_in_address, record) == []


class TestCrossSite:
    """SEC-03."""

    def of(self, record: Connection) -> list[tuple[str, str]]:
        findings = found(security.cross_site_accepted, record)
        return [(finding.message, finding.severity) for finding in findings]

    def test_another_site(self) -> None:
        assert self.of(asked("Origin: https://evil.example.org", COOKIE)) == [
            (
                "a request with cookies from 'https://evil.example.org' was accepted for "
                "'example.com'",
                "warning",
            )
        ]

    @pytest.mark.parametrize(
        ("origin", "host"),
        [
            ("https://example.com", "example.com"),
            ("https://www.example.com:8443", "WS.EXAMPLE.COM."),
            ("https://shop.example.co.uk", "ws.example.co.uk"),
            ("http://192.0.2.7", "192.0.2.7:8080"),
            ("http://localhost:3000", "localhost:8080"),
            ("http://localhost:3000", "127.0.0.1:8080"),
            ("http://[::1]:3000", "localhost"),
        ],
    )
    def test_the_same_site(self, origin: str, host: str) -> None:
        assert self.of(asked(f"Origin: {origin}", COOKIE, host=host)) == []

    @pytest.mark.parametrize(
        ("origin", "host"),
        [
            ("https://example.co.uk", "other.co.uk"),
            ("http://192.0.2.7", "192.0.2.8"),
            ("https://example.com", "example.org"),
        ],
    )
    def test_sites_that_only_look_alike(self, origin: str, host: str) -> None:
        [(_, severity)] = self.of(asked(f"Origin: {origin}", COOKIE, host=host))
        assert severity == "warning"

    def test_without_cookies_nothing_is_at_stake(self) -> None:
        assert self.of(asked("Origin: https://evil.example.org")) == []

    def test_a_refusal_is_how_it_should_be(self) -> None:
        request = with_fields(REQUEST, "Origin: https://evil.example.org", COOKIE)
        assert self.of(connection(handshake(request, REFUSAL))) == []

    @pytest.mark.parametrize("origin", ["null", "file://", "chrome-extension://abc"])
    def test_origins_that_anybody_can_have(self, origin: str) -> None:
        message = f"a request with the Origin '{origin}' was accepted"
        assert self.of(asked(f"Origin: {origin}", COOKIE)) == [(message, "warning")]
        assert self.of(asked(f"Origin: {origin}")) == [(message, "info")]

    @pytest.mark.parametrize(
        "origin", ["capacitor://localhost", "ionic://localhost", "app://-", "vscode-file://vscode"]
    )
    def test_applications_made_of_pages(self, origin: str) -> None:
        [(_, severity)] = self.of(asked(f"Origin: {origin}", COOKIE))
        assert severity == "info"

    def test_applications_made_of_pages_that_say_localhost(self) -> None:
        """Capacitor on Android, and whoever is at work on the page."""
        assert self.of(asked("Origin: https://localhost", COOKIE)) == []


class TestSeveralSites:
    """SEC-04."""

    def test_behind_a_proxy_that_has_one_name_for_the_servers_of_all(self) -> None:
        records = [
            asked(f"Origin: https://{site}", "X-Forwarded-For: 203.0.113.9", host="backend")
            for site in ("a.com", "b.com")
        ]
        assert found(security.origin_not_checked, *records) == []

    def test_one_of_them_was_refused(self) -> None:
        request = with_fields(REQUEST, "Origin: https://b.com")
        records = asked("Origin: https://a.com"), connection(handshake(request, REFUSAL))
        assert found(security.origin_not_checked, *records) == []


class TestMixedContent:
    """SEC-05."""

    def of(self, *fields: str, **facts: object) -> list[tuple[str, str]]:
        record = asked("Origin: https://example.com", *fields, **facts)
        findings = found(security.mixed_content, record)
        return [(finding.message, finding.severity) for finding in findings]

    def test_to_a_public_address(self) -> None:
        message = "a page of 'https://example.com' came over plain ws"
        assert self.of(server_ip="8.8.8.8") == [(message, "warning")]
        assert self.of(server_ip="2606:4700::1111") == [(message, "warning")]

    @pytest.mark.parametrize(
        "ip", ["10.0.0.5", "127.0.0.1", "100.64.3.2", "169.254.1.1", "fd00::5", "::1", "fe80::1"]
    )
    def test_inside_tls_may_have_ended_before(self, ip: str) -> None:
        [(message, severity)] = self.of(server_ip=ip)
        assert message.endswith(": TLS may end at a proxy before this place")
        assert severity == "info"

    def test_a_proxy_says_that_tls_ended_at_it(self) -> None:
        assert self.of("X-Forwarded-Proto: https,http", server_ip="8.8.8.8") == []

    def test_over_wss_or_from_a_page_of_http(self) -> None:
        assert self.of(server_ip="8.8.8.8", scheme="wss") == []
        assert found(security.mixed_content, asked("Origin: http://example.com")) == []

    def test_an_address_that_is_none(self) -> None:
        """Addresses may have been made unreadable on purpose."""
        assert len(self.of(server_ip="server-1")) == 1


class TestOnTheWire:
    """SEC-10."""

    def test_what_the_address_holds_is_not_shown(self) -> None:
        line = b"GET /a?token=MARKER HTTP/1.1\r\nCookie: MARKER"
        record = connection(observation=observed(event("http-on-wire", payload=line)))
        [finding] = found(sent.request_line_on_the_wire, record)
        assert finding.message == "the payload is on the wire as 'GET /a?... HTTP/1.1'"
        assert finding.evidence == b"GET /a".hex(" ")
        [finding] = found(sent.request_line_on_the_wire, record, show_secrets=True)
        assert finding.evidence == line.hex(" ")


class TestSecretInMessage:
    """SEC-11."""

    def test_behind_a_proxy_at_which_tls_ended(self) -> None:
        secret = event("secret", payload=b'"password":"hunter22"', value=4)
        record = asked("X-Forwarded-Proto: https", observation=observed(secret))
        [finding] = found(sent.secret_in_message, record)
        assert finding.severity == "info"

    def test_behind_a_proxy_that_says_so_before_the_request(self) -> None:
        secret = event("secret", payload=b'"password":"hunter22"', value=4)
        record = asked(told_tls="TLS", observation=observed(secret))
        [finding] = found(sent.secret_in_message, record)
        assert finding.severity == "info"

    def test_in_the_middle_of_a_session(self) -> None:
        secret = event("secret", payload=b'"password":"hunter22"', value=4)
        [finding] = found(
            sent.secret_in_message, seen_from_the_middle(observation=observed(secret))
        )
        assert (finding.severity, finding.coverage) == ("warning", "midstream")

    def test_of_a_card_number_no_digest_is_given(self) -> None:
        """Its other digits could be found by trying them all."""
        value = SECRETS.index("card number")
        for payload in (b"4111111111111111", b"4111 1111 1111 1111", b"4111-1111-1111-1111"):
            secret = event("secret", payload=payload, value=value)
            [finding] = found(sent.secret_in_message, connection(observation=observed(secret)))
            assert finding.evidence == f"4111… ({len(payload)} characters)"


class TestInside:
    """SEC-12."""

    def socks(self, frame: int, outcome: str = "established") -> list[str]:
        first = event("first", packet=8, frame=2)
        greeting = event("inner-protocol", frame=frame, value=INNER.index("SOCKS"))
        observation = observed(greeting, client=Side(first=first))
        return messages(
            found(
                sent.protocol_inside,
                connection(observation=observation, outcome=outcome),
            )
        )

    def test_socks_is_told_by_the_first_frame(self) -> None:
        assert self.socks(2) == ["a message of the client begins as SOCKS does"]

    def test_later_three_bytes_may_mean_anything(self) -> None:
        assert self.socks(3) == []

    def test_what_was_first_in_the_capture_may_not_have_been_the_first(self) -> None:
        assert self.socks(2, outcome="unseen") == []

    @pytest.mark.parametrize(
        ("target", "name"),
        [
            ("/websockify", "websockify, VNC or any TCP in WebSocket"),
            ("/vnc/websockify?token=MARKER", "websockify, VNC or any TCP in WebSocket"),
            ("http://ann:MARKER@a/wstunnel/x", "wstunnel"),
        ],
    )
    def test_targets_of_tunnels(self, target: str, name: str) -> None:
        [finding] = found(sent.protocol_inside, asked(target=target))
        assert finding.message.endswith(f"is that of {name}")
        assert "MARKER" not in f"{finding.message} {finding.evidence}"

    @pytest.mark.parametrize("target", ["/v1/events", "/wstunnels", "/chat?next=/websockify"])
    def test_other_targets(self, target: str) -> None:
        assert found(sent.protocol_inside, asked(target=target)) == []

    def test_what_a_request_inside_asks_for_is_not_shown(self) -> None:
        begun = b"GET /?token=MARKER HTTP/1.1\r\nHo"
        inner = event("inner-protocol", payload=begun, value=INNER.index("HTTP"))
        record = connection(observation=observed(inner))
        [finding] = found(sent.protocol_inside, record)
        assert finding.evidence == b"GET /".hex(" ")
        [finding] = found(sent.protocol_inside, record, show_secrets=True)
        assert finding.evidence == begun.hex(" ")


class TestPrivateEndpoint:
    """SEC-14."""

    def of(self, origin: str, host: str, ip: str, **facts: object) -> list[str]:
        record = asked(f"Origin: {origin}", host=host, server_ip=ip, **facts)
        return messages(found(security.private_endpoint, record))

    def test_a_public_page_reaches_inside(self) -> None:
        assert self.of("https://site.com", "192.168.0.1", "192.168.0.1") == [
            "a page of 'https://site.com' reached '192.168.0.1'"
        ]

    @pytest.mark.parametrize(
        ("origin", "host", "ip"),
        [
            ("https://site.com", "ws.site.com", "10.0.0.5"),
            ("http://192.168.0.2", "192.168.0.1", "192.168.0.1"),
            ("http://wiki.corp", "printer", "10.0.0.7"),
            ("http://nas.home.arpa", "10.0.0.7", "10.0.0.7"),
            ("https://site.com", "8.8.8.8", "8.8.8.8"),
            ("null", "10.0.0.5", "10.0.0.5"),
        ],
    )
    def test_split_names_local_pages_and_public_addresses(
        self, origin: str, host: str, ip: str
    ) -> None:
        assert self.of(origin, host, ip) == []

    def test_a_server_that_refused(self) -> None:
        assert self.of("https://site.com", "10.0.0.5", "10.0.0.5", outcome="refused") == []

    def test_clients_may_put_fields_in_front_of_host_and_a_proxy_puts_its_own(self) -> None:
        def of(first: bytes) -> list[str]:
            request = with_fields(REQUEST, "Origin: https://site.com")
            request = request.replace(b"Host: example.com", first + b"Host: 10.0.0.5")
            record = connection(handshake(request), server_ip="10.0.0.5")
            return messages(found(security.private_endpoint, record))

        reached = ["a page of 'https://site.com' reached '10.0.0.5'"]
        assert of(COOKIE.encode() + b"\r\n") == reached
        assert of(b"Connection: keep-alive\r\n") == []


class TestSmuggling:
    """SEC-15."""

    def test_requests_behind_a_refused_upgrade(self) -> None:
        shake = handshake(response=REFUSAL)
        record = connection(shake, observation=observed(pipelined=2))
        assert messages(found(security.smuggling_shape, record)) == [
            "2 requests sent behind the upgrade went on after it was refused with 403"
        ]

    def test_requests_behind_the_refusal(self) -> None:
        """A client may try again on the same connection once it knows."""
        shake = handshake(response=REFUSAL)
        record = connection(shake, observation=observed(requests_after=2))
        assert found(security.smuggling_shape, record) == []

    def test_an_upgrade_that_worked_or_was_not_answered(self) -> None:
        for response in (RESPONSE, None):
            record = connection(handshake(response=response), observation=observed(pipelined=1))
            assert found(security.smuggling_shape, record) == []


def test_a_password_in_an_origin_is_not_shown() -> None:
    """No browser sends one; a program may."""
    record = asked("Origin: https://ann:MARKER@other.org", COOKIE, server_ip="8.8.8.8")
    for check in (security.cross_site_accepted, security.mixed_content):
        [finding] = found(check, record)
        assert "MARKER" not in f"{finding.message} {finding.evidence}"
        [finding] = found(check, record, show_secrets=True)
        assert "MARKER" in f"{finding.message} {finding.evidence}"
