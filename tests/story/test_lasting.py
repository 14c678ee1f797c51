"""Pings, silences and the end of recorded connections."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from support.packets import ACK, FIN, pcap_of
from support.segments import OPEN, client, server
from support.sessions import CLOSE, frame, request, response

import wsanalyze
from story.told import analysis, told
from wsanalyze.story.lasting import pings, silences
from wsanalyze.tables.lazy_rows import LazyRows
from wsanalyze.tables.objects import Frame, _frame

SECOND = 1_000_000_000
NAMES = (
    *("sender", "time", "time_end", "packet", "packet_end", "offset", "head", "second"),
    *("header_length", "length", "captured", "masking_key", "message", "close_code"),
)


def made(*kinds: tuple[str, int], apart: int = SECOND) -> LazyRows[Frame]:
    """Return frames of (sender, opcode), one after the other."""
    count = len(kinds)
    numbers = np.arange(count)
    columns = dict.fromkeys(NAMES, np.zeros(count, dtype=np.int64))
    columns |= {
        "sender": np.array([sender == "server" for sender, _ in kinds], dtype=np.uint8),
        "head": np.array([0x80 | opcode for _, opcode in kinds], dtype=np.uint8),
        "time": numbers * apart,
        "time_end": numbers * apart,
        "packet": numbers + 1,
        "packet_end": numbers + 1,
        "message": numbers * 0 - 1,
        "close_code": numbers * 0 - 1,
    }
    return LazyRows(columns, numbers, partial(_frame, 0))


def closed_in_a_hole() -> bytes:
    """Return a capture of a session whose server's Close is there but for its code."""
    close = frame(b"\x03\xe8because", CLOSE)
    said, end = len(response()), len(response()) + len(close)
    return pcap_of(
        [
            *OPEN,
            client(0, request()),
            server(0, response()),
            server(said, close[:2]),
            server(said + 4, close[4:]),
            server(end, flags=ACK | FIN),
            client(len(request()), ack=end + 1),
        ]
    )


def test_round_trip_times_are_those_that_a_check_counts() -> None:
    found = told("keepalive.pcap").pings
    (connection,) = analysis("keepalive.pcap")
    observation = connection.facts.observation
    assert observation is not None
    waited = [each.rtt_ns for each in found if each.rtt_ns is not None]
    spread = observation.server.pong_ns
    assert {each.sender for each in found} == {"server"}
    assert (len(waited), min(waited), max(waited)) == (spread.count, spread.least, spread.most)
    assert sum(waited) == spread.total


def test_a_pong_answers_the_latest_ping_with_its_bytes() -> None:
    frames = made(("client", 9), ("client", 9), ("server", 10), ("server", 10))
    one, other = pings(frames, {0: b"a", 1: b"b", 2: b"b", 3: b"a"})
    # RFC 6455 §5.5.3: what came before the one that is answered need not be.
    assert (one.pong, other.pong, other.rtt_ns) == (None, 2, SECOND)


@pytest.mark.parametrize("said", [b"", b"x"])
def test_a_pong_of_the_same_end_or_with_other_bytes_answers_nothing(said: bytes) -> None:
    frames = made(("client", 9), ("client", 10), ("server", 10))
    (ping,) = pings(frames, {0: b"a", 1: b"a", 2: said})
    assert (ping.pong, ping.rtt_ns) == (None, None)


def test_many_pings_that_nobody_answers_take_no_time() -> None:
    frames = made(*[("client", 9)] * 20_000, *[("server", 10)] * 20_000)
    payloads = {number: b"%d" % number for number in range(40_000)}
    assert not any(each.pong for each in pings(frames, payloads))


def test_pings_behind_the_control_frames_that_are_looked_into_are_not_told() -> None:
    frames = made(("client", 9), ("client", 1), ("server", 10), ("client", 9))
    assert [each.pong for each in pings(frames, {}, 2)] == [2]
    assert [each.pong for each in pings(frames, {}, 1)] == [None]


