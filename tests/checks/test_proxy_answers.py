"""Answers of intermediaries in the server's place, out of a cache, or to another request."""

from __future__ import annotations

import pytest

from checks.given import (
    REQUEST,
    RESPONSE,
    SECOND,
    connection,
    found,
    found_in,
    handshake,
    messages,
    with_fields,
)
from checks.test_proxies import refused
from wsanalyze.checks import proxy_answers as answers


class TestAnswered:
    @pytest.mark.parametrize(
        ("status", "body", "who"),
        [
            (502, b"<center>nginx/1.22.1</center>", "nginx"),
            (503, b"<html><body><h1>503 Service Unavailable</h1>\nNo server", "HAProxy"),
            (503, b"upstream connect error or disconnect/reset before headers", "Envoy"),
        ],
    )
    def test_by_its_page(self, status: int, body: bytes, who: str) -> None:
        (finding,) = found(answers.answered_by_intermediary, refused(status, body=body))
        assert f"it comes from {who!r}" in finding.message

    @pytest.mark.parametrize(
        ("status", "page"),
        [
            (401, b"Unauthorized</h1>\nYou need a valid user and password to access this content."),
            (429, b"X</h1>\nYou have sent too many requests in a given amount of time."),
            (500, b"Internal Server Error</h1>\nAn internal server error occurred."),
        ],
    )
    def test_haproxys_pages_of_statuses_that_applications_send(
        self, status: int, page: bytes
    ) -> None:
        body = b"<html><body><h1>%d %b\n</body></html>\n" % (status, page)
        (finding,) = found(answers.answered_by_intermediary, refused(status, body=body))
        assert "'HAProxy' wrote it itself" in finding.message
        other = b"<html><body><h1>%d Sorry</h1>\nWe are working on it.\n</body></html>" % status
        assert found(answers.answered_by_intermediary, refused(status, body=other)) == []

    @pytest.mark.parametrize("status", [407, 511])
    def test_by_its_status(self, status: int) -> None:
        assert len(found(answers.answered_by_intermediary, refused(status))) == 1

    @pytest.mark.parametrize(
        ("status", "field"), [(403, "squid/5.7"), (400, "awselb/2.0"), (503, "Varnish")]
    )
    def test_by_a_server_that_leaves_the_applications_name(self, status: int, field: str) -> None:
        (finding,) = found(answers.answered_by_intermediary, refused(status, f"Server: {field}"))
        assert repr(field.partition("/")[0]) in finding.message

    @pytest.mark.parametrize("line", ["Server: nginx/1.22.1", "Via: 1.1 vegur"])
    def test_gateways_alone_say_502_and_504(self, line: str) -> None:
        for status in (502, 504):
            (finding,) = found(answers.answered_by_intermediary, refused(status, line))
            assert "gateways say so" in finding.message

    @pytest.mark.parametrize("line", ["Server: nginx/1.22.1", "Via: 1.1 vegur", "Server: envoy"])
    @pytest.mark.parametrize("status", [400, 401, 403, 404, 426, 503])
    def test_an_applications_answer_that_was_passed_on(self, status: int, line: str) -> None:
        """Proxies write Via into every answer, and some their Server."""
        assert found(answers.answered_by_intermediary, refused(status, line, body=b"no")) == []

    @pytest.mark.parametrize(
        "body",
        [
            b'{"error": "ERR_HTTP_INVALID_HEADER_VALUE"}',
            b"<script src='https://cdnjs.cloudflare.com/x.js'></script>",
            b"<h1>Error 503 - we are sorry</h1>",
            b"<html><head><title>503 Service Unavailable</title></head>",
        ],
    )
    def test_pages_of_applications(self, body: bytes) -> None:
        assert found(answers.answered_by_intermediary, refused(503, body=body)) == []

    def test_a_page_of_nginx_may_be_all_that_there_is(self) -> None:
        page = b"<hr><center>nginx/1.22.1</center>"
        assert found(answers.answered_by_intermediary, refused(403, body=page)) == []

    def test_a_portal(self) -> None:
        record = refused(302, "Location: http://portal.example.net/login?x=1")
        (finding,) = found(answers.answered_by_intermediary, record)
        assert "portal of another site" in finding.message

    @pytest.mark.parametrize(
        "location",
        [
            "https://login.example.net/authorize?from=portal",
            "https://portal.example.com/",
            "https://example.com/portal",
            "/portal",
        ],
    )
    def test_a_login_is_no_portal(self, location: str) -> None:
        record = refused(302, f"Location: {location}")
        assert found(answers.answered_by_intermediary, record) == []

    @pytest.mark.parametrize("status", [401, 403, 404, 503])
    def test_the_application_itself(self, status: int) -> None:
        record = refused(status, "Server: my-application", body=b"sorry")
        assert found(answers.answered_by_intermediary, record) == []

    def test_recorded(self) -> None:
        """Passed on: 426 by nginx, Squid and Varnish, 404 out of a cache, 505 by nginx."""
        for name in ("nginx-proxy.pcapng", "squid-proxy.pcapng", "varnish-proxy.pcapng"):
            said = found_in(answers.answered_by_intermediary, name)
            assert all("426" not in each.message for each in said)


