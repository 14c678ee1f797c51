"""PRX-17: messages that come in bursts behind pauses."""

from __future__ import annotations

from checks.given import connection, found, messages, observed
from wsanalyze.checks import bursts
from wsanalyze.observation import Side, Spread


def of(messages_of_server: int, **counts: int) -> list[str]:
    side = Side(message_lengths=Spread(messages_of_server, 100, 0.0, 1, 9), **counts)
    return messages(found(bursts.buffered, connection(observation=observed(server=side))))


def test_most_come_in_bursts() -> None:
    assert of(14, bursts=4, burst_messages=12) == [
        "12 of the server's 14 messages came in 4 bursts after pauses of more than a second"
    ]


def test_bursts_may_be_of_any_size() -> None:
    assert len(of(400, bursts=4, burst_messages=396)) == 1


def test_a_few_bursts_among_many_messages() -> None:
    assert of(100, bursts=4, burst_messages=40) == []


def test_who_pushes_unasked() -> None:
    (message,) = of(40, bursts=5, unasked_bursts=5, burst_messages=38)
    assert message.endswith("in which the other end was silent, too: it pushes unasked")


def test_programs_that_gather_what_they_push() -> None:
    assert of(40, bursts=4, unasked_bursts=4, burst_messages=40) == []
    assert of(50, bursts=5, unasked_bursts=5, burst_messages=40) == []
