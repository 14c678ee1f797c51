"""A session while packets come: the rows are those of a file, once each, and the past is let go."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.packets import pcap_of
from support.played import WANTS, Clock, Paused, Played, drained, events_of, session_of
from support.segments import OPEN, client, server
from support.sessions import CLOSE, frame, request, response

import wsanalyze
from wsanalyze.capture.batch import Batch
from wsanalyze.limits import Limits
from wsanalyze.monitoring import idleness
from wsanalyze.monitoring import session as module
from wsanalyze.monitoring.events import (
    Close,
    Ended,
    Established,
    LimitReached,
    Message,
    Problem,
    Refused,
    Requested,
)
from wsanalyze.monitoring.keeping import PacketFile
from wsanalyze.monitoring.session import Ends

CAPTURES = Path(__file__).parents[2] / "captures"
# Of each kind one: what it shows is in captures/README.md.
SAME = (
    "aiohttp-chat.pcapng",
    "capture-ends-open.pcap",
    "cut-connections.pcapng",
    "from-the-middle.pcapng",
    "hixie-76.pcapng",
    "http2-streams.pcapng",
    "hybi-drafts.pcapng",
    "injected-reset.pcapng",
    "judged-violations.pcapng",
    "lossy-path-server.pcapng",
    "port-80.pcapng",
    "ports-again.pcapng",
    "reconnects.pcapng",
    "refused-upgrades.pcapng",
    "socks-tunnels.pcapng",
    "two-backends.pcapng",
    "websockets-deflate.pcapng",
    "wss-handshakes.pcapng",
    "wss-http2.pcapng",
)
# What checks of several connections find is told later than the row of a connection.
OF_FINDINGS = ["findings", "severity"]
# A connection is written when it is over, and its other leg may begin or end later.
LEG_COLUMNS = ["leg_before", "leg_behind"]


@pytest.fixture(autouse=True)
def _looked_at_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.0)


def in_order(table: pd.DataFrame, *names: str) -> pd.DataFrame:
    return table.sort_values(list(names), kind="stable", ignore_index=True)


def read(folder: Path, table: str) -> pd.DataFrame:
    return pd.read_parquet(folder / table)


@pytest.mark.parametrize("name", SAME)
def test_the_tables_of_a_session_are_those_of_the_file_row_by_row(
    name: str, tmp_path: Path
) -> None:
    session = session_of(Played(CAPTURES / name), folder=tmp_path / "tables")
    drained(session)
    analysis = wsanalyze.analyze(CAPTURES / name)
    keys = {
        "frames": ("connection", "frame"),
        "messages": ("connection", "message"),
        "headers": ("connection", "sender", "position"),
        "tls": ("tcp_stream",),
    }
    for table, key in keys.items():
        expected = analysis.table(table)
        if expected.empty:
            assert not list((tmp_path / "tables" / table).iterdir())
            continue
        got = in_order(read(tmp_path / "tables", table), *key)
        pd.testing.assert_frame_equal(got, in_order(expected, *key), check_categorical=False)
    got = in_order(read(tmp_path / "tables", "connections"), "connection")
    pd.testing.assert_frame_equal(
        got.drop(columns=OF_FINDINGS + LEG_COLUMNS),
        analysis.connections.drop(columns=OF_FINDINGS + LEG_COLUMNS),
        check_categorical=False,
    )
    assert got[LEG_COLUMNS].isna().all(axis=None)


def kinds(events: list[Any]) -> list[str]:
    return [event.kind for event in events]


def test_events_come_in_the_order_of_what_happened() -> None:
    events = events_of(CAPTURES / "websockets-plain.pcapng")
    connection = [each for each in events if getattr(each, "connection", None) == 0]
    assert kinds(connection)[:2] == ["requested", "established"]
    assert kinds(connection)[-1] == "ended"
    messages = [each for each in connection if isinstance(each, Message)]
    assert [each.packet_end for each in messages] == sorted(each.packet_end for each in messages)
    close = next(each for each in connection if isinstance(each, Close))
    assert (close.sender, close.close_code, close.code_missing) == ("client", 4000, False)


def test_a_close_whose_code_is_in_a_hole_is_told_so(tmp_path: Path) -> None:
    path, said = tmp_path / "hole.pcap", len(response())
    close = frame(b"\x03\xe8because", CLOSE)
    packets = [*OPEN, client(0, request()), server(0, response())]
    packets += [server(said, close[:2]), server(said + 4, close[4:])]
    path.write_bytes(pcap_of(packets))
    (told,) = (each for each in events_of(path) if isinstance(each, Close))
    assert (told.close_code, told.code_missing) == (None, True)


def test_a_refusal_is_told_with_its_connection() -> None:
    events = events_of(CAPTURES / "refused-upgrades.pcapng")
    refused = [each for each in events if isinstance(each, Refused)]
    statuses = [each.facts.handshake.status for each in refused if each.facts.handshake]
    table = wsanalyze.analyze(CAPTURES / "refused-upgrades.pcapng").connections
    assert sorted(statuses) == sorted(table[table.outcome == "refused"].status.to_list())


def test_nothing_is_kept_of_what_is_over() -> None:
    session = session_of(Played(CAPTURES / "fifty-clients.pcap.gz"))
    most = 0
    while not session.finished:
        session.pump(0)
        recorder = session.run.recorder
        assert not session.run.recording.connections
        assert recorder.frames is not None
        most = max(most, recorder.frames.count)
    assert session.follower.followed == {}
    assert session.follower.open == 0
    assert session.follower.recent == []
    assert recorder.sessions == {}
    assert recorder.keys.held == 0
    assert recorder.windows.held == 0
    assert session.run.recording.tls == []
    assert most < 256


def test_connections_that_ended_are_compared_a_number_at_a_time() -> None:
    limits = Limits(recent=4)
    session = session_of(Played(CAPTURES / "two-backends.pcapng"), limits=limits)
    most = 0
    while not session.finished:
        session.pump(0)
        most = max(most, len(session.follower.recent))
    assert most < 8


def test_a_closed_connection_ends_without_waiting_for_others_to_close() -> None:
    clock = Clock()
    source = Paused(CAPTURES / "websockets-plain.pcapng")
    session = session_of(source, clock=clock)
    events = []
    for _ in range(200):
        events += session.pump(0)
    assert "ended" not in kinds(events)
    for _ in range(5):
        clock.now += idleness.LINGER
        events += session.pump(0)
    assert kinds(events).count("ended") == 1
    session.stop()
    assert kinds(drained(session)).count("ended") == 0


def test_an_idle_connection_leaves_by_our_own_clock_whatever_packets_say() -> None:
    clock = Clock()
    session = session_of(Paused(CAPTURES / "capture-ends-open.pcap"), clock=clock)
    events = []
    for _ in range(200):
        events += session.pump(0)
    assert session.follower.followed
    for _ in range(4):
        clock.now += idleness.IDLE_SESSION
        events += session.pump(0)
    ended = [each for each in events if isinstance(each, Ended)]
    assert {each.facts.ended_by for each in ended} == {"idle"}
    assert session.follower.followed == {}
    assert session.run.transport.readers.flows.count == 0
    session.close()


def test_a_session_ends_after_so_many_packets_exactly() -> None:
    session = session_of(Paused(CAPTURES / "websockets-plain.pcapng"), ends=Ends(count=9))
    drained(session)
    assert session.run.summaries[0].packets == 9


def test_a_session_ends_after_a_time() -> None:
    clock = Clock()
    session = session_of(
        Paused(CAPTURES / "websockets-plain.pcapng"), ends=Ends(duration=5), clock=clock
    )
    for _ in range(200):
        session.pump(0)
    assert not session.finished
    clock.now += 5
    events = drained(session)
    assert kinds(events)[-1] == "ended"


def test_a_session_ends_when_all_connections_have_closed() -> None:
    clock = Clock()
    session = session_of(
        Paused(CAPTURES / "aiohttp-chat.pcapng"), ends=Ends(until_closed=True), clock=clock
    )
    for _ in range(300):
        session.pump(0)
    assert not session.finished
    clock.now += idleness.LINGER * 2
    session.pump(0)
    clock.now += idleness.LINGER * 2
    drained(session)
    assert session.follower.seen == 2


def test_without_a_connection_it_is_waited_for_one() -> None:
    source = Paused(io.BytesIO(pcap_of([])))
    session = session_of(source, ends=Ends(until_closed=True))
    for _ in range(50):
        assert session.pump(0) == []
    assert not session.finished
    session.close()


def test_what_a_source_says_is_told() -> None:
    source = Played(CAPTURES / "websockets-plain.pcapng")
    source.problems.append("eth0 went down")
    source.failure = "eth0: it is gone"
    events = drained(session_of(source))
    said = [each.what for each in events if isinstance(each, Problem)]
    assert said == ["eth0 went down", "eth0: it is gone"]
    assert source.closed


def test_a_limit_is_told_of_once() -> None:
    events = events_of(CAPTURES / "fifty-clients.pcap.gz", limits=Limits(followed=4))
    reached = [each.limit for each in events if isinstance(each, LimitReached)]
    assert reached == ["followed"]


def test_what_passed_is_kept_where_somebody_asked() -> None:
    session = session_of(Played(CAPTURES / "aiohttp-chat.pcapng"), keep=True)
    drained(session)
    assert session.memory is not None
    assert session.memory.whole
    tables = session.memory.tables(wsanalyze.findings.audit)
    analysis = wsanalyze.analyze(CAPTURES / "aiohttp-chat.pcapng")
    for name in ("connections", "frames", "messages", "headers", "findings"):
        pd.testing.assert_frame_equal(tables.table(name), analysis.table(name))


def test_what_is_kept_ends_at_the_limit() -> None:
    session = session_of(
        Played(CAPTURES / "fifty-clients.pcap.gz"), keep=True, limits=Limits(rows=100)
    )
    drained(session)
    assert session.memory is not None
    assert not session.memory.whole
    assert len(session.memory.tables(wsanalyze.findings.audit).frames) <= 100


def test_payloads_are_in_events_as_far_as_they_were_wanted() -> None:
    wants = replace(WANTS, payloads="full")
    events = events_of(CAPTURES / "aiohttp-chat.pcapng", wants=wants)
    whole = [each for each in events if isinstance(each, Message)]
    assert all(each.payload is not None and len(each.payload) == each.length for each in whole)


def test_a_session_that_is_closed_early_writes_what_it_has(tmp_path: Path) -> None:
    session = session_of(Paused(CAPTURES / "aiohttp-chat.pcapng"), folder=tmp_path / "tables")
    for _ in range(200):
        session.pump(0)
    session.close()
    session.close()
    assert session.pump(0) == []
    assert len(read(tmp_path / "tables", "messages"))


def test_connections_are_numbered_in_the_order_of_their_requests() -> None:
    asked = [
        each.connection
        for each in events_of(CAPTURES / "fifty-clients.pcap.gz")
        if isinstance(each, Requested)
    ]
    assert asked == list(range(50))
    established = [
        each
        for each in events_of(CAPTURES / "from-the-middle.pcapng")
        if isinstance(each, Established)
    ]
    assert "unseen" in {each.facts.outcome for each in established}


def test_packets_are_kept_beside_the_analysis(tmp_path: Path) -> None:
    file = PacketFile(tmp_path / "kept.pcapng")
    drained(session_of(Played(CAPTURES / "http-before-upgrade.pcapng"), packets=file))
    kept, given = (
        wsanalyze.analyze(path) for path in (file.path, CAPTURES / "http-before-upgrade.pcapng")
    )
    pd.testing.assert_frame_equal(kept.frames, given.frames)
    assert kept.summary.packets.to_list() == given.summary.packets.to_list()


def test_packets_of_websocket_connections_are_kept_from_their_first_on(tmp_path: Path) -> None:
    capture = CAPTURES / "chromium.pcapng"
    file = PacketFile(tmp_path / "kept.pcapng", only_websocket=True)
    drained(session_of(Played(capture), packets=file))
    kept, given = wsanalyze.analyze(file.path), wsanalyze.analyze(capture)
    assert kept.summary.packets[0] < given.summary.packets[0]
    assert kept.summary.conversations_websocket[0] == given.summary.conversations_websocket[0]
    assert kept.connections.connect_ms.to_list() == given.connections.connect_ms.to_list()
    columns = ["connection", "frame", "sender", "time", "type", "length"]
    pd.testing.assert_frame_equal(kept.frames[columns], given.frames[columns])


class Full(Played):
    """A source while which the disk gets full."""

    def next(self, seconds: float) -> Batch | None:
        batch = super().next(seconds)
        if self.session.packets is not None:
            self.session.packets.writer.problem = "kept.pcapng: No space left on device"
        return batch


def test_packets_that_cannot_be_kept_are_told_of_once_and_the_analysis_goes_on(
    tmp_path: Path,
) -> None:
    source = Full(CAPTURES / "aiohttp-chat.pcapng")
    source.session = session_of(source, packets=PacketFile(tmp_path / "kept.pcapng"))
    events = drained(source.session)
    said = [each.what for each in events if isinstance(each, Problem)]
    assert len(said) == 1
    assert "No space left" in said[0]
    assert kinds(events).count("ended") == 2