class TestDidNotArrive:
    """PRX-23."""

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (
                426,
                b"Failed to open a WebSocket connection: invalid Connection header: close.\n\nYou",
            ),
            (426, b"Failed to open a WebSocket connection: missing Upgrade header.\n"),
            (400, b'No WebSocket UPGRADE hdr: None\n Can "Upgrade" only to "WebSocket".'),
            (400, b'Can "Upgrade" only to "WebSocket".'),
            (400, b'"Connection" must be "Upgrade".'),
            (
                400,
                b"Bad Request\nwebsocket: the client is not using the websocket protocol: 'upgrade'"
                b" token not found in 'Connection' header",
            ),
            (400, b"Failed to open a WebSocket connection: unsupported HTTP version: HTTP/1.0.\n"),
        ],
    )
    def test_the_server_complains_of_fields_that_are_there(self, status: int, body: bytes) -> None:
        (finding,) = found(answers.upgrade_did_not_arrive, refused(status, body=body))
        assert finding.message == (
            f"the answer {status} complains of Upgrade, Connection or the version, which are right "
            "in the request: they did not arrive"
        )
        assert (finding.evidence or "").encode() in body

    def test_the_server_speaks_of_another_version(self) -> None:
        (finding,) = found(answers.upgrade_did_not_arrive, refused(505))
        assert finding.evidence == "HTTP/1.1 505 Some Reason"
        assert finding.message == (
            "the answer 505 says that the request came in another version of HTTP than the 1.1 "
            "that it has here: it was changed on its way"
        )

    @pytest.mark.parametrize(
        "body", [b"Missing or invalid Sec-WebSocket-Key header", b"426 for /version", b"", b"no"]
    )
    def test_it_complains_of_something_else(self, body: bytes) -> None:
        assert found(answers.upgrade_did_not_arrive, refused(426, body=body)) == []

    @pytest.mark.parametrize(
        ("right", "wrong"),
        [
            (b"Upgrade: websocket", b"Upgrade: websocket, h2c"),
            (b"Connection: Upgrade", b"Connection: close"),
            (b"HTTP/1.1", b"HTTP/1.0"),
        ],
    )
    def test_it_is_right(self, right: bytes, wrong: bytes) -> None:
        record = refused(400, body=b"Invalid Upgrade header", request=REQUEST.replace(right, wrong))
        assert found(answers.upgrade_did_not_arrive, record) == []

    def test_the_request_or_the_body_was_not_captured(self) -> None:
        assert found(answers.upgrade_did_not_arrive, refused(426)) == []

    @pytest.mark.parametrize(
        ("name", "connections"),
        [
            ("apache-proxy.pcapng", [4]),
            ("nginx-proxy.pcapng", [2, 4]),
            ("port-80.pcapng", [0]),
            ("squid-proxy.pcapng", [2, 7]),
            ("varnish-proxy.pcapng", [2]),
            ("faulty-requests.pcapng", []),
            ("odd-habits.pcapng", []),
        ],
    )
    def test_recorded(self, name: str, connections: list[int]) -> None:
        findings = found_in(answers.upgrade_did_not_arrive, name)
        assert [each.connection for each in findings] == connections


