"""CTL: the form of control frames; which Ping must have had its Pong."""

from __future__ import annotations

from array import array
from dataclasses import replace

import pytest

from checks.given import SECOND, connection, event, found, found_in, messages, observed
from wsanalyze.checks import control
from wsanalyze.checks.finding import Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.observation import Ending, Event, Observation, Side, Spread

KEY = 0x37FA213D


def frame(kind: str, head: int, length: int = 4, sender: str = "client", **facts: object) -> Event:
    """A masked frame with a short length."""
    given = {"head": head, "second": 0x80 | min(length, 126), "length": length}
    given |= {"header_length": 6 if length < 126 else 8, "masking_key": KEY}
    return event(kind, sender, **(given | facts))


def spread(*numbers: int) -> Spread:
    found = Spread()
    for number in numbers:
        found.add(number)
    return found


def test_a_control_frame_too_long() -> None:
    noticed = observed(frame("control-length", 0x89, 126))
    [finding] = found(control.control_frame_too_long, connection(observation=noticed))
    assert finding.message == "a Ping frame has 126 bytes"
    assert (finding.evidence, finding.expected) == ("89 fe 00 7e 37 fa 21 3d", "125 bytes at most")


def test_recorded_control_frames_too_long() -> None:
    findings = found_in(control.control_frame_too_long, "oddities.pcapng")
    assert [(f.packet, f.message) for f in findings] == [
        (126, "a Ping frame has 126 bytes"),
        (287, "a Close frame has 126 bytes"),
    ]


def test_a_control_frame_without_fin() -> None:
    [finding] = found_in(control.fragmented_control_frame, "oddities.pcapng")
    assert (finding.packet, finding.message) == (139, "a Ping frame has no FIN")
    assert finding.evidence == "09 8c 37 fa 21 3d"


@pytest.mark.parametrize("kind", ["control-length", "control-fragment", "ping-after-close"])
def test_a_control_frame_that_is_a_guess(kind: str) -> None:
    record = connection(observation=observed(frame(kind, 0x09, 126, certain=False)))
    for check in (
        control.control_frame_too_long,
        control.fragmented_control_frame,
        control.ping_after_close,
    ):
        assert found(check, record) == []


def test_control_frames_as_they_should_be() -> None:
    for check in (control.control_frame_too_long, control.fragmented_control_frame):
        assert found_in(check, "keepalive.pcap") == []


class TestUnansweredPing:
    """A Ping at 2 s; `value` is how long the connection went on."""

    def of(
        self, *, waited: float, spoke: float | None = None, over: bool = False, **facts: object
    ) -> list[Finding]:
        ping = frame(
            "ping-unanswered",
            0x89,
            payload=b"\x01\x02\x03\x04",
            value=int(waited * SECOND),
            certain=facts.pop("certain", True),
        )
        last = None if spoke is None else event("last", "server", time=int(spoke * SECOND))
        server = Side(last=last, close=facts.pop("server_close", None))
        client = Side(close=facts.pop("client_close", None))
        fin = Ending("client", "fin", 9 * SECOND, 18, 64, 64, 1, 0, 500, has_ack=True, bare=True)
        observation = observed(ping, client=client, server=server, endings=[fin] if over else [])
        return found(control.unanswered_ping, connection(observation=observation, **facts))

    def test_no_pong_within_the_time(self) -> None:
        [finding] = self.of(waited=20)
        assert finding.message == "no Pong came for this Ping in the 20.000 s that were left"
        assert (finding.severity, finding.evidence) == ("error", "payload 01 02 03 04")

    def test_the_capture_went_on_for_too_short_a_time(self) -> None:
        assert self.of(waited=19.9, spoke=21) == []

    def test_the_other_end_went_on_speaking_and_tcp_ended(self) -> None:
        assert len(self.of(waited=7, spoke=4, over=True)) == 1

    def test_the_other_end_was_silent_until_tcp_ended(self) -> None:
        assert self.of(waited=7, spoke=2.9, over=True) == []

    @pytest.mark.parametrize("name", ["client_close", "server_close"])
    def test_a_close_came_instead(self, name: str) -> None:
        assert self.of(waited=30, **{name: event("close", time=3 * SECOND)}) == []

    @pytest.mark.parametrize("missing", ["client_lost_bytes", "server_lost_bytes"])
    def test_bytes_are_missing(self, missing: str) -> None:
        assert self.of(waited=30, **{missing: 1}) == []

    def test_the_ping_is_a_guess(self) -> None:
        assert self.of(waited=30, certain=False) == []


