"""HSR: what is said of 101s, and when nothing is."""

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
    observed,
    with_fields,
)
from wsanalyze.checks import handshake_response as hsr
from wsanalyze.checks.check import Check
from wsanalyze.layers.connection import Connection

KEY = "7WvwZHi1pBVFuuG3NFA/hg=="
ACCEPT = handshake().accept_expected or ""
OFFER = with_fields(REQUEST, "Sec-WebSocket-Protocol: chat, superchat")


def answered(response: bytes = RESPONSE, request: bytes = REQUEST) -> Connection:
    return connection(handshake(request, response))


def changed(old: str, new: str) -> bytes:
    """The response with some of its text replaced."""
    assert old.encode() in RESPONSE
    return RESPONSE.replace(old.encode(), new.encode("latin-1"))


def chosen(*subprotocols: str) -> bytes:
    return with_fields(RESPONSE, *(f"Sec-WebSocket-Protocol: {each}" for each in subprotocols))


# The check, what breaks its rule, the sentence, the evidence.
BROKEN: list[tuple[Check, Connection, str, str]] = [
    (
        hsr.wrong_upgrade,
        answered(changed("websocket", "websocket/13")),
        "Upgrade is 'websocket/13', not exactly websocket",
        "Upgrade: websocket/13",
    ),
    (
        hsr.response_without_connection_upgrade,
        answered(changed("Connection: Upgrade", "Connection: close")),
        "Connection is 'close' and does not list Upgrade",
        "Connection: close",
    ),
    (
        hsr.missing_accept,
        answered(changed("Sec-WebSocket-Accept: ACCEPT\r\n", "")),
        "there is no Sec-WebSocket-Accept",
        "no Sec-WebSocket-Accept",
    ),
    (
        hsr.repeated_response_field,
        answered(with_fields(RESPONSE, "Sec-WebSocket-Accept: x")),
        "Sec-WebSocket-Accept appears 2 times in the response",
        f"Sec-WebSocket-Accept: {ACCEPT}, x",
    ),
    (
        hsr.repeated_response_field,
        answered(chosen("chat", "chat"), OFFER),
        "Sec-WebSocket-Protocol appears 2 times in the response",
        "Sec-WebSocket-Protocol: chat, chat",
    ),
    (
        hsr.subprotocol_not_offered,
        answered(chosen("Chat"), OFFER),
        "the subprotocol chosen is 'Chat', not among 'chat, superchat'",
        "Sec-WebSocket-Protocol: Chat",
    ),
    (
        hsr.subprotocol_not_offered,
        answered(chosen("chat")),
        "the subprotocol chosen is 'chat', and none was offered",
        "Sec-WebSocket-Protocol: chat",
    ),
    (
        hsr.several_subprotocols,
        answered(chosen("chat, superchat"), OFFER),
        "Sec-WebSocket-Protocol 'chat, superchat' holds several subprotocols, or commas",
        "Sec-WebSocket-Protocol: chat, superchat",
    ),
    (
        hsr.no_subprotocol_chosen,
        answered(request=OFFER),
        "2 subprotocols were offered and none was chosen",
        "Sec-WebSocket-Protocol: chat, superchat",
    ),
    (
        hsr.upgraded_invalid_request,
        answered(request=REQUEST.replace(b"GET", b"POST").replace(b"HTTP/1.1", b"HTTP/1.0")),
        "101 to a request that cannot be upgraded: its method is 'POST', its HTTP version is '1.0'",
        "POST /chat HTTP/1.0",
    ),
    (
        hsr.switch_with_body_fields,
        answered(with_fields(RESPONSE, "Content-Length: 0")),
        "101 with Content-Length '0', though it has no body",
        "Content-Length: 0",
    ),
    (
        hsr.switch_in_old_http,
        answered(changed("HTTP/1.1", "HTTP/1.0")),
        "101 with HTTP version '1.0', which has no 101",
        "HTTP/1.0 101 Switching Protocols",
    ),
    (
        hsr.version_with_switch,
        answered(with_fields(RESPONSE, "Sec-WebSocket-Version: 13")),
        "Sec-WebSocket-Version in a success response; it belongs to a refusal",
        "Sec-WebSocket-Version: 13",
    ),
]


