"""Intermediaries by the heads they leave: stripped, downgraded, answered, cached, mixed up."""

from __future__ import annotations

import pytest

from checks.given import (
    REQUEST,
    RESPONSE,
    connection,
    found,
    found_in,
    handshake,
    messages,
    observed,
    with_fields,
)
from wsanalyze.checks import capture_quality, proxies, transport
from wsanalyze.checks.audit import Audit
from wsanalyze.checks.catalogue import catalogue
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.handshake_request import (
    request_without_connection_upgrade,
    request_without_upgrade,
    upgrade_stripped,
)
from wsanalyze.checks.handshake_response import switch_in_old_http
from wsanalyze.checks.refusals import refused as upgrade_refused
from wsanalyze.layers.connection import Connection
from wsanalyze.websocket.handshake import Handshake
from wsanalyze.websocket.head import read_head

STRIPPED = REQUEST.replace(b"Upgrade: websocket\r\nConnection: Upgrade", b"Connection: close")


def refused(
    status: int,
    *lines: str,
    body: bytes = b"",
    request: bytes = REQUEST,
    version: str = "1.1",
) -> Connection:
    """Return an attempt that was answered with this status."""
    answer = f"HTTP/{version} {status} Some Reason\r\n\r\n".encode()
    shake = Handshake(read_head(request), read_head(with_fields(answer, *lines)))
    return connection(shake, observation=observed(body=body))


