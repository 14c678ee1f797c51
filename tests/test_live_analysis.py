"""wsanalyze.live on real traffic: what it finds is what a capture of the same packets gives."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pytest
from cli.running import COMMAND, environment
from support.live import tcpdump as recording
from support.live import two_hosts
from support.live_rows import LATER, OF_CAPTURE, assert_same
from support.played import Paused, Played, session_of
from support.ports import free_port
from support.talks import talk

import wsanalyze
from wsanalyze.errors import CaptureError, UsageError
from wsanalyze.live_analysis import LiveAnalysis
from wsanalyze.monitoring.events import Ended, Established, Message, Refused

CAPTURES = Path(__file__).parents[1] / "captures"
CHAT = CAPTURES / "aiohttp-chat.pcapng"
MESSAGES = 14


def may_capture() -> bool:
    return os.geteuid() == 0 and shutil.which("tcpdump") is not None


capturing = pytest.mark.skipif(not may_capture(), reason="capturing takes root, and tcpdump")


@contextlib.contextmanager
def tcpdump(*arguments: object, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run tcpdump on loopback, listening when the block begins; it ends with the block."""
    command = ["tcpdump", "-i", "lo", "--immediate-mode", "-B", "32768", "-U", "-Z", "root"]
    process = subprocess.Popen([*command, *map(str, arguments)], stderr=subprocess.PIPE, **streams)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if b"listening on" in line:
                break
        yield process
    finally:
        process.terminate()
        process.wait()
        for stream in (process.stderr, process.stdout):
            if stream is not None:
                stream.close()


@capturing
def test_what_comes_through_a_pipe_gives_the_rows_of_the_file(tmp_path: Path) -> None:
    port, file, folder = free_port(), tmp_path / "same.pcap", tmp_path / "out"
    with (
        tcpdump("-w", "-", f"tcp port {port}", stdout=subprocess.PIPE) as source,
        subprocess.Popen(["tee", file], stdin=source.stdout, stdout=subprocess.PIPE) as tee,
        subprocess.Popen(
            [*COMMAND, "live", "-", "-o", folder, "--until-closed", "-q"],
            stdin=tee.stdout,
            stdout=subprocess.PIPE,
            env=environment(),
        ) as live,
    ):
        talk(port)
        log, _ = live.communicate(timeout=180)
        source.terminate()
        tee.wait()
    assert live.returncode == 0
    assert log.count(b" ended ") == 8
    assert_same(folder, file, but=LATER)


@capturing
@pytest.mark.parametrize("source", ["dumpcap", "socket"])
def test_an_interface_gives_the_rows_of_a_capture_of_the_same_traffic(
    source: str, tmp_path: Path
) -> None:
    if source == "dumpcap" and shutil.which("dumpcap") is None:
        pytest.skip("there is no dumpcap")
    port, file, folder = free_port(), tmp_path / "same.pcap", tmp_path / "out"
    expression = f"tcp port {port}"
    with (
        tcpdump("-w", file, expression),
        wsanalyze.live(
            "lo", filter=expression, source=source, output=folder, until_closed=True
        ) as session,
    ):
        talking = threading.Thread(target=talk, args=(port,))
        talking.start()
        events = list(session)
        talking.join()
    received = session.statistics
    assert received.dropped_by_kernel == 0
    assert sum(isinstance(each, Ended) for each in events) == 8
    assert sum(isinstance(each, Refused) for each in events) == 1
    assert sum(isinstance(each, Established) for each in events) == 7
    assert_same(folder, file, but=[*LATER, *OF_CAPTURE])


TALKS = [sys.executable, str(Path(__file__).parent / "support" / "talks.py")]


def within(namespace: str, *command: object, **streams: Any) -> subprocess.Popen[str]:
    inside = ["ip", "netns", "exec", namespace, *map(str, command)]
    return subprocess.Popen(inside, env=environment(), encoding="utf-8", **streams)


def said(stream: IO[str] | None, word: str) -> None:
    """Wait until a line has the word."""
    assert stream is not None
    for line in stream:
        if word in line:
            return
    raise AssertionError(f"{word!r} was not said")


