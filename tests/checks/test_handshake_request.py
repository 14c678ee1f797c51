"""HSQ: what is said of requests, and when nothing is."""

from __future__ import annotations

import pytest

from checks.given import (
    REQUEST,
    RESPONSE,
    SECOND,
    connection,
    event,
    found,
    found_in,
    handshake,
    messages,
    observed,
    with_fields,
)
from wsanalyze.checks import handshake_fields as fields
from wsanalyze.checks import handshake_request as hsq
from wsanalyze.checks.check import Check
from wsanalyze.checks.frames import http_in_the_place_of_frames
from wsanalyze.checks.security import smuggling_shape

KEY = "7WvwZHi1pBVFuuG3NFA/hg=="
KEY_LINE = f"Sec-WebSocket-Key: {KEY}\r\n".encode()
EXTENSIONS = "Sec-WebSocket-Extensions"


def changed(old: str, new: str) -> bytes:
    """The request with some of its text replaced."""
    assert old.encode() in REQUEST
    return REQUEST.replace(old.encode(), new.encode("latin-1"))


# The check, a request that breaks its rule, the sentence, the evidence.
BROKEN: list[tuple[Check, bytes, str, str | None]] = [
    (
        hsq.method_not_get,
        changed("GET", "POST"),
        "the method is 'POST', not GET",
        "POST /chat HTTP/1.1",
    ),
    (
        hsq.old_http_version,
        changed("HTTP/1.1", "HTTP/1.0"),
        "the HTTP version is '1.0', and Upgrade needs 1.1",
        "GET /chat HTTP/1.0",
    ),
    (hsq.invalid_host, changed("Host: example.com\r\n", ""), "there is no Host", "no Host"),
    (
        hsq.invalid_host,
        changed("Host: example.com", "Host: a\r\nHost: b"),
        "there are 2 Host fields",
        "Host: a, b",
    ),
    (hsq.invalid_host, changed("example.com", ""), "Host is empty", "Host:"),
    (
        hsq.invalid_host,
        changed("example.com", "http://example.com"),
        "Host 'http://example.com' is not host[:port]",
        "Host: http://example.com",
    ),
    (
        hsq.request_without_upgrade,
        changed("websocket", "h2c"),
        "Upgrade is 'h2c' and does not name websocket",
        "Upgrade: h2c",
    ),
    (
        hsq.request_without_connection_upgrade,
        changed("Connection: Upgrade", "Connection: keep-alive"),
        "Connection is 'keep-alive' and does not list Upgrade",
        "Connection: keep-alive",
    ),
    (
        fields.missing_key,
        REQUEST.replace(KEY_LINE, b""),
        "there is no Sec-WebSocket-Key",
        "no Sec-WebSocket-Key",
    ),
    (
        fields.invalid_key,
        changed(KEY, KEY[:-2]),
        f"Sec-WebSocket-Key '{KEY[:-2]}' is base64 of the wrong length: "
        "22 characters are no multiple of 4",
        f"Sec-WebSocket-Key: {KEY[:-2]}",
    ),
    (
        fields.invalid_key,
        changed(KEY, "AQIDBAUGBwgJCgsMDQ4P"),
        "Sec-WebSocket-Key 'AQIDBAUGBwgJCgsMDQ4P' is 15 bytes in base64, not 16",
        "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4P",
    ),
    (
        fields.invalid_key,
        changed("hg==", "hh=="),
        "Sec-WebSocket-Key '7WvwZHi1pBVFuuG3NFA/hh==' has unused bits that are not zero",
        "Sec-WebSocket-Key: 7WvwZHi1pBVFuuG3NFA/hh==",
    ),
    (
        fields.repeated_key,
        with_fields(REQUEST, KEY_LINE.decode().strip()),
        "Sec-WebSocket-Key appears 2 times",
        f"Sec-WebSocket-Key: {KEY}, {KEY}",
    ),
    (
        fields.wrong_version,
        changed("Version: 13", "Version: 14"),
        "Sec-WebSocket-Version is '14', not 13",
        "Sec-WebSocket-Version: 14",
    ),
    (
        fields.wrong_version,
        changed("Sec-WebSocket-Version: 13\r\n", ""),
        "there is no Sec-WebSocket-Version",
        "no Sec-WebSocket-Version",
    ),
    (
        fields.malformed_version,
        changed("Version: 13", "Version: 13, 8"),
        "Sec-WebSocket-Version '13, 8' is not a number from 0 to 255 without leading zeros",
        "Sec-WebSocket-Version: 13, 8",
    ),
    (
        fields.malformed_version,
        with_fields(REQUEST, "Sec-WebSocket-Version: 13"),
        "Sec-WebSocket-Version appears 2 times in the request",
        "Sec-WebSocket-Version: 13, 13",
    ),
    (
        fields.malformed_subprotocols,
        with_fields(REQUEST, "Sec-WebSocket-Protocol: chat, a/b, chat,"),
        "Sec-WebSocket-Protocol holds an empty element, 'a/b', which is no token, "
        "'chat' more than once",
        "Sec-WebSocket-Protocol: chat, a/b, chat,",
    ),
    (
        fields.malformed_extensions,
        with_fields(REQUEST, f'{EXTENSIONS}: x; y="a b"'),
        "the extension 'x; y=\"a b\"' breaks the grammar: a parameter's quoted value is no token",
        f'{EXTENSIONS}: x; y="a b"',
    ),
    (
        hsq.browser_without_origin,
        with_fields(REQUEST, "User-Agent: Mozilla/5.0 (X11; rv:130.0) Gecko/20100101"),
        "there is no Origin, which browsers always send: User-Agent says that one sent this",
        "User-Agent: Mozilla/5.0 (X11; rv:130.0) Gecko/20100101",
    ),
    (
        fields.accept_in_request,
        with_fields(REQUEST, "Sec-WebSocket-Accept: x"),
        "the request carries Sec-WebSocket-Accept, which only a server sends",
        "Sec-WebSocket-Accept: x",
    ),
    (
        hsq.odd_request_target,
        changed("/chat", "ws://example.com/chat"),
        "the request target is absolute, with the scheme 'ws'",
        "ws://example.com/chat",
    ),
    (
        hsq.odd_request_target,
        changed("/chat", "/chat?token=hunter2#part"),
        "the request target has a fragment behind '/chat'",
        "/chat?...",
    ),
    (
        hsq.odd_request_target,
        changed("/chat", "/chat#access_token=hunter2"),
        "the request target has a fragment behind '/chat'",
        "/chat#...",
    ),
    (
        hsq.malformed_request_head,
        changed("GET /chat", "GET /chat room?token=hunter2"),
        "the start line is not method, target, version with a blank between (bad-start-line), at "
        "byte 0 of the head",
        "GET /chat room?... HTTP/1.1",
    ),
    (
        hsq.request_with_body,
        with_fields(REQUEST, "Content-Length: 5"),
        "the request announces a body, Content-Length '5', in front of the switch",
        "Content-Length: 5",
    ),
    (
        hsq.malformed_request_head,
        changed("Host:", "Host :"),
        "there is whitespace between a field's name and its colon (space-before-colon), at byte 20 "
        "of the head",
        "Host :",
    ),
    (
        hsq.upgrade_stripped,
        changed("Upgrade: websocket\r\n", "").replace(b"Sec-WebSocket-Version: 13\r\n", b""),
        "Sec-WebSocket-* without Upgrade: taken away on the way, most likely",
        "no Upgrade",
    ),
    (
        hsq.several_upgrade_protocols,
        changed("websocket", "h2c, websocket/13"),
        "Upgrade names more than websocket: 'h2c, websocket/13'",
        "Upgrade: h2c, websocket/13",
    ),
    (
        hsq.several_upgrade_protocols,
        changed("websocket", "websocket/13"),
        "Upgrade names a version of websocket: 'websocket/13'",
        "Upgrade: websocket/13",
    ),
]


