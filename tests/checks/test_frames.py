"""FRM: what is said of frame headers, and when nothing is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

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
from wsanalyze.checks import frames
from wsanalyze.checks.check import Check
from wsanalyze.checks.finding import Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.observation import Ending, Event, Observation, Side

TEXT = {"head": 0x81, "second": 0x05, "header_length": 2, "length": 5}
MASKED_TEXT = {
    "head": 0x81,
    "second": 0x85,
    "header_length": 6,
    "length": 5,
    "masking_key": 0x37FA213D,
}


def ending(sender: str = "client", how: str = "fin", time: int = 9 * SECOND) -> Ending:
    return Ending(sender, how, time, 18, 64, 64, 1, 0, 500, has_ack=True, bare=True)


def ended(*events: Event, by: str = "client", **facts: object) -> Connection:
    """A connection that was seen to its end, with these events."""
    return connection(observation=observed(*events, endings=[ending(by)]), **facts)


def about(kind: str, sender: str = "client", **facts: object) -> Event:
    return event(kind, sender, **(MASKED_TEXT | facts))


# What each kind of header yields: the check, the event, the sentence.
HEADERS = [
    (
        frames.unmasked_client_frame,
        event("unmasked", **TEXT),
        "a text frame of 5 bytes has no mask",
        "81 05",
    ),
    (
        frames.masked_server_frame,
        about("masked", "server", head=0x89),
        "a Ping frame of 5 bytes is masked",
        "89 85 37 fa 21 3d",
    ),
    (
        frames.reserved_bit,
        about("rsv", head=0xC1, value=4),
        "RSV1 is set on a text frame, and no extension owns it",
        "c1 85 37 fa 21 3d",
    ),
    (
        frames.reserved_bit,
        about("rsv", head=0xB2, value=3),
        "RSV2, RSV3 are set on a binary frame, and no extension owns them",
        "b2 85 37 fa 21 3d",
    ),
    (
        frames.rsv1_on_continuation,
        about("rsv1-continuation", head=0xC0),
        "RSV1 is set on a continuation frame",
        "c0 85 37 fa 21 3d",
    ),
    (
        frames.rsv1_on_control,
        about("rsv1-control", head=0xCA),
        "RSV1 is set on a Pong frame",
        "ca 85 37 fa 21 3d",
    ),
    (
        frames.reserved_opcode,
        about("opcode", head=0x83),
        "opcode 3 is reserved",
        "83 85 37 fa 21 3d",
    ),
    (
        frames.length_not_minimal,
        event("length-form", head=0x82, second=126, header_length=4, length=125, value=2),
        "the length 125 is coded in 16 bits",
        "82 7e 00 7d",
    ),
    (
        frames.length_not_minimal,
        event("length-form", head=0x82, second=127, header_length=10, length=65535, value=8),
        "the length 65535 is coded in 64 bits",
        "82 7f 00 00 00 00 00 00 ff ff",
    ),
    (
        frames.length_top_bit,
        event("length-top-bit", head=0x82, second=127, header_length=10, length=1 << 63),
        "the length 9223372036854775808 is beyond 2^63 - 1",
        "82 7f 80 00 00 00 00 00 00 00",
    ),
]


@pytest.mark.parametrize(("check", "noticed", "message", "evidence"), HEADERS)
def test_a_header_that_breaks_a_rule(
    check: Check, noticed: Event, message: str, evidence: str
) -> None:
    [finding] = found(check, connection(observation=observed(noticed)))
    assert (finding.message, finding.evidence) == (message, evidence)
    assert (finding.sender, finding.packet, finding.frame) == (noticed.sender, 8, 2)
    assert (finding.severity, finding.expected is not None) == ("error", True)


@pytest.mark.parametrize("check", {check.id: check for check, *_ in HEADERS}.values())
def test_nothing_is_said_where_nothing_was_noticed(check: Check) -> None:
    assert found(check, connection()) == []


@pytest.mark.parametrize(("check", "noticed"), [entry[:2] for entry in HEADERS])
def test_a_frame_that_is_a_guess_accuses_nobody(check: Check, noticed: Event) -> None:
    from dataclasses import replace

    unsure = replace(noticed, certain=False)
    assert found(check, connection(observation=observed(unsure), client_lost_bytes=9)) == []


def test_rsv1_beside_rsv2_is_permessage_deflates() -> None:
    offer = "Sec-WebSocket-Extensions: permessage-deflate"
    shake = handshake(with_fields(REQUEST, offer), with_fields(RESPONSE, offer))
    noticed = observed(about("rsv", head=0xE1, value=6))
    [finding] = found(frames.reserved_bit, connection(shake, observation=noticed))
    assert finding.message == "RSV2 is set on a text frame, and no extension owns it"
    assert finding.expected == "RSV2 of 0"


RECORDED = [
    (frames.unmasked_client_frame, [("client", 8, 0, "81 0c")]),
    (frames.masked_server_frame, [("server", 325, 0, "81 94 37 fa 21 3d")]),
    (
        frames.reserved_bit,
        [
            ("client", 22, 0, "c1 84 37 fa 21 3d"),
            ("client", 35, 0, "a1 84 37 fa 21 3d"),
            ("client", 48, 0, "99 84 37 fa 21 3d"),
            ("server", 338, 0, "f2 01"),
        ],
    ),
    (
        frames.reserved_opcode,
        [
            ("client", 61, 0, "83 8d 37 fa 21 3d"),
            ("client", 74, 0, "8b 89 37 fa 21 3d"),
            ("server", 351, 0, "8f 00"),
        ],
    ),
    (
        frames.length_not_minimal,
        [
            ("client", 87, 0, "81 fe 00 05 37 fa 21 3d"),
            ("client", 100, 0, "81 ff 00 00 00 00 00 00 00 05 37 fa 21 3d"),
            ("client", 113, 0, "82 ff 00 00 00 00 00 00 00 c8 37 fa 21 3d"),
        ],
    ),
]


@pytest.mark.parametrize(("check", "rows"), RECORDED)
def test_recorded_oddities(check: Check, rows: list[tuple[str, int, int, str]]) -> None:
    findings = found_in(check, "oddities.pcapng")
    assert [(f.sender, f.packet, f.frame, f.evidence) for f in findings] == rows


class TestLargeOrCutFrame:
    def of(self, record: Connection) -> list[Finding]:
        return found(frames.large_or_cut_frame, record)

    def large(self, length: int) -> Connection:
        noticed = event("large", head=0x82, second=127, header_length=10, length=length)
        return connection(observation=observed(noticed))

    def test_a_frame_above_the_threshold(self) -> None:
        [finding] = self.of(self.large((16 << 20) + 1))
        assert finding.message == "the largest frame of the client declares 16777217 bytes"
        assert (finding.severity, finding.expected) == ("warning", "16777216 bytes at most")

    def test_one_that_was_cut_is_one_finding(self) -> None:
        length = (16 << 20) + 1
        place = {"head": 0x82, "second": 127, "header_length": 10, "length": length}
        large, cut = event("large", **place), event("cut", value=length // 2, **place)
        [finding] = self.of(ended(large, cut))
        assert "after 8388608 of the 16777217 payload bytes" in finding.message
        # Where the end was not seen, or bytes are missing, nobody says that it was cut.
        assert (
            "declares 16777217 bytes"
            in self.of(connection(observation=observed(large, cut)))[0].message
        )
        assert len(self.of(ended(large, cut, client_lost_bytes=1))) == 1

    def test_a_frame_of_just_the_threshold(self) -> None:
        assert self.of(self.large(16 << 20)) == []

    def test_a_length_that_is_no_length_is_another_checks(self) -> None:
        assert self.of(self.large(1 << 63)) == []

    def test_a_frame_that_could_never_be_whole_is_another_checks(self) -> None:
        record = ended(about("cut", length=(1 << 63) + 5, value=20))
        assert self.of(record) == []
        assert found(frames.length_bait, record) == []

    def test_a_frame_that_its_sender_cut(self) -> None:
        [finding] = self.of(ended(about("cut", value=3)))
        assert finding.message == (
            "the connection ended after 3 of the 5 payload bytes of a text frame"
        )
        assert (finding.severity, finding.packet) == ("error", 8)
        [finding] = self.of(ended(about("cut", length=1, value=0)))
        assert "after 0 of the 1 payload byte of" in finding.message

    def test_a_frame_that_its_receiver_cut_is_no_error_of_the_sender(self) -> None:
        [finding] = self.of(ended(about("cut", value=3), by="server"))
        assert finding.severity == "warning"

    def test_the_capture_ended_within_the_frame(self) -> None:
        assert self.of(connection(observation=observed(about("cut", value=3)))) == []

    @pytest.mark.parametrize("missing", ["client_lost_bytes", "client_unread_bytes"])
    def test_bytes_are_missing(self, missing: str) -> None:
        assert self.of(ended(about("cut", value=3), **{missing: 1})) == []

    def test_recorded(self) -> None:
        findings = found_in(frames.large_or_cut_frame, "cut-connections.pcapng")
        assert [(f.packet, f.frame, f.severity, f.evidence) for f in findings] == [
            (67, 0, "error", "81 fe 03 e8 37 fa 21 3d")
        ]


class TestEmptyFragments:
    def test_one_finding_a_side(self) -> None:
        noticed = [event("empty-data", header_length=2, frame=n) for n in (2, 3)]
        noticed.append(event("empty-data", "server", header_length=2))
        sides = {"client": Side(fragments=7), "server": Side(fragments=3)}
        findings = found(
            frames.empty_fragments, connection(observation=observed(*noticed, **sides))
        )
        assert [(f.sender, f.frame, f.message, f.severity) for f in findings] == [
            ("client", 2, "2 of the client's 7 fragments are empty", "info"),
            ("server", 2, "1 of the server's 3 fragments is empty", "info"),
        ]

    def test_empty_messages_are_no_fragments(self) -> None:
        record = connection(observation=Observation(client=Side(empty_frames=3)))
        assert found(frames.empty_fragments, record) == []


class TestTinyFragments:
    def of(self, length: int, fragments: int) -> list[str]:
        noticed = event("tiny-fragments", header_length=2, value=length, part=fragments)
        return messages(found(frames.tiny_fragments, connection(observation=observed(noticed))))

    def test_many_tiny_ones(self) -> None:
        assert self.of(519, 65) == ["a message of 519 bytes came in 65 fragments"]

    def test_many_that_are_large_enough(self) -> None:
        assert self.of(520, 65) == []

    def test_tiny_but_few(self) -> None:
        assert self.of(64, 64) == []


class TestHttpAmongFrames:
    """FRM-13."""

    OK = event("http", "server", frame=None, payload=b"HTTP/1.1 200 OK\r\nServer: Werkzeug\r\n")

    def record(self, *events: Event, **facts: Any) -> Connection:
        return connection(observation=observed(*events, **facts))

    def of(self, *events: Event) -> list[Finding]:
        return found(frames.http_in_the_place_of_frames, self.record(*events))

    def test_a_response(self) -> None:
        [finding] = self.of(self.OK)
        assert finding.message == (
            "behind the 101 the server writes a response of HTTP: its bytes begin as 'HTTP' does"
        )
        assert (finding.severity, finding.packet, finding.frame) == ("error", 8, None)
        assert finding.evidence == "'HTTP/1.1 200 OK'"

    def test_wherever_its_packet_ends_it_is_the_same_fault(self) -> None:
        [whole], [begun] = self.of(self.OK), self.of(replace(self.OK, payload=b"HTTP/1."))
        assert whole.message == begun.message

    @pytest.mark.parametrize(
        ("line", "begins", "evidence"),
        [
            (b"GET /next HTTP/1.1", "GET", "'GET /next HTTP/1.1'"),
            (b"HEAD /?token=s3cret HTTP/1.1", "HEAD", "'HEAD /?... HTTP/1.1'"),
            (b"PRI * HTTP/2.0", "PRI", "'PRI * HTTP/2.0'"),
        ],
    )
    def test_a_request_without_its_secrets(self, line: bytes, begins: str, evidence: str) -> None:
        [finding] = self.of(event("http", frame=None, payload=line + b"\r\n"))
        assert finding.message == (
            "behind the 101 the client writes a request of HTTP: its bytes begin as "
            f"{begins!r} does"
        )
        assert finding.evidence == evidence

    def test_the_advice_is_for_whoever_wrote_it(self) -> None:
        advice = frames.http_in_the_place_of_frames.advice
        assert advice.startswith("Where the server wrote it, ")
        assert "Where the client did, keep the connection out of its pool" in advice

    def test_what_came_before_it_is_told(self) -> None:
        before = event("rsv", "server", frame=3, head=0x20, second=0x47, header_length=2, value=2)
        [finding] = found(frames.reserved_bit, self.record(before, self.OK))
        assert finding.frame == 3


class TestLengthBait:
    def of(
        self, *, came: int, length: int = 1 << 20, waited: float = 5, **facts: object
    ) -> list[str]:
        noticed = event(
            "cut", head=0x82, second=127, header_length=10, length=length, value=came, time=SECOND
        )
        over = SECOND + int(waited * SECOND)
        record = connection(observation=observed(noticed), ended=over, **facts)
        return messages(found(frames.length_bait, record))

    def test_next_to_nothing_came(self) -> None:
        assert self.of(came=10_485) == ["1048576 bytes were declared and 10485 came in 5.0 s"]

    def test_a_hundredth_came(self) -> None:
        assert self.of(came=10_486) == []

    def test_a_shorter_frame(self) -> None:
        assert self.of(came=0, length=(1 << 20) - 1) == []

    def test_the_receiver_was_not_kept_waiting(self) -> None:
        assert self.of(came=0, waited=4.9) == []

    def test_bytes_are_missing(self) -> None:
        assert self.of(came=0, client_lost_bytes=1) == []