class TestStripped:
    def test_a_key_without_an_upgrade(self) -> None:
        (finding,) = found(proxies.upgrade_stripped_on_the_way, refused(400, request=STRIPPED))
        assert finding.evidence == "Connection: close"
        assert finding.expected == "Upgrade: websocket, Connection: Upgrade"
        assert (finding.severity, finding.packet) == ("warning", 4)

    @pytest.mark.parametrize(
        ("status", "told"), [(400, True), (426, True), (505, True), (404, False), (503, False)]
    )
    def test_a_refusal_for_what_is_missing_is_no_other_finding(
        self, status: int, told: bool
    ) -> None:
        record = refused(status, request=STRIPPED)
        (finding,) = found(proxies.upgrade_stripped_on_the_way, record)
        assert finding.message.endswith(f"answered {status}, as it should") is told
        assert (found(upgrade_refused, record) == []) is told

    def test_the_keys_of_hixie_are_keys(self) -> None:
        keys = b"Sec-WebSocket-Key1: 1 2\r\nSec-WebSocket-Key2: 3 4"
        line = b"Sec-WebSocket-Key: 7WvwZHi1pBVFuuG3NFA/hg==\r\nSec-WebSocket-Version: 13"
        request = STRIPPED.replace(line, keys)
        (finding,) = found(proxies.upgrade_stripped_on_the_way, refused(400, request=request))
        assert "missing although Sec-WebSocket-Key1 arrived" in finding.message
        assert found(request_without_upgrade, refused(400, request=request)) == []

    def test_a_version_alone_that_arrives_is_one_finding(self) -> None:
        request = STRIPPED.replace(b"Sec-WebSocket-Key: 7WvwZHi1pBVFuuG3NFA/hg==\r\n", b"")
        record = refused(400, request=request)
        assert found(proxies.upgrade_stripped_on_the_way, record) == []
        assert len(found(upgrade_stripped, record)) == 1
        for check in (request_without_upgrade, request_without_connection_upgrade):
            assert found(check, record) == []

    def test_who_left_a_name_is_named(self) -> None:
        request = with_fields(STRIPPED, "Via: 1.1 proxy")
        (finding,) = found(proxies.upgrade_stripped_on_the_way, refused(400, request=request))
        assert "Via: 1.1 proxy" in finding.message

    def test_a_request_of_another_kind_was_not_stripped(self) -> None:
        request = STRIPPED.replace(b"Sec-WebSocket-Key", b"X-Other")
        assert found(proxies.upgrade_stripped_on_the_way, refused(400, request=request)) == []

    def test_a_connection_that_a_proxy_writes(self) -> None:
        request = REQUEST.replace(b"Connection: Upgrade", b"Connection: close")
        (finding,) = found(proxies.upgrade_stripped_on_the_way, refused(400, request=request))
        assert finding.expected == "Connection: Upgrade"

    @pytest.mark.parametrize(
        ("old", "new"),
        [(b"Connection: Upgrade", b"Connection: keep-alive"), (b"websocket", b"h2c")],
    )
    def test_what_a_client_may_have_written(self, old: bytes, new: bytes) -> None:
        request = REQUEST.replace(old, new)
        assert found(proxies.upgrade_stripped_on_the_way, refused(400, request=request)) == []

    def test_a_proxy_that_left_its_name_wrote_it(self) -> None:
        request = REQUEST.replace(b"Connection: Upgrade", b"Connection: keep-alive\r\nVia: 1.1 a")
        (finding,) = found(proxies.upgrade_stripped_on_the_way, refused(400, request=request))
        assert finding.expected == "Connection: Upgrade"

    @pytest.mark.parametrize(
        "request_head",
        [
            STRIPPED,
            STRIPPED.replace(b"HTTP/1.1", b"HTTP/1.0"),
            REQUEST.replace(b"Connection: Upgrade", b"Connection: close"),
            REQUEST.replace(b"Connection: Upgrade", b"Connection: keep-alive"),
            REQUEST.replace(b"websocket", b"h2c"),
        ],
    )
    def test_one_fact_is_told_once(self, request_head: bytes) -> None:
        facts = Facts(refused(400, request=request_head))
        told = {each.check for each in Audit(catalogue()).findings([facts], [])}
        clients, proxy = told & {"HSQ-02", "HSQ-04", "HSQ-05", "HSQ-20"}, "PRX-01" in told
        assert bool(clients) != proxy

    @pytest.mark.parametrize("old", [b"Upgrade: websocket\r\n", b"Connection: Upgrade\r\n"])
    def test_one_fact_of_a_response_is_told_once(self, old: bytes) -> None:
        facts = Facts(connection(handshake(response=RESPONSE.replace(old, b""))))
        told = {each.check for each in Audit(catalogue()).findings([facts], [])}
        assert told & {"HSR-01", "HSR-02", "PRX-02"} == {"PRX-02"}

    def test_recorded(self) -> None:
        found_there = found_in(proxies.upgrade_stripped_on_the_way, "nginx-proxy.pcapng")
        assert [finding.packet for finding in found_there] == [51, 71]

    @pytest.mark.parametrize(
        ("line", "missing"),
        [
            (b"Upgrade: websocket\r\n", "Upgrade"),
            (b"Connection: Upgrade\r\n", "Connection: Upgrade"),
        ],
    )
    def test_a_right_accept_value_without_the_rest(self, line: bytes, missing: str) -> None:
        record = connection(handshake(response=RESPONSE.replace(line, b"")))
        (finding,) = found(proxies.upgrade_stripped_on_the_way_back, record)
        assert finding.expected == missing

    def test_a_wrong_accept_value_is_the_servers_own_fault(self) -> None:
        response = RESPONSE.replace(b"Upgrade: websocket\r\n", b"").replace(b"ACCEPT", b"x" * 28)
        record = connection(handshake(response=response))
        assert found(proxies.upgrade_stripped_on_the_way_back, record) == []


class TestDowngraded:
    def test_http_1_0(self) -> None:
        request = REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0")
        assert messages(found(proxies.downgraded, refused(400, request=request))) == [
            "the request came with 'HTTP/1.0'"
        ]

    def test_of_a_101_in_http_1_0_another_check_tells(self) -> None:
        record = connection(handshake(response=RESPONSE.replace(b"HTTP/1.1", b"HTTP/1.0")))
        assert found(proxies.downgraded, record) == []
        assert len(found(switch_in_old_http, record)) == 1

    def test_a_refusal_of_a_server_that_knows_no_better(self) -> None:
        assert found(proxies.downgraded, refused(404, version="1.0")) == []
        passed_on = refused(503, "Via: 1.0 proxy", version="1.0")
        assert len(found(proxies.downgraded, passed_on)) == 1

    def test_http_1_1_is_not(self) -> None:
        assert found(proxies.downgraded, refused(404)) == []