@pytest.mark.parametrize(("check", "request_head", "message", "evidence"), BROKEN)
def test_a_broken_rule(
    check: Check, request_head: bytes, message: str, evidence: str | None
) -> None:
    (finding,) = found(check, connection(handshake(request_head)))
    assert (finding.message, finding.evidence) == (message, evidence)
    assert (finding.check, finding.severity) == (check.id, check.severity)
    assert (finding.sender, finding.packet, finding.time) == ("client", 4, SECOND)
    assert finding.reference
    assert finding.coverage == "truncated"


@pytest.mark.parametrize(("check", "request_head"), [(row[0], row[1]) for row in BROKEN])
def test_a_request_that_was_not_captured_is_not_judged(check: Check, request_head: bytes) -> None:
    assert found(check, connection(handshake(request_head), request_packet=None)) == []


# What comes closest to breaking a rule without doing so.
LEGAL = {
    hsq.method_not_get: REQUEST,
    hsq.old_http_version: changed("HTTP/1.1", "HTTP/1.2"),
    hsq.invalid_host: changed("example.com", "[2001:db8::1]:8080"),
    hsq.request_without_upgrade: changed("Upgrade: websocket", "uPGRADE: h2c,\tWEBsocket"),
    hsq.request_without_connection_upgrade: changed(
        "Connection: Upgrade", "Connection: keep-alive\r\nConnection: foo , UPGRADE"
    ),
    fields.missing_key: changed(KEY, "x"),
    fields.invalid_key: changed(KEY, "AAAAAAAAAAAAAAAAAAAAAA=="),
    fields.repeated_key: with_fields(REQUEST, "Sec-WebSocket-Key1: 1 2"),
    # A draft's number is told by LEG-06.
    fields.wrong_version: changed("Version: 13", "Version: 8"),
    fields.malformed_version: changed("Version: 13", "Version: 255"),
    fields.malformed_subprotocols: with_fields(
        REQUEST, "Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: Chat,v1.stomp"
    ),
    fields.malformed_extensions: with_fields(
        REQUEST, f'{EXTENSIONS}: x;y="a" ; z', f"{EXTENSIONS}: x; y = 1"
    ),
    hsq.browser_without_origin: with_fields(
        REQUEST, "User-Agent: Mozilla/5.0 (X11; rv:130.0) Gecko/20100101", "Origin: null"
    ),
    fields.accept_in_request: with_fields(REQUEST, "Accept: x"),
    hsq.odd_request_target: changed("/chat", "http://EXAMPLE.com:80/chat?a=%23"),
    hsq.request_with_body: with_fields(REQUEST, "Content-Length: 0"),
    hsq.malformed_request_head: b"\r\n" + changed("Host:", "x:\ty\t\r\nHost:   "),
    hsq.upgrade_stripped: changed("Upgrade: websocket", "Upgrade: h2c"),
    hsq.several_upgrade_protocols: changed("websocket", "WebSocket"),
}


