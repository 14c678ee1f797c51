"""PRX-21 and SEC-17, and what other checks make of connections through proxies."""

from __future__ import annotations

import pytest

from checks.given import REQUEST, SECOND, connection, found, found_in, handshake, messages
from wsanalyze.checks.cross import mostly_idle, no_back_off, parallel_handshakes
from wsanalyze.checks.explicit_proxies import explicit_proxy, proxy_login_in_the_clear
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.proxies import works_elsewhere
from wsanalyze.checks.security import mixed_content, private_endpoint
from wsanalyze.layers.connection import Connection
from wsanalyze.observation import ProxyLogin
from wsanalyze.tunnels.refusal import Refusal
from wsanalyze.tunnels.way import destination

CONNECT = "CONNECT chat.example:80"
PROXY = "the proxy at 198.51.100.2:80"


def refusal(way: str = CONNECT, code: int | None = 407, **facts: object) -> Refusal:
    """Return what the proxy of `connection` refused, half a second before its request."""
    known: dict[str, object] = {
        "conversation": 0,
        "capture": "test.pcap",
        "client_ip": "192.0.2.1",
        "proxy_ip": "198.51.100.2",
        "proxy_port": 80,
        "outer": None,
        "time": SECOND // 2,
        "packet": 2,
    }
    return Refusal(way=way, code=code, **(known | facts))  # type: ignore[arg-type]


class TestTheWay:
    @pytest.mark.parametrize(
        ("tunnel", "remark"),
        [
            (CONNECT, ""),
            ("CONNECT chat.example:443", ""),
            ("CONNECT chat.example:8080", "; proxies often refuse a CONNECT to port 8080"),
            ("CONNECT %3Cimg%2F…", ""),
            ("SOCKS5 chat.example:8080", ""),
            ("SOCKS4 192.0.2.9:80, CONNECT [2001:db8::1]:80", ""),
        ],
    )
    def test_through_a_proxy(self, tunnel: str, remark: str) -> None:
        (finding,) = found(explicit_proxy, connection(tunnel=tunnel))
        assert finding.message == f"through {PROXY}: {tunnel}{remark}"
        assert (finding.severity, finding.connection, finding.packet) == ("info", 0, 4)

    def test_within_tls_any_port_is_as_good(self) -> None:
        (finding,) = found(
            explicit_proxy, connection(tunnel="CONNECT chat.example:8443", scheme="wss")
        )
        assert "refuse" not in finding.message

    @pytest.mark.parametrize("tunnel", [None, "PROXY 192.0.2.7:5000", "PROXY LOCAL"])
    def test_without_one_that_the_client_knows_of(self, tunnel: str | None) -> None:
        assert found(explicit_proxy, connection(tunnel=tunnel)) == []


