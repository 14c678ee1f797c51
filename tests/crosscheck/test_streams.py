"""tshark's numbers of TCP conversations, and ours."""

from __future__ import annotations

from dataclasses import replace

from crosscheck.test_matching import FACTS, ours
from crosscheck.test_reasons import connection
from wsanalyze.crosscheck.streams import NOWHERE, same_streams
from wsanalyze.layers.connection import Connection


def in_stream(stream: int, **packets: int | None) -> Connection:
    return replace(connection(**packets), tcp_stream=stream)


def test_a_packet_that_both_name_tells() -> None:
    """As where SOCKS took a number of tshark's: its 3 is our 2, its 4 our 3."""
    second = in_stream(2, request_packet=10, response_packet=12)
    third = in_stream(3, request_packet=20, response_packet=22)
    assert same_streams([], [second, third], [(12, 3), (13, 3), (22, 4), (23, 4)]) == {3: 2, 4: 3}


def test_frames_tell_where_no_head_was_seen() -> None:
    record = in_stream(FACTS.stream, request_packet=None, response_packet=None)
    assert same_streams([ours(7)], [record], [(7, 5)]) == {5: FACTS.stream}


def test_without_such_a_packet_the_number_is_the_same_unless_that_is_another_stream() -> None:
    record = in_stream(2, request_packet=10, response_packet=12)
    assert same_streams([], [record], [(12, 3), (40, 2), (50, 7)]) == {3: 2, 2: NOWHERE - 2, 7: 7}


def test_more_packets_count_more() -> None:
    one = in_stream(1, request_packet=10, response_packet=12)
    two = in_stream(2, request_packet=20, response_packet=22)
    assert same_streams([], [one, two], [(12, 1), (20, 2), (22, 2), (10, 2)])[2] == 2