def test_silences_and_whose_limits_they_outlast() -> None:
    (silence,) = told("idle-crowd.pcapng", 1).silences
    assert (silence.after, silence.before) == (1, 2)
    assert 61 < silence.length_ns / SECOND < 63
    assert [seconds for seconds, _ in silence.outlasts] == [55.0, 60.0]
    assert silence.next_limit is not None
    assert silence.next_limit[0] == 100.0


def test_silences_below_five_seconds_are_none() -> None:
    (connection,) = analysis("chat-ws.pcapng")
    for apart, expected in ((4 * SECOND, []), (5 * SECOND, [5 * SECOND])):
        found = silences(made(("client", 1), ("server", 1), apart=apart), connection.facts)
        # The last one reaches to the end of a connection that these frames are not of.
        assert [each.length_ns for each in found if each.before is not None] == expected


def test_the_closing_handshake() -> None:
    closing = told("chat-ws.pcapng").closing
    assert [(each.sender, each.code, each.reason) for each in closing.closes] == [
        ("client", 4000, "that was all"),
        ("server", 4000, "that was all"),
    ]
    assert [(each.sender, each.how) for each in closing.ends] == [
        ("server", "fin"),
        ("client", "fin"),
    ]
    assert closing.ended_by == "client-close"
    normal = told("websockets-deflate.pcapng").closing.closes[0]
    assert (normal.code, normal.meaning, normal.reference) == (
        1000,
        "Normal Closure",
        "RFC 6455 §7.4.1",
    )


def test_the_close_of_hixie_has_no_code() -> None:
    closes = told("hixie-76.pcapng").closing.closes
    assert [(each.code, each.reference) for each in closes] == [(None, "draft-hixie-76 §5.3")] * 2


def test_a_close_whose_code_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "hole.pcap"
    path.write_bytes(closed_in_a_hole())
    (close,) = wsanalyze.analyze(path).explain(0).closing.closes
    assert (close.code, close.reason, close.code_missing) == (None, None, True)
    assert close.meaning == "its code is not in the capture"


def test_a_close_without_a_code_misses_none() -> None:
    closes = told("hixie-76.pcapng").closing.closes
    assert not any(each.code_missing for each in closes)


def test_who_cut_it() -> None:
    story = told("nginx-idle.pcapng", 3)
    assert story.closing.closes == ()
    assert story.cut is not None
    assert any(finding.message == story.cut for finding in story.findings)
    assert told("chat-ws.pcapng").cut is None


def test_a_silence_that_ended_at_a_limit_fits_it() -> None:
    """nginx cuts after its 60 s, give or take some milliseconds of its timer."""
    for number in (0, 6, 8):
        (*_, last) = told("nginx-60s.pcapng", number).silences
        assert last.before is None
        assert abs(last.length_ns - 60_000_000_000) < 50_000_000
        assert last.fits is not None
        assert last.fits[0] == 60.0
        assert [seconds for seconds, _ in last.outlasts] == [55.0]
        assert last.next_limit is not None
        assert last.next_limit[0] == 100.0
    assert all(each.fits is None for each in told("nginx-60s.pcapng", 2).silences)


def test_the_end_is_in_the_order_of_packets() -> None:
    """END_STREAM and FIN are noticed in another order than they came."""
    closing = told("http2-haproxy.pcapng", 3).closing
    assert [each.packet for each in closing.steps] == [48, 50, 57, 58]
    assert [(each.how, each.stream, each.packet) for each in closing.ends] == [
        ("fin", False, 57),
        ("fin", True, 58),
    ]


@pytest.mark.parametrize("name", ["chat-ws.pcapng", "chat-wss.pcapng", "nginx-proxy.pcapng"])
def test_ends_are_told_in_order_of_time(name: str) -> None:
    for connection in analysis(name):
        times = [each.time for each in told(name, connection.number).closing.steps]
        assert times == sorted(times)


def test_how_long_tcp_stayed_open_behind_both_closes() -> None:
    closing = told("http2-haproxy.pcapng", 3).closing
    assert closing.lingered_ns is not None
    assert 5_003_000_000 < closing.lingered_ns < 5_004_000_000
    assert told("nginx-60s.pcapng", 0).closing.lingered_ns is None