class TestSeen:
    def test_fields_that_only_intermediaries_write(self) -> None:
        shake = handshake(with_fields(REQUEST, "X-Forwarded-For: 192.0.2.7", "Via: 1.1 a"))
        (finding,) = found(proxies.intermediary_seen, connection(shake))
        assert (finding.severity, finding.sender) == ("info", "client")
        assert finding.evidence == "X-Forwarded-For: 192.0.2.7; Via: 1.1 a"

    def test_who_answered_for_the_server_is_named_once(self) -> None:
        """PRX-05 names it."""
        record = refused(502, "Server: nginx/1.22.1")
        record.observation = observed(body=b"<hr><center>nginx/1.22.1</center>")
        assert found(proxies.intermediary_seen, record) == []
        record = refused(502, "Server: nginx/1.22.1", "Via: 1.1 a")
        record.observation = observed(body=b"<hr><center>nginx/1.22.1</center>")
        assert len(found(proxies.intermediary_seen, record)) == 1

    def test_a_server_of_an_application(self) -> None:
        shake = handshake(response=with_fields(RESPONSE, "Server: my-application/1"))
        assert found(proxies.intermediary_seen, connection(shake)) == []

    def test_credentials_are_not_shown(self) -> None:
        shake = handshake(with_fields(REQUEST, "Proxy-Authorization: Basic c2VjcmV0"))
        (finding,) = found(proxies.intermediary_seen, connection(shake))
        assert (finding.evidence, "c2VjcmV0" in finding.message) == ("Proxy-Authorization", False)
        stripped = with_fields(STRIPPED, "Proxy-Authorization: Basic c2VjcmV0")
        (finding,) = found(proxies.upgrade_stripped_on_the_way, refused(400, request=stripped))
        assert "; an intermediary left 'Proxy-Authorization'; " in finding.message


class TestElsewhere:
    @pytest.mark.parametrize("status", [400, 426, 502, 505])
    def test_port_80_fails_and_another_works(self, status: int) -> None:
        good, bad = connection(server_port=8080), refused(status)
        bad.serial, bad.server_port = 1, 80
        (finding,) = found(proxies.works_elsewhere, good, bad)
        assert finding.message == "'example.com/chat' works on port 8080 and fails on port 80"

    def test_port_80_works_at_times(self) -> None:
        good, bad = connection(server_port=8080), refused(400)
        bad.server_port = 80
        assert found(proxies.works_elsewhere, good, bad, connection(server_port=80)) == []

    @pytest.mark.parametrize("status", [301, 401, 403, 404])
    def test_a_web_server_on_port_80(self, status: int) -> None:
        good, bad = connection(server_port=443, scheme="wss"), refused(status)
        bad.server_port = 80
        assert found(proxies.works_elsewhere, good, bad) == []

    def test_another_path(self) -> None:
        other = refused(400, request=REQUEST.replace(b"/chat", b"/other"))
        other.server_port = 80
        assert found(proxies.works_elsewhere, connection(server_port=8080), other) == []

    @pytest.mark.parametrize("port", ["", ":", ":80"])
    def test_addresses_as_hosts(self, port: str) -> None:
        good = connection(handshake(REQUEST.replace(b"example.com", b"[::1]:8080")))
        bad = refused(400, request=REQUEST.replace(b"example.com", b"[::1]" + port.encode()))
        good.server_port = 8080
        (finding,) = found(proxies.works_elsewhere, good, bad)
        assert finding.message.startswith("'[::1]/chat' works on port 8080")


class TestOneDirection:
    def test_nothing_of_the_server(self) -> None:
        record = connection(
            outcome="unseen", client_frames=5, server_lost_bytes=100, connect_ms=None
        )
        (finding,) = found(proxies.one_direction, record)
        assert finding.message == (
            "nothing of what the server sent is in the capture, not even its response: 100 bytes "
            "that the client acknowledged"
        )
        # The packet is that of the end that was seen.
        assert (finding.packet, finding.sender) == (record.request_packet, None)

    def test_what_follows_from_it_is_not_said_again(self) -> None:
        record = connection(
            outcome="unseen", client_frames=5, server_lost_bytes=100, connect_ms=None
        )
        assert found(transport.gap, record) == []
        assert found(capture_quality.no_handshake, record) == []

    def test_a_server_that_has_nothing_to_say(self) -> None:
        assert found(proxies.one_direction, connection(client_frames=5)) == []
        # Its SYN/ACK was seen, and no answer to what the client went on with.
        silent = connection(outcome="unanswered", client_frames=5)
        assert found(proxies.one_direction, silent) == []
