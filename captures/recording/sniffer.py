"""Starts and stops tcpdump and dumpcap, and makes sure that they saw everything."""

from __future__ import annotations

import asyncio
import gzip
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from recording.processes import start as start_process

Format = Literal["pcapng", "pcap", "pcap-nanosecond", "pcap.gz"]

SNAPLEN = "262144"
#: Room for a burst of full-size segments while the sniffer gets no processor.
KERNEL_BUFFER_MIB = 64
#: A file that has not grown for so long holds all that was sent; dumpcap flushes every 250 ms.
QUIET_SECONDS = 1.0


class SnifferError(Exception):
    """The sniffer did not start, or did not see every packet."""


def suffix(file_format: Format) -> str:
    """Return the file name's ending for a format."""
    return {"pcap-nanosecond": ".pcap"}.get(file_format, f".{file_format}")


def program(file_format: Format) -> str:
    """Return the program that records a format."""
    return "dumpcap" if file_format == "pcapng" else "tcpdump"


def command(
    file_format: Format, interface: str, path: Path, more: tuple[str, ...] = ()
) -> list[str]:
    """Return the command line that records `interface` into `path`.

    `more` comes last: options that override the usual ones, then a filter.
    """
    if program(file_format) == "dumpcap":
        buffer = ["-B", str(KERNEL_BUFFER_MIB)]
        return ["dumpcap", "-q", "-i", interface, "-s", SNAPLEN, *buffer, "-w", str(path), *more]
    line = ["tcpdump", "-i", interface, "-s", SNAPLEN, "-B", str(KERNEL_BUFFER_MIB * 1024)]
    line += ["-U", "-n", "-Z", "root", "--immediate-mode"]
    if interface == "any":
        line += ["-y", "LINUX_SLL2"]
    if file_format == "pcap-nanosecond":
        line += ["--time-stamp-precision=nano"]
    return [*line, "-w", str(path), *more]


@dataclass
class Sniffer:
    """One running tcpdump or dumpcap."""

    file_format: Format
    interface: str
    path: Path
    namespace: int | None = None  #: process whose network namespace is recorded, None for our own
    more: tuple[str, ...] = ()  #: options that override the usual ones, then a filter
    may_drop: bool = False  #: whether packets that it misses are what the session is about
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)
    _report: list[str] = field(default_factory=list, init=False)

    async def start(self) -> None:
        """Start, and return once packets are being captured."""
        line = command(self.file_format, self.interface, self.path, self.more)
        if self.namespace is not None:
            line = ["nsenter", "--net", f"--target={self.namespace}", *line]
        self._process = await start_process(
            *line, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
        )
        # Both print their line after the socket is bound: "listening on lo, …", "File: …".
        while not re.match(r"(tcpdump: )?listening on|File:", await self._line()):
            pass

    async def _line(self) -> str:
        assert self._process is not None
        assert self._process.stderr is not None
        line = (await self._process.stderr.readline()).decode()
        if not line:
            raise SnifferError("the sniffer ended: " + " ".join(self._report))
        self._report.append(line.strip())
        return line

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, such as one that lets the sniffer sleep."""
        assert self._process is not None
        self._process.send_signal(number)

    async def stop(self) -> None:
        """Stop once no packet has come for a while. Raise where packets were dropped."""
        process = self._process
        if process is None:
            return
        self._process = None
        await self._quiet(QUIET_SECONDS)
        process.send_signal(signal.SIGINT)
        _, errors = await process.communicate()
        report = errors.decode()
        dropped = re.search(r"^(\d+) packets dropped by kernel", report, re.MULTILINE)
        if dropped is None:
            dropped = re.search(r"received/dropped on interface .*: \d+/(\d+) ", report)
        if dropped is None or (dropped[1] != "0" and not self.may_drop):
            raise SnifferError(f"{self.path.name}: packets were dropped: {report}")

    async def _quiet(self, seconds: float) -> None:
        """Return when the file has not grown for `seconds`."""
        size, still = -1, 0.0
        while still < seconds:
            await asyncio.sleep(0.1)
            now = self.path.stat().st_size
            still = still + 0.1 if now == size else 0.0
            size = now


def deliver(recorded: Path, target: Path, file_format: Format) -> None:
    """Move a finished recording to its place, compressed where the format says so."""
    if file_format == "pcap.gz":
        # A fixed time: the same packets give the same bytes.
        target.write_bytes(gzip.compress(recorded.read_bytes(), mtime=0))
        recorded.unlink()
    else:
        shutil.move(recorded, target)
    target.chmod(0o644)  # dumpcap's files are for their owner alone


def inject(keylog: Path, recorded: Path) -> None:
    """Put the secrets of a key log into a pcapng file, as a Decryption Secrets Block."""
    plain = recorded.with_suffix(".plain")
    shutil.move(recorded, plain)
    line = ["editcap", "--inject-secrets", f"tls,{keylog}", str(plain), str(recorded)]
    subprocess.run(line, check=True)
    plain.unlink()
