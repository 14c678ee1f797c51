"""Questions about proxies, TLS and HTTP/2: each answer is what the capture has."""

from __future__ import annotations

import pytest

from story.told import told
from wsanalyze.story.question import Question
from wsanalyze.story.quiz_carriers import of_carriers


def asked(capture: str, number: int = 0) -> dict[str, Question]:
    return {each.topic: each for each in of_carriers(told(capture, number))}


@pytest.mark.parametrize(
    ("capture", "number", "topic", "answer"),
    [
        ("socks-tunnels.pcapng", 12, "socks-method", "2"),
        ("socks-tunnels.pcapng", 12, "way-opened", "0"),
        ("socks-tunnels.pcapng", 8, "way-opened", "90"),
        ("socks-tunnels.pcapng", 14, "way-opened", "200"),
        ("socks-tunnels.pcapng", 14, "way-asked", "127.0.0.1:9060"),
        ("socks-tunnels.pcapng", 14, "legs", "3"),
        ("socks-tunnels.pcapng", 14, "same-key", "Sec-WebSocket-Key"),
        ("connect-tunnels.pcapng", 12, "credentials", "407"),
        ("connect-tunnels.pcapng", 2, "way-asked", "localhost:9060"),
        ("connect-tunnels.pcapng", 2, "who-has-tcp", "The proxy"),
        ("proxy-protocol.pcapng", 1, "announced", "40153"),
        ("chat-wss.pcapng", 0, "tls-name", "chat.example"),
        ("wss-http2.pcapng", 0, "tls-protocol", "h2"),
        ("wss-http2.pcapng", 0, "h2-stream", "3"),
        ("wss-http2.pcapng", 0, "h2-method", "CONNECT"),
        ("wss-http2.pcapng", 0, "h2-protocol", ":protocol"),
    ],
)
def test_answers(capture: str, number: int, topic: str, answer: str) -> None:
    question = asked(capture, number)[topic]
    assert question.is_right(answer)
    assert not question.is_right("something else")


def test_the_version_and_the_first_sealed_message_are_among_others() -> None:
    questions = asked("chat-wss.pcapng")
    assert questions["tls-version"].choices[0] == "TLS 1.3"
    assert questions["tls-sealed"].choices[0] == "EncryptedExtensions"
    because = "the messages before EncryptedExtensions make the keys"
    assert questions["tls-sealed"].because == because
    older = asked("wss-tls12.pcapng")
    assert older["tls-version"].choices[0] == "TLS 1.2"
    for question in (questions["tls-sealed"], older["tls-version"]):
        assert len(set(question.choices)) == len(question.choices) > 1


def test_of_two_tls_connections_the_outer_one_is_asked_about() -> None:
    assert "client and proxy" in asked("wss-tunnels.pcapng", 6)["tls-version"].text
    assert "both ends" in asked("wss-tunnels.pcapng", 0)["tls-version"].text


def test_nothing_is_asked_of_what_is_not_there() -> None:
    assert asked("chat-ws.pcapng") == {}
