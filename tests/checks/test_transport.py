"""Transport and capture quality: what is missing, contradicts itself, stalls, or goes on."""

from __future__ import annotations

from typing import Any

import pytest

from checks.given import (
    SECOND,
    connection,
    event,
    found,
    found_in,
    handshake,
    messages,
    observed,
    seen_from_the_middle,
)
from checks.test_cuts import ending, session
from wsanalyze.checks import capture_quality, transport
from wsanalyze.checks.audit import Audit
from wsanalyze.checks.check import Check
from wsanalyze.checks.facts import Facts
from wsanalyze.checks.finding import Finding
from wsanalyze.observation import Hole, Observation, Side
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.transport.conflict import Conflict


class TestGap:
    def test_where_it_is_and_what_became_of_it(self) -> None:
        holes = [Hole("server", 500, 1448, 3 * SECOND, 17)]
        record = connection(
            server_lost_bytes=1448,
            server_resyncs=1,
            server_unread_bytes=20,
            observation=Observation(holes=holes),
        )
        (finding,) = found(transport.gap, record)
        assert finding.message == (
            "1448 bytes of the server are not in the capture; frames were found again behind them "
            "once; 20 bytes could not be told apart into frames"
        )
        assert (finding.packet, finding.evidence) == (17, "offset 500, 1448 bytes")
        assert finding.coverage == "gap"

    def test_the_snap_length_is_named_where_it_was_it(self) -> None:
        (all_of_it,) = found(transport.gap, connection(client_lost_bytes=90, client_cut_bytes=90))
        (some,) = found(transport.gap, connection(client_lost_bytes=90, client_cut_bytes=30))
        missing = "90 bytes of the client are not in the capture"
        assert all_of_it.message == f"{missing}: the snap length cut them off"
        assert some.message == f"{missing}: the snap length cut 30 of them off"

    def test_the_packet_is_the_one_behind_the_hole(self) -> None:
        """Packets 44 and 45 come behind what is lost; it is given up with the last one, 110."""
        holes = found_in(transport.gap, "overrun.pcap")
        assert [(each.sender, each.packet) for each in holes] == [("client", 44), ("server", 45)]

    def test_nothing_is_missing(self) -> None:
        assert found(transport.gap, connection(server_retransmissions=9)) == []

    def test_retransmissions_filled_the_holes_of_a_recorded_path(self) -> None:
        assert found_in(transport.gap, "lossy-path-client.pcapng") == []


class TestConflicts:
    def test_both_copies_are_shown(self) -> None:
        conflict = Conflict(100, 4, 8, 11, b"good", b"evil", "first", "acknowledged", False)
        record = connection(client_conflicts=1, client_contested=(conflict,))
        (finding,) = found(transport.contradicting_copies, record)
        assert finding.evidence == "67 6f 6f 64 / 65 76 69 6c"
        assert "in packets 8 and 11; the first copy was read" in finding.message
        assert "it had been acknowledged before" in finding.message

    def test_a_damaged_segment_in_order_was_read_and_not_received(self) -> None:
        conflict = Conflict(100, 4, 8, 11, b"good", b"evil", "first", "checksum", True)
        record = connection(client_conflicts=1, client_contested=(conflict,))
        (finding,) = found(transport.contradicting_copies, record)
        assert finding.message.endswith(
            "in packets 8 and 11; the first copy was read, since it came in order; by the "
            "checksums the receiver dropped it and took the second: messages with these bytes are "
            "not what it had"
        )

    def test_beyond_the_limit_they_are_counted(self) -> None:
        record = connection(client_conflicts=3)
        assert messages(found(transport.contradicting_copies, record)) == [
            "3 segments of the client contradict earlier ones"
        ]