class TestPingWhoseSenderGaveUp:
    """A Ping of the server at 2 s, its Close at `closed`; the client's FIN behind that."""

    def of(
        self,
        *,
        closed: float = 3,
        by: str = "client",
        last: Event | None = None,
        answered: float | None = None,
        **facts: object,
    ) -> list[Finding]:
        ping = frame("ping-unanswered", 0x89, 0, "server", value=8 * SECOND, masking_key=None)
        close = event("close", "server", time=int(closed * SECOND))
        back = None if answered is None else event("close", time=int(answered * SECOND))
        fin = Ending(by, "fin", 9 * SECOND, 18, 64, 64, 1, 0, 500, has_ack=True, bare=True)
        client, server = Side(last=last, close=back), Side(close=close)
        observation = observed(ping, client=client, server=server, endings=[fin])
        return found(control.unanswered_ping, connection(observation=observation, **facts))

    def test_the_other_end_had_time_and_ended_without(self) -> None:
        [finding] = self.of()
        assert finding.severity == "warning"
        assert finding.message == (
            "no Pong came for this Ping in the 1.000 s until the server closed"
        )

    def test_a_close_in_answer_is_no_pong(self) -> None:
        assert len(self.of(answered=3.1)) == 1

    def test_the_close_came_too_soon(self) -> None:
        assert self.of(closed=2.999) == []

    def test_the_other_end_had_closed_before(self) -> None:
        assert self.of(answered=2.9) == []

    def test_the_capture_ends_before_the_other_end_does(self) -> None:
        assert self.of(by="server") == []

    def test_a_pong_may_have_waited_for_the_end_of_a_frame(self) -> None:
        assert self.of(last=event("last", length=65537)) == []
        assert len(self.of(last=event("last", length=65536))) == 1

    @pytest.mark.parametrize("missing", ["client_lost_bytes", "server_lost_bytes"])
    def test_bytes_are_missing(self, missing: str) -> None:
        assert self.of(**{missing: 1}) == []


class TestRoundTrips:
    def of(self, *took: int, **facts: object) -> list[str]:
        observation = Observation(client=Side(pong_ns=spread(*took)))
        record = connection(observation=observation, **facts)
        return messages(found(control.ping_round_trips, record))

    def test_several(self) -> None:
        assert self.of(1_000_000, 2_500_000, 4_000_000) == [
            "3 Pings of the client were answered, after 1.000 ms at least, 2.500 ms on average and "
            "4.000 ms at most"
        ]

    def test_too_few(self) -> None:
        assert self.of(1_000_000, 2_500_000) == []

    @pytest.mark.parametrize("missing", ["client_lost_bytes", "server_lost_bytes"])
    def test_a_pong_may_be_missing(self, missing: str) -> None:
        assert self.of(1, 2, 3, **{missing: 1}) == []

    def test_the_median_is_that_of_the_times_that_are_kept(self) -> None:
        times = array("q", [1_000_000, 1_200_000, 90_000_000])
        side = Side(pong_ns=spread(*times), pong_times=times)
        [finding] = found(
            control.ping_round_trips, connection(observation=Observation(client=side))
        )
        assert ", 1.200 ms in the median, 30.733 ms on average" in finding.message

    def test_recorded(self) -> None:
        [finding] = found_in(control.ping_round_trips, "keepalive.pcap")
        assert finding.message == (
            "10 Pings of the server were answered, after 0.279 ms at least, 0.316 ms in the "
            "median, 0.536 ms on average "
            "and 2.549 ms at most"
        )

    def test_a_ping_that_must_not_be_answered(self) -> None:
        for ping in (
            frame("ping-unanswered", 0x09, value=30 * SECOND),
            frame("ping-unanswered", 0x89, 126, value=30 * SECOND),
        ):
            assert found(control.unanswered_ping, connection(observation=observed(ping))) == []

    def test_recorded_pings_were_answered(self) -> None:
        assert found_in(control.unanswered_ping, "keepalive.pcap") == []