@capturing
@pytest.mark.skipif(shutil.which("ip") is None, reason="namespaces take ip")
@pytest.mark.parametrize("source", ["dumpcap", "socket"])
def test_between_two_hosts_live_gives_the_rows_of_the_packets_that_it_keeps_and_of_tcpdump(
    source: str, tmp_path: Path
) -> None:
    kept, folder, recorded = tmp_path / "kept.pcapng", tmp_path / "out", tmp_path / "tcpdump.pcap"
    options = ["--source", source, "-w", kept, "-o", folder, "--until-closed", "--duration", 50]
    pipe = {"stdout": subprocess.PIPE}
    with two_hosts() as (client, server):
        live = within(server, *COMMAND, "live", "wire", *options, stderr=subprocess.PIPE, **pipe)
        serving = within(server, *TALKS, "serve", "192.0.2.2", 8080, **pipe)
        inside = ["ip", "netns", "exec", server]
        try:
            said(live.stderr, "Ctrl-C ends it")
            said(serving.stdout, "serving")
            with recording(recorded, "wire", "tcp", within=inside) as until_it_has:
                assert within(client, *TALKS, "talk", "192.0.2.2", 8080).wait(30) == 0
                log, _ = live.communicate(timeout=180)
                until_it_has(len(wsanalyze.analyze(kept, segments=True).segments))
        finally:
            for process in (live, serving):
                process.kill()
                process.communicate()
    assert live.returncode == 0
    assert log.count(" ended ") == 8
    assert_same(folder, kept, but=LATER)
    assert_same(folder, recorded, but=[*LATER, *OF_CAPTURE])


def live_on(source: Played, **options: Any) -> LiveAnalysis:
    return LiveAnalysis(source, session_of(source, **options))


def test_a_session_is_an_iterator_of_events_that_ends() -> None:
    with live_on(Played(CHAT)) as session:
        events = list(session)
        assert list(session) == []
    assert session.finished
    assert sum(isinstance(each, Message) for each in events) == MESSAGES
    assert "over" in repr(session)


def test_a_session_is_an_async_iterator_beside_which_the_loop_goes_on() -> None:
    async def both() -> tuple[int, int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0)
                ticks += 1

        beside = asyncio.create_task(tick())
        messages = 0
        with live_on(Played(CHAT)) as session:
            async for event in session:
                messages += isinstance(event, Message)
        beside.cancel()
        return messages, ticks

    messages, ticks = asyncio.run(both())
    assert messages == MESSAGES
    assert ticks > 0


async def all_of(session: LiveAnalysis) -> list[Any]:
    return [event async for event in session]


def test_an_iteration_that_is_cancelled_leaves_nothing_open() -> None:
    async def cancelled() -> Played:
        source = Paused(CHAT)
        with live_on(source) as session:
            waiting = asyncio.create_task(all_of(session))
            await asyncio.sleep(0.2)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert not session.finished
        return source

    assert asyncio.run(cancelled()).closed


def give_up_at(_event: object) -> None:
    raise ValueError("enough")


def test_leaving_the_block_by_an_exception_closes_everything() -> None:
    source = Paused(CHAT)
    session = live_on(source)
    with pytest.raises(ValueError, match="enough"), session:
        give_up_at(next(iter(session)))
    assert source.closed
    assert list(session) == []


def test_stop_ends_the_iteration_with_what_was_received() -> None:
    source = Paused(CHAT)
    events = []
    with live_on(source) as session:
        for event in session:
            events.append(event)
            if sum(isinstance(each, Message) for each in events) == MESSAGES:
                session.stop()
    assert sum(isinstance(each, Ended) for each in events) == 2


def test_what_was_kept_is_there_as_tables_while_it_goes_on() -> None:
    source = Paused(CHAT)
    with live_on(source, keep=True) as session:
        for event in session:
            if isinstance(event, Message):
                break
        assert len(session.tables().connections) >= 1
        session.stop()
        list(session)
        expected = wsanalyze.analyze(CHAT)
        pd.testing.assert_frame_equal(session.tables().messages, expected.messages)


def test_what_was_not_kept_cannot_be_asked_for() -> None:
    source = Played(CHAT)
    with live_on(source) as session, pytest.raises(UsageError, match="keep=True"):
        session.tables()


def test_arguments_that_make_no_sense_are_refused_before_anything_is_opened() -> None:
    with pytest.raises(UsageError, match="payloads"):
        wsanalyze.live("nosuch0", payloads="some")
    with pytest.raises(UsageError, match="idle"):
        wsanalyze.live("nosuch0", idle=0)
    for name in ("duration", "count", "rotate_bytes", "rotate_seconds"):
        for value in (0, -1, float("nan"), float("inf")):
            with pytest.raises(UsageError, match=name):
                wsanalyze.live("nosuch0", **{name: value})
    with pytest.raises(UsageError, match="names no check"):
        wsanalyze.live("nosuch0", checks=["XYZ-99"])
    with pytest.raises(CaptureError, match="nosuch0"):
        wsanalyze.live("nosuch0")
