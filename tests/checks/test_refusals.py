"""HSR: what is said of refusals, of silence and of slow answers, and when nothing is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checks.given import (
    CAPTURES,
    REQUEST,
    RESPONSE,
    SECOND,
    connection,
    found,
    found_in,
    handshake,
    messages,
    observed,
    with_fields,
)
from wsanalyze.checks import refusals
from wsanalyze.checks.audit import Audit
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.checks.proxy_answers import answered_by_intermediary, upgrade_did_not_arrive
from wsanalyze.layers.connection import Connection
from wsanalyze.observation import Ending
from wsanalyze.tables.capture_summary import CaptureSummary

VERSION_25 = REQUEST.replace(b"Version: 13", b"Version: 25")


def answer(status: str, *lines: str) -> bytes:
    return with_fields(f"HTTP/1.1 {status}\r\n\r\n".encode(), *lines)


def refused(status: str, *lines: str, request: bytes = REQUEST, body: bytes = b"") -> Connection:
    shake = handshake(request, answer(status, *lines))
    return connection(shake, observation=observed(body=body))


class TestRefused:
    def test_of_a_proxys_refusal_prx_05_tells(self) -> None:
        assert found(refusals.refused, refused("407 X")) == []

    def test_of_an_upgrade_that_did_not_arrive_prx_23_tells(self) -> None:
        """It took the answer's Upgrade as well: who refuses has sent it."""
        body = b"Failed to open a WebSocket connection: invalid Connection header: close."
        record = refused("426 Upgrade Required", body=body)
        assert len(found(upgrade_did_not_arrive, record)) == 1
        assert found(refusals.refused, record) == []
        assert found(refusals.upgrade_required_without_upgrade, record) == []

    @pytest.mark.parametrize(
        ("status", "meaning", "severity"),
        [
            ("200 OK", "the answer is 200: answered as a plain HTTP request", "warning"),
            ("401 Unauthorized", "the answer is 401: credentials are wanted", "info"),
            ("403 Forbidden", "the answer is 403: forbidden", "info"),
            ("404 Not Found", "the answer is 404: nothing there", "info"),
            ("429 X", "the answer is 429: too many requests", "info"),
            ("500 X", "the answer is 500: the server failed", "warning"),
            ("503 X", "the answer is 503: the server cannot do it at present", "warning"),
            ("418 X", "the answer is 418: not switched", "info"),
            ("none", "the answer is unreadable: not switched", "warning"),
        ],
    )
    def test_by_status(self, status: str, meaning: str, severity: str) -> None:
        (finding,) = found(refusals.refused, refused(status))
        assert (finding.message, finding.severity) == (meaning, severity)
        assert (finding.evidence, finding.expected) == (f"HTTP/1.1 {status}", "101")

    def test_a_redirection_is_told_of_once(self) -> None:
        """XCN-07 does, where it leads somewhere."""
        record = refused("302 Found", "Location: http://sso.example/in?token=s3cret")
        assert found(refusals.refused, record) == []
        assert messages(found(refusals.refused, refused("302 Found"))) == [
            "the answer is 302: redirected"
        ]

    @pytest.mark.parametrize(
        ("lines", "body", "said"),
        [
            ([], b"who\r\nare  you?", "; its body begins 'who are you?'"),
            (["Transfer-Encoding: chunked"], b"5;x=y\r\nhello\r\n0\r\n\r\n", None),
            (["Content-Encoding: gzip"], b"\x1f\x8b\x08abc", ""),
            ([], b"\x89PNG\x00", ""),
            ([], b"\x1b[2J\xff", "; its body begins '\\x1b[2J\\ufffd'"),
            ([], b" \r\n", ""),
        ],
    )
    def test_its_body_in_words(self, lines: list[str], body: bytes, said: str | None) -> None:
        expected = "; its body begins 'hello 0'" if said is None else said
        (finding,) = found(refusals.refused, refused("403 X", *lines, body=body))
        assert finding.message == f"the answer is 403: forbidden{expected}"

    def test_on_a_stream_it_is_a_connect_that_failed(self) -> None:
        (finding,) = found_in(refusals.refused, "http2-streams.pcapng")
        assert finding.reference == "RFC 8441 §5; RFC 9110 §9.3.6"
        (finding,) = found(refusals.refused, refused("403 "))
        assert finding.evidence == "HTTP/1.1 403"

    def test_a_101_is_none(self) -> None:
        assert found(refusals.refused, connection()) == []

    def test_without_its_request_it_is_not_known_what_was_refused(self) -> None:
        record = refused("403 X")
        record.request_packet = None
        assert found(refusals.refused, record) == []

    def test_recorded(self) -> None:
        found_there = found_in(refusals.refused, "refused-upgrades.pcapng")
        assert [each.message.partition(":")[0][-3:] for each in found_there] == [
            *("401", "403", "404", "426", "503")
        ]


