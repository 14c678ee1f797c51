"""MSG: fragmentation, text, and content; what is legal is silent."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.given import SECOND, connection, event, found, found_in, messages, observed
from wsanalyze.buffer import Buffer
from wsanalyze.checks import messages as checks
from wsanalyze.checks.check import Check
from wsanalyze.checks.finding import Finding
from wsanalyze.observation import Ending, Event, Observation, Side
from wsanalyze.websocket.masking import Scratch
from wsanalyze.websocket.messages import MessageReader

FIN = Ending("client", "fin", 9 * SECOND, 18, 64, 64, 1, 0, 500, has_ack=True, bare=True)


def about(kind: str, sender: str = "client", **facts: object) -> Event:
    return event(kind, sender, **({"head": 0x81, "second": 5, "header_length": 2} | facts))


class TestContinuationOfNothing:
    def test_no_message_is_open(self) -> None:
        noticed = observed(about("no-message", head=0x80, length=5))
        [finding] = found(checks.continuation_of_nothing, connection(observation=noticed))
        assert finding.message == "a continuation frame of 5 bytes, and no message is open"
        assert (finding.severity, finding.evidence) == ("error", "80 05")

    def test_the_frame_is_a_guess(self) -> None:
        noticed = observed(about("no-message", head=0x80, certain=False))
        assert found(checks.continuation_of_nothing, connection(observation=noticed)) == []

    def test_recorded(self) -> None:
        """That of /fragmented-ping goes on with a Ping, of which CTL-02 tells."""
        findings = found_in(checks.continuation_of_nothing, "oddities.pcapng")
        assert [(f.packet, f.frame, f.message) for f in findings] == [
            (153, 0, "a continuation frame of 9 bytes, and no message is open"),
        ]

    @pytest.mark.parametrize(
        ("sender", "frame", "told"),
        [("client", 1, False), ("client", 0, True), ("server", 1, True)],
    )
    def test_behind_a_fragment_of_a_ping(self, sender: str, frame: int, told: bool) -> None:
        ping = event("control-fragment", sender, frame=frame, head=0x09)
        record = connection(observation=observed(ping, about("no-message")))
        assert bool(found(checks.continuation_of_nothing, record)) is told


class TestTextThatIsNone:
    def of(self, *others: Event, **facts: Any) -> list[Finding]:
        noticed = event("not-utf8", "server", payload=b"\xca\x48", value=0, **facts)
        return found(checks.text_not_utf8, connection(observation=observed(noticed, *others)))

    def stray(self, frame: int, sender: str = "server", head: int = 0xC1) -> Event:
        return event("rsv", sender, head=head, frame=frame)

    def test_one_that_is_compressed_and_nobody_agreed(self) -> None:
        """RSV1 is what is wrong there, and FRM-03 tells of it."""
        assert self.of(self.stray(2)) == []
        assert self.of(self.stray(2), frame=4, part=1) == []

    def test_the_bit_of_another_message_or_another_bit(self) -> None:
        assert len(self.of(self.stray(1))) == 1
        assert len(self.of(self.stray(2, "client"))) == 1
        assert len(self.of(self.stray(2, head=0xA1))) == 1
        assert len(self.of()) == 1


class TestMessageInMessage:
    def test_both_frames_are_named(self) -> None:
        begun = event("first", packet=7, frame=1)
        noticed = observed(about("interrupted", other=begun))
        [finding] = found(checks.message_in_message, connection(observation=noticed))
        assert finding.message == (
            "a text frame although a message is open (begun in packet 7, frame 1)"
        )
        assert finding.expected == "a continuation frame"

    def test_the_frame_is_a_guess(self) -> None:
        noticed = observed(about("interrupted", certain=False))
        assert found(checks.message_in_message, connection(observation=noticed)) == []

    def test_recorded(self) -> None:
        [finding] = found_in(checks.message_in_message, "oddities.pcapng")
        assert (finding.packet, finding.frame, finding.evidence) == (168, 1, "81 87 37 fa 21 3d")


class TestUnfinishedMessage:
    noticed = about("unfinished", head=0x01, value=12)

    def test_the_connection_ended_first(self) -> None:
        record = connection(observation=observed(self.noticed, endings=[FIN]))
        [finding] = found(checks.unfinished_message, record)
        assert finding.message == "the message that begins here was not finished: 12 bytes came"
        assert finding.severity == "warning"

    def test_of_its_first_frame_frm_09_tells_that_it_was_cut(self) -> None:
        cut = about("cut", frame=self.noticed.frame, value=3)
        later = about("cut", frame=self.noticed.frame + 1, value=3)
        for event_of_frame, count in ((cut, 0), (later, 1)):
            record = connection(observation=observed(self.noticed, event_of_frame, endings=[FIN]))
            assert len(found(checks.unfinished_message, record)) == count

    def test_the_capture_ended_first(self) -> None:
        record = connection(observation=observed(self.noticed))
        assert found(checks.unfinished_message, record) == []

    def test_bytes_of_the_sender_are_missing(self) -> None:
        record = connection(observation=observed(self.noticed, endings=[FIN]), client_lost_bytes=1)
        assert found(checks.unfinished_message, record) == []

    def test_bytes_of_the_other_end_do_not_matter(self) -> None:
        record = connection(observation=observed(self.noticed, endings=[FIN]), server_lost_bytes=1)
        assert len(found(checks.unfinished_message, record)) == 1


# The bytes around the first one that is wrong, its offset, and what is wrong there.
MISTAKES = [
    (b"\xc0\x80", 0, "an overlong form"),
    (b"\xc1\xbf", 0, "an overlong form"),
    (b"a\xe0\x80\x80", 2, "an overlong form"),
    (b"a\xf0\x80\x80\x80", 2, "an overlong form"),
    (b"\xed\xa0\x80", 1, "a surrogate"),
    (b"\xf4\x90\x80\x80", 1, "a number above U+10FFFF"),
    (b"\xf5\x80", 0, "a number above U+10FFFF"),
    (b"\xff", 0, "the byte ff, which UTF-8 never has"),
    (b"\x80", 0, "a continuation byte 80 where none may be"),
    (b"\xc3\xa9\xbf", 2, "a continuation byte bf where none may be"),
    # The four bytes before it are a whole character; or none of it are known.
    (b"\xf0\x9f\x98\x80\x80", 9, "a continuation byte 80 where none may be"),
    (b"\x80a\xc3", 9, "a continuation byte 80 where none may be"),
    (b"a\xc3b", 9, "the character that begins with c3 is not finished"),
    (b"ab\xe2\x82c", 9, "the character that begins with e2 is not finished"),
    # The message ends there.
    (b"caf\xc3", 4, "its last character is not finished"),
    (b"\xf0\x9f\x98", 3, "its last character is not finished"),
    (b"\xe2\x82", 9, "its last character is not finished"),
]


CHARACTERS = [
    *(character.encode() for character in "aé€😀"),
    *(b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\x80", b"\xff", b"\xc0\x80"),
    *(b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe0\x80\x80", b"\xf0\x80"),
]


class TestTextNotUtf8:
    @pytest.mark.parametrize(("around", "offset", "mistake"), MISTAKES)
    def test_what_is_wrong_and_where(self, around: bytes, offset: int, mistake: str) -> None:
        noticed = observed(about("not-utf8", payload=around, value=offset))
        [finding] = found(checks.text_not_utf8, connection(observation=noticed))
        assert finding.message == f"text is no UTF-8 from offset {offset} on: {mistake}"
        assert finding.evidence == around.hex(" ")

    @given(
        st.lists(st.sampled_from(CHARACTERS), min_size=1, max_size=9).map(b"".join),
        st.lists(st.integers(0, 36), max_size=8),
        st.lists(st.integers(0, 36), max_size=4),
    )
    def test_as_a_decoder_of_the_whole_text_says(
        self, text: bytes, cuts: list[int], ends: list[int]
    ) -> None:
        """Wherever segments and fragments end."""
        reader = MessageReader(0, False)
        reader.start(1, False)
        ends = sorted({min(end, len(text)) for end in ends} | {len(text)})
        for begin, end in pairwise([0, *ends]):
            for start, stop in pairwise(
                sorted({begin, end} | {c for c in cuts if begin < c < end})
            ):
                reader.feed(Buffer(text), start, stop, False, 0, start - begin, Scratch())
            reader.frames += 1
        reader.finish(True)
        try:
            text.decode()
        except UnicodeDecodeError as error:
            known = text[error.start : error.start + 2] + bytes(1)
            said = checks._mistake_of(known[0], known[1])
            if error.reason == "unexpected end of data":
                said = "its last character is not finished"
            payload, value = reader.wrong, reader.utf8.wrong_at
            assert checks.utf8_mistake(about("not-utf8", payload=payload, value=value)) == said
            assert reader.utf8_valid == 0
            assert payload in text
        else:
            assert reader.utf8_valid == 1

    def test_the_fragment_is_named_from_the_second_on(self) -> None:
        noticed = observed(about("not-utf8", payload=b"\xff", value=7, part=1))
        [finding] = found(checks.text_not_utf8, connection(observation=noticed))
        assert finding.message.startswith("text is no UTF-8 from offset 7 on, in fragment 2: ")

    def test_a_message_found_by_a_guess(self) -> None:
        noticed = observed(about("not-utf8", payload=b"\xff", certain=False))
        assert found(checks.text_not_utf8, connection(observation=noticed)) == []

    def test_recorded(self) -> None:
        findings = found_in(checks.text_not_utf8, "oddities.pcapng")
        assert [(f.packet, f.evidence, f.message) for f in findings] == [
            (
                181,
                "63 61 66 e9",
                "text is no UTF-8 from offset 4 on: its last character is not finished",
            ),
            (208, "ed a0 80", "text is no UTF-8 from offset 1 on: a surrogate"),
        ]

    def test_characters_split_over_fragments_are_fine(self) -> None:
        assert found_in(checks.text_not_utf8, "fragments.pcapng") == []


class TestContentContradictsOpcode:
    def test_once_a_side_and_kind(self) -> None:
        noticed = [about("json-in-binary", frame=n) for n in (2, 3)]
        noticed += [about("base64-in-text"), about("json-in-binary", "server")]
        record = connection(observation=observed(*noticed))
        findings = found(checks.content_contradicts_opcode, record)
        assert [(f.sender, f.frame, f.message) for f in findings] == [
            ("client", 2, "a binary message is JSON"),
            ("client", 2, "a text message is base64 and nothing else"),
            ("server", 2, "a binary message is JSON"),
        ]
        assert {f.evidence for f in findings} == {None}


class TestControlBetweenFragments:
    def test_one_remark_a_side(self) -> None:
        noticed = [about("interleaved", head=0x89, frame=n) for n in (2, 3)]
        observation = observed(*noticed, client=Side(interleaved=2))
        [finding] = found(checks.control_between_fragments, connection(observation=observation))
        assert finding.message == "a control frame stands between fragments 2 times"
        assert (finding.severity, finding.frame) == ("info", 2)

    def test_a_close_within_a_message_is_an_unfinished_one(self) -> None:
        close = about("interleaved", head=0x88)
        one = observed(close, client=Side(interleaved=1))
        assert found(checks.control_between_fragments, connection(observation=one)) == []
        ping = about("interleaved", head=0x89, frame=1)
        both = observed(ping, close, client=Side(interleaved=2))
        assert len(found(checks.control_between_fragments, connection(observation=both))) == 1

    def test_it_is_no_interruption(self) -> None:
        assert found_in(checks.message_in_message, "fragments.pcapng") == []
        assert found_in(checks.continuation_of_nothing, "fragments.pcapng") == []

    def test_recorded(self) -> None:
        findings = found_in(checks.control_between_fragments, "fragments.pcapng")
        assert messages(findings)[:3] == [
            "a control frame stands between fragments 4 times",
            "a control frame stands between fragments 4 times",
            "a control frame stands between fragments once",
        ]


@pytest.mark.parametrize(
    "check",
    [
        checks.continuation_of_nothing,
        checks.message_in_message,
        checks.unfinished_message,
        checks.text_not_utf8,
        checks.content_contradicts_opcode,
        checks.control_between_fragments,
    ],
)
def test_empty_and_short_messages_are_fine(check: Check) -> None:
    side = Side(empty_frames=4, fragments=2)
    assert found(check, connection(observation=Observation(client=side, endings=[FIN]))) == []