class TestTrouble:
    def test_what_is_worth_a_remark(self) -> None:
        observation = observed(server_zero_windows=2, server_window_zero_ns=1_500_000_000)
        record = connection(client_retransmissions=3, observation=observation)
        assert messages(found(transport.troubled_transport, record)) == [
            "the client: 3 segments sent again",
            "the server: a window of 0 announced 2 times, for 1.500 s",
        ]

    def test_two_retransmissions_are_not(self) -> None:
        record = connection(client_retransmissions=2)
        assert found(transport.troubled_transport, record) == []

    @pytest.mark.parametrize("facts", [{"client_frames": 1000}, {"client_bytes": 1_448_000}])
    def test_one_in_a_hundred(self, facts: dict[str, int]) -> None:
        some = connection(client_retransmissions=7, client_out_of_order=3, **facts)
        fewer = connection(client_retransmissions=7, client_out_of_order=2, **facts)
        assert messages(found(transport.troubled_transport, some)) == [
            "the client: 7 segments sent again, 3 out of order"
        ]
        assert found(transport.troubled_transport, fewer) == []


def of_captures(check: Check, *captures: CaptureSummary) -> list[Finding]:
    return Audit([check]).findings([], captures)


class TestSegmentation:
    def of(self, frames: int, size: int, segments: int, **facts: Any) -> list[str]:
        noticed = facts.pop("noticed", {})
        observation = observed(server_segments=segments, **noticed)
        record = connection(
            observation=observation, server_frames=frames, server_bytes=size, **facts
        )
        return messages(found(transport.segmentation, record))

    def test_many_frames_in_a_segment(self) -> None:
        assert self.of(60, 6000, 20) == [
            "the server's 60 frames came in 20 segments, 3.0 frames in each"
        ]

    def test_a_frame_in_several_segments(self) -> None:
        assert self.of(20, 2000, 40) == [
            "the server's 20 frames came in 40 segments, 2.0 for each, and they need 21 at most"
        ]

    def test_one_a_segment_or_nearly(self) -> None:
        assert self.of(60, 6000, 60) == self.of(60, 6000, 41) == self.of(60, 6000, 95) == []

    def test_large_frames_need_several(self) -> None:
        assert self.of(20, 200_000, 160) == []

    def test_few_frames(self) -> None:
        assert self.of(19, 1000, 3) == []

    def test_what_came_with_the_response_shares_its_segment(self) -> None:
        assert self.of(20, 1000, 13) != []
        assert self.of(20, 1000, 13, noticed={"with_response": 1}) == []

    @pytest.mark.parametrize(
        "facts",
        [{"server_lost_bytes": 1}, {"server_unread_bytes": 1}, {"outcome": "unseen"}],
    )
    def test_some_may_be_missing(self, facts: dict[str, Any]) -> None:
        assert self.of(60, 6000, 20, **facts) == []

    def test_recorded(self) -> None:
        (finding,) = found_in(transport.segmentation, "unruly-peers.pcapng")
        assert finding.message == "the client's 81 frames came in 12 segments, 6.8 frames in each"

    def test_within_tls_there_are_records_between(self) -> None:
        assert self.of(60, 6000, 20, scheme="wss") == []


