"""Who stands between: what proxies write into heads and pages, and what only looks like it."""

from __future__ import annotations

import pytest

from wsanalyze.checks.intermediaries import (
    FIELDS,
    asked_for,
    cache_signs,
    is_probe,
    signs,
    tls_ended,
)
from wsanalyze.websocket.fields import Head
from wsanalyze.websocket.head import read_head


def head(*lines: str) -> Head:
    return read_head("\r\n".join(("HTTP/1.1 503 No", *lines, "", "")).encode("latin-1"))


class TestSigns:
    def test_fields_that_only_intermediaries_add(self) -> None:
        for name in FIELDS:
            assert len(signs(head(f"{name.upper()}: x"))) == 1

    def test_in_the_order_of_the_head(self) -> None:
        found = signs(head("X-Cache: MISS", "Date: x", "Via: 1.1 a", "Server: nginx/1.25.3"))
        assert found == ["X-Cache: MISS", "Via: 1.1 a", "Server: nginx/1.25.3"]

    @pytest.mark.parametrize("field", ["Proxy-Authorization", "Proxy-Authenticate"])
    def test_credentials_are_named_alone(self, field: str) -> None:
        assert signs(head(f"{field}: Basic c2VjcmV0")) == [field]

    @pytest.mark.parametrize(
        "server",
        [
            "nginx",
            "openresty/1.21",
            "Envoy",
            "awselb/2.0",
            "BigIP",
            "cloudflare",
            "Google Frontend",
        ],
    )
    def test_servers_that_stand_in_front(self, server: str) -> None:
        assert signs(head(f"Server: {server}")) == [f"Server: {server}"]

    @pytest.mark.parametrize(
        "server", ["", "uvicorn", "nginxes", "my-nginx", "Python/3.11 aiohttp/3.9", "Kestrel"]
    )
    def test_servers_of_applications(self, server: str) -> None:
        assert signs(head(f"Server: {server}")) == []


class TestCaches:
    @pytest.mark.parametrize(
        "line",
        [
            "Age: 1",
            "X-Cache: HIT",
            "X-Cache: Hit from cloudfront",
            "X-Cache: TCP_HIT from a",
            "X-Cache: TCP_MEM_HIT from a",
            "CF-Cache-Status: HIT",
            "X-Cache-Hits: 2",
        ],
    )
    def test_it_came_out_of_one(self, line: str) -> None:
        assert cache_signs(head(line)) == [line]

    @pytest.mark.parametrize(
        "line",
        [
            "Age: 0",
            "Age: -1",
            "Age: soon",
            "Age: \xb2",
            "X-Cache: MISS",
            "X-Cache: HITCH",
            "X-Cache: Error from cloudfront",
            "X-Cache-Lookup: HIT from squid:3128",
            "CF-Cache-Status: DYNAMIC",
            "X-Cache-Hits: 0",
        ],
    )
    def test_it_did_not(self, line: str) -> None:
        assert cache_signs(head(line)) == []

    def test_numbers_of_any_length(self) -> None:
        assert len(cache_signs(head("Age: " + "9" * 5000))) == 1


class TestTls:
    def test_none_of_it_is_said(self) -> None:
        assert not tls_ended(head("X-Forwarded-For: 192.0.2.1", "Forwarded: host=https.example"))

    def test_the_first_of_several_proxies_counts(self) -> None:
        assert tls_ended(head("X-Forwarded-Proto: HTTPS , http"))
        assert not tls_ended(head("X-Forwarded-Proto: http, https"))
        assert not tls_ended(head("X-Forwarded-Proto:"))


class TestClients:
    @pytest.mark.parametrize(
        ("lines", "who"),
        [
            ((), ("", "")),
            (("User-Agent: a/1",), ("", "a/1")),
            (("X-Forwarded-For: 203.0.113.9, 10.0.0.1",), ("203.0.113.9", "")),
            (("X-Real-IP: 203.0.113.9", "User-Agent: a"), ("203.0.113.9", "a")),
            (("Forwarded: for=203.0.113.9;proto=http, for=b",), ("for=203.0.113.9;proto=http", "")),
            (("Origin: https://a", "Cookie: a=1; b=2"), ("", "", "https://a", "a=1; b=2")),
            (("Cookie: AWSALB=x/+y; a=1; AWSALBCORS=z",), ("", "", "", "a=1")),
            (("Cookie: NOTAWSALB=1",), ("", "", "", "NOTAWSALB=1")),
        ],
    )
    def test_whom_a_request_is_for(self, lines: tuple[str, ...], who: tuple[str, ...]) -> None:
        assert asked_for(head(*lines)) == (*who, "", "")[:4]

    @pytest.mark.parametrize(
        "agent", ["ELB-HealthChecker/2.0", "kube-probe/1.29", "GoogleHC/HealthCheck", "Pingdom.com"]
    )
    def test_probes(self, agent: str) -> None:
        assert is_probe(head(f"User-Agent: {agent}"))

    @pytest.mark.parametrize("agent", ["", "Mozilla/5.0 (X11)", "okhttp/4.12", "python-websockets"])
    def test_programs_that_are_none(self, agent: str) -> None:
        assert not is_probe(head(f"User-Agent: {agent}"))