class TestMismatchedPong:
    ping = frame("ping-unanswered", 0x89, sender="server", packet=7, frame=1, payload=b"\x01")
    pong = frame("pong-mismatched", 0x8A, payload=b"\x02", other=ping)

    def of(self, *events: Event, **facts: object) -> list[Finding]:
        return found(control.mismatched_pong, connection(observation=observed(*events), **facts))

    def test_the_ping_never_got_its_answer(self) -> None:
        [finding] = self.of(self.ping, self.pong)
        assert finding.message == "a Pong with 02 while the Ping in packet 7 waits for 01"
        assert (finding.severity, finding.expected) == ("error", "01")

    def test_that_it_was_not_answered_is_no_other_finding(self) -> None:
        ping = replace(self.ping, value=30 * SECOND)
        alone, both = observed(ping), observed(ping, replace(self.pong, other=ping))
        assert len(found(control.unanswered_ping, connection(observation=alone))) == 1
        assert found(control.unanswered_ping, connection(observation=both)) == []

    def test_payloads_that_are_text_are_read(self) -> None:
        ping = frame("ping-unanswered", 0x89, payload=b"one", packet=7)
        pong = frame("pong-mismatched", 0x8A, payload=b"two", other=ping)
        [finding] = self.of(ping, pong)
        assert finding.message == "a Pong with 'two' while the Ping in packet 7 waits for 'one'"
        assert (finding.evidence, finding.expected) == ("74 77 6f", "6f 6e 65")

    def test_the_ping_was_answered_later(self) -> None:
        assert [f.severity for f in self.of(self.pong)] == ["info"]

    def test_the_ping_that_it_answers_may_be_missing(self) -> None:
        assert self.of(self.ping, self.pong, server_lost_bytes=1) == []


class TestUnsolicitedPongs:
    def of(self, **facts: object) -> list[Finding]:
        side = Side(unsolicited_pongs=3, pong_only_ns=spread(2 * SECOND, 3 * SECOND))
        record = connection(observation=Observation(client=side), **facts)
        return found(control.unsolicited_pongs, record)

    def test_a_heartbeat_is_a_remark(self) -> None:
        [finding] = self.of()
        assert finding.message == (
            "the client sent 3 Pongs that no Ping asked for, 2.500 s apart on average"
        )
        assert finding.severity == "info"

    def test_the_pings_may_be_missing(self) -> None:
        assert self.of(server_lost_bytes=1) == []

    def test_no_such_pongs(self) -> None:
        assert found(control.unsolicited_pongs, connection()) == []

    def test_recorded(self) -> None:
        assert messages(found_in(control.unsolicited_pongs, "aiohttp-chat.pcapng")) == [
            "the client sent 1 Pong that no Ping asked for"
        ]


class TestPingFlood:
    def of(self, side: Side, **facts: object) -> list[tuple[str, str]]:
        record: Connection = connection(observation=Observation(client=side), **facts)
        return [(f.severity, f.message) for f in found(control.ping_flood, record)]

    def test_too_many_in_a_second(self) -> None:
        assert self.of(Side(pings_in_second=21)) == [
            ("warning", "the client sent 21 Pings within a second")
        ]

    def test_as_many_as_are_allowed(self) -> None:
        assert self.of(Side(pings_in_second=20)) == []

    uneven = Side(ping_ns=spread(*(SECOND, 9 * SECOND) * 5))

    def test_uneven_intervals(self) -> None:
        assert self.of(self.uneven) == [
            (
                "info",
                "the client's Pings come unevenly: 5.000 s apart on average, "
                "with a deviation of 4.000 s",
            )
        ]

    def test_pings_may_be_missing_between(self) -> None:
        assert self.of(self.uneven, client_lost_bytes=1) == []

    def test_nearly_even_intervals(self) -> None:
        assert self.of(Side(ping_ns=spread(*(SECOND, 3 * SECOND) * 5))) == []

    def test_too_few_to_tell(self) -> None:
        assert self.of(Side(ping_ns=spread(SECOND, 9 * SECOND))) == []


def test_a_ping_after_the_own_close() -> None:
    [finding] = found_in(control.ping_after_close, "oddities.pcapng")
    assert (finding.packet, finding.severity) == (300, "warning")
    assert finding.message == "a Ping behind this side's own Close in packet 298"