class TestRefusals:
    def test_credentials_were_wanted_first(self) -> None:
        record = connection(tunnel=CONNECT)
        _, finding = found(explicit_proxy, record, refusals=[refusal()])
        assert finding.message == f"{PROXY} wanted credentials first (407)"
        assert (finding.severity, finding.packet, finding.sender) == ("info", 2, "server")
        assert finding.reference == "RFC 9110 §15.5.8"

    def test_refused_and_let_through_later(self) -> None:
        record = connection(tunnel=CONNECT)
        _, finding = found(explicit_proxy, record, refusals=[refusal(code=503)])
        assert finding.message == f"{PROXY} refused '{CONNECT}' with 503"
        assert finding.severity == "warning"

    def test_refused_after_it_had_worked(self) -> None:
        later = refusal(code=403, time=9 * SECOND)
        _, finding = found(explicit_proxy, connection(tunnel=CONNECT), refusals=[later])
        assert (finding.message, finding.severity) == (
            f"{PROXY} refused '{CONNECT}' with 403",
            "warning",
        )

    @pytest.mark.parametrize("way", ["CONNECT example.com:80", "SOCKS5 Example.com:80"])
    def test_the_client_went_there_directly(self, way: str) -> None:
        (finding,) = found(explicit_proxy, connection(), refusals=[refusal(way)])
        assert (
            finding.message == f"{PROXY} refused '{way}' with 407; the client went there without it"
        )
        assert finding.severity == "warning"

    @pytest.mark.parametrize(
        "other",
        [
            # Nothing says that these were for WebSocket.
            refusal("CONNECT elsewhere.example:80"),
            refusal("CONNECT chat.example:443"),
            refusal(client_ip="192.0.2.99"),
            refusal("SOCKS5", 255),
        ],
    )
    def test_no_websocket_connection_tells_what_it_was_for(self, other: Refusal) -> None:
        assert len(found(explicit_proxy, connection(tunnel=CONNECT), refusals=[other])) == 1

    def test_no_connection_at_all(self) -> None:
        assert found(explicit_proxy, refusals=[refusal()]) == []

    def test_a_name_of_any_bytes_is_quoted(self) -> None:
        request = REQUEST.replace(b"example.com", b"\x1b[31m")
        record = connection(handshake(request))
        for finding in found(explicit_proxy, record, refusals=[refusal("CONNECT \x1b[31m:80")]):
            assert "\x1b" not in finding.message

    @pytest.mark.parametrize(
        ("tunnel", "sections"),
        [
            ("CONNECT a.example:443", "RFC 6455 §4.1 item 3; RFC 9110 §9.3.6"),
            ("SOCKS5 a.example:443", "RFC 6455 §4.1 item 3; RFC 1928 §4"),
            ("SOCKS4a a.example:443", "RFC 6455 §4.1 item 3"),
        ],
    )
    def test_the_sections_are_those_of_the_way(self, tunnel: str, sections: str) -> None:
        (finding,) = found(explicit_proxy, connection(tunnel=tunnel))
        assert finding.reference == sections

    def test_many_refusals_of_many_attempts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each attempt is looked at a few times, not once for each refusal."""
        asked: list[str | None] = []

        def counted(tunnel: str | None) -> str | None:
            asked.append(tunnel)
            return destination(tunnel)

        monkeypatch.setattr("wsanalyze.checks.explicit_proxies.destination", counted)
        records = [
            connection(tunnel=CONNECT if number < 30 else None, serial=number, requested=number)
            for number in range(60)
        ]
        refusals = [refusal("CONNECT example.com:80", 403, time=each) for each in range(100)]
        refusals += [refusal(code=403, time=each) for each in range(100)]
        assert len(found(explicit_proxy, *records, refusals=refusals)) > 30
        assert len(asked) <= 4 * 60

    def test_which_attempt_it_is_about(self) -> None:
        """The first one behind it; behind all of them, the last one."""
        records = [connection(serial=number, requested=10 * number) for number in range(4)]
        refusals = [refusal("CONNECT example.com:80", 403, time=each) for each in (5, 20, 31)]
        findings = found(explicit_proxy, *records, refusals=refusals)
        assert [each.connection for each in findings] == [1, 2, 3]
        assert ["without it" in each.message for each in findings] == [True, True, False]


class TestLogins:
    """SEC-17."""

    def of(self, *logins: ProxyLogin) -> list[tuple[str | None, int | None, str]]:
        findings = found(proxy_login_in_the_clear, connection(proxy_logins=logins, tunnel=CONNECT))
        return [(each.evidence, each.packet, each.reference) for each in findings]

    def test_each_proxy_on_the_way(self) -> None:
        basic, socks = "Proxy-Authorization: Basic", "SOCKS5 user name and password"
        assert self.of(ProxyLogin(basic, SECOND, 3), ProxyLogin(socks, 2 * SECOND, 9)) == [
            (basic, 3, "RFC 7617 §4"),
            (socks, 9, "RFC 1929 §3"),
        ]

    def test_what_is_given_away(self) -> None:
        logins = [ProxyLogin(f"Proxy-Authorization: {each}", 1, 3) for each in ("Basic", "Bearer")]
        findings = found(proxy_login_in_the_clear, connection(proxy_logins=tuple(logins)))
        assert [each.message for each in findings] == [
            "the client gave its proxy a user name and password in the clear",
            "the client gave its proxy a token in the clear",
        ]
        assert [each.reference for each in findings] == ["RFC 7617 §4", "RFC 6750 §5.3"]

    def test_none_was_given_or_none_that_can_be_read(self) -> None:
        assert self.of() == []

    @pytest.mark.parametrize(
        ("name", "where"),
        [
            ("connect-tunnels.pcapng", [(10, 214), (12, 260)]),
            ("socks-tunnels.pcapng", [(12, 318)]),
            ("wss-tunnels.pcapng", []),
        ],
    )
    def test_recorded(self, name: str, where: list[tuple[int, int]]) -> None:
        findings = found_in(proxy_login_in_the_clear, name)
        assert [(each.connection, each.packet) for each in findings] == where
        assert "correct-horse" not in repr(findings)


class TestRecorded:
    def test_squid(self) -> None:
        found_here = found_in(explicit_proxy, "connect-tunnels.pcapng")
        assert [(each.connection, each.packet) for each in found_here[-2:]] == [
            (10, 206),
            (12, 258),
        ]
        assert (
            messages(found_here)[-1] == "the proxy at 127.0.0.1:9162 wanted credentials first (407)"
        )
        assert {each.severity for each in found_here} == {"info"}
        assert "correct-horse" not in repr(found_here)

    def test_a_header_of_the_proxy_protocol_is_no_way_that_was_asked_for(self) -> None:
        assert found_in(explicit_proxy, "proxy-protocol.pcapng") == []


class TestOtherChecks:
    """One proxy leads to many servers, and one proxy in front of a server asks for many clients."""

    def three(self, *tunnels: str | None) -> list[Connection]:
        return [
            connection(tunnel=tunnel, serial=number, responded=2 * SECOND)
            for number, tunnel in enumerate(tunnels)
        ]

    def test_endpoints(self) -> None:
        direct, through, told = self.three(None, CONNECT, "PROXY 192.0.2.7:5000")
        assert Facts(direct).endpoint == Facts(told).endpoint == "198.51.100.2:80"
        assert Facts(through).endpoint == "chat.example:80 through 198.51.100.2:80"
        assert (Facts(through).server_name, Facts(through).server_port) == ("chat.example", 80)
        assert Facts(connection(tunnel="SOCKS5 [::1]:8080")).server_name == "::1"
        assert Facts(connection(tunnel="CONNECT chat.example")).server_port is None

    def test_parallel_handshakes(self) -> None:
        assert found(parallel_handshakes, *self.three(CONNECT, CONNECT, CONNECT)) != []
        others = [f"CONNECT {name}.example:80" for name in "abc"]
        assert found(parallel_handshakes, *self.three(*others)) == []
        clients = [f"PROXY 192.0.2.{number}:5000" for number in (7, 8, 9)]
        assert found(parallel_handshakes, *self.three(*clients)) == []
        same = [f"PROXY 192.0.2.7:{port}" for port in (5000, 5001, 5002)]
        assert found(parallel_handshakes, *self.three(*same)) != []

    def test_no_back_off(self) -> None:
        def failed(number: int, tunnel: str) -> Connection:
            begun = number * 2 * SECOND
            return connection(
                tunnel=tunnel,
                serial=number,
                requested=begun,
                ended=begun + SECOND,
                outcome="unanswered",
                responded=None,
            )

        assert found(no_back_off, *[failed(each, CONNECT) for each in range(4)]) != []
        others = [failed(each, f"CONNECT {each}.example:80") for each in range(4)]
        assert found(no_back_off, *others) == []

    def test_mostly_idle(self) -> None:
        def idle(number: int, tunnel: str) -> Connection:
            return connection(tunnel=tunnel, serial=number, ended=100 * SECOND)

        assert found(mostly_idle, *[idle(each, CONNECT) for each in range(10)]) != []
        others = [idle(each, f"CONNECT {each}.example:80") for each in range(10)]
        assert found(mostly_idle, *others) == []

    def test_works_elsewhere(self) -> None:
        broken = connection(
            tunnel=CONNECT, server_port=3128, outcome="unanswered", ended=30 * SECOND
        )
        works = connection(tunnel="CONNECT chat.example:443", server_port=3128, serial=1)
        assert messages(found(works_elsewhere, broken, works)) == [
            "'example.com/chat' works on port 443 and fails on port 80"
        ]
        # The port of the proxy says nothing.
        ours = connection(tunnel="CONNECT chat.example:8080", server_port=80, outcome="unanswered")
        assert found(works_elsewhere, ours, works) == []

    def test_a_private_proxy_is_no_private_server(self) -> None:
        page = handshake(REQUEST[:-2] + b"Origin: https://page.example.com\r\n\r\n")
        away = connection(page, server_ip="10.0.0.9", tunnel="CONNECT chat.example.com:80")
        assert found(private_endpoint, away) == []
        assert [each.severity for each in found(mixed_content, away)] == ["warning"]
        behind = connection(page, tunnel="PROXY 192.0.2.7:5000")
        assert [each.severity for each in found(mixed_content, behind)] == ["info"]
