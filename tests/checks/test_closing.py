"""CLS: whether Close frames are answered, what comes behind them, and how TCP ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checks.given import (
    SECOND,
    closed,
    closing,
    connection,
    ending,
    event,
    found,
    found_in,
    messages,
    observed,
)
from checks.test_encryption import inside
from wsanalyze.checks import closing as checks
from wsanalyze.checks.finding import Finding
from wsanalyze.observation import Ending, Event, Spread


class TestAfterClose:
    def test_data(self) -> None:
        [finding] = found_in(checks.data_after_close, "oddities.pcapng")
        assert (finding.packet, finding.frame) == (299, 1)
        assert finding.message == "a text frame behind this side's own Close in packet 298"

    def test_another_close(self) -> None:
        [finding] = found_in(checks.second_close, "oddities.pcapng")
        assert (finding.packet, finding.frame) == (313, 1)
        assert finding.message == "another Close of the client behind the one in packet 312"

    @pytest.mark.parametrize("kind", ["data-after-close", "close-again"])
    def test_a_frame_that_is_a_guess(self, kind: str) -> None:
        noticed = observed(event(kind, header_length=2, certain=False))
        for check in (checks.data_after_close, checks.second_close):
            assert found(check, connection(observation=noticed)) == []

    def test_data_after_the_other_ends_close_is_fine(self) -> None:
        for check in (checks.data_after_close, checks.second_close):
            assert found_in(check, "websockets-plain.pcapng") == []


class TestUnansweredClose:
    def of(self, *frames: Event, **facts: object) -> list[str]:
        return messages(found(checks.unanswered_close, closed(*frames, **facts)))

    @pytest.mark.parametrize(("how", "did"), [("fin", "closed"), ("rst", "reset")])
    def test_the_other_end_ends_tcp_instead(self, how: str, did: str) -> None:
        assert self.of(closing(), endings=(ending("server", how),)) == [
            f"the server {did} TCP without answering the client's Close"
        ]

    def test_an_end_that_stopped_within_a_frame_can_send_none(self) -> None:
        record = closed(closing(), endings=(ending("server"),))
        assert record.observation is not None
        assert len(found(checks.unanswered_close, record)) == 1
        record.observation.counts["cut", "server"] = 1
        assert found(checks.unanswered_close, record) == []

    @pytest.mark.parametrize("how", ["fin", "rst"])
    def test_the_sender_may_have_ended_tcp_first_where_its_end_is_missing(self, how: str) -> None:
        record = closed(closing(), endings=(ending("server", how),))
        assert record.observation is not None
        record.observation.client_end_missing = True
        assert found(checks.unanswered_close, record) == []

    def test_what_it_sent_before_its_reset_may_not_have_been_captured(self) -> None:
        """Its own FIN takes a number as well: it may have ended TCP before the Close came."""
        unseen = replace(ending("server", "rst"), behind=1)
        assert self.of(closing(), endings=(unseen,)) == []

    def test_nobody_does_anything(self) -> None:
        assert self.of(closing(), until=12) == ["no Close answered this one in 10.0 s"]

    def test_the_capture_ends_first(self) -> None:
        assert self.of(closing(), until=11.9) == []

    def test_the_sender_does_not_wait(self) -> None:
        assert self.of(closing(), endings=(ending("client", at=2.9), ending("server"))) == []

    def test_the_sender_waits_and_gives_up(self) -> None:
        assert self.of(closing(), endings=(ending("client"), ending("server", at=3.1))) == [
            "no Close answered this one in 1.0 s: the client gave up, and the server ended TCP"
        ]

    def test_the_sender_gives_up_within_the_way_there_and_back(self) -> None:
        endings = (ending("client"), ending("server", at=3.1))
        assert self.of(closing(), endings=endings, connect_ms=1001.0) == []

    def test_the_capture_ends_before_the_other_end_does(self) -> None:
        assert self.of(closing(), endings=(ending("client"),)) == []

    def test_the_other_end_may_be_within_a_message(self) -> None:
        endings = (ending("client"), ending("server", at=3.1))
        for busy in (event("last", "server", length=65537), None):
            record = closed(closing(), endings=endings)
            assert record.observation is not None
            record.observation.server.last = busy
            if busy is None:
                record.observation.counts["unfinished", "server"] = 1
            assert found(checks.unanswered_close, record) == []

    def test_it_was_answered(self) -> None:
        frames = closing(), closing("server", None, at=2.1)
        assert self.of(*frames, endings=(ending("server"),)) == []

    def test_both_crossed(self) -> None:
        frames = closing(), closing("server", 1001)
        assert self.of(*frames, endings=(ending("server"),)) == []

    def test_the_end_of_tcp_may_have_crossed_the_close(self) -> None:
        endings = (ending("server", at=2.05),)
        assert self.of(closing(), endings=endings, connect_ms=50.0) == []
        assert len(self.of(closing(), endings=endings, connect_ms=49.0)) == 1

    def test_the_way_of_pongs_is_the_way_of_a_close(self) -> None:
        record = closed(closing("server"), endings=(ending("client", at=2.05),))
        assert record.observation is not None
        record.observation.server.pong_ns = Spread(1, SECOND // 10, 0.0, SECOND // 10, SECOND // 10)
        assert found(checks.unanswered_close, record) == []

    def test_the_other_end_had_ended_tcp_before(self) -> None:
        assert self.of(closing(), endings=(ending("server", at=1.9),)) == []

    @pytest.mark.parametrize("missing", ["client_lost_bytes", "server_lost_bytes"])
    def test_bytes_are_missing(self, missing: str) -> None:
        assert self.of(closing(), endings=(ending("server"),), **{missing: 1}) == []


class TestCutWithoutClose:
    def of(self, *frames: Event, **facts: object) -> list[Finding]:
        return found(checks.cut_without_close, closed(*frames, **facts))

    def test_it_is_placed_at_the_end_of_tcp(self) -> None:
        [finding] = self.of(endings=(ending("server", "rst"),), client_frames=1)
        assert (finding.sender, finding.packet, finding.evidence) == ("server", 18, "RST")
        assert (finding.severity, finding.expected) == ("warning", "a Close frame first")

    def test_a_client_that_leaves_before_anything_is_said_only_tried(self) -> None:
        tried = {"endings": (ending("client", at=0.5),), "until": 0.5}
        (finding,) = self.of(**tried)
        assert (finding.severity, finding.packet) == ("info", 18)
        assert finding.cause == (
            "the client closed TCP (FIN) to 198.51.100.2:80 at once, before any frame"
        )
        (finding,) = self.of(**tried, server_frames=1)
        assert finding.severity == "warning"

    def test_a_client_that_ended_tls_first_began_it(self) -> None:
        """Its close_notify is answered by one, and by a FIN that is the first of the two."""
        cut = closed(endings=(ending("server", at=60),), client_frames=1)
        cut.tls = inside(closed_by="client", closed_at=(59 * SECOND, 16)).tls
        assert cut.observation is not None
        cut.observation.silence_ns = 60 * SECOND
        [finding] = found(checks.cut_without_close, cut)
        assert finding.cause == (
            "the client ended TLS (close_notify) with 198.51.100.2:80, "
            "and the server then closed TCP (FIN)"
        )
        assert (finding.sender, finding.evidence) == ("server", "FIN")

    def test_a_server_that_ends_it_at_once(self) -> None:
        [finding] = self.of(endings=(ending("server", "rst", at=0.5),), until=0.5)
        assert finding.message == (
            "the server reset TCP (RST) without a Close frame, before any frame"
        )

    def test_a_close_was_sent(self) -> None:
        assert self.of(closing(), endings=(ending(),), client_frames=1) == []

    def test_the_capture_ended_first(self) -> None:
        assert self.of(client_frames=1) == []

    def test_a_close_may_be_among_what_is_missing(self) -> None:
        assert self.of(endings=(ending(),), client_frames=1, client_lost_bytes=1) == []

    def test_a_time_limit_is_not_the_clients_own(self) -> None:
        """Limits are those of who stands between; a client that ends it itself has none of them."""
        own = closed(endings=(ending(at=62),), client_frames=1)
        assert own.observation is not None
        own.observation.silence_ns = 60 * SECOND
        (finding,) = found(checks.cut_without_close, own)
        assert "fits" not in finding.message + finding.cause
        assert finding.expected == "a Close frame first"

    def test_recorded(self) -> None:
        findings = found_in(checks.cut_without_close, "cut-connections.pcapng")
        assert [(f.sender, f.packet, f.evidence) for f in findings] == [
            ("client", 10, "RST; the last frame in packet 9"),
            ("client", 20, "FIN; the last frame in packet 19"),
            ("server", 33, "RST; the last frame in packet 32"),
            ("server", 44, "FIN; the last frame in packet 43"),
            ("client", 57, "FIN; the last frame in packet 55"),
            ("client", 70, "RST; the last frame in packet 67"),
        ]


class TestTcpAfterBothCloses:
    both = (closing(), closing("server", at=2.1))

    def turn(self, *endings: Ending, frames: tuple[Event, ...] = both) -> list[tuple[str, str]]:
        findings = found(checks.tcp_closed_out_of_turn, closed(*frames, endings=endings))
        return [(f.severity, f.message) for f in findings]

    def test_the_server_first(self) -> None:
        assert self.turn(ending("server"), ending("client", at=3.1)) == []

    def test_the_client_first(self) -> None:
        assert self.turn(ending("client"), ending("server", at=3.1)) == [
            ("info", "the client closed TCP before the server did")
        ]

    def test_who_ended_tls_first_is_not_known_where_bytes_are_missing(self) -> None:
        """The server's close_notify may be among them: then the client's FIN is its answer."""
        record = closed(*self.both, endings=(ending("client"), ending("server", at=3.1)))
        record.tls = inside(closed_by="client", closed_at=(2 * SECOND, 17)).tls
        assert len(found(checks.tcp_closed_out_of_turn, record)) == 1
        record.server_lost_bytes = 533
        assert found(checks.tcp_closed_out_of_turn, record) == []

    def test_who_closed_first_is_not_known_where_the_servers_fin_is_missing(self) -> None:
        """The client has acknowledged it, before its own FIN perhaps."""
        record = closed(*self.both, endings=(ending("client"),))
        assert len(found(checks.tcp_closed_out_of_turn, record)) == 1
        assert record.observation is not None
        record.observation.server_end_missing = True
        assert found(checks.tcp_closed_out_of_turn, record) == []

    def test_a_reset(self) -> None:
        expected = [("warning", "the server reset TCP after both Close frames")]
        assert self.turn(ending("server", "rst")) == expected
        assert self.turn(ending("client"), ending("server", "rst", 3.1)) == expected

    def test_a_reset_that_answers_a_close_notify_loses_nothing(self) -> None:
        """Tornado closes its socket without waiting for aiohttp's close_notify."""
        record = closed(*self.both, endings=[ending("server", "rst")])
        record.tls = inside(closed_by="client", closed_at=(2 * SECOND, 17)).tls
        [finding] = found(checks.tcp_closed_out_of_turn, record)
        assert finding.severity == "info"
        assert finding.message.endswith("in answer to the client's close_notify in packet 17")

    def test_a_reset_when_both_had_ended_tls_loses_nothing(self) -> None:
        """nginx and HAProxy say close_notify, and have closed the socket when one comes."""
        record = closed(*self.both, endings=(ending("client"), ending("server", "rst", 3.1)))
        record.tls = inside(
            closed_by="server", closed_at=(2 * SECOND, 17), notified=("server", "client")
        ).tls
        [finding] = found(checks.tcp_closed_out_of_turn, record)
        assert finding.severity == "info"
        assert finding.message == (
            "the server reset TCP after both Close frames and both close_notify alerts"
        )
        record.tls.notified = ("server",)
        [finding] = found(checks.tcp_closed_out_of_turn, record)
        assert finding.severity == "warning"

    def test_a_reset_whose_close_notify_is_missing_may_lose_nothing(self) -> None:
        record = closed(*self.both, endings=[ending("server", "rst")])
        record.tls = inside().tls
        [finding] = found(checks.tcp_closed_out_of_turn, record)
        assert finding.severity == "warning"
        assert record.observation is not None
        record.observation.client_end_missing = True
        assert [each.severity for each in found(checks.tcp_closed_out_of_turn, record)] == ["info"]
        record.observation.client_end_missing = False
        record.client_lost_bytes = 24
        [finding] = found(checks.tcp_closed_out_of_turn, record)
        assert (finding.severity, finding.message) == (
            "info",
            "the server reset TCP after both Close frames; a close_notify of the client may be "
            "among what is not in the capture",
        )

    def test_a_reset_that_answers_what_is_missing_may_lose_nothing(self) -> None:
        """It has no ACK: nothing else would make an end that sent its FIN say so."""
        answer = replace(ending("server", "rst", 3.1), has_ack=False)
        record = closed(*self.both, endings=[ending("server"), answer])
        record.tls = inside(closed_by="server", closed_at=(2 * SECOND, 17)).tls
        [finding] = found(checks.tcp_closed_out_of_turn, record)
        assert finding.severity == "info"
        assert "a close_notify of the client may be among" in finding.message
        assert record.observation is not None
        record.observation.client_after_end = 24
        [finding] = found(checks.tcp_closed_out_of_turn, record)
        assert finding.severity == "warning"

    def test_a_reset_when_both_had_closed_takes_nothing_away(self) -> None:
        ends = ending("server"), ending("client", at=3.1), ending("server", "rst", 3.2)
        assert self.turn(*ends) == []

    def test_one_close_alone(self) -> None:
        assert self.turn(ending("client"), frames=(closing(),)) == []

    def left_open(self, *endings: Ending, until: float) -> list[str]:
        record = closed(*self.both, endings=endings, until=until)
        return messages(found(checks.tcp_left_open, record))

    def test_left_open(self) -> None:
        assert self.left_open(ending("server", at=12.2), until=13) == [
            "TCP stayed open for 10.1 s after both Close frames, longer than 10 s"
        ]

    def test_closed_just_in_time(self) -> None:
        assert self.left_open(ending("server", at=12.1), until=30) == []

    def test_the_capture_ends_first(self) -> None:
        assert self.left_open(until=12.1) == []
