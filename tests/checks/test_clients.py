"""What clients are and do: browsers and who pretends to be one, redirects, credentials."""

from __future__ import annotations

import pytest

from checks.given import (
    REQUEST,
    SECOND,
    connection,
    found,
    found_in,
    handshake,
    messages,
    with_fields,
)
from checks.test_cross import numbered
from checks.test_proxies import refused
from wsanalyze.checks import clients
from wsanalyze.layers.connection import Connection

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/14.1 Safari/605.1.15"
)
KEY = ("Sec-WebSocket-Key: 7WvwZHi1pBVFuuG3NFA/hg==", "Sec-WebSocket-Version: 13")
UPGRADE = ("Upgrade: websocket", "Connection: Upgrade")
ACCEPTS = ("Accept-Encoding: gzip, deflate", "Accept-Language: en")
ORIGIN = "Origin: http://example.com"
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"


def asked(*lines: str) -> Connection:
    """Return a connection whose request has these fields, in this order."""
    head = "\r\n".join(("GET /chat HTTP/1.1", "Host: example.com", *lines, "", ""))
    return connection(handshake(head.encode()))


class TestPretendedBrowser:
    def of(self, *lines: str) -> list[str]:
        return messages(found(clients.pretended_browser, asked(*lines)))

    @pytest.mark.parametrize("agent", [CHROME, FIREFOX])
    def test_fields_missing(self, agent: str) -> None:
        (message,) = self.of(f"User-Agent: {agent}", *UPGRADE, *KEY, ORIGIN, DEFLATE)
        assert message.startswith("Accept-Encoding, Accept-Language missing: ")

    def test_the_order_of_a_library(self) -> None:
        lines = (*UPGRADE, *KEY, DEFLATE, ORIGIN, *ACCEPTS, f"User-Agent: {CHROME}")
        assert self.of(*lines) == ["Sec-WebSocket-Key before User-Agent: Chrome does not write so"]
        # Go's reverse proxies sort the fields.
        assert self.of(*lines, "X-Forwarded-For: 192.0.2.9") == []

    def test_chrome(self) -> None:
        lines = ("Connection: Upgrade", "Pragma: no-cache", f"User-Agent: {CHROME}")
        assert self.of(*lines, "Upgrade: websocket", ORIGIN, *ACCEPTS, *KEY, DEFLATE) == []
        # Without compression, as a setting has it.
        assert self.of(*lines, "Upgrade: websocket", ORIGIN, *ACCEPTS, *KEY) == []

    def test_safari_and_the_chrome_that_was_made_of_it(self) -> None:
        """WebCore's own handshake: neither Accept-Encoding nor Accept-Language, User-Agent last."""
        lines = (*UPGRADE, ORIGIN, "Pragma: no-cache", *KEY)
        assert self.of(*lines, f"User-Agent: {SAFARI}") == []
        assert self.of(*lines, f"User-Agent: {CHROME.replace('131', '18')}") == []

    @pytest.mark.parametrize(
        "agent",
        [
            "curl/8",
            "Mozilla/5.0",
            "my-Chrome/131",
            f"{CHROME} Safari/537.36 Edge/18.17763",
            CHROME.replace("Chrome", "HeadlessChrome"),
        ],
    )
    def test_who_does_not_claim_to_be_one(self, agent: str) -> None:
        assert self.of(*UPGRADE, *KEY, f"User-Agent: {agent}") == []

    @pytest.mark.parametrize("name", ["chromium.pcapng", "mixed-peers.pcapng"])
    def test_recorded(self, name: str) -> None:
        assert found_in(clients.pretended_browser, name) == []


class TestRedirected:
    def test_recorded_redirects_were_followed(self) -> None:
        assert messages(found_in(clients.redirected, "refused-upgrades.pcapng")) == [
            "the answer is 301: redirected to '/found', which the client followed",
            "the answer is 302: redirected to '/chat', which the client followed",
        ]

    def test_one_that_takes_the_encryption_away(self) -> None:
        record = refused(302, "Location: ws://example.com/other")
        record.scheme = "wss"
        (finding,) = found(clients.redirected, record)
        assert finding.severity == "warning"
        assert finding.message.endswith("did not follow in this capture")

    def test_what_is_secret_in_an_address(self) -> None:
        record = refused(302, "Location: https://me:secret@example.com/login?token=secret")
        (finding,) = found(clients.redirected, record)
        where = "'https://example.com/login?...'"
        assert finding.message.startswith(f"the answer is 302: redirected to {where}, which")
        assert "secret" not in f"{finding.message}{finding.evidence}"

    @pytest.mark.parametrize(
        ("location", "where"),
        [
            ("ws://h/x#access_token=s3cret", "ws://h/x#..."),
            ("ws:/u:s3cret@h/x", "ws:/h/x"),
            ("ws:u:s3cret@h/x", "ws:h/x"),
            ("http:\\\\u:s3cret@h", "http:\\\\h"),
            ("\\\\u:s3cret@h", "\\\\h"),
            ("//u:s3cret@h/////", "//h/////"),
            ("ws://h/x;jsessionid=s3cret", "ws://h/x;..."),
            ("ws://u:s3cret@s3cret@h/?a b=s3cret HTTP/s3cret", "ws://h/?..."),
            ("ws://u:a s3cret@h/", "ws://h/"),
        ],
    )
    def test_wherever_secrets_are(self, location: str, where: str) -> None:
        (finding,) = found(clients.redirected, refused(302, f"Location: {location}"))
        assert f"redirected to {where!r}, which" in finding.message
        assert finding.evidence == f"Location: {where}"

    def test_reading_takes_no_longer_for_a_client_that_asks_all_the_time(self) -> None:
        attempts = [refused(301, "Location: /chat") for _ in range(3000)]
        for number, each in enumerate(attempts):
            each.requested = number * 100 * SECOND
            each.responded = each.requested + 50 * SECOND
        *followed, last = found(clients.redirected, *numbered(*attempts))
        assert len(followed) == 2999
        assert all(each.message.endswith("which the client followed") for each in followed)
        assert last.message.endswith("which the client did not follow in this capture")

    def test_a_response_without_a_redirect(self) -> None:
        assert found(clients.redirected, refused(304, "Location: /x"), connection()) == []
        # HSR-10 tells of one that leads nowhere.
        assert found(clients.redirected, refused(302)) == []


class TestCredentials:
    LINE = "Authorization: Basic c2VjcmV0OnNlY3JldA=="

    def test_recorded(self) -> None:
        (finding,) = found_in(clients.credentials_on_demand, "refused-upgrades.pcapng")
        assert finding.message == "after 401 the client sent Authorization over plain ws"
        assert (finding.evidence or "").startswith("Authorization: Basi… (")

    def test_often(self) -> None:
        sent = [connection(handshake(with_fields(REQUEST, self.LINE))) for _ in range(7)]
        (finding,) = found(clients.credentials_on_demand, *numbered(refused(401), *sent))
        assert (finding.count, finding.connection) == (7, 1)

    def test_over_wss_nobody_reads_them(self) -> None:
        asked, sent = refused(401), connection(handshake(with_fields(REQUEST, self.LINE)))
        asked.scheme = sent.scheme = "wss"
        assert found(clients.credentials_on_demand, *numbered(asked, sent)) == []

    def test_without_having_been_asked(self) -> None:
        record = connection(handshake(with_fields(REQUEST, self.LINE)))
        assert found(clients.credentials_on_demand, record) == []
        # Asked for the proxy's, it sends the server's.
        assert found(clients.credentials_on_demand, *numbered(refused(407), record)) == []
