"""LEG: what is said of versions before RFC 6455, and when nothing is."""

from __future__ import annotations

from typing import Any

import pytest
from support.hixie import ANSWER, BODY, Changes, ask, ask_75, switch, switch_75

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
from wsanalyze.checks import handshake_response, legacy
from wsanalyze.checks.check import Check
from wsanalyze.layers.connection import Connection
from wsanalyze.observation import Ending
from wsanalyze.websocket.handshake import Handshake
from wsanalyze.websocket.head import read_head


def hixie(
    asked: Changes | None = None,
    answered: Changes | None = None,
    *,
    body: bytes | None = BODY,
    answer: bytes | None = ANSWER,
    **facts: Any,
) -> Connection:
    """A connection of Hixie-76."""
    heads = read_head(ask(asked)), read_head(switch(answered))
    return connection(Handshake(*heads, (), body, answer), **facts)


HIXIE_75 = Handshake(read_head(ask_75()), read_head(switch_75()))

# The check, what breaks its rule, the sentence, who is at fault.
BROKEN: list[tuple[Check, Connection, str, str]] = [
    (
        legacy.wrong_challenge_answer,
        hixie(answer=ANSWER[::-1]),
        "the answer is 2d6178572c6f432a473a7927534b6a38, not 386a4b5327793a472a436f2c5778612d: "
        "it answers another challenge, or none",
        "server",
    ),
    (
        legacy.wrong_challenge_answer,
        hixie(body=BODY[:3]),
        "3 of the 8 bytes behind the head were sent",
        "client",
    ),
    (
        legacy.invalid_challenge_key,
        hixie({"Sec-WebSocket-Key1": "12345"}),
        "Sec-WebSocket-Key1 '12345' has no spaces, as a client of another protocol would send it",
        "client",
    ),
    (
        legacy.wrong_legacy_origin,
        hixie(answered={"Sec-WebSocket-Origin": "http://evil.example"}),
        "Sec-WebSocket-Origin is 'http://evil.example', "
        "the request's Origin is 'http://example.com'",
        "server",
    ),
    (
        legacy.wrong_legacy_origin,
        hixie(answered={"Sec-WebSocket-Location": None}),
        "there is no Sec-WebSocket-Location",
        "server",
    ),
    (legacy.hixie_75, connection(HIXIE_75), "the version is Hixie-75", "client"),
    (
        legacy.draft_version,
        hixie(),
        "the version is Hixie-76, a draft before RFC 6455",
        "client",
    ),
    (
        legacy.draft_version,
        connection(handshake(REQUEST.replace(b"Version: 13", b"Version: 8"))),
        "the version is 8, a draft before RFC 6455",
        "client",
    ),
]


@pytest.mark.parametrize(("check", "record", "message", "sender"), BROKEN)
def test_a_broken_rule(check: Check, record: Connection, message: str, sender: str) -> None:
    (finding,) = found(check, record)
    assert (finding.message, finding.sender) == (message, sender)
    assert (finding.check, finding.severity) == (check.id, check.severity)
    assert finding.packet == {"client": 4, "server": 6}[sender]


# What comes closest to breaking a rule without doing so.
LEGAL = [
    (legacy.wrong_challenge_answer, hixie()),
    (legacy.invalid_challenge_key, hixie({"Sec-WebSocket-Key1": "1 2"})),
    (legacy.wrong_legacy_origin, hixie(answered={"Sec-WebSocket-Origin": "HTTP://example.com"})),
    (legacy.hixie_75, hixie()),
    (legacy.draft_version, connection()),
    (legacy.draft_version, connection(handshake(REQUEST.replace(b"Version: 13", b"Version: 14")))),
    (legacy.draft_version, connection(HIXIE_75)),
]


@pytest.mark.parametrize(("check", "record"), LEGAL)
def test_nearly_broken_is_not_broken(check: Check, record: Connection) -> None:
    assert found(check, record) == []


class TestUnknown:
    def test_bytes_behind_a_head_that_were_lost(self) -> None:
        records = [hixie(body=None), hixie(answer=None)]
        assert found(legacy.wrong_challenge_answer, *records) == []

    def test_requests_that_were_not_captured(self) -> None:
        for check, record, _, _ in BROKEN:
            if check not in (legacy.hixie_75, legacy.draft_version):
                unseen = connection(record.handshake, request_packet=None)
                assert found(check, unseen) == []

    def test_connections_from_the_middle(self) -> None:
        for check in (legacy.hixie_75, legacy.draft_version, legacy.broken_legacy_framing):
            record = connection(outcome="unseen", request_packet=None)
            record.handshake = None
            assert found(check, record) == []


def fin(sender: str) -> Ending:
    return Ending(sender, "fin", 9 * SECOND, 18, 64, 64, 1, 0, 500, has_ack=True, bare=True)