@pytest.mark.parametrize(("check", "record", "message", "evidence"), BROKEN)
def test_a_broken_rule(check: Check, record: Connection, message: str, evidence: str) -> None:
    (finding,) = found(check, record)
    assert (finding.message, finding.evidence) == (message, evidence)
    assert (finding.check, finding.severity) == (check.id, check.severity)
    assert (finding.sender, finding.packet) == ("server", 6)
    assert finding.time == SECOND + 1_000_000


@pytest.mark.parametrize(("check", "record"), [(row[0], row[1]) for row in BROKEN])
def test_without_its_request_a_response_is_not_judged(check: Check, record: Connection) -> None:
    unseen = connection(record.handshake, request_packet=None)
    assert found(check, unseen) == []


# What comes closest to breaking a rule without doing so.
LEGAL = {
    hsr.wrong_upgrade: answered(changed("websocket", "WebSocket")),
    hsr.response_without_connection_upgrade: answered(
        changed("Connection: Upgrade", "Connection: keep-alive\r\nConnection: x, upgrade")
    ),
    hsr.missing_accept: answered(changed("Sec-WebSocket-Accept", "sec-websocket-accept")),
    hsr.wrong_accept: answered(changed("ACCEPT", "\tACCEPT \t")),
    hsr.repeated_response_field: answered(with_fields(RESPONSE, "Accept: x", "Via: a", "Via: b")),
    hsr.subprotocol_not_offered: answered(chosen("superchat"), OFFER),
    hsr.several_subprotocols: answered(chosen("superchat"), OFFER),
    hsr.no_subprotocol_chosen: answered(chosen("chat"), OFFER),
    # A draft is refused or not; that it can be upgraded is known.
    hsr.upgraded_invalid_request: answered(request=REQUEST.replace(b"n: 13", b"n: 8")),
    hsr.switch_with_body_fields: answered(changed("HTTP/1.1 101", "HTTP/1.1 403")),
    hsr.switch_in_old_http: answered(changed("HTTP/1.1", "HTTP/1.2")),
    hsr.version_with_switch: answered(
        with_fields(changed("101", "426"), "Sec-WebSocket-Version: 13")
    ),
}


@pytest.mark.parametrize(("check", "record"), LEGAL.items())
def test_nearly_broken_is_not_broken(check: Check, record: Connection) -> None:
    assert found(check, record) == []


class TestWrongAccept:
    @pytest.mark.parametrize(
        ("accept", "kind"),
        [
            ("", "it is empty"),
            (f"{ACCEPT[:9]} {ACCEPT[9:]}", "it has whitespace inside"),
            (ACCEPT.lower(), "its letter case was changed"),
            (ACCEPT[:-1], "its padding is missing"),
            (ACCEPT[:20], "it was cut short"),
            (KEY, "it is the key itself"),
            ("Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=", "it answers an empty key"),
            ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "it answers another key, or none"),
        ],
    )
    def test_says_what_kind_of_wrong(self, accept: str, kind: str) -> None:
        (finding,) = found(hsr.wrong_accept, answered(changed("ACCEPT", accept)))
        assert finding.message.endswith(f", not '{ACCEPT}': {kind}")
        assert (finding.severity, finding.expected) == ("error", ACCEPT)
        assert finding.evidence == f"Sec-WebSocket-Accept: {accept}".rstrip()

    def test_without_a_key_no_accept_is_wrong(self) -> None:
        key = f"Sec-WebSocket-Key: {KEY}\r\n".encode()
        assert found(hsr.wrong_accept, answered(request=REQUEST.replace(key, b""))) == []

    def test_unseen_request(self) -> None:
        record = connection(answered(changed("ACCEPT", "x")).handshake, request_packet=None)
        assert found(hsr.wrong_accept, record) == []


def test_repeated_extensions_are_a_warning_for_the_rfc_says_both() -> None:
    line = "Sec-WebSocket-Extensions: x"
    record = answered(with_fields(RESPONSE, line, line), with_fields(REQUEST, line))
    (finding,) = found(hsr.repeated_response_field, record)
    assert (finding.severity, finding.evidence) == ("warning", "Sec-WebSocket-Extensions: x, x")


