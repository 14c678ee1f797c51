"""`wsanalyze live` whole, on interfaces with real traffic: how it ends, and what it leaves."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from support.live import ip, needs_dumpcap, two_hosts
from support.ports import free_port
from support.talks import talk

import wsanalyze
from cli.live_running import ENDED, MESSAGES, SOURCES, live, of
from cli.running import COMMAND, SECONDS, environment

pytestmark = needs_dumpcap


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


@pytest.fixture
def place_of_nobody() -> Iterator[Path]:
    """A folder in which nobody else than `nobody` writes.

    Not below pytest's own: every pytest that starts makes that root's alone again.
    """
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        yield Path(folder)


@pytest.mark.parametrize("source", SOURCES)
def test_root_is_given_up_and_files_are_the_users(
    source: str, place_of_nobody: Path, tmp_path: Path
) -> None:
    nobody, place = pwd.getpwnam("nobody"), place_of_nobody
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
