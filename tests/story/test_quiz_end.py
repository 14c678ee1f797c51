"""Questions about how a connection lasted and ended: each answer is what the capture has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from story.told import told
from wsanalyze.story.question import Question
from wsanalyze.story.quiz_end import of_end, of_lasting


def asked(capture: str, number: int = 0) -> dict[str, Question]:
    story = told(capture, number)
    return {each.topic: each for each in (*of_lasting(story), *of_end(story))}


@pytest.mark.parametrize(
    ("capture", "number", "topic", "right", "wrong"),
    [
        ("chat-ws.pcapng", 0, "who-closed", "client", "server"),
        ("chat-ws.pcapng", 0, "both-closed", "yes", "no"),
        ("chat-ws.pcapng", 0, "code-bytes", "4000", "1000"),
        ("nginx-60s.pcapng", 0, "no-close", "1006", "1005"),
        ("nginx-60s.pcapng", 0, "who-ended-tcp", "the proxy", "client"),
        ("nginx-60s.pcapng", 0, "how-ended", "FIN", "RST"),
        ("http2-haproxy.pcapng", 3, "who-ended-tcp", "server", "proxy"),
        ("http2-haproxy.pcapng", 3, "idle", "no", "yes"),
    ],
)
def test_answers(capture: str, number: int, topic: str, right: str, wrong: str) -> None:
    question = asked(capture, number)[topic]
    assert question.is_right(right)
    assert not question.is_right(wrong)


def test_a_ping_and_its_pong() -> None:
    story = told("chat-ws.pcapng")
    ping = next(each for each in story.pings if each.pong is not None)
    question = asked("chat-ws.pcapng")["pong"]
    assert f"Frame {ping.frame} " in question.text
    assert question.is_right(str(ping.pong))


def test_who_cut_is_not_asked_where_a_close_may_be_missing() -> None:
    for number in range(2):
        story = told("lossy-path-client.pcapng", 0)
        topics = asked("lossy-path-client.pcapng", 0)
        assert "no-close" not in topics or not any(story.lost.values()), number


def test_a_code_that_is_missing_is_not_asked_for() -> None:
    story = told("chat-ws.pcapng")
    missing = replace(story.closing.closes[0], code=None, reason=None, code_missing=True)
    closing = replace(story.closing, closes=(missing, *story.closing.closes[1:]))
    topics = {each.topic for each in of_end(replace(story, closing=closing))}
    assert "who-closed" in topics
    assert not topics & {"no-code", "close-code", "code-bytes"}