class TestFramesWithSwitch:
    def test_frames_in_the_segment_of_the_101(self) -> None:
        record = connection(observation=observed(with_response=1))
        (finding,) = found(hsr.frames_with_switch, record)
        assert finding.message == "1 frame of the server came in the same segment as the 101"
        assert (finding.severity, finding.sender, finding.packet) == ("info", "server", 6)

    def test_recorded(self) -> None:
        found_there = found_in(hsr.frames_with_switch, "frames-with-101.pcap")
        assert [each.connection for each in found_there] == [0, 1, 2]

    def test_behind_it_or_not_noticed(self) -> None:
        assert found(hsr.frames_with_switch, connection(), connection(observation=None)) == []


class TestFramesAfterVoidHandshake:
    def void(self, *senders: str) -> Connection:
        text = {"head": 0x81, "second": 0x05, "header_length": 2, "length": 5}
        events = [event("frame-after-refusal", sender, **text) for sender in senders]
        frames = {f"{sender}_frames": 3 for sender in senders}
        wrong = handshake(response=changed("ACCEPT", "x"))
        return connection(wrong, observation=observed(*events), **frames)

    def test_both_go_on(self) -> None:
        [finding] = found(hsr.frames_after_void_handshake, self.void("client", "server"))
        assert finding.message == (
            "the client sent 3 frames after a handshake that is void, and the server 3 frames"
        )
        assert (finding.severity, finding.sender) == ("error", "client")

    def test_the_client_alone(self) -> None:
        [finding] = found(hsr.frames_after_void_handshake, self.void("client"))
        assert finding.message == "the client sent 3 frames after a handshake that is void"

    def test_a_server_cannot_know_that_the_client_will_fail_it(self) -> None:
        assert found(hsr.frames_after_void_handshake, self.void("server")) == []

    def test_recorded_clients_that_verify_send_nothing(self) -> None:
        assert found_in(hsr.frames_after_void_handshake, "subprotocols.pcapng") == []


class TestInsecureCookie:
    @pytest.mark.parametrize("attributes", ["", "; HttpOnly; Path=/", "; Insecure"])
    def test_in_the_clear(self, attributes: str) -> None:
        response = with_fields(RESPONSE, f"Set-Cookie: sid=0123456789abcdef{attributes}")
        (finding,) = found(hsr.insecure_cookie_set, answered(response))
        assert finding.message == "the response sets the cookie 'sid' without Secure"
        assert finding.severity == "warning"
        evidence = finding.evidence or ""
        assert evidence.startswith("Set-Cookie: sid=0123… (16 characters)")
        assert "456789" not in evidence

    @pytest.mark.parametrize("cookie", ["sid=x; secure", "sid=x;SECURE=no", "sid=; Max-Age=0", "x"])
    def test_secure_or_taken_back(self, cookie: str) -> None:
        response = with_fields(RESPONSE, f"Set-Cookie: {cookie}")
        assert found(hsr.insecure_cookie_set, answered(response)) == []

    def test_over_tls_or_with_a_refusal(self) -> None:
        response = with_fields(RESPONSE, "Set-Cookie: sid=x")
        over_tls = connection(handshake(response=response), scheme="wss")
        refused = answered(response.replace(b"101", b"403"))
        assert found(hsr.insecure_cookie_set, over_tls, refused) == []


@pytest.mark.parametrize(
    ("check", "capture", "numbers"),
    [
        (hsr.wrong_upgrade, "bad-accept.pcapng", [6, 10]),
        (hsr.response_without_connection_upgrade, "bad-accept.pcapng", []),
        (hsr.missing_accept, "bad-accept.pcapng", [3, 9]),
        (hsr.wrong_accept, "bad-accept.pcapng", [0, 1, 2, 8]),
        (hsr.subprotocol_not_offered, "subprotocols.pcapng", [4]),
        (hsr.no_subprotocol_chosen, "subprotocols.pcapng", [2]),
    ],
)
def test_recorded(check: Check, capture: str, numbers: list[int]) -> None:
    assert [each.connection for each in found_in(check, capture)] == numbers
