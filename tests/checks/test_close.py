"""CLS: what Close frames say."""

from __future__ import annotations

import pytest

from checks.given import closed, closing, connection, event, found, found_in, messages
from wsanalyze.checks import close as checks
from wsanalyze.checks.check import Check
from wsanalyze.checks.finding import Finding
from wsanalyze.observation import Event, Side


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

    def test_a_text_in_the_place_of_the_code(self) -> None:
        """gevent-websocket writes the reason alone."""
        frame = closing(code=int.from_bytes(b"by", "big"), reason=b"tearray(b'done')")
        [finding] = self.of(checks.invalid_close_code, frame)
        assert finding.message == (
            "the Close has the status code 25209, which is no status code: its body is the text "
            "\"bytearray(b'done')\", without a code in front"
        )

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

    @pytest.mark.parametrize(("one", "other"), [(1000, 1002), (1005, 1000), (1000, 25209)])
    def test_where_another_check_tells_why(self, one: int, other: int) -> None:
        """CLS-11 of who blames, CLS-02 of a code that does not exist."""
        frames = closing("client", one), closing("server", other, at=2.1)
        assert found(checks.close_codes_differ, closed(*frames)) == []

    def test_one_code_alone(self) -> None:
        assert found(checks.close_codes_differ, closed(closing())) == []

    @pytest.mark.parametrize("seen", [b"", b"\x03"])
    def test_a_code_that_is_missing_is_not_known(self, seen: bytes) -> None:
        frames = closing("client", payload=seen, length=5), closing("server", at=2.1)
        assert found(checks.close_codes_differ, closed(*frames)) == []

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