class TestVersionRefused:
    def test_without_saying_which_are_known(self) -> None:
        for status in ("426 Upgrade Required", "400 Bad Request"):
            record = refused(status, request=VERSION_25)
            (finding,) = found(refusals.version_refused_silently, record)
            assert finding.severity == "error"
            assert finding.message == (
                f"{status[:3]} to version '25' without saying which ones are known"
            )

    def test_the_versions_are_said(self) -> None:
        record = refused("426 X", "Sec-WebSocket-Version: 13, 8", request=VERSION_25)
        assert found(refusals.version_refused_silently, record) == []

    def test_400_may_mean_anything_else(self) -> None:
        for request in (REQUEST, VERSION_25.replace(b"/hg==", b"")):
            record = refused("400 Bad Request", request=request)
            assert found(refusals.version_refused_silently, record) == []

    def test_upgrade_required_but_not_to_what(self) -> None:
        (finding,) = found(refusals.upgrade_required_without_upgrade, refused("426 X"))
        assert finding.message == "426 without Upgrade does not say which protocol is required"
        said = refused("426 X", "Upgrade: h2c, websocket")
        unseen = refused("426 X")
        unseen.request_packet = None
        assert found(refusals.upgrade_required_without_upgrade, said, unseen) == []


def ending(sender: str, how: str, time: int) -> Ending:
    return Ending(sender, how, time, 9, 64, 64, 1, 0, 500, has_ack=True, bare=True)


def silent(*endings: Ending, **facts: Any) -> Connection:
    """A request that no response came to, on a connection that the server had accepted."""
    given = {"responded": None, "response_packet": None, "ended": 2 * SECOND, **facts}
    observation = observed(endings=list(endings))
    return connection(handshake(response=None), observation=observation, **given)


def told(record: Connection, capture_end: int = 2 * SECOND) -> list[Finding]:
    capture = CaptureSummary("test.pcap", last_time=capture_end)
    return Audit([refusals.no_response]).findings([Facts(record)], [capture])