class TestCapture:
    def test_cut_dropped_damaged_and_limited(self) -> None:
        capture = CaptureSummary(
            "a.pcap", packets=10, cut_packets=4, dropped=7, problem="cut off", limits={"flows": 2}
        )
        (finding,) = of_captures(capture_quality.poor_capture, capture)
        assert finding.message == (
            "a.pcap: 4 of 10 packets are cut short; 7 packets were dropped while capturing; "
            "cut off; limits were reached: flows"
        )
        assert finding.coverage == "truncated"

    def test_one_packet_that_was_cut_and_one_that_was_dropped(self) -> None:
        capture = CaptureSummary("a.pcap", packets=10, cut_packets=1, dropped=1)
        assert messages(of_captures(capture_quality.poor_capture, capture)) == [
            "a.pcap: 1 of 10 packets is cut short; 1 packet was dropped while capturing"
        ]

    def offloaded(self, *ends: tuple[bool, bool], **facts: Any) -> list[str]:
        records = [
            connection(
                observation=observed(client_unfilled=client, server_unfilled=server),
                capture="a.pcap",
                **facts,
            )
            for client, server in ends
        ]
        capture = CaptureSummary("a.pcap", packets=10)
        found = Audit([capture_quality.poor_capture]).findings(
            [Facts(e) for e in records], [capture]
        )
        assert {each.severity for each in found} <= {"info"}
        return messages(found)

    def test_a_capture_of_the_sending_host(self) -> None:
        (message,) = self.offloaded((True, False), (True, False))
        assert message.startswith("a.pcap: the checksums of the clients are not filled in: it was")
        assert "of the servers" in self.offloaded((False, True), (False, True))[0]

    def test_on_the_loopback_interface_nobody_fills_them_in(self) -> None:
        assert self.offloaded((True, True), (True, True)) == []

    def test_one_of_them_is_filled_in(self) -> None:
        assert self.offloaded((True, False), (True, False), (False, False)) == []

    def test_one_connection_alone_or_without_its_beginning(self) -> None:
        assert self.offloaded((True, False)) == []
        assert self.offloaded((True, False), (True, False), connect_ms=None) == []

    def test_what_a_format_does_not_tell(self) -> None:
        capture = CaptureSummary("a.pcap", packets=10, dropped=None)
        assert of_captures(capture_quality.poor_capture, capture) == []

    def test_a_whole_one(self) -> None:
        capture = CaptureSummary("a.pcap", packets=10, dropped=0, limits={"rows": 3, "flows": 0})
        assert of_captures(capture_quality.poor_capture, capture) == []

    @pytest.mark.parametrize(("count", "verb"), [(1, "conversation speaks"), (3, "s speak")])
    def test_tls_that_stays_closed(self, count: int, verb: str) -> None:
        capture = CaptureSummary("a.pcap", conversations_tls=count)
        assert verb in of_captures(capture_quality.opaque_tls, capture)[0].message
        assert of_captures(capture_quality.opaque_tls, CaptureSummary("a.pcap")) == []

    @pytest.mark.parametrize(
        ("attributes", "why"),
        [
            ({}, "no secrets are known"),
            ({"keylog_files": 1}, "the key logs hold no secrets"),
            ({"keylog_files": 1, "tls_reasons": {"none fits": 3}}, "none fits"),
            ({"tls_reasons": {"none fits": 2, "no other": 1}}, "no secrets are known"),
            (
                {"tls_reasons": {"none fits": 2, "the client left before the ServerHello": 1}},
                "no secrets are known (2); the client left before the ServerHello (1)",
            ),
            ({"tls_reasons": {"the client left (FIN)": 3}}, "the client left (FIN)"),
            ({"keylog_files": 1, "tls_reasons": {"one": 1, "two": 2}}, "two (2); one (1)"),
            (
                {"keylog_files": 1, "tls_reasons": {"no secret for this client random": 3}},
                "no secret for their client random",
            ),
            (
                {"keylog_files": 1, "tls_reasons": {"no key fits its random": 2, "its fault": 1}},
                "no key fits their random (2); its fault (1)",
            ),
        ],
    )
    def test_why_tls_stayed_closed(self, attributes: dict[str, Any], why: str) -> None:
        capture = CaptureSummary("a.pcap", conversations_tls=3, **attributes)
        (finding,) = of_captures(capture_quality.opaque_tls, capture)
        assert finding.message.endswith(f"could not be read: {why}")

    def test_a_tunnel_that_cannot_be_read(self) -> None:
        capture = CaptureSummary("a.pcap")
        assert of_captures(capture_quality.opaque_tunnel, capture) == []
        capture.passes_over("one")
        (finding,) = of_captures(capture_quality.opaque_tunnel, capture)
        assert finding.message == "a.pcap: 1 tunnel could not be read: one"
        for _ in range(2):
            capture.passes_over("another")
        (finding,) = of_captures(capture_quality.opaque_tunnel, capture)
        assert finding.message == "a.pcap: 3 tunnels could not be read: another (2); one (1)"

    def test_a_package_that_is_missing_is_no_fault_of_the_capture(self) -> None:
        capture = CaptureSummary("a.pcap")
        capture.lack("hpack")
        assert of_captures(capture_quality.poor_capture, capture) == []
        (finding,) = of_captures(capture_quality.missing_package, capture)
        assert finding.message.endswith("(pip install hpack)")
        assert of_captures(capture_quality.missing_package, CaptureSummary("a.pcap")) == []