@pytest.mark.parametrize(("check", "request_head"), LEGAL.items())
def test_nearly_broken_is_not_broken(check: Check, request_head: bytes) -> None:
    assert found(check, connection(handshake(request_head))) == []


class TestRequestTarget:
    def test_who_is_meant_by_target_and_host_is_a_warning(self) -> None:
        record = connection(handshake(changed("/chat", "http://me:s3cret@other/chat")))
        (finding,) = found(hsq.odd_request_target, record)
        assert finding.severity == "warning"
        assert finding.message == "the request target names 'other', Host names 'example.com'"

    def test_a_fragment_is_an_error_and_no_secret_is_shown(self) -> None:
        record = connection(handshake(changed("/chat", "/chat?token=s3cret#access_token=s3cret")))
        (finding,) = found(hsq.odd_request_target, record)
        assert finding.severity == "error"
        assert finding.message == "the request target has a fragment behind '/chat'"
        assert "s3cret" not in (finding.evidence or "")

    def test_unless_all_was_asked_for(self) -> None:
        record = connection(handshake(changed("/chat", "/chat#x")))
        (finding,) = found(hsq.odd_request_target, record, show_secrets=True)
        assert finding.evidence == "/chat#x"


class TestMalformedHead:
    def test_a_folded_value_may_be_a_secret(self) -> None:
        record = connection(handshake(with_fields(REQUEST, "Cookie: a=1;\r\n sid=s3cret-s3cret")))
        (finding,) = found(hsq.malformed_request_head, record)
        assert (
            finding.message
            == "a field's value goes on in the next line (obs-fold), at byte 166 of the head"
        )
        assert "s3cret" not in (finding.evidence or "")

    def test_control_characters_are_escaped(self) -> None:
        record = connection(handshake(with_fields(REQUEST, "X: a\x1bb\x1bc")))
        (finding,) = found(hsq.malformed_request_head, record)
        assert finding.message == (
            "there is a control character (control), at byte 156 of the head (2 times)"
        )
        assert finding.evidence == "\x1b"