class TestCached:
    @pytest.mark.parametrize("line", ["Age: 12", "X-Cache: HIT from a", "X-Cache-Hits: 3"])
    def test_what_a_cache_says(self, line: str) -> None:
        (finding,) = found(answers.cached_response, refused(403, line))
        assert finding.severity == "warning"
        shake = handshake(response=with_fields(RESPONSE, line))
        assert found(answers.cached_response, connection(shake))[0].severity == "error"

    @pytest.mark.parametrize("line", ["Age: ²", "X-Cache-Hits: ²", "Age: 00", "Age: -3"])
    def test_what_is_no_number_of_a_cache(self, line: str) -> None:
        assert found(answers.cached_response, refused(403, line)) == []

    def test_an_age_of_thousands_of_digits(self) -> None:
        (finding,) = found(answers.cached_response, refused(403, "Age: " + "9" * 5000))
        assert len(finding.evidence) <= 260

    @pytest.mark.parametrize("line", ["Age: 0", "X-Cache: MISS from a", "X-Cache-Hits: 0"])
    def test_what_a_cache_says_that_did_not_have_it(self, line: str) -> None:
        assert found(answers.cached_response, refused(403, line)) == []


class TestMixedUp:
    def test_the_answer_to_another_connections_key(self) -> None:
        first = connection()
        other = REQUEST.replace(b"7WvwZHi1pBVFuuG3NFA/hg==", b"AAAAAAAAAAAAAAAAAAAAAA==")
        accept = (first.handshake.accept or "").encode()  # type: ignore[union-attr]
        second = connection(handshake(other, RESPONSE.replace(b"ACCEPT", accept)))
        second.serial = 1
        (finding,) = found(answers.accept_of_another_key, first, second)
        assert (finding.connection, finding.severity) == (1, "error")
        assert "answers the key in packet 4" in finding.message

    def test_an_answer_to_no_key_that_was_seen(self) -> None:
        wrong = connection(handshake(response=RESPONSE.replace(b"ACCEPT", b"A" * 27 + b"=")))
        assert found(answers.accept_of_another_key, connection(), wrong) == []


class TestRepeatedDate:
    """Two answers for the same place, the second one `later`."""

    DATE = "Fri, 20 Nov 2026 10:00:00 GMT"
    AT = 1795168800 * SECOND

    def of(self, *, later: float = 5, second: str = DATE, clock: float = 0) -> list[str]:
        records = [refused(503, f"Date: {date}") for date in (self.DATE, second)]
        for number, record in enumerate(records):
            record.serial = number
            record.responded = self.AT + int((clock + number * later) * SECOND)
        return messages(found(answers.cached_response, *records))

    def test_a_date_that_has_not_moved_on(self) -> None:
        assert self.of(later=30) == [
            "the answer repeats the Date of the one in packet 6, 30.0 s before"
        ]

    def test_a_server_may_write_one_date_for_some_time(self) -> None:
        assert len(self.of(later=5)) == 1
        assert self.of(later=4.9) == []

    def test_a_clock_that_goes_on(self) -> None:
        assert self.of(later=30, second="Fri, 20 Nov 2026 10:00:30 GMT") == []

    @pytest.mark.parametrize("clock", [-3601, 3601])
    def test_a_clock_that_is_wrong_may_stand_still(self, clock: float) -> None:
        assert self.of(later=30, clock=clock) == []

    def test_another_answer(self) -> None:
        other = refused(404, f"Date: {self.DATE}")
        records = [refused(503, f"Date: {self.DATE}"), other]
        records[0].responded, other.responded = self.AT, self.AT + 30 * SECOND
        assert found(answers.cached_response, *records) == []

    @pytest.mark.parametrize(
        "date",
        ["", "x", "Fri, 31 Feb 2026 10:00:00 GMT", "Fri, 20 Foo 2026 10:00:00 GMT"],
    )
    def test_what_is_no_date(self, date: str) -> None:
        assert answers.maybe_date(date) is None

    def test_a_date(self) -> None:
        assert answers.maybe_date(self.DATE) == self.AT / SECOND
