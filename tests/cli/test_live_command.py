"""`wsanalyze live` whole, on interfaces with real traffic: how it ends, and what it leaves."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
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
from typing import Any

import pandas as pd
import pytest
from support.live import ip, needs_dumpcap, processes_of, tcpdump, two_hosts
from support.talks import free_port, talk

import wsanalyze
from cli.running import COMMAND, environment
from wsanalyze.capture.source import open_capture

pytestmark = needs_dumpcap
SOURCES = ("dumpcap", "socket")
# Of one round of talking: connections that end, and messages.
ENDED, MESSAGES = 8, 62
# The same command, but parts of tables are written all the time.
OFTEN = """
import sys
from wsanalyze.monitoring import session
session.PART = 0.05
from wsanalyze.cli.main import main
sys.exit(main())
"""
SECONDS = 60


class Running:
    """The command, which captures by now; what it prints goes to files."""

    def __init__(self, folder: Path, *arguments: object, program: list[str] | None = None) -> None:
        self.output, self.errors = folder / "printed", folder / "said"
        with self.output.open("wb") as output, self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [*(program or COMMAND), "live", *map(str, arguments)],
                stdout=output,
                stderr=errors,
                env=environment(),
                start_new_session=True,
            )
        self.until(lambda: b"Ctrl-C ends it" in self.errors.read_bytes())

    def until(self, condition: Any) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert self.process.poll() is None or condition(), self.errors.read_text()
            assert time.monotonic() < deadline, self.errors.read_text()
            time.sleep(0.02)

    def until_told(self, count: int, kind: str) -> None:
        self.until(
            lambda: self.output.read_bytes().count(b'"event": "%b"' % kind.encode()) >= count
        )

    def child(self, name: str) -> int:
        """Return the number of a process that it started: `dumpcap`, or `python` for the leash."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        (leash,) = map(int, children.split())
        if name == "leash":
            return leash
        return int(Path(f"/proc/{leash}/task/{leash}/children").read_text())

    def end(self, how: signal.Signals = signal.SIGTERM) -> list[dict[str, Any]]:
        """End it by a signal; return the events."""
        self.process.send_signal(how)
        return self.ended()

    def ended(self) -> list[dict[str, Any]]:
        self.process.wait(SECONDS)
        return [json.loads(line) for line in self.output.read_text().splitlines()]


@contextlib.contextmanager
def live(folder: Path, *arguments: object, program: list[str] | None = None) -> Iterator[Running]:
    running = Running(folder, *arguments, program=program)
    leash = [each for each in children_of(running.process.pid) if each]
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()
        for number in leash:
            wait_until_gone(number)


def children_of(process: int) -> list[int]:
    return [
        int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()
    ]


def wait_until_gone(session: int) -> None:
    """Wait until nothing is left of a leash and what it holds."""
    deadline = time.monotonic() + 20
    while left := processes_of(session):
        assert time.monotonic() < deadline, f"processes {left} outlive the command"
        time.sleep(0.05)


