"""What is kept of a pass, as it was asked for."""

from __future__ import annotations

import pytest

from wsanalyze.layers.attempt import Attempt
from wsanalyze.layers.recorder import Recorder
from wsanalyze.layers.session import Session
from wsanalyze.limits import Limits
from wsanalyze.recording import Recording, Wants
from wsanalyze.tables.capture_summary import CaptureSummary
from wsanalyze.tables.columns import FrameColumns, MessageColumns
from wsanalyze.transport.conversation import Conversation


def recorder(wants: Wants, limits: Limits | None = None) -> Recorder:
    frames = FrameColumns() if wants.frames else None
    messages = MessageColumns() if wants.messages else None
    return Recorder(Recording(wants, frames=frames, messages=messages), limits or Limits())


@pytest.mark.parametrize(
    ("wants", "keep", "hashes"),
    [
        (Wants(), 64, True),
        (Wants(preview_length=7), 7, True),
        (Wants(preview_length=0), 0, True),
        (Wants(payloads="full"), 1000, True),
        (Wants(payloads="none"), 0, True),
        (Wants(hashes=False), 64, False),
        # Without rows there is nowhere to keep them.
        (Wants(messages=False), 0, False),
        (Wants(messages=False, payloads="full"), 0, False),
        (Wants(frames=False), 64, True),
    ],
)
def test_what_is_kept_of_messages(wants: Wants, keep: int, hashes: bool) -> None:
    made = recorder(wants, Limits(payload=1000, payload_total=5000))
    assert (made.keep, made.hashes, made.kept_total) == (keep, hashes, 5000)
    assert (made.frames is None) is not wants.frames
    assert (made.messages is None) is not wants.messages


def test_limits_that_were_reached_are_counted_by_name() -> None:
    made = recorder(Wants())
    assert made.reached == {}
    made.reach("head")
    made.reach("held")
    made.reach("head")
    assert made.reached == {"head": 2, "held": 1}


@pytest.mark.parametrize(("most", "kept"), [(None, 5), (0, 0), (3, 3), (9, 5)])
def test_records_are_kept_of_the_first_connections_and_all_are_counted(
    most: int | None, kept: int
) -> None:
    made = recorder(Wants(connections=most, frames=False, messages=False))
    made.summaries = [CaptureSummary("zero.pcap")]
    attempts = [
        Attempt(made, Conversation(), 0, None, time=0, packet=1, ordinal=1) for _ in range(5)
    ]
    for each in attempts:
        each.settle(7)
    assert made.connections == [each.connection for each in attempts[:kept]]
    assert [each.connection.serial for each in attempts] == [0, 1, 2, 3, 4]
    assert made.summaries[0].attempts == made.attempts == 5


def test_connections_go_into_the_recording() -> None:
    made = recorder(Wants())
    assert made.connections is made.recording.connections
    assert made.frames is made.recording.frames
    assert made.messages is made.recording.messages


def test_nobody_is_told_of_connections_where_nobody_looks_on() -> None:
    made = recorder(Wants())
    made.summaries = [CaptureSummary("zero.pcap")]
    attempt = Attempt(made, Conversation(), 0, None, time=0, packet=1, ordinal=1)
    Session(made, attempt.connection, 0, (0, 0))
    assert (made.moved, made.sessions) == (None, {})


def test_who_looks_on_is_told_when_a_connection_begins_is_read_and_is_over() -> None:
    made = recorder(Wants())
    made.summaries = [CaptureSummary("zero.pcap")]
    made.moved = []
    attempt = Attempt(made, Conversation(), 0, None, time=0, packet=1, ordinal=1)
    connection = attempt.connection
    assert made.moved == [connection]
    session = Session(made, connection, 0, (0, 0))
    assert made.sessions == {connection.serial: session}
    assert not connection.over
    attempt.settle(7)
    assert connection.over
    assert made.moved == [connection] * 3


def test_a_connection_that_is_answered_late_is_not_over() -> None:
    made = recorder(Wants())
    made.summaries = [CaptureSummary("zero.pcap")]
    attempt = Attempt(made, Conversation(), 0, None, time=0, packet=1, ordinal=1)
    attempt.settle(7)
    made.settle(attempt.connection, 0, -1)
    assert not attempt.connection.over
