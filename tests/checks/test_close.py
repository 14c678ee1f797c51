"""CLS: what Close frames say, whether they are answered, and how TCP ends."""

from __future__ import annotations

import pytest

from checks.given import SECOND, connection, event, found, found_in, messages, observed
from wsanalyze.checks import close as checks
from wsanalyze.checks.check import Check
from wsanalyze.checks.finding import Finding
from wsanalyze.layers.connection import Connection
from wsanalyze.observation import Ending, Event, Observation, Side, Spread


def closing(
    sender: str = "client",
    code: int | None = 1000,
    reason: bytes = b"",
    at: float = 2,
    **more: object,
) -> Event:
    """A Close frame, in packet 8 at 2 s where nothing else is said."""
    payload = (b"" if code is None else code.to_bytes(2, "big")) + reason
    given = {"payload": payload, "length": len(payload), "time": int(at * SECOND)}
    given |= {"head": 0x88, "second": len(payload), "header_length": 2}
    return event("close", sender, **(given | more))


def ending(sender: str = "client", how: str = "fin", at: float = 3) -> Ending:
    return Ending(sender, how, int(at * SECOND), 18, 64, 64, 1, 0, 500, has_ack=True, bare=True)


def closed(
    *frames: Event, endings: tuple[Ending, ...] = (), until: float = 10, **facts: object
) -> Connection:
    """A connection with these Close frames and ends of TCP, seen until a time."""
    observation = Observation(endings=list(endings))
    for each in frames:
        observation.side(each.sender).close = each
    return connection(observation=observation, ended=int(until * SECOND), **facts)


class TestBody:
    def of(self, check: Check, *frames: Event) -> list[Finding]:
        return found(check, closed(*frames))

    def test_one_byte(self) -> None:
        short = closing(code=None, reason=b"\x03")
        [finding] = self.of(checks.close_of_one_byte, short)
        assert (finding.message, finding.evidence) == ("the Close has a body of one byte", "03")

    @pytest.mark.parametrize("frame", [closing(code=None), closing()])
    def test_no_body_and_a_code_alone_are_fine(self, frame: Event) -> None:
        for check in (
            checks.close_of_one_byte,
            checks.invalid_close_code,
            checks.close_reason_not_utf8,
        ):
            assert self.of(check, frame) == []

    @pytest.mark.parametrize(
        ("code", "why"),
        [
            (0, "is no status code"),
            (999, "is no status code"),
            (1004, "is reserved"),
            (1005, "stands for a Close without a code"),
            (1006, "stands for a connection that ended without a Close"),
            (1015, "stands for a TLS handshake that failed"),
            (1016, "is not registered"),
            (2999, "is not registered"),
            (5000, "is no status code"),
            (65535, "is no status code"),
        ],
    )
    def test_codes_that_must_not_be_sent(self, code: int, why: str) -> None:
        [finding] = self.of(checks.invalid_close_code, closing(code=code))
        assert finding.message == f"the Close has the status code {code}, which {why}"
        assert (finding.severity, finding.evidence) == ("error", code.to_bytes(2, "big").hex(" "))

    @pytest.mark.parametrize(
        "code",
        [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4999],
    )
    def test_codes_that_may_be_sent(self, code: int) -> None:
        assert self.of(checks.invalid_close_code, closing(code=code)) == []

    def test_a_reason_that_is_no_text(self) -> None:
        [finding] = self.of(checks.close_reason_not_utf8, closing(reason=b"ab\xff"))
        assert finding.message == "the Close's reason is no UTF-8 from byte 2 on"

    def test_a_reason_of_which_only_the_beginning_was_kept(self) -> None:
        assert self.of(checks.close_reason_not_utf8, closing(reason=b"\xff", length=125)) == []

    @pytest.mark.parametrize(
        "frame",
        [closing(code=None, reason=b"\x03"), closing(code=1006), closing(reason=b"\xff")],
    )
    def test_a_frame_that_is_a_guess(self, frame: Event) -> None:
        from dataclasses import replace

        for check in (
            checks.close_of_one_byte,
            checks.invalid_close_code,
            checks.close_reason_not_utf8,
        ):
            assert self.of(check, replace(frame, certain=False)) == []

    def test_1010_is_the_clients_alone(self) -> None:
        check = checks.server_sent_mandatory_extension
        assert messages(self.of(check, closing("server", 1010))) == ["the server closed with 1010"]
        assert self.of(check, closing("client", 1010)) == []
        assert self.of(check, closing("server", 1010, certain=False)) == []

    @pytest.mark.parametrize(
        ("check", "rows"),
        [
            (checks.close_of_one_byte, [(221, "03")]),
            (checks.invalid_close_code, [(232, "03 ed"), (243, "03 e7"), (265, "13 88")]),
            (checks.close_reason_not_utf8, [(276, "03 e8 ff fe")]),
        ],
    )
    def test_recorded(self, check: Check, rows: list[tuple[int, str]]) -> None:
        assert [(f.packet, f.evidence) for f in found_in(check, "oddities.pcapng")] == rows


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

    def test_nobody_does_anything(self) -> None:
        assert self.of(closing(), until=12) == ["no Close answered this one in 10.0 s"]

    def test_the_capture_ends_first(self) -> None:
        assert self.of(closing(), until=11.9) == []

    def test_the_sender_does_not_wait(self) -> None:
        assert self.of(closing(), endings=(ending("client"), ending("server", at=3.1))) == []

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

    def test_a_close_was_sent(self) -> None:
        assert self.of(closing(), endings=(ending(),), client_frames=1) == []

    def test_the_capture_ended_first(self) -> None:
        assert self.of(client_frames=1) == []

    def test_a_close_may_be_among_what_is_missing(self) -> None:
        assert self.of(endings=(ending(),), client_frames=1, client_lost_bytes=1) == []

    def test_a_client_that_only_looked_whether_it_can_connect(self) -> None:
        assert self.of(endings=(ending(at=0.9),)) == []

    def test_recorded(self) -> None:
        findings = found_in(checks.cut_without_close, "cut-connections.pcapng")
        assert [(f.sender, f.packet, f.evidence) for f in findings] == [
            ("client", 10, "RST"),
            ("client", 20, "FIN"),
            ("server", 33, "RST"),
            ("server", 44, "FIN"),
            ("client", 57, "FIN"),
            ("client", 70, "RST"),
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

    def test_a_reset(self) -> None:
        expected = [("warning", "the server reset TCP after both Close frames")]
        assert self.turn(ending("server", "rst")) == expected
        assert self.turn(ending("client"), ending("server", "rst", 3.1)) == expected

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
            "TCP stayed open for 10.1 s after both Close frames"
        ]

    def test_closed_just_in_time(self) -> None:
        assert self.left_open(ending("server", at=12.1), until=30) == []

    def test_the_capture_ends_first(self) -> None:
        assert self.left_open(until=12.1) == []


