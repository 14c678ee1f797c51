"""`explain --quiz`: questions about a connection on the terminal, answers from standard input."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence

from wsanalyze.cli.status import DONE, FOUND
from wsanalyze.errors import UsageError
from wsanalyze.story.model import Story
from wsanalyze.story.question import LONGEST, Question, plain
from wsanalyze.story.quiz import questions
from wsanalyze.views.escape import visible
from wsanalyze.views.quantities import counted
from wsanalyze.views.wrapping import wrapped

# Questions that are asked, at most one of a kind as long as there are enough kinds.
ASKED = 8
LETTERS = "abcdef"
WIDTH = 80
# Cells of a question or an answer: keys may be as long as a head.
SHOWN = 600


def ask(story: Story, seed: int | None) -> int:
    """Ask, and return the exit status: 1 where an answer was wrong. The end of input ends it."""
    drawn = draw(questions(story), random.Random(seed))  # noqa: S311 - nothing secret is drawn
    if not drawn:
        raise UsageError(f"connection {story.number} has nothing to ask about")
    right = wrong = 0
    many = counted(len(drawn), "question")
    _write(f"{many} about connection {story.number} of {visible(story.capture)}.")
    _write("Return alone shows the answer, q ends it.")
    for number, question in enumerate(drawn, 1):
        _write("")
        _write(f"{number}. {visible(question.text, SHOWN)}")
        for letter, choice in zip(LETTERS, question.choices, strict=False):
            _write(f"   {letter}) {visible(choice, SHOWN)}")
        answer = _answer()
        if answer is None:
            break
        if not answer.strip():
            _write(f"The answer is {_right(question)}: {visible(question.because, SHOWN)}.")
        elif is_right(question, answer):
            right += 1
            _write(f"Right: {visible(question.because, SHOWN)}.")
        else:
            wrong += 1
            _write(f"No, it is {_right(question)}: {visible(question.because, SHOWN)}.")
    _write("")
    _write(f"{right} right, {wrong} wrong, {len(drawn) - right - wrong} not answered.")
    return FOUND if wrong else DONE


def draw(all_of_them: Sequence[Question], chance: random.Random) -> list[Question]:
    """Return some questions, of as many topics as there are, choices in another order.

    The right choice is the one that `answers` names then, by its letter and by its text.
    """
    shuffled = list(all_of_them)
    chance.shuffle(shuffled)
    first: dict[str, Question] = {}
    for question in shuffled:
        first.setdefault(question.topic, question)
    # Of each frame there are several: drawn among all, they would be most of what is asked.
    topics = sorted(first)
    chance.shuffle(topics)
    chosen = [first[topic] for topic in topics][:ASKED]
    chosen += [each for each in shuffled if each not in chosen][: max(ASKED - len(chosen), 0)]
    return [_mixed(each, chance) for each in chosen]


def _mixed(question: Question, chance: random.Random) -> Question:
    if not question.choices:
        return question
    right, mixed = question.choices[0], list(question.choices)
    chance.shuffle(mixed)
    letter = LETTERS[mixed.index(right)]
    answers = (letter, f"{letter})", plain(right))
    return Question(question.topic, question.text, answers, question.because, tuple(mixed))


def is_right(question: Question, answer: str) -> bool:
    """Say whether an answer is right: base64 is compared with its capitals."""
    if question.choices and len(answer.strip()) > 2:
        chosen = [each for each in question.choices if each == answer.strip()]
        if question.topic == "accept":
            return bool(chosen) and plain(chosen[0]) in question.answers
    return question.is_right(answer)


def _right(question: Question) -> str:
    """Return the right answer as it is shown: of choices, which were mixed, letter and text."""
    right = question.answers[0]
    if question.choices:
        right = f"{right}) {question.choices[LETTERS.index(right)]}"
    return visible(right, SHOWN)


def _answer() -> str | None:
    """Return a line of the input, None at its end and for q."""
    sys.stdout.write("> ")
    sys.stdout.flush()
    line = sys.stdin.readline(LONGEST + 1)
    if not line:
        _write("")
        return None
    while not line.endswith("\n") and (rest := sys.stdin.readline(LONGEST + 1)):
        # What is longer than any answer is none; its end must not answer the next question.
        line = line[:LONGEST] + rest[-1:]
    if not sys.stdin.isatty():
        # A terminal shows what is typed; of a pipe nobody else would.
        _write(visible(line.strip(), 60))
    return None if line.strip().lower() in ("q", "quit") else line


def _write(text: str) -> None:
    for line in wrapped(text, WIDTH):
        sys.stdout.write(line + "\n")
