"""The highest rate of WebSocket messages at which nothing is lost: ours, and other live tools.

    python benchmarks/live.py [--seconds 3] [--rates 5000,10000,…] [--tools live,tshark] [--runs 3]

As root, on Linux, with a C compiler. `flood.c` sends what `frames()` made on an interface that
throws everything away, and each tool in turn captures there: first all of them at the lowest rate,
then those that lost nothing at the next one. Rates are packets a second, from 20 connections at
the same time, with one message of 20 to 100 bytes each (`--each`: so many). Nothing is lost where
the tool says that nothing was dropped, and a second after the last packet had handed out as many
messages, or packets, as were sent: tools that fall behind without an end (tshark has dumpcap write
to a file, and reads that) do not keep up. A rate that fails is tried again (`--tries`). Of several
runs the median counts.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import pty
import random
import re
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
RATES = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 75, 100, 150, 200, 250, 300, 400, 500, 600, 800)
CONNECTIONS = 20
# Seconds after the last packet until what is not there counts as lost.
LATE = 1.0
REQUEST = (
    b"GET /flood HTTP/1.1\r\nHost: flood.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
SYN, ACK, PUSH = 2, 16, 8
SNIFF = """
import json, sys, signal
from scapy.all import conf, sniff
seen = 0
def count(packet):
    global seen
    seen += 1
def stop(*_):
    print(json.dumps({"packets": seen}), flush=True)
    import os
    os._exit(0)
signal.signal(signal.SIGINT, stop)
sniff(iface=sys.argv[1], store=False, prn=count, filter="tcp",
      started_callback=lambda: print("ready", flush=True))