class TestBeginningAndEnd:
    def test_a_session_from_the_middle(self) -> None:
        record = seen_from_the_middle(observation=observed(client=Side(first=event("first"))))
        (finding,) = found(capture_quality.no_handshake, record)
        assert (finding.packet, finding.frame, finding.coverage) == (8, 2, "midstream")
        assert found(capture_quality.no_handshake, connection()) == []

    @pytest.mark.parametrize(
        ("request_packet", "response_packet", "missing"),
        [
            (None, None, "handshake"),
            (4, None, "response"),
            (None, 6, "request"),
            (4, 6, "whole handshake"),
        ],
    )
    def test_what_is_missing_of_the_handshake_is_said(
        self, request_packet: int | None, response_packet: int | None, missing: str
    ) -> None:
        record = seen_from_the_middle()
        record.request_packet, record.response_packet = request_packet, response_packet
        (finding,) = found(capture_quality.no_handshake, record)
        assert finding.message.startswith(f"the {missing} is not in the capture")
        assert ("by its frames" in finding.message) is (response_packet is None)

    def test_a_handshake_of_which_half_is_there(self) -> None:
        assert found(capture_quality.no_handshake, connection(handshake(response=None))) == []

    def test_a_session_that_goes_on(self) -> None:
        assert len(found_in(capture_quality.still_open, "capture-ends-open.pcap")) == 1
        assert found_in(capture_quality.still_open, "websockets-plain.pcapng") == []

    def test_the_same_ports_again(self) -> None:
        first = connection()
        second = connection(conversation=1, serial=1, started=20 * SECOND, ended=30 * SECOND)
        (finding,) = found(transport.ports_reused, first, second)
        assert finding.message == "2 TCP connections came from 192.0.2.1:50000, one by one"
        assert finding.connection == 1
        assert found(transport.ports_reused, first, connection(serial=1)) == []

    def test_another_capture_of_the_same_connection(self) -> None:
        copy = connection(capture="other.pcap", serial=1, started=1000)
        within = connection(conversation=1, serial=1, started=1000)
        assert found(transport.ports_reused, connection(), copy) == []
        assert found(transport.ports_reused, connection(), within) == []


class TestHalfClosed:
    """The server's FIN is at 9 s; the client has sent more."""

    def of(self, at: float, count: int = 12, **facts: object) -> list[Finding]:
        observation = session(ending("fin"), client_after_end=count)
        observation.client.last = event("last", time=int(at * SECOND))
        for name, value in facts.items():
            setattr(observation.client if name == "close" else observation, name, value)
        return found(transport.half_closed, connection(observation=observation))

    def test_data_after_the_others_fin(self) -> None:
        (finding,) = self.of(at=20)
        assert finding.message == (
            "the client sent 12 bytes after the server's FIN, until 11.0 s later"
        )
        assert finding.severity == "warning"

    def test_an_end_that_is_not_among_those_that_are_kept(self) -> None:
        resets = [ending("rst", "client")] * 16
        observation = session(*resets, client_after_end=12)
        observation.client.last = event("last", time=20 * SECOND)
        assert found(transport.half_closed, connection(observation=observation)) == []

    def test_a_server_that_said_so(self) -> None:
        server = Side(close=event("close", "server"))
        assert [each.severity for each in self.of(at=20, server=server)] == ["info"]

    @pytest.mark.parametrize("at", [8, 9, 9.8])
    def test_data_that_was_under_way(self, at: float) -> None:
        assert self.of(at=at) == []

    def test_the_answer_to_a_close(self) -> None:
        close = event("close", head=0x88, second=0x82, header_length=6, length=2)
        assert self.of(at=20, count=8, close=close) == []
        assert len(self.of(at=20, count=9, close=close)) == 1

    def test_nothing_came_after_it(self) -> None:
        assert self.of(at=20, count=0) == []
