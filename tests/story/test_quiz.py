"""Questions whose answers are in the capture."""

from __future__ import annotations

import pytest

from story.told import told
from wsanalyze.story.question import Question, plain
from wsanalyze.story.quiz import questions
from wsanalyze.views.bits import bits_of

NAMES = (
    ("chat-ws.pcapng", 0),
    ("fragments.pcapng", 0),
    ("from-the-middle.pcapng", 0),
    ("hixie-76.pcapng", 0),
    ("large-messages.pcap", 0),
    ("refused-upgrades.pcapng", 2),
    ("websockets-deflate.pcapng", 0),
    ("wss-http2.pcapng", 0),
)


def asked(name: str, topic: str, number: int = 0) -> list[Question]:
    return [each for each in questions(told(name, number)) if each.topic == topic]


@pytest.mark.parametrize(("name", "number"), NAMES)
def test_every_question_has_an_answer_and_a_reason(name: str, number: int) -> None:
    found = questions(told(name, number))
    assert found
    for question in found:
        assert bool(question.answers) != bool(question.choices)
        assert question.because
        assert len(set(question.choices)) == len(question.choices)
        assert all(question.is_right(answer) for answer in question.answers)


def test_the_opcode_of_a_ping() -> None:
    (question,) = asked("chat-ws.pcapng", "alive")
    for answer in ("9", " 0x9", "Ping", "1001", "9."):
        assert question.is_right(answer), answer
    for answer in ("", "10", "0xA", "pong", "99"):
        assert not question.is_right(answer), answer


def test_the_accept_value_among_the_usual_mistakes() -> None:
    (question,) = asked("chat-ws.pcapng", "accept")
    proof = told("chat-ws.pcapng").proof
    assert proof is not None
    assert proof.steps is not None
    assert question.choices[0] == proof.sent
    assert len(question.choices) == 4
    assert proof.steps.key in question.choices[1:]


def test_lengths_and_masks_are_those_of_the_frames() -> None:
    story = told("large-messages.pcap")
    first = story.frames[0]
    lengths = asked("large-messages.pcap", "length")
    assert lengths[0].answers == (str(first.length),)
    assert first.header.hex(" ") in lengths[0].text
    headers = asked("large-messages.pcap", "header-length")
    assert headers[0].answers == (str(len(first.header)),)
    (used,) = asked("large-messages.pcap", "mask-byte")[0].answers
    (result,) = asked("large-messages.pcap", "unmask")[0].answers
    assert first.masking_key is not None
    assert bytes.fromhex(used) == first.masking_key[:1]
    assert int(result, 16) ^ int(used, 16) == first.masked[4]
    assert bits_of(bytes.fromhex(result)) == bits_of(first.payload[4:5])


def test_the_number_in_a_key_of_hixie() -> None:
    (question,) = asked("hixie-76.pcapng", "key-number")
    assert question.answers == ("268869713",)


def test_who_closed_and_what_it_means() -> None:
    assert asked("chat-ws.pcapng", "who-closed")[0].answers[0] == "client"
    assert asked("websockets-deflate.pcapng", "close-code")[0].choices[0] == "Normal Closure"


def test_fragments_tails_and_statuses() -> None:
    assert asked("fragments.pcapng", "fragments")[0].answers == ("5",)
    assert asked("websockets-deflate.pcapng", "tail")[0].is_right("00 00 FF FF")
    assert asked("wss-http2.pcapng", "status")[0].answers == ("200",)
    assert asked("chat-ws.pcapng", "status")[0].answers == ("101",)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(" 0x4C ", "4c"), ("00:00:ff:ff", "0000ffff"), ("1_000", "1000"), ("9.", "9"), ("", "")],
)
def test_answers_are_compared_plainly(given: str, expected: str) -> None:
    assert plain(given) == expected


def test_a_very_long_answer_is_cut() -> None:
    assert len(plain("9" * 1_000_000)) == 200


def test_bits_of_frames() -> None:
    story = told("fragments.pcapng")
    fins, masks = asked("fragments.pcapng", "fin"), asked("fragments.pcapng", "mask-bit")
    assert [each.is_right("yes") for each in fins] == [frame.fin for frame in story.frames]
    assert [each.is_right("y") for each in masks] == [
        frame.sender == "client" for frame in story.frames
    ]
    assert {each.is_right("no") for each in fins} == {True, False}


def test_a_control_frame_ends_no_message() -> None:
    story = told("chat-ws.pcapng")
    data = [each for each in story.frames if each.opcode in (0, 1, 2)]
    assert 0 < len(data) < len(story.frames)
    assert len(asked("chat-ws.pcapng", "fin")) == len(data)


def test_of_hixie_no_close_code_is_asked_and_of_a_refusal_no_accept_value() -> None:
    assert asked("hixie-76.pcapng", "who-closed")
    assert asked("hixie-76.pcapng", "no-code") == []
    assert asked("refused-upgrades.pcapng", "accept", 2) == []


def test_the_one_frame_that_breaks_a_rule() -> None:
    (question,) = asked("oddities.pcapng", "fault")
    story = told("oddities.pcapng")
    wrong = [each.number for each in story.frames if each.findings]
    assert question.is_right(str(wrong[0]))


def test_a_refusal_and_a_subprotocol() -> None:
    story = told("refused-upgrades.pcapng", 2)
    assert story.response is not None
    (question,) = asked("refused-upgrades.pcapng", "refused", 2)
    assert question.is_right(story.response.start_line.split(" ")[1])
    (chosen,) = asked("subprotocols.pcapng", "subprotocol")
    response = told("subprotocols.pcapng").response
    assert response is not None
    values = [line.value for line in response.lines if line.name == "Sec-WebSocket-Protocol"]
    assert chosen.is_right(values[0])