def of(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [each for each in events if each["event"] == kind]


def packets_of(*paths: Path) -> list[tuple[int, bytes]]:
    """Return the time and bytes of each packet in files."""
    found = []
    for path in paths:
        with open_capture(path) as reader:
            while (batch := reader.next()) is not None:
                found += [(each[1], each[4]) for each in batch.packets()]
    return found


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


def test_dumpcap_is_killed(tmp_path: Path) -> None:
    port = free_port()
    with live(tmp_path, "lo", "--filter", f"tcp port {port}", "-f", "jsonl") as running:
        talk(port)
        running.until_told(ENDED, "ended")
        os.kill(running.child("dumpcap"), signal.SIGKILL)
        events = running.ended()
    assert running.process.returncode == 4
    assert len(of(events, "message")) == MESSAGES
    assert [each["what"] for each in of(events, "problem")] == [
        "dumpcap ended (by signal 9): it said nothing"
    ]
    assert events[-1]["dropped_by_kernel"] is None


@pytest.mark.parametrize("who", ["dumpcap", "leash"])
def test_who_was_stopped_does_not_keep_it_from_ending(who: str, tmp_path: Path) -> None:
    port = free_port()
    with live(tmp_path, "lo", "--filter", f"tcp port {port}", "-f", "jsonl") as running:
        talk(port)
        running.until_told(ENDED, "ended")
        os.kill(running.child(who), signal.SIGSTOP)
        events = running.end()
    assert running.process.returncode == 0
    assert len(of(events, "message")) == MESSAGES
    assert "it was killed" in of(events, "problem")[0]["what"]


@pytest.mark.parametrize("stopped", [["dumpcap"], ["leash"], ["leash", "dumpcap"]])
def test_who_was_stopped_goes_with_a_parent_that_is_killed(
    stopped: list[str], tmp_path: Path
) -> None:
    # Nothing is captured: who writes into a pipe that nobody reads ends by that.
    with live(tmp_path, "lo", "--filter", "udp port 9", "-f", "jsonl") as running:
        for number in [running.child(who) for who in stopped]:
            os.kill(number, signal.SIGSTOP)
        running.process.kill()


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


@pytest.mark.parametrize("source", SOURCES)
def test_root_is_given_up_and_files_are_the_users(source: str, tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    tmp_path.chmod(0o755)
    for folder in [each for each in tmp_path.parents if each.is_relative_to("/tmp")][:-1]:  # noqa: S108
        folder.chmod(folder.stat().st_mode | 0o055)
    place = tmp_path / "place"
    place.mkdir()
    os.chown(place, nobody.pw_uid, nobody.pw_gid)
    port = free_port()
    options = ["--source", source, "-o", place / "tables", "-w", place / "kept.pcapng"]
    options += ["--user", "nobody", "-f", "jsonl"]
    with live(tmp_path, "lo", "--filter", f"tcp port {port}", *options) as running:
        status = Path(f"/proc/{running.process.pid}/status").read_text()
        ids = {line.split(":")[0]: line.split()[1:] for line in status.splitlines()}
        assert ids["Uid"] == [str(nobody.pw_uid)] * 4
        assert ids["Gid"] == [str(nobody.pw_gid)] * 4
        assert ids["CapEff"] == ["0" * 16]
        talk(port)
        running.until_told(ENDED, "ended")
        events = running.end()
    assert "from here on as nobody" in running.errors.read_text()
    assert len(of(events, "message")) == MESSAGES
    assert {path.stat().st_uid for path in place.rglob("*")} == {nobody.pw_uid}
    assert len(pd.read_parquet(place / "tables" / "messages")) == MESSAGES


def test_it_ends_after_a_time_and_after_packets(tmp_path: Path) -> None:
    port = free_port()
    options = ["lo", "--filter", f"tcp port {port}", "-f", "jsonl"]
    with live(tmp_path, *options, "--duration", 1) as running:
        events = running.ended()
    assert (running.process.returncode, [each["event"] for each in events]) == (0, ["summary"])
    with live(tmp_path, *options, "--count", 50) as running:
        talk(port)
        events = running.ended()
    assert (running.process.returncode, events[-1]["packets"]) == (0, 50)
    with live(tmp_path, *options, "--until-closed") as running:
        talk(port)
        events = running.ended()
    assert (running.process.returncode, len(of(events, "ended"))) == (0, ENDED)


def in_namespace(name: str) -> list[str]:
    return ["ip", "netns", "exec", name, *COMMAND]


def hosts_talk(client: str, server: str, port: int = 8080) -> None:
    """Let a client and a server talk, each in its namespace."""
    serving = subprocess.Popen(
        [*IN, server, *TALKS, "serve", "192.0.2.2", str(port)],
        stdout=subprocess.PIPE,
        env=environment(),
    )
    try:
        assert serving.stdout is not None
        assert serving.stdout.readline() == b"serving\n"
        command = [*IN, client, *TALKS, "talk", "192.0.2.2", str(port)]
        subprocess.run(command, check=True, env=environment(), timeout=SECONDS)
    finally:
        serving.kill()
        serving.communicate()


IN = ["ip", "netns", "exec"]
TALKS = [sys.executable, str(Path(__file__).parents[1] / "support" / "talks.py")]


@pytest.mark.parametrize("source", SOURCES)
def test_an_interface_goes_down_and_comes_back(source: str, tmp_path: Path) -> None:
    with two_hosts() as (client, server):
        options = ["wire", "--source", source, "-f", "jsonl"]
        with live(tmp_path, *options, program=in_namespace(server)) as running:
            hosts_talk(client, server)
            running.until_told(ENDED, "ended")
            for state in ("down", "up"):
                ip("-n", server, "link", "set", "wire", state)
                running.until_told(1 if state == "down" else 2, "problem")
            hosts_talk(client, server, 8081)
            running.until_told(2 * ENDED, "ended")
            events = running.end()
    assert running.process.returncode == 0
    assert [each["what"] for each in of(events, "problem")] == ["wire went down", "wire is back"]
    assert len(of(events, "message")) == 2 * MESSAGES


@pytest.mark.parametrize("source", SOURCES)
def test_several_interfaces_at_a_time(source: str, tmp_path: Path) -> None:
    with two_hosts() as (client, server):
        ip("-n", server, "link", "set", "lo", "up")
        options = ["lo", "wire", "--source", source, "-w", tmp_path / "kept.pcapng", "-f", "jsonl"]
        with live(tmp_path, *options, program=in_namespace(server)) as running:
            hosts_talk(client, server)
            # To an own address goes through loopback.
            hosts_talk(server, server, 8081)
            running.until_told(2 * ENDED, "ended")
            events = running.end()
    assert {each["client_ip"] for each in of(events, "requested")} == {"192.0.2.1", "192.0.2.2"}
    assert len(of(events, "message")) == 2 * MESSAGES
    assert len(wsanalyze.analyze(tmp_path / "kept.pcapng").messages) == 2 * MESSAGES