class TestEarlyFrames:
    EARLY = event("early", time=SECOND + 1, packet=5, frame=None, value=11, payload=b"\x81\x85abcd")

    def test_bytes_before_the_101(self) -> None:
        (finding,) = found(hsq.early_frames, connection(observation=observed(self.EARLY)))
        assert finding.message == "11 bytes came behind the request before the response"
        assert (finding.severity, finding.packet) == ("error", 5)
        assert (finding.evidence, finding.expected) == ("81 85 61 62 63 64", "nothing")

    def test_no_more_is_shown_than_a_header(self) -> None:
        early = event("early", time=SECOND + 1, value=64, payload=b"\x81\x8eabcdtoken=s3cret")
        (finding,) = found(hsq.early_frames, connection(observation=observed(early)))
        assert finding.evidence == b"\x81\x8eabcdtoken=s3"[:14].hex(" ")

    def test_of_a_request_hsq_19_tells(self) -> None:
        early = event("early", time=SECOND + 1, value=64, payload=b"GET /?token=s3cret")
        assert found(hsq.early_frames, connection(observation=observed(early))) == []

    def test_captured_in_the_wrong_order(self) -> None:
        late = event("early", time=SECOND + 2_000_000, packet=5, value=11)
        assert found(hsq.early_frames, connection(observation=observed(late))) == []

    def test_without_a_response_nobody_knows(self) -> None:
        record = connection(
            handshake(response=None),
            responded=None,
            outcome="unseen",
            observation=observed(self.EARLY),
        )
        assert found(hsq.early_frames, record) == []

    def test_behind_a_request_that_nobody_answered(self) -> None:
        record = connection(
            handshake(response=None),
            responded=None,
            outcome="unanswered",
            observation=observed(self.EARLY),
        )
        (finding,) = found(hsq.early_frames, record)
        assert finding.message == "11 bytes came behind the request to which no response came"


class TestPipelined:
    def test_requests_behind_the_upgrade(self) -> None:
        record = connection(observation=observed(pipelined=2))
        assert messages(found(hsq.pipelined_behind_upgrade, record)) == [
            "2 further requests were sent before the upgrade was answered"
        ]

    def test_a_request_behind_an_upgrade_that_was_accepted(self) -> None:
        early = event("early", time=SECOND + 1, value=64, payload=b"GET /?token=s3cret")
        (finding,) = found(hsq.pipelined_behind_upgrade, connection(observation=observed(early)))
        assert finding.message == (
            "a GET request (64 bytes) was sent behind the upgrade before its answer; that is a "
            "101, so that a server reads it as frames, and a proxy maybe not"
        )
        assert (finding.severity, finding.evidence) == ("error", None)

    def test_of_one_that_was_refused_sec_15_tells(self) -> None:
        refusal = handshake(response=b"HTTP/1.1 403 Forbidden\r\n\r\n")
        record = connection(refusal, observation=observed(pipelined=2))
        assert found(hsq.pipelined_behind_upgrade, record) == []
        assert len(found(smuggling_shape, record)) == 1

    def test_what_the_request_looks_like_as_a_frame_is_no_other_finding(self) -> None:
        early = event("early", time=SECOND + 1, value=64, payload=b"GET / HTTP/1.1", packet=5)
        written = event("http", packet=5, frame=None, payload=b"GET / HTTP/1.1")
        record = connection(observation=observed(early, written))
        assert found(http_in_the_place_of_frames, record) == []
        assert len(found(hsq.pipelined_behind_upgrade, record)) == 1

    def test_frames_are_no_request(self) -> None:
        record = connection(observation=observed(TestEarlyFrames.EARLY))
        assert found(hsq.pipelined_behind_upgrade, record) == []

    def test_requests_behind_the_refusal(self) -> None:
        record = connection(observation=observed(requests_after=2))
        assert found(hsq.pipelined_behind_upgrade, record) == []

    def test_nothing_was_noticed(self) -> None:
        assert found(hsq.pipelined_behind_upgrade, connection(observation=None)) == []


def test_an_extension_of_the_response_that_breaks_the_grammar_is_the_servers() -> None:
    response = with_fields(RESPONSE, f'{EXTENSIONS}: permessage-deflate; x="a b"')
    request = with_fields(REQUEST, f"{EXTENSIONS}: permessage-deflate")
    (finding,) = found(fields.malformed_extensions, connection(handshake(request, response)))
    assert (finding.sender, finding.packet) == ("server", 6)


@pytest.mark.parametrize(
    ("check", "capture", "numbers"),
    [
        # What nginx took away, and its HTTP/1.0, are not the client's fault.
        (hsq.old_http_version, "nginx-proxy.pcapng", []),
        (hsq.request_without_upgrade, "nginx-proxy.pcapng", []),
        (hsq.request_without_connection_upgrade, "nginx-proxy.pcapng", []),
        (hsq.upgrade_stripped, "nginx-proxy.pcapng", []),
        (fields.wrong_version, "hybi-drafts.pcapng", []),
        (hsq.request_with_body, "hixie-76.pcapng", [4, 6]),
    ],
)
def test_recorded(check: Check, capture: str, numbers: list[int]) -> None:
    assert [each.connection for each in found_in(check, capture)] == numbers
