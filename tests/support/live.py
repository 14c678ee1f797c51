"""Real traffic for live sources: interfaces, connections, tcpdump beside them, and what came."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from wsanalyze.capture.live import LiveSource

Packet = tuple[int, int, int, int, bytes]
COUNT = itertools.count()
# Until a test says that something does not happen: machines are busy.
SECONDS = 90
# An EtherType for local experiments (IEEE 802), so that nobody else's packets are among ours.
EXPERIMENT = 0x88B5
OURS = "ether proto 0x88b5"


def may_capture() -> bool:
    """Whether this process may open packet sockets."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except OSError:
        return False
    return True


needs_capture = pytest.mark.skipif(
    not may_capture(), reason="packet sockets are not permitted: run as root, or with CAP_NET_RAW"
)
needs_dumpcap = pytest.mark.skipif(
    not may_capture() or shutil.which("dumpcap") is None,
    reason="dumpcap is missing (apt install wireshark-common), or capturing is not permitted",
)


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, stderr=subprocess.PIPE)


def name() -> str:
    """Return a name of an interface that no test beside this one has."""
    return f"ws{os.getpid() % 100_000}x{next(COUNT)}"


def make_veth(one: str, other: str) -> None:
    ip("link", "add", one, "type", "veth", "peer", "name", other)
    for each in (one, other):
        ip("link", "set", each, "up")


@contextmanager
def veth() -> Iterator[tuple[str, str]]:
    """Yield two interfaces that are wired to each other, and are up."""
    one, other = name(), name()
    try:
        make_veth(one, other)
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("interfaces cannot be made: run as root, with iproute2")
    try:
        yield one, other
    finally:
        subprocess.run(["ip", "link", "del", one], check=False, stderr=subprocess.DEVNULL)


@contextmanager
def two_hosts() -> Iterator[tuple[str, str]]:
    """Make two network namespaces with a cable between them: 192.0.2.1 and 192.0.2.2 on `wire`."""
    names = tuple(f"wsa{os.getpid()}{end}" for end in "ab")
    run = partial(subprocess.run, check=True, capture_output=True)
    try:
        for name in names:
            run(["ip", "netns", "add", name])
        there = ["peer", "name", "wire", "netns", names[1]]
        run(["ip", "-n", names[0], "link", "add", "wire", "type", "veth", *there])
        for number, name in enumerate(names, 1):
            run(["ip", "-n", name, "addr", "add", f"192.0.2.{number}/24", "dev", "wire"])
            run(["ip", "-n", name, "link", "set", "wire", "up"])
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def send(interface: str, *payloads: bytes, tag: int | None = None) -> None:
    """Send Ethernet frames of EXPERIMENT."""
    middle = b"" if tag is None else b"\x81\x00" + tag.to_bytes(2, "big")
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sending:
        sending.bind((interface, 0))
        for payload in payloads:
            sending.send(
                bytes.fromhex("0200000000020200000000 01".replace(" ", ""))
                + middle
                + EXPERIMENT.to_bytes(2, "big")
                + payload
                + bytes(max(0, 46 - len(payload)))
            )


def exchange(port: int, sizes: tuple[int, ...] = (1, 1000, 200_000)) -> None:
    """Have a client and a server talk over loopback; what is large comes in large frames."""
    with (
        socket.create_server(("127.0.0.1", port)) as listening,
        socket.create_connection(("127.0.0.1", port)) as client,
    ):
        server, _ = listening.accept()
        with server:
            for size in sizes:
                client.sendall(bytes(size))
                left = size
                while left:
                    left -= len(server.recv(left))
                server.sendall(b"done")
                client.recv(4)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        # The longest that there is: a frame of 65,549 bytes.
        sending.sendto(bytes(65_507), ("127.0.0.1", port))


def drain(source: LiveSource) -> list[Packet]:
    """Stop a source and return all that still comes."""
    source.stop()
    return until_end(source)


def until_end(source: LiveSource, seconds: float = SECONDS) -> list[Packet]:
    packets: list[Packet] = []
    deadline = time.monotonic() + seconds
    while not source.ended:
        assert time.monotonic() < deadline, "the source does not end"
        batch = source.next(0.5)
        if batch is not None:
            assert batch.capture == 0
            packets += batch.packets()
    return packets


def receive(source: LiveSource, count: int, seconds: float = SECONDS) -> list[Packet]:
    """Return what comes until there are `count` packets."""
    packets: list[Packet] = []
    deadline = time.monotonic() + seconds
    while len(packets) < count:
        assert not source.ended, source.failure
        assert time.monotonic() < deadline, f"{len(packets)} of {count} packets came"
        batch = source.next(0.2)
        if batch is not None:
            packets += batch.packets()
    return packets


def until(condition: Callable[[], object], source: LiveSource | None = None) -> None:
    """Wait until something is so, letting a source see what happens meanwhile."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        if source is None:
            time.sleep(0.02)
        else:
            source.next(0.1)


@contextmanager
def tcpdump(
    path: Path, interface: str, expression: str, *, within: Sequence[str] = ()
) -> Iterator[Callable[[int], None]]:
    """Record with tcpdump; what is yielded waits until it has so many packets.

    `within`: a command that runs it somewhere else, in a namespace.
    """
    command = [*within, "tcpdump", "-i", interface, "-U", "--immediate-mode", "-w", str(path)]
    # As root it would become somebody who may not write there.
    command += ["-Z", "root"] if os.geteuid() == 0 else []
    command += [
        "--time-stamp-precision",
        "nano",
        "-s",
        "262144",
        "-B",
        "65536",
        *expression.split(),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as child:
        try:
            assert child.stderr is not None
            while b"listening on" not in (line := child.stderr.readline()):
                assert line, "tcpdump does not start"
            yield lambda count: until(lambda: _packets_in(path) >= count)
        finally:
            child.send_signal(signal.SIGINT)
            child.communicate(timeout=SECONDS)


def _packets_in(path: Path) -> int:
    done = subprocess.run(
        ["tcpdump", "-nn", "-r", str(path), "--count"], capture_output=True, text=True, check=False
    )
    match = re.search(r"^(\d+) packet", done.stdout, re.MULTILINE)
    return int(match[1]) if match else 0


def processes_of(session: int) -> list[int]:
    """Return the processes of a session that are alive."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def descriptors() -> list[str]:
    """Return what this process has open, without what looking takes."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(entry.readlink()))
        except FileNotFoundError:
            continue
    return sorted(each for each in found if not each.startswith("/proc/"))
