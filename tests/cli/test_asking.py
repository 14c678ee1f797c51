"""Questions drawn: mixed, of many kinds, and answered by letter or by text."""

from __future__ import annotations

from story.told import told
from support.chance import chance

from wsanalyze.cli.asking import ASKED, LETTERS, draw, is_right
from wsanalyze.story.quiz import questions


def test_as_many_kinds_as_there_are() -> None:
    found = questions(told("chat-ws.pcapng"))
    for seed in range(20):
        drawn = draw(found, chance(seed))
        assert len(drawn) == ASKED
        assert len({each.topic for each in drawn}) == ASKED


def test_the_right_choice_keeps_being_right() -> None:
    found = [each for each in questions(told("chat-ws.pcapng")) if each.choices]
    right = {each.text: each.choices[0] for each in found}
    for seed in range(20):
        for question in draw(found, chance(seed)):
            letter = LETTERS[question.choices.index(right[question.text])]
            assert is_right(question, letter)
            assert is_right(question, f" {letter.upper()} ")
            assert is_right(question, right[question.text])
            for other in question.choices:
                if other != right[question.text]:
                    assert not is_right(question, other), other


def test_an_accept_value_in_small_letters_is_another() -> None:
    found = [each for each in questions(told("chat-ws.pcapng")) if each.topic == "accept"]
    (question,) = draw(found, chance(1))
    right = found[0].choices[0]
    assert is_right(question, right)
    assert not is_right(question, right.lower())


def test_few_questions_are_all_asked_once() -> None:
    found = questions(told("refused-upgrades.pcapng", 2))
    drawn = draw(found, chance(1))
    assert {each.text for each in drawn} == {each.text for each in found}
    assert len(drawn) == len(found)
