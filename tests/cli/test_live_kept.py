"""What `wsanalyze live` keeps on interfaces with real traffic: whole, whatever happens to it."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pandas as pd
import pytest
from support.live import needs_dumpcap, tcpdump
from support.ports import free_port
from support.talks import talk

import wsanalyze
from cli.live_running import ENDED, MESSAGES, OFTEN, SOURCES, live, of, packets_of

pytestmark = needs_dumpcap


def count_by_tshark(path: Path) -> int:
    """Return how many packets tshark reads, without a complaint."""
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-e", "frame.number"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [line for line in done.stderr.splitlines() if "Running as user" not in line] == []
    return len(done.stdout.split())


def counts_by_wireshark(paths: list[Path]) -> list[int]:
    """Return how many packets Wireshark's reader finds in each file, without a complaint."""
    done = subprocess.run(
        ["capinfos", "-T", "-r", "-c", *map(str, paths)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == [str(path) for path in paths]
    return [int(row[1]) for row in rows]


@pytest.mark.parametrize("number", range(5))
def test_after_a_sigkill_at_any_moment_what_was_written_is_whole(
    number: int, tmp_path: Path
) -> None:
    chance = random.Random(number)  # noqa: S311 - for tests that repeat
    port, tables, kept = free_port(), tmp_path / "tables", tmp_path / "kept.pcapng"
    options = ["-o", tables, "-w", kept, "--filter", f"tcp port {port}", "-f", "jsonl"]
    source = SOURCES[number % 2]
    often = [sys.executable, "-P", "-c", OFTEN]
    with live(tmp_path, "lo", "--source", source, *options, program=often) as running:
        talking = threading.Thread(target=talk, args=(port, 3))
        talking.start()
        running.until_told(1, "established")
        time.sleep(chance.random())
        running.end(signal.SIGKILL) if number else running.process.kill()
        talking.join()
    assert running.process.returncode == -signal.SIGKILL
    rows = {
        table.name: pd.read_parquet(table)
        for table in tables.iterdir()
        if list(table.glob("*.parquet"))
    }
    messages = rows.get("messages")
    if messages is not None:
        assert not messages[["connection", "message"]].duplicated().any()
    # What had been printed was captured, and is in the file, as far as tshark goes, too.
    analysis = wsanalyze.analyze(kept)
    told = running.output.read_text().splitlines()[:-1]
    assert len(analysis.messages) >= sum('"event": "message"' in line for line in told)
    assert len(analysis.messages) >= (0 if messages is None else len(messages))


def test_the_disk_is_full_and_the_analysis_goes_on(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)]
    subprocess.run(mounting, check=True, capture_output=True)
    port = free_port()
    options = ["-o", disk / "tables", "-w", disk / "kept.pcapng", "-f", "jsonl"]
    often = [sys.executable, "-P", "-c", OFTEN]
    try:
        with live(
            tmp_path, "lo", "--filter", f"tcp port {port}", *options, program=often
        ) as running:
            rounds = 0
            # What a packet that found no room gives back may hold tables for a while.
            while running.output.read_bytes().count(b'"event": "problem"') < 2:
                assert rounds < 40
                talk(port)
                rounds += 1
                running.until_told(rounds * ENDED, "ended")
            talk(port)
            running.until_told((rounds + 1) * ENDED, "ended")
            events = running.end()
        assert running.process.returncode == 74
        said = sorted(each["what"] for each in of(events, "problem"))
        assert ["No space left" in each for each in said] == [True, True]
        assert ["kept.pcapng" in each for each in said].count(True) == 1
        assert len(of(events, "message")) == (rounds + 1) * MESSAGES
        assert events[-1]["event"] == "summary"
        assert "could not be written" in running.errors.read_text()
        # What is there is whole.
        assert 0 < len(packets_of(disk / "kept.pcapng")) < events[-1]["received"]
        for table in (disk / "tables").iterdir():
            if list(table.glob("*.parquet")):
                pd.read_parquet(table)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("rotation", [("--rotate-size", 0.02), ("--rotate-time", 0.3)])
@pytest.mark.parametrize("chosen", [[], ["--only-websocket"]])
def test_files_that_rotate_have_every_packet_once(
    source: str, rotation: tuple[str, float], chosen: list[str], tmp_path: Path
) -> None:
    port = free_port()
    options = ["--source", source, "-w", tmp_path / "kept.pcapng", "-f", "jsonl", *rotation]
    options += chosen
    with live(tmp_path, "lo", "--filter", f"tcp port {port}", *options) as running:
        for number in range(1, 4):
            talk(port)
            running.until_told(number * ENDED, "ended")
            time.sleep(0.2)
        events = running.end()
    files = sorted(tmp_path.glob("kept_*.pcapng"))
    assert len(files) > 2
    counts = counts_by_wireshark(files)
    assert all(counts)
    if rotation[0] == "--rotate-size":
        # A packet on loopback may be larger than a file shall be.
        sizes = [each.stat().st_size for each in files]
        assert all(a <= 20_000 or b == 1 for a, b in zip(sizes, counts, strict=True))
    # There is nothing but what asks for WebSocket.
    assert sum(counts) == events[-1]["received"]
    assert [each.name for each in files] == [
        f"kept_{number:05}.pcapng" for number in range(1, len(files) + 1)
    ]
    analysis = wsanalyze.analyze(files)
    assert len(analysis.messages) == len(of(events, "message")) == 3 * MESSAGES


class Page(BaseHTTPRequestHandler):
    """A page, and nothing said of who asked for it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"page\n")

    def log_message(self, *_words: object) -> None:
        return


@contextlib.contextmanager
def web() -> Iterator[int]:
    """Yield the port of a server that has a page."""
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            serving.join()


def ports_of(packet: bytes) -> frozenset[int]:
    """Return the ports of a TCP packet on loopback, IPv4 without options."""
    return frozenset((int.from_bytes(packet[34:36], "big"), int.from_bytes(packet[36:38], "big")))


@pytest.mark.parametrize("source", SOURCES)
def test_only_websocket_connections_are_kept_from_their_first_packet_on(
    source: str, tmp_path: Path
) -> None:
    recorded, kept = tmp_path / "recorded.pcap", tmp_path / "kept.pcapng"
    with web() as other:
        port = free_port()
        expression = f"tcp port {port} or tcp port {other}"
        options = ["--source", source, "-w", kept, "--only-websocket", "-f", "jsonl"]
        with (
            tcpdump(recorded, "lo", expression) as until_it_has,
            live(tmp_path, "lo", "--filter", expression, *options) as running,
        ):
            for _ in range(3):
                with urllib.request.urlopen(f"http://127.0.0.1:{other}/") as page:
                    assert page.read() == b"page\n"
            talk(port)
            running.until_told(ENDED, "ended")
            events = running.end()
            until_it_has(events[-1]["received"])
    # Who is refused had asked.
    sessions = {each["client_port"] for each in of(events, "requested")}
    assert len(sessions) == ENDED
    expected = [data for _, data in packets_of(recorded) if ports_of(data) & sessions]
    assert sorted(data for _, data in packets_of(kept)) == sorted(expected)
    assert count_by_tshark(kept) == len(expected) < events[-1]["received"]
    first = {min(ports_of(data) & sessions): data for data in reversed(expected)}
    assert all(data[47] == 0x02 for data in first.values()), "the first packet of each is a SYN"