class TestBlamingClose:
    def of(self, *frames: Event, before: Event | None = None) -> list[str]:
        record = closed(*frames)
        assert record.observation is not None
        record.observation.server.before_close = before
        return messages(found(checks.blaming_close, record))

    def test_the_frame_before_it_is_named(self) -> None:
        provoker = event("before-close", head=0x81, length=7, packet=6, frame=1)
        assert self.of(closing("server", 1007, b"bad \x1b[31m"), before=provoker) == [
            "the server closed with 1007 (Invalid frame payload data); before that the client had "
            "sent a text frame of 7 bytes (packet 6, frame 1); its reason is 'bad \\x1b[31m'"
        ]

    def test_nothing_had_come_before(self) -> None:
        assert self.of(closing("server", 1002)) == ["the server closed with 1002 (Protocol error)"]

    def test_an_answer_that_repeats_the_code_blames_nobody(self) -> None:
        assert self.of(closing("client", 1002), closing("server", 1002, at=2.1)) == [
            "the client closed with 1002 (Protocol error)"
        ]

    @pytest.mark.parametrize("code", [None, 1000, 1001, 1012, 4000])
    def test_codes_that_blame_nobody(self, code: int | None) -> None:
        assert self.of(closing("server", code)) == []


class TestRemarks:
    def test_codes_that_differ(self) -> None:
        frames = closing("client", 1001), closing("server", None, at=2.1)
        [finding] = found(checks.close_codes_differ, closed(*frames))
        assert finding.message == (
            "the client closed with 1001 (Going Away), the server with no code"
        )
        assert (finding.severity, finding.sender) == ("info", "server")

    def test_codes_that_are_the_same(self) -> None:
        frames = closing("client", 1001, b"bye"), closing("server", 1001, at=2.1)
        assert found(checks.close_codes_differ, closed(*frames)) == []

    def test_one_code_alone(self) -> None:
        assert found(checks.close_codes_differ, closed(closing())) == []

    @pytest.mark.parametrize(
        ("code", "name"),
        [
            (1012, "Service Restart"),
            (1013, "Try Again Later"),
            (1014, "Bad Gateway"),
            (3000, "Unauthorized"),
            (3003, "Forbidden"),
            (3008, "Timeout"),
            (3001, "unregistered, reserved for libraries and frameworks"),
            (4999, "private use"),
        ],
    )
    def test_codes_that_not_everybody_knows(self, code: int, name: str) -> None:
        frames = closing("server", code), closing("client", code, at=2.1)
        [finding] = found(checks.uncommon_close_code, closed(*frames))
        assert finding.message == f"the server closed with {code}: {name}"
        assert finding.severity == "info"

    @pytest.mark.parametrize("frame", [closing(), closing(code=None), closing(code=1011)])
    def test_codes_that_everybody_knows(self, frame: Event) -> None:
        assert found(checks.uncommon_close_code, closed(frame)) == []

    def test_an_answer_with_such_a_code_is_not_told_again(self) -> None:
        frames = closing("client", 1000), closing("server", 4000, at=2.1)
        assert found(checks.uncommon_close_code, closed(*frames)) == []

    def test_a_frame_that_is_a_guess(self) -> None:
        guess = closing(code=4000, certain=False)
        assert found(checks.uncommon_close_code, closed(guess)) == []


def test_nothing_is_said_of_a_side_without_a_close() -> None:
    assert Side().close is None
    for check in vars(checks).values():
        if isinstance(check, Check):
            assert found(check, connection()) == []