"""


@dataclass
class Connection:
    """A connection between two hosts, as far as it has been written."""

    number: int
    client_next: int = 1000
    server_next: int = 5000

    def segment(self, from_client: bool, flags: int, data: bytes = b"") -> bytes:
        """Return the next Ethernet frame of one side."""
        client, server = (b"\xc0\x00\x02\x01", 20_000 + self.number), (b"\xc6\x33\x64\x02", 80)
        (source, port), (target, other) = (client, server) if from_client else (server, client)
        mine, theirs = self.client_next, self.server_next
        if not from_client:
            mine, theirs = theirs, mine
        head = struct.pack(">HHIIHHHH", port, other, mine, theirs, 5 << 12 | flags, 65_535, 0, 0)
        moved = len(data) + (1 if flags & SYN else 0)
        if from_client:
            self.client_next = (mine + moved) & 0xFFFFFFFF
        else:
            self.server_next = (mine + moved) & 0xFFFFFFFF
        total = 40 + len(data)
        packet = struct.pack(">BBHHHBBH4s4s", 0x45, 0, total, 1, 0, 64, 6, 0, source, target)
        # Addresses that nobody has: the kernel throws them away once they were captured.
        return b"\x02\0\0\0\0\x99\x02\0\0\0\0\x98\x08\x00" + packet + head + data


def frames(count: int, each_has: int = 1) -> Iterator[bytes]:
    """Yield the Ethernet frames of CONNECTIONS handshakes, then `count` with messages in them."""
    chance = random.Random(1)  # noqa: S311 - the same frames each time
    connections = [Connection(number) for number in range(CONNECTIONS)]
    for each in connections:
        yield each.segment(True, SYN)
        yield each.segment(False, SYN | ACK)
        yield each.segment(True, ACK)
        yield each.segment(True, PUSH | ACK, REQUEST)
        yield each.segment(False, PUSH | ACK, RESPONSE)
    for each in itertools.islice(itertools.cycle(connections), count):
        data = b"".join(message(chance) for _ in range(each_has))
        yield each.segment(True, PUSH | ACK, data)


def message(chance: random.Random) -> bytes:
    """Return a masked text frame of 20 to 100 times the letter a."""
    length = chance.randint(20, 100)
    key = chance.getrandbits(32).to_bytes(4, "big")
    payload = bytes(97 ^ key[i & 3] for i in range(4)) * (length // 4 + 1)
    return bytes([0x81, 0x80 | length]) + key + payload[:length]


@dataclass
class Tool:
    """A way to capture.

    `ready` is what it says when it captures, on standard error or output. `counts` says what is
    sent as often as it shall hand something out; `mark` is what each has in its output, None where
    it tells the number in the end. `stop`: how it is ended.
    """

    name: str
    command: list[str]
    ready: bytes
    counts: str = "messages"
    mark: bytes | None = None
    errors: bool = True
    stop: str = "signal"
    terminal: bool = False


def tools(interface: str, folder: Path) -> list[Tool]:
    """Return what there is to compare on this machine."""
    reading = [sys.executable, str(HERE / "live_reading.py")]
    live = [sys.executable, "-m", "wsanalyze", "live", interface, "--filter", "tcp"]
    tshark = f"tshark -n -l -i {interface} -B 64 -f tcp"
    tcpdump = f"tcpdump -i {interface} -B 65536 -s 262144 -Z root -w {folder}/own tcp"
    jsonl, message = ["-f", "jsonl", "--source"], b'"event": "message"'
    found = [
        Tool("live -f jsonl, dumpcap", [*live, *jsonl, "dumpcap"], b"Ctrl-C", mark=message),
        Tool("live -f jsonl, socket", [*live, *jsonl, "socket"], b"Ctrl-C", mark=message),
        Tool("live, table, dumpcap", [*live, "--source", "dumpcap"], b"Ctrl-C", terminal=True),
        Tool("live, table, socket", [*live, "--source", "socket"], b"Ctrl-C", terminal=True),
        Tool("reading, dumpcap", [*reading, "dumpcap", interface], b"ready", errors=False),
        Tool("reading, socket", [*reading, "socket", interface], b"ready", errors=False),
        Tool("tcpdump -w", tcpdump.split(), b"listening on", "packets"),
        Tool(
            "tshark -Y websocket -T fields",
            (
                tshark + " -Y websocket -T fields -e frame.number -e websocket.payload_length"
            ).split(),
            b"Capturing on",
            mark=b"\n",
        ),
        Tool("tshark", tshark.split(), b"Capturing on", "packets", mark=b"\n"),
        Tool("scapy sniff", [sys.executable, "-c", SNIFF, interface], b"ready", "packets"),
    ]
    for tool in found:
        if tool.name.startswith("reading"):
            tool.stop = "line"
        if tool.name.startswith("scapy"):
            tool.errors = False
    return [tool for tool in found if shutil.which(tool.command[0])]


class Round:
    """One tool at one rate."""

    def __init__(self, tool: Tool, folder: Path) -> None:
        self.tool = tool
        self.output = folder / "output"
        self.errors = folder / "errors"
        self.shown = b""
        environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "TERM": "xterm"}
        with self.output.open("wb") as output, self.errors.open("wb") as errors:
            inner = None
            if tool.terminal:
                outer, inner = pty.openpty()
                threading.Thread(target=self.watch, args=(outer,), daemon=True).start()
            self.child = subprocess.Popen(
                tool.command,
                stdin=subprocess.PIPE,
                stdout=output if inner is None else inner,
                stderr=errors,
                env=environment,
            )
            if inner is not None:
                os.close(inner)
        self.wait_for(tool.ready)
        # Where a program says that it is ready before it is.
        time.sleep(1.0)
        share_alike(self.child.pid)

    def watch(self, terminal: int) -> None:
        """Read what a terminal shows, as a terminal would; keep the end of it."""
        while True:
            try:
                data = os.read(terminal, 65_536)
            except OSError:
                return
            self.shown = (self.shown + data)[-65_536:]

    def wait_for(self, text: bytes) -> None:
        """Wait until the tool says that it captures."""
        path = self.errors if self.tool.errors else self.output
        deadline = time.monotonic() + 30
        while text not in path.read_bytes():
            if self.child.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{self.tool.name}: {self.errors.read_text()}")
            time.sleep(0.05)

    def result(self) -> tuple[int, int | None]:
        """Stop the tool; return what it has handed out, and what it says was dropped."""
        tool, size = self.tool, self.output.stat().st_size
        stopped = time.monotonic()
        if tool.stop == "line":
            self.child.communicate(b"\n", timeout=60)
        else:
            self.child.send_signal(signal.SIGINT)
            try:
                self.child.wait(60)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        written, errors = self.output.read_bytes(), self.errors.read_text()
        if tool.terminal:
            # What was waiting when it was told to stop is late.
            is_late = time.monotonic() - stopped > LATE
            time.sleep(0.2)
            shown = self.shown.decode("utf-8", "replace")
            return 0 if is_late else number(r"([\d,]+) messages", shown) or 0, number(
                r"([\d,]+) by the kernel", shown
            )
        if tool.name.startswith("live"):
            summary = json.loads(written.splitlines()[-1])
            return written[:size].count(tool.mark or b""), summary["dropped_by_kernel"]
        if tool.name.startswith("tshark"):
            dropped = number(r"(\d+) packets? dropped", errors)
            return written[:size].count(tool.mark or b""), dropped or 0
        if tool.name.startswith("tcpdump"):
            captured = number(r"(\d+) packets? captured", errors) or 0
            return captured, number(r"(\d+) packets? dropped by kernel", errors)
        said = json.loads(written.splitlines()[-1])
        return said[tool.counts], said.get("dropped")


def share_alike(process: int) -> None:
    """Give the sessions that a process began the weight of ours, where the kernel has such.

    sched(7), "The autogroup feature": nice values count among the processes of a session alone.
    """
    mine = Path("/proc/self/autogroup")
    if not mine.exists():
        return
    weight = mine.read_text().split()[-1]
    for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
        Path(f"/proc/{child}/autogroup").write_text(weight)
        share_alike(int(child))


def number(expression: str, text: str) -> int | None:
    """Return the last number in a text that stands where the expression says."""
    found = re.findall(expression, text)
    return int(found[-1].replace(",", "")) if found else None


@contextmanager
def interface() -> Iterator[str]:
    """Yield an interface that throws away what is sent on it, once it was captured.

    A bridge without ports: of what most kernels have, it costs the sender least.
    """
    name = f"wsflood{os.getpid() % 1000}"
    subprocess.run(["ip", "link", "add", name, "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "link", "set", name, "addrgenmode", "none", "up"], check=True)
        yield name
    finally:
        subprocess.run(["ip", "link", "del", name], check=False)


def main() -> None:
    """Measure, and print a table."""
    # A shell may have had it ignored, which the tools would inherit, and never end.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rates", default=",".join(str(rate * 1000) for rate in RATES))
    parser.add_argument("--tools", default="", help="parts of their names, with commas")
    parser.add_argument("--tries", type=int, default=2)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--each", type=int, default=1, help="messages in a packet")
    arguments = parser.parse_args()
    rates = [int(rate) for rate in arguments.rates.split(",")]
    # In memory: it is not the disk that is measured.
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - one of our own in it
    with tempfile.TemporaryDirectory(dir=memory) as name, interface() as wire:
        folder = Path(name)
        flood, prepared = folder / "flood", folder / "frames"
        subprocess.run(["cc", "-O2", "-o", str(flood), str(HERE / "flood.c")], check=True)
        packets = int(max(rates) * arguments.seconds)
        with prepared.open("wb") as file:
            for frame in frames(packets, arguments.each):
                file.write(struct.pack("=I", len(frame)) + frame)
        wanted = [part for part in arguments.tools.split(",") if part]
        racing = [
            tool
            for tool in tools(wire, folder)
            if not wanted or any(part in tool.name for part in wanted)
        ]
        found: dict[str, list[int]] = {tool.name: [] for tool in racing}
        for _ in range(arguments.runs):
            best = race(racing, rates, arguments, [str(flood), wire], folder)
            for tool_name, rate in best.items():
                found[tool_name].append(rate)
        report({tool_name: int(statistics.median(each)) for tool_name, each in found.items()})
        if arguments.runs > 1:
            print(f"runs: {found}", file=sys.stderr)


def race(
    racing: list[Tool],
    rates: list[int],
    arguments: argparse.Namespace,
    flood: list[str],
    folder: Path,
) -> dict[str, int]:
    """Let the tools try one rate after the other; return the highest of each without a loss."""
    best = dict.fromkeys((tool.name for tool in racing), 0)
    left = list(racing)
    for rate in rates:
        for tool in list(left):
            for _ in range(arguments.tries):
                if attempt(tool, folder, [*flood, str(rate)], arguments):
                    best[tool.name] = rate * arguments.each
                    break
            else:
                left.remove(tool)
    return best


def attempt(tool: Tool, folder: Path, flood: list[str], arguments: argparse.Namespace) -> bool:
    """Run one tool at one rate; say on standard error how it went, return whether all was there."""
    rate = float(flood[-1])
    count = int(rate * arguments.seconds)
    sent = count + 5 * CONNECTIONS
    expected = sent if tool.counts == "packets" else count * arguments.each
    if tool.name.startswith("tshark -Y"):
        # A line for each packet.
        expected = count
    run = Round(tool, folder)
    command = [*flood, str(sent), str(folder / "frames")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    real = sent / float(done.stdout.split()[1])
    time.sleep(LATE)
    handed_out, dropped = run.result()
    print(
        f"{rate:>8.0f} /s (sent at {real:,.0f}, load {os.getloadavg()[0]:.1f}) {tool.name:<24} "
        f"{handed_out} of {expected}, dropped {'?' if dropped is None else dropped}",
        file=sys.stderr,
        flush=True,
    )
    if real < 0.95 * rate:
        print("         the sender was too slow: this says nothing", file=sys.stderr, flush=True)
        return False
    return handed_out == expected and not dropped


def report(best: dict[str, int]) -> None:
    """Print the highest rate of each, and how many times tshark's it is."""
    base = best.get("tshark -Y websocket -T fields", 0)
    print("| captured by | messages/s without loss | times tshark's |")
    print("|---|---|---|")
    for name, rate in best.items():
        times = f"{rate / base:.1f}" if base else "-"
        print(f"| {name} | {rate:,} | {times} |")


if __name__ == "__main__":
    main()