class TestNoResponse:
    def test_silence_while_the_capture_goes_on(self) -> None:
        (finding,) = told(silent(), 12 * SECOND)
        assert finding.message == "no response came in 11.0 s"
        assert (finding.severity, finding.sender, finding.connection) == ("warning", "server", 0)

    def test_the_capture_ends_first(self) -> None:
        assert told(silent(), 11 * SECOND) == []

    @pytest.mark.parametrize(
        ("sender", "how", "time", "message"),
        [
            ("server", "fin", 1.0004, "the server closed the connection 400 µs after the request"),
            ("server", "fin", 2, "the server closed the connection 1.00 s after the request"),
            ("server", "rst", 2, "the server reset the connection 1.00 s after the request"),
            ("client", "fin", 4, "the client closed the connection 3.00 s after the request"),
        ],
    )
    def test_closed_before(self, sender: str, how: str, time: float, message: str) -> None:
        (finding,) = told(silent(ending(sender, how, int(time * SECOND))))
        assert finding.message == f"{message}, without a response"
        assert (finding.sender, finding.packet, finding.time) == (sender, 9, int(time * SECOND))

    def test_what_came_was_no_http(self) -> None:
        record = silent(ending("server", "fin", 2 * SECOND))
        record.observation.server_segments = 1
        (finding,) = told(record)
        assert finding.message == (
            "the server closed the connection 1.00 s after the request, without a response; "
            "what the server had sent (1 segment) is no response of HTTP"
        )

    def test_of_a_broken_server_and_of_a_silent_one(self) -> None:
        said = {
            each.connection: "no response of HTTP" in each.message
            for each in found_in(refusals.no_response, "nginx-idle.pcapng")
        }
        assert said == {8: False, 9: True, 10: True}

    def test_the_client_behind_a_proxy_is_the_proxy(self) -> None:
        said = {
            each.connection: (each.sender, each.message)
            for each in found_in(refusals.no_response, "haproxy-proxy.pcapng")
        }
        assert said.keys() == {11, 13}
        assert all(sender == "client" for sender, _ in said.values())
        assert said[11][1] == (
            "the proxy at 127.0.0.1 reset the connection 1.00 s after the request, "
            "without a response"
        )
        assert said[13][1].startswith("the proxy at 127.0.0.1 reset the connection 287 µs after")

    def test_a_reset_of_which_the_capture_lacks_what_was_before(self) -> None:
        """The FIN that this RST goes back to is lost, and the 404 that it answers is as well."""
        reset = replace(ending("client", "rst", 6), behind=1, has_ack=False)
        assert told(silent(reset)) == []

    def test_the_request_came_too_late(self) -> None:
        (finding,) = told(silent(ending("server", "fin", SECOND // 2)))
        assert finding.message == "the server closed the connection 500 ms before the request came"

    def test_a_late_response(self) -> None:
        (finding,) = told(connection(responded=12 * SECOND))
        assert finding.message == "the response came after 11.0 s"
        assert told(connection(responded=11 * SECOND)) == []

    @pytest.mark.parametrize(
        "facts",
        [
            {"server_lost_bytes": 1},
            {"ended_by": "evicted"},
            # Another attempt took over the connection.
            {"ended_by": None},
            # Neither SYN/ACK nor FIN of the server: a capture of one direction.
            {"connect_ms": None},
            {"outcome": "unseen"},
            {"requested": None},
        ],
    )
    def test_what_cannot_be_known(self, facts: dict[str, Any]) -> None:
        gone = ending("client", "fin", 2 * SECOND)
        assert told(silent(gone, **facts), 60 * SECOND) == []

    def test_recorded(self) -> None:
        found_there = found_in(refusals.no_response, "hixie-76.pcapng")
        assert [(each.connection, each.sender) for each in found_there] == [(6, "client")]


class TestSlowHandshake:
    def test_slow(self) -> None:
        (finding,) = found(refusals.slow_handshake, connection(responded=3 * SECOND))
        assert finding.message == "request to response took 2.00 s; SYN to SYN/ACK took 1.0 ms"
        assert finding.severity == "info"

    def test_the_connecting_was_not_seen(self) -> None:
        record = connection(responded=3 * SECOND, connect_ms=None)
        assert messages(found(refusals.slow_handshake, record)) == [
            "request to response took 2.00 s"
        ]

    def test_how_long_an_intermediary_waited_is_told_with_its_answer(self) -> None:
        shake = handshake(response=answer("504 Gateway Time-out", "Server: nginx/1.22.1"))
        body = b"<center>nginx/1.22.1</center>"
        record = connection(shake, responded=3 * SECOND, observation=observed(body=body))
        assert found(refusals.slow_handshake, record) == []
        [told] = found(answered_by_intermediary, record)
        assert told.message.startswith("the answer is 504, 2.00 s after the request")

    def test_quick_late_and_unknown(self) -> None:
        quick = connection(responded=SECOND + 999_000_000)
        late = connection(responded=12 * SECOND)
        unknown = connection(responded=3 * SECOND, requested=None)
        assert found(refusals.slow_handshake, quick, late, unknown) == []


def test_captures_of_established_connections_have_none() -> None:
    for path in sorted(CAPTURES.glob("websockets-*.pcapng")):
        for check in (refusals.refused, refusals.no_response, refusals.slow_handshake):
            assert found_in(check, path.name) == []


def test_the_response_of_the_tests_is_a_good_one() -> None:
    assert handshake(REQUEST, RESPONSE).outcome == "established"
