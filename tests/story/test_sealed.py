"""What an end sent that no secret opens, as events; whole connections are in tests/views."""

from __future__ import annotations

from dataclasses import replace

from story.told import analysis
from wsanalyze.story.sealed import of_sealed
from wsanalyze.streams import KEPT_SEALED, Streams

RANDOM = "aa"


def test_packets_behind_the_first_are_one_event() -> None:
    (connection,) = analysis("chat-wss.pcapng").recording.connections
    assert connection.tls is not None
    streams = Streams({}, 0)
    for packet in range(1, KEPT_SEALED + 1235):
        place = (packet, packet, packet)
        streams.seal(connection.conversation, RANDOM, connection.client_direction, place, 10)
    tls = replace(connection.tls, client_random=RANDOM, client_sealed=10)
    events = of_sealed(tls, connection, streams, "inner")
    assert len(events) == KEPT_SEALED + 1
    assert {each.sender for each in events} == {"client"}
    assert events[0].label == "inner: sealed"
    assert events[-1].label == "inner: sealed, 1,234 packets from here on"
    assert events[-1].length == 12340


def test_a_forged_record_is_not_sealed() -> None:
    (connection,) = analysis("chat-wss.pcapng").recording.connections
    assert connection.tls is not None
    streams = Streams({}, 0)
    streams.seal(connection.conversation, RANDOM, connection.client_direction, (1, 1, 1), 10)
    # Those behind it did open, and so nothing of the client is.
    tls = replace(connection.tls, client_random=RANDOM, client_sealed=0)
    assert of_sealed(tls, connection, streams) == []