class TestFraming:
    def test_a_length_that_nobody_can_mean(self) -> None:
        long = event("hixie-length", "server", frame=None, value=160)
        record = hixie(server_unread_bytes=15, observation=observed(long))
        (finding,) = found(legacy.broken_legacy_framing, record)
        assert finding.message == (
            "the length of the frame at offset 160 has more than 63 bits; "
            "15 bytes behind it can be no frames of Hixie"
        )
        assert (finding.severity, finding.sender, finding.packet) == ("error", "server", 8)

    def test_text_without_its_end(self) -> None:
        cut = event("hixie-cut", length=0, value=170)
        record = hixie(observation=observed(cut, endings=[fin("client")]))
        (finding,) = found(legacy.broken_legacy_framing, record)
        assert finding.message == (
            "the client closed the connection, in packet 18, within the frame at offset 170"
        )
        assert (finding.sender, finding.packet, finding.frame) == ("client", 8, 2)
        assert finding.expected == "FF at the end of text"

    @pytest.mark.parametrize(
        "record",
        [
            # The capture ends within a frame, the other end closed, bytes were lost.
            hixie(observation=observed(event("hixie-cut"))),
            hixie(observation=observed(event("hixie-cut"), endings=[fin("server")])),
            hixie(
                client_lost_bytes=1,
                observation=observed(event("hixie-cut"), endings=[fin("client")]),
            ),
            hixie(client_lost_bytes=1, observation=observed(event("hixie-length"))),
            # The handshake is void: whatever follows need not be frames.
            hixie(answer=ANSWER[::-1], observation=observed(event("hixie-length"))),
            # Frames of RFC 6455 are not its business.
            connection(client_unread_bytes=9, observation=observed(event("hixie-length"))),
        ],
    )
    def test_nobodys_fault(self, record: Connection) -> None:
        assert found(legacy.broken_legacy_framing, record) == []

    def test_frames_behind_a_void_handshake_have_no_header_to_show(self) -> None:
        text = event("frame-after-refusal", head=0x81, header_length=1, length=2)
        record = hixie(answer=ANSWER[::-1], client_frames=1, observation=observed(text))
        (finding,) = found(handshake_response.frames_after_void_handshake, record)
        assert finding.message == "the client sent 1 frame after a handshake that is void"
        assert finding.evidence is None


class TestMixedVersions:
    REFUSAL = RESPONSE.replace(b"101", b"426")

    def asks(self, version: bytes, after: float = 0, **facts: Any) -> Connection:
        request = REQUEST.replace(b"Version: 13", b"Version: " + version)
        response = RESPONSE if version == b"13" else self.REFUSAL
        at = SECOND + int(after * SECOND)
        shake = handshake(with_fields(request, "User-Agent: a"), response)
        return connection(shake, serial=int(after), requested=at, responded=at, **facts)

    def test_keys_of_both(self) -> None:
        record = connection(handshake(with_fields(REQUEST, "Sec-WebSocket-Key1: 1 2")))
        (finding,) = found(legacy.mixed_versions, record)
        assert finding.message == "the request has keys of Hixie-76 beside version 13"
        assert (finding.severity, finding.connection) == ("info", 0)

    def test_another_version_after_a_refusal(self) -> None:
        (finding,) = found(legacy.mixed_versions, self.asks(b"25"), self.asks(b"13", 2))
        assert finding.message == (
            "version '13' is asked for 2.000 s after version '25' was refused"
        )
        assert (finding.connection, finding.sender) == (2, "client")

    def test_the_same_version_later_or_somebody_else(self) -> None:
        first = self.asks(b"25")
        assert found(legacy.mixed_versions, first, self.asks(b"25", 2)) == []
        assert found(legacy.mixed_versions, first, self.asks(b"13", 11)) == []
        other = self.asks(b"13", 2, client_ip="192.0.2.7")
        assert found(legacy.mixed_versions, first, other) == []
        assert found(legacy.mixed_versions, self.asks(b"13"), self.asks(b"25", 2)) == []

    def test_requests_that_were_not_captured(self) -> None:
        both = handshake(with_fields(REQUEST, "Sec-WebSocket-Key1: 1 2"))
        assert found(legacy.mixed_versions, connection(both, request_packet=None)) == []


@pytest.mark.parametrize(
    ("check", "capture", "numbers"),
    [
        (legacy.wrong_challenge_answer, "hixie-76.pcapng", [4, 7]),
        (legacy.invalid_challenge_key, "hixie-76.pcapng", []),
        (legacy.wrong_legacy_origin, "hixie-76.pcapng", [9, 9]),
        (legacy.broken_legacy_framing, "hixie-76.pcapng", []),
        (legacy.broken_legacy_framing, "hixie-75.pcapng", []),
        (legacy.hixie_75, "hixie-75.pcapng", [0, 1]),
        (legacy.draft_version, "hybi-drafts.pcapng", [0, 1, 2, 3, 4]),
        (legacy.mixed_versions, "hybi-drafts.pcapng", []),
        (legacy.mixed_versions, "hixie-76.pcapng", []),
    ],
)
def test_recorded(check: Check, capture: str, numbers: list[int]) -> None:
    assert [each.connection for each in found_in(check, capture)] == numbers


def test_messages_name_no_raw_bytes() -> None:
    record = hixie({"Sec-WebSocket-Key1": "\x1b[2J"})
    assert "\x1b" not in "".join(messages(found(legacy.invalid_challenge_key, record)))


@pytest.mark.parametrize(
    ("name", "number", "evidence"),
    [
        ("hybi-drafts.pcapng", 2, "Sec-WebSocket-Version: 7"),
        ("hybi-early.pcapng", 0, "Sec-WebSocket-Draft: 2"),
        ("hixie-76.pcapng", 0, "Sec-WebSocket-Key1: 2&   u6 8 8 6  9713k , 0"),
    ],
)
def test_the_field_that_tells_the_version_is_shown(name: str, number: int, evidence: str) -> None:
    findings = found_in(legacy.draft_version, name)
    assert [each.evidence for each in findings if each.connection == number] == [evidence]
